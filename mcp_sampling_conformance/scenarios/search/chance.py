"""Whose chance it is: Hypothesis seeds the ``random`` module of the process while it makes and tries an example.

Whatever else is at work in this process, be it a callback or a server under test or the user's own tests, has its own
chance all the same: the state of the module is theirs again while an example is being tried, and in the end. Searches
take turns in having the module, so that none finds the state changed by another one while it draws, to which Hypothesis
objects.
"""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_TURN = threading.Lock()


class Chance:
    """The ``random`` module, as the thread of one search has it."""

    def __init__(self) -> None:
        self._theirs = random.getstate()  #: the state as others left it

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The time in which Hypothesis makes examples."""
        from hypothesis.errors import HypothesisDeprecationWarning

        # A system in this process may use the module in another thread while an example is drawn here.
        warnings.filterwarnings("ignore", "Do not use the `random` module", HypothesisDeprecationWarning)
        with _TURN:
            self._theirs = random.getstate()
            try:
                yield
            finally:
                random.setstate(self._theirs)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """The time in which an example is tried."""
        ours = random.getstate()
        random.setstate(self._theirs)
        _TURN.release()
        try:
            yield
        finally:
            _TURN.acquire()
            self._theirs = random.getstate()
            random.setstate(ours)
