"""Lines: how stdio frames messages, read from any stream of bytes and recorded as they came."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from ..transcript.events import Flooded
from ..transcript.transcript import Entry, Side, Transcript

#: what the system under test may write to one stream before it is taken for a flood; the lines are events over SSE
MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 100_000


class Flood(Exception):
    """More came than any honest system under test would send."""


async def read_lines(
    chunks: AsyncIterator[bytes], transcript: Transcript, sender: Side, channel: str
) -> AsyncIterator[Entry | bytes]:
    """Each complete line as a recorded entry; at the end what came after the last newline, if anything, as bytes.

    Raises ``Flood``, with an event in the transcript, when more comes than is reasonable.
    """
    pending = bytearray()
    total = lines = 0
    try:
        async for chunk in chunks:
            total += len(chunk)
            searched = len(pending)
            pending += chunk
            while (end := pending.find(b"\n", searched)) >= 0:
                line = bytes(pending[:end])
                del pending[: end + 1]
                searched = 0
                lines += 1
                yield transcript.record(sender, line, channel)
            if total > MAX_BYTES or lines > MAX_LINES:
                transcript.note(Flooded(total))
                raise Flood
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the other end is gone: what it sent before counts
    if pending:
        yield bytes(pending)
