"""What a client may do to the retry of a call, besides answering (2026-07-28): a table of changes to its params.

``group`` is what the rules look for; ``name`` completes the sentence "... after NAME". A change that finds nothing to
change returns the params as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...protocol.jsonrpc import Json
from .answers import text_result


@dataclass(frozen=True)
class Change:
    """One change of the first retry of a call."""

    group: str
    name: str
    amend: Callable[[Json], Json]
    #: it is no honest retry: what a server sends after it may be an echo of it
    hostile: bool = False


def _without_one_answer(params: Json) -> Json:
    answers = list(params["inputResponses"].items())
    return {**params, "inputResponses": dict(answers[:-1])} if len(answers) > 1 else params


def _without_answers(params: Json) -> Json:
    return {key: value for key, value in params.items() if key != "inputResponses"}


def _with_one_more(params: Json) -> Json:
    more = {"com.example/unasked": text_result("Nobody asked.")}
    return {**params, "inputResponses": {**params["inputResponses"], **more}}


def _with_another_alone(params: Json) -> Json:
    return {**params, "inputResponses": {"com.example/unasked": text_result("Nobody asked.")}}


def _of_another_kind(params: Json) -> Json:
    """Each answer is one to a form, an ElicitResult."""
    return {**params, "inputResponses": dict.fromkeys(params["inputResponses"], _FORM)}


_FORM = {"action": "accept", "content": {"name": "value"}}


def _answers(value: Any) -> Callable[[Json], Json]:
    return lambda params: {**params, "inputResponses": value}


def _state(change: Callable[[str], str]) -> Callable[[Json], Json]:
    def amend(params: Json) -> Json:
        state = params.get("requestState")
        return {**params, "requestState": change(state)} if isinstance(state, str) and state else params

    return amend


def _one_character(state: str) -> str:
    """Another letter in the middle, where it changes what the text encodes: the last one of a part of base64 may hold
    bits that mean nothing."""
    place = len(state) // 2
    while place > 0 and not (state[place].isalnum() and state[place + 1 : place + 3].isalnum()):
        place -= 1
    return state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :]


def _other_arguments(params: Json) -> Json:
    """Other arguments of the same types, where there are any that can be changed."""
    arguments = params.get("arguments")
    changed = {key: _other(value) for key, value in arguments.items()} if isinstance(arguments, dict) else arguments
    return params if changed == arguments or "requestState" not in params else {**params, "arguments": changed}


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}, and more"
        case _:
            return value


CHANGES: tuple[Change, ...] = (
    Change("extra-answers", "a retry with an answer that nobody asked for", _with_one_more),
    Change("missing-answers", "a retry without answers", _answers({})),
    Change("missing-answers", "a retry without inputResponses", _without_answers),
    Change("missing-answers", "a retry without one of the answers", _without_one_answer),
    Change("missing-answers", "a retry with nothing but an answer that nobody asked for", _with_another_alone),
    Change("malformed-answers", "an answer to an elicitation instead of the sampling", _of_another_kind, hostile=True),
    Change("malformed-answers", "inputResponses that are a string", _answers("An answer."), hostile=True),
    Change("malformed-answers", "inputResponses that are an array", _answers([]), hostile=True),
    Change("altered-state", "a requestState with one character altered", _state(_one_character), hostile=True),
    Change("altered-state", "a requestState cut in half", _state(lambda state: state[: len(state) // 2]), hostile=True),
    Change("altered-state", "an empty requestState", _state(lambda state: ""), hostile=True),
    Change("foreign-state", "the requestState of a call with other arguments", _other_arguments, hostile=True),
)
