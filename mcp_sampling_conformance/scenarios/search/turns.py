"""The thread of Hypothesis and the event loop take turns: while one is at work the other stands still.

Hypothesis seeds the ``random`` module of the process while it makes an example, warns when somebody uses it meanwhile,
and puts its state back afterwards. Since the event loop stands still for these few milliseconds, no task of ours and no
system under test in this process sees any of that or takes part in it: when the loop goes on, the state of the module
and the filters of warnings are what they were.
"""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Callable


class Turns:
    """Work in a thread of its own, done while the thread that owns this waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._go_on, self._handed_back = threading.Semaphore(0), threading.Semaphore(0)
        self._state = random.getstate()  #: of the ``random`` module, as the thread left it
        self._failure: BaseException | None = None
        self.ended = False

    def take(self) -> None:
        """Wait while the thread works, until it hands back or ends. Raises what the work raised."""
        if self.ended:
            return
        theirs = random.getstate()
        with warnings.catch_warnings():
            # Another thread, of a system under test, may use ``random`` even now.
            warnings.filterwarnings("ignore", "Do not use the `random` module", FutureWarning)
            try:
                self._begin_or_go_on()
                self._handed_back.acquire()
            finally:
                self._state = random.getstate()
                random.setstate(theirs)
        if self._failure is not None:
            raise self._failure

    def _begin_or_go_on(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            random.setstate(self._state)
            self._go_on.release()

    def hand_back(self) -> None:
        """Called by the work: let the other thread go on, and wait for its next ``take``."""
        self._handed_back.release()
        self._go_on.acquire()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as failure:
            self._failure = failure
        self.ended = True
        self._handed_back.release()
