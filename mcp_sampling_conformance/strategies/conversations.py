"""Messages, and conversations in which every tool_use is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..protocol.revisions import Revision
from .content import draw_tool_result, draw_tool_use, simple_blocks
from .values import Json, Strategy, metas, record, seldom, sometimes, up_to

#: what a model or a user says outside of a tool loop
PLAIN = frozenset({"text", "image", "audio"})


#: how many blocks there are in the content of a message (``None``: one block and no array). For an empty array a block
#: is drawn too and thrown away: otherwise examples would shrink to the empty array.
_SHAPES = st.sampled_from((None, None, None, None, 1, 1, 2, 2, 0))


@cache
def plain_content(revision: Revision) -> Strategy:
    """A block, or an array of blocks where the revision has them, without tool_use and tool_result."""
    block = simple_blocks(revision, revision.content_types & PLAIN)
    return _content(block) if revision.content_arrays else block


@st.composite
def _content(draw: st.DrawFn, block: Strategy) -> Any:
    size = draw(_SHAPES)
    blocks = [draw(block) for _ in range(size or 1)]
    return blocks[0] if size is None else blocks[:size]


@cache
def plain_messages(revision: Revision) -> st.SearchStrategy[Json]:
    """Messages of either role without tool_use and tool_result."""
    said_by = st.sampled_from(("user", "assistant"))
    message = record({"role": said_by, "content": plain_content(revision)}, {})
    if not revision.tools:
        return message
    return _with_more(message, seldom({"_meta": metas()}))


@st.composite
def _with_more(draw: st.DrawFn, message: st.SearchStrategy[Json], more: st.SearchStrategy[Json]) -> Json:
    return {**draw(message), **draw(more)}


#: in which order the results of parallel calls come; ``None``: one call that stands in no array
_ORDERS = st.sampled_from((None, (0,), (0,), (0, 1), (1, 0), (0, 1, 2), (2, 0, 1)))


def draw_uses(
    draw: st.DrawFn, revision: Revision, tools: Sequence[Json], number: int
) -> tuple[Any, list[Json], Sequence[int] | None]:
    """The content of a message that calls tools; the calls in it, and the order of their results."""
    order = draw(_ORDERS)
    uses = [draw_tool_use(draw, tools, number + n) for n in range(len(order or (0,)))]
    if order is None:
        return uses[0], uses, order
    before = [draw(_said_before(revision))] if draw(sometimes("said before", 2)) else []
    return [*before, *uses], uses, order


@cache
def _said_before(revision: Revision) -> Strategy:
    return simple_blocks(revision, revision.content_types & PLAIN)


#: how many messages there are outside of tool loops; for none one is drawn and thrown away, as in `_SHAPES`
_SIZES = st.sampled_from((1, 1, 1, 2, 2, 3, 0))
#: how many tool loops there are
_LOOPS = st.sampled_from((0, 0, 1, 1, 2))


def draw_conversation(
    draw: st.DrawFn, revision: Revision, tools: Sequence[Json] | None, min_size: int = 0
) -> list[Json]:
    """At least ``min_size`` messages; with tool loops unless ``tools`` is ``None``.

    ``tools`` are those that may be called; where it is empty, tools of any name.
    """
    size = max(min_size, draw(_SIZES))
    messages: list[Json] = [draw(plain_messages(revision)) for _ in range(size or 1)][:size]
    for n in range(draw(_LOOPS) if tools is not None else 0):
        places = [n for n in range(len(messages) + 1) if n == len(messages) or not answers_tools(messages[n])]
        place = places[draw(up_to(len(places) - 1))]
        messages[place:place] = draw(_loops(revision, tools or (), 3 * n))
    return messages


def answers_tools(message: Json) -> bool:
    """Whether a message holds a tool_result: nothing may be put between it and the one before."""
    content = message["content"]
    return any(b["type"] == "tool_result" for b in (content if isinstance(content, list) else [content]))


@st.composite
def _loops(draw: st.DrawFn, revision: Revision, tools: Sequence[Json], number: int) -> list[Json]:
    """An assistant message with tool_use blocks, parallel or alone, and the user message that answers each of them."""
    content, uses, order = draw_uses(draw, revision, tools, number)
    results = [draw_tool_result(draw, revision, uses[n]["id"]) for n in order or (0,)]
    return [
        {"role": "assistant", "content": content},
        {"role": "user", "content": results[0] if order is None else results},
    ]


def tool_loops(revision: Revision, tools: Sequence[Json] = ()) -> st.SearchStrategy[list[Json]]:
    """The two messages of a tool loop: calls, and their results."""
    return _loops(revision, tools, 0)


@st.composite
def calling_content(draw: st.DrawFn, revision: Revision, tools: Sequence[Json]) -> Any:
    """The content of a message in which a model calls tools."""
    return draw_uses(draw, revision, tools, 0)[0]


@st.composite
def conversations_of(draw: st.DrawFn, revision: Revision, tools: Sequence[Json] | None, min_size: int) -> list[Json]:
    """See ``draw_conversation``."""
    return draw_conversation(draw, revision, tools, min_size)
