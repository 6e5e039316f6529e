"""What to call to make a server sample: named by the user, or found out."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import Json

#: how many tools, prompts or resources are tried at most, each
MAX_CANDIDATES = 100
_MAX_PAGES = 50
#: how many values are drawn for a schema until one fits
_EXAMPLES = 200
#: how long a server that samples nowhere yet may take to announce more tools
_LIST_CHANGED_GRACE = 1.0


@dataclass(frozen=True)
class Target:
    """One thing to call: a tool, a prompt or a resource."""

    kind: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def method(self) -> str:
        return {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}[self.kind]

    def params(self, token: str | None = None) -> Json:
        params: Json = (
            {"uri": self.name} if self.kind == "resource" else {"name": self.name, "arguments": dict(self.arguments)}
        )
        return {**params, "_meta": {"progressToken": token}} if token else params


@dataclass
class Found:
    """What discovery saw in one era: the candidates in order, and what became of each."""

    era: str
    opened: bool = False  #: there was a connection to look around on
    candidates: list[Target] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  #: by label, what came back or why it was not called


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


async def list_candidates(client: FixtureClient, found: Found) -> list[Target]:
    """Everything the server lists that may be called and was not seen before."""
    fresh: list[Target] = []
    for kind, method, key, name in (
        ("tool", "tools/list", "tools", "name"),
        ("prompt", "prompts/list", "prompts", "name"),
        ("resource", "resources/list", "resources", "uri"),
    ):
        listed = await _pages(client, method, key)
        for item in listed[:MAX_CANDIDATES]:
            target = _candidate(kind, item, name, found)
            if target is not None and target.label not in {t.label for t in found.candidates}:
                found.candidates.append(target)
                fresh.append(target)
        if len(listed) > MAX_CANDIDATES:
            found.notes[f"{len(listed) - MAX_CANDIDATES} more {key}"] = "not called: too many"
    return fresh


def _candidate(kind: str, item: object, name: str, found: Found) -> Target | None:
    if not isinstance(item, dict) or not isinstance(item.get(name), str):
        return None
    target = Target(kind, item[name])
    if kind == "tool":
        annotations = item.get("annotations")
        if isinstance(annotations, dict) and annotations.get("destructiveHint") is True:
            found.notes[target.label] = "not called: it declares destructiveHint"
            return None
        try:
            return Target(kind, item[name], minimal_arguments(item.get("inputSchema")))
        except NoArguments as error:
            found.notes[target.label] = f"not called: {error}"
            return None
    if kind == "prompt":
        listed = item.get("arguments")
        required = [a for a in listed if isinstance(a, dict)] if isinstance(listed, list) else []
        names = [a.get("name") for a in required if a.get("required") is True]
        return Target(kind, item[name], {key: "text" for key in names if isinstance(key, str)})
    return target


async def listed_tools(client: FixtureClient) -> set[str]:
    """The names of the tools that the server lists now."""
    listed = await _pages(client, "tools/list", "tools")
    return {item["name"] for item in listed if isinstance(item, dict) and isinstance(item.get("name"), str)}


async def _pages(client: FixtureClient, method: str, key: str) -> list[Any]:
    items: list[Any] = []
    cursor: object = None
    for _ in range(_MAX_PAGES):
        response = await client.request(method, None if cursor is None else {"cursor": cursor})
        result = (response or {}).get("result")
        if not isinstance(result, dict):
            break
        page = result.get(key)
        items += page if isinstance(page, list) else []
        cursor = result.get("nextCursor")
        if cursor is None:
            break
    return items


async def announced(client: FixtureClient) -> bool:
    """Whether the server announces that its lists changed, now or within a short while."""
    changed = await client.until(lambda: client.lists_changed, _LIST_CHANGED_GRACE)
    client.lists_changed = False
    return changed


def nothing_sampled(founds: Sequence[Found]) -> str:
    """The message of a run in which no sampling request came, from what was found in each era that is spoken."""
    lines = ["the server never asked for sampling, so there was nothing to judge."]
    for found in founds:
        client = f"as a client of the {found.era} era"
        if found.notes:
            lines.append(f"What was tried, {client}:")
            lines += [f"  {label}: {note}" for label, note in found.notes.items()]
        else:
            lines.append(f"It lists no tool, prompt or resource that could be called, {client}.")
    lines.append(
        'Say what to call with --mcp-tool NAME or --mcp-tool \'NAME={"argument": "value"}\' (or --mcp-prompt, '
        "--mcp-resource), for something that makes the server send sampling/createMessage"
        + (", in 2026-07-28 inside an InputRequiredResult." if any(f.era == "modern" for f in founds) else ".")
    )
    return "\n".join(lines)
