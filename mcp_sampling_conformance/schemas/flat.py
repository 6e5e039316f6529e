"""A schema made flat: without references and combinators, once for each way to meet it.

That is an approximation, of which values are made; whether they fit is checked against the schema as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from ..protocol.jsonrpc import Json, is_number
from .work import Work

#: so deep may a schema be in references and combinators, and so many members of a combinator are looked at
_DEEPEST = 20
_MOST_MEMBERS = 20
_COMBINED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "$defs", "definitions"})
_LONGEST_SHOWN = 60


class References:
    """Finds what ``$ref`` refers to inside one schema; what lies outside is never looked for."""

    def __init__(self, root: object, work: Work) -> None:
        self._root = root
        self._work = work

    def find(self, reference: object) -> Any:
        """The schema that is referred to; ``False``, which nothing fits, where it is not in this one."""
        shown = str(reference)[:_LONGEST_SHOWN]
        base = self._root.get("$id") if isinstance(self._root, dict) else None
        pointer = reference if isinstance(reference, str) else ""
        if isinstance(base, str) and base:
            pointer = pointer.removeprefix(base.partition("#")[0])
        if not pointer.startswith("#"):
            self._work.note(f"refers to {shown}, which is not followed")
            return False
        found = self._root
        for step in pointer[1:].split("/")[1:]:
            self._work.step()
            found = _child(found, step)
            if found is None:
                self._work.note(f"refers to {shown}, which is not there")
                return False
        if pointer[1:2] not in ("", "/"):
            self._work.note(f"refers to {shown}, an anchor, which is not followed")
            return False
        return found


def _child(schema: object, step: str) -> object:
    """One step of a JSON Pointer."""
    if isinstance(schema, dict):
        return schema.get(step.replace("%24", "$").replace("~1", "/").replace("~0", "~"))
    if isinstance(schema, list) and step.isascii() and step.isdigit() and len(step) < 6:
        return next(islice(schema, int(step), None), None)
    return None


def schemas_in(value: object) -> list[Any]:
    """The schemas under a combinator; none where it is no array."""
    return value[:_MOST_MEMBERS] if isinstance(value, list) else []


class Flattener:
    """Makes schemas flat that belong to one root."""

    def __init__(self, references: References, work: Work) -> None:
        self._references = references
        self._work = work

    def ways(self, schema: object, depth: int = 0) -> Iterator[Json]:
        """Each way to meet a schema, as a flat one. Raises ``OutOfWork``."""
        if schema is True:
            yield {}
        if not isinstance(schema, dict):
            return
        self._work.step(1 + len(schema))
        if depth > _DEEPEST:
            self._work.note("refers to itself, or goes too deep")
            return
        plain = {key: value for key, value in schema.items() if key not in _COMBINED}
        yield from self._met(plain, self._conjuncts(schema), depth)

    def _conjuncts(self, schema: Json) -> list[list[Any]]:
        """What has to be met besides the plain keywords: of each, the schemas that there are to choose from."""
        conjuncts = [[self._references.find(schema["$ref"])]] if "$ref" in schema else []
        conjuncts += [[member] for member in schemas_in(schema.get("allOf"))]
        conjuncts += [schemas_in(schema[key]) for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)]
        if isinstance(schema.get("dependentSchemas"), dict):
            conjuncts += [[True, rest] for rest in schemas_in(list(schema["dependentSchemas"].values()))]
        if "if" in schema:
            conjuncts.append([{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True)])
        return conjuncts

    def _met(self, plain: Json, conjuncts: Sequence[Sequence[Any]], depth: int) -> Iterator[Json]:
        if not conjuncts:
            yield plain
            return
        for choice in conjuncts[0]:
            for way in self.ways(choice, depth + 1):
                yield from self._met(merged(plain, way, self._work), conjuncts[1:], depth)


def merged(one: Json, other: Json, work: Work) -> Json:
    """A flat schema that demands what two flat ones demand."""
    work.step(len(other))
    both = dict(one)
    for key, value in other.items():
        both[key] = _MERGES.get(key, _first)(both[key], value) if key in both else value
    return both


def _first(one: Any, other: Any) -> Any:
    return one


def _both(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]}


def _extreme(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The narrower of two limits."""

    def narrower(one: Any, other: Any) -> Any:
        return choose(one, other) if is_number(one) and is_number(other) else (one if is_number(one) else other)

    return narrower


def _each(one: Any, other: Any) -> Any:
    """The schemas of members that one of two objects names, or both."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one if isinstance(one, dict) else other
    return {**one, **{key: _both(one[key], value) if key in one else value for key, value in other.items()}}


def _all(one: Any, other: Any) -> Any:
    return [*(one if isinstance(one, list) else []), *(other if isinstance(other, list) else [])]


def types_in(value: object) -> list[Any]:
    """The types that ``type`` names."""
    return value if isinstance(value, list) else [value]


def _common_types(one: Any, other: Any) -> Any:
    others = types_in(other)
    common = [name for name in types_in(one) if name in others or (name == "integer" and "number" in others)]
    return common or (["integer"] if "integer" in others and "number" in types_in(one) else [])


#: how two values of a keyword become one; of any other keyword the first is taken
_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "properties": _each,
    "patternProperties": _each,
    "dependentRequired": _first,
    "required": _all,
    "items": _both,
    "additionalProperties": _both,
    "propertyNames": _both,
    "contains": _both,
    **dict.fromkeys(
        ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), _extreme(max)
    ),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _extreme(min)),
}
