"""Hypothesis at work: examples until one breaks a rule, then smaller ones that break one too.

No example is tried twice: what came of each is remembered, so that Hypothesis sees a system that always does the same.
While Hypothesis shrinks, an answer is waited for only as long as the answers so far make likely; what comes out in the
end is tried once more on a fresh connection, with all the time that there is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from anyio import to_thread

from ..conditions import Generated
from .example import Attempt, Example, Find
from .search import Search

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: examples in one run of Hypothesis: after so many it begins to repeat parts of them
_RUN = 10
#: finds of one search at most; each costs a shrink
_MOST_FINDS = 2
#: a search ends when so many examples hung or ended the system under test and broke no rule that was not known to be
#: broken: each of them costs a new connection, and most of them the whole time-out
_MOST_WASTED = 3
#: how many examples a shrink may try
_SHRINK_ATTEMPTS = 150
#: and how many seconds it may take
_SHRINK_SECONDS = 15.0
#: so many of the smallest examples are tried again, until one of them breaks a rule once more
_CANDIDATES = 4
#: while shrinking an answer is waited for so many times as long as the slowest so far took, and no less than the floor
_SLOWER, _FLOOR = 20, 0.5


@asynccontextmanager
async def searching(
    examples: Callable[[], SearchStrategy[Example]] | Sequence[Find],
    generated: Generated,
    timeout: float,
    known: set[str] | None = None,
    *,
    hasty: bool = False,
) -> AsyncIterator[Search]:
    """A search that goes on while the context is open; whoever has it takes attempts with ``next`` until that gives
    ``None``, and returns each with ``finish``. Examples come from a strategy, or were found in another search.

    An answer may take ``timeout`` seconds, and with ``hasty`` much less but where a find is confirmed. ``known`` are
    the rules known to be broken, to which the search adds.
    """
    await to_thread.run_sync(_import_hypothesis)  # takes long, and the event loop is not to stand still for it
    search = Search(timeout, known)
    hunt = Hunt(search, generated, hasty=hasty)
    search.have_made(partial(hunt.run, examples) if callable(examples) else partial(hunt.try_again, examples))
    try:
        yield search
    finally:
        search.end()


def _import_hypothesis() -> None:
    from ... import strategies  # noqa: F401


class _Broken(Exception):
    """An example broke a rule that is not known to be broken."""


class _Enough(BaseException):
    """No more examples are wanted. Hypothesis takes this for no failure of an example, and passes it on."""


class Hunt:
    """What the thread of a search does."""

    def __init__(self, search: Search, generated: Generated, *, hasty: bool = False) -> None:
        self.search = search
        self._always_hasty = hasty
        self.outcomes: dict[str, Attempt] = {}  #: what came of each example, by its key
        self._generated = generated
        self._slowest = 0.0  #: seconds that an attempt took which left the connection in order
        self._wasted = 0

    def run(self, strategy: Callable[[], SearchStrategy[Example]]) -> None:
        """Find what breaks rules, and keep it in the search."""
        examples = strategy()
        for _ in range(_MOST_FINDS):
            broke = self._first_and_smaller(examples)
            if not broke:
                return
            confirmed = self._confirmed(broke)
            if confirmed is None and (self._always_hasty or not self.search.unknown(broke[0])):
                # It was slow, not silent; or a plain call was seen to break the same rules in the meantime.
                continue
            if confirmed and self._valid_rest_is_to_blame(confirmed):
                return
            self.search.keep(confirmed or broke[0], alone=confirmed is not None, seed=self._generated.seed)

    def try_again(self, finds: Sequence[Find]) -> None:
        """Keep what breaks rules here too, on a fresh connection, unless others do already."""
        for find in finds:
            if find.rules <= self.search.known or self.search.over:
                continue
            attempt = self._attempt(find.example, inf, alone=True)
            if self.search.unknown(attempt):
                self.search.keep(attempt, alone=True, seed=find.seed)

    def _first_and_smaller(self, examples: SearchStrategy[Example]) -> Sequence[Attempt]:
        """Attempts that broke a rule not known to be broken: the first, then ever smaller ones; none if none did."""
        for begin in range(0, self._generated.examples, _RUN):
            if self.search.over:
                break
            run = _Run(self)
            run.go(examples, min(_RUN, self._generated.examples - begin), f"{self._generated.seed}/{begin}")
            if run.broke:
                return run.broke
        return []

    def _confirmed(self, broke: Sequence[Attempt]) -> Attempt | None:
        """The smallest that breaks a rule on a fresh connection too: what seemed silent during the shrink may only have
        been slow."""
        for attempt in dict.fromkeys([*broke[: -_CANDIDATES - 1 : -1], broke[0]]):
            again = self._attempt(attempt.example, inf, alone=True)
            if self.search.unknown(again):
                return again
        return None

    def _valid_rest_is_to_blame(self, attempt: Attempt) -> bool:
        """Whether a hostile example breaks a rule without its violation too; if so, that is kept as the find."""
        sound = attempt.example.sound
        valid = self._attempt(sound, inf, alone=True) if sound else None
        if valid is None or not self.search.unknown(valid):
            return False
        self.search.keep(valid, alone=True, seed=self._generated.seed)
        return True

    # --- what the runs share

    def try_in_company(self, example: Example, *, hastily: bool) -> Attempt:
        """Have an example tried on the connection that there is; ``hastily``: with little time for an answer."""
        short = max(_FLOOR, self._slowest * _SLOWER)
        attempt = self._attempt(example, short if hastily or self._always_hasty else inf, alone=False)
        if attempt.broken and attempt.spent and not self.search.unknown(attempt):
            self._wasted += 1
        return attempt

    def wastes_time(self) -> bool:
        """Whether too many examples spent their connections for nothing; the search then is cut short."""
        if self._wasted < _MOST_WASTED:
            return False
        self.search.cut_short = "it hung or ended again and again"
        return True

    def _attempt(self, example: Example, seconds: float, *, alone: bool) -> Attempt:
        attempt = self.search.attempt(example, seconds, alone=alone)
        if not attempt.spent:
            self._slowest = max(self._slowest, attempt.took)
        return attempt


class _Run:
    """One run of Hypothesis. It ends when the examples are used up, or the first that broke a rule is shrunk."""

    def __init__(self, hunt: Hunt) -> None:
        self.broke: list[Attempt] = []  #: those that broke a rule: the first, then ever smaller ones
        self._hunt = hunt
        self._broke_by_key: dict[str, Attempt] = {}  #: the same, by the keys of their examples
        self._shrink_attempts = 0
        self._shrink_ends = inf  #: by the monotonic clock

    def go(self, examples: SearchStrategy[Example], most: int, random_seed: str) -> None:
        """Draw so many examples at most, and try them."""
        from hypothesis import given, seed

        from ...strategies.settings import own_settings

        @seed(random_seed)
        @own_settings(most)
        @given(examples)
        def check(example: Example) -> None:
            attempt = self._outcome(example)
            # More may be known to be broken by now, but for Hypothesis an example always does the same.
            if attempt in self.broke or self._hunt.search.unknown(attempt):
                self._note(attempt)
                raise _Broken

        with suppress(_Broken, _Enough):
            check()

    def _note(self, attempt: Attempt) -> None:
        """Put an attempt last, for the smallest example comes last. The first one stays where it is besides: it alone
        had all the time that there is."""
        smaller = [one for one in self.broke[1:] if one is not attempt]
        self.broke[1:] = [*smaller, attempt]

    def _outcome(self, example: Example) -> Attempt:
        """What comes of an example, or came of it before. Raises ``_Enough`` where there is no use in trying more."""
        key = example.key
        if known := self._broke_by_key.get(key) or self._hunt.outcomes.get(key):
            return known
        if self._hunt.search.over or self._hunt.wastes_time() or self._shrunk_enough():
            raise _Enough
        shrinks = bool(self.broke)
        attempt = self._hunt.try_in_company(example, hastily=shrinks)
        broke = bool(self._hunt.search.unknown(attempt))
        if broke:
            self._broke_by_key[key] = attempt
            if not shrinks:
                self._shrink_ends = time.monotonic() + _SHRINK_SECONDS
        # What breaks a rule for want of time may break none in another run.
        if not (broke and shrinks):
            self._hunt.outcomes[key] = attempt
        return attempt

    def _shrunk_enough(self) -> bool:
        """Count an attempt of the shrink, if one is under way; whether that is one too many."""
        if not self.broke:
            return False
        self._shrink_attempts += 1
        return self._shrink_attempts > _SHRINK_ATTEMPTS or time.monotonic() > self._shrink_ends
