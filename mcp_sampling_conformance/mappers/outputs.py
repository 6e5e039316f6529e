"""Reads an output whose format is not known."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: what most of an output is: these need no closer look
_ATOMS = frozenset({type(None), bool, int, float, str})


def plain_data(value: Any, ignore: frozenset[str] = frozenset(), seen: frozenset[int] = frozenset()) -> Any:
    """A value of any kind as plain data that can be compared and searched: None, bool, number, str, bytes, list, dict.

    An object becomes a dict of its members, with the name of its class under ``"(class)"``. Dates and times become
    all the same, since they differ from call to call; so do the members named in ``ignore``, which are left out.
    ``seen`` are the ids of the values that this one stands in.
    """
    if type(value) in _ATOMS or (isinstance(value, bool | int | float | str) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, enum.Enum):
        return plain_data(value.value, ignore, seen)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return "(a time)"
    if id(value) in seen:
        return "(itself)"
    seen |= {id(value)}
    if isinstance(value, Mapping):
        return {k: plain_data(v, ignore, seen) for k, v in value.items() if k not in ignore}
    members = None if type(value) in (list, tuple) else _members(value)
    if members is not None:
        kept = {name: plain_data(member, ignore, seen) for name, member in members.items() if name not in ignore}
        return {"(class)": type(value).__qualname__, **kept}
    if isinstance(value, set | frozenset):
        return sorted((plain_data(element, ignore, seen) for element in value), key=repr)
    if isinstance(value, Iterable):
        return [plain_data(element, ignore, seen) for element in value]
    return "(a function)" if callable(value) else repr(value)


def _members(value: Any) -> dict[str, Any] | None:
    """The members of an object, whatever it is made with; ``None`` where it has none."""
    if isinstance(value, type) or inspect.isroutine(value):
        return None
    if dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value)]
    elif hasattr(value, "ListFields"):  # protobuf
        return {each.name: member for each, member in value.ListFields()}
    else:
        slots = [vars(kind).get("__slots__", ()) for kind in reversed(type(value).__mro__)]
        names = [n for part in slots for n in ([part] if isinstance(part, str) else part) if not n.startswith("__")]
        names += list(getattr(value, "__dict__", {}))
        extra = getattr(value, "__pydantic_extra__", None)
        if not names and not extra:
            return None
        if extra:
            return {**{n: getattr(value, n) for n in names}, **extra}
        if isinstance(value, list | tuple | set | frozenset):
            return None
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def nodes_in(plain: Any) -> Iterator[Any]:
    """Every value inside plain data, in order; also inside strings that are JSON."""
    yield plain
    if isinstance(plain, dict):
        for key, member in plain.items():
            if key != "(class)":
                if isinstance(key, str):
                    yield key
                yield from nodes_in(member)
    elif isinstance(plain, list):
        for element in plain:
            yield from nodes_in(element)
    elif isinstance(plain, str) and plain.strip()[:1] in ("{", "[", '"') and plain.strip():
        try:
            inner = json.loads(plain)
        except ValueError:
            return
        yield from nodes_in(inner)


def strings_in(plain: Any) -> list[str]:
    """Every string inside plain data, in order."""
    return [node for node in nodes_in(plain) if isinstance(node, str)]


def places(text: str, strings: list[str]) -> list[tuple[int, int]]:
    """Where a text stands in an output, itself or escaped as in JSON: pairs of a string's index and a place in it."""
    forms = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return sorted((i, string.find(form)) for i, string in enumerate(strings) for form in forms if form in string)


def as_object(text: str, nodes: list[Any]) -> bool:
    """Whether a text that is a JSON object, such as structured content, is there as that object."""
    return text.startswith("{") and json.loads(text) in [node for node in nodes if isinstance(node, dict)]
