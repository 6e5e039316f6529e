"""stdio, the server's end: the client under test starts a relay process, which connects to us."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketStream

from ...transcript.limits import CONNECTIONS, Limit
from ...transcript.transcript import Entry, Side, Transcript
from ..lines import CutOff, read_lines

RELAY = Path(__file__).with_name("relay_process.py")
_TOO_MANY = Limit(CONNECTIONS, "connections of one start of the client")


class RelayToClient:
    """One session of the client under test. Iterate over ``messages`` for what it writes."""

    call: Any = None

    def __init__(self, stream: SocketStream, transcript: Transcript) -> None:
        self.stream = stream
        self.transcript = transcript

    async def send(self, raw: bytes) -> bool:
        """Write one line and record it. ``False`` when the client no longer reads."""
        return await self.send_together([raw])

    async def send_together(self, raws: Sequence[bytes]) -> bool:
        """Write lines in one piece."""
        for raw in raws:
            self.transcript.record(Side.SERVER, raw, "stdout")
        try:
            await self.stream.send(b"".join(raw + b"\n" for raw in raws))
        except anyio.get_cancelled_exc_class():
            await self.close()  # no line can follow one that was cut off
            raise
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return False
        return True

    async def interrupt(self, seconds: float) -> bool:
        """There is but one stream, and it is the connection."""
        return False

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client writes, line by line, until it closes our stdin."""
        with suppress(CutOff):
            async for line in read_lines(self.stream, self.transcript, Side.CLIENT, "stdin"):
                yield line if isinstance(line, Entry) else self.transcript.record(Side.CLIENT, line, "stdin")
        await self.close()

    async def close(self) -> None:
        """Hang up: the relay process, and with it the client's pipes, end."""
        with anyio.CancelScope(shield=True):
            await self.stream.aclose()


class RelayEntrance:
    """A command line that leads to us."""

    absent = "started no server"  #: what a client did that never came, as a predicate
    stray = "to the server's stdin it wrote"  #: how one sends what is no message, as a clause

    def __init__(self, path: Path) -> None:
        #: what a client is given
        self.words = [sys.executable, "-S", str(RELAY), str(path)]

    async def client_ended(self) -> None:
        """Nothing to do: its pipes end with it."""


@contextmanager
def _folder(parent: str | None) -> Iterator[Path]:
    """A folder that only this user can reach. The client knows where it is, and may have put something in its place."""
    with tempfile.TemporaryDirectory(prefix="relay-", dir=parent, ignore_cleanup_errors=True) as directory:
        path = Path(directory)
        try:
            yield path
        finally:
            if path.is_symlink() or path.is_file():
                path.unlink()


@asynccontextmanager
async def relay_entrance(
    new_transcript: Callable[[], Transcript],
    serve: Callable[[RelayToClient], Coroutine[Any, Any, None]],
    folder: str | None = None,
) -> AsyncIterator[RelayEntrance]:
    """A socket that only this user can reach, in ``folder`` or where temporary files are; ``serve`` runs for each
    connection."""

    transcripts: list[Transcript] = []

    async def connected(stream: SocketStream) -> None:
        if len(transcripts) == CONNECTIONS:
            transcripts[-1].reached(_TOO_MANY)
            await stream.aclose()
            return
        transcripts.append(new_transcript())
        wire = RelayToClient(stream, transcripts[-1])
        try:
            await serve(wire)
        finally:
            await wire.close()  # nobody answers any more

    with _folder(folder) as directory:
        path = directory / "server"
        async with await anyio.create_unix_listener(path, mode=0o600) as listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, connected)
            try:
                yield RelayEntrance(path)
            finally:
                tasks.cancel_scope.cancel()
