"""The fixture client and the fixture server for your own tests; the fixtures that hand them out are in ``plugin``.

Both work on a thread of their own and block until there is something to return. So they are used alike in plain tests
and in tests that run on an event loop, whichever it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import chain, repeat
from typing import Any, Protocol, TypeVar

import pytest
from anyio.from_thread import BlockingPortal

from .judging.excerpt import last_of
from .peers.client import Asked, FixtureClient
from .peers.server import Book, FixtureServer, Tool
from .protocol.jsonrpc import Json
from .protocol.revisions import NAMES, NEWEST_LEGACY, REVISIONS, Revision, revision_named
from .report.exchange import excerpt_lines
from .report.printable import printable, printable_lines
from .scenarios.client.run import ClientRun
from .scenarios.conditions import Conditions
from .scenarios.server.answers import text_result
from .scenarios.server.callees import Callee
from .scenarios.server.connections import open_client
from .transcript.masking import Mask
from .transcript.run import RevisionRun, Run
from .transcript.transcript import Transcript
from .transports.process import Command, supervised
from .transports.to_server.servers import Server

#: an answer to a sampling request: the text of the model, a whole result, ``{"error": {...}}``, or what makes one of
#: these from the request's params
Answer = str | Mapping[str, Any] | Callable[[Json], Any]

Outcome = TypeVar("Outcome")

DEFAULT_ANSWER = "This is an answer of the fixture client."

#: messages of a connection that a test which fails shows, the last ones
_SHOWN = 40

#: a test that fails shows its own lines, and none of this module
__tracebackhide__ = True


class Targets(Protocol):
    """Finds what a test names. Raises ``pytest.UsageError`` with one sentence."""

    def server(
        self, target: Any, headers: Mapping[str, str], env: Mapping[str, str], cwd: str | None
    ) -> tuple[Server, Mask]:
        """How to reach a server, and what takes the secrets given for it out of a text."""

    def client(self, target: Any, env: Mapping[str, str], cwd: str | None) -> tuple[Callable[..., Any] | Command, Mask]:
        """A callback or how to start a client, and the same."""


class CallFailed(AssertionError):
    """A call was answered with an error, or not at all; ``error`` is the JSON-RPC error, if there was one."""

    def __init__(self, message: str, error: Json | None = None) -> None:
        super().__init__(printable_lines(message))
        self.error = error


class NotSpoken(CallFailed):
    """The revision is not spoken."""


class SamplingClient:
    """A client with sampling, connected to a server: call its tools, and see what they asked the model."""

    def __init__(self, client: FixtureClient, portal: BlockingPortal, answers: Sequence[Answer], mask: Mask) -> None:
        self._client = client
        self._mask = mask
        self._portal = portal
        self._answers: Iterator[Answer] = chain(answers, repeat(DEFAULT_ANSWER))
        #: the params of every sampling request so far, in the order in which they came
        self.requests: list[Json] = []
        client.sampler = self._answer

    @property
    def transcript(self) -> Transcript:
        """Everything that crossed, as it crossed."""
        return self._client.transcript

    def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> Json:
        """Call a tool; returns the result (``content``, ``isError``, …). Raises ``CallFailed``."""
        return self._call(Callee("tool", name, arguments or {}))

    def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> Json:
        """Get a prompt; returns the result (``messages``, …). Raises ``CallFailed``."""
        return self._call(Callee("prompt", name, arguments or {}))

    def read_resource(self, uri: str) -> Json:
        """Read a resource; returns the result (``contents``). Raises ``CallFailed``."""
        return self._call(Callee("resource", uri))

    def _call(self, callee: Callee) -> Json:
        response = self._portal.call(self._client.request, callee.method, callee.params())
        if response is None:
            raise CallFailed(f"{callee.label}: {_silence(self._client)}")
        if "error" in response:
            raise CallFailed(self._mask(f"{callee.label}: {response['error']}"), response["error"])
        return dict(response["result"])

    async def _answer(self, client: FixtureClient, asked: Asked, position: int) -> None:
        params = asked.body.get("params", {})
        self.requests.append(params)
        answer: Any = next(self._answers)
        while callable(answer):
            answer = answer(params)
        if isinstance(answer, str):
            answer = text_result(answer)
        await asked.reply(answer if "error" in answer else {"result": answer})


@asynccontextmanager
async def _opened(
    server: Server, revision: Revision, transcript: Transcript, timeout: float
) -> AsyncIterator[FixtureClient]:
    """A connection, and the server started for it where that takes more than a connection."""
    async with server.running(timeout) as running, open_client(running, revision, transcript, timeout) as client:
        yield client


def _silence(client: FixtureClient) -> str:
    """Why no answer came."""
    if client.gone:
        return "the server ended"
    return f"no answer within {client.timeout:g} s (timeout= gives it more)"


async def _open(client: FixtureClient, revision: str, sampling: Mapping[str, Any] | None, mask: Mask) -> None:
    response = await client.greet(revision, sampling)
    if revision not in client.spoken(response):
        why = _silence(client) if response is None else f"it answered {response}"
        raise NotSpoken(mask(f"the server does not open in {revision}: {why}\nits stderr:\n{client.wire.tail}"))
    await client.begin()


def _in_either_era(revision: str | None, attempt: Callable[[Revision], Outcome]) -> Outcome:
    """Attempt something in a revision, or without one in each era until one is spoken. Raises ``NotSpoken``, and
    ``ValueError`` for a revision that there is not."""
    try:
        if revision is not None:
            return attempt(revision_named(revision))
        try:
            return attempt(REVISIONS[NEWEST_LEGACY])
        except NotSpoken:
            return attempt(REVISIONS[NAMES[-1]])
    except CallFailed as error:
        raise error.with_traceback(None) from None  # how we came to know is of no use to the reader


class SamplingServer:
    """A server that asks a client for sampling: send requests, see the client's answers."""

    def __init__(
        self,
        client: Callable[..., Any] | Command,
        portal: BlockingPortal,
        revision: str | None,
        timeout: float,
        mask: Mask,
    ) -> None:
        #: what crossed each connection so far
        self.transcripts: list[Transcript] = []
        self._mask = mask
        self._client = client
        self._portal = portal
        self._revision = revision
        self._timeout = timeout

    def ask(self, params: Json) -> Json:
        """Send one ``sampling/createMessage``; returns the response: ``{"result": …}`` or ``{"error": …}``.

        Raises ``CallFailed`` where none came.
        """
        return self.ask_all([params])[0]

    def ask_all(self, requests: Sequence[Json]) -> list[Json]:
        """Send several requests, one after the other, in one session; a command is started once for all of them."""
        responses = _in_either_era(self._revision, lambda it: self._portal.call(self._ask, it, list(requests)))
        if len(responses) < len(requests):
            raise CallFailed(f"the client answered only {len(responses)} of {len(requests)} sampling requests")
        return responses

    async def _ask(self, revision: Revision, requests: list[Json]) -> list[Json]:
        """A tool for each request, called by whatever it is that we have."""
        answers: list[Json] = []

        async def one(params: Json, server: FixtureServer, call: int | str) -> None:
            answer = await server.ask("yours", "a request of yours", params)
            if answer is not None:
                answers.append(_outcome(answer))

        tools = [Tool(f"ask_{n}", "Asks for sampling", partial(one, params)) for n, params in enumerate(requests, 1)]
        book = Book({tool.name: tool for tool in tools})
        if not isinstance(self._client, Command):
            from .scenarios.client.callback import call_every_tool  # imports the SDK
            from .transports.sdk import unspoken

            if reason := unspoken(revision):
                raise NotSpoken(reason)
            transcript = Transcript("a test", "memory")
            self.transcripts.append(transcript)
            await call_every_tool(self._client, revision, book, transcript, self._timeout)
            return answers
        run = Run({revision.name: RevisionRun()})
        with supervised(self._client) as command:
            await ClientRun(command, revision, book, run, Conditions(self._timeout)).until_done()
        record = run.revisions[revision.name]
        self.transcripts += record.transcripts
        if record.not_negotiated:
            raise NotSpoken(self._mask(record.not_negotiated))
        if record.failure:
            raise CallFailed(self._mask(record.failure))
        return answers


def _outcome(response: Json) -> Json:
    return {key: value for key, value in response.items() if key in ("result", "error")}


class Workshop:
    """Makes fixture clients and servers for one test, and ends what they started."""

    def __init__(self, portal: BlockingPortal, targets: Targets) -> None:
        self._portal = portal
        self._targets = targets
        self._stack = ExitStack()
        self._clients: list[tuple[Transcript, Mask]] = []
        self._servers: list[tuple[SamplingServer, Mask]] = []

    def client(
        self,
        server: Any = None,
        *,
        answers: Sequence[Answer] = (),
        revision: str | None = None,
        sampling: Mapping[str, Any] | None = {},
        timeout: float = 10,
        headers: Mapping[str, str] = {},
        env: Mapping[str, str] = {},
        cwd: str | None = None,
    ) -> SamplingClient:
        """A client connected to ``server``: a command line or its words, a URL, ``"module:attribute"`` or a server
        object of the Python SDK; without one to that of ``--mcp-server``, or of ``mcp_server`` in the ini file.

        ``answers`` are given to sampling requests in turn, a text to those beyond. ``sampling`` is the capability to
        declare, ``None`` for none; ``timeout`` is in seconds. Without a ``revision`` the newest legacy one is tried,
        and where the server does not speak it, the newest. ``headers`` are for a URL, ``env`` and ``cwd`` for a
        command. Raises ``CallFailed`` where there is no such server or it does not answer, ``ValueError`` where there
        is no such revision.
        """
        try:
            reached, mask = self._targets.server(server, headers, env, cwd)
        except pytest.UsageError as error:
            raise CallFailed(str(error)) from None

        def connected(revision: Revision) -> SamplingClient:
            transcript = Transcript("a test", reached.transport)
            self._clients.append((transcript, mask))
            opened = _opened(reached, revision, transcript, timeout)
            client = self._stack.enter_context(self._portal.wrap_async_context_manager(opened))
            self._portal.call(_open, client, revision.name, sampling, mask)
            return SamplingClient(client, self._portal, answers, mask)

        return _in_either_era(revision, connected)

    def server(
        self,
        client: Callable[..., Any] | str | Sequence[str] | None = None,
        *,
        revision: str | None = None,
        timeout: float = 10,
        env: Mapping[str, str] = {},
        cwd: str | None = None,
    ) -> SamplingServer:
        """A server for ``client``: a sampling callback of the Python SDK, as it is or as ``"module:attribute"``, or a
        command line, or its words, with ``{server}`` or ``{url}`` in it; without one for that of ``--mcp-client``,
        ``--mcp-callback`` or their keys in the ini file.

        ``revision``, ``timeout``, ``env``, ``cwd`` and what is raised as for ``client``.
        """
        try:
            asked, mask = self._targets.client(client, env, cwd)
        except pytest.UsageError as error:
            raise CallFailed(str(error)) from None
        server = SamplingServer(asked, self._portal, revision, timeout, mask)
        self._servers.append((server, mask))
        return server

    def sections(self) -> list[tuple[str, str]]:
        """What crossed, for the report of a test that failed: titles and texts."""
        asked = [(transcript, mask) for server, mask in self._servers for transcript in server.transcripts]
        return [
            ("mcp sampling: what crossed", "\n".join(map(printable, excerpt_lines(last_of(transcript, _SHOWN, mask)))))
            for transcript, mask in (*self._clients, *asked)
            if transcript.items
        ]

    def close(self) -> None:
        self._stack.close()


class ClientFixture(Protocol):
    """The type of the fixture ``mcp_sampling_client``, see ``Workshop.client``."""

    def __call__(
        self,
        server: Any = None,
        *,
        answers: Sequence[Answer] = (),
        revision: str | None = None,
        sampling: Mapping[str, Any] | None = {},
        timeout: float = 10,
        headers: Mapping[str, str] = {},
        env: Mapping[str, str] = {},
        cwd: str | None = None,
    ) -> SamplingClient: ...


class ServerFixture(Protocol):
    """The type of the fixture ``mcp_sampling_server``, see ``Workshop.server``."""

    def __call__(
        self,
        client: Callable[..., Any] | str | Sequence[str] | None = None,
        *,
        revision: str | None = None,
        timeout: float = 10,
        env: Mapping[str, str] = {},
        cwd: str | None = None,
    ) -> SamplingServer: ...
