"""What a server lists: tools, prompts and resources, and which of them may be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import Json, shown
from ...transcript.limits import LIST_ITEMS, LIST_KEPT, LIST_PAGES, NAME_CHARACTERS
from .arguments import NoArguments, minimal_arguments
from .callees import Callee

#: characters of a name that is none which are shown
_SHOWN = 60
#: how long a server may take to announce that its lists changed, in seconds
_LIST_CHANGED_GRACE = 1.0
#: kind, method that lists it, member of the result that holds the list, member of an item that names it
_LISTS = (
    ("tool", "tools/list", "tools", "name"),
    ("prompt", "prompts/list", "prompts", "name"),
    ("resource", "resources/list", "resources", "uri"),
)


async def list_candidates(client: FixtureClient, uncalled: dict[str, str]) -> list[Callee]:
    """Everything the server lists that may be called. Why other things may not goes into ``uncalled``, by
    their labels."""
    candidates: list[Callee] = []
    for kind, method, key, name in _LISTS:
        listed = await _pages(client, method, key)
        for item in listed[:LIST_ITEMS]:
            found = item.get(name) if isinstance(item, dict) else None
            if not isinstance(found, str) or len(found) > NAME_CHARACTERS:
                why = f"its {name} is no string of up to {NAME_CHARACTERS} characters"
                uncalled[f"{kind} {shown(found, _SHOWN)}"] = why
                continue
            callee = Callee(kind, found)
            if kind == "tool" and _is_destructive(item):
                uncalled[callee.label] = "it declares destructiveHint"
                continue
            try:
                candidates.append(Callee(kind, found, _arguments(kind, item)))
            except NoArguments as error:
                uncalled[callee.label] = str(error)
        if len(listed) > LIST_ITEMS:
            uncalled[f"{len(listed) - LIST_ITEMS} more {key}"] = f"of each kind only {LIST_ITEMS} are called"
    return candidates


def _is_destructive(tool: Json) -> bool:
    annotations = tool.get("annotations")
    return isinstance(annotations, dict) and annotations.get("destructiveHint") is True


def _arguments(kind: str, item: Json) -> Json:
    """What to call a listed item with. Raises ``NoArguments`` where nothing fits the schema of a tool."""
    if kind == "tool":
        return minimal_arguments(item.get("inputSchema"))
    if kind == "prompt":
        listed = item.get("arguments")
        described = [a for a in listed if isinstance(a, dict)] if isinstance(listed, list) else []
        names = [a.get("name") for a in described if a.get("required") is True]
        return {name: "text" for name in names if isinstance(name, str)}
    return {}


async def settle(client: FixtureClient, wanted: Sequence[Callee]) -> None:
    """Give a server that lists its tools only after a while the time to list those that are wanted."""
    names = {callee.name for callee in wanted if callee.kind == "tool"}
    if names and not names <= await _listed_tools(client):
        await announced(client)


async def _listed_tools(client: FixtureClient) -> set[str]:
    listed = await _pages(client, "tools/list", "tools")
    return {item["name"] for item in listed if isinstance(item, dict) and isinstance(item.get("name"), str)}


async def _pages(client: FixtureClient, method: str, key: str) -> list[Any]:
    """The items on all pages of a list, whatever they are."""
    items: list[Any] = []
    cursor: object = None
    for _ in range(LIST_PAGES):
        response = await client.request(method, None if cursor is None else {"cursor": cursor})
        result = (response or {}).get("result")
        if not isinstance(result, dict):
            break
        page = result.get(key)
        items += page if isinstance(page, list) else []
        before, cursor = cursor, result.get("nextCursor")
        if cursor is None or cursor == before or len(items) > LIST_KEPT:
            break
    return items


async def announced(client: FixtureClient) -> bool:
    """Whether the server announces that its lists changed, now or within a short while."""
    changed = await client.until(lambda: client.lists_changed, client.at_least(_LIST_CHANGED_GRACE))
    client.lists_changed = False
    return changed
