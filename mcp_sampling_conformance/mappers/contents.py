"""Reads an input: the params of a sampling request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def blocks_in(params: Json) -> Iterator[tuple[Json, Json]]:
    """Every block of every message, with its message."""
    for message in params["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else [content]:
            yield message, block


def leaves(params: Json) -> Iterator[Json]:
    """Every block, and those inside tool results."""
    for _, block in blocks_in(params):
        yield block
        yield from block.get("content", ()) if block["type"] == "tool_result" else ()


def text_of(block: Json) -> str | None:
    """The text of a text block or an embedded resource."""
    found = block.get("resource", {}).get("text") if block["type"] == "resource" else block.get("text")
    return found if isinstance(found, str) else None


def data_of(block: Json) -> str | None:
    """The base64 data of an image, a sound or an embedded resource."""
    found = block.get("resource", {}).get("blob") if block["type"] == "resource" else block.get("data")
    return found if isinstance(found, str) else None


def offered(params: Json) -> Iterator[list[str]]:
    """For each tool in ``tools``: its name, its description if it has one, and the names of its arguments."""
    for tool in params["tools"]:
        description = [tool["description"]] if "description" in tool else []
        yield [tool["name"], *description, *tool["inputSchema"]["properties"]]


def of_type(params: Json, kind: str) -> list[Json]:
    """The blocks of one type, without those inside tool results."""
    return [block for _, block in blocks_in(params) if block["type"] == kind]


def blocks_of(message: Json) -> list[Json]:
    """The content of a message as a list of blocks, also where it is a single block."""
    content = message["content"]
    return content if isinstance(content, list) else [content]
