"""Find out what to call to make a server sample: call what it lists, or what the user named, and see what samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import anyio

from ...peers.client import FixtureClient, tools_of
from ...protocol.names import CANCELLED
from ...protocol.revisions import Revision
from ...transcript.events import ProbeStarted
from ..conditions import Progress
from .callees import Callee, Found
from .connections import Connections
from .diagnosis import outcome
from .forms import EMPTY, first_form
from .listing import announced, list_candidates
from .probes import FIRST, plain
from .two_sessions import answering_idly

#: once so many calls were waited for in vain, the rest is called side by side, on so many connections, each until one
#: of its calls is waited for in vain too
_STRIKES, _SIDE_BY_SIDE = 2, 8
_NOT_CALLED = "calls of others were waited for in vain; name it, with --mcp-tool for instance, if it samples"


class Discovery:
    """Finds out for one era what to call."""

    def __init__(self, connections: Connections, era: str, named: Sequence[Callee], progress: Progress) -> None:
        self.found = Found(era, named=bool(named), candidates=list(named))
        self.used_up: set[FixtureClient] = set()  #: connections that nothing more is to be done on
        self.revision: Revision | None = None  #: the one in which everything was called once
        self._connections = connections
        self._progress = progress
        self._others: list[FixtureClient] = []  #: further sessions, of which a server may ask the wrong one

    async def find_out(self, client: FixtureClient, revision: Revision, others: Iterable[FixtureClient] = ()) -> None:
        """Call all candidates, on this connection as long as it lasts; ``found`` then says what samples.

        ``others`` are connections on which nothing is done meanwhile."""
        found = self.found
        self._others = [] if self._connections.transport == "stdio" else list(others)
        found.opened, self.revision = True, revision
        left = await self._try_all(client, found.candidates if found.named else await self._new_candidates(client))
        # Some servers list what samples only once they know their client, and announce it.
        if not found.named and (client.lists_changed or (not found.sampling and await announced(client))):
            client.lists_changed = False
            left += await self._try_all(client, await self._new_candidates(client))
        while left and len(found.silent) < _STRIKES:
            async with self._connections.ready(revision, first_form(revision), found.sampling) as again:
                if again is None:
                    break
                left = await self._try_all(again, left)
        if left and len(found.silent) >= _STRIKES:
            await self._try_side_by_side(revision, left)
        if not found.sampling and first_form(revision) != EMPTY:
            await self._try_plain_form(revision)

    async def _new_candidates(self, client: FixtureClient) -> list[Callee]:
        """What the server lists now and is no candidate yet; it becomes one."""
        labels = {callee.label for callee in self.found.candidates}
        new: list[Callee] = []
        for callee in await list_candidates(client, self.found.uncalled):
            if callee.label not in labels:
                labels.add(callee.label)
                new.append(callee)
        self.found.candidates += new
        return new

    async def _try_plain_form(self, revision: Revision) -> None:
        """Where nothing samples for a client with sub-capabilities, see whether something does for one without."""
        notes = dict(self.found.notes)
        async with self._connections.ready(revision, EMPTY, self.found.sampling) as client:
            if client is not None:
                await self._try_all(client, [c for c in self.found.candidates if c.label not in self.found.silent])
        if self.found.sampling:
            self.found.fallback_form = EMPTY
        else:
            self.found.notes = notes

    async def _try_all(self, client: FixtureClient, callees: Sequence[Callee]) -> list[Callee]:
        """Call one after the other and note what samples; returns those that are left when the server ends, or too many
        calls were waited for in vain."""
        for position, callee in enumerate(callees):
            if client.gone or len(self.found.silent) >= _STRIKES:
                return list(callees[position:])
            self._progress(f"calling {callee.label}")
            await self._try(client, callee)
        return []

    async def _try_side_by_side(self, revision: Revision, callees: Sequence[Callee]) -> None:
        """Call each on one of several connections. What is left when all of these hang is not called at all."""
        left, self._others = list(callees), []  # of several calls at once nobody knows whose an answer is

        async def work() -> None:
            async with self._connections.ready(revision, first_form(revision), self.found.sampling) as client:
                while left and client is not None and not client.struggling:
                    await self._try(client, left.pop(0))

        async with anyio.create_task_group() as tasks:
            for _ in range(min(_SIDE_BY_SIDE, len(left))):
                tasks.start_soon(work)
        self.found.uncalled |= {callee.label: _NOT_CALLED for callee in left}

    async def _try(self, client: FixtureClient, callee: Callee) -> None:
        client.sampling, client.sampler = [], plain
        client.transcript.note(ProbeStarted(FIRST.group, FIRST.name, callee.label))
        with answering_idly(self._others, client):
            id = await client.start_request(callee.method, callee.params())
            response = await client.response(id)
        if response is None and not client.gone:
            self.found.silent.add(callee.label)
            await client.notify(CANCELLED, {"requestId": client.awaited(id), "reason": "no answer"})
        if response is None or not client.sampling:
            self.used_up.add(client)  # who knows what that call did
        if client.sampling:
            self.found.sampling.append(callee)
            self.found.offered[callee.label] = [tool for asked in client.sampling for tool in tools_of(asked)]
        self.found.notes[callee.label] = outcome(client, response)
        asked = [other.transcript.label for other in self._others if other.sampling]
        if asked and not client.sampling:
            self.found.notes[callee.label] = f"asked another session ({asked[0]}), which had called nothing"
            self.found.asked_elsewhere = True
