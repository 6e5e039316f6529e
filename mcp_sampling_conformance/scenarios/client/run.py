"""The run against a client: start it once a revision, be its server, start it again for what an early end left over."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Literal, Protocol

import anyio
from anyio.abc import TaskGroup

from ...peers.modern_server import server_for
from ...peers.pace import Pace
from ...peers.server import Book, FixtureServer
from ...protocol.revisions import Revision
from ...transcript.bugs import bug_report
from ...transcript.events import ClientHung, Exited, LimitReached, RequestRejected, SamplingAsked, TimedOut
from ...transcript.run import NOT_OBSERVED, RevisionRun, Run
from ...transcript.transcript import Transcript
from ...transports.process import Child, Command, supervised
from ...transports.tasks import Tasks
from ...transports.to_client.stdio import relay_entrance
from ...transports.wire import WireToClient
from ..conditions import Conditions
from ..newest import newest_spoken
from ..search.sorts import Field, try_elsewhere
from .diagnosis import Start, how_it_ended, note_not_opened
from .examples import search_client
from .probes import client_tools

#: what stands for our server's command line in the client's
SERVER = "{server}"
#: what stands for our URL
URL = "{url}"
#: how many tools a client is shown at each start
Shown = Literal["one", "all"]
#: what clients of the official suite read, to know what is wanted of them
_SCENARIO, _VERSION = "MCP_CONFORMANCE_SCENARIO", "MCP_CONFORMANCE_PROTOCOL_VERSION"
#: a client may take so many times the time-out for each step after its start
_STEP_FACTOR = 1.5
#: and so many times where it has just left another request unanswered, and never answered one late
_SILENT_STEP_FACTOR = 0.3
#: a client that took so many seconds on the average for so many answers, as one with a model does, is started more
#: often, side by side, so that each of them gets a share of what is to be asked
_SLOW, _SLOW_ANSWERS, _SHARES = 0.15, 5, 4
#: so is one that left so many requests unanswered
_SILENCES = 2
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
    client: Command,
    revisions: Sequence[Revision],
    models: Sequence[str],
    conditions: Conditions,
    shown: Shown | None = None,
) -> Run:
    """Provoke a client in each revision and return the record. Raises nothing that the client can cause.

    ``models`` are the names of models that it is known to have. ``shown`` says how many tools it is shown at each
    start; ``None``: all of them, and one where it turns out that it calls only the first, or none.
    """
    run = Run({revision.name: RevisionRun() for revision in revisions})
    books = {revision.name: Book(client_tools(revision, models)) for revision in revisions}
    searched: list[Field] = []

    async def one(command: Command, revision: Revision) -> None:
        book, record = books[revision.name], run.revisions[revision.name]
        first = ClientRun(command, revision, book, run, conditions)

        async def start_again(book: Book) -> None:
            apart = Run({revision.name: RevisionRun()})  # a search keeps what is to be judged
            again = ClientRun(command, revision, book, apart, conditions)
            again.lingers = first.lingers
            book.one_tool, book.per_call = first.book.one_tool, first.book.per_call if first.book.one_tool else 1
            await again.one_start()

        try:
            await first.until_done(shown)
            searched.extend(await search_client(record, revision, start_again, book, conditions))
        except Exception as error:  # a bug of ours costs no other revision what it has found
            record.bugs.append(bug_report(error))

    with supervised(client) as command, conditions.ending.awaited():
        async with anyio.create_task_group() as tasks:
            for _, group in groupby(revisions, key=lambda revision: revision.modern):
                if conditions.newest:
                    tasks.start_soon(newest_spoken, list(group), run.revisions, partial(one, command))
                else:
                    for revision in group:
                        tasks.start_soon(one, command, revision)
        await try_elsewhere(searched, conditions)
    run.reached = [name for name, record in run.revisions.items() if _was_asked(record)]
    run.unreached = _unreached(run, books)
    return run


def _has_opened(session: FixtureServer) -> bool:
    """Whether a client came so far that its revision is known, or would have, had it done so properly."""
    return session.initialized or bool(session.transcript.events(RequestRejected))


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

    def __init__(
        self, client: Command, revision: Revision, book: Book, run: Run, conditions: Conditions, share: float = 0.0
    ) -> None:
        self.client = client
        self.transport = transport_of(client.argv)
        self.revision = revision
        self.book = book
        self.run = run
        self.record = run.revisions[revision.name]
        self.timeout = conditions.timeout
        self.conditions = conditions
        self.sessions: list[FixtureServer] = []
        self.share = share
        self.lingers = False  #: it was seen to stay when all was done, so that is not waited for again
        self._steps = Pace()  #: how long the client takes from one step to the next

    async def until_done(self, shown: Shown | None = None) -> None:
        """Start the client until every tool was called, or a start called no further one. ``shown``: see
        ``provoke_client``."""
        self.book.one_tool = shown == "one"
        for _ in range(_MOST_STARTS):
            if limit := self.conditions.recorder.spent(self.revision.name):
                self.record.add_note(f"the client was not started again: there was {limit.words} (docs/limits.md)")
                break
            called, calls = len(self.book.called), self.book.calls
            first = [tool.name for tool in self.book.left[:1]]
            self.sessions = []
            await self._starts()
            in_vain = len(self.book.called) == called
            may_see_one = shown is None and not self.book.one_tool
            if not self.book.left:
                break
            if in_vain and not (may_see_one and self._left_by_itself):
                self.book.one_tool = shown == "one"  # to see only one was no help
                break
            # Who was not interrupted, and is not done, calls no more in one start.
            if not any(session.running or session.unanswered for session in self.sessions):
                if may_see_one and (in_vain or self._calls == first):
                    self.book.one_tool = True
                if not in_vain:
                    calls_to_come = _FURTHER_STARTS * (self.book.calls - calls)
                    self.book.per_call = max(self.book.per_call, math.ceil(len(self.book.left) / calls_to_come))
        self._note_calls(shown)

    @property
    def _calls(self) -> list[str]:
        """The tools that the client called in its last start."""
        return [name for session in self.sessions for name in session.calls]

    @property
    def _left_by_itself(self) -> bool:
        """Whether the client saw the tools in its last start, and ended."""
        opened = any(map(_has_opened, self.sessions))
        return opened and not any(session.transcript.events(ClientHung) for session in self.sessions)

    def _note_calls(self, shown: Shown | None) -> None:
        """Say in the record what the client did not call, or left unanswered."""
        called, tools = len(self.book.called), len(self.book.tools)
        if self.record.opened and called < tools:
            self._add_note(f"called only {called} of {tools} tools; the others were not observed")
        if self.book.one_tool and shown is None and called:
            self._add_note("called one of all the tools or none, so it was shown one a start (--mcp-client-tools)")
        late = sum(len(transcript.events(TimedOut)) for transcript in self.record.transcripts)
        if self.book.unanswered.get("plain"):
            self._add_note("left a plain request unanswered, so it got no others (--mcp-timeout gives it more time)")
        elif late:
            self._add_note(f"left {late} requests unanswered for {self.timeout:g} s (--mcp-timeout gives it more time)")

    async def _starts(self) -> None:
        """Start the client, and where it turns out to be slow to answer, others beside it."""
        async with anyio.create_task_group() as beside, anyio.create_task_group() as watching:
            watching.start_soon(self._start_others, beside)
            await self.one_start()
            watching.cancel_scope.cancel()

    async def _start_others(self, tasks: TaskGroup) -> None:
        pace = self.book.pace
        while self.book.silences < _SILENCES and (pace.count < _SLOW_ANSWERS or pace.total < _SLOW * pace.count):
            await anyio.sleep(_TICK)
        for number in range(1, _SHARES):
            other = ClientRun(self.client, self.revision, self.book, self.run, self.conditions, share=number / _SHARES)
            tasks.start_soon(other.one_start)

    async def one_start(self) -> None:
        """Start the client, serve it, and see to it that it ends."""
        self.run.connections += 1
        async with self._entrance() as entrance:
            argv = _expand(self.client.argv, SERVER if self.transport == "stdio" else URL, entrance.words)
            try:
                told = {_SCENARIO: "sampling", _VERSION: self.revision.name}
                child = await replace(self.client, argv=argv, env={**told, **self.client.env}).start()
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
                    self.record.opened |= any(map(_has_opened, self.sessions))
                    for session in self.sessions:
                        if not in_time and not session.gone and not session.transcript.cut_off:
                            session.transcript.note(ClientHung())
                    with anyio.CancelScope(shield=True):
                        await child.end(_EXIT_GRACE if in_time else 0)
                        child.kill()
                        await child.tail_complete(_TAIL_GRACE)
                        await child.close()
                        tasks.cancel_scope.cancel()
        self.lingers |= not in_time and not self.book.left
        self._note(child, in_time, entrance)

    def _entrance(self) -> AbstractAsyncContextManager[Entrance]:
        if self.transport == "stdio":
            folder = self.client.supervisor.folder if self.client.supervisor else None
            return relay_entrance(self._new_transcript, self._session, folder)
        from ...transports.to_client.http import http_entrance  # imports a web server

        return http_entrance(self.revision, self._new_transcript, self._session, self._failed)

    def _new_transcript(self) -> Transcript:
        label = f"{self.revision.name}, connection {len(self.record.transcripts) + 1}"
        transcript = self.conditions.recorder.open(self.revision.name, label, self.transport)
        self.record.transcripts.append(transcript)
        return transcript

    async def _session(self, wire: WireToClient) -> None:
        """Serve one connection of the client; some make one to look around, and another to work."""
        server = server_for(wire, self.revision, self.book, self.timeout)
        server.share = self.share
        self.sessions.append(server)

        def end(error: Exception) -> None:
            self._failed(error)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            tasks = Tasks(group, end)
            await tasks.run(server.serve, tasks)

    def _failed(self, error: Exception) -> None:
        """A bug of ours ends the connections of this start; the client may be started again."""
        self.record.bugs.append(bug_report(error))
        for session in self.sessions:
            session.fail(error)

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
        if self.lingers and not self.book.left:
            return _EXIT_GRACE
        if not self.sessions:
            usual = self.conditions.start_timeout
        elif self.book.silences > _SILENCES and not self.book.late and all(s.unanswered for s in self.sessions):
            usual = self.timeout * _SILENT_STEP_FACTOR
        else:
            usual = self.timeout * _STEP_FACTOR
        return max(usual, _SLOWER * (self._steps.slowest or 0.0))

    def _note(self, child: Child, in_time: bool, entrance: Entrance) -> None:
        """Say in the record what kept the revision from being judged, or what a reader should know."""
        sessions = self.sessions
        for limit in [limit for session in sessions for limit in session.transcript.events(LimitReached)]:
            self.record.add_note(f"the harness ended a connection with {limit.words}, {NOT_OBSERVED}")
        start = Start(
            sessions, child.code, in_time, self._patience, child.tail, absent=entrance.absent, stray=entrance.stray
        )
        if not self.record.opened:
            note_not_opened(self.record, self.revision, start)
        elif words := how_it_ended(start, self.book):
            if in_time and sessions[-1].running and not sessions[-1].transcript.cut_off:
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
