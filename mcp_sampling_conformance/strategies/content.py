"""Content blocks, and the inputs of one message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from hypothesis import strategies as st

from ..revisions import Revision
from . import media
from .tools import NAMES, draw_input
from .values import (
    Json,
    Strategy,
    annotations_of,
    icons,
    json_objects,
    metas,
    mime_types,
    one_of_these,
    seldom,
    short_texts,
    texts,
    up_to,
    uris,
)

#: with "#" for a number that makes it unique
ID_STYLES = (
    "call_#",
    "toolu_01#",
    "#",
    "019a#-0000-7000-8000-000000000000",
    "an id with spaces #",
    "ид-#",
    "x" * 100 + "#",
)


def _optional(revision: Revision, *, annotated: bool = True) -> dict[str, Strategy]:
    members: dict[str, Strategy] = {"annotations": annotations_of(revision)} if annotated else {}
    if revision.name >= "2025-06-18":
        members["_meta"] = metas()
    return members


def _block(kind: str, revision: Revision, required: dict[str, Strategy], **optional: Strategy) -> Strategy:
    whole = st.fixed_dictionaries({"type": st.just(kind), **required})
    return st.builds(lambda block, more: {**block, **more}, whole, seldom({**_optional(revision), **optional}))


def _binary(kind: str, revision: Revision, files: Sequence[tuple[str, str]]) -> Strategy:
    pairs = one_of_these(files)
    more = seldom(_optional(revision))
    return st.builds(lambda f, m: {"type": kind, "data": f[1], "mimeType": f[0], **m}, pairs, more)


def _embedded(revision: Revision) -> Strategy:
    optional = {"mimeType": mime_types(), **_optional(revision, annotated=False)}
    blob = one_of_these([data for _, data in media.images()] + [""])
    return _block(
        "resource",
        revision,
        {
            "resource": st.fixed_dictionaries({"uri": uris(), "text": texts()}, optional=optional)
            | st.fixed_dictionaries({"uri": uris(), "blob": blob}, optional=optional)
        },
    )


def _link(revision: Revision) -> Strategy:
    return _block(
        "resource_link",
        revision,
        {"uri": uris(), "name": short_texts()},
        title=short_texts(),
        description=texts(),
        mimeType=mime_types(),
        size=st.integers(0, 2**40),
        icons=icons(),
    )


@cache
def simple_blocks(revision: Revision, kinds: frozenset[str]) -> Strategy:
    """Blocks of the kinds given that hold no other block and belong to no tool loop."""
    makers: dict[str, Callable[[], Strategy]] = {
        "text": lambda: _block("text", revision, {"text": texts()}),
        "image": lambda: _binary("image", revision, media.images()),
        "audio": lambda: _binary("audio", revision, media.sounds()),
        "resource": lambda: _embedded(revision),
        "resource_link": lambda: _link(revision),
    }
    return st.one_of([make() for kind, make in makers.items() if kind in kinds])


def draw_tool_use(draw: st.DrawFn, tools: Sequence[Json], number: int) -> Json:
    """A tool_use of one of the tools (without any: of an unknown one), its id unique among numbers."""
    identifier = draw(_id_styles()).replace("#", str(number))
    if tools:
        tool = tools[draw(up_to(len(tools) - 1))] if len(tools) > 1 else tools[0]
        name, given = tool["name"], draw_input(draw, tool)
    else:
        name, given = draw(_names()), draw(json_objects())
    return {"type": "tool_use", "id": identifier, "name": name, "input": given, **draw(_more_of_tool_use())}


@cache
def _id_styles() -> st.SearchStrategy[str]:
    return st.sampled_from(ID_STYLES)


@cache
def _names() -> st.SearchStrategy[str]:
    return st.sampled_from(NAMES)


@cache
def _more_of_tool_use() -> Strategy:
    return seldom({"_meta": metas()})


@cache
def _result_content(revision: Revision) -> Strategy:
    return st.lists(simple_blocks(revision, revision.tool_result_types), max_size=2)


@cache
def _more_of_tool_result() -> Strategy:
    return seldom({"structuredContent": json_objects(), "isError": st.booleans(), "_meta": metas()})


def draw_tool_result(draw: st.DrawFn, revision: Revision, use_id: str) -> Json:
    """A tool_result for the tool_use of that id."""
    content = draw(_result_content(revision))
    return {"type": "tool_result", "toolUseId": use_id, "content": content, **draw(_more_of_tool_result())}
