"""Reads a recording of any form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from ...protocol.http_headers import PROTOCOL_VERSION, version_in
from ...protocol.json_text import parse
from ...protocol.jsonrpc import Json, id_key, objects_in
from ...protocol.revisions import REVISIONS
from ..archive import NotReadable
from ..events import HttpExchange
from ..transcript import Entry, Item, Side, Transcript
from .cassettes import is_cassette, read_cassette
from .form import BadRecording, Found, Line, lines_of
from .plain import is_plain, read_plain
from .retries import RetryFinder
from .traces import is_trace, read_trace

#: a longer file is refused, in bytes
MOST_BYTES = 256 * 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: the forms that are JSON Lines: how to tell by the first line, and what reads them
_FORMS: Sequence[tuple[Callable[[Json], bool], Callable[[Iterable[Line]], Found]]] = (
    (is_trace, read_trace),
    (is_plain, read_plain),
)
_ADVICE = 'write a message a line: {"from": "client", "message": {…}}, or {"from": "server", "raw": "…"}'


@dataclass(frozen=True)
class Recording:
    """What a recording holds: one connection."""

    transcript: Transcript
    revision: str | None  #: as the recording shows it, which may be none that we know; ``None`` where it shows none
    transport: str  #: "stdio" or "http"
    #: rules that must not pass, with the reason: a violation may have been there that the recording cannot show
    unrecorded: Mapping[str, str] = field(default_factory=dict)


def read_foreign(path: Path) -> Recording:
    """Read a recording, whatever its form: that shows in its content.

    Raises ``NotReadable`` with one sentence that says what is wrong with the file and what to do, and ``OSError`` where
    it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise NotReadable(f"{path} is larger than {MOST_BYTES >> 20} MiB; keep the part in which sampling happens")
    try:
        found = _read(data.removeprefix(_BYTE_ORDER_MARK))
        items = _numbered(found.items)
    except BadRecording as bad:
        raise NotReadable(f"{path}{bad}") from None
    except RecursionError:
        raise NotReadable(f"{path} is nested too deeply to read; leave out the message that is") from None
    transcript = Transcript(path.name, found.transport, items, name=path.stem)
    return Recording(transcript, _revision(items) or found.revision, found.transport, found.unrecorded)


def _read(data: bytes) -> Found:
    whole = parse(data).value
    if is_cassette(whole):
        return read_cassette(whole)
    lines = lines_of(data)
    first = next(lines, None)
    if first is None:
        raise BadRecording(" is empty; give a recording with messages in it")
    for is_it, read in _FORMS:
        if is_it(first.value):
            return read(chain([first], lines))
    raise BadRecording(f", line {first.number}: this is no form of recording that is known; {_ADVICE}")


def _numbered(items: Iterable[Item]) -> list[Item]:
    """The items with their indices and times from 0 on, and after each retry the event that says what it repeats."""
    numbered: list[Item] = []
    retries = RetryFinder()
    began: float | None = None
    for item in items:
        began = item.at if began is None else began
        at = max(0.0, item.at - began)
        numbered.append(replace(item, index=len(numbered), at=at))
        if not isinstance(item, Entry):
            continue
        for body in objects_in(item.parse().value):
            if retried := retries.retry_in(item.sender, body):
                numbered.append(replace(retried, index=len(numbered), at=at))
    return numbered


def _revision(items: Sequence[Item]) -> str | None:
    """The revision that was spoken: what initialize agreed on, else that of the first request which got a result.

    Where none got one, it is the first that a request names and that exists.
    """
    opened: set[tuple[str, object]] = set()
    asked: dict[tuple[str, object], str] = {}
    spoken: str | None = None
    entries = [item for item in items if isinstance(item, Entry)]
    for entry in entries:
        for body in objects_in(entry.parse().value):
            key = id_key(body.get("id"))
            if entry.sender is Side.CLIENT:
                if body.get("method") == "initialize":
                    opened.add(key)
                elif version := version_in(body):
                    asked.setdefault(key, version)
                continue
            result = body.get("result")
            if not isinstance(result, dict):
                continue
            if key in opened and isinstance(result.get("protocolVersion"), str):
                return str(result["protocolVersion"])
            spoken = spoken or asked.get(key)
    heads = (item.request_headers for item in items if isinstance(item, HttpExchange))
    named = [*asked.values(), *(head.get(PROTOCOL_VERSION.lower()) for head in heads)]
    return spoken or next((name for name in named if name in REVISIONS), None)
