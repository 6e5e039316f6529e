"""How fast a system under test is: what tells its silence from slowness, on whatever machine it runs."""

from __future__ import annotations

#: what took some time may take so many times that, once more
_FACTOR = 10
#: but nothing is given more than so many times the time-out besides
_MOST = 1


class Pace:
    """The longest that a system took for anything that came in the end: a start, an answer, a request of its own.

    It is shared by all connections of a run. Under load it grows, and with it what is waited for.
    """

    def __init__(self, start_timeout: float | None = None) -> None:
        self._start_timeout = start_timeout  #: seconds that a start may take; ``None``: no more than an answer
        self.slowest: float | None = None  #: in seconds; ``None``: nothing came yet
        self.count, self.total = 0, 0.0  #: of what came, and the seconds that it took
        self.slowest_start: float | None = None  #: likewise of start-ups, which say nothing of answers

    def saw(self, seconds: float) -> None:
        """Something took so long."""
        self.count += 1
        self.total += seconds
        self.slowest = max(self.slowest or 0.0, seconds)

    def saw_start(self, seconds: float) -> None:
        """A start took so long, up to the answer to the opening."""
        self.slowest_start = max(self.slowest_start or 0.0, seconds)

    def gave_up(self) -> None:
        """Something did not come at all: who has answered nothing else so far is taken for silent, not for slow."""
        self.slowest = self.slowest or 0.0

    def margin(self, timeout: float) -> float:
        """The seconds that an answer may take beyond the time-out before its absence counts as silence."""
        most = _MOST * timeout
        return most if self.slowest is None else min(most, _FACTOR * self.slowest)

    def start(self, timeout: float) -> float:
        """The seconds that a start may take: all that there is for the first one, and afterwards, within that, the
        time-out or what is slow even for this system."""
        most = timeout if self._start_timeout is None else self._start_timeout
        return most if self.slowest_start is None else min(most, max(timeout, _FACTOR * self.slowest_start))
