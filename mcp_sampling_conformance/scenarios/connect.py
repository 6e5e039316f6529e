"""A connection of the fixture client to a server that is started for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ..fixture_client import FixtureClient
from ..modern_client import ModernClient
from ..revisions import Revision
from ..wire.stdio import StdioWire
from ..wire.transcript import Transcript
from .record import Command


@asynccontextmanager
async def open_client(
    server: Command, revision: Revision, transcript: Transcript, timeout: float
) -> AsyncIterator[FixtureClient]:
    """Start ``server`` and listen to it, with the client of the revision's era; nothing is sent yet.

    Ends it with the context.

    Raises ``OSError`` when it cannot be started.
    """
    wire = await StdioWire.start(server.argv, transcript, cwd=server.cwd, env=server.env)
    client = ModernClient(wire, timeout, revision.name) if revision.modern else FixtureClient(wire, timeout)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wire.read_stderr)
        tasks.start_soon(client.listen, tasks)
        try:
            yield client
        finally:
            with anyio.CancelScope(shield=True):
                client.sampler = None
                await wire.shut_down()
                tasks.cancel_scope.cancel()
