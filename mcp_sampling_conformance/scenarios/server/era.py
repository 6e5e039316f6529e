"""The run against a server in the revisions of one era, which share what is found out about it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import anyio

from ...peers.client import FixtureClient
from ...protocol.revisions import Revision
from ...transcript.events import SampledInLegacyEra
from ..conditions import Conditions
from ..search.sorts import Field
from .callees import Callee
from .connections import Connections
from .discovery import Discovery
from .examples import search_server
from .forms import first_form
from .further import FurtherConnection, further_connections
from .listing import settle
from .plan import Plan, all_probes
from .probes import FIRST, perform

#: so many new connections may fail until what is left in a revision is given up
_MOST_REFUSALS = 2


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
        self._discovered_in: Revision | None = None  #: its main connection has had the first call of each callee
        self._first: dict[Revision, FixtureClient | None] = {}  #: the first connection of each revision
        self._all_opened = anyio.Event()
        self._callees_known = anyio.Event()
        # The first connections of all revisions wait for one another; only the further ones are limited.
        self._limiter = anyio.Semaphore(max(2, os.cpu_count() or 2))

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
                tasks.start_soon(self._run_revision, revision)
            await self._find_callees()

    async def _find_callees(self) -> None:
        """Once every revision has its first connection: find out on the newest what to call."""
        await self._all_opened.wait()
        for revision in sorted(self._first, key=lambda revision: revision.name, reverse=True):
            client = self._first[revision]
            if client is not None:
                self._discovered_in = revision
                await self._discovery.find_out(client, revision)
                break
        self._callees_known.set()

    async def _run_revision(self, revision: Revision) -> None:
        """Everything for one revision: the main connection first, the others beside it, generated answers last."""
        connections, found = self._connections, self.found
        plan = Plan(revision, [], self._conditions.progress)
        async with anyio.create_task_group() as tasks:
            async with connections.open(revision, first_form(revision)) as client:
                if client is not None:
                    await client.begin()
                self._note_first(revision, client)
                await self._callees_known.wait()
                main = found.fallback_form or first_form(revision)
                if client is not None and found.sampling:
                    for further in further_connections(revision, main):
                        tasks.start_soon(self._limited, further, revision)
                    probes = all_probes(revision, found)
                    if revision == self._discovered_in:
                        probes = [planned for planned in probes if planned[0] is not FIRST]
                    plan = Plan(revision, probes, self._conditions.progress)
                    if client not in self._discovery.used_up and main == first_form(revision):
                        await settle(client, found.sampling)
                        await plan.perform(client)
            # A server that ended or hung is started again for what is left.
            refusals = 0
            while plan.left and refusals < _MOST_REFUSALS:
                async with connections.ready(revision, main, found.sampling) as client:
                    if client is None:
                        refusals += 1
                    else:
                        await plan.perform(client)
            if plan.left and connections.record(revision).opened:
                left = f"{len(plan.left)} probes were left out, for the server did not come up again for them"
                connections.record(revision).notes.append(left)
        if found.sampling and connections.record(revision).opened and self._conditions.generated.examples:
            self.searched.append(await search_server(connections, found, revision, main, self._conditions))

    def _note_first(self, revision: Revision, client: FixtureClient | None) -> None:
        self._first[revision] = client
        if len(self._first) == len(self.revisions):
            self._all_opened.set()

    async def _limited(self, further: FurtherConnection, revision: Revision) -> None:
        async with self._limiter:
            await further(self._connections, self.found, revision)

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
        for client in filter(None, self._first.values()):
            for callee in legacy.found.sampling:
                client.transcript.note(SampledInLegacyEra(callee.label, legacy.spoken[-1]))
