"""Connections of the fixture client to a server under test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial

import anyio

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...peers.pace import Pace
from ...protocol.revisions import Revision
from ...transcript.bugs import bug_report
from ...transcript.events import LimitReached, NotOpened, TimedOut
from ...transcript.limits import Limit
from ...transcript.run import NOT_OBSERVED, RevisionRun, Run
from ...transcript.transcript import Transcript
from ...transports.tasks import Tasks
from ...transports.to_server.http import HttpToServer
from ...transports.to_server.servers import Server
from ..conditions import Conditions
from .callees import Callee
from .diagnosis import note_refusal
from .early import begin_late
from .forms import EVERYTHING, FORMS
from .listing import settle

#: so many connections are open at a time for probes that may hang
_LANES = 16
_STATELESS = (
    "the server gave no Mcp-Session-Id, so in the legacy era there is nowhere to send an answer to, and it cannot ask; "
    "it needs sessions (in the SDKs: not stateless)"
)


@asynccontextmanager
async def open_client(
    server: Server,
    revision: Revision,
    transcript: Transcript,
    timeout: float,
    pace: Pace | None = None,
    failed: Callable[[Exception], None] | None = None,
) -> AsyncIterator[FixtureClient]:
    """Connect to ``server`` and listen to it, with the client of the revision's era; nothing is sent yet.

    Ends the connection, and what was started for it, with the context. An answer may take ``timeout`` seconds, and what
    the server's ``pace`` asks for besides. ``failed`` is told of a bug of ours, which ends the connection; without it
    that is raised. Raises ``OSError`` when there can be no connection.
    """
    wire = await server.open(revision, transcript, timeout)
    modern = revision.modern
    client = ModernClient(wire, timeout, revision.name, pace) if modern else FixtureClient(wire, timeout, pace)

    def end(error: Exception) -> None:
        client.fail(error)
        assert failed is not None
        failed(error)

    async with anyio.create_task_group() as group:
        tasks = Tasks(group, end if failed else None)
        wire.work(tasks)
        tasks.start_soon(client.listen, tasks)
        try:
            yield client
        finally:
            with anyio.CancelScope(shield=True):
                client.sampler = None
                await tasks.run(wire.shut_down)
                client.forget()
                group.cancel_scope.cancel()


class Connections:
    """Opens the connections of a run, and notes in its record what became of each."""

    def __init__(self, server: Server, run: Run, conditions: Conditions) -> None:
        self.transport = server.transport
        self.stateless = ""  #: why no sampling request can come in, where the server lacks sessions that it needs
        self.silent: set[str] = set()  #: the labels of connections on which the opening was waited for in vain
        self._server = server
        self._run = run
        self._conditions = conditions
        # The first connections of all revisions wait for one another; only the further ones are limited.
        self.turns = anyio.Semaphore(2 * max(2, os.cpu_count() or 2))  #: for what is busy all the time
        self.lanes = anyio.Semaphore(_LANES)  #: for what may wait long
        self._pace = Pace(conditions.start_timeout)

    def label(self, revision: Revision, form: str) -> str:
        """What a connection is called."""
        return f"{revision.name}, {form}"

    def record(self, revision: Revision) -> RevisionRun:
        """What came of a revision so far."""
        return self._run.revisions[revision.name]

    @asynccontextmanager
    async def open(
        self, revision: Revision, form: str, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[FixtureClient | None]:
        """A connection that agrees on the revision, for a client with this form of the capability; calls can be made
        after its ``begin``. ``None``, with the reason in the record, where it does not come to that."""
        record = self.record(revision)
        if limit := self._conditions.recorder.spent(revision.name):
            _note_spent(record, limit)
            yield None
            return
        label = self.label(revision, form)
        transcript = self._conditions.recorder.open(revision.name, label, self.transport)
        server = self._server.with_env(env or {})
        self._run.connections += 1
        async with AsyncExitStack() as stack:
            stack.callback(self._note_limit, record, transcript)
            try:
                opening = open_client(
                    server, revision, transcript, self._conditions.timeout, self._pace, partial(self._note_bug, record)
                )
                client = await stack.enter_async_context(opening)
            except OSError as error:
                record.failure = record.failure or f"it could not be started: {error}"
                yield None
                return
            record.transcripts.append(transcript)
            if form == EVERYTHING and revision.tasks:
                client.make_tasks()
            # What a server does that may ask for nothing at all shows on the connection without sampling.
            response = await client.greet(revision.name, FORMS[form], others=FORMS[form] is not None)
            accepted = revision.name in client.spoken(response)
            record.opened |= accepted
            if not accepted:
                transcript.note(NotOpened())
                if response is None:
                    self._note_silence(record, transcript)
            else:
                self._note_stateless(record, client)
            yield client if accepted else None
        if not record.opened and not record.failure:
            note_refusal(record, response, client)

    @contextmanager
    def noting_bugs(self, revision: Revision) -> Iterator[None]:
        """A bug of ours while something is done in a revision is noted, and the rest goes on."""
        record = self.record(revision)
        try:
            yield
        except Exception as error:
            self._note_bug(record, error)

    def _note_bug(self, record: RevisionRun, error: Exception) -> None:
        record.bugs.append(bug_report(error))

    def _note_limit(self, record: RevisionRun, transcript: Transcript) -> None:
        for limit in transcript.events(LimitReached):
            record.add_note(f"the harness ended a connection with {limit.words}, {NOT_OBSERVED}")

    def _note_silence(self, record: RevisionRun, transcript: Transcript) -> None:
        """The server did not come up for a connection: where it speaks the revision, that is not to go unnoticed."""
        note = f'the server did not come up for the connection "{transcript.label}", so what needs one was left out'
        if record.opened and note not in record.notes:
            record.notes.append(note)
        if transcript.events(TimedOut):
            self.silent.add(transcript.label)

    def _note_stateless(self, record: RevisionRun, client: FixtureClient) -> None:
        if isinstance(client.wire, HttpToServer) and client.wire.stateless:
            self.stateless = _STATELESS
            if _STATELESS not in record.notes:
                record.notes.append(_STATELESS)

    @asynccontextmanager
    async def ready(
        self,
        revision: Revision,
        form: str,
        wanted: Sequence[Callee],
        env: Mapping[str, str] | None = None,
        *,
        late: bool = False,
    ) -> AsyncIterator[FixtureClient | None]:
        """A connection as from ``open`` on which what is wanted can be called, as far as the server ever lists it.

        ``late``: it begins only after the first of that was called (legacy era)."""
        async with self.open(revision, form, env) as client:
            if client is not None:
                await (begin_late(client, wanted[0]) if late else client.begin())
                if FORMS[form] is not None:
                    await settle(client, wanted)
            yield client


def _note_spent(record: RevisionRun, limit: Limit) -> None:
    """No connection is opened any more, for nothing more is recorded."""
    why = f"no further connection was opened, for there was {limit.words} (docs/limits.md)"
    if record.opened:
        record.add_note(why)
    else:
        record.failure = record.failure or why
