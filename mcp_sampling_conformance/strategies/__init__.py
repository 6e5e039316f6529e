"""Hypothesis strategies for everything that travels in MCP sampling.

Each function takes the ``revision`` by its name and yields what that revision allows, all of it by default, as plain
JSON or with ``as_model=True`` as models of the Python SDK. What is yielded breaks no rule of this package, not even
advice. The ``invalid_…`` strategies break exactly one, and say which and where.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..protocol.revisions import NAMES, NEWEST_LEGACY, Revision
from . import tools as _tools
from .breaking import errors_table, input_required_table, params_table, results_table
from .content import draw_tool_result, draw_tool_use, simple_blocks
from .conversations import (
    calling_content,
    conversations_of,
    draw_conversation,
    plain_content,
    plain_messages,
    tool_loops,
)
from .input_required import input_required_of
from .invalid import Invalid, invalid_values
from .models import build
from .tools import tool_inputs
from .values import (
    Json,
    Strategy,
    among,
    any_order,
    fractions,
    json_objects,
    json_values,
    metas,
    record,
    revision_of,
    short_texts,
    sometimes,
    texts,
)

__all__ = [
    "NEWEST",
    "Invalid",
    "content_blocks",
    "conversations",
    "create_message_params",
    "create_message_results",
    "errors",
    "input_required_results",
    "invalid_create_message_params",
    "invalid_create_message_results",
    "invalid_errors",
    "invalid_input_required_results",
    "model_hints",
    "model_preferences",
    "sampling_messages",
    "texts",
    "tool_choices",
    "tool_inputs",
    "tools",
]

NEWEST = NAMES[-1]

_ID = st.integers(0, 9)


def _with_tools(revision: str) -> Revision:
    found = revision_of(revision)
    if not found.tools:
        raise ValueError(f"sampling has no tools in {revision}; they came with 2025-11-25")
    return found


def content_blocks(
    *, revision: str = NEWEST, kinds: Collection[str] | None = None, as_model: bool = False
) -> st.SearchStrategy[Any]:
    """Content blocks of a message, or only those of some types (``kinds=["image", "audio"]``).

    ``resource`` and ``resource_link`` come only when named, for they stand inside a tool_result and nowhere else.
    Raises ``ValueError`` for a type that the revision does not have.
    """
    return build(
        _content_blocks(revision_of(revision), None if kinds is None else frozenset(kinds)), "ContentBlock", as_model
    )


@cache
def _content_blocks(revision: Revision, kinds: frozenset[str] | None) -> Strategy:
    wanted = revision.content_types if kinds is None else kinds
    if unknown := wanted - revision.content_types - revision.tool_result_types:
        raise ValueError(f"{revision.name} has no blocks of type {', '.join(sorted(unknown))}")
    found = [simple_blocks(revision, frozenset({kind})) for kind in _ORDER if kind in wanted]
    if "tool_use" in wanted:
        found.append(_tool_uses(revision))
    if "tool_result" in wanted:
        found.append(_tool_results(revision))
    return st.one_of(found)


@st.composite
def _tool_uses(draw: st.DrawFn, revision: Revision) -> Json:
    return draw_tool_use(draw, draw(_tools.toolboxes(revision)), draw(_ID))


@st.composite
def _tool_results(draw: st.DrawFn, revision: Revision) -> Json:
    return draw_tool_result(draw, revision, f"call_{draw(_ID)}")


_ORDER = ("text", "image", "audio", "resource", "resource_link")


def sampling_messages(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """Single messages; one with a tool_use or tool_result is half of a tool loop (for whole ones: `conversations`)."""
    return build(_sampling_messages(revision_of(revision)), "SamplingMessage", as_model)


@cache
def _sampling_messages(revision: Revision) -> Strategy:
    plain = plain_messages(revision)
    return plain | tool_loops(revision).flatmap(st.sampled_from) if revision.tools else plain


def conversations(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    min_size: int = 0,
    as_model: bool = False,
) -> st.SearchStrategy[list[Any]]:
    """Lists of messages, with tool loops in them: parallel calls, each answered at once by the message that follows.

    ``tools`` are those that may be called (``True``: any); without tools (``False``) there are no loops. There are
    at least ``min_size`` messages.
    """
    offered = _offered(revision_of(revision), tools)
    values = conversations_of(revision_of(revision), offered, min_size)
    return build(values, "SamplingMessage", as_model, many=True)


def _offered(revision: Revision, tools: bool | Sequence[Mapping[str, Any]]) -> tuple[Json, ...] | None:
    if tools is False or not revision.tools:
        return None
    return () if tools is True else tuple(dict(tool) for tool in tools)


def model_hints(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """Hints at a model; the schema does not even require the name."""
    revision_of(revision)
    return build(_model_hints(), "ModelHint", as_model)


@cache
def _model_hints() -> Strategy:
    names = among(("claude-3-sonnet", "gpt", "claude", "gemini-1.5-flash", "Llama 3"), short_texts(), 2)
    return record({}, {"name": names})


def model_preferences(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """Hints and priorities, any of which may be missing."""
    revision_of(revision)
    return build(_model_preferences(), "ModelPreferences", as_model)


@cache
def _model_preferences() -> Strategy:
    priorities = {f"{kind}Priority": fractions() for kind in ("cost", "speed", "intelligence")}
    return record({}, {"hints": st.lists(_model_hints(), max_size=3), **priorities})


def tools(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """Tools with real JSON Schemas; `tool_inputs` yields inputs that satisfy them.

    Raises ``ValueError`` before 2025-11-25.
    """
    return build(_tools.tools_of(_with_tools(revision)), "Tool", as_model)


def tool_choices(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """Objects with a mode, or without one. Raises ``ValueError`` before 2025-11-25."""
    _with_tools(revision)
    return build(_tool_choices(), "ToolChoice", as_model)


@cache
def _tool_choices() -> Strategy:
    return record({}, {"mode": st.sampled_from(("auto", "required", "none"))})


def create_message_params(
    *, revision: str = NEWEST, tools: bool = True, deprecated: bool = False, as_model: bool = False
) -> st.SearchStrategy[Any]:
    """The params of ``sampling/createMessage``.

    ``tools=False`` leaves out what a client without ``sampling.tools`` must not be sent. ``deprecated`` adds what the
    revision allows but advises against: an includeContext of thisServer or allServers since 2025-11-25.
    """
    return build(_params(revision_of(revision), tools, deprecated), "CreateMessageRequestParams", as_model)


@cache
def _params(revision: Revision, tools: bool, deprecated: bool) -> Strategy:
    contexts = ("none", "thisServer", "allServers") if deprecated or not revision.tools else ("none",)
    optional: dict[str, Strategy] = {
        "modelPreferences": _model_preferences(),
        "systemPrompt": texts(),
        "includeContext": st.sampled_from(contexts),
        "temperature": among((0, 1, 0.7, 2.0, 1e-9), st.floats(0, 2), 2),
        "stopSequences": st.lists(texts(), max_size=2),
        "metadata": json_objects(revision),
    }
    if not revision.modern:
        optional["_meta"] = _request_metas()
    if revision.tasks:
        optional["task"] = record({}, {"ttl": st.integers(0, 10**6)})
    limits = among((100, 1, 4096, 2**31 - 1), st.integers(1, 10**6), 2)
    return any_order(_whole_params(revision, revision.tools and tools, limits, record({}, optional, 3)))


@st.composite
def _request_metas(draw: st.DrawFn) -> Json:
    """With or without a token for progress, any string or integer; beyond 2**53 - 1 not every JSON parser is exact."""
    tokens = among(("token", 0, 1, 2**53 - 1, -1), short_texts(), 2)
    return {**draw(metas()), **draw(record({}, {"progressToken": tokens}))}


#: what there is, as bits: 1 for tools, 2 for toolChoice
_EXTRAS = st.sampled_from((0, 0, 1, 1, 3, 3, 2))


@st.composite
def _whole_params(
    draw: st.DrawFn, revision: Revision, with_tools: bool, limits: Strategy, more: st.SearchStrategy[Json]
) -> Json:
    params: Json = {"messages": None, "maxTokens": draw(limits)}
    offered: Sequence[Json] | None = None
    if with_tools:
        extras = draw(_EXTRAS)
        if extras & 1:
            params["tools"] = draw(_tools.toolboxes(revision))
        if extras & 2:
            params["toolChoice"] = draw(_tool_choices())
        offered = params.get("tools", ())
    params["messages"] = draw_conversation(draw, revision, offered)
    return {**params, **draw(more)}


def create_message_results(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    as_model: bool = False,
) -> st.SearchStrategy[Any]:
    """What a client answers. ``tools`` are those that the model may call (``True``: any, ``False``: none)."""
    found = revision_of(revision)
    return build(_results(found, _offered(found, tools)), "CreateMessageResult", as_model)


def _results(revision: Revision, offered: tuple[Json, ...] | None) -> Strategy:
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


def errors(*, revision: str = NEWEST, as_model: bool = False) -> st.SearchStrategy[Any]:
    """The error of a JSON-RPC response: a refusal by the user, one of JSON-RPC's own, or another."""
    return build(_errors(revision_of(revision)), "ErrorData", as_model)


@cache
def _errors(revision: Revision) -> Strategy:
    codes = among((-1, -32602, -32603, -32601, -32600, -32000, 1), st.integers(-(2**31), 2**31), 2)
    if revision.modern:
        codes = codes.filter(lambda code: code not in _TAKEN)
    return record({"code": codes, "message": texts()}, {"data": json_values()})


#: codes that mean something else since 2026-07-28, or did before
_TAKEN = frozenset((-32002, *range(-32099, -32019)))


_NO_QUESTIONS = "{} has no InputRequiredResult; it came with 2026-07-28"


def input_required_results(
    *, revision: str = NEWEST, tools: bool = True, others: bool = True, as_model: bool = False
) -> st.SearchStrategy[Any]:
    """Results that ask for sampling, several times or not at all, with or without a requestState (2026-07-28 on).

    With ``others`` some ask for elicitation and roots too, or instead. Raises ``ValueError`` before 2026-07-28.
    """
    found = revision_of(revision)
    if not found.modern:
        raise ValueError(_NO_QUESTIONS.format(revision))
    return build(_input_required(found, tools, others), "InputRequiredResult", as_model)


@cache
def _input_required(revision: Revision, tools: bool, others: bool) -> Strategy:
    return input_required_of(revision, _params(revision, tools, False), others)


def invalid_create_message_params(
    *, revision: str = NEWEST, rules: Collection[str] | None = None
) -> st.SearchStrategy[Invalid]:
    """Params that break exactly one rule each: any that one request can break alone, or one of those in ``rules``.

    Raises ``ValueError`` for a rule that one request cannot break alone.
    """
    found = revision_of(revision)
    return invalid_values(_params(found, True, False), params_table, found, rules)


def invalid_create_message_results(
    *, revision: str = NEWEST, rules: Collection[str] | None = None
) -> st.SearchStrategy[Invalid]:
    """Results that break exactly one rule each: any that one result can break alone, or one of those in ``rules``.

    Raises ``ValueError`` for a rule that one result cannot break alone.
    """
    found = revision_of(revision)
    return invalid_values(_results(found, _offered(found, True)), results_table, found, rules)


def invalid_input_required_results(
    *, revision: str = NEWEST, rules: Collection[str] | None = None, others: bool = True
) -> st.SearchStrategy[Invalid]:
    """InputRequiredResults that break exactly one rule each: one about themselves, or about the params in them.

    Raises ``ValueError`` for a rule that they cannot break alone, and before 2026-07-28.
    """
    found = revision_of(revision)
    if not found.modern:
        raise ValueError(_NO_QUESTIONS.format(revision))
    return invalid_values(_input_required(found, True, others), input_required_table, found, rules)


def invalid_errors(
    *, revision: str = NEWEST_LEGACY, rules: Collection[str] | None = None
) -> st.SearchStrategy[Invalid]:
    """Errors that break exactly one rule each.

    Raises ``ValueError`` since 2026-07-28, where no request for sampling is answered with an error any more.
    """
    found = revision_of(revision)
    if found.modern:
        raise ValueError(f"in {revision} no request for sampling is answered with an error")
    return invalid_values(_errors(found), errors_table, found, rules)
