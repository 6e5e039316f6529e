"""JSON-RPC as MCP uses it: ids, params, and how JSON values and their places are named in a message.

basic "Messages" (2024-11-05: basic/messages).
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
#: the steps from the top of a message to a value in it, as in ``("params", "messages", 0, "role")``
Path = tuple[str | int, ...]


def show_path(path: Path) -> str:
    """``("params", "messages", 0, "role")`` as ``params.messages[0].role``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the message"


def shown(value: object, limit: int = 120) -> str:
    """A JSON value as text for a message, cut after ``limit`` characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def is_integer(value: object) -> bool:
    """A JSON integer: 100 and 100.0 are the same number in JSON, true is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_number(value: object) -> bool:
    """A JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_id(value: object) -> bool:
    """What the specification allows as a request id: a string or an integer."""
    return isinstance(value, str) or is_integer(value)


def id_key(value: object) -> tuple[str, object]:
    """A hashable form in which ids compare with their JSON type: 1 is not "1", and true is not 1."""
    if isinstance(value, str):
        return "string", value
    if is_number(value):
        return "number", value
    return type(value).__name__, repr(value)


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


def params_of(body: Json) -> Json:
    """The params of a message; an empty object where they are no object."""
    params = body.get("params")
    return params if isinstance(params, dict) else {}


def meta_of(params: Json) -> Json:
    """The ``_meta`` of params; an empty object where it is no object."""
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def objects_in(value: object) -> list[Json]:
    """The JSON objects in what is either one or an array of them: a message or a batch, a block or the blocks of a
    ``content``."""
    return [body for body in (value if isinstance(value, list) else [value]) if isinstance(body, dict)]
