"""How to reach a server under test: a process of its own for each connection, a URL, or an object in this process."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import anyio

from ...protocol.revisions import Revision
from ...transcript.transcript import Transcript
from ..process import Child, Command, supervised, with_tail
from ..wire import WireToServer
from .stdio import StdioToServer

#: what stands for a free port in a command and its URL
PORT = "{port}"
_POLL = 0.05
_EXIT_GRACE = 1.0
_TAIL_GRACE = 0.2


class Server(Protocol):
    """A server under test."""

    @property
    def transport(self) -> str: ...  #: "stdio", "http", "sse" or "memory"

    def running(self, timeout: float) -> AbstractAsyncContextManager[Server]:
        """The server, ready to be connected to. Raises ``OSError`` with the reason when it does not come up within
        ``timeout`` seconds."""
        ...

    def with_env(self, env: Mapping[str, str]) -> Server:
        """The same with more environment variables, where each connection has a process of its own."""
        ...

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        """A connection on which nothing was sent yet. Raises ``OSError`` when there can be none."""
        ...


@dataclass(frozen=True)
class StdioServer:
    """A command, started anew for each connection."""

    command: Command
    transport: str = "stdio"

    @asynccontextmanager
    async def running(self, timeout: float) -> AsyncIterator[Server]:
        with supervised(self.command) as command:
            yield StdioServer(command)

    def with_env(self, env: Mapping[str, str]) -> StdioServer:
        return StdioServer(replace(self.command, env={**self.command.env, **env}))

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        return await StdioToServer.start(self.command, transcript)


@dataclass(frozen=True)
class HttpServer:
    """A URL, and where the server is to be started for it, the command."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    command: Command | None = None
    transport: str = "http"
    child: Child | None = None  #: the process of the command, while it runs

    @asynccontextmanager
    async def running(self, timeout: float) -> AsyncIterator[Server]:
        if self.command is None:
            yield self
            return
        with supervised(self.command) as command:
            async with self._started(command, timeout) as started:
                yield started

    @asynccontextmanager
    async def _started(self, command: Command, timeout: float) -> AsyncIterator[Server]:
        port = _free_port()
        url = self.url.replace(PORT, port)
        argv = [word.replace(PORT, port) for word in command.argv]
        child = await replace(command, argv=argv).start()
        fault = ""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.keep_tail, child.process.stderr, child.process.stdout)
            try:
                fault = await _until_it_listens(child, url, timeout)
                if not fault:
                    yield replace(self, url=url, command=None, child=child)
            finally:
                with anyio.CancelScope(shield=True):
                    await child.end(0)
                    child.kill()
                    await child.tail_complete(_TAIL_GRACE)
                    await child.close()
                    tasks.cancel_scope.cancel()
        if fault:  # only here: a task group would wrap it
            raise OSError(fault)

    def with_env(self, env: Mapping[str, str]) -> HttpServer:
        return self

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        from .http import HttpToServer
        from .http_sse import SseToServer

        wire = {"http": HttpToServer, "sse": SseToServer}[self.transport]
        return wire(self.url, self.headers, revision, transcript, timeout, self.child)


@dataclass(frozen=True)
class MemoryServer:
    """A server object of the Python SDK, run anew for each connection."""

    server: Any
    transport: str = "memory"

    @asynccontextmanager
    async def running(self, timeout: float) -> AsyncIterator[Server]:
        yield self

    def with_env(self, env: Mapping[str, str]) -> MemoryServer:
        return self

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        from .memory import MemoryToServer

        return MemoryToServer(self.server, transcript)


def _free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


async def _until_it_listens(child: Child, url: str, seconds: float) -> str:
    """Wait until somebody takes connections at a URL. Where nobody does, why, with what the server said."""
    import httpx2

    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        return f"{url!r} is no URL ({error})"
    port = address.port or (443 if address.scheme == "https" else 80)
    with anyio.move_on_after(seconds):
        while child.code is None:
            try:
                await (await anyio.connect_tcp(address.host, port)).aclose()
            except (OSError, ValueError):  # what is no name of a host raises the latter
                await anyio.sleep(_POLL)
            else:
                return ""
    await child.tail_complete(_TAIL_GRACE)
    ended = f"did not within {seconds:g} s" if child.code is None else f"ended with exit code {child.code}"
    hint = "; it has to stay in the foreground" if child.code == 0 else ""
    return f"it was to listen at {url}, but {ended}{hint}{with_tail(child.tail)}"
