"""The run against a server: which connections to make in each revision, and what to do on each.

Over stdio each form of the sampling capability needs a process of its own in the legacy era, for ``initialize`` happens
once; in the modern era, where each request declares it, one process sees them all.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import groupby
from typing import Any

import anyio

from ...peers.client import FixtureClient, tools_of
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ...transports.to_server.http import HttpWire
from ...transports.process import RUN_VARIABLE, kill_stragglers
from ...transcript.transcript import Transcript
from .connections import open_client
from .diagnosis import note_refusal, outcome
from .probes import CLOSED, FIRST, SECOND, Probe, elsewhere, perform, plain, probes_for
from ...transports.to_server.servers import Server
from ..run import RevisionRun, Run
from ..search import NOTHING, Generated, Search, search_sorts
from .examples import invalid_answers, try_on_server, valid_answers
from .targets import Found, Target, announced, list_candidates, listed_tools, nothing_sampled

#: a probe of a group is left out once so many of the group hung or killed the server
_STRIKES = 2
#: how long a ping before notifications/initialized is waited for; not every server answers it
_PING_SECONDS = 0.5

#: the forms of the sampling capability, each for a connection; ``None`` declares no sampling
FORMS: Mapping[str, Mapping[str, Any] | None] = {
    "no sampling": None,
    "sampling {}": {},
    "sampling.tools": {"tools": {}},
    "sampling.context": {"context": {}},
    "sampling.tools, sampling.context and an unknown member": {
        "tools": {},
        "context": {},
        "com.example/unknown": {"nested": [1]},
    },
}
_NO_SAMPLING, _EMPTY, _TOOLS, _CONTEXT, _EVERYTHING = FORMS
#: containers run Python so, and it shows a stray print that else hides in a buffer
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


PlannedProbe = tuple[Probe, Target]


async def provoke_server(
    server: Server,
    revisions: Sequence[Revision],
    named: Sequence[Target],
    timeout: float,
    progress: Callable[[str], None],
    generated: Generated = NOTHING,
) -> Run:
    """Provoke a server in each revision and return the record. Raises nothing that the server can cause."""
    run = Run({revision.name: RevisionRun() for revision in revisions})
    token = uuid.uuid4().hex
    eras = [list(group) for _, group in groupby(revisions, key=lambda revision: revision.modern)]
    provokers: list[_Provoker] = []
    try:
        async with server.running({RUN_VARIABLE: token}, timeout) as running:
            provokers += [_Provoker(running, run, era, named, timeout, progress, generated) for era in eras]
            async with anyio.create_task_group() as tasks:
                for provoker in provokers:
                    tasks.start_soon(provoker.run_era)
            await _compare_eras(provokers)
    except OSError as error:
        for record in run.revisions.values():
            record.failure = record.failure or f"it could not be started: {error}"
    finally:
        kill_stragglers(token)
    run.reached = list(dict.fromkeys(target.label for provoker in provokers for target in provoker.sampling))
    run.unreached = nothing_sampled([provoker.found for provoker in provokers if provoker.found.opened])
    run.unreached += "".join(f"\nBesides, {provoker.stateless}." for provoker in provokers if provoker.stateless)
    return run


async def _compare_eras(provokers: Sequence[_Provoker]) -> None:
    """See to what shows only when both eras are known: whoever is silent in one speaks the other, and what sampled in
    the legacy era may not in the modern one."""
    for provoker in provokers:
        others = [other for other in provokers if other is not provoker]
        spoken = [name for other in others for name in other.opened_revisions]
        for record in provoker.records:
            if record.failure and not record.opened and spoken:
                record.not_negotiated = f"the server speaks {', '.join(spoken)} only: {record.failure}"
                record.failure = None
        for other in others if provoker.modern else ():
            await provoker.call_once_more([target for target in other.sampling if target not in provoker.sampling])
            for target in other.sampling:
                for transcript in provoker.transcripts:
                    transcript.mark("samples-in-legacy", target=target.label, revision=other.opened_revisions[-1])


class _Provoker:
    def __init__(
        self,
        server: Server,
        run: Run,
        revisions: Sequence[Revision],
        named: Sequence[Target],
        timeout: float,
        progress: Callable[[str], None],
        generated: Generated,
    ) -> None:
        self.server = server
        self.run = run
        self.revisions = revisions  #: of one era
        self.named = named
        self.stateless = ""  #: why no sampling can come in, if so
        self.found = Found(revisions[0].era)
        self.sampling: list[Target] = []  #: the targets that sampled
        self.timeout = timeout
        self.progress = progress
        self.generated = generated
        # The first connections of all revisions wait for one another; only the further ones are limited.
        self.further = anyio.Semaphore(max(2, os.cpu_count() or 2))
        self.opened: dict[Revision, FixtureClient | None] = {}
        self.all_opened = anyio.Event()
        self.targets_known = anyio.Event()
        self.spent: set[FixtureClient] = set()  #: connections that no more is to be done on
        self.discovered_in: Revision | None = None  #: its first connection has had the first call of each target
        self.fallback_form: str | None = None  #: the only form that something sampled for, if not the first tried
        self.strikes: Counter[tuple[Revision, str]] = Counter()  #: probes that failed, by group
        self.offered: dict[str, list[Json]] = {}  #: the tools that a target's first request offered, by its label

    @property
    def modern(self) -> bool:
        return self.revisions[0].modern

    @property
    def records(self) -> list[RevisionRun]:
        return [self.run.revisions[revision.name] for revision in self.revisions]

    @property
    def transcripts(self) -> list[Transcript]:
        return [transcript for record in self.records for transcript in record.transcripts]

    @property
    def opened_revisions(self) -> list[str]:
        return [revision.name for revision in self.revisions if self.run.revisions[revision.name].opened]

    # --- connections

    @asynccontextmanager
    async def connect(
        self, revision: Revision, form: str, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[FixtureClient | None]:
        """A connection that agrees on the revision; ``None`` where it does not come to that, with the reason noted."""
        record = self.run.revisions[revision.name]
        transcript = Transcript(f"{revision.name}, {form}", self.server.transport)
        server = self.server.with_env(env or {})
        self.run.connections += 1
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(open_client(server, revision, transcript, self.timeout))
            except OSError as error:
                record.failure = record.failure or f"it could not be started: {error}"
                yield None
                return
            record.transcripts.append(transcript)
            response = await client.greet(revision.name, FORMS[form])
            accepted = revision.name in client.spoken(response)
            record.opened |= accepted
            if not accepted:
                transcript.mark("not-opened")
            else:
                self._note_stateless(revision, client)
            yield client if accepted else None
        if not record.opened and not record.failure:
            note_refusal(record, response, client)

    def _note_stateless(self, revision: Revision, client: FixtureClient) -> None:
        record = self.run.revisions[revision.name]
        if isinstance(client.wire, HttpWire) and client.wire.stateless:
            self.stateless = (
                "the server gave no Mcp-Session-Id, so in the legacy era there is nowhere to send an answer to, and it "
                "cannot ask; it needs sessions (in the SDKs: not stateless)"
            )
            if self.stateless not in record.notes:
                record.notes.append(self.stateless)

    # --- the order of things

    async def run_era(self) -> None:
        """Everything for the revisions of one era."""
        async with anyio.create_task_group() as tasks:
            for revision in self.revisions:
                tasks.start_soon(self._run_revision, revision)
            await self._find_targets()

    async def _run_revision(self, revision: Revision) -> None:
        """Everything for one revision: the main connection first, the others beside it."""
        first = _first_form(revision)
        async with anyio.create_task_group() as tasks:
            left: list[PlannedProbe] = []
            async with self.connect(revision, first) as client:
                if client is not None:
                    await client.begin()
                self.opened[revision] = client
                if len(self.opened) == len(self.revisions):
                    self.all_opened.set()
                await self.targets_known.wait()
                main = self.fallback_form or first
                if client is not None and self.sampling:
                    for further in self._further_connections(main):
                        tasks.start_soon(self._limited, further, revision)
                    left = self._plan(revision)
                    if revision == self.discovered_in:
                        left = [planned for planned in left if planned[0] is not FIRST]
                    if client not in self.spent and main == first:
                        await self._settle(client)
                        left = await self._probe(revision, client, left)
            # Whoever died or hung is started again for what is left.
            while left:
                async with self._ready(revision, main) as client:
                    if client is None:
                        break
                    left = await self._probe(revision, client, left)
        if self.sampling and self.generated.examples:
            await self._search(revision, main)

    async def _search(self, revision: Revision, form: str) -> None:
        """See whether generated answers find more than those of the tables."""
        record, targets = self.run.revisions[revision.name], self._probed()
        offered = {target.label: self.offered[target.label] if revision.tools else [] for target in targets}
        sorts = {
            "valid answers": partial(valid_answers, revision, offered),
            "invalid answers": partial(invalid_answers, revision, offered),
        }

        async def host(search: Search) -> None:
            await try_on_server(search, partial(self._ready, revision, form), targets, revision)

        recorded = len(record.transcripts)
        searches = await search_sorts(
            sorts, self.generated, self.timeout, host, lambda text: self.progress(f"{revision.name}: {text}")
        )
        del record.transcripts[recorded:]  # a search keeps what is to be judged
        for search in searches:
            record.add_search(revision, search)

    @asynccontextmanager
    async def _ready(
        self, revision: Revision, form: str, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[FixtureClient | None]:
        """A further connection, up to where calls can be made."""
        async with self.connect(revision, form, env) as client:
            if client is not None:
                if form == _CONTEXT and not self.modern:
                    # Leaves room for a sampling request that comes too early.
                    ping = await client.start_request("ping")
                    await client.until(lambda: client.answered(ping), _PING_SECONDS)
                await client.begin()
                if FORMS[form] is not None:
                    await self._settle(client)
            yield client

    async def _settle(self, client: FixtureClient) -> None:
        """Give a server that lists its tools only after a while the time to do so."""
        wanted = {target.name for target in self.sampling if target.kind == "tool"}
        if wanted and not wanted <= await listed_tools(client):
            await announced(client)

    async def _find_targets(self) -> None:
        """Once every revision has its first connection: find out on the newest what to call."""
        await self.all_opened.wait()
        revision = next((r for r in sorted(self.opened, key=lambda r: r.name, reverse=True) if self.opened[r]), None)
        client = self.opened[revision] if revision else None
        self.discovered_in = revision
        if revision is not None and client is not None:
            found = self.found
            found.opened = True
            found.candidates = list(self.named)
            left = list(self.named) or await list_candidates(client, found)
            left = await self._try_all(client, left)
            # Some list what samples only once they know their client, and announce it.
            if not self.named and (client.lists_changed or (not self.sampling and await announced(client))):
                client.lists_changed = False
                left += await self._try_all(client, await list_candidates(client, found))
            while left:
                async with self._ready(revision, _first_form(revision)) as again:
                    if again is None:
                        break
                    left = await self._try_all(again, left)
            if not self.sampling and _first_form(revision) != _EMPTY:
                await self._try_plain_form(revision)
        self.targets_known.set()

    async def _try_plain_form(self, revision: Revision) -> None:
        """Where nothing samples for a client with sub-capabilities, see whether one without them has better luck."""
        notes = dict(self.found.notes)
        async with self._ready(revision, _EMPTY) as client:
            if client is not None:
                await self._try_all(client, self.found.candidates)
        if self.sampling:
            self.fallback_form = _EMPTY
        else:
            self.found.notes = notes

    async def _try_all(self, client: FixtureClient, targets: Sequence[Target]) -> list[Target]:
        """Call the targets one by one, note what samples; returns those that a server which died leaves."""
        for position, target in enumerate(targets):
            if client.gone:
                return list(targets[position:])
            self.progress(f"calling {target.label}")
            client.sampling, client.sampler = [], plain
            client.transcript.mark("probe", group=FIRST.group, name=FIRST.name, target=target.label)
            id = await client.start_request(target.method, target.params())
            response = await client.response(id)
            if response is None and not client.gone:
                await client.notify("notifications/cancelled", {"requestId": client.awaited(id), "reason": "no answer"})
            if response is None or not client.sampling:
                self.spent.add(client)  # who knows what that call did
            if client.sampling:
                self.sampling.append(target)
                self.offered[target.label] = [tool for asked in client.sampling for tool in tools_of(asked)]
            self.found.notes[target.label] = outcome(client, response)
        return []

    def _plan(self, revision: Revision) -> list[PlannedProbe]:
        """What to do on the main connection: valid answers for all targets before hostile ones for any."""
        chosen = [
            (probe, target) for target in self._probed() for probe in probes_for(revision, self._offers_tools(target))
        ]
        return self._plain_calls() + sorted(chosen, key=lambda planned: planned[0].hostile)

    def _plain_calls(self) -> list[PlannedProbe]:
        return [(probe, target) for target in self.sampling for probe in (FIRST, SECOND)]

    def _offers_tools(self, target: Target) -> bool:
        return bool(self.offered[target.label])

    def _probed(self) -> list[Target]:
        """The targets that get every probe: those named by the user, else one of each sort."""
        if self.named:
            return list(self.sampling)
        sorts: dict[tuple[str, bool], Target] = {}
        for target in self.sampling:
            sorts.setdefault((target.kind, self._offers_tools(target)), target)
        return list(sorts.values())

    async def _probe(
        self, revision: Revision, client: FixtureClient, plan: Sequence[PlannedProbe]
    ) -> list[PlannedProbe]:
        """Perform what is planned until the connection fails; returns what is left then."""
        left = list(plan)
        while left:
            probe, target = left.pop(0)
            self.progress(f"{revision.name}: {probe.name}")
            if await perform(client, probe, target):
                if probe.last:
                    return left
                continue
            if probe in (FIRST, SECOND):
                return []  # a server that fails the plainest call has nothing more to show
            self.strikes[revision, probe.group] += 1
            if self.strikes[revision, probe.group] >= _STRIKES:
                left = [planned for planned in left if planned[0].group != probe.group]
            return left
        return []

    def _further_connections(self, main: str) -> list[Callable[[Revision], Awaitable[None]]]:
        """What to do on connections besides the main one, which has the form ``main``."""
        if self.modern:
            return [self._all_forms, self._two_connections]
        return [partial(self._one_form, form) for form in FORMS if form != main]

    async def _limited(self, further: Callable[[Revision], Awaitable[None]], revision: Revision) -> None:
        async with self.further:
            await further(revision)

    async def _one_form(self, form: str, revision: Revision) -> None:
        """A connection for one form of the capability: each target twice, and what needs a connection of its own."""
        async with self._ready(revision, form, _UNBUFFERED if form == _CONTEXT else None) as client:
            if client is not None and await self._call_plainly(client) and form == _EVERYTHING:
                await self._close_stdin(client)

    async def _all_forms(self, revision: Revision) -> None:
        """A connection on which each call declares another form: none first, when nothing can be remembered, and once
        more at the end."""
        async with self._ready(revision, _NO_SAMPLING, _UNBUFFERED) as client:
            for form in (*FORMS, _NO_SAMPLING):
                if isinstance(client, ModernClient):
                    client.declare(FORMS[form])
                    if not await self._call_plainly(client):
                        return

    async def _two_connections(self, revision: Revision) -> None:
        """A call on one connection, its retry on another one."""
        form = _first_form(revision)
        async with self._ready(revision, form) as first, self._ready(revision, form) as second:
            if isinstance(first, ModernClient) and second is not None:
                for target in self._probed():
                    if not await perform(second, elsewhere(first), target):
                        break
                await self._close_stdin(first)

    async def _close_stdin(self, client: FixtureClient) -> None:
        """The last thing to do on a connection that has a process of its own."""
        if self.server.transport == "stdio":
            await perform(client, CLOSED, self.sampling[0])

    async def call_once_more(self, targets: Sequence[Target]) -> None:
        """Call what sampled in the other era only, on a fresh connection."""
        for revision in self.revisions if targets and self.opened_revisions else ():
            async with self._ready(revision, _first_form(revision)) as client:
                for target in targets:
                    if client is None or not await perform(client, FIRST, target):
                        break

    async def _call_plainly(self, client: FixtureClient) -> bool:
        """Each target twice; whether the connection is good for more."""
        for probe, target in self._plain_calls():
            if not await perform(client, probe, target):
                return False
        return True


def _first_form(revision: Revision) -> str:
    """The form of the capability for the first connection, which gets all the probes."""
    return _TOOLS if revision.tools else _EMPTY
