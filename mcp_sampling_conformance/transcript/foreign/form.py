"""What the readers of all forms share: the lines of a file, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...protocol.json_text import parse
from ...protocol.jsonrpc import Json, json_type
from ..transcript import Item, Side

#: a file with more lines is refused
MOST_LINES = 1_000_000
#: what carries a message over stdio
STDIO_CHANNELS = {Side.CLIENT: "stdin", Side.SERVER: "stdout"}


class BadRecording(ValueError):
    """A recording cannot be read; the text says where and why, to follow the name of the file."""


def bad_line(number: int, why: str) -> BadRecording:
    """What to raise where a line is not as it has to be."""
    return BadRecording(f", line {number}: {why}")


@dataclass(frozen=True)
class Line:
    """One line of a file of JSON Lines."""

    number: int  #: as editors count
    text: str
    value: Json

    def bad(self, why: str) -> BadRecording:
        """What to raise where the line is not as it has to be."""
        return bad_line(self.number, why)

    def string(self, name: str) -> str:
        """A member that has to be a string. Raises ``BadRecording``."""
        value = self.value.get(name)
        if not isinstance(value, str):
            found = f"{name} is a JSON {json_type(value)}" if name in self.value else f"it has no {name}"
            raise self.bad(f"{found}, where a string is needed")
        return value


@dataclass(frozen=True)
class Found:
    """What a file holds: its items in order, their indices yet to be given."""

    items: Sequence[Item]
    transport: str
    revision: str | None = None  #: what the file says beside its messages
    unrecorded: Mapping[str, str] = field(default_factory=dict)  #: see ``Recording``


def lines_of(data: bytes) -> Iterator[Line]:
    """The lines that are not empty. A last one that was cut off is left out: whoever wrote it was ended.

    Raises ``BadRecording`` for a line that is no JSON object in UTF-8, and where there are too many.
    """
    found = 0
    raw_lines = data.split(b"\n")
    for number, raw in enumerate(raw_lines, 1):
        if not raw.strip():
            continue
        if found == MOST_LINES:
            raise BadRecording(f" has more than {MOST_LINES} lines; keep the part in which sampling happens")
        parsed = parse(raw)
        if parsed.fault is not None and number == len(raw_lines) and found:
            break
        if parsed.fault is not None or not isinstance(parsed.value, dict):
            why = parsed.fault or f"a JSON {json_type(parsed.value)}"
            raise BadRecording(f", line {number}: it has to be a JSON object in UTF-8, but is {why}")
        found += 1
        yield Line(number, raw.decode(), parsed.value)


def encoded(value: Any) -> bytes:
    """A JSON value as one line of text, for a message of which a recording has kept no more than its value."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON has and UTF-8 has not
        return json.dumps(value, separators=(",", ":")).encode()
