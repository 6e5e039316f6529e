"""Content blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from hypothesis import strategies as st

from ..protocol.revisions import Revision
from . import media
from .toolboxes import NAMES, draw_input
from .values import (
    Json,
    Strategy,
    among,
    annotations_of,
    icons,
    json_objects,
    json_values,
    metas,
    mime_types,
    record,
    said,
    seldom,
    short_texts,
    texts,
    up_to,
    uris,
)

#: ids of tool_use blocks; a number takes the place of "#" and makes each unique
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


def _embedded(revision: Revision) -> Strategy:
    optional = {"mimeType": mime_types(), **_optional(revision, annotated=False)}
    blob = among([*(data for _, data in media.images()), ""])
    return record({"uri": uris(), "text": texts()}, optional) | record({"uri": uris(), "blob": blob}, optional)


def _link(revision: Revision) -> dict[str, Strategy]:
    return {
        "title": short_texts(),
        "description": texts(),
        "mimeType": mime_types(),
        "size": st.integers(0, 2**40),
        "icons": icons(),
        **_optional(revision),
    }


@st.composite
def _block(draw: st.DrawFn, kind: str, required: Mapping[str, Strategy], optional: st.SearchStrategy[Json]) -> Json:
    return {"type": kind, **{key: draw(values) for key, values in required.items()}, **draw(optional)}


@st.composite
def _binary(
    draw: st.DrawFn, kind: str, files: st.SearchStrategy[tuple[str, str]], optional: st.SearchStrategy[Json]
) -> Json:
    mime, data = draw(files)
    return {"type": kind, "data": data, "mimeType": mime, **draw(optional)}


@cache
def simple_blocks(revision: Revision, kinds: frozenset[str]) -> Strategy:
    """Blocks of the kinds given that hold no other block and belong to no tool loop; texts come more often."""
    more = seldom(_optional(revision))
    makers: dict[str, Callable[[], Strategy]] = {
        "text": lambda: _block("text", {"text": said()}, more),
        "image": lambda: _binary("image", among(media.images()), more),
        "audio": lambda: _binary("audio", among(media.sounds()), more),
        "resource": lambda: _block("resource", {"resource": _embedded(revision)}, more),
        "resource_link": lambda: _block(
            "resource_link", {"uri": uris(), "name": short_texts()}, seldom(_link(revision))
        ),
    }
    found = {kind: make() for kind, make in makers.items() if kind in kinds}
    if len(found) == 1:
        return found.popitem()[1]
    return _of_kinds(found, st.sampled_from([kind for kind in found for _ in range(3 if kind == "text" else 1)]))


@st.composite
def _of_kinds(draw: st.DrawFn, found: Mapping[str, Strategy], kinds: st.SearchStrategy[str]) -> Json:
    block: Json = draw(found[draw(kinds)])
    return block


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
def _result_blocks(revision: Revision) -> Strategy:
    return simple_blocks(revision, revision.tool_result_types)


@cache
def _more_of_tool_result(revision: Revision) -> Strategy:
    structured = json_objects() | json_values() if revision.modern else json_objects()
    return seldom({"structuredContent": structured, "isError": st.booleans(), "_meta": metas()})


#: how many blocks there are in a tool_result
_SIZES = st.sampled_from((1, 0, 1, 2))


def draw_tool_result(draw: st.DrawFn, revision: Revision, use_id: str) -> Json:
    """A tool_result for the tool_use of that id."""
    content = [draw(_result_blocks(revision)) for _ in range(draw(_SIZES))]
    return {"type": "tool_result", "toolUseId": use_id, "content": content, **draw(_more_of_tool_result(revision))}
