"""What a client answers, and what a server of the modern era asks with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..protocol.revisions import NAMES, Revision
from .content import simple_blocks
from .conversations import calling_content, plain_content
from .input_required import input_required_of
from .messages import offered_of
from .models import build
from .requests import params_of
from .values import Json, Strategy, among, any_order, json_values, metas, record, revision_of, sometimes, texts

if TYPE_CHECKING:
    from mcp import types

    Result: TypeAlias = types.CreateMessageResult | types.CreateMessageResultWithTools

NEWEST = NAMES[-1]


@overload
def create_message_results(
    *, revision: str = NEWEST, tools: bool | Sequence[Mapping[str, Any]] = True, as_model: Literal[False] = False
) -> SearchStrategy[Json]: ...
@overload
def create_message_results(
    *, revision: str = NEWEST, tools: bool | Sequence[Mapping[str, Any]] = True, as_model: Literal[True]
) -> SearchStrategy[Result]: ...
def create_message_results(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    as_model: bool = False,
) -> SearchStrategy[Any]:
    """What a client answers. ``tools`` are those that the model may call (``True``: any, ``False``: none)."""
    found = revision_of(revision)
    return build(results_of(found, offered_of(found, tools)), "CreateMessageResult", as_model)


def results_of(revision: Revision, offered: tuple[Json, ...] | None) -> Strategy:
    """See ``create_message_results``; ``offered`` are the tools that the model may call, ``None`` for none."""
    calling = None if offered is None else calling_content(revision, offered)
    return any_order(_whole_results(plain_content(revision), calling))


def plain_results(revision: Revision) -> Strategy:
    """Results of one block that calls no tool."""
    return any_order(_whole_results(simple_blocks(revision, frozenset({"text", "image", "audio"})), None))


_MODELS = st.sampled_from(("claude-3-5-sonnet-20241022", "gpt-4o", "m", "مدل-🤖"))
_UNUSUAL = ("content_filter", "", "Ende der Äußerung")
#: ``None``: there is none
_REASONS = st.sampled_from((None, None, "endTurn", "stopSequence", "maxTokens", *_UNUSUAL))
_CALLING_REASONS = st.sampled_from((None, "toolUse", "toolUse", "endTurn", "maxTokens", *_UNUSUAL))


@st.composite
def _whole_results(draw: st.DrawFn, plain: Strategy, calling: Strategy | None) -> Json:
    calls = calling is not None and draw(sometimes("calls", 6))
    content = draw(calling if calls and calling is not None else plain)
    result: Json = {"role": "assistant", "content": content, "model": draw(_MODELS)}
    reason = draw(_CALLING_REASONS if calls else _REASONS)
    if reason is not None:
        result["stopReason"] = reason
    if draw(sometimes("_meta", 6)):
        result["_meta"] = draw(metas())
    return result


@overload
def errors(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def errors(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.ErrorData]: ...
def errors(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """The error of a JSON-RPC response: a refusal by the user, one of JSON-RPC's own, or another."""
    return build(errors_of(revision_of(revision)), "ErrorData", as_model)


@cache
def errors_of(revision: Revision) -> Strategy:
    """See ``errors``."""
    codes = among((-1, -32602, -32603, -32601, -32600, -32000, 1), st.integers(-(2**31), 2**31), 2)
    if revision.modern:
        codes = codes.filter(lambda code: code not in _TAKEN)
    return record({"code": codes, "message": texts()}, {"data": json_values()})


#: codes that mean something else since 2026-07-28, or did before
_TAKEN = frozenset((-32002, *range(-32099, -32019)))


#: for a revision of the legacy era
NO_QUESTIONS = "{} has no InputRequiredResult; it came with 2026-07-28"


@overload
def input_required_results(
    *, revision: str = NEWEST, tools: bool = True, others: bool = True, as_model: Literal[False] = False
) -> SearchStrategy[Json]: ...
@overload
def input_required_results(
    *, revision: str = NEWEST, tools: bool = True, others: bool = True, as_model: Literal[True]
) -> SearchStrategy[types.InputRequiredResult]: ...
def input_required_results(
    *, revision: str = NEWEST, tools: bool = True, others: bool = True, as_model: bool = False
) -> SearchStrategy[Any]:
    """Results that ask for sampling, several times or not at all, with or without a requestState (2026-07-28 on).

    With ``others`` some ask for elicitation and roots too, or instead. Raises ``ValueError`` before 2026-07-28.
    """
    found = revision_of(revision)
    if not found.modern:
        raise ValueError(NO_QUESTIONS.format(revision))
    return build(questions_of(found, tools, others), "InputRequiredResult", as_model)


@cache
def questions_of(revision: Revision, tools: bool, others: bool) -> Strategy:
    """See ``input_required_results``."""
    return input_required_of(revision, params_of(revision, tools, False), others)
