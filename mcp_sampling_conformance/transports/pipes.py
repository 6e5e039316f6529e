"""Pipes to a process that is not our child, as streams."""

from __future__ import annotations

import os
from contextlib import suppress

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream
from anyio.lowlevel import checkpoint


class ReadPipe(ByteReceiveStream):
    """The end of a pipe that is read from; it is closed with the stream."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """What is there, as soon as there is anything. Raises ``EndOfStream`` at the end."""
        await checkpoint()  # a flood lets others have their turn
        while not self._closed:
            try:
                chunk = os.read(self._descriptor, max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._descriptor)
            else:
                if chunk:
                    return chunk
                raise anyio.EndOfStream
        raise anyio.ClosedResourceError

    async def aclose(self) -> None:
        """Close it; whoever waits for something to read gets ``ClosedResourceError``."""
        if not self._closed:
            self._closed = True
            anyio.notify_closing(self._descriptor)
            os.close(self._descriptor)


class WritePipe(ByteSendStream):
    """The end of a pipe that is written to; it is closed with the stream."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._closed = False
        self._unsent = b""

    async def send(self, item: bytes) -> None:
        """Write all of it. Where that is cancelled, the rest comes before what is sent next, so that no line is cut."""
        await checkpoint()
        self._unsent += item
        while self._unsent:
            if self._closed:
                raise anyio.ClosedResourceError
            try:
                self._write()
            except BlockingIOError:
                await anyio.wait_writable(self._descriptor)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    def _write(self) -> None:
        self._unsent = self._unsent[os.write(self._descriptor, self._unsent) :]

    async def aclose(self) -> None:
        """Close it, after what may still be written of a cancelled send."""
        if not self._closed:
            self._closed = True
            with suppress(OSError):
                self._write()
            anyio.notify_closing(self._descriptor)
            os.close(self._descriptor)
