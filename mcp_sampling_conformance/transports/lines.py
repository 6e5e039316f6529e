"""Lines: how stdio frames messages, read from any stream of bytes and recorded as they came."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from ..transcript.limits import MESSAGE_BYTES, Limit
from ..transcript.transcript import Entry, Side, Transcript

_TOO_LONG = Limit(MESSAGE_BYTES, "bytes in one line")


class CutOff(Exception):
    """The harness reads no further; the transcript says why."""


async def read_lines(
    chunks: AsyncIterator[bytes], transcript: Transcript, sender: Side, channel: str
) -> AsyncIterator[Entry | bytes]:
    """Each complete line as a recorded entry; at the end what came after the last newline, if anything, as bytes.

    Raises ``CutOff`` where more comes than the harness takes.
    """
    pending = bytearray()
    try:
        async for chunk in chunks:
            searched = len(pending)
            pending += chunk
            while (end := pending.find(b"\n", searched)) >= 0:
                line = bytes(pending[:end])
                del pending[: end + 1]
                searched = 0
                entry = transcript.receive(sender, line, channel)
                if entry is None:
                    raise CutOff
                yield entry
            if len(pending) > MESSAGE_BYTES:
                transcript.reached(_TOO_LONG)
                raise CutOff
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the other end is gone: what it sent before counts
    if pending:
        yield bytes(pending)
