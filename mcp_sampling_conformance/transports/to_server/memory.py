"""In memory, the client's end: a server object of the Python SDK in this process, over the SDK's own streams.

What is recorded is the text that the SDK would have written, see ``sdk_messages``.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

import anyio
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage

from ...transcript.transcript import Entry, Side, Transcript
from ..sdk_messages import from_sdk, to_sdk
from ..tasks import Tasks

#: where the server classes of the SDK and of FastMCP keep the one that speaks the protocol
_INNER = ("_lowlevel_server", "_mcp_server")
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)


def protocol_server(server: object) -> Any:
    """The object that can be run over streams; ``None`` where there is none."""
    for name in _INNER:
        server = getattr(server, name, server)
    return server if hasattr(server, "run") and hasattr(server, "create_initialization_options") else None


class MemoryToServer:
    """One run of a server object."""

    def __init__(self, server: object, transcript: Transcript) -> None:
        self.transcript = transcript
        self.lost: Mapping[tuple[str, object], str] = {}
        self.pause = 0.0
        self.on_loss: Callable[[], None] = lambda: None
        self._server = protocol_server(server)
        #: what FastMCP wants entered around a run
        self._lifespan = getattr(server, "_lifespan_manager", nullcontext)
        self._fault = ""
        self._opened = anyio.Event()
        self._ended = anyio.Event()
        self._reader: Any = None
        self._writer: Any = None

    def work(self, tasks: Tasks) -> None:
        """Run the server."""
        tasks.start_soon(self._run)

    async def _run(self) -> None:
        async with create_client_server_memory_streams() as ((self._reader, self._writer), (reader, writer)):
            self._opened.set()
            try:
                async with self._lifespan():
                    await self._server.run(reader, writer, self._server.create_initialization_options())
            except Exception:  # whatever the user's server does
                self._fault = traceback.format_exc(limit=-3)
            finally:
                self._ended.set()
                await writer.aclose()

    async def send(self, raw: bytes) -> bool:
        """Hand one message to the server. ``False`` when it has ended or its streams cannot carry it."""
        await self._opened.wait()
        message = to_sdk(raw)
        if message is None:
            return False
        self.transcript.record(Side.CLIENT, raw, "memory")
        try:
            await self._writer.send(message)
        except _GONE:
            return False
        return True

    async def messages(self) -> AsyncIterator[Entry]:
        """What the server sends, until it ends."""
        await self._opened.wait()
        with suppress(*_GONE):
            async for item in self._reader:
                if isinstance(item, SessionMessage):
                    entry = self.transcript.receive(Side.SERVER, from_sdk(item), "memory")
                    if entry is None:
                        break
                    yield entry

    async def shut_down(self) -> None:
        """Close the streams; the run is then cancelled with its task."""
        if self._writer is not None:
            await self._writer.aclose()
            with anyio.move_on_after(1):
                await self._ended.wait()

    @property
    def tail(self) -> str:
        """The end of the traceback of what the server raised, if anything."""
        return self._fault

    async def exit_code(self) -> int | None:
        """``None``: there is no process."""
        return None
