"""Values that fit schemas, and whether values do: beside the library ``jsonschema``, on schemas of all kinds."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import islice
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_sampling_conformance.schemas.make import PLAIN, NoInstance, Taste, instance, is_small
from mcp_sampling_conformance.schemas.patterns import matches, texts_for
from mcp_sampling_conformance.schemas.work import OutOfWork, Work

#: schemas, each with the value that is made for it
MADE: dict[str, tuple[Any, Any]] = {
    "types": ({"type": ["null", "integer"]}, 1),
    "multiple": ({"type": "integer", "minimum": 100, "multipleOf": 7}, 105),
    "fraction": ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}, 0.0005),
    "old-exclusive-minimum": ({"type": "integer", "minimum": 5, "exclusiveMinimum": True}, 6),
    "length": ({"type": "string", "minLength": 6}, "textxx"),
    "short": ({"type": "string", "maxLength": 2}, "xt"),
    "uuid": ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
    "version": ({"type": "string", "pattern": r"^\d+\.\d+\.\d+$"}, "0.0.0"),
    "named-group": ({"type": "string", "pattern": r"^(?<year>\d{4})-\p{Lu}+$"}, "0000-A"),
    "password": ({"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d).{8,}$"}, "Abcdef1!"),
    "same-again": ({"type": "string", "pattern": r"^(a|b)\1$"}, "aa"),
    "tuple": ({"type": "array", "prefixItems": [{"type": "integer"}, {"const": "b"}], "items": False}, [1, "b"]),
    "old-tuple": ({"type": "array", "items": [{"const": 5}], "additionalItems": False}, [5]),
    "unique": ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
    "contains": ({"type": "array", "contains": {"const": 5}, "minContains": 2}, [5, 5]),
    "empty": ({"type": "array", "maxItems": 0}, []),
    "dependent": ({"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}, {"a": "text", "b": "text"}),
    "dependent-schema": (
        {"type": "object", "required": ["a"], "dependentSchemas": {"a": {"required": ["c"]}}},
        {"a": "text", "c": "text"},
    ),
    "names": (
        {
            "type": "object",
            "minProperties": 2,
            "patternProperties": {"^x-": {"const": 1}},
            "additionalProperties": False,
        },
        {"x-": 1, "x--": 1},
    ),
    "if-then": (
        {
            "type": "object",
            "properties": {"kind": {"enum": ["a", "b"]}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"required": ["size"]},
        },
        {"kind": "a", "size": "text"},
    ),
    "not": ({"type": "string", "not": {"const": "text"}}, "text2"),
    "of-one-kind": (
        {"type": "object", "oneOf": [{"required": ["a", "b"]}, {"required": ["c"]}], "properties": {"c": {"const": 3}}},
        {"a": "text", "b": "text"},
    ),
    "tree": (
        {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
                    "required": ["children"],
                }
            },
        },
        {"children": [{"children": []}]},
    ),
    "as-pydantic-writes-it": (
        {"allOf": [{"$ref": "#/definitions/color"}], "default": "red", "definitions": {"color": {"enum": ["red"]}}},
        "red",
    ),
    "own-base": ({"$id": "https://a.b/c", "$ref": "https://a.b/c#/$defs/d", "$defs": {"d": {"const": 4}}}, 4),
}


@pytest.mark.parametrize("name", MADE)
def test_the_value_for_a_schema(name: str) -> None:
    schema, expected = MADE[name]
    assert instance(schema) == expected


NUMBERS = st.integers(-10, 10)
PATTERNS = ("^[a-z]+$", r"\d{2,4}", r"^(foo|bar)-\w*$", "^[^@]+@x$", "a?b+", "^$")


def simple_schemas() -> st.SearchStrategy[Any]:
    whole = {"minimum": NUMBERS, "maximum": NUMBERS, "multipleOf": st.integers(1, 7), "exclusiveMinimum": NUMBERS}
    fraction = {"minimum": NUMBERS, "maximum": NUMBERS | st.floats(-5, 5), "exclusiveMaximum": NUMBERS}
    text = {"minLength": st.integers(0, 30), "maxLength": st.integers(0, 30), "pattern": st.sampled_from(PATTERNS)}
    values = NUMBERS | st.text(max_size=2) | st.none() | st.booleans()
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("integer")}, optional=whole),
        st.fixed_dictionaries({"type": st.just("number")}, optional=fraction),
        st.fixed_dictionaries({"type": st.just("string")}, optional=text),
        st.fixed_dictionaries({"enum": st.lists(values, min_size=1, max_size=3)}),
        st.just({"$ref": "#/$defs/d"}),
    )


def larger_schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    few, names = st.integers(0, 4), st.lists(st.sampled_from("abcd"), unique=True)
    array = {
        "items": inner,
        "minItems": few,
        "maxItems": few,
        "uniqueItems": st.booleans(),
        "contains": inner,
        "prefixItems": some,
    }
    members = {
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        "required": names,
        "additionalProperties": st.booleans() | inner,
        "minProperties": few,
        "maxProperties": few,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
        "propertyNames": st.just({"pattern": "^[a-z]$"}),
        "dependentRequired": st.just({"a": ["b"]}),
        "dependentSchemas": st.fixed_dictionaries({"b": inner}),
    }
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array")}, optional=array),
        st.fixed_dictionaries({"type": st.just("object")}, optional=members),
        *(st.fixed_dictionaries({key: some}) for key in ("anyOf", "oneOf", "allOf")),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner}, optional={"else": inner}),
    )


def schemas() -> st.SearchStrategy[Any]:
    some = st.recursive(simple_schemas(), larger_schemas, max_leaves=8)
    return st.tuples(some, some).map(lambda pair: {**pair[0], "$defs": {"d": pair[1]}})


def many(examples: int) -> Any:
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_what_is_made_fits() -> None:
    made = []

    @many(200)
    @given(schemas(), st.integers(0, 3))
    def run(schema: Any, chosen: int) -> None:
        for taste in (PLAIN, Taste(lambda count: chosen % count, ("x", " "), optional=True)):
            try:
                value = instance(schema, taste)
            except NoInstance:
                continue
            made.append(value)
            try:
                jsonschema.Draft202012Validator(schema).validate(value)
            except RecursionError:  # the library follows some references for ever
                assert "$ref" in json.dumps(schema)

    run()
    assert len(made) > 150


KEYWORDS = re.findall(
    r"\S+",
    """
    type properties required enum const default examples minimum maximum exclusiveMinimum multipleOf minLength maxLength
    format pattern items prefixItems additionalItems minItems maxItems uniqueItems contains minContains anyOf oneOf
    allOf $ref $defs definitions additionalProperties patternProperties propertyNames minProperties maxProperties if
    then else not dependentRequired dependentSchemas dependencies $id
    """,
)
SCRAPS = ("string", "object", "array", "a", "^a+$", "#", "#/properties/a", "#/$defs/a", "date", "(", "[a-z]{2,3}")


def test_no_schema_is_too_odd() -> None:
    scraps = st.none() | st.booleans() | st.integers(-5, 200) | st.floats() | st.sampled_from(SCRAPS)
    keys = st.sampled_from([*KEYWORDS, "a"])
    values = st.recursive(
        scraps,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=8,
    )
    tastes = (PLAIN, Taste(lambda count: count - 1, ("x", " "), optional=True))

    @many(200)
    @given(st.dictionaries(st.sampled_from(KEYWORDS), values, max_size=5), st.sampled_from(tastes))
    def run(schema: Any, taste: Taste) -> None:
        with suppress(NoInstance):
            assert is_small(instance(schema, taste))

    run()


# --- patterns

#: patterns, texts that they match, and texts that they do not
MATCHES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("b", ("abc", "b"), ("", "a")),
    ("^a*$", ("", "aaa"), ("ab",)),
    ("^(ab|c){2,3}$", ("abc", "ccc"), ("ab", "abababab")),
    (r"^[^\d\s]+-[a-f0-9]{2}$", ("x-0f",), ("1-0f", "x-0g")),
    (r"\bword\b", ("a word.", "word"), ("words", "sword")),
    ("^(?=.*x)(?!.*y).{2,}$", ("ax", "xxx"), ("xy", "x")),
    ("^(a?){3}b$", ("b", "aab"), ("aaaab",)),
    ("^(a+)+$", ("a" * 40,), ("a" * 40 + "!",)),
    (r"^\\p{L}$", (r"\p{L}",), ("a",)),
)


@pytest.mark.parametrize("row", MATCHES, ids=[row[0] for row in MATCHES])
def test_what_matches(row: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
    pattern, fitting, others = row
    assert [matches(pattern, text, Work(10_000)) for text in fitting] == [True] * len(fitting)
    assert [matches(pattern, text, Work(10_000)) for text in others] == [False] * len(others)
    made = list(islice(texts_for(pattern, Work(100_000)), 10))
    assert made
    assert all(re.search(pattern, text) for text in made if len(text) < 20)


def test_work_is_bounded() -> None:
    with pytest.raises(OutOfWork):
        list(texts_for("^((a{100}){100}){100}$", Work(1000)))
    with pytest.raises(OutOfWork):
        matches("^(a|b)*$", "ab" * 1000, Work(1000))


@pytest.mark.parametrize(
    ("value", "small"),
    [({"a": ["b"]}, True), ("x" * 30_000, False), ([0] * 30_000, False), ({"x" * 30_000: 1}, False)],
    ids=["small", "text", "array", "name"],
)
def test_what_is_small(value: Any, small: bool) -> None:
    assert is_small(value) is small
