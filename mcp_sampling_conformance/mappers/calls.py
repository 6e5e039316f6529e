"""Calls a function under test, which may be async, raise anything, yield without end, or never return."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import Any

DEFAULT_TIMEOUT = 10.0
#: how many calls may hang before no more are made: their threads cannot be ended, and may keep the machine busy
_MOST_HANGS = 3
#: how many elements are taken from an iterator
MOST_ELEMENTS = 100_000


class Hung(Exception):
    """A call did not return in time."""


class GivenUp(Exception):
    """Nothing is called any more, because too many calls did not return."""


class Exited(Exception):
    """A function raised what would have ended the process."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error

    def __repr__(self) -> str:
        return repr(self.error)


def call(function: Callable[[Any], Any], value: Any) -> Any:
    """What the function returns, awaited where it is async; what it yields as a list. Called on this thread, without a
    limit of time.

    Raises what the function raises, and ``OverflowError`` where it yields too much.
    """
    output = function(value)
    if inspect.isawaitable(output):
        output = asyncio.run(_awaited(output))
    if isinstance(output, AsyncIterator):
        output = asyncio.run(_drained(output))
    if not isinstance(output, Iterator):
        return output
    elements: list[Any] = []
    for element in output:
        elements.append(_counted(element, elements))
    return elements


async def _awaited(output: Any) -> Any:
    return await output


async def _drained(output: AsyncIterator[Any]) -> Any:
    elements: list[Any] = []
    async for element in output:
        elements.append(_counted(element, elements))
    return elements


def _counted(element: Any, before: list[Any]) -> Any:
    if len(before) >= MOST_ELEMENTS:
        raise OverflowError(f"it yields more than {MOST_ELEMENTS} elements")
    return element


class Calls:
    """Makes calls, each on a thread of its own, and waits for each so many seconds.

    A thread that does not return is left behind; it is a daemon, so it does not keep the process alive. A thread also
    means that an async function can be called while an event loop runs here, as in an async test.
    """

    def __init__(self, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.timeout = timeout
        self.hangs = 0

    def __call__(self, function: Callable[[Any], Any], value: Any) -> Any:
        """What the function returns; what it raises is raised.

        Raises ``Hung`` where it did not return in time, and ``GivenUp`` where it is not called any more.
        """
        if self.hangs >= _MOST_HANGS:
            raise GivenUp(f"not called any more: {self.hangs} of its calls did not return within {self.timeout:g} s")
        returned: list[Any] = []
        raised: list[BaseException] = []

        def work() -> None:
            try:
                returned.append(call(function, value))
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True, name="mapper under test")
        thread.start()
        thread.join(self.timeout)
        if raised:
            raise raised[0] if isinstance(raised[0], Exception) else Exited(raised[0]) from raised[0]
        if not returned:
            self.hangs += 1
            raise Hung(f"did not return within {self.timeout:g} s")
        return returned[0]
