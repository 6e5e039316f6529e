"""A transcript: every message that crossed one connection, and the events in between, in one order."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from typing import TypeVar

from ..protocol.json_text import Parsed, parse
from .events import CutShort, EndedByHarness, Event, HarnessFailed, LimitReached
from .limits import CONNECTION_BYTES, CONNECTION_ITEMS, ITEM_VALUES, Budget, Limit, message_limit, values_in
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
#: how the harness itself ends a connection
_ENDS: tuple[type[EndedByHarness], ...] = (LimitReached, CutShort, HarnessFailed)
AnEvent = TypeVar("AnEvent", bound=Event)


class Transcript:
    """The record of one connection. Append only, within limits: once one is reached nothing more is received."""

    def __init__(
        self,
        label: str,
        transport: str,
        items: Sequence[Item] = (),
        *,
        name: str = "",
        store: Store | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.label = label  #: for people: "2025-11-25, sampling.tools"
        self.name = name  #: the one it has among the transcripts of its run: "2025-11-25-01"
        self.transport = transport  #: "stdio", "http", "sse" or "memory"
        self.items: list[Item] = []
        self.on_item: Callable[[Item], None] | None = None  #: is told of each new item
        self._store = store  #: where long messages go; ``None`` for memory
        self._budget = budget or Budget(Budget())  #: what may still be recorded
        self._size = 0  #: bytes that were recorded
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
        self._count(len(raw), values_in(raw))
        return entry

    def receive(
        self, sender: Side, raw: bytes, channel: str, data: bytes | None = None, event_id: str = ""
    ) -> Entry | None:
        """As ``record``, for a message of the system under test. ``None``, with an event that says why, where a limit
        is reached: the connection is then to be ended."""
        if self.cut_off is None and (limit := message_limit(raw)):
            self.reached(limit)
        return None if self.cut_off else self.record(sender, raw, channel, data, event_id)

    def note(self, event: AnEvent) -> AnEvent:
        """Append an event; returns it with its index and time."""
        noted = replace(event, index=self._next_index, at=self._elapsed())
        self._append(noted)
        self._count(event.size, 0)
        return noted

    def reached(self, limit: Limit) -> None:
        """Note that a limit was reached, unless the connection is cut off already."""
        if self.cut_off is None:
            self.note(LimitReached(limit.most, limit.what))

    @property
    def cut_off(self) -> EndedByHarness | None:
        """Why the harness itself ended the connection: what is missing from then on says nothing of the other side."""
        return next(chain.from_iterable(self.events(kind) for kind in _ENDS), None)

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
        if self._budget.closed:
            return
        self.items.append(item)
        if isinstance(item, Event):
            self._by_kind[type(item)].append(item)
        if self.on_item is not None:
            self.on_item(item)

    def _count(self, size: int, values: int) -> None:
        """Take what was appended from what may be."""
        if self._budget.closed:
            return
        self._size += size
        self._budget.take(size, values + ITEM_VALUES)
        if self._size > CONNECTION_BYTES:
            self.reached(Limit(CONNECTION_BYTES, "bytes on one connection"))
        elif len(self.items) > CONNECTION_ITEMS:
            self.reached(Limit(CONNECTION_ITEMS, "messages and events on one connection"))
        elif limit := self._budget.spent:
            self.reached(limit)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._opened, 6)
