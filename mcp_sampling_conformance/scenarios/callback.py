"""The run against a sampling callback: the Python SDK's own client session around it, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.shared.exceptions import MCPError
from mcp.shared.memory import create_client_server_memory_streams

from ..fixture_server import Book, FixtureServer
from ..revisions import Revision
from ..wire.memory import MemoryWire
from ..wire.transcript import Transcript
from .client_probes import client_tools
from .record import RevisionRun, Run

#: an attribute of a callback that says which sub-capabilities its client declares
CAPABILITIES = "sampling_capabilities"


async def provoke_callback(
    callback: Callable[..., Any],
    revisions: Sequence[Revision],
    models: Sequence[str],
    timeout: float,
    progress: Callable[[str], None],
) -> Run:
    """Provoke a callback in each revision and return the record. Raises nothing that the callback can cause."""
    run = Run({revision.name: RevisionRun() for revision in revisions})
    async with anyio.create_task_group() as tasks:
        for revision in revisions:
            tasks.start_soon(_one_revision, callback, revision, models, timeout, run)
    run.reached = [name for name, record in run.revisions.items() if any(t.marks("ask") for t in record.transcripts)]
    run.unreached = "the SDK's client session around the callback sent no call, so there was nothing to judge."
    return run


async def _one_revision(
    callback: Callable[..., Any], revision: Revision, models: Sequence[str], timeout: float, run: Run
) -> None:
    record = run.revisions[revision.name]
    transcript = Transcript(f"{revision.name}, in memory", "memory")
    record.transcripts.append(transcript)
    run.connections += 1
    book = Book(client_tools(revision, models, batches=False))
    async with callback_session(callback, revision, book, transcript, timeout) as (_, session):
        record.opened = True
        for tool in (await session.list_tools()).tools:
            with suppress(MCPError):
                await session.call_tool(tool.name, {})


@asynccontextmanager
async def callback_session(
    callback: Callable[..., Any], revision: Revision, book: Book, transcript: Transcript, timeout: float
) -> AsyncIterator[tuple[FixtureServer, ClientSession]]:
    """The SDK's client session around a callback, initialized, and the fixture server that it is connected to."""
    declared = getattr(callback, CAPABILITIES, None)
    capabilities = types.SamplingCapability.model_validate(declared) if declared is not None else None
    async with create_client_server_memory_streams() as (client_streams, server_streams):
        server = FixtureServer(MemoryWire(*server_streams, transcript), revision, book, timeout)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, tasks)
            async with ClientSession(
                *client_streams, sampling_callback=callback, sampling_capabilities=capabilities
            ) as session:
                await session.initialize()
                yield server, session
            tasks.cancel_scope.cancel()
