"""JSON-RPC messages and the JSON values in them, each knowing where in its transcript it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..protocol.jsonrpc import Path, show_path
from ..transcript.transcript import Entry, Side, Transcript

# Of these two there are millions in a long record. They are not frozen, because that makes them three times as dear to
# make, but nothing changes them. Each stands for itself: two are never equal.


@dataclass(eq=False, slots=True)
class Message:
    """One JSON-RPC message, or one element of a batch; ``prefix`` is then its place in the array."""

    transcript: Transcript = field(repr=False)
    entry: Entry
    body: Any  #: a JSON object
    prefix: Path = ()

    @property
    def index(self) -> int:
        return self.entry.index

    @property
    def sender(self) -> Side:
        return self.entry.sender

    @property
    def channel(self) -> str:
        """What carried it; over HTTP the exchange, such as ``POST 3``."""
        return self.entry.channel

    @property
    def method(self) -> Any:
        return self.body.get("method")

    @property
    def is_request(self) -> bool:
        return "method" in self.body and "id" in self.body

    @property
    def is_notification(self) -> bool:
        return "method" in self.body and "id" not in self.body

    @property
    def is_response(self) -> bool:
        """Also where it has neither a result nor an error: that it is no message then is said once, as of strays."""
        return "method" not in self.body and not self.body.keys().isdisjoint(("id", "result", "error"))

    def at(self, *path: str | int) -> Value:
        """The value at a path. Raises ``KeyError`` or ``IndexError`` where there is none."""
        value = self.body
        for step in path:
            value = value[step]
        return Value(self, self.prefix + path, value)

    @property
    def whole(self) -> Value:
        return Value(self, self.prefix, self.body)


@dataclass(eq=False, slots=True)
class Value:
    """A JSON value and where it stands: in which message, at which path."""

    message: Message
    path: Path
    value: Any

    def get(self, key: str) -> Value | None:
        """The member ``key``, or ``None`` where this is no object or has none."""
        if isinstance(self.value, dict) and key in self.value:
            return Value(self.message, (*self.path, key), self.value[key])
        return None

    def find(self, *keys: str) -> Value | None:
        """The member that a path of keys leads to, or ``None`` where it leads nowhere."""
        found: Value | None = self
        for key in keys:
            found = found.get(key) if found else None
        return found

    def elements(self, start: int = 0) -> list[Value]:
        """The elements of an array from a position on; none where this is no array."""
        if not isinstance(self.value, list):
            return []
        return [Value(self.message, (*self.path, i), self.value[i]) for i in range(start, len(self.value))]

    def members(self) -> list[tuple[str, Value]]:
        """The members of an object, by key; none where this is no object."""
        if not isinstance(self.value, dict):
            return []
        return [(key, Value(self.message, (*self.path, key), value)) for key, value in self.value.items()]

    @property
    def json_path(self) -> str:
        """Where it stands in its message: ``params.messages[0].role``."""
        return show_path(self.path)
