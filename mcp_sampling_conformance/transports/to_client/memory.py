"""In memory, the server's end: the Python SDK's own streams to a client session in this process.

What is recorded is the text that the SDK would have written, see ``sdk_messages``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any, Protocol

import anyio
from mcp.shared.message import SessionMessage

from ...transcript.transcript import Entry, Side, Transcript
from ..sdk_messages import from_sdk, to_sdk


class Writer(Protocol):
    """What writes to a client session."""

    async def send(self, item: SessionMessage, /) -> None: ...


class MemoryToClient:
    """One session with a client in this process."""

    call: Any = None

    def __init__(
        self, reader: AsyncIterable[SessionMessage | Exception], writer: Writer, transcript: Transcript
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.transcript = transcript

    async def send(self, raw: bytes) -> bool:
        """Hand one message to the client session. ``False`` when that has ended or its streams cannot carry it."""
        message = to_sdk(raw)
        if message is None:
            return False
        self.transcript.record(Side.SERVER, raw, "memory")
        try:
            await self.writer.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return False
        return True

    async def send_together(self, raws: Sequence[bytes]) -> bool:
        """Send messages one right behind the other."""
        return all([await self.send(raw) for raw in raws])

    async def interrupt(self, seconds: float) -> bool:
        """There is but one stream."""
        return False

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client session sends, until it ends."""
        async for item in self.reader:
            if isinstance(item, SessionMessage):
                entry = self.transcript.receive(Side.CLIENT, from_sdk(item), "memory")
                if entry is None:
                    break
                yield entry
