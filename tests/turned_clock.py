"""An event loop whose clock is turned, not waited for: where nothing is ready, it is at once as late as the next timer
wants it to be.

So a wait for what never comes costs no real time, and no load on the machine can make anything late. It is exact as
long as nothing happens outside the loop that the loop would learn of later: programs in this process (``in_process``)
compute only while the loop stands still, and a socket of this machine has at once what is sent to it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Looks for what is ready; where nothing is, it has the clock turned instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0  #: in seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        self.now += timeout
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._turned = _Selector()
        super().__init__(self._turned)

    def time(self) -> float:
        return self._turned.now


def run_turned(function: Callable[..., Awaitable[T]], *args: object) -> T:
    """As ``anyio.run``, on a clock that is turned."""
    return anyio.run(function, *args, backend_options={"loop_factory": _Loop})
