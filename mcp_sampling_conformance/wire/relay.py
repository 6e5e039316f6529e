"""stdio, the server's end: the client under test starts a relay process, which connects to us."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from .lines import Flood, read_lines
from .transcript import Entry, Side, Transcript

RELAY = Path(__file__).with_name("relay_process.py")


def relay_command(address: str) -> list[str]:
    """The command line that a client is given as its server's."""
    return [sys.executable, "-S", str(RELAY), address]


class RelayWire:
    """One session of the client under test. Iterate over ``messages`` for what it writes."""

    def __init__(self, stream: SocketStream, transcript: Transcript) -> None:
        self.stream = stream
        self.transcript = transcript

    async def send(self, raw: bytes) -> bool:
        """Write one line and record it. ``False`` when the client no longer reads."""
        self.transcript.record(Side.SERVER, raw, "stdout")
        try:
            await self.stream.send(raw + b"\n")
        except anyio.get_cancelled_exc_class():
            await self.close()  # no line can follow one that was cut off
            raise
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return False
        return True

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client writes, line by line, until it closes our stdin."""
        with suppress(Flood):
            async for line in read_lines(self.stream, self.transcript, Side.CLIENT, "stdin"):
                yield line if isinstance(line, Entry) else self.transcript.record(Side.CLIENT, line, "stdin")
        await self.close()

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self.stream.aclose()
