"""Tools with real JSON Schemas, and the inputs that satisfy them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..protocol.revisions import Revision
from ..schemas.make import PLAIN, NoInstance, Taste, instance
from .values import SHORT, Json, Strategy, T, icons, metas, record, seldom, short_texts, texts, up_to

NAMES = ("get_weather", "search", "a", "files.read", "admin-tools_list", "X" * 64)
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, eq=False)
class _Property:
    """A property of an input: its schema, and the values that it allows."""

    name: str
    schema: Json
    values: Strategy


@cache
def _properties() -> tuple[_Property, ...]:
    numbers = st.integers(-3, 3)
    point = record({"x": numbers}, {"y": numbers})
    rows: tuple[tuple[str, Json, Strategy], ...] = (
        ("city", {"type": "string"}, texts()),
        ("days", {"type": "integer", "minimum": 1, "maximum": 14}, st.integers(1, 14)),
        ("units", {"enum": ["C", "F", None]}, st.sampled_from(("C", "F", None))),
        ("exact", {"type": "boolean", "default": False, "description": "Без округления"}, st.booleans()),
        ("ratio", {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, st.sampled_from((0.5, 1, 7.5))),
        ("code", {"type": "string", "pattern": "^[A-Z]{3}$"}, st.sampled_from(("ABC", "XYZ"))),
        ("date", {"type": "string", "format": "date"}, st.dates().map(str)),
        ("tags", {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 2}, _tags()),
        ("kind", {"const": "query"}, st.just("query")),
        (
            "id or name",
            {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1}]},
            numbers | st.just("n"),
        ),
        ("place", _object({"x": {"type": "integer"}, "y": {"type": "integer"}}, ["x"]), point),
        ("$weird.name/ü", {}, st.none() | numbers),
    )
    return tuple(_Property(*row) for row in rows)


def _tags() -> Strategy:
    return st.lists(st.sampled_from(("a", "b", "é")), max_size=2, unique=True)


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_STYLES = st.integers(0, 7)


def _pop(draw: st.DrawFn, rest: list[T]) -> T:
    """Take one out of a list."""
    return rest.pop(draw(up_to(len(rest) - 1)))


@st.composite
def input_schemas(draw: st.DrawFn) -> Json:
    """The schema of an object with a few properties, some of them required."""
    known = list(_properties())
    chosen = [_pop(draw, known) for _ in range(draw(up_to(3)))]
    schema: Json = {"type": "object"}
    style: int = draw(_STYLES)
    if chosen or style:
        schema["properties"] = {p.name: deepcopy(p.schema) for p in chosen}
    if chosen:
        if style & 1:
            schema["required"] = [p.name for p in chosen[: 1 + style // 4]]
        if style & 2:
            schema["additionalProperties"] = False
        if style == 4:
            schema["$schema"] = _DRAFT
        if style == 6:  # the first property by reference
            first = chosen[0].name
            schema["$defs"] = {"first": schema["properties"][first]}
            schema["properties"][first] = {"$ref": "#/$defs/first"}
    return schema


#: since 2026-07-28 what comes out of a tool may be any JSON, and the schema of it any
_OUTPUTS: tuple[Json, ...] = (
    {},
    {"type": "array", "items": {"type": "number"}},
    {"$schema": _DRAFT, "anyOf": [{"type": "string"}, {"type": "null"}]},
    {"type": ["integer", "boolean"]},
)


def _other_outputs() -> st.SearchStrategy[Json]:
    return st.sampled_from(range(len(_OUTPUTS))).map(lambda index: deepcopy(_OUTPUTS[index]))


@cache
def _more_of_tool(revision: Revision) -> st.SearchStrategy[Json]:
    hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    optional: dict[str, Strategy] = {
        "description": texts(),
        "title": short_texts(),
        "icons": icons(),
        "annotations": record({}, {"title": short_texts(), **{hint: st.booleans() for hint in hints}}),
        "outputSchema": input_schemas() | _other_outputs() if revision.modern else input_schemas(),
        "_meta": metas(),
    }
    if revision.tasks:
        support = st.sampled_from(("forbidden", "optional", "required"))
        optional["execution"] = record({}, {"taskSupport": support})
    return seldom(optional)


def _draw_tool(draw: st.DrawFn, revision: Revision, names: list[str]) -> Json:
    """A tool with one of these names, which is taken out of them."""
    return {"name": _pop(draw, names), "inputSchema": draw(_schemas()), **draw(_more_of_tool(revision))}


@cache
def _schemas() -> st.SearchStrategy[Json]:
    return input_schemas()


@st.composite
def tools_of(draw: st.DrawFn, revision: Revision) -> Json:
    """Tools of any kind that a revision has."""
    return _draw_tool(draw, revision, list(NAMES))


#: how many tools there are side by side
_SIZES = st.sampled_from((1, 1, 2, 3, 0))


@st.composite
def _some_tools(draw: st.DrawFn, revision: Revision) -> list[Json]:
    names = list(NAMES)
    return [_draw_tool(draw, revision, names) for _ in range(draw(_SIZES))]


@cache
def toolboxes(revision: Revision) -> st.SearchStrategy[list[Json]]:
    """Some tools, each with a name of its own."""
    return _some_tools(revision)


def tool_inputs(tool: Mapping[str, Any]) -> st.SearchStrategy[Json]:
    """Inputs that satisfy the ``inputSchema`` of a tool; fast for the tools made here.

    For others they are small and made within a bound on work, and no ``$ref`` is followed out of the schema. Drawing
    raises ``ValueError`` where none is found.
    """
    return _inputs(dict(tool))


@st.composite
def _inputs(draw: st.DrawFn, tool: Json) -> Json:
    return draw_input(draw, tool)


def draw_input(draw: st.DrawFn, tool: Json) -> Json:
    """An input that satisfies the schema of a tool. Raises ``ValueError`` where none is found."""
    schema = tool.get("inputSchema")
    schema = schema if isinstance(schema, dict) else {}
    ours = _values_of(schema)
    if ours is None:
        return _foreign(draw, tool.get("name"), schema)
    left_out = draw(up_to(7)) if ours else 0
    required = schema.get("required", ())
    return {
        name: draw(values)
        for n, (name, values) in enumerate(ours.items())
        if name in required or not left_out & (1 << n)
    }


def _values_of(schema: Json) -> dict[str, Strategy] | None:
    """The values of each property of a schema that was made here; ``None`` for any other."""
    properties, definitions = schema.get("properties", {}), schema.get("$defs", {})
    if schema.keys() - _KEYWORDS or not (isinstance(properties, dict) and isinstance(definitions, dict)):
        return None
    referred = definitions.get("first")
    ours: dict[str, Strategy] = {}
    for name, value in properties.items():
        known = _by_name().get(name)
        if known is None or (referred if isinstance(value, dict) and "$ref" in value else value) != known.schema:
            return None
        ours[name] = known.values
    required = schema.get("required", [])
    return ours if isinstance(required, list) and all(name in ours for name in required) else None


#: what an input for a schema that was not made here may cost: so many draws, and steps of work
_MOST_DRAWN, _STEPS = 50, 10_000


def _foreign(draw: st.DrawFn, name: object, schema: Json) -> Json:
    """An input for a schema that was not made here: made of what is drawn, or the plainest where that does not fit."""
    schema = {**schema, "type": "object"}
    drawn = iter(range(_MOST_DRAWN))
    taste = Taste(
        lambda count: 0 if next(drawn, None) is None else draw(up_to(count - 1)), SHORT, optional=True, steps=_STEPS
    )
    for one in (taste, PLAIN):
        try:
            return dict(instance(schema, one))
        except NoInstance as error:
            reason = str(error)
    raise ValueError(f"no input was found that fits the inputSchema of the tool {name!r}: {reason}")


@cache
def _by_name() -> Mapping[str, _Property]:
    return {known.name: known for known in _properties()}


_KEYWORDS = {"type", "properties", "required", "additionalProperties", "$schema", "$defs"}
