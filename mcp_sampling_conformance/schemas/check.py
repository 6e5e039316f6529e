"""Whether a value fits a schema, in a bounded number of steps.

Where that cannot be told (a pattern that is not understood, a keyword whose value has the wrong type), the value is
taken to fit. Formats are annotations, as they are by default in JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from math import inf, isfinite, isnan
from typing import Any

from ..protocol.jsonrpc import Json, is_integer, is_number
from .flat import References, types_in
from .patterns import matches
from .work import OutOfWork, Work

_DEEPEST = 60

_TYPES: dict[str, Callable[[object], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def limit(schema: Json, key: str, otherwise: float) -> float:
    """A keyword whose value is a number; something else where it is none."""
    value: Any = schema.get(key)
    return otherwise if not is_number(value) or isnan(value) else value


def bounds(schema: Json) -> tuple[float, float, bool, bool]:
    """The least and the greatest number that a schema allows, and whether each of them is left out itself.

    In old drafts ``exclusiveMinimum`` is true or false and speaks of ``minimum``.
    """
    low, high = limit(schema, "minimum", -inf), limit(schema, "maximum", inf)
    above, below = limit(schema, "exclusiveMinimum", -inf), limit(schema, "exclusiveMaximum", inf)
    return (
        max(low, above),
        min(high, below),
        -inf < above >= low or schema.get("exclusiveMinimum") is True,
        inf > below <= high or schema.get("exclusiveMaximum") is True,
    )


def is_multiple(value: float, factor: float) -> bool:
    """Whether a number is a multiple of another one, as both are written in decimal."""
    if not (isfinite(value) and isfinite(factor) and factor > 0):
        return True
    whole, part = Decimal(str(value)), Decimal(str(factor))
    return abs(whole.adjusted() - part.adjusted()) > _MOST_DIGITS or whole % part == 0


#: a quotient with more digits is beyond what ``decimal`` divides
_MOST_DIGITS = 25


def same(one: object, other: object, work: Work) -> bool:
    """Whether two values are equal as JSON: 1 is 1.0, and true is not 1. Raises ``OutOfWork``."""
    work.step()
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key], work) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b, work) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) is isinstance(other, bool) and one == other


class Checker:
    """Checks values against schemas that belong to one root."""

    def __init__(self, references: References, work: Work) -> None:
        self._references = references
        self.work = work

    def fits(self, value: Any, schema: Any, depth: int = 0) -> bool:
        """Whether a value fits a schema. Raises ``OutOfWork``, also for what goes too deep."""
        if not isinstance(schema, dict):
            return schema is True
        self.work.step(1 + len(schema))
        if depth > _DEEPEST:
            raise OutOfWork
        if "$ref" in schema and not self.fits(value, self._references.find(schema["$ref"]), depth + 1):
            return False
        return all(_CHECKS[key](self, value, schema, depth) for key in schema if key in _CHECKS)

    # --- values of any type

    def type(self, value: Any, schema: Json, depth: int) -> bool:
        return any(
            isinstance(name, str) and name in _TYPES and _TYPES[name](value) for name in types_in(schema["type"])
        )

    def enum(self, value: Any, schema: Json, depth: int) -> bool:
        listed = schema["enum"]
        return not isinstance(listed, list) or any(same(value, one, self.work) for one in listed)

    def const(self, value: Any, schema: Json, depth: int) -> bool:
        return same(value, schema["const"], self.work)

    def all_of(self, value: Any, schema: Json, depth: int) -> bool:
        return all(self.fits(value, one, depth + 1) for one in _array(schema["allOf"]))

    def any_of(self, value: Any, schema: Json, depth: int) -> bool:
        listed = schema["anyOf"]
        return not isinstance(listed, list) or any(self.fits(value, one, depth + 1) for one in listed)

    def one_of(self, value: Any, schema: Json, depth: int) -> bool:
        listed = schema["oneOf"]
        fitting = (one for one in _array(listed) if self.fits(value, one, depth + 1))
        return not isinstance(listed, list) or len(list(islice(fitting, 2))) == 1

    def not_(self, value: Any, schema: Json, depth: int) -> bool:
        return not self.fits(value, schema["not"], depth + 1)

    def if_(self, value: Any, schema: Json, depth: int) -> bool:
        branch = "then" if self.fits(value, schema["if"], depth + 1) else "else"
        return self.fits(value, schema.get(branch, True), depth + 1)

    # --- numbers and strings

    def range(self, value: Any, schema: Json, depth: int) -> bool:
        if not is_number(value):
            return True
        low, high, above, below = bounds(schema)
        return bool((low < value if above else low <= value) and (value < high if below else value <= high))

    def multiple(self, value: Any, schema: Json, depth: int) -> bool:
        return not is_number(value) or is_multiple(value, limit(schema, "multipleOf", inf))

    def length(self, value: Any, schema: Json, depth: int) -> bool:
        return not isinstance(value, str) or limit(schema, "minLength", 0) <= len(value) <= limit(
            schema, "maxLength", inf
        )

    def pattern(self, value: Any, schema: Json, depth: int) -> bool:
        if not isinstance(value, str) or not isinstance(schema["pattern"], str):
            return True
        return matches(schema["pattern"], value, self.work) is not False

    # --- arrays

    def items(self, value: Any, schema: Json, depth: int) -> bool:
        if not isinstance(value, list):
            return True
        first, rest = item_schemas(schema)
        schemas = [*first[: len(value)], *[rest] * (len(value) - len(first))]
        return all(self.fits(one, each, depth + 1) for one, each in zip(value, schemas, strict=True))

    def size(self, value: Any, schema: Json, depth: int) -> bool:
        return not isinstance(value, list) or limit(schema, "minItems", 0) <= len(value) <= limit(
            schema, "maxItems", inf
        )

    def unique(self, value: Any, schema: Json, depth: int) -> bool:
        if not isinstance(value, list) or schema["uniqueItems"] is not True:
            return True
        return not any(same(one, other, self.work) for n, one in enumerate(value) for other in value[:n])

    def contains(self, value: Any, schema: Json, depth: int) -> bool:
        if not isinstance(value, list):
            return True
        count = sum(self.fits(one, schema["contains"], depth + 1) for one in value)
        return limit(schema, "minContains", 1) <= count <= limit(schema, "maxContains", inf)

    # --- objects

    def required(self, value: Any, schema: Json, depth: int) -> bool:
        return not isinstance(value, dict) or all(name in value for name in names_in(schema["required"]))

    def members(self, value: Any, schema: Json, depth: int) -> bool:
        return not isinstance(value, dict) or all(
            self.fits(member, one, depth + 1)
            for name, member in value.items()
            for one in member_schemas(schema, name, self.work)
        )

    def names(self, value: Any, schema: Json, depth: int) -> bool:
        return not isinstance(value, dict) or all(self.fits(name, schema["propertyNames"], depth + 1) for name in value)

    def count(self, value: Any, schema: Json, depth: int) -> bool:
        least, most = limit(schema, "minProperties", 0), limit(schema, "maxProperties", inf)
        return not isinstance(value, dict) or least <= len(value) <= most

    def dependent(self, value: Any, schema: Json, depth: int) -> bool:
        if not isinstance(value, dict):
            return True
        rows = [rest for key in _DEPENDENT for name, rest in _object(schema.get(key)).items() if name in value]
        return all(
            all(other in value for other in names_in(rest))
            if isinstance(rest, list)
            else self.fits(value, rest, depth + 1)
            for rest in rows
        )


def _array(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def names_in(value: object) -> list[str]:
    """The names in an array of names; nobody needs more than the first thousand."""
    return [name for name in _array(value)[:1000] if isinstance(name, str)]


def item_schemas(schema: Json) -> tuple[list[Any], Any]:
    """The schemas of the first elements of an array, and the one of all others.

    Old drafts have those of the first under ``items`` and that of the others under ``additionalItems``.
    """
    items = schema.get("items", True)
    if isinstance(items, list):
        return items, schema.get("additionalItems", True)
    return _array(schema.get("prefixItems")), items


def member_schemas(schema: Json, name: str, work: Work) -> list[Any]:
    """The schemas that a member of an object has to fit. Raises ``OutOfWork``."""
    properties, patterned = _object(schema.get("properties")), _object(schema.get("patternProperties"))
    found = [properties[name]] if name in properties else []
    known = [(matches(pattern, name, work), one) for pattern, one in patterned.items()]
    found += [one for fits, one in known if fits]
    if any(fits is None for fits, _ in known):
        return found
    return found or [schema.get("additionalProperties", True)]


_DEPENDENT = ("dependentRequired", "dependentSchemas", "dependencies")
_CHECKS: dict[str, Callable[[Checker, Any, Json, int], bool]] = {
    "type": Checker.type,
    "enum": Checker.enum,
    "const": Checker.const,
    "allOf": Checker.all_of,
    "anyOf": Checker.any_of,
    "oneOf": Checker.one_of,
    "not": Checker.not_,
    "if": Checker.if_,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), Checker.range),
    "multipleOf": Checker.multiple,
    **dict.fromkeys(("minLength", "maxLength"), Checker.length),
    "pattern": Checker.pattern,
    **dict.fromkeys(("items", "prefixItems"), Checker.items),
    **dict.fromkeys(("minItems", "maxItems"), Checker.size),
    "uniqueItems": Checker.unique,
    "contains": Checker.contains,
    "required": Checker.required,
    **dict.fromkeys(("properties", "patternProperties", "additionalProperties"), Checker.members),
    "propertyNames": Checker.names,
    **dict.fromkeys(("minProperties", "maxProperties"), Checker.count),
    **dict.fromkeys(_DEPENDENT, Checker.dependent),
}
