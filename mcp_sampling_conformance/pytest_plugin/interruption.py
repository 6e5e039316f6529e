"""Signals that end a run before it is through: Ctrl-C, and those with which a CI system cancels a job."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType

from ..transports.supervisor import kill_all

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: what is there where nobody has set a handler
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Interruption:
    """Takes signals as long as it is told to.

    A patient one lets the first end what is being judged, which asks for ``reason``; the next one ends pytest as Ctrl-C
    does by default. One that is not patient does so with the first.
    """

    def __init__(self, *, patient: bool, in_worker: bool) -> None:
        self.patient = patient
        self.reason = ""  #: why the run is to end now, as a clause; nothing as long as it is not
        self.workers: list[int] = []  #: the processes of pytest-xdist's workers, in the process that controls them
        self._in_worker = in_worker
        self._taken: set[signal.Signals] = set()

    def take(self, numbers: Iterable[signal.Signals] = SIGNALS) -> None:
        """Take these signals from now on, but those that somebody else takes or ignores."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in set(numbers) - self._taken:
            if signal.getsignal(number) in _DEFAULTS:
                signal.signal(number, self._come)
                self._taken.add(number)

    def give_back(self, numbers: Iterable[signal.Signals] = SIGNALS) -> None:
        """Take these signals no more."""
        for number in self._taken.intersection(numbers):
            if signal.getsignal(number) == self._come:
                signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
            self._taken.remove(number)

    def _come(self, number: int, frame: FrameType | None) -> None:
        first = not self.reason
        self.reason = self.reason or f"the run was interrupted ({signal.Signals(number).name})"
        if self.patient and first:
            self._tell_workers(signal.SIGINT)
        elif not (self.patient and self._in_worker):  # a terminal signals all, and the controlling process once more
            kill_all()
            self._tell_workers(signal.SIGKILL)
            raise KeyboardInterrupt

    def _tell_workers(self, number: signal.Signals) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                os.kill(worker, number)
