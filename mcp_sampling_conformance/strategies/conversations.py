"""Messages, and conversations in which every tool_use is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st

from ..revisions import Revision
from .content import simple_blocks, tool_results, tool_uses
from .values import Json, Strategy, metas

#: what a model or a user says outside of a tool loop
PLAIN = frozenset({"text", "image", "audio"})


@cache
def plain_content(revision: Revision) -> Strategy:
    """A block, or an array of blocks where the revision has them, without tool_use and tool_result."""
    block = simple_blocks(revision, revision.content_types & PLAIN)
    return block | st.lists(block, max_size=3) if revision.content_arrays else block


@cache
def plain_messages(revision: Revision) -> st.SearchStrategy[Json]:
    required = {"role": st.sampled_from(("user", "assistant")), "content": plain_content(revision)}
    return st.fixed_dictionaries(required, optional={"_meta": metas()} if revision.tools else {})


@st.composite
def tool_loops(draw: st.DrawFn, revision: Revision, tools: Sequence[Json] = (), number: int = 0) -> list[Json]:
    """An assistant message with tool_use blocks, parallel or alone, and the user message that answers each of them."""
    uses = [draw(tool_uses(tools, number + n)) for n in range(draw(st.integers(1, 3)))]
    before = draw(_said_before(revision))
    results = [draw(tool_results(revision, use["id"])) for use in draw(st.permutations(uses))]
    alone = len(uses) == 1 and draw(st.booleans())
    return [
        {"role": "assistant", "content": uses[0] if alone and not before else [*before, *uses]},
        {"role": "user", "content": results[0] if alone else results},
    ]


@cache
def _said_before(revision: Revision) -> st.SearchStrategy[list[Json]]:
    return st.lists(simple_blocks(revision, revision.content_types & PLAIN), max_size=1)


@st.composite
def conversations_of(draw: st.DrawFn, revision: Revision, tools: Sequence[Json] | None, min_size: int) -> list[Json]:
    """With ``tools`` (an empty one: of any name) loops too, without it none."""
    messages: list[Json] = draw(st.lists(plain_messages(revision), min_size=min_size, max_size=max(3, min_size)))
    if tools is None:
        return messages
    where = draw(st.lists(st.integers(0, len(messages)), max_size=2))
    for n, place in enumerate(sorted(where, reverse=True)):  # a loop stays in one piece
        messages[place:place] = draw(tool_loops(revision, tools, 3 * n))
    return messages
