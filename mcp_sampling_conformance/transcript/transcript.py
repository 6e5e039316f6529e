"""A transcript: every message that crossed one connection, and the events in between, in one order."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from ..protocol.json_text import Parsed, parse
from .events import Event
from .store import Kept, Store, bytes_of


class Side(StrEnum):
    """The two sides of a connection."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Side:
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


@dataclass(frozen=True, slots=True)
class Entry:
    """What carried one message (or batch) over the connection: a line, an HTTP body, an event of a stream."""

    index: int
    at: float  #: seconds since the connection was opened
    sender: Side
    channel: str  #: "stdin", "stdout", "memory", or the HTTP exchange: "POST 3"
    content: bytes | Kept = field(repr=False)  #: ``raw``, or where it is kept
    data_content: bytes | Kept | None = field(default=None, repr=False)  #: likewise ``data``
    event_id: str = ""  #: of an event of a stream the id that it sets; one that comes again is a replay

    @property
    def raw(self) -> bytes:
        """The bytes as they crossed: a line without its newline, a whole body, an event with its framing."""
        return bytes_of(self.content)

    @property
    def data(self) -> bytes | None:
        """Of an event of a stream the data in it; ``None`` where all of ``raw`` is data."""
        return None if self.data_content is None else bytes_of(self.data_content)

    @property
    def payload(self) -> bytes:
        """The bytes that are to be JSON."""
        return bytes_of(self.content if self.data_content is None else self.data_content)

    @property
    def text(self) -> str:
        """The payload as text; what is no UTF-8 is escaped."""
        return self.payload.decode("utf-8", "backslashreplace")

    def parse(self) -> Parsed:
        """The payload as JSON. It is parsed anew each time, so that a long record does not keep what nobody reads."""
        return parse(self.payload)


Item = Entry | Event
AnEvent = TypeVar("AnEvent", bound=Event)


class Transcript:
    """The record of one connection. Append only."""

    def __init__(
        self, label: str, transport: str, items: Sequence[Item] = (), *, name: str = "", store: Store | None = None
    ) -> None:
        self.label = label  #: for people: "2025-11-25, sampling.tools"
        self.name = name  #: the one it has among the transcripts of its run: "2025-11-25-01"
        self.transport = transport  #: "stdio", "http", "sse" or "memory"
        self.items: list[Item] = []
        self.on_item: Callable[[Item], None] | None = None  #: is told of each new item
        self._store = store  #: where long messages go; ``None`` for memory
        self._by_kind: defaultdict[type[Event], list[Event]] = defaultdict(list)
        self._opened = time.monotonic()
        for item in items:
            self._append(item)

    def record(self, sender: Side, raw: bytes, channel: str, data: bytes | None = None, event_id: str = "") -> Entry:
        """Append a message as it crosses; returns the entry."""
        content = raw if self._store is None else self._store.keep(raw)
        data_content = data if self._store is None or data is None else self._store.keep(data)
        entry = Entry(self._next_index, self._elapsed(), sender, channel, content, data_content, event_id)
        self._append(entry)
        return entry

    def note(self, event: AnEvent) -> AnEvent:
        """Append an event; returns it with its index and time."""
        noted = replace(event, index=self._next_index, at=self._elapsed())
        self._append(noted)
        return noted

    def events(self, kind: type[AnEvent]) -> Sequence[AnEvent]:
        """The events of one kind so far, in order."""
        return self._by_kind[kind]  # type: ignore[return-value]

    @property
    def entries(self) -> Iterator[Entry]:
        """What carried messages so far, in order."""
        return (item for item in self.items if isinstance(item, Entry))

    def strays(self, most: int) -> list[str]:
        """The beginnings of the first lines that are not even JSON, in order."""
        found: list[str] = []
        for entry in self.entries:
            if len(found) == most:
                break
            if entry.parse().fault:
                found.append(entry.text[:200])
        return found

    def part(self, *ranges: range) -> Transcript:
        """A transcript of the items in these ranges of positions; each keeps its index."""
        items = [self.items[place] for each in ranges for place in each]
        return Transcript(self.label, self.transport, items, name=self.name)

    @property
    def _next_index(self) -> int:
        return self.items[-1].index + 1 if self.items else 0

    def _append(self, item: Item) -> None:
        self.items.append(item)
        if isinstance(item, Event):
            self._by_kind[type(item)].append(item)
        if self.on_item is not None:
            self.on_item(item)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._opened, 6)
