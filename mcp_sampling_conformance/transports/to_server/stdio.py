"""stdio, the client's end: a server in a process of its own, lines in and out, recorded as bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

import anyio

from ...transcript.events import Ended, StdinClosed
from ...transcript.transcript import Entry, Side, Transcript
from ..lines import CutOff, read_lines
from ..process import Child, Command
from ..tasks import Tasks

#: how long a server gets to end once its stdin is closed
_EXIT_GRACE = 1.0
#: how long what it wrote last may take to arrive
_DRAIN_GRACE = 0.5


class StdioToServer:
    """One started server. Iterate over ``messages`` for what it writes; ``send`` takes one line without newline."""

    def __init__(self, child: Child, transcript: Transcript) -> None:
        self.child = child
        self.transcript = transcript
        self.lost: Mapping[tuple[str, object], str] = {}
        self.pause = 0.0
        self.on_loss: Callable[[], None] = lambda: None
        self._drained = anyio.Event()  # stdout was read to its end

    @classmethod
    async def start(cls, command: Command, transcript: Transcript) -> StdioToServer:
        """Start the server. Raises ``OSError`` when that fails.

        Call ``work`` and run ``messages`` until ``shut_down`` is done.
        """
        return cls(await command.start(), transcript)

    @property
    def tail(self) -> str:
        """The last lines of the server's stderr."""
        return self.child.tail

    async def send(self, raw: bytes) -> bool:
        """Write one line and record it. ``False`` when the server no longer reads."""
        self.transcript.record(Side.CLIENT, raw, "stdin")
        assert self.child.process.stdin is not None
        try:
            await self.child.process.stdin.send(raw + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return False
        return True

    async def close_input(self) -> None:
        """Close the server's stdin, once."""
        if self.transcript.events(StdinClosed):
            return
        self.transcript.note(StdinClosed())
        assert self.child.process.stdin is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await self.child.process.stdin.aclose()

    async def messages(self) -> AsyncIterator[Entry]:
        """What the server writes, line by line, until its stdout ends."""
        assert self.child.process.stdout is not None
        try:
            async for line in read_lines(self.child.process.stdout, self.transcript, Side.SERVER, "stdout"):
                if isinstance(line, Entry):
                    yield line
                # A last line without newline counts, unless we cut it short ourselves.
                elif not self.child.was_killed:
                    yield self.transcript.record(Side.SERVER, line, "stdout")
        except CutOff:
            self.child.kill()
        finally:
            self._drained.set()

    def work(self, tasks: Tasks) -> None:
        """Start to read what it writes to its stderr."""
        tasks.start_soon(self.child.keep_tail, self.child.process.stderr)

    async def exited(self, seconds: float) -> bool:
        """Whether the process ended within ``seconds``."""
        return await self.child.exited(seconds)

    async def exit_code(self) -> int | None:
        """The exit code of a process whose output has ended; ``None`` where it runs on all the same."""
        if await self.exited(_EXIT_GRACE):
            await self.child.tail_complete(_DRAIN_GRACE)
        return self.child.code

    async def shut_down(self) -> None:
        """Close stdin, end the process and its group, and read stdout to its end."""
        await self.close_input()
        await self.child.end(_EXIT_GRACE)
        # What is buffered is still to be read; a descendant that holds the pipe must not hold us.
        with anyio.move_on_after(_DRAIN_GRACE):
            await self._drained.wait()
        self.child.kill()
        with anyio.move_on_after(_DRAIN_GRACE):
            await self._drained.wait()
        self.transcript.note(Ended(self.child.code))
        await self.child.close()
