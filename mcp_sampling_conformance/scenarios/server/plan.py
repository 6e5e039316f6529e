"""Which probes to perform in a revision, in which order, on which connections, and when to leave one out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import anyio

from ...peers.client import FixtureClient
from ...protocol.revisions import Revision
from ..conditions import Progress
from .callees import Callee, Found
from .ground import Connect, Ground
from .probes import FIRST, SECOND, ProbeScript, perform, probes_for
from .several_calls import of_several_calls

#: a group of probes is left out once so many of the group hung or ended the server
_STRIKES = 2
#: once so many did, of whatever group, what is left is done side by side, and one more of a group ends it
_STRIKES_OF_ALL = 2
#: so many new connections may fail until what is left is given up
_MOST_REFUSALS = 2

#: of what samples and is of the same sort as something that gets every probe, so many get the short list
MOST_LIKE_OTHERS = 10

PlannedProbe = tuple[ProbeScript, Callee]


def plain_calls(found: Found) -> list[PlannedProbe]:
    """Two plain calls of everything that samples, and then answers."""
    return [(probe, callee) for callee in found.called for probe in (FIRST, SECOND)]


def all_probes(revision: Revision, found: Found) -> list[PlannedProbe]:
    """Everything for the main connection: the plain calls, then valid answers for all callees before hostile ones for
    any. What is like something else gets a short list of them."""
    chosen = [(probe, callee) for callee in found.probed for probe in probes_for(revision, found.offers_tools(callee))]
    for callee in [callee for callee in found.called if callee not in found.probed][:MOST_LIKE_OTHERS]:
        probes = probes_for(revision, found.offers_tools(callee))
        chosen += [(probe, callee) for probe in probes if probe.short]
    chosen += of_several_calls(revision, found)
    return plain_calls(found) + sorted(chosen, key=lambda planned: planned[0].hostile)


class PlainCalls(NamedTuple):
    """What came of the plain calls of a connection."""

    good: bool  #: the connection is good for more
    sampled: bool  #: one of them sampled


async def call_plainly(client: FixtureClient, found: Found, *, once: bool = False) -> PlainCalls:
    """Make the plain calls, or with ``once`` the first of everything that samples."""
    sampled = False
    for probe, callee in plain_calls(found):
        if once and probe is not FIRST:
            continue
        good = await perform(client, probe, callee)
        sampled |= bool(client.sampling)
        if not good:
            return PlainCalls(False, sampled)
    return PlainCalls(True, sampled)


class Plan:
    """What is left to be done in one revision, over as many connections as it takes."""

    def __init__(self, revision: Revision, probes: Iterable[PlannedProbe], progress: Progress) -> None:
        probes = list(probes)
        #: those that are done beside the others, on another connection
        self.finer = [planned for planned in probes if planned[0].finer]
        #: those after which nothing else is done on a connection: for one that is about to be closed
        self.last = [planned for planned in probes if planned[0].last]
        self.left = [planned for planned in probes if not (planned[0].finer or planned[0].last)]
        self.begun = anyio.Event()  #: the plain calls are over
        self.performed = anyio.Event()  #: nothing more of it is done on the main connection
        self.hung = False  #: one of the plain calls hung: this server is slow to show anything
        self.struck = False  #: some probe hung or ended the server
        self._revision = revision
        self._progress = progress
        self._strikes: Counter[str] = Counter()  #: probes that failed, by group
        self._refusals = 0  #: new connections that came to nothing
        self._note_begun()

    async def perform(self, place: Ground, lanes: anyio.Semaphore) -> None:
        """Perform what is left, in order, on the connection that there is, and on new ones where the server has hung or
        ended. One that does so again and again gets the rest side by side, a connection for each group of probes.

        ``lanes`` limits how many those are at a time.
        """
        while self.left and self._refusals < _MOST_REFUSALS and self._all_strikes < _STRIKES_OF_ALL:
            client = place.client if place.has(alone=False) else await place.renew()
            if client is None:
                self._refusals += 1
            else:
                await self._perform(client, self.left)
        groups: dict[str, list[PlannedProbe]] = {}
        for planned in self.left:
            groups.setdefault(planned[0].group, []).append(planned)
        self.left.clear()
        async with anyio.create_task_group() as tasks:
            for group in groups.values():
                tasks.start_soon(self._perform_apart, group, place.connect, lanes)
        self.left += [planned for group in groups.values() for planned in group]

    async def perform_beside(self, client: FixtureClient) -> None:
        """Perform those that are done beside the others, on a connection that is good."""
        await self._perform(client, self.finer)

    async def perform_last(self, client: FixtureClient) -> None:
        """Perform those that come last on a connection, if it is good."""
        if not client.struggling:
            await self._perform(client, self.last)

    async def perform_rest_apart(self, place: Ground, lanes: anyio.Semaphore) -> None:
        """Perform what is left of both on connections of their own."""
        await self._perform_apart(self.finer, place.connect, lanes)
        await self._perform_apart(self.last, place.connect, lanes)

    async def _perform_apart(self, left: list[PlannedProbe], connect: Connect, lanes: anyio.Semaphore) -> None:
        """Perform these on new connections, one after the other, while the server comes up for them."""
        while left and self._refusals < _MOST_REFUSALS:
            async with lanes, connect() as client:
                if client is None:
                    self._refusals += 1
                else:
                    await self._perform(client, left)

    async def _perform(self, client: FixtureClient, left: list[PlannedProbe]) -> None:
        while left:
            probe, callee = left.pop(0)
            self._progress(f"{self._revision.name}: {probe.name}")
            good = await perform(client, probe, callee)
            if not good:
                self._strike(probe, client)
                for some in (left, self.finer):
                    some[:] = [planned for planned in some if not self._is_hopeless(planned)]
            self._note_begun()
            if not good:
                return

    @property
    def _all_strikes(self) -> int:
        return sum(self._strikes.values())

    def _strike(self, probe: ProbeScript, client: FixtureClient) -> None:
        """Take from what is left that for which there is no hope after a probe has failed."""
        self.struck = True
        self._strikes[probe.group] += 1
        if probe in (FIRST, SECOND):
            # A server that fails the plainest call has nothing more to show.
            self.hung |= not client.gone
            for left in (self.left, self.finer, self.last):
                left.clear()

    def _is_hopeless(self, planned: PlannedProbe) -> bool:
        most = _STRIKES if self._all_strikes <= _STRIKES_OF_ALL else 1
        return self._strikes[planned[0].group] >= most

    def _note_begun(self) -> None:
        if not any(probe in (FIRST, SECOND) for probe, _ in self.left):
            self.begun.set()
