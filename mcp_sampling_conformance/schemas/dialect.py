"""Whether a schema is valid itself, in the dialect that it names: by the meta-schema, which is known beforehand.

What a schema refers to is not looked for, and its patterns are not tried.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from ..protocol.jsonrpc import Json, show_path, shown
from .work import OutOfWork, Work

#: what goes deeper is not looked at, nor what has a longer array
_DEEPEST, _LONGEST = 60, 300


class Faults:
    """What is wrong with schemas, each looked at once: a server lists the same ones on each connection."""

    def __init__(self, work: Work) -> None:
        """``work``: a step for each value in a schema."""
        self._work = work
        self._known: dict[str, str | None] = {}

    def of(self, schema: Json) -> str | None:
        """What is wrong with a schema, as a clause; ``None`` where nothing is.

        Raises ``OutOfWork`` where it is not known: a schema may be too large, and a dialect foreign.
        """
        text = json.dumps(schema)
        if text not in self._known:
            self._measure(schema)
            self._known[text] = _fault_of(text)
        return self._known[text]

    def _measure(self, schema: Json) -> None:
        level: list[object] = [schema]
        for _ in range(_DEEPEST):
            self._work.step(len(level))
            arrays = [value for value in level if isinstance(value, list)]
            if any(len(array) > _LONGEST for array in arrays):
                raise OutOfWork
            level = [member for value in level if isinstance(value, dict) for member in value.values()]
            level += [element for array in arrays for element in array]
        if level:
            raise OutOfWork


@lru_cache(1000)
def _fault_of(text: str) -> str | None:
    """What is wrong with a schema, given as JSON. Kept, since a search judges the same list of tools many times."""
    from jsonschema import Draft202012Validator  # takes a while to import, and not every record has a schema
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    schema = json.loads(text)
    dialect = schema.get("$schema")
    foreign: Any = None
    validator = validator_for(schema, default=foreign) if isinstance(dialect, str) else Draft202012Validator
    if validator is None:
        raise OutOfWork
    error = best_match(validator(validator.META_SCHEMA).iter_errors(schema))
    if error is None:
        return None
    place = show_path(tuple(error.absolute_path)) if error.absolute_path else "it"
    return f"{place} is {shown(error.instance)}, which breaks {error.validator} of its dialect"
