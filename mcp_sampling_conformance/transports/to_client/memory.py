"""In memory, the server's end: the Python SDK's own streams to a client session in this process.

The SDK's streams carry parsed messages, so what is recorded is the text that the SDK would have written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from ...transcript.transcript import Entry, Side, Transcript


class MemoryToClient:
    """One session with a client in this process."""

    call: Any = None

    def __init__(
        self,
        reader: ReadStream[SessionMessage | Exception],
        writer: WriteStream[SessionMessage | Exception],
        transcript: Transcript,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.transcript = transcript

    async def send(self, raw: bytes) -> bool:
        """Hand one message to the client session. ``False`` when that has ended or its streams cannot carry it."""
        try:
            message = jsonrpc_message_adapter.validate_json(raw, by_name=False)
        except ValidationError:
            return False
        self.transcript.record(Side.SERVER, raw, "memory")
        try:
            await self.writer.send(SessionMessage(message))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return False
        return True

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client session sends, until it ends."""
        async for item in self.reader:
            if isinstance(item, SessionMessage):
                text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                yield self.transcript.record(Side.CLIENT, text.encode(), "memory")
