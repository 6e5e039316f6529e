"""Messages, and conversations in which every tool_use is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st

from ..revisions import Revision
from .content import draw_tool_result, draw_tool_use, simple_blocks
from .values import Json, Strategy, metas, seldom, up_to

#: what a model or a user says outside of a tool loop
PLAIN = frozenset({"text", "image", "audio"})


@cache
def plain_content(revision: Revision) -> Strategy:
    """A block, or an array of blocks where the revision has them, without tool_use and tool_result."""
    block = simple_blocks(revision, revision.content_types & PLAIN)
    return block | st.lists(block, max_size=2) if revision.content_arrays else block


@cache
def plain_messages(revision: Revision) -> st.SearchStrategy[Json]:
    message = st.fixed_dictionaries(
        {"role": st.sampled_from(("user", "assistant")), "content": plain_content(revision)}
    )
    if not revision.tools:
        return message
    return st.builds(lambda found, more: {**found, **more}, message, seldom({"_meta": metas()}))


def draw_loop(draw: st.DrawFn, revision: Revision, tools: Sequence[Json], number: int) -> list[Json]:
    """An assistant message with tool_use blocks, parallel or alone, and the user message that answers each of them."""
    order = draw(_orders())
    uses = [draw_tool_use(draw, tools, number + n) for n in range(len(order))]
    results = [draw_tool_result(draw, revision, uses[n]["id"]) for n in order]
    before = draw(_said_before(revision))
    alone = len(uses) == 1 and not before and draw(_BOOLEANS)
    return [
        {"role": "assistant", "content": uses[0] if alone else [*before, *uses]},
        {"role": "user", "content": results[0] if alone else results},
    ]


_BOOLEANS = st.booleans()


@cache
def _orders() -> st.SearchStrategy[tuple[int, ...]]:
    """How many calls there are side by side, and in which order their results come."""
    return st.sampled_from(((0,), (0,), (0,), (0, 1), (1, 0), (0, 1, 2), (2, 0, 1)))


@cache
def _said_before(revision: Revision) -> st.SearchStrategy[list[Json]]:
    return st.lists(simple_blocks(revision, revision.content_types & PLAIN), max_size=1)


def draw_conversation(
    draw: st.DrawFn, revision: Revision, tools: Sequence[Json] | None, min_size: int = 0
) -> list[Json]:
    """With ``tools`` (an empty one: of any name) loops too, without it none."""
    messages: list[Json] = draw(_plain(revision, min_size))
    for n in range(draw(_LOOPS) if tools is not None else 0):
        places = [n for n in range(len(messages) + 1) if n == len(messages) or not answers_tools(messages[n])]
        place = places[draw(up_to(len(places) - 1))]
        messages[place:place] = draw_loop(draw, revision, tools or (), 3 * n)
    return messages


_LOOPS = st.sampled_from((0, 1, 1, 2))


@cache
def _plain(revision: Revision, min_size: int) -> st.SearchStrategy[list[Json]]:
    return st.lists(plain_messages(revision), min_size=min_size, max_size=max(3, min_size))


def answers_tools(message: Json) -> bool:
    """Whether a message holds a tool_result: nothing may be put between it and the one before."""
    content = message["content"]
    return any(b["type"] == "tool_result" for b in (content if isinstance(content, list) else [content]))


@st.composite
def tool_loops(draw: st.DrawFn, revision: Revision, tools: Sequence[Json] = ()) -> list[Json]:
    return draw_loop(draw, revision, tools, 0)


@st.composite
def conversations_of(draw: st.DrawFn, revision: Revision, tools: Sequence[Json] | None, min_size: int) -> list[Json]:
    return draw_conversation(draw, revision, tools, min_size)
