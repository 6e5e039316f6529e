"""Small valid arguments for a tool, made from its schema."""

from __future__ import annotations

import json
import random
import warnings
from functools import cache

from ...protocol.jsonrpc import Json

#: how many values are drawn for a schema until one fits
_EXAMPLES = 200


class NoArguments(ValueError):
    """No arguments could be made for a schema."""


def minimal_arguments(schema: object) -> Json:
    """Small valid arguments for a JSON Schema: what is required, with the schema's own defaults and examples first.

    The same schema gives the same arguments. Raises ``NoArguments`` where none can be made.
    """
    required = schema.get("required") if isinstance(schema, dict) else None
    if not required:
        return {}
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise NoArguments("its inputSchema cannot be used (required is no array of names)")
    return dict(_generate(json.dumps(schema, sort_keys=True)))


@cache
def _generate(text: str) -> Json:
    from hypothesis import find
    from hypothesis.errors import NoSuchExample, Unsatisfiable
    from hypothesis_jsonschema import from_schema

    from ...strategies.settings import own_settings

    schema = json.loads(text)
    # Empty strings and zeros are valid and make many a tool do nothing: they are the second choice.
    for variant, wanted in (
        (_suggested(schema), _says_something),
        (schema, _says_something),
        (schema, lambda value: isinstance(value, dict)),
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = find(from_schema(variant), wanted, settings=own_settings(_EXAMPLES), random=random.Random(0))
        except (NoSuchExample, Unsatisfiable):
            continue
        except Exception as error:  # whatever a foreign schema makes of two libraries
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise NoArguments(f"its inputSchema cannot be used ({reason})") from error
        assert isinstance(found, dict)
        return {key: found[key] for key in schema["required"] if key in found}
    raise NoArguments("no arguments that fit its inputSchema were found; give them with --mcp-tool NAME=JSON")


def _says_something(value: object) -> bool:
    """Whether nothing in a value is blank, zero or null."""
    if isinstance(value, dict):
        return all(_says_something(member) for member in value.values())
    if isinstance(value, list):
        return all(_says_something(element) for element in value)
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, bool) or (value is not None and value != 0)


def _suggested(schema: Json) -> Json:
    """The schema with each required property that names a default or an example pinned to it."""
    listed = schema.get("properties")
    properties = dict(listed) if isinstance(listed, dict) else {}
    for key in schema["required"]:
        given = properties.get(key)
        if isinstance(given, dict):
            values = [given["default"]] if "default" in given else given.get("examples")
            if isinstance(values, list) and values and values[0] is not None:
                properties[key] = {"allOf": [given, {"const": values[0]}]}
    return {**schema, "properties": properties}
