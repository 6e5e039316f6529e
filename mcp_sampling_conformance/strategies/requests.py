"""The params of a request and what is in them, but the messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..protocol.revisions import NAMES, Revision
from .conversations import draw_conversation
from .models import build
from .toolboxes import toolboxes, tools_of
from .values import (
    Json,
    Strategy,
    among,
    any_order,
    fractions,
    json_objects,
    metas,
    record,
    revision_of,
    short_texts,
    texts,
)

if TYPE_CHECKING:
    from mcp import types

NEWEST = NAMES[-1]


def _with_tools(revision: str) -> Revision:
    found = revision_of(revision)
    if not found.tools:
        raise ValueError(f"sampling has no tools in {revision}; they came with 2025-11-25")
    return found


@overload
def model_hints(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def model_hints(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.ModelHint]: ...
def model_hints(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """Hints at a model; the schema does not even require the name."""
    revision_of(revision)
    return build(_model_hints(), "ModelHint", as_model)


@cache
def _model_hints() -> Strategy:
    names = among(("claude-3-sonnet", "gpt", "claude", "gemini-1.5-flash", "Llama 3"), short_texts(), 2)
    return record({}, {"name": names})


@overload
def model_preferences(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def model_preferences(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.ModelPreferences]: ...
def model_preferences(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """Hints and priorities, any of which may be missing."""
    revision_of(revision)
    return build(_model_preferences(), "ModelPreferences", as_model)


@cache
def _model_preferences() -> Strategy:
    priorities = {f"{kind}Priority": fractions() for kind in ("cost", "speed", "intelligence")}
    return record({}, {"hints": st.lists(_model_hints(), max_size=3), **priorities})


@overload
def tools(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def tools(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.Tool]: ...
def tools(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """Tools with real JSON Schemas; `tool_inputs` yields inputs that satisfy them.

    Raises ``ValueError`` before 2025-11-25.
    """
    return build(tools_of(_with_tools(revision)), "Tool", as_model)


@overload
def tool_choices(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def tool_choices(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.ToolChoice]: ...
def tool_choices(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """Objects with a mode, or without one. Raises ``ValueError`` before 2025-11-25."""
    _with_tools(revision)
    return build(_tool_choices(), "ToolChoice", as_model)


@cache
def _tool_choices() -> Strategy:
    return record({}, {"mode": st.sampled_from(("auto", "required", "none"))})


@overload
def create_message_params(
    *, revision: str = NEWEST, tools: bool = True, deprecated: bool = False, as_model: Literal[False] = False
) -> SearchStrategy[Json]: ...
@overload
def create_message_params(
    *, revision: str = NEWEST, tools: bool = True, deprecated: bool = False, as_model: Literal[True]
) -> SearchStrategy[types.CreateMessageRequestParams]: ...
def create_message_params(
    *, revision: str = NEWEST, tools: bool = True, deprecated: bool = False, as_model: bool = False
) -> SearchStrategy[Any]:
    """The params of ``sampling/createMessage``.

    ``tools=False`` leaves out what a client without ``sampling.tools`` must not be sent. ``deprecated`` adds what the
    revision allows but advises against: an includeContext of thisServer or allServers since 2025-11-25.
    """
    return build(params_of(revision_of(revision), tools, deprecated), "CreateMessageRequestParams", as_model)


@cache
def params_of(revision: Revision, tools: bool, deprecated: bool) -> Strategy:
    """See ``create_message_params``."""
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
    draw: st.DrawFn, revision: Revision, with_tools: bool, limits: Strategy, more: SearchStrategy[Json]
) -> Json:
    params: Json = {"messages": None, "maxTokens": draw(limits)}
    offered: Sequence[Json] | None = None
    if with_tools:
        extras = draw(_EXTRAS)
        if extras & 1:
            params["tools"] = draw(toolboxes(revision))
        if extras & 2:
            params["toolChoice"] = draw(_tool_choices())
        offered = params.get("tools", ())
    params["messages"] = draw_conversation(draw, revision, offered)
    return {**params, **draw(more)}
