"""The run against a server in the revisions of one era, which share what is found out about it."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from ...peers.client import FixtureClient
from ...protocol.revisions import Revision
from ...transcript.events import SampledInLegacyEra
from ...transcript.transcript import Side
from ..conditions import Conditions
from ..search.sorts import Field
from .callees import Callee
from .connections import Connections
from .discovery import Discovery
from .forms import NO_SAMPLING, first_form
from .probes import FIRST, finer_from, perform
from .revision import RevisionScenario


class Era:
    """One era: its revisions side by side, once it is known what to call."""

    def __init__(
        self, connections: Connections, revisions: Sequence[Revision], named: Sequence[Callee], conditions: Conditions
    ) -> None:
        self.revisions = revisions
        self._connections = connections
        self._conditions = conditions
        self._discovery = Discovery(connections, revisions[0].era, named, conditions.progress)
        self.found = self._discovery.found
        self.searched: list[Field] = []  #: the revisions in which there was a search
        self._scenarios: dict[Revision, RevisionScenario] = {}
        self._first: dict[Revision, FixtureClient | None] = {}  #: the first connection of each revision
        self._all_opened = anyio.Event()
        self._callees_known = anyio.Event()

    @property
    def modern(self) -> bool:
        return self.revisions[0].modern

    @property
    def spoken(self) -> list[str]:
        """The revisions that a connection agreed on."""
        return [revision.name for revision in self.revisions if self._connections.record(revision).opened]

    @property
    def stateless(self) -> str:
        """Why no sampling request of this era can come in, if so."""
        return "" if self.modern else self._connections.stateless

    async def run(self) -> None:
        """Everything that can be done without the other era."""
        async with anyio.create_task_group() as tasks:
            for revision in self.revisions:
                tasks.start_soon(self._run_guarded, revision)
            await self._find_callees()

    async def _find_callees(self) -> None:
        """Once every revision has its first connection: find out on the newest what to call."""
        await self._all_opened.wait()
        for revision in sorted(self._first, key=lambda revision: revision.name, reverse=True):
            client = self._first[revision]
            if client is not None:
                with self._connections.noting_bugs(revision):
                    others = [other for other in self._first.values() if other is not None and other is not client]
                    await self._discovery.find_out(client, revision, others)
                break
        self._callees_known.set()

    async def _run_guarded(self, revision: Revision) -> None:
        """Do all for a revision. A bug of ours costs no other revision what it has found."""
        with self._connections.noting_bugs(revision):
            await self._run_revision(revision)
        if revision not in self._first:
            self._note_first(revision, None)

    async def _run_revision(self, revision: Revision) -> None:
        """Open the first connection of a revision, and once it is known what to call, do all the rest."""
        async with self._connections.open(revision, first_form(revision)) as client:
            if client is not None:
                await client.begin()
            self._note_first(revision, client)
            await self._callees_known.wait()
            if client is not None and self.found.sampling:
                scenario = RevisionScenario(revision, self._connections, self._discovery, self._conditions)
                self._scenarios[revision] = scenario
                await scenario.run(client)
                self.searched += [scenario.searched] if scenario.searched else []

    def _note_first(self, revision: Revision, client: FixtureClient | None) -> None:
        self._first[revision] = client
        if len(self._first) == len(self.revisions):
            self._all_opened.set()

    async def try_finer(self) -> None:
        """Where the finer probes of the newest revision broke rules, do them in the others too."""
        newest = self._discovery.revision
        broken = self._broken(newest, finer=True) if newest in self._scenarios else frozenset()
        async with anyio.create_task_group() as tasks:
            for revision, scenario in self._scenarios.items():
                if revision != newest and broken - self._broken(revision):
                    tasks.start_soon(self._try_finer, scenario)

    async def _try_finer(self, scenario: RevisionScenario) -> None:
        with self._connections.noting_bugs(scenario.revision):
            await scenario.try_finer()

    def _broken(self, revision: Revision, *, finer: bool = False) -> frozenset[str]:
        """The rules that were broken in a revision; with ``finer`` those that were from the first finer probe of a
        connection on."""
        broken: set[str] = set()
        for transcript in self._connections.record(revision).transcripts:
            begin = finer_from(transcript) if finer else 0
            if begin is not None:
                broken |= self._conditions.broken_since(transcript, begin, revision, Side.SERVER)
        return frozenset(broken)

    # --- what shows only when the other era is known

    def note_not_spoken(self, other: Era) -> None:
        """Where the server speaks the other era, call what failed in this one not spoken: that is no failure."""
        for revision in self.revisions if other.spoken else ():
            record = self._connections.record(revision)
            if record.failure and not record.opened:
                record.not_negotiated = f"the server speaks {', '.join(other.spoken)} only: {record.failure}"
                record.failure = None

    async def call_what_samples_in(self, legacy: Era) -> None:
        """Call on a fresh connection what samples in the legacy era but not in this one, for a single failure may be
        chance; and note in the record what samples there."""
        missing = [callee for callee in legacy.found.sampling if callee not in self.found.sampling]
        for revision in self.revisions if missing and self.spoken else ():
            async with self._connections.ready(revision, first_form(revision), self.found.sampling) as client:
                for callee in missing:
                    if client is None or not await perform(client, FIRST, callee):
                        break
        for revision in self.revisions:
            # Where there was a search, it may have been on the first connection, of which the later part is not judged.
            transcripts, label = self._connections.record(revision).transcripts, self._connections.label
            beside = [each for each in transcripts if each.label == label(revision, NO_SAMPLING)]
            for callee in legacy.found.sampling if transcripts else ():
                (beside or transcripts)[0].note(SampledInLegacyEra(callee.label, legacy.spoken[-1]))
