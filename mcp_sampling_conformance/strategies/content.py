"""Content blocks, and the inputs of one message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..revisions import Revision
from . import media
from .tools import NAMES, tool_inputs
from .values import Json, Strategy, annotations_of, icons, json_objects, metas, mime_types, short_texts, texts, uris

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
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional={**_optional(revision), **optional})


def _binary(kind: str, revision: Revision, files: Sequence[tuple[str, str]]) -> Strategy:
    pairs = st.sampled_from(files)
    more = st.fixed_dictionaries({}, optional=_optional(revision))
    return st.builds(lambda f, m: {"type": kind, "data": f[1], "mimeType": f[0], **m}, pairs, more)


def _embedded(revision: Revision) -> Strategy:
    optional = {"mimeType": mime_types(), **_optional(revision, annotated=False)}
    blob = st.sampled_from([data for _, data in media.images()] + [""])
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


@st.composite
def tool_uses(draw: st.DrawFn, tools: Sequence[Json] = (), number: int = 0) -> Json:
    """A tool_use of one of the tools (without any: of an unknown one), its id unique among numbers."""
    block: dict[str, Any] = {"type": "tool_use", "id": draw(st.sampled_from(ID_STYLES)).replace("#", str(number))}
    if tools:
        tool = draw(st.sampled_from(tools))
        block.update(name=tool["name"], input=draw(tool_inputs(tool)))
    else:
        block.update(name=draw(st.sampled_from(NAMES)), input=draw(json_objects()))
    block.update(draw(_more_of_tool_use()))
    return block


@cache
def _more_of_tool_use() -> Strategy:
    return st.fixed_dictionaries({}, optional={"_meta": metas()})


@cache
def _more_of_tool_result(revision: Revision) -> Strategy:
    inside = simple_blocks(revision, revision.tool_result_types)
    required = {"content": st.lists(inside, max_size=2)}
    optional = {"structuredContent": json_objects(), "isError": st.booleans(), "_meta": metas()}
    return st.fixed_dictionaries(required, optional=optional)


def tool_results(revision: Revision, use_id: str) -> Strategy:
    """A tool_result for the tool_use of that id."""
    return _more_of_tool_result(revision).map(lambda more: {"type": "tool_result", "toolUseId": use_id, **more})
