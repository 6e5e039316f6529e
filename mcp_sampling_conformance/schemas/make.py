"""Small values that fit a schema: what is required and no more, with the schema's own defaults and examples first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

from ..protocol.jsonrpc import Json
from .check import Checker, item_schemas, limit, member_schemas, names_in
from .flat import Flattener, References, types_in
from .patterns import texts_for
from .scalars import numbers, texts
from .work import OutOfWork, Work

#: the bound on work: what a hostile schema costs before it is given up, some tenths of a second
_STEPS = 60_000
#: the bounds on size, besides the length of texts: so deep, and so many members or elements each
_DEEPEST = 12
_MOST_MEMBERS = 100
#: so many characters and values may be in a value that a schema names
_MOST_CHARACTERS = 20_000
#: above this depth an array that may be empty gets an element all the same: most tools do nothing without
_FILLED_DEPTH = 3
#: so many members that are not required are thought of at all
_MOST_OPTIONAL = 10
#: how many of the ways to meet a schema and of the values that do not fit are looked at
_MOST_WAYS, _MOST_CANDIDATES = 30, 200
#: and how many values for a part, where the first one of each makes no whole that fits
_FEW = 4


class NoInstance(ValueError):
    """No value was found that fits a schema; the text of the exception says why, as far as that is known."""


def _first_of(count: int) -> int:
    return 0


@dataclass(frozen=True)
class Taste:
    """Which of the values that fit are made."""

    choose: Callable[[int], int] = _first_of  #: the index of one of so many things, the first of which is the plainest
    words: Sequence[str] = ()  #: what a text may be that nothing is demanded of
    optional: bool = False  #: members that are not required are made too, where that is chosen
    steps: int = _STEPS  #: the bound on work


#: always the same plain values, with nothing that is not required
PLAIN = Taste()


def instance(schema: object, taste: Taste = PLAIN) -> Any:
    """A small value that fits a JSON Schema.

    Blank, zero and null make many a tool do nothing: they are the last choice. Raises ``NoInstance``.
    """
    reasons: dict[str, None] = {}
    for few in (1, _FEW):  # most often the first candidate of each part will do
        work = Work(taste.steps // 2)
        try:
            found = _Maker(schema, work, few, taste).values(schema, 0)
        except (OutOfWork, RecursionError):
            found = []
            work.note("takes too much work to find any")
        except (ArithmeticError, TypeError, ValueError) as error:  # whatever a stranger writes
            found = []
            work.note(f"cannot be used ({type(error).__name__}: {str(error)[:100]})")
        if found:
            return found[0]
        reasons |= work.reasons
    raise NoInstance("; ".join(f"it {reason}" for reason in reasons))


class _Maker:
    """Makes values for the schemas that belong to one root; ``few`` is how many it looks for, for each part."""

    def __init__(self, root: object, work: Work, few: int, taste: Taste) -> None:
        references = References(root, work)
        self._flattener = Flattener(references, work)
        self._checker = Checker(references, work)
        self._work = work
        self._few = few
        self._taste = taste

    def values(self, schema: Any, depth: int, few: int = 0) -> list[Any]:
        """A few different values that fit a schema, the best first; none where none was found."""
        few = few or self._few
        found: list[Any] = []
        for candidate in islice(self._candidates(schema, depth), _MOST_CANDIDATES):
            self._work.step()
            if self._checker.fits(candidate, schema) and not any(self._same(candidate, one) for one in found):
                found.append(candidate)
                if sum(map(says_something, found)) >= few:
                    break
        found.sort(key=lambda value: not says_something(value))
        first = self._taste.choose(len(found)) if len(found) > 1 else 0
        return found[first:] + found[:first]

    def _same(self, one: Any, other: Any) -> bool:
        return self._checker.fits(one, {"const": other})

    def _candidates(self, schema: Any, depth: int) -> Iterator[Any]:
        if depth > _DEEPEST:
            self._work.note("asks for values in values without end")
            return
        for way in islice(self._flattener.ways(schema), _MOST_WAYS):
            yield from self._of_way(way, depth)

    def _of_way(self, way: Json, depth: int) -> Iterator[Any]:
        """Candidates for a flat schema: what it names itself, else what its types allow."""
        for key in ("const", "enum"):
            if key in way:
                yield from self._suggested(way, key)
                return
        yield from self._suggested(way, "default")
        yield from self._suggested(way, "examples")
        for name in sorted(_types(way), key=lambda name: name == "null"):
            if isinstance(name, str) and name in _MAKERS:
                yield from _MAKERS[name](self, way, depth)
            else:
                self._work.note("names a type that is not there")

    def _suggested(self, way: Json, key: str) -> Iterator[Any]:
        """What a schema names itself, as far as it is small."""
        values = way.get(key) if key in _LISTS else [way[key]] if key in way else []
        for value in values[:_MOST_CANDIDATES] if isinstance(values, list) else []:
            if is_small(value):
                yield value
            else:
                self._work.note(f"has a {key} value that is too large")

    # --- of each type

    def null(self, way: Json, depth: int) -> Iterator[None]:
        yield None

    def boolean(self, way: Json, depth: int) -> Iterator[bool]:
        yield from (False, True)

    def integer(self, way: Json, depth: int) -> Iterator[float]:
        yield from numbers(way, whole=True)

    def number(self, way: Json, depth: int) -> Iterator[float]:
        yield from numbers(way, whole=False)

    def string(self, way: Json, depth: int) -> Iterator[str]:
        words = self._taste.words
        if words and not way.keys() & {"pattern", "format"}:
            yield words[self._taste.choose(len(words))]
        yield from texts(way, self._work)

    def array(self, way: Json, depth: int) -> Iterator[list[Any]]:
        least = ceil(limit(way, "minItems", 0))
        wanted = ceil(limit(way, "minContains", 1)) if "contains" in way else 0
        if max(least, wanted) > _MOST_MEMBERS:
            self._work.note(f"asks for more than {_MOST_MEMBERS} elements")
            return
        first, rest = item_schemas(way)
        sizes = [max(least, wanted, len(first)), max(least, wanted)]
        if depth < _FILLED_DEPTH:
            sizes.insert(0, max(sizes[0], 1 + self._taste.choose(2)))
        for size in dict.fromkeys(sizes):
            schemas = [*first, *[rest] * (size - len(first))][:size]
            for n in range(size - wanted, size):
                schemas[n] = {"allOf": [schemas[n], way["contains"]]}
            yield from self._arrays(schemas, depth, unique=way.get("uniqueItems") is True)

    def _arrays(self, schemas: Sequence[Any], depth: int, *, unique: bool) -> Iterator[list[Any]]:
        elements: list[Any] = []
        for schema in schemas:
            choices = self.values(schema, depth + 1, len(schemas) if unique else 0)
            fresh = [one for one in choices if not unique or not any(self._same(one, other) for other in elements)]
            if not fresh:
                return
            elements.append(fresh[0])
        yield elements

    def object(self, way: Json, depth: int) -> Iterator[Json]:
        names = self._names(way, depth)
        if len(names) > _MOST_MEMBERS:
            self._work.note(f"asks for more than {_MOST_MEMBERS} members")
            return
        choices: dict[str, list[Any]] = {}
        for name in names:
            self._work.step()
            choices[name] = self._member(way, name, depth)
            if not choices[name]:
                return
        plain = {name: values[0] for name, values in choices.items()}
        yield plain
        for name, values in choices.items():
            yield from ({**plain, name: value} for value in values[1:])

    def _member(self, way: Json, name: str, depth: int) -> list[Any]:
        schemas = member_schemas(way, name, self._work)
        return self.values(schemas[0] if len(schemas) == 1 else {"allOf": schemas}, depth + 1)

    def _names(self, way: Json, depth: int) -> dict[str, None]:
        """The names of the members: what is required, what that requires in turn, and more where there are too few."""
        properties = way["properties"] if isinstance(way.get("properties"), dict) else {}
        names = dict.fromkeys(names_in(way.get("required")))
        if self._taste.optional and depth < _FILLED_DEPTH:
            names |= dict.fromkeys(name for name in islice(properties, _MOST_OPTIONAL) if self._taste.choose(2))
        for key in ("dependentRequired", "dependencies"):
            rows = way[key] if isinstance(way.get(key), dict) else {}
            for _ in rows:  # each round adds what the last one made necessary
                self._work.step(1 + len(rows))
                wanted = [rest for name, rest in rows.items() if name in names]
                names |= dict.fromkeys(other for rest in wanted for other in names_in(rest))
        least = min(limit(way, "minProperties", 0), _MOST_MEMBERS + 1)
        more = self._more_names(way, properties, ceil(least), depth)
        while len(names) < least and (name := next(more, None)) is not None:
            names[name] = None
        return names

    def _more_names(self, way: Json, properties: Json, least: int, depth: int) -> Iterator[str]:
        yield from properties
        if "propertyNames" in way:
            found = self.values({"allOf": [{"type": "string"}, way["propertyNames"]]}, depth + 1, least)
            yield from found
        patterned = way["patternProperties"] if isinstance(way.get("patternProperties"), dict) else {}
        for pattern in patterned:
            yield from texts_for(pattern, self._work)
        yield from (f"member{n}" for n in range(1, _MOST_MEMBERS + 2))


_MAKERS: dict[str, Callable[[_Maker, Json, int], Iterator[Any]]] = {
    "null": _Maker.null,
    "boolean": _Maker.boolean,
    "integer": _Maker.integer,
    "number": _Maker.number,
    "string": _Maker.string,
    "array": _Maker.array,
    "object": _Maker.object,
}
#: the keywords under which a schema lists values; ``const`` and ``default`` are one value each
_LISTS = ("enum", "examples")
#: what a schema without ``type`` is about, by its keywords; else it is a text
_ABOUT = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _types(way: Json) -> list[Any]:
    if "type" in way:
        return types_in(way["type"])
    about = [name for name, keys in _ABOUT.items() if any(key in way for key in keys)]
    return list(dict.fromkeys([*about, "string", "integer", "object", "array", "boolean", "null"]))


def is_small(value: object) -> bool:
    """Whether a value is small enough to be sent: not too deep, and not too many values and characters in all."""
    left, inside = _MOST_CHARACTERS, [(value, 0)]
    while inside:
        one, depth = inside.pop()
        children = [*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
        left -= 1 + len(children) + (len(one) if isinstance(one, str) else 0)
        if left < 0 or depth > _DEEPEST:
            return False
        inside += ((child, depth + 1) for child in children)
    return True


def says_something(value: object) -> bool:
    """Whether nothing in a value is blank, zero or null."""
    if isinstance(value, dict):
        return all(says_something(member) for member in value.values())
    if isinstance(value, list):
        return all(says_something(element) for element in value)
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, bool) or (value is not None and value != 0)
