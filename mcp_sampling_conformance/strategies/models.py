"""Makes models of the Python SDK of plain JSON. The SDK is imported when the first one is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from .values import Json, Strategy

BLOCKS = {
    "text": "TextContent",
    "image": "ImageContent",
    "audio": "AudioContent",
    "tool_use": "ToolUseContent",
    "tool_result": "ToolResultContent",
    "resource": "EmbeddedResource",
    "resource_link": "ResourceLink",
}


@cache
def _model(name: str) -> Any:
    import mcp.types

    return getattr(mcp.types, name)


def _block(block: Json) -> Any:
    return _model(BLOCKS[block["type"]]).model_validate(block)


def _result(result: Json) -> Any:
    """The SDK has a type of its own for results that only a client with tools sees."""
    content = result["content"]
    plain = isinstance(content, dict) and content["type"] in ("text", "image", "audio")
    return _model("CreateMessageResult" if plain else "CreateMessageResultWithTools").model_validate(result)


_SPECIAL: dict[str, Callable[[Any], Any]] = {"ContentBlock": _block, "CreateMessageResult": _result}


def build(values: Strategy, name: str, as_model: bool, *, many: bool = False) -> Strategy:
    """The strategy as it is, or where ``as_model`` is set with its values as models of that name.

    With ``many`` the values are lists, whose elements become models.
    """
    if not as_model:
        return values
    make = _SPECIAL.get(name) or (lambda value: _model(name).model_validate(value))
    return values.map(lambda found: [make(one) for one in found]) if many else values.map(make)
