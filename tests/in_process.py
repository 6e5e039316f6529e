"""Fixture programs in the process of the tests: as they are written, blocking, each in a greenlet of its own.

The program and the event loop take turns. Whatever the program would wait for is awaited by the loop, and when it has
come, the loop stands still until the program waits again. So it costs no start-up, its order is the same each time, and
on a clock that is turned (``turned_clock``) its sleeps and silences cost nothing.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ObjectReceiveStream
from anyio.lowlevel import checkpoint
from greenlet import getcurrent, greenlet
from reference_client import Client
from reference_server import Server
from system import System

from mcp_sampling_conformance.transports.process import Child, Command


class Killed(BaseException):
    """Raised in a program, where it waits, when its process is to end."""


async def _run(program: Callable[[], None]) -> None:
    """Run a blocking program to its end, and await in its place what it asks for (``_awaited``). Where this is
    cancelled, ``Killed`` is raised in the program."""
    running = greenlet(program)
    wanted = running.switch()
    while not running.dead:
        try:
            outcome = await wanted()
        except asyncio.CancelledError:
            wanted = running.throw(Killed())
        except Exception as error:
            wanted = running.throw(error)
        else:
            wanted = running.switch(outcome)


def _awaited(wanted: Callable[[], Awaitable[Any]]) -> Any:
    """Called by a program: what ``await wanted()`` comes to."""
    return getcurrent().parent.switch(wanted)


class Process(System):
    """A program in the place of a process. What the harness uses of an ``anyio.abc.Process`` is here too."""

    def __init__(self, program: Callable[[Process], None], folder: Path | None = None) -> None:
        self._folder = folder
        self.stdin, self._input = anyio.create_memory_object_stream[bytes](float("inf"))
        self._output, self.stdout = anyio.create_memory_object_stream[bytes](float("inf"))
        self._errors, self.stderr = anyio.create_memory_object_stream[bytes](float("inf"))
        self.returncode: int | None = None
        self._timers: list[asyncio.Task[None]] = []
        self._written: list[bytes] = []  #: and not handed to the loop yet
        self._code, self._last_words = 0, ""
        self._ended = anyio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(program))

    async def _run(self, program: Callable[[Process], None]) -> None:
        await _run(partial(self._main, program))
        for timer in self._timers:
            timer.cancel()
        self._hand_over()
        self._errors.send_nowait(self._last_words.encode())
        for stream in (self._input, self._output, self._errors):
            stream.close()
        self.returncode = self._code
        self._ended.set()

    def _main(self, program: Callable[[Process], None]) -> None:
        try:
            program(self)
        except Killed:
            pass  # the code is that of the signal
        except SystemExit as end:
            self._code, self._last_words = (end.code, "") if isinstance(end.code, int) else (1, f"{end.code}\n")
        except BaseException:
            self._code, self._last_words = 1, traceback.format_exc()

    def _hand_over(self) -> None:
        for raw in self._written:
            self._output.send_nowait(raw)
        self._written.clear()

    def _wait_for(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        async def wait() -> Any:
            self._hand_over()
            return await function(*args)

        return _awaited(wait)

    async def wait(self) -> int | None:
        """Wait until it has ended."""
        await self._ended.wait()
        return self.returncode

    def end(self, number: signal.Signals) -> None:
        """Let a signal end it."""
        if self.returncode is None:
            self._code = -number
            self._task.cancel()

    async def aclose(self) -> None:
        """Close the streams of one that has ended."""
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()

    # --- what the program asks for

    @property
    def folder(self) -> Path:
        assert self._folder is not None
        return self._folder

    def write(self, raw: bytes) -> None:
        if not self._output.statistics().open_receive_streams:
            raise BrokenPipeError
        self._written.append(raw)

    def lines(self) -> Iterator[bytes]:
        """The lines of its stdin."""
        unread = b""
        while chunk := self._wait_for(_received, self._input):
            *lines, unread = (unread + chunk).split(b"\n")
            yield from lines
        if unread:
            yield unread

    def read(self, pipe: Any) -> bytes:
        self._wait_for(anyio.wait_readable, pipe)
        read: bytes = pipe.recv(65536)
        return read

    def readable(self, pipe: Any, seconds: float) -> bool:
        return super().readable(pipe, 0) or (seconds > 0 and self._wait_for(_readable, pipe, seconds))

    def sleep(self, seconds: float) -> None:
        self._wait_for(anyio.sleep, seconds)

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> None:
        async def call() -> None:
            await anyio.sleep(seconds)
            await _run(lambda: function(*arguments))
            self._hand_over()

        self._timers.append(asyncio.get_running_loop().create_task(call()))

    def die(self) -> None:
        raise SystemExit(3)


async def _received(stream: ObjectReceiveStream[bytes]) -> bytes:
    """What comes next; nothing at the end."""
    try:
        return await stream.receive()
    except anyio.EndOfStream:
        return b""


async def _readable(pipe: socket.socket, seconds: float) -> bool:
    with anyio.move_on_after(seconds) as scope:
        await anyio.wait_readable(pipe)
    return not scope.cancelled_caught


class _Child(Child):
    process: Any

    def signal(self, number: signal.Signals) -> None:
        self.process.end(number)


@dataclass(frozen=True)
class InProcess(Command):
    """A command that starts a program in this process."""

    program: Callable[[Process, Sequence[str]], None] = field(kw_only=True)
    folder: Path | None = None  #: what the program is given that its processes share

    async def start(self) -> Child:
        process = Process(partial(self.program, argv=self.argv), self.folder)
        await checkpoint()  # the program computes up to where it waits for the first time
        return _Child(process)


def server_in_process(kind: Callable[[], Server], folder: Path | None = None) -> InProcess:
    """A fixture server as a command."""

    def program(process: Process, argv: Sequence[str]) -> None:
        server = kind()
        server.system = process
        server.serve(process.lines())

    return InProcess(["server"], program=program, folder=folder)


def client_in_process(*kinds: type[Client]) -> InProcess:
    """A fixture client as a command: one connection after the other."""

    def program(process: Process, argv: Sequence[str]) -> None:
        for kind in kinds:
            with _connected(argv[-1]) as connection:
                client = kind(connection, _Writer(connection))
                client.system = process
                client.run()
                connection.shutdown(socket.SHUT_WR)
                while process.read(connection):
                    pass

    return InProcess(["client", "{server}"], program=program)


def _connected(address: str) -> socket.socket:
    """The socket behind which our server is; without the relay process, which only passes on what comes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    connection.setblocking(False)
    return connection


class _Writer:
    """Writes to a socket as to a pipe."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def write(self, raw: bytes) -> None:
        self.connection.sendall(raw)  # less than fits in its buffer

    def flush(self) -> None:
        """Nothing is held back."""
