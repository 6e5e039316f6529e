"""Connections of the fixture client to a server under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...peers.pace import Pace
from ...protocol.revisions import Revision
from ...transcript.events import NotOpened, TimedOut
from ...transcript.run import RevisionRun, Run
from ...transcript.transcript import Transcript
from ...transports.to_server.http import HttpToServer
from ...transports.to_server.servers import Server
from ..conditions import Conditions
from .callees import Callee
from .diagnosis import note_refusal
from .forms import CONTEXT, FORMS
from .listing import settle

#: how long a ping before notifications/initialized is waited for; not every server answers it
_PING_SECONDS = 0.5
_STATELESS = (
    "the server gave no Mcp-Session-Id, so in the legacy era there is nowhere to send an answer to, and it cannot ask; "
    "it needs sessions (in the SDKs: not stateless)"
)


@asynccontextmanager
async def open_client(
    server: Server, revision: Revision, transcript: Transcript, timeout: float, pace: Pace | None = None
) -> AsyncIterator[FixtureClient]:
    """Connect to ``server`` and listen to it, with the client of the revision's era; nothing is sent yet.

    Ends the connection, and what was started for it, with the context. An answer may take ``timeout`` seconds, and what
    the server's ``pace`` asks for besides. Raises ``OSError`` when there can be no connection.
    """
    wire = await server.open(revision, transcript, timeout)
    modern = revision.modern
    client = ModernClient(wire, timeout, revision.name, pace) if modern else FixtureClient(wire, timeout, pace)
    async with anyio.create_task_group() as tasks:
        wire.work(tasks)
        tasks.start_soon(client.listen, tasks)
        try:
            yield client
        finally:
            with anyio.CancelScope(shield=True):
                client.sampler = None
                await wire.shut_down()
                client.forget()
                tasks.cancel_scope.cancel()


class Connections:
    """Opens the connections of a run, and notes in its record what became of each."""

    def __init__(self, server: Server, run: Run, conditions: Conditions) -> None:
        self.transport = server.transport
        self.stateless = ""  #: why no sampling request can come in, where the server lacks sessions that it needs
        self.silent: set[str] = set()  #: the labels of connections on which the opening was waited for in vain
        self._server = server
        self._run = run
        self._conditions = conditions
        self._pace = Pace()

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
        label = self.label(revision, form)
        transcript = self._conditions.recorder.open(revision.name, label, self.transport)
        server = self._server.with_env(env or {})
        self._run.connections += 1
        async with AsyncExitStack() as stack:
            try:
                opening = open_client(server, revision, transcript, self._conditions.timeout, self._pace)
                client = await stack.enter_async_context(opening)
            except OSError as error:
                record.failure = record.failure or f"it could not be started: {error}"
                yield None
                return
            record.transcripts.append(transcript)
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
        self, revision: Revision, form: str, wanted: Sequence[Callee], env: Mapping[str, str] | None = None
    ) -> AsyncIterator[FixtureClient | None]:
        """A connection as from ``open`` on which what is wanted can be called, as far as the server ever lists it."""
        async with self.open(revision, form, env) as client:
            if client is not None:
                if form == CONTEXT and not revision.modern:
                    # A server that samples before it may (before notifications/initialized) gets the time to do so.
                    ping = await client.start_request("ping")
                    await client.until(lambda: client.answered(ping), client.at_least(_PING_SECONDS))
                await client.begin()
                if FORMS[form] is not None:
                    await settle(client, wanted)
            yield client
