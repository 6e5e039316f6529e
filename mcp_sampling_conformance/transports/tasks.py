"""The tasks of one connection: a bug in one of them ends the connection, and not the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVarTuple, Unpack

from anyio.abc import TaskGroup

Args = TypeVarTuple("Args")


class Tasks:
    """Starts tasks in a group, and keeps their exceptions from it."""

    def __init__(self, group: TaskGroup, failed: Callable[[Exception], None] | None) -> None:
        """``failed`` is called for each exception of a task, while that is handled; ``None`` lets them pass."""
        self._group = group
        self._failed = failed

    def start_soon(self, work: Callable[[Unpack[Args]], Awaitable[object]], *args: *Args) -> None:
        """Start a task."""
        self._group.start_soon(partial(self.run, work, *args))

    async def run(self, work: Callable[[Unpack[Args]], Awaitable[object]], *args: *Args) -> None:
        """Do what a task would, and wait for it."""
        try:
            await work(*args)
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(error)
