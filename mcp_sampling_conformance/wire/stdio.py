"""stdio, the client's end: a server in a process of its own, lines in and out, recorded as bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from subprocess import PIPE

import anyio
import psutil
from anyio.abc import Process

from .transcript import Entry, Side, Transcript

#: a process of the system under test carries this variable, so that none of its descendants is lost
RUN_VARIABLE = "MCP_SAMPLING_CONFORMANCE_RUN"

#: what a server may write in one connection before it is taken for a flood
MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 100_000

_STDERR_KEPT = 16 * 1024
#: how long a process gets to end once its stdin is closed, and once it got SIGTERM
_EXIT_GRACE = 1.0
_TERM_GRACE = 0.5


class StdioWire:
    """One started server. Iterate over it for what it writes; ``send`` takes one line without newline."""

    def __init__(self, process: Process, transcript: Transcript) -> None:
        self.process = process
        self.transcript = transcript
        self.stderr = b""
        self.drained = anyio.Event()  # stdout was read to its end

    @classmethod
    async def start(
        cls, command: Sequence[str], transcript: Transcript, *, cwd: str | None, env: Mapping[str, str]
    ) -> StdioWire:
        """Start ``command`` without a shell, in a process group of its own.

        Raises ``OSError`` when it cannot be started. Run ``messages`` and ``read_stderr`` until ``shut_down`` is done.
        """
        process = await anyio.open_process(
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=cwd,
            env={**os.environ, **env},
            start_new_session=True,
        )
        return cls(process, transcript)

    async def send(self, raw: bytes) -> bool:
        """Write one line and record it. ``False`` when the server no longer reads."""
        self.transcript.record(Side.CLIENT, raw, "stdin")
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send(raw + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return False
        return True

    async def close_input(self) -> None:
        if self.transcript.marks("stdin-closed"):
            return
        self.transcript.mark("stdin-closed")
        assert self.process.stdin is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await self.process.stdin.aclose()

    async def messages(self) -> AsyncIterator[Entry]:
        """What the server writes, line by line, until its stdout ends."""
        assert self.process.stdout is not None
        pending = bytearray()
        total = lines = 0
        try:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for chunk in self.process.stdout:
                    total += len(chunk)
                    searched = len(pending)
                    pending += chunk
                    while (end := pending.find(b"\n", searched)) >= 0:
                        line = bytes(pending[:end])
                        del pending[: end + 1]
                        searched = 0
                        lines += 1
                        yield self.transcript.record(Side.SERVER, line, "stdout")
                    if total > MAX_BYTES or lines > MAX_LINES:
                        self.transcript.mark("flooded", bytes=total, lines=lines)
                        _signal_group(self.process, signal.SIGKILL)
                        pending.clear()
                        break
            # A last line without newline counts, unless we cut it short ourselves.
            if pending and self.process.returncode not in (-signal.SIGKILL, -signal.SIGTERM):
                yield self.transcript.record(Side.SERVER, bytes(pending), "stdout")
        finally:
            self.drained.set()

    async def read_stderr(self) -> None:
        assert self.process.stderr is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in self.process.stderr:
                self.stderr = (self.stderr + chunk)[-_STDERR_KEPT:]

    async def exited(self, seconds: float) -> bool:
        """Whether the process ended by itself within ``seconds``."""
        with anyio.move_on_after(seconds):
            await self.process.wait()
        return self.process.returncode is not None

    async def exit_code(self) -> int | None:
        """The exit code of a process whose output has ended; ``None`` where it runs on all the same."""
        await self.exited(_EXIT_GRACE)
        return self.process.returncode

    async def shut_down(self) -> None:
        """End the process and its group: close stdin, then SIGTERM, then SIGKILL; read stdout to its end."""
        await self.close_input()
        if not await self.exited(_EXIT_GRACE):
            _signal_group(self.process, signal.SIGTERM)
            if not await self.exited(_TERM_GRACE):
                _signal_group(self.process, signal.SIGKILL)
                await self.exited(_TERM_GRACE)
        # What is buffered is still to be read; a descendant that holds the pipe must not hold us.
        with anyio.move_on_after(_TERM_GRACE):
            await self.drained.wait()
        _signal_group(self.process, signal.SIGKILL)
        with anyio.move_on_after(_TERM_GRACE):
            await self.drained.wait()
        self.transcript.mark("ended", code=self.process.returncode)
        with suppress(OSError):
            await self.process.aclose()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def kill_stragglers(run: str) -> None:
    """End every process left of a run, also one that left its process group."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(RUN_VARIABLE) == run:
                process.kill()
