"""One search, as it is shared by the task that holds the connection and the thread that makes examples.

The two take turns (``turns``): the next example is made as soon as the last one is finished.
"""

from __future__ import annotations

from collections.abc import Callable

from anyio.lowlevel import checkpoint

from ...transcript.transcript import Transcript
from .example import Attempt, Example, Find
from .turns import Turns


class Search:
    """What a search has come to so far, and the way of an attempt from the thread to the task and back."""

    def __init__(self, timeout: float, known: set[str] | None = None) -> None:
        self.known = set() if known is None else known  #: rules known to be broken; what breaks others is a find
        self.finds: list[Find] = []
        self.plain: list[Transcript] = []  #: of calls with nothing generated in them that broke a rule all the same
        self.tried = 0
        self.cut_short = ""  #: why not everything was tried that was asked for
        self._timeout = timeout
        self._over = False
        self._begun = False
        self._asked: Attempt | None = None  #: what Hypothesis wants tried next

    def have_made(self, work: Callable[[], None]) -> None:
        """Say what makes the examples, in a thread of its own."""
        self._turns = Turns(work)

    @property
    def over(self) -> bool:
        """Whether nothing more is tried."""
        return self._over

    # --- for the task that holds the connection

    async def next(self) -> Attempt | None:
        """What is to be tried next; ``None`` when the search is over."""
        await checkpoint()
        if not self._begun:
            self._begun = True
            self._go_on()
        attempt, self._asked = self._asked, None
        if self._over or attempt is None:
            return None
        self.tried += 1
        return attempt

    def plainly(self, transcript: Transcript, broken: frozenset[str]) -> None:
        """Say which rules a new connection broke before any example was tried on it. The examples are not to blame for
        these, and the connection so far is judged."""
        if broken - self.known:
            self.plain.append(_so_far(transcript))
        self.known |= broken

    def finish(
        self, attempt: Attempt, transcript: Transcript, broken: frozenset[str], took: float, spent: bool
    ) -> None:
        """Say which rules broke in an attempt, how many seconds it took, and whether it spent the connection."""
        attempt.broken, attempt.took, attempt.spent = broken, took, spent
        if self.unknown(attempt):
            attempt.transcript = _so_far(transcript)
        self._go_on()

    def close(self, why: str = "") -> None:
        """Nothing more can be tried, for this reason."""
        if not self._over:
            self.cut_short = why
        self._over = True

    def end(self) -> None:
        """Nothing more is tried; what was found so far is kept."""
        self.close()
        if self._begun:
            self._turns.take()

    def _go_on(self) -> None:
        """Have Hypothesis make what is to be tried next."""
        if not self._over:
            self._turns.take()
            self._over = self._over or self._turns.ended

    # --- for the thread that makes examples

    def attempt(self, example: Example, seconds: float, *, alone: bool) -> Attempt:
        """Have an example tried, and wait for it; where nobody is left to do so, nothing breaks.

        An answer may take ``seconds``, and no longer than the time-out; ``alone``: on a connection of its own.
        """
        attempt = Attempt(example, min(seconds, self._timeout), alone)
        if not self._over:
            self._asked = attempt
            self._turns.hand_back()
        return attempt

    def unknown(self, attempt: Attempt) -> frozenset[str]:
        """The rules that an attempt broke and that are not known to be broken."""
        return attempt.broken - self.known

    def keep(self, attempt: Attempt, *, alone: bool, seed: int) -> None:
        """An attempt broke rules that were not known to be broken: a find."""
        rules = self.unknown(attempt)
        self.known |= rules
        assert attempt.transcript is not None
        self.finds.append(Find(attempt.example, rules, attempt.transcript, alone, seed, attempt.spent))


def _so_far(transcript: Transcript) -> Transcript:
    """A transcript as it is now: what comes later on its connection may be cut short by a shrink, and is not judged."""
    return transcript.part(range(len(transcript.items)))
