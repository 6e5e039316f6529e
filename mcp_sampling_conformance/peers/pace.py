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

    def __init__(self) -> None:
        self.slowest: float | None = None  #: in seconds; ``None``: nothing came yet

    def saw(self, seconds: float) -> None:
        """Something took so long."""
        self.slowest = max(self.slowest or 0.0, seconds)

    def gave_up(self) -> None:
        """Something did not come at all: who has answered nothing else so far is taken for silent, not for slow."""
        self.slowest = self.slowest or 0.0

    def margin(self, timeout: float) -> float:
        """The seconds that an answer may take beyond the time-out before its absence counts as silence."""
        most = _MOST * timeout
        return most if self.slowest is None else min(most, _FACTOR * self.slowest)
