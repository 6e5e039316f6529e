"""Makes models of the Python SDK, version 1 or 2, of plain JSON. The SDK is imported when the first is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from typing import Any

from hypothesis import reject

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

    if (model := getattr(mcp.types, name, None)) is None:
        raise ValueError(
            f"version {version('mcp')} of the Python SDK has no {name}; leave out as_model, or install mcp 2"
        )
    return model


@cache
def _knows_newest() -> bool:
    """Whether the models are those of the newest revision; version 1 of the SDK knows none of the modern era."""
    import mcp.types

    return hasattr(mcp.types, "InputRequiredResult")


def _validated(name: str, value: Json) -> Any:
    """The model of a value. What only a newer revision allows than the SDK knows is not yielded."""
    from pydantic import ValidationError

    try:
        return _model(name).model_validate(value)
    except ValidationError:
        if _knows_newest():
            raise
        reject()


def _block(block: Json) -> Any:
    return _validated(BLOCKS[block["type"]], block)


def _result(result: Json) -> Any:
    """The SDK has a type of its own for results that only a client with tools sees."""
    content = result["content"]
    plain = isinstance(content, dict) and content["type"] in ("text", "image", "audio")
    return _validated("CreateMessageResult" if plain else "CreateMessageResultWithTools", result)


_SPECIAL: dict[str, Callable[[Any], Any]] = {"ContentBlock": _block, "CreateMessageResult": _result}


def build(values: Strategy, name: str, as_model: bool, *, many: bool = False) -> Strategy:
    """The strategy as it is, or where ``as_model`` is set with its values as models of that name.

    With ``many`` the values are lists, whose elements become models. Raises ``ValueError`` for a model that the
    installed SDK does not have.
    """
    if not as_model:
        return values
    if name not in _SPECIAL:
        _model(name)  # raises here what would otherwise be raised for each value
    make = _SPECIAL.get(name) or partial(_validated, name)
    return values.map(lambda found: [make(one) for one in found]) if many else values.map(make)
