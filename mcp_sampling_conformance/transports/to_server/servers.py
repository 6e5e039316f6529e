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
from ..process import Child, Command, with_tail
from ..wire import WireToServer
from .stdio import StdioToServer

#: what stands for a free port in a command and its URL
PORT = "{port}"
#: a server that is started for us may take so many times the time-out until it listens
_START_FACTOR = 3
_POLL = 0.05
_EXIT_GRACE = 1.0
_TAIL_GRACE = 0.2


class Server(Protocol):
    """A server under test."""

    @property
    def transport(self) -> str: ...  #: "stdio", "http", "sse" or "memory"

    def running(self, env: Mapping[str, str], timeout: float) -> AbstractAsyncContextManager[Server]:
        """The server, ready to be connected to. Raises ``OSError`` with the reason when it does not come up."""
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
    async def running(self, env: Mapping[str, str], timeout: float) -> AsyncIterator[Server]:
        yield self.with_env(env)

    def with_env(self, env: Mapping[str, str]) -> StdioServer:
        return StdioServer(replace(self.command, env={**self.command.env, **env}))

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        return await StdioToServer.start(self.command.argv, transcript, cwd=self.command.cwd, env=self.command.env)


@dataclass(frozen=True)
class HttpServer:
    """A URL, and where the server is to be started for it, the command."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    command: Command | None = None
    transport: str = "http"

    @asynccontextmanager
    async def running(self, env: Mapping[str, str], timeout: float) -> AsyncIterator[Server]:
        if self.command is None:
            yield self
            return
        port = _free_port()
        url = self.url.replace(PORT, port)
        argv = [word.replace(PORT, port) for word in self.command.argv]
        child = await Child.start(argv, cwd=self.command.cwd, env={**self.command.env, **env})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.keep_tail, child.process.stderr, child.process.stdout)
            try:
                await _until_it_listens(child, url, timeout * _START_FACTOR)
                yield replace(self, url=url, command=None)
            finally:
                with anyio.CancelScope(shield=True):
                    await child.end(0)
                    child.kill()
                    await child.tail_complete(_TAIL_GRACE)
                    await child.close()
                    tasks.cancel_scope.cancel()

    def with_env(self, env: Mapping[str, str]) -> HttpServer:
        return self

    async def open(self, revision: Revision, transcript: Transcript, timeout: float) -> WireToServer:
        from .http import HttpToServer
        from .http_sse import SseToServer

        wire = {"http": HttpToServer, "sse": SseToServer}[self.transport]
        return wire(self.url, self.headers, revision, transcript, timeout)


@dataclass(frozen=True)
class MemoryServer:
    """A server object of the Python SDK, run anew for each connection."""

    server: Any
    transport: str = "memory"

    @asynccontextmanager
    async def running(self, env: Mapping[str, str], timeout: float) -> AsyncIterator[Server]:
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


async def _until_it_listens(child: Child, url: str, seconds: float) -> None:
    """Wait until somebody takes connections at a URL. Raises ``OSError`` with what the server said when nobody does."""
    import httpx2

    address = httpx2.URL(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    with anyio.move_on_after(seconds):
        while child.code is None:
            try:
                await (await anyio.connect_tcp(address.host, port)).aclose()
            except OSError:
                await anyio.sleep(_POLL)
            else:
                return
    await child.tail_complete(_TAIL_GRACE)
    ended = f"ended with exit code {child.code}" if child.code is not None else f"did not within {seconds:g} s"
    raise OSError(f"it was to listen at {url}, but {ended}{with_tail(child.tail)}")
