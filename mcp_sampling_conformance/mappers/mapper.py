"""A mapper under test, as its user describes it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

Takes = Literal["params", "messages", "block"]


@dataclass(frozen=True)
class Mapper:
    """A mapper under test, and how to call it; adapt other signatures with a lambda.

    ``takes`` says what ``function`` is called with: ``"params"`` (a dict), ``"messages"`` (a list of dicts) or
    ``"block"`` (one dict); with ``as_models`` it gets the SDK's models instead. It may be async. ``rejects`` are the
    exceptions with which it refuses what it cannot map; any other one is a crash. ``inverse`` takes an output back to
    the input. ``ignore`` names members of the output that differ from call to call, such as generated ids; dates and
    times are ignored anyhow. ``without`` names properties that cannot hold, because the provider's format has no place
    for something. Raises ``TypeError`` for a ``function`` that cannot be called, and ``ValueError`` for an unknown
    ``takes``.
    """

    function: Callable[[Any], Any]
    takes: Takes = "messages"
    rejects: type[Exception] | tuple[type[Exception], ...] = ()
    inverse: Callable[[Any], Any] | None = None
    as_models: bool = False
    ignore: Collection[str] = ()
    without: Collection[str] = ()

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"a mapper is a function, not {self.function!r}")
        if self.takes not in get_args(Takes):
            raise ValueError(f"a mapper takes {', '.join(get_args(Takes))}, but not {self.takes!r}")
