"""Work on an event loop in a thread of its own: it touches no loop of the user's tests, and cannot hold up pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Generic, TypeVar

import anyio

Outcome = TypeVar("Outcome")


class OwnThread(Generic[Outcome]):
    """Begins with the work. A thread that never comes to its end does not outlive the process."""

    def __init__(self, work: Callable[[], Awaitable[Outcome]]) -> None:
        self._work = work
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._outcome: Future[Outcome] = Future()
        self._thread = Thread(target=self._main, daemon=True)
        self._thread.start()

    def _main(self) -> None:
        try:
            outcome = anyio.run(self._whole)
        except BaseException as error:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(outcome)

    async def _whole(self) -> Outcome:
        self._loop.set_result(asyncio.get_running_loop())
        return await self._work()

    @property
    def done(self) -> bool:
        return self._outcome.done()

    def outcome(self) -> Outcome:
        """What came of it, once it is done. Raises what the work has raised."""
        return self._outcome.result()

    def tell(self, function: Callable[[str], None], text: str) -> None:
        """Have a function called in the event loop, as soon as that comes to it; not at all where it has ended."""
        with suppress(RuntimeError):
            self._loop.result().call_soon_threadsafe(function, text)

    def wait(self, seconds: float) -> None:
        """Wait for its end for so long."""
        self._thread.join(seconds)
