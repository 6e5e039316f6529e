"""The run against a server in one revision: the main connection first, the others beside it, generated answers last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import anyio
from anyio.abc import TaskGroup

from ...peers.client import FixtureClient
from ...protocol.revisions import Revision
from ..conditions import Conditions
from ..search.sorts import Field
from .connections import Connections
from .discovery import Discovery
from .examples import search_server
from .forms import first_form
from .further import FurtherConnection, all_forms, further_connections
from .ground import Ground, ground
from .listing import settle
from .plan import Plan, PlannedProbe, all_probes
from .probes import FIRST


class RevisionScenario:
    """What is done in one revision, once it is known what to call."""

    def __init__(
        self, revision: Revision, connections: Connections, discovery: Discovery, conditions: Conditions
    ) -> None:
        self.revision = revision
        self.searched: Field | None = None  #: the place of the search for more, where there was one
        self._connections = connections
        self._discovery = discovery
        self._found = discovery.found
        self._conditions = conditions
        self._main = first_form(revision)  #: the form of the capability that gets all the probes

    async def run(self, first: FixtureClient) -> None:
        """Do all of it, beginning on the first connection of the revision, on which nothing but the discovery was
        done."""
        found, usable = self._found, first not in self._discovery.used_up
        if found.fallback_form not in (None, self._main):
            self._main, usable = found.fallback_form, False
        plan = Plan(self.revision, self._probes(), self._conditions.progress)
        connect = partial(self._connections.ready, self.revision, self._main, found.sampling)
        if usable:
            await settle(first, found.sampling)
        async with ground(connect, first if usable else None) as place, anyio.create_task_group() as tasks:
            further = self._start_further(tasks, place, plan)
            await plan.perform(place, self._connections.lanes)
            plan.begun.set()
            plan.performed.set()
            for settled in further:
                await settled.wait()
            await self._finish(plan, place)

    async def _finish(self, plan: Plan, place: Ground) -> None:
        """What is done on the main connection once nothing but the end of a process is waited for on any other."""
        await plan.perform_rest_apart(place, self._connections.lanes)
        if left := len(plan.left) + len(plan.finer) + len(plan.last):
            note = f"{left} probes were left out, for the server did not come up again for them"
            self._connections.record(self.revision).notes.append(note)
        if self._conditions.generated.examples and not plan.hung:
            self.searched = await search_server(
                self._connections, self._found, self.revision, self._conditions, place, hasty=plan.struck
            )

    def _probes(self) -> Sequence[PlannedProbe]:
        """All probes, but for the calls that the discovery has made already; or, where the discovery was in another
        revision, for those that come here only if they show something there."""
        probes = all_probes(self.revision, self._found)
        if self.revision != self._discovery.revision:
            return [(probe, callee) for probe, callee in probes if not probe.finer]
        return [(probe, callee) for probe, callee in probes if probe is not FIRST or callee.label in self._found.silent]

    async def try_finer(self) -> None:
        """Do on fresh connections what was left out because it was done in another revision."""
        finer = [planned for planned in all_probes(self.revision, self._found) if planned[0].finer]
        plan = Plan(self.revision, finer, self._conditions.progress)
        async with ground(partial(self._connections.ready, self.revision, self._main, self._found.sampling)) as place:
            await plan.perform_rest_apart(place, self._connections.lanes)

    def _start_further(self, tasks: TaskGroup, place: Ground, plan: Plan) -> list[anyio.Event]:
        """Start what is done on other connections, once the plain calls have shown that this is worth while. What shows
        a server that asks although it must not comes first, and is done in any case.

        Returns an event for each, which is set once it is over but for a process that may take its time to end.
        """
        further: list[FurtherConnection] = further_connections(self.revision, self._main, place)
        if self.revision.modern:
            further = [partial(all_forms, self.revision, self._main, place)]
        settled = [anyio.Event() for _ in further]

        async def perform(position: int) -> None:
            try:
                await further[position](self._connections, self._found, plan, settled[position])
            finally:
                settled[position].set()

        async def in_turn(position: int) -> None:
            await plan.begun.wait()
            if position and plan.hung:
                settled[position].set()
                return
            async with self._connections.turns:
                tasks.start_soon(perform, position)
                await settled[position].wait()

        for position in range(len(further)):
            tasks.start_soon(in_turn, position)
        return settled
