"""Checks that what is in the input turns up in the output, and the texts in their order.

Each raises ``Broken`` where something is lost, and ``Unmapped`` where the mapper refused the input.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from .contents import Json, blocks_in, data_of, leaves, of_type, offered, text_of
from .outputs import as_object, nodes_in, places, plain_data, strings_in
from .trial import Trial


def keeps(what: str, wanted: Callable[[Json], Iterator[str]]) -> Callable[[Trial, Json], None]:
    """A check that every string that ``wanted`` finds in the input turns up in the output."""

    def check(trial: Trial, params: Json) -> None:
        output = trial.map(params)
        nodes = list(nodes_in(plain_data(output)))
        strings = [node for node in nodes if isinstance(node, str)]
        kept = list(wanted(params))
        trial.judged += bool(kept)
        lost = [text for text in kept if not places(text, strings) and not as_object(text, nodes)]
        if lost:
            trial.fail(f"lost: the {what} {', '.join(map(repr, lost))}", params, output)

    return check


def texts(params: Json) -> Iterator[str]:
    """The text of every text block and embedded resource."""
    return (text for block in leaves(params) if (text := text_of(block)) is not None)


def system_prompts(params: Json) -> Iterator[str]:
    """The system prompt, if there is one."""
    return (params[key] for key in ("systemPrompt",) if key in params)


def keeps_binary(trial: Trial, params: Json) -> None:
    """The data of every block turns up, as bytes or in base64 of either alphabet, with or without padding."""
    output = trial.map(params)
    nodes = list(nodes_in(plain_data(output)))
    strings = [node.replace("-", "+").replace("_", "/") for node in nodes if isinstance(node, str)]
    raw = [node for node in nodes if isinstance(node, bytes)]
    for block in leaves(params):
        data = data_of(block)
        if data is None:
            continue
        trial.judged += 1
        decoded = base64.b64decode(data)
        in_bytes = any(decoded in node or data.encode() in node for node in raw)
        if not in_bytes and not any(data.rstrip("=") in string for string in strings):
            trial.fail(f"lost: the data of the {block['type']} block {data!r}", params, output)


def keeps_inputs(trial: Trial, params: Json) -> None:
    """The input of every tool_use turns up as an object, or else all keys and values in it."""
    output = trial.map(params)
    nodes = list(nodes_in(plain_data(output)))
    strings = [
        node if isinstance(node, str) else json.dumps(node)
        for node in nodes
        if not isinstance(node, bytes | dict | list)
    ]
    for block in of_type(params, "tool_use"):
        value = block["input"]
        trial.judged += 1
        if not value or any(node == value for node in nodes if isinstance(node, dict)):
            continue
        lost = [word for word in _words(value) if not places(word, strings)]
        if lost:
            trial.fail(f"lost: {', '.join(lost)} in the input of the tool_use {block['id']!r}", params, output)


def _words(value: Any) -> Iterator[str]:
    """The keys and values in a tool's input, each as text."""
    for node in nodes_in(value):
        if isinstance(node, str):
            yield node
        elif not isinstance(node, dict | list):
            yield json.dumps(node)


def keeps_definitions(trial: Trial, params: Json) -> None:
    """The name, description and argument names of every tool turn up.

    Judged only where the name of some tool does: a mapper may map nothing but the messages, and leave the tools to
    other code.
    """
    output = trial.map(params)
    strings = strings_in(plain_data(output))
    if not any(places(name, strings) for name, *_ in offered(params)):
        return
    trial.judged += 1
    for name, *parts in offered(params):
        lost = [text for text in (name, *parts) if not places(text, strings)]
        if lost:
            trial.fail(f"lost: {', '.join(map(repr, lost))} of the definition of the tool {name!r}", params, output)


def keeps_order(trial: Trial, params: Json) -> None:
    """The texts that turn up stand in their order."""
    output = trial.map(params)
    strings = strings_in(plain_data(output))
    for chain in _chains(params):
        trial.judged += len(chain) > 1
        place, before = (-1, -1), ""
        for text in chain:
            found = places(text, strings) if text else []
            if not found:
                continue  # lost, which is judged by another property
            later = [each for each in found if each > place]
            if not later:
                trial.fail(f"the text {text!r} comes before {before!r}", params, output)
            place, before = later[0], text


def _chains(params: Json) -> Iterator[list[str]]:
    """Texts that stand in order: those of the messages, and those of each tool result between them.

    The results in one message belong to their calls, and may come in any order.
    """
    blocks = [block for _, block in blocks_in(params)]
    yield [text for block in blocks if (text := text_of(block))]
    for i, result in enumerate(blocks):
        if result["type"] == "tool_result":
            parts = [*blocks[:i], *result["content"], *blocks[i + 1 :]]
            yield [text for block in parts if (text := text_of(block))]
