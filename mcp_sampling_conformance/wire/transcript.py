"""A transcript: every message that crossed one connection, and the marks of the scenario that ran it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Side(StrEnum):
    """The two parties of a connection."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Side:
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


@dataclass(frozen=True)
class Entry:
    """One message as it went over the wire (on stdio: one line without its newline)."""

    index: int
    at: float  #: seconds since the connection was opened
    sender: Side
    channel: str
    raw: bytes
    parsed: Any  #: the JSON value, ``None`` when ``fault`` is set
    fault: str | None  #: why ``raw`` is not JSON in UTF-8

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Mark:
    """A note of the scenario between the messages: what it was about to do, or what it waited for in vain."""

    index: int
    at: float
    kind: str
    data: dict[str, Any]


def parse(raw: bytes) -> tuple[Any, str | None]:
    """The JSON value of ``raw`` and ``None``, or ``None`` and what is wrong with it."""
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_reject_constant), None
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 (byte {error.start})"
    except RecursionError:
        return None, "JSON nested too deeply to read"
    except ValueError as error:
        return None, f"not JSON ({error})"


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


@dataclass
class Transcript:
    """The record of one connection. Append only: entries and marks share one sequence of indices."""

    label: str
    transport: str
    items: list[Entry | Mark] = field(default_factory=list, repr=False)
    _opened: float = field(default_factory=time.monotonic)

    def record(self, sender: Side, raw: bytes, channel: str) -> Entry:
        parsed, fault = parse(raw)
        entry = Entry(len(self.items), self._elapsed(), sender, channel, raw, parsed, fault)
        self.items.append(entry)
        return entry

    def mark(self, kind: str, **data: Any) -> Mark:
        mark = Mark(len(self.items), self._elapsed(), kind, data)
        self.items.append(mark)
        return mark

    def marks(self, kind: str) -> list[Mark]:
        return [item for item in self.items if isinstance(item, Mark) and item.kind == kind]

    def strays(self) -> list[str]:
        """The beginnings of what is not even JSON, in order."""
        return [item.text[:200] for item in self.items if isinstance(item, Entry) and item.fault]

    def _elapsed(self) -> float:
        return time.monotonic() - self._opened
