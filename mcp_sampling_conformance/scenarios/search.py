"""The search with generated examples.

Hypothesis makes them on a thread of its own, and shrinks the first that breaks a rule; whoever holds the connection to
the system under test asks for them one by one, tries them, and says what broke. Nothing is tried twice: what is known
of an example is remembered, and so Hypothesis sees a system that always does the same. While it shrinks, a wait in vain
is cut short; what comes out in the end is tried once more on a fresh connection, with all the time that there is.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any

import anyio
from anyio import from_thread, to_thread

from ..transcript.transcript import Transcript

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: after so many examples Hypothesis begins to repeat parts of them, so they are drawn in rounds
_ROUND = 10
#: what is found at most in one search; each find costs a shrink
_MOST_FINDS = 2
#: so many examples may break nothing but what is known to be broken, and spend the connection, which takes long
_MOST_REPEATED = 3
#: how many examples a shrink may try
_SHRINK_TRIALS = 150
#: and how many seconds it may take
_SHRINK_SECONDS = 15.0
#: so many of the smallest examples are tried again, until one of them breaks a rule once more
_CANDIDATES = 4
#: while shrinking an answer is waited for so many times as long as the slowest so far took, and no less than the floor
_SLOWER, _FLOOR = 20, 0.5
#: how much of an example a message shows
SHOWN = 500


@dataclass(frozen=True)
class Generated:
    """How much is generated: examples of each sort in each revision, and the seed that makes the same ones again."""

    examples: int
    seed: int


NOTHING = Generated(0, 0)


@dataclass(frozen=True)
class Example:
    """Something to send: ``value`` is JSON, ``hostile`` says whether it breaks the specification."""

    group: str  #: what rules look for
    value: Any
    name: str  #: for people; completes "... after NAME"
    target: str = ""  #: what is called with it, by its label
    hostile: bool = False
    sound: Example | None = None  #: of a hostile one, what it was before it was broken

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis shows it; the whole may be huge."""
        printer.text(self.name)


@dataclass(eq=False)
class Trial:
    """One example to be tried."""

    example: Example
    seconds: float  #: how long an answer may take
    alone: bool  #: on a connection of its own
    broken: frozenset[str] = frozenset()  #: the rules that broke
    transcript: Transcript | None = None  #: up to the end of the trial, where a rule broke
    spent: bool = False  #: the connection is good for no more
    done: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True)
class Find:
    """The smallest example that was found to break some rules, and the record of it."""

    example: Example
    rules: frozenset[str]
    transcript: Transcript
    alone: bool  #: it breaks them on a fresh connection too, whatever came before
    seed: int  #: finds it again
    spent: bool  #: it hung or killed the system under test


def _up_to_now(transcript: Transcript) -> Transcript:
    """What comes later on the connection may be cut short by a shrink, and is not to be judged."""
    return replace(transcript, items=transcript.items[:])


class _Broken(Exception):
    """An example broke a rule that is not known to be broken."""


class Search:
    """One search. Use ``running`` around what takes trials with ``next`` and returns them with ``finish``."""

    def __init__(
        self,
        strategy: Callable[[], SearchStrategy[Example]],
        how: Generated,
        timeout: float,
        known: set[str] | None = None,
    ) -> None:
        self.known = set() if known is None else known  #: rules known to be broken; what breaks more is a find
        self.finds: list[Find] = []
        self.plain: list[Transcript] = []  #: of calls with nothing generated in them that broke a rule all the same
        self.tried = 0
        self.cut_short = ""  #: why not everything was tried that was asked for
        self._strategy = strategy
        self._how = how
        self._timeout = timeout
        self._hand, self._ask = anyio.create_memory_object_stream[Trial](0)
        self._over = False
        self._pending: Trial | None = None
        self._outcomes: dict[str, Trial] = {}  #: of the examples that had all the time there is
        self._slowest = 0.0
        self._repeated = 0  #: examples that broke nothing but what is known, and spent the connection

    # --- for whoever holds the connection

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The search, at work as long as the context is open."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            try:
                yield
            finally:
                self.close()

    async def next(self) -> Trial | None:
        """What is to be tried next; ``None`` when the search is over."""
        try:
            return await self._ask.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            return None

    def plainly(self, transcript: Transcript, broken: frozenset[str]) -> None:
        """Say which rules a new connection broke before anything was tried on it: that is no matter of what is
        generated, but to be judged none the less."""
        if broken - self.known:
            self.plain.append(_up_to_now(transcript))
        self.known |= broken

    def finish(self, trial: Trial, transcript: Transcript, broken: frozenset[str], took: float, spent: bool) -> None:
        """Say which rules broke in a trial, how long it took, in seconds, and whether that spent the connection."""
        trial.broken, trial.spent = broken, spent
        if broken:
            trial.transcript = _up_to_now(transcript)
        if not spent:
            self._slowest = max(self._slowest, took)
        trial.done.set()

    def close(self, why: str = "") -> None:
        """Nothing more can be tried, for this reason."""
        if not self._over:
            self.cut_short = why
        self._over = True
        self._ask.close()
        if self._pending is not None:
            self._pending.done.set()

    @property
    def over(self) -> bool:
        return self._over

    # --- the thread

    async def _run(self) -> None:
        await to_thread.run_sync(self._find_all)
        self._over = True
        self._hand.close()

    def _find_all(self) -> None:
        examples = self._strategy()
        for _ in range(_MOST_FINDS):
            found = self._find(examples)
            if not found:
                return
            again = self._confirmed(found)
            if not again and not found[0].broken - self.known:
                continue  # a plain call was seen to break it as well
            sound = again.example.sound if again else None
            # What the valid rest does alone is not to be laid at the violation's door.
            without = self._try(sound, inf, alone=True) if sound else None
            if without and without.broken - self.known:
                self._keep(without, alone=True)
                return
            self._keep(again or found[0], alone=again is not None)

    def _confirmed(self, found: Sequence[Trial]) -> Trial | None:
        """The smallest that breaks a rule on a fresh connection too; the shrink may have taken slowness for silence."""
        for trial in dict.fromkeys([*found[: -_CANDIDATES - 1 : -1], found[0]]):
            again = self._try(trial.example, inf, alone=True)
            if again.broken - self.known:
                return again
        return None

    def _keep(self, trial: Trial, *, alone: bool) -> None:
        rules = trial.broken - self.known
        self.known |= rules
        assert trial.transcript is not None
        self.finds.append(Find(trial.example, rules, trial.transcript, alone, self._how.seed, trial.spent))

    def _find(self, examples: SearchStrategy[Example]) -> list[Trial]:
        """Examples that break a rule not known to be broken, from the first one on ever smaller; none if there are
        none."""
        for begin in range(0, self._how.examples, _ROUND):
            if self._over:
                break
            found = self._hunt(examples, min(_ROUND, self._how.examples - begin), f"{self._how.seed}/{begin}")
            if found:
                return found
        return []

    def _hunt(self, examples: SearchStrategy[Example], most: int, random_seed: str) -> list[Trial]:
        from hypothesis import given, seed

        from ..strategies.settings import own_settings

        shrunk: dict[str, Trial] = {}  #: what broke a rule in the short time given while shrinking
        found: list[Trial] = []  #: in order
        until = inf
        trials = 0

        def try_once(example: Example) -> Trial:
            nonlocal until, trials
            key = json.dumps([example.group, example.target, example.value], sort_keys=True)
            if key in shrunk:
                return shrunk[key]
            if key in self._outcomes:
                return self._outcomes[key]
            if self._repeated >= _MOST_REPEATED:
                self.cut_short = "it hung or ended again and again"
                return Trial(example, 0, False)
            if found:
                trials += 1
                if trials > _SHRINK_TRIALS or time.monotonic() > until:
                    return Trial(example, 0, False)
            trial = self._try(example, self._short if found else inf, alone=False)
            if trial.broken - self.known:
                if not found:
                    until = time.monotonic() + _SHRINK_SECONDS
                shrunk[key] = trial
            elif trial.broken and trial.spent:
                self._repeated += 1
            if not found or key not in shrunk:
                self._outcomes[key] = trial
            return trial

        @seed(random_seed)
        @own_settings(most)
        @given(examples)
        def hunt(example: Example) -> None:
            trial = try_once(example)
            # More may be known by now, but for Hypothesis an example always does the same.
            if trial in found or trial.broken - self.known:
                # The first, for which there was all the time, stays where it is.
                found[1:] = [*(one for one in found[1:] if one is not trial), trial]
                raise _Broken

        with suppress(_Broken):
            hunt()
        return found

    @property
    def _short(self) -> float:
        return max(_FLOOR, self._slowest * _SLOWER)

    def _try(self, example: Example, seconds: float, *, alone: bool) -> Trial:
        """Have one example tried; with nobody left to do so it breaks nothing."""
        trial = Trial(example, min(seconds, self._timeout), alone)
        # Hypothesis seeds it alike for each example; a system in this process would make the same ids again and again.
        random.seed()
        from_thread.run(self._hand_over, trial)
        return trial

    async def _hand_over(self, trial: Trial) -> None:
        if self._over:
            return
        self._pending = trial  # first, so that close() ends the wait below, whenever it comes
        try:
            await self._hand.send(trial)
        except anyio.BrokenResourceError:
            return
        self.tried += 1
        await trial.done.wait()


async def search_sorts(
    sorts: Mapping[str, Callable[[], SearchStrategy[Example]]],
    how: Generated,
    timeout: float,
    host: Callable[[Search], Awaitable[None]],
    progress: Callable[[str], None],
) -> list[Search]:
    """One search for each sort of examples, by its name; ``host`` tries what a search asks for."""
    searches: list[Search] = []
    known: set[str] = set()
    for sort, strategy in sorts.items():
        progress(f"generated {sort}")
        search = Search(strategy, how, timeout, known)
        async with search.running():
            await host(search)
        searches.append(search)
        if any(find.spent for find in search.finds):
            break  # what valid content does, the rest of invalid content would do as well
    return searches
