"""What a system under test calls itself: serverInfo of a result, clientInfo of params, or the same in ``_meta``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..protocol.jsonrpc import meta_of, objects_in, params_of
from ..protocol.names import PREFIX
from .transcript import Entry, Side, Transcript

#: a longer name or version is cut
_LONGEST = 200


class Introduction(NamedTuple):
    """The name and version that a system gives itself; ``None`` for what it does not."""

    name: str | None = None
    version: str | None = None


def introduction_in(entry: Entry) -> Introduction:
    """What the sender of a message calls itself in it."""
    for body in objects_in(entry.parse().value):
        result, params = body.get("result"), params_of(body)
        places = [result if isinstance(result, dict) else {}, params]
        for info in ("serverInfo", "clientInfo"):
            for found in [place.get(info) for place in places] + [meta_of(p).get(PREFIX + info) for p in places]:
                if isinstance(found, dict):
                    return Introduction(_short(found.get("name")), _short(found.get("version")))
    return Introduction()


def introduction_of(transcripts: Iterable[Transcript], side: Side) -> Introduction:
    """What a side calls itself in the first message that it sent on any connection."""
    for transcript in transcripts:
        first = next((item for item in transcript.items if isinstance(item, Entry) and item.sender is side), None)
        if first is not None and (found := introduction_in(first)).name is not None:
            return found
    return Introduction()


def _short(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) else None
