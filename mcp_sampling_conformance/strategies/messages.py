"""Content blocks, messages, and whole conversations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..protocol.revisions import NAMES, Revision
from .content import draw_tool_result, draw_tool_use, simple_blocks
from .conversations import conversations_of, plain_messages, tool_loops
from .models import build
from .toolboxes import toolboxes
from .values import Json, Strategy, revision_of

if TYPE_CHECKING:
    from mcp import types

    Block: TypeAlias = (
        types.TextContent
        | types.ImageContent
        | types.AudioContent
        | types.ToolUseContent
        | types.ToolResultContent
        | types.EmbeddedResource
        | types.ResourceLink
    )

NEWEST = NAMES[-1]

_ID = st.integers(0, 9)


@overload
def content_blocks(
    *, revision: str = NEWEST, kinds: Collection[str] | None = None, as_model: Literal[False] = False
) -> SearchStrategy[Json]: ...
@overload
def content_blocks(
    *, revision: str = NEWEST, kinds: Collection[str] | None = None, as_model: Literal[True]
) -> SearchStrategy[Block]: ...
def content_blocks(
    *, revision: str = NEWEST, kinds: Collection[str] | None = None, as_model: bool = False
) -> SearchStrategy[Any]:
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
    return draw_tool_use(draw, draw(toolboxes(revision)), draw(_ID))


@st.composite
def _tool_results(draw: st.DrawFn, revision: Revision) -> Json:
    return draw_tool_result(draw, revision, f"call_{draw(_ID)}")


_ORDER = ("text", "image", "audio", "resource", "resource_link")


@overload
def sampling_messages(*, revision: str = NEWEST, as_model: Literal[False] = False) -> SearchStrategy[Json]: ...
@overload
def sampling_messages(*, revision: str = NEWEST, as_model: Literal[True]) -> SearchStrategy[types.SamplingMessage]: ...
def sampling_messages(*, revision: str = NEWEST, as_model: bool = False) -> SearchStrategy[Any]:
    """Single messages; one with a tool_use or tool_result is half of a tool loop (for whole ones: `conversations`)."""
    return build(_sampling_messages(revision_of(revision)), "SamplingMessage", as_model)


@cache
def _sampling_messages(revision: Revision) -> Strategy:
    plain = plain_messages(revision)
    return plain | tool_loops(revision).flatmap(st.sampled_from) if revision.tools else plain


@overload
def conversations(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    min_size: int = 0,
    as_model: Literal[False] = False,
) -> SearchStrategy[list[Json]]: ...
@overload
def conversations(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    min_size: int = 0,
    as_model: Literal[True],
) -> SearchStrategy[list[types.SamplingMessage]]: ...
def conversations(
    *,
    revision: str = NEWEST,
    tools: bool | Sequence[Mapping[str, Any]] = True,
    min_size: int = 0,
    as_model: bool = False,
) -> SearchStrategy[list[Any]]:
    """Lists of messages, with tool loops in them: parallel calls, each answered at once by the message that follows.

    ``tools`` are those that may be called (``True``: any); without tools (``False``) there are no loops. There are
    at least ``min_size`` messages.
    """
    offered = offered_of(revision_of(revision), tools)
    values = conversations_of(revision_of(revision), offered, min_size)
    return build(values, "SamplingMessage", as_model, many=True)


def offered_of(revision: Revision, tools: bool | Sequence[Mapping[str, Any]]) -> tuple[Json, ...] | None:
    """The tools that a conversation may call, ``()`` for any; ``None`` where there are to be none."""
    if tools is False or not revision.tools:
        return None
    return () if tools is True else tuple(dict(tool) for tool in tools)
