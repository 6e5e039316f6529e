"""Checks that two inputs which differ in one thing do not come out the same, and the changes that make them differ.

A change is made in place; it draws where it is made, and returns whether there was something to change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from ..protocol.revisions import Revision
from .contents import Json, blocks_in, blocks_of, data_of, of_type, offered, text_of
from .inputs import MEDIA, TOOL_TYPES, conversations_for
from .mapper import Mapper
from .outputs import places, plain_data, strings_in
from .trial import Trial


@st.composite
def _pairs(
    draw: Any,
    mapper: Mapper,
    revision: Revision,
    need: str,
    change: Callable[[Any, Json], bool],
    least_calls: int = 1,
) -> tuple[Json, Json]:
    """Params, and a copy of them to which ``change`` was made."""
    params = draw(conversations_for(mapper, revision, need, least_calls))
    other = copy.deepcopy(params)
    assume(change(draw, other))
    return params, other


def tells_apart(what: str) -> Callable[[Trial, tuple[Json, Json]], None]:
    """A check that a pair of params that differ in ``what`` comes out differently."""

    def check(trial: Trial, pair: tuple[Json, Json]) -> None:
        one, other = pair
        output, second = trial.map(one), trial.map(other)
        trial.judged += 1
        if trial.plain(output) == trial.plain(second):
            trial.fail(f"two inputs that differ in {what} come out the same", one, output, other=other)

    return check


def tells_choices_apart(trial: Trial, pair: tuple[Json, Json]) -> None:
    """A check for two values of toolChoice.

    Judged only where the name of some tool turns up: a mapper may leave the tools to other code.
    """
    outputs = [trial.map(params) for params in pair]
    strings = [string for output in outputs for string in strings_in(plain_data(output))]
    if any(places(name, strings) for name, *_ in offered(pair[0])):
        tells_apart("toolChoice")(trial, pair)


def pair_with(
    need: str, change: Callable[[Any, Json], bool], least_calls: int = 1
) -> Callable[[Mapper, Revision], st.SearchStrategy[Any]]:
    """Makes the strategy for pairs of params that differ in one change.

    ``need`` is a kind of turn or block that the params surely have, ``least_calls`` how many calls a loop has at least.
    """

    def inputs(mapper: Mapper, revision: Revision) -> st.SearchStrategy[Any]:
        return _pairs(mapper, revision, need, change, least_calls)

    return inputs


def other_role(draw: Any, params: Json) -> bool:
    """Give a message that has neither tool_use nor tool_result to the other role."""
    plain = [
        message
        for message in params["messages"]
        if message["content"] and not TOOL_TYPES & {b["type"] for b in blocks_of(message)}
    ]
    if not plain:
        return False
    message = draw(st.sampled_from(plain))
    message["role"] = "assistant" if message["role"] == "user" else "user"
    return any(text_of(block) or data_of(block) for block in blocks_of(message))


def other_error(draw: Any, params: Json) -> bool:
    """Turn the isError of a tool_result around."""
    result = draw(st.sampled_from(of_type(params, "tool_result")))
    result["isError"] = not result.get("isError", False)
    return True


def other_mime_type(draw: Any, params: Json) -> bool:
    """Give an image or a sound another mimeType."""
    blocks = [block for _, block in blocks_in(params) if block["type"] in MEDIA]
    block = draw(st.sampled_from(blocks))
    block["mimeType"] = next(name for name in MEDIA[block["type"]] if name != block["mimeType"])
    return True


def other_association(draw: Any, params: Json) -> bool:
    """Exchange the calls that two results of a message belong to."""
    loops = [[b for b in blocks_of(m) if b["type"] == "tool_result"] for m in params["messages"]]
    one, two = draw(st.sampled_from([results for results in loops if len(results) > 1]))[:2]
    one["toolUseId"], two["toolUseId"] = two["toolUseId"], one["toolUseId"]
    # Two results that say the same are told apart by nothing but their order.
    return any(text_of(block) for block in (*one["content"], *two["content"]))


def one_more(draw: Any, params: Json) -> bool:
    """Say a text of the conversation twice."""
    messages = [m for m in params["messages"] if any(text_of(block) for block in blocks_of(m))]
    if not messages:
        return False
    message = draw(st.sampled_from(messages))
    block = next(block for block in blocks_of(message) if text_of(block))
    if isinstance(message["content"], list):
        message["content"].insert(message["content"].index(block), copy.deepcopy(block))
    else:
        params["messages"].insert(params["messages"].index(message), copy.deepcopy(message))
    return True
