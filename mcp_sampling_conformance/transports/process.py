"""The process of a system under test: started without a shell, in a group of its own that ends with it."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from subprocess import PIPE

import anyio
import psutil
from anyio.abc import ByteReceiveStream, Process

from ..transcript.limits import STDERR_BYTES
from . import supervisor
from .last_words import useful_end
from .supervisor import SupervisedProcess, Supervisor

#: a process of the system under test carries this variable, so that none of its descendants is lost
RUN_VARIABLE = "MCP_SAMPLING_CONFORMANCE_RUN"

#: how long a process gets to end once it got SIGTERM
_TERM_GRACE = 0.5


class Child:
    """A started process, and the tail of what it writes outside the protocol."""

    def __init__(self, process: Process | SupervisedProcess) -> None:
        self.process = process
        self._tail = b""
        self._tail_complete = anyio.Event()

    async def keep_tail(self, *streams: ByteReceiveStream | None) -> None:
        """Read the streams to their ends and keep the last lines."""
        async with anyio.create_task_group() as tasks:
            for stream in streams:
                tasks.start_soon(self._keep, stream)
        self._tail_complete.set()

    async def _keep(self, stream: ByteReceiveStream | None) -> None:
        assert stream is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in stream:
                self._tail = (self._tail + chunk)[-STDERR_BYTES:]

    @property
    def tail(self) -> str:
        """The last lines, or of a stack trace those that tell most, indented."""
        return "\n".join(f"  {line}" for line in useful_end(self._tail.decode("utf-8", "backslashreplace")))

    @property
    def code(self) -> int | None:
        """The exit code, as ``subprocess`` has it; ``None`` while the process runs."""
        return self.process.returncode

    @property
    def was_killed(self) -> bool:
        """Whether it ended by a signal such as ours."""
        return self.code in (-signal.SIGKILL, -signal.SIGTERM)

    async def exited(self, seconds: float) -> bool:
        """Whether the process ended within ``seconds``."""
        with anyio.move_on_after(seconds):
            await self.process.wait()
        return self.code is not None

    async def tail_complete(self, seconds: float) -> None:
        """Wait until the tail is read, which may come a little after the process ended."""
        with anyio.move_on_after(seconds):
            await self._tail_complete.wait()

    async def end(self, grace: float) -> None:
        """Give it ``grace`` seconds to end by itself; then SIGTERM, then SIGKILL, to its whole group."""
        if not await self.exited(grace):
            self.signal(signal.SIGTERM)
            if not await self.exited(_TERM_GRACE):
                self.kill()
                await self.exited(_TERM_GRACE)

    def kill(self) -> None:
        """End the group at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Signal the group: also what the process started and left behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    async def close(self) -> None:
        """Close the pipes of a process that has ended."""
        with suppress(OSError):
            await self.process.aclose()


def kill_stragglers(run: str) -> None:
    """End every process left of a run, also one that left its process group."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(RUN_VARIABLE) == run:
                process.kill()


@dataclass(frozen=True)
class Command:
    """How to start a system under test."""

    argv: Sequence[str]
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    supervisor: Supervisor | None = None  #: what it is started below, where there is such a thing

    async def start(self) -> Child:
        """Start it with all three streams piped. Raises ``OSError`` when it cannot be started."""
        env = {**os.environ, **self.env}
        if self.supervisor is not None:
            return Child(await self.supervisor.start(self.argv, self.cwd or os.getcwd(), env))
        return Child(
            await anyio.open_process(
                self.argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=self.cwd, env=env, start_new_session=True
            )
        )


@contextmanager
def supervised(command: Command) -> Iterator[Command]:
    """The command, for as long as the context is open: whatever it started is ended then, also what tried to escape."""
    run = uuid.uuid4().hex
    marked = replace(command, env={**command.env, RUN_VARIABLE: run})
    below = Supervisor() if supervisor.AVAILABLE else None
    try:
        yield replace(marked, supervisor=below)
    finally:
        if below is not None:
            below.close()
        kill_stragglers(run)


def with_tail(tail: str) -> str:
    """The last lines of what a process wrote to its stderr, as the end of a message."""
    return f"\nthe last lines of its stderr:\n{tail}" if tail else "\nits stderr is empty"
