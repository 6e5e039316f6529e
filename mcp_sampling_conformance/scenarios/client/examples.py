"""Generated requests for a client under test, or for a callback: each in a call of the running connection while that
lives; when the client has ended, or was ended, it is started again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio

from ...peers.server import Book, FixtureServer, Tool
from ...protocol.jsonrpc import Json, shown
from ...protocol.revisions import Revision
from ...transcript.run import RevisionRun
from ...transcript.transcript import Side
from ..conditions import BrokenSince, Conditions
from ..search.example import SHOWN, Attempt, Example
from ..search.search import Search
from ..search.sorts import Field, add_search, broken_by, search_sorts
from .asks import request

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: tools listed at one start, each for a call in which a few requests are made
_TOOLS = 16
#: clients of the modern era give a call up after a number of rounds: 10 in the Python SDK
_PER_CALL = 4

#: after so many starts in which nothing new was tried there is no use in another
_MOST_IDLE = 3
#: nor after so many in which it called nothing; a single one may have come too late on a busy machine
_MOST_UNCALLED = 1

#: starts the client once, with such a book; returns when it has ended
StartClient = Callable[[Book], Awaitable[object]]


# --- what is sent


def valid_requests(revision: Revision, tools: bool) -> SearchStrategy[Example]:
    """Params that break no rule; with ``tools`` where the client declared them."""
    from ...strategies import create_message_params

    return create_message_params(revision=revision.name, tools=tools).map(_valid)


def invalid_requests(revision: Revision, tools: bool) -> SearchStrategy[Example]:
    """Params that break one rule each."""
    from ...strategies import Invalid, invalid_create_message_params

    def example(invalid: Invalid) -> Example:
        flaw = f"that breaks {invalid.rule} at {invalid.json_path}"
        name = f"a generated request {flaw}, {shown(invalid.value, SHOWN)}"
        return Example("odd", invalid.value, name, hostile=True, sound=_valid(invalid.sound))

    return invalid_create_message_params(revision=revision.name).map(example)


def _valid(params: Json) -> Example:
    # A client that knows tasks may answer with one, which is not judged.
    params = {key: value for key, value in params.items() if key != "task"}
    return Example("kind", params, f"a generated request, {shown(params, SHOWN)}")


# --- how it is tried


async def search_client(
    record: RevisionRun, revision: Revision, start: StartClient, book: Book, conditions: Conditions
) -> list[Field]:
    """See whether generated requests break more than those of the tables, if the client declared sampling and answered
    any of those; ``book`` says so. What is found goes into the record of the revision.

    Returns the revision as a place to search in, if it is one.
    """
    if not conditions.generated.examples or not book.answered or not book.declared:
        return []
    sorts = {
        "valid requests": partial(valid_requests, revision, book.declared_tools),
        "invalid requests": partial(invalid_requests, revision, book.declared_tools),
    }

    async def host(search: Search) -> None:
        await try_on_client(search, start, revision, conditions.broken_since)

    place = Field(revision, record, host, lambda example: book.declared_tools or not _uses_tools(example))
    for search in await search_sorts(sorts, place, conditions):
        add_search(record, revision, search)
    return [place]


def _uses_tools(example: Example) -> bool:
    return isinstance(example.value, dict) and bool(example.value.keys() & {"tools", "toolChoice"})


async def try_on_client(search: Search, start: StartClient, revision: Revision, broken_since: BrokenSince) -> None:
    """Try what the search asks for until it has enough, or the client calls no more tools."""
    taker = _Taker(search, revision, broken_since)
    idle = 0
    while not search.over:
        tried = search.tried
        book = Book({tool.name: tool for tool in taker.tools()})
        taker.begin_again()
        await start(book)
        taker.settle()
        idle = idle + 1 if search.tried == tried else 0
        if idle > (_MOST_IDLE if book.called else _MOST_UNCALLED):
            search.close("the client took no more of them")


class _Taker:
    """Takes attempts from a search and makes sampling requests of them, in whatever call of the client is under way."""

    def __init__(self, search: Search, revision: Revision, broken_since: BrokenSince) -> None:
        self._search = search
        self._revision = revision
        self._broken_since = broken_since
        self._attempt: Attempt | None = None  #: taken from the search, and not tried yet
        # A client may call on several connections at once.
        self._turn = anyio.Lock()
        self.begin_again()

    def begin_again(self) -> None:
        """The client is about to be started."""
        self._fresh = True  #: nothing was tried since then
        self._controlled = False  #: a plain request was made since then
        #: settles an attempt that got no answer: what that means shows when the client goes on, or has ended
        self.settle: Callable[[], None] = _nothing

    def tools(self) -> Sequence[Tool]:
        """What the client is to call; each call makes a few attempts."""
        return [Tool(f"g{n:02}_generated", "Probe: generated requests", self._call) for n in range(1, _TOOLS + 1)]

    async def _call(self, server: FixtureServer, call: int | str) -> None:
        async with self._turn:
            await self._try_some(server)

    async def _try_some(self, server: FixtureServer) -> None:
        self.settle()
        if server.sampling is None:
            return
        # A client that has left a request unanswered is started again.
        server.book.over |= server.unanswered > 0
        for _ in range(_PER_CALL):
            if server.book.over:
                return
            self._attempt = self._attempt or await self._search.next()
            if self._attempt is None or (self._attempt.alone and not self._fresh):
                return
            hasty = self._attempt.seconds < server.timeout
            good = await (self._try(server, self._attempt) if self._controlled else self._control(server))
            # While a shrink is under way, that is done without waiting for its next call.
            server.book.over = hasty and server.unanswered > 0 and not server.gone
            if not good:
                return

    async def _control(self, server: FixtureServer) -> bool:
        """Make a plain request first; whether that was answered."""
        self._controlled = True
        answer = await server.ask("plain", "a plain request", request())
        transcript = server.transcript
        self._search.plainly(transcript, self._broken_since(transcript, 0, self._revision, Side.CLIENT))
        if answer is None:
            self._search.close("a plain request got no answer")
        return answer is not None

    async def _try(self, server: FixtureServer, attempt: Attempt) -> bool:
        """Try one example; whether more can be asked in this call."""
        example, transcript = attempt.example, server.transcript
        begin, started = len(transcript.items), time.monotonic()
        usual, server.timeout = server.timeout, attempt.seconds
        answer = await server.ask(example.group, example.name, example.value)
        if example.hostile and answer is not None:
            answer = await server.ask("follow-up", f"a plain request after {example.name}", request(), after="odd")
        server.timeout = usual
        took = time.monotonic() - started

        def settle() -> None:
            self.settle = _nothing
            broken = broken_by(attempt, transcript, begin, self._revision, Side.CLIENT, self._broken_since)
            self._search.finish(attempt, transcript, broken, took, answer is None)

        self._attempt, self._fresh, self.settle = None, False, settle
        if answer is not None:
            settle()
        return answer is not None


def _nothing() -> None:
    """There is nothing to settle."""
