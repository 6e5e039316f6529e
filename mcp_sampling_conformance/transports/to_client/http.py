"""Streamable HTTP, the server's end: an endpoint for each start of the client under test, for this machine alone."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn

from ...protocol.revisions import Revision
from ...transcript.limits import CONNECTIONS, HEAD_BYTES
from ..tasks import Tasks
from .endpoint import HOST, Endpoint, NewTranscript, Serve
from .legacy_endpoint import LegacyEndpoint
from .modern_endpoint import ModernEndpoint

#: longer than any client is silent, in seconds: a connection that closes just as it is used again loses a message
_KEEP_ALIVE = 3600
#: how long answers may take to be written in the end, in seconds
_SHUTDOWN = 1


@asynccontextmanager
async def http_entrance(
    revision: Revision, new_transcript: NewTranscript, serve: Serve, failed: Callable[[Exception], None]
) -> AsyncIterator[Endpoint]:
    """An endpoint on a free port; ``serve`` runs for each session. ``failed`` is told of each bug of ours."""
    with socket.create_server((HOST, 0)) as listener:
        async with anyio.create_task_group() as tasks:
            kind = ModernEndpoint if revision.modern else LegacyEndpoint
            endpoint = kind(listener.getsockname()[1], new_transcript, serve, Tasks(tasks, failed))
            server = _Server(
                uvicorn.Config(
                    endpoint,
                    http="h11",
                    ws="none",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    timeout_keep_alive=_KEEP_ALIVE,
                    limit_concurrency=CONNECTIONS,
                    h11_max_incomplete_event_size=HEAD_BYTES,
                    timeout_graceful_shutdown=_SHUTDOWN,
                )
            )
            tasks.start_soon(_run, server, listener)
            try:
                yield endpoint
            finally:
                server.should_exit = True
                endpoint.end_all()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    with anyio.CancelScope(shield=True):  # so that it closes what it has opened; it does so in bounded time
        await server.serve(sockets=[listener])
