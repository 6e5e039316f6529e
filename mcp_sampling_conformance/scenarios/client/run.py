"""The run against a client: start it once a revision, be its server, start it again for what an early end left over."""

from __future__ import annotations

import math
import os
import shlex
import uuid
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

import anyio

from ...peers.modern_server import server_for
from ...peers.pace import Pace
from ...peers.server import Book, FixtureServer
from ...protocol.revisions import Revision
from ...transcript.events import ClientHung, Exited, RequestRejected, SamplingAsked, TimedOut
from ...transcript.run import RevisionRun, Run
from ...transcript.transcript import Transcript
from ...transports.process import RUN_VARIABLE, Child, Command, kill_stragglers
from ...transports.to_client.stdio import relay_entrance
from ...transports.wire import WireToClient
from ..conditions import Conditions
from ..search.sorts import Field, try_elsewhere
from .diagnosis import Start, how_it_ended, note_not_opened
from .examples import search_client
from .probes import client_tools

#: what stands for our server's command line in the client's
SERVER = "{server}"
#: what stands for our URL
URL = "{url}"
#: a client may take so many times the time-out to start before it connects
_START_FACTOR = 3
#: and so many times for each further step
_STEP_FACTOR = 1.5
#: a step that took long may take so many times that, once more
_SLOWER = 2
#: how often the client is started at most; further starts for what a client leaves over that calls little at a time
_MOST_STARTS, _FURTHER_STARTS = 50, 6
#: how often the clock is looked at while a client is silent, in seconds
_TICK = 0.05
_EXIT_GRACE = 1.0
#: how much longer its stderr is read, which a process that it left behind may hold open
_TAIL_GRACE = 0.2


class Entrance(Protocol):
    """How clients get to us over one transport."""

    @property
    def words(self) -> Sequence[str]: ...  #: what a client is given

    absent: str  #: what a client did not do that never came, as a predicate: "started no server"
    stray: str  #: how one sends what is no message, as a clause: "it posted"

    async def client_ended(self) -> None: ...


def transport_of(argv: Sequence[str]) -> str:
    """The transport that a client is judged over: the one it has a place for in its command line, or HTTP."""
    return "stdio" if any(SERVER in word for word in argv) else "http"


async def provoke_client(
    client: Command, revisions: Sequence[Revision], models: Sequence[str], conditions: Conditions
) -> Run:
    """Provoke a client in each revision and return the record. Raises nothing that the client can cause.

    ``models`` are the names of models that it is known to have.
    """
    run = Run({revision.name: RevisionRun() for revision in revisions})
    token = uuid.uuid4().hex
    marked = replace(client, env={**client.env, RUN_VARIABLE: token})
    limiter = anyio.Semaphore(max(2, os.cpu_count() or 2))
    books = {revision.name: Book(client_tools(revision, models)) for revision in revisions}
    searched: list[Field] = []

    async def one(revision: Revision) -> None:
        async def start_again(book: Book) -> None:
            apart = Run({revision.name: RevisionRun()})  # a search keeps what is to be judged
            await ClientRun(marked, revision, book, apart, conditions).one_start()

        async with limiter:
            book = books[revision.name]
            await ClientRun(marked, revision, book, run, conditions).until_done()
            searched.extend(await search_client(run.revisions[revision.name], revision, start_again, book, conditions))

    try:
        async with anyio.create_task_group() as tasks:
            for revision in revisions:
                tasks.start_soon(one, revision)
        await try_elsewhere(searched, conditions)
    finally:
        kill_stragglers(token)
    run.reached = [name for name, record in run.revisions.items() if _was_asked(record)]
    run.unreached = _unreached(run, books)
    return run


def _was_asked(record: RevisionRun) -> bool:
    return any(transcript.events(SamplingAsked) for transcript in record.transcripts)


def _unreached(run: Run, books: dict[str, Book]) -> str:
    lines = ["no sampling request could be sent to the client, so there was nothing to judge."]
    for name, record in run.revisions.items():
        if record.opened:
            called = len(books[name].called)
            lines.append(f"  {name}: it connected and called {called} of {len(books[name].tools)} tools")
    lines.append(
        "A client under test connects to the server it is given, lists the tools, calls every tool once with no "
        "arguments, and exits."
    )
    return "\n".join(lines)


class ClientRun:
    """One client in one revision, over as many starts as it takes."""

    def __init__(self, client: Command, revision: Revision, book: Book, run: Run, conditions: Conditions) -> None:
        self.client = client
        self.transport = transport_of(client.argv)
        self.revision = revision
        self.book = book
        self.run = run
        self.record = run.revisions[revision.name]
        self.timeout = conditions.timeout
        self.conditions = conditions
        self.sessions: list[FixtureServer] = []
        self._steps = Pace()  #: how long the client takes from one step to the next

    async def until_done(self) -> None:
        """Start the client until every tool was called, or a start called no further one."""
        for _ in range(_MOST_STARTS):
            called, calls = len(self.book.called), self.book.calls
            self.sessions = []
            await self.one_start()
            if not self.book.left or len(self.book.called) == called:
                break
            # Who was not interrupted, and is not done, calls no more in one start.
            if not any(session.running or session.unanswered for session in self.sessions):
                calls_to_come = _FURTHER_STARTS * (self.book.calls - calls)
                self.book.per_call = max(self.book.per_call, math.ceil(len(self.book.left) / calls_to_come))
        called, tools = len(self.book.called), len(self.book.tools)
        if self.record.opened and called < tools:
            self._add_note(f"called only {called} of {tools} tools; the others were not observed")
        late = sum(len(transcript.events(TimedOut)) for transcript in self.record.transcripts)
        if self.book.unanswered.get("plain"):
            self._add_note("left a plain request unanswered, so it got no others (--mcp-timeout gives it more time)")
        elif late:
            self._add_note(f"left {late} requests unanswered for {self.timeout:g} s (--mcp-timeout gives it more time)")

    async def one_start(self) -> None:
        """Start the client, serve it, and see to it that it ends."""
        self.run.connections += 1
        async with self._entrance() as entrance:
            argv = _expand(self.client.argv, SERVER if self.transport == "stdio" else URL, entrance.words)
            try:
                child = await Child.start(argv, cwd=self.client.cwd, env=self.client.env)
            except OSError as error:
                self.record.failure = f"the client could not be started: {error}"
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(child.keep_tail, child.process.stderr, child.process.stdout)
                assert child.process.stdin is not None
                await child.process.stdin.aclose()
                in_time = False
                try:
                    in_time = await self._watch(child, entrance)
                finally:
                    for session in self.sessions:
                        if not in_time and not session.gone:
                            session.transcript.note(ClientHung())
                    with anyio.CancelScope(shield=True):
                        await child.end(_EXIT_GRACE if in_time else 0)
                        child.kill()
                        await child.tail_complete(_TAIL_GRACE)
                        tasks.cancel_scope.cancel()
            await child.close()
        self._note(child, in_time, entrance)

    def _entrance(self) -> AbstractAsyncContextManager[Entrance]:
        if self.transport == "stdio":
            return relay_entrance(self._new_transcript, self._session)
        from ...transports.to_client.http import http_entrance  # imports a web server

        return http_entrance(self.revision, self._new_transcript, self._session)

    def _new_transcript(self) -> Transcript:
        label = f"{self.revision.name}, connection {len(self.record.transcripts) + 1}"
        transcript = self.conditions.recorder.open(self.revision.name, label, self.transport)
        self.record.transcripts.append(transcript)
        return transcript

    async def _session(self, wire: WireToClient) -> None:
        """Serve one connection of the client; some make one to look around, and another to work."""
        server = server_for(wire, self.revision, self.book, self.timeout)
        self.sessions.append(server)
        async with anyio.create_task_group() as tasks:
            await server.serve(tasks)

    async def _watch(self, child: Child, entrance: Entrance) -> bool:
        """Wait until the client has ended and its connections with it; ``False`` when it is silent for too long."""
        silent_since = anyio.current_time()
        seen: object = None
        while True:
            if child.code is not None:
                await entrance.client_ended()
                if all(session.gone for session in self.sessions):
                    return True
            # Progress is a probe at work, whose own waits are bounded, or a step: the first connection, the first one
            # that is opened, a further call. More connections or messages are none.
            at_work = any(session.running and not session.gone for session in self.sessions)
            done = bool(self.sessions), any(s.initialized for s in self.sessions), len(self.book.called)
            if at_work or done != seen:
                if done != seen and seen is not None:
                    self._steps.saw(anyio.current_time() - silent_since)
                silent_since, seen = anyio.current_time(), done
                self._say_progress()
            if self.book.over or anyio.current_time() - silent_since > self._patience:
                return False
            await anyio.sleep(_TICK)

    def _say_progress(self) -> None:
        called, tools = len(self.book.called), len(self.book.tools)
        self.conditions.progress(f"{self.revision.name}: {called} of {tools} tools called")

    @property
    def _patience(self) -> float:
        """How long the client may take for its next step, in seconds."""
        usual = self.timeout * (_STEP_FACTOR if self.sessions else _START_FACTOR)
        return max(usual, _SLOWER * (self._steps.slowest or 0.0))

    def _note(self, child: Child, in_time: bool, entrance: Entrance) -> None:
        """Say in the record what kept the revision from being judged, or what a reader should know."""
        sessions = self.sessions
        start = Start(
            sessions, child.code, in_time, self._patience, child.tail, absent=entrance.absent, stray=entrance.stray
        )
        self.record.opened |= any(s.initialized or s.transcript.events(RequestRejected) for s in sessions)
        if not self.record.opened:
            note_not_opened(self.record, self.revision, start)
        elif words := how_it_ended(start, self.book):
            if in_time and sessions[-1].running:
                sessions[-1].transcript.note(Exited(child.code, child.tail))
            # In the modern era to go on, or home, is how one refuses.
            if not (self.revision.modern and in_time and child.code == 0):
                self._add_note(words)

    def _add_note(self, text: str) -> None:
        self.record.notes.append(f"{self.revision.name}: the client {text}")


def _expand(argv: Sequence[str], placeholder: str, ours: Sequence[str]) -> list[str]:
    """The client's command line, with our words in place of the placeholder: as separate ones, or quoted inside a
    word. Without one they come last."""
    if not any(placeholder in word for word in argv):
        return [*argv, *ours]
    expanded: list[str] = []
    for word in argv:
        expanded += ours if word == placeholder else [word.replace(placeholder, shlex.join(ours))]
    return expanded
