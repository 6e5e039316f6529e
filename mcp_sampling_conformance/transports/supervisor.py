"""Processes of a system under test below a supervisor, which ends them and all that they leave behind with us."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import anyio

from .pipes import ReadPipe, WritePipe

SCRIPT = Path(__file__).with_name("supervisor_process.py")
#: whether there are subreapers
AVAILABLE = sys.platform == "linux"
#: seconds that a supervisor gets to kill what is below it
_END = 10.0

_running: WeakSet[Supervisor] = WeakSet()


def kill_all() -> None:
    """Kill at once what all supervisors of this process have below them."""
    for supervisor in _running:
        supervisor.kill()


class Supervisor:
    """Starts processes. ``close`` ends them all, and so does the end of this process, however it comes."""

    def __init__(self) -> None:
        #: for temporary files; it goes with the processes
        self.folder = tempfile.mkdtemp(prefix="mcp-sampling-")
        self._process: subprocess.Popen[bytes] | None = None  #: started when it is needed
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        _running.add(self)

    async def start(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> SupervisedProcess:
        """Start a program with all three streams piped. Raises ``OSError`` when it cannot be started."""
        self._process = self._process or self._started()
        ours, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        (stdin, write), (read, stdout), (read_error, stderr) = pipes
        process = SupervisedProcess(ours, WritePipe(write), ReadPipe(read), ReadPipe(read_error))
        try:
            with theirs:
                self._send_start(stdin, stdout, stderr, theirs.fileno())
            program = {
                "argv": [*map(_text, argv)],
                "cwd": _text(cwd),
                "env": {_text(k): _text(v) for k, v in env.items()},
            }
            ours.sendall(json.dumps(program).encode())
            ours.shutdown(socket.SHUT_WR)
            ours.setblocking(False)
            await process.started(argv[0])
        except BaseException:
            await process.aclose()
            raise
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        return process

    def _send_start(self, *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [b"s"], descriptors)
        except OSError:
            raise OSError("the process of the harness that starts it has been killed") from None

    def _started(self) -> subprocess.Popen[bytes]:
        with self._theirs:
            return subprocess.Popen(
                [sys.executable, "-S", "-E", "-I", str(SCRIPT), self.folder],
                stdin=self._theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill at once what is below it."""
        if self._process is not None:
            with suppress(OSError):
                self._control.send(b"k")

    def close(self) -> None:
        """End everything below it, remove the folder, and wait until that is done."""
        _running.discard(self)
        with self._theirs, self._control, suppress(OSError, subprocess.TimeoutExpired):
            if self._process is not None:
                self._control.shutdown(socket.SHUT_WR)
                self._control.settimeout(_END)
                self._control.recv(1)  # its end is closed when it has ended
                self._process.wait(_END)
        # There is something left only where nothing was started, or the supervisor was killed too.
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            os.unlink(self.folder)  # where somebody has put a link in its place


class SupervisedProcess:
    """A program that a supervisor has started."""

    def __init__(self, channel: socket.socket, stdin: WritePipe, stdout: ReadPipe, stderr: ReadPipe) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.pid = 0
        self._channel = channel
        self._told = b""  #: by the supervisor, and not read yet
        self._code: int | None = None
        self._watching = anyio.Lock()

    async def started(self, program: str) -> None:
        """Wait until it is. Raises ``OSError`` when it cannot be started."""
        while not (first := self._next()):
            await anyio.wait_readable(self._channel)
        if "pid" not in first:
            number = first["errno"]
            raise OSError(number, os.strerror(number), first["filename"] or program)
        self.pid = first["pid"]

    @property
    def returncode(self) -> int | None:
        """The exit code, as ``subprocess`` has it; ``None`` while the process runs."""
        if self._code is None and (last := self._next()):
            self._code = last["code"]
        return self._code

    async def wait(self) -> int:
        """Wait until it has ended."""
        async with self._watching:
            while self.returncode is None:
                await anyio.wait_readable(self._channel)
        assert self._code is not None
        return self._code

    def _next(self) -> dict[str, Any]:
        """What the supervisor has told since the last time; nothing where it has told nothing."""
        while b"\n" not in self._told:
            try:
                chunk = self._channel.recv(4096)
            except BlockingIOError:
                return {}
            except OSError:
                chunk = b""
            if not chunk:  # the supervisor was killed, and the program with it
                return {"errno": errno.ESRCH, "filename": str(SCRIPT)} if self.pid == 0 else {"code": -signal.SIGKILL}
            self._told += chunk
        line, _, self._told = self._told.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        return told

    async def aclose(self) -> None:
        """Close the pipes."""
        for stream in (self.stdin, self.stdout, self.stderr):
            await stream.aclose()
        self._channel.close()


def _text(value: str) -> str:
    """A text for the system, as the supervisor takes it: its bytes as Latin-1."""
    return os.fsencode(value).decode("latin-1")
