"""Entries and events as JSON, one object each: how they stand in a saved transcript, and travel between processes.

The format is described in ``docs/transcripts.md``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..protocol.jsonrpc import Json
from .events import KINDS, Event, RevisionConcluded
from .transcript import Entry, Item, Side

_NAMES = {kind: name for name, kind in KINDS.items()}
#: what follows the name of a member whose bytes are no text
_BASE64 = "_base64"


class NotAnItem(ValueError):
    """A JSON object is neither a message nor an event; the text says why."""


def item_to_json(item: Item) -> Json:
    """``{"index": 3, "at": 0.5, "from": "server", "channel": "stdout", "raw": "…"}``, or of an event
    ``{"index": 4, "at": 0.6, "event": "timed-out", "id": 7, "seconds": 10}``."""
    found: Json = {"index": item.index, "at": round(item.at, 6)}
    if isinstance(item, Entry):
        found |= {"from": item.sender.value, "channel": item.channel, **_bytes("raw", item.raw)}
        found |= {} if item.data is None else _bytes("data", item.data)
        return {**found, "event_id": item.event_id} if item.event_id else found
    found["event"] = _NAMES[type(item)]
    for field in fields(item):
        if field.name in ("index", "at"):
            continue
        value = getattr(item, field.name)
        found |= _bytes(field.name, value) if isinstance(value, bytes) else {field.name: _plain(value)}
    return found


def _bytes(name: str, raw: bytes) -> Json:
    try:
        return {name: raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {name + _BASE64: base64.b64encode(raw).decode("ascii")}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def item_from_json(data: Json) -> Item:
    """The item that ``item_to_json`` made this of. Raises ``NotAnItem``."""
    try:
        if "event" in data:
            return _event(data)
        raw = _raw(data, "raw")
        if raw is None:
            raise NotAnItem("it has neither raw nor event")
        index, at, sender, channel = int(data["index"]), float(data["at"]), Side(data["from"]), str(data["channel"])
        return Entry(index, at, sender, channel, raw, _raw(data, "data"), str(data.get("event_id", "")))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, NotAnItem):
            raise
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise NotAnItem(why) from error


def _event(data: Json) -> Event:
    kind = KINDS.get(data["event"])
    if kind is None:
        raise NotAnItem(f"there is no event {data['event']!r}")
    given: Json = {}
    for field in fields(kind):
        raw = _raw(data, field.name) if field.type == "bytes" else None
        if raw is not None:
            given[field.name] = raw
        elif field.name in data:
            given[field.name] = data[field.name]
    if kind is RevisionConcluded:
        given |= {name: tuple(given.get(name, ())) for name in ("notes", "bugs", "reached")}
        given["uncalled"] = tuple((str(label), str(why)) for label, why in given.get("uncalled", ()))
        given["judged"] = tuple((str(name), int(count)) for name, count in given.get("judged", ()))
    return kind(**given)


def _raw(data: Json, name: str) -> bytes | None:
    if name + _BASE64 in data:
        return base64.b64decode(data[name + _BASE64], validate=True)
    return data[name].encode("utf-8", "surrogatepass") if name in data else None
