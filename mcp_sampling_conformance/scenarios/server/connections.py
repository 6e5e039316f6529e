"""A connection of the fixture client to a server under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...protocol.revisions import Revision
from ...transcript.transcript import Transcript
from ...transports.to_server.servers import Server


@asynccontextmanager
async def open_client(
    server: Server, revision: Revision, transcript: Transcript, timeout: float
) -> AsyncIterator[FixtureClient]:
    """Connect to ``server`` and listen to it, with the client of the revision's era; nothing is sent yet.

    Ends the connection, and what was started for it, with the context. Raises ``OSError`` when there can be none.
    """
    wire = await server.open(revision, transcript, timeout)
    client = ModernClient(wire, timeout, revision.name) if revision.modern else FixtureClient(wire, timeout)
    async with anyio.create_task_group() as tasks:
        wire.work(tasks)
        tasks.start_soon(client.listen, tasks)
        try:
            yield client
        finally:
            with anyio.CancelScope(shield=True):
                client.sampler = None
                await wire.shut_down()
                tasks.cancel_scope.cancel()
