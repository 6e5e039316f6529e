"""Where probes and generated answers are tried on a server: on the connection that there is, or a fresh one if that is
spent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
from anyio.abc import TaskGroup, TaskStatus

from ...peers.client import FixtureClient

#: attempts on one connection: the longer a record, the longer it takes to judge
_PER_CONNECTION = 50

#: a connection that is ready for calls; ``None`` where there can be none
Connect = Callable[[], AbstractAsyncContextManager[FixtureClient | None]]


class Ground:
    """Has one connection at a time."""

    def __init__(self, tasks: TaskGroup, connect: Connect, first: FixtureClient | None) -> None:
        self.client = first
        self._tasks = tasks
        self.connect = connect
        #: on the connection that there is; one that was there before is not fresh
        self._attempts = 0 if first is None else 1
        self._done = anyio.Event()  #: the connection that there is may be closed

    def has(self, *, alone: bool) -> bool:
        """Whether the connection that there is will do for an attempt, or for one on a connection of its own."""
        if self.client is None or self.client.struggling:
            return False
        return not self._attempts if alone else self._attempts < _PER_CONNECTION

    async def renew(self) -> FixtureClient | None:
        """A fresh connection in place of the one that there is; ``None`` where there can be none."""
        self.close()
        self.client = await self._tasks.start(self._hold)
        return self.client

    def used(self) -> None:
        """There was an attempt."""
        self._attempts += 1

    def close(self) -> None:
        """Close the connection that there is, unless it was there before."""
        self._done.set()
        self._done, self.client, self._attempts = anyio.Event(), None, 0

    async def _hold(self, *, task_status: TaskStatus[FixtureClient | None]) -> None:
        # In a task of its own, for a connection may outlive the search that it was opened for.
        done = self._done
        async with self.connect() as client:
            task_status.started(client)
            if client is not None:
                await done.wait()


@asynccontextmanager
async def ground(connect: Connect, first: FixtureClient | None = None) -> AsyncIterator[Ground]:
    """A ground that begins on the connection ``first``, if there is one, and opens others where it needs them."""
    async with anyio.create_task_group() as tasks:
        found = Ground(tasks, connect, first)
        try:
            yield found
        finally:
            found.close()
