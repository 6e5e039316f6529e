"""Generated requests for a client under test, or for a callback: each in a call of the running connection while that
lives; when the client has ended, or was ended, it is started again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio

from ...evidence.evidence import Session
from ...peers.server import Book, FixtureServer, Tool
from ...judging.judge import broken_since
from ...protocol.jsonrpc import shown
from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ...transcript.transcript import Side
from .asks import request
from ..run import RevisionRun
from ..search import SHOWN, Example, Generated, Search, Trial, search_sorts

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: tools listed at one start, each for a call in which a few requests are made
_TOOLS = 16
#: clients of the modern era give a call up after a number of rounds: 10 in the Python SDK
_PER_CALL = 4

#: after so many starts in which nothing new was tried there is no use in another
_MOST_IDLE = 3

#: starts the client once, with such a book; returns when it has ended
Start = Callable[[Book], Awaitable[None]]


# --- what is sent


def valid_requests(revision: Revision, tools: bool) -> SearchStrategy[Example]:
    """Params that break no rule; with ``tools`` where the client declared them."""
    from ...strategies import create_message_params

    return create_message_params(revision=revision.name, tools=tools).map(_valid)


def invalid_requests(revision: Revision, tools: bool) -> SearchStrategy[Example]:
    """Params that break one rule each."""
    from ...strategies import Invalid, invalid_create_message_params

    def example(invalid: Invalid) -> Example:
        flaw = f"that breaks {invalid.rule} at {invalid.where}"
        name = f"a generated request {flaw}, {shown(invalid.value, SHOWN)}"
        return Example("odd", invalid.value, name, hostile=True, sound=_valid(invalid.sound))

    return invalid_create_message_params(revision=revision.name).map(example)


def _valid(params: Json) -> Example:
    # A client that knows tasks may answer with one, which is not judged.
    params = {key: value for key, value in params.items() if key != "task"}
    return Example("kind", params, f"a generated request, {shown(params, SHOWN)}")


# --- how it is tried


async def search_client(
    record: RevisionRun,
    revision: Revision,
    start: Start,
    generated: Generated,
    timeout: float,
    progress: Callable[[str], None],
) -> None:
    """See whether generated requests find more than those of the tables, in a revision in which the client answered."""
    sessions = [Session(transcript, revision) for transcript in record.transcripts]
    if not generated.examples or not any(exchange.answer for session in sessions for exchange in session.exchanges):
        return
    tools = any(session.sampling is not None and session.sampling.get("tools") for session in sessions)
    sorts = {
        "valid requests": partial(valid_requests, revision, tools),
        "invalid requests": partial(invalid_requests, revision, tools),
    }

    async def host(search: Search) -> None:
        await try_on_client(search, start, revision)

    searches = await search_sorts(sorts, generated, timeout, host, lambda text: progress(f"{revision.name}: {text}"))
    for search in searches:
        record.add_search(revision, search)


async def try_on_client(search: Search, start: Start, revision: Revision) -> None:
    """Try what the search asks for until it has enough, or the client calls no more tools."""
    taker = _Taker(search, revision)
    idle = 0
    while not search.over:
        tried = search.tried
        book = Book({tool.name: tool for tool in taker.tools()})
        taker.begin_again()
        await start(book)
        taker.settle()
        idle = idle + 1 if search.tried == tried else 0
        if not book.called or idle > _MOST_IDLE:
            search.close("the client took no more of them")


class _Taker:
    """Takes trials from a search and makes requests of them, whatever call it is in."""

    def __init__(self, search: Search, revision: Revision) -> None:
        self.search = search
        self.revision = revision
        self.trial: Trial | None = None
        # A client may call on several connections at once.
        self._turn = anyio.Lock()
        self.begin_again()

    def begin_again(self) -> None:
        """The client is about to be started."""
        self.fresh = True  #: nothing was tried since then
        self.controlled = False  #: nor was a plain request made
        #: settles a trial that got no answer: what that means shows when the client goes on, or has ended
        self.settle: Callable[[], None] = _nothing

    def tools(self) -> Sequence[Tool]:
        return [Tool(f"g{n:02}_generated", "Probe: generated requests", self._call) for n in range(1, _TOOLS + 1)]

    async def _call(self, server: FixtureServer, call: int | str) -> None:
        async with self._turn:
            await self._try_some(server)

    async def _try_some(self, server: FixtureServer) -> None:
        self.settle()
        # Whoever has left a request unanswered is started again; while a shrink is under way, without being waited for.
        server.book.over |= server.unanswered > 0
        for _ in range(_PER_CALL):
            if server.book.over:
                return
            self.trial = self.trial or await self.search.next()
            if self.trial is None or (self.trial.alone and not self.fresh):
                return
            hasty = self.trial.seconds < server.timeout
            good = await (self._try(server, self.trial) if self.controlled else self._control(server))
            server.book.over = hasty and server.unanswered > 0 and not server.gone
            if not good:
                return

    async def _control(self, server: FixtureServer) -> bool:
        """Make a plain request first; whether that was answered."""
        self.controlled = True
        answer = await server.ask("plain", "a plain request", request())
        self.search.plainly(server.transcript, broken_since(server.transcript, 0, self.revision, Side.CLIENT))
        if answer is None:
            self.search.close("a plain request got no answer")
        return answer is not None

    async def _try(self, server: FixtureServer, trial: Trial) -> bool:
        """Try one example; whether more can be asked in this call."""
        example, transcript = trial.example, server.transcript
        begin, started = len(transcript.items), time.monotonic()
        usual, server.timeout = server.timeout, trial.seconds
        answer = await server.ask(example.group, example.name, example.value)
        if example.hostile and answer is not None:
            answer = await server.ask("follow-up", f"a plain request after {example.name}", request(), after="odd")
        server.timeout = usual
        took = time.monotonic() - started

        def settle() -> None:
            self.settle = _nothing
            broken = broken_since(transcript, begin, self.revision, Side.CLIENT)
            self.search.finish(trial, transcript, broken, took, answer is None)

        self.trial, self.fresh, self.settle = None, False, settle
        if answer is not None:
            settle()
        return answer is not None


def _nothing() -> None:
    """There is nothing to settle."""
