"""Checks of how a mapper behaves.

It maps or refuses, leaves its input alone, gives equal outputs for equal inputs, and has an inverse that fits. Each
raises ``Broken`` where that is not so, and ``Unmapped`` where the mapper refused the input.
"""

from __future__ import annotations

import copy
from typing import Any

from .calls import Exited
from .contents import Json, blocks_of
from .mapper import Takes
from .trial import Broken, Trial, Unmapped, cut


def maps(trial: Trial, params: Json) -> None:
    """The mapper returns something, or raises an exception that it declares."""
    try:
        trial.call(trial.mapper.function, trial.input(params), params)
        trial.judged += 1
    except (Broken, Unmapped):
        raise
    except trial.mapper.rejects as error:
        trial.refusal = f"{type(error).__name__}: {error}"
    except Exception as error:
        hint = (
            "" if isinstance(error, Exited) else f"; if that is a refusal, say so with rejects={type(error).__name__}"
        )
        trial.fail(f"the mapper raised {cut(repr(error))}{hint}", params, crash=True)


def keeps_input(trial: Trial, params: Json) -> None:
    """The input is after the call what it was before."""
    value = trial.input(params)
    before = trial.plain(copy.deepcopy(value))
    output = trial.map(params, value)
    trial.judged += 1
    if trial.plain(value) != before:
        trial.fail(f"after the call the input is {cut(repr(value))}", params, output)


def deterministic(trial: Trial, params: Json) -> None:
    """Two calls with equal inputs return equal outputs."""
    first, second = trial.map(params), trial.map(params)
    trial.judged += 1
    if trial.plain(first) != trial.plain(second):
        trial.fail(f"the second call returned {cut(repr(second))}", params, first)


def returns(trial: Trial, params: Json) -> None:
    """The inverse makes the input of the output. Only for mappers that have one."""
    output = trial.map(params)
    assert trial.mapper.inverse is not None
    try:
        back = trial.call(trial.mapper.inverse, output, params)
    except (Broken, Unmapped):
        raise
    except trial.mapper.rejects:
        raise Unmapped from None
    except Exception as error:
        trial.fail(f"the inverse raised {cut(repr(error))}", params, output)
    trial.judged += 1
    wanted = _flat(trial.mapper.takes, trial.input(params))
    try:
        same = _flat(trial.mapper.takes, back) == wanted
    except (KeyError, TypeError, AttributeError, IndexError):
        same = False
    if not same:
        trial.fail(f"the inverse returned {cut(repr(back))}", params, output)


def _flat(takes: Takes, value: Any) -> Any:
    """Messages as pairs of role and block: how blocks of one role are grouped does not matter."""
    value = _as_json(value)
    if takes == "block":
        return _normal(value)
    messages = value["messages"] if takes == "params" else value
    flat = [(message["role"], _normal(block)) for message in messages for block in blocks_of(message)]
    return flat if takes == "messages" else (value.get("systemPrompt") or None, flat)


def _as_json(value: Any) -> Any:
    """A value in which models of the SDK are plain JSON."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, list | tuple):
        return [_as_json(element) for element in value]
    return {key: _as_json(member) for key, member in value.items()} if isinstance(value, dict) else value


def _normal(block: Json) -> Json:
    """A block without what may as well be absent: an ``isError`` that is false, empty texts in a result."""
    kept = {key: member for key, member in block.items() if member is not None and (key, member) != ("isError", False)}
    if block["type"] == "tool_result":
        kept["content"] = [_normal(part) for part in block["content"] if part != {"type": "text", "text": ""}]
    return kept
