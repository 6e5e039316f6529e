"""What the fixture client has besides sampling: roots and elicitation, for servers that need them before they sample.

client/roots; client/elicitation "Form Mode Elicitation Requests" (since 2025-06-18).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from ..protocol.jsonrpc import Json
from ..schemas.make import NoInstance, instance

#: the capability that stands for each request
_CAPABILITY_OF = {"roots/list": "roots", "elicitation/create": "elicitation"}
_ELICITATION_SINCE, _MODES_SINCE = "2025-06-18", "2025-11-25"
_ROOTS = [{"uri": "file:///tmp", "name": "fixture"}]

#: of a form so many fields are filled in, of a field that takes several values so many
_MOST_FIELDS, _MOST_CHOICES = 100, 100


class _NoValue(ValueError):
    """Nothing was found that a field takes."""


def other_capabilities(revision: str) -> Json:
    """What a client declares that has roots and elicitation, as far as the revision knows them."""
    if revision < _ELICITATION_SINCE:
        return {"roots": {}}
    return {"roots": {}, "elicitation": {"form": {}} if revision >= _MODES_SINCE else {}}


def is_other(request: object) -> bool:
    """Whether something is a request for roots or elicitation."""
    method = request.get("method") if isinstance(request, dict) else None
    return isinstance(method, str) and method in _CAPABILITY_OF


def answer_to(request: Json, declared: Mapping[str, Any]) -> Json:
    """The outcome of any request but one for sampling, from a client that declared these capabilities."""
    method, params = request["method"], request.get("params")
    if _CAPABILITY_OF.get(str(method)) not in declared:
        return {"error": {"code": -32601, "message": f"the fixture client offers no {method}"}}
    if method == "roots/list":
        return {"result": {"roots": _ROOTS}}
    params = params if isinstance(params, dict) else {}
    if params.get("mode", "form") != "form":
        return {"error": {"code": -32602, "message": "the fixture client has no mode of elicitation but form"}}
    try:
        return {"result": {"action": "accept", "content": _filled(params.get("requestedSchema"))}}
    except _NoValue:
        return {"result": {"action": "decline"}}


def _filled(form: object) -> Json:
    """Content that fits the schema of a form. Raises ``_NoValue``."""
    fields = form.get("properties") if isinstance(form, dict) else None
    given = islice(fields.items(), _MOST_FIELDS) if isinstance(fields, dict) else ()
    return {name: _value(field if isinstance(field, dict) else {}) for name, field in given}


def _value(field: Json) -> Any:
    if field.get("default") is not None:
        return field["default"]
    if choices := _choices(field):
        return choices[0]
    match field.get("type"):
        case "boolean":
            return True
        case "integer" | "number" as kind:
            return _number(field, whole=kind == "integer")
        case "array":
            items = field.get("items")
            least = field.get("minItems")
            several = _choices(items if isinstance(items, dict) else {})
            return several[: min(least if isinstance(least, int) else 1, _MOST_CHOICES)]
        case _:
            return _text(field)


def _choices(field: Json) -> list[Any]:
    """The values that a field has a choice of, where it has."""
    for key in ("enum", "oneOf", "anyOf"):
        listed = field.get(key)
        if isinstance(listed, list) and listed:
            return [one.get("const") if isinstance(one, dict) else one for one in listed]
    return []


def _number(field: Json, *, whole: bool) -> float:
    least, most = (field.get(key) for key in ("minimum", "maximum"))
    value: float = 1
    if isinstance(least, int | float):
        value = max(value, least)
    if isinstance(most, int | float):
        value = min(value, most)
    if isinstance(value, int):
        return value
    if not math.isfinite(value):  # "1e999" is JSON, too
        raise _NoValue
    if not whole:
        return value
    return math.floor(value) if value == most else math.ceil(value)


def _text(field: Json) -> str:
    try:
        return str(instance({**field, "type": "string"}))
    except NoInstance as reason:
        raise _NoValue from reason
