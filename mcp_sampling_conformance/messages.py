"""JSON-RPC messages and the JSON values in them, each knowing where it stands in its session."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .wire.transcript import Entry, Side

if TYPE_CHECKING:
    from .evidence import Session

SAMPLING = "sampling/createMessage"
#: the requests of a client during which a server may sample
CALLS = frozenset({"tools/call", "prompts/get", "resources/read"})

Path = tuple[str | int, ...]


def show_path(path: Path) -> str:
    """``("params", "messages", 0, "role")`` as ``params.messages[0].role``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the message"


def shown(value: object, limit: int = 120) -> str:
    """A JSON value as text for a message, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def is_integer(value: object) -> bool:
    """A JSON integer: 100 and 100.0 are the same number in JSON, true is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_id(value: object) -> bool:
    """What the specification allows as a request id: a string or an integer."""
    return isinstance(value, str) or is_integer(value)


def id_key(value: object) -> tuple[str, object]:
    """Ids compare with their JSON type: 1 is not "1", and true is not 1."""
    if is_number(value):
        return "number", value
    return type(value).__name__, value if isinstance(value, str) else repr(value)


def json_type(value: object) -> str:
    """The name that JSON has for the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


@dataclass(frozen=True)
class Message:
    """One JSON-RPC message (or one element of a batch) where it stands in its session."""

    session: Session = field(repr=False)
    entry: Entry
    body: Any
    prefix: Path = ()

    @property
    def index(self) -> int:
        return self.entry.index

    @property
    def sender(self) -> Side:
        return self.entry.sender

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
        return "method" not in self.body and ("result" in self.body or "error" in self.body)

    def at(self, *path: str | int) -> Value:
        """The value at a path that exists."""
        value = self.body
        for step in path:
            value = value[step]
        return Value(self, self.prefix + path, value)

    @property
    def whole(self) -> Value:
        return self.at()


@dataclass(frozen=True)
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

    def elements(self) -> list[Value]:
        """The elements of an array; none where this is no array."""
        if not isinstance(self.value, list):
            return []
        return [Value(self.message, (*self.path, i), v) for i, v in enumerate(self.value)]

    def members(self) -> list[tuple[str, Value]]:
        """The members of an object, by key; none where this is no object."""
        if not isinstance(self.value, dict):
            return []
        return [(key, Value(self.message, (*self.path, key), value)) for key, value in self.value.items()]

    @property
    def where(self) -> str:
        return show_path(self.path)
