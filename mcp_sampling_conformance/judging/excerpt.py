"""The part of a transcript that shows a violation: the offending message and the few around it, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..protocol.jsonrpc import Json, Path
from ..transcript.events import Event, Exited, HttpExchange, ProbeStarted, SamplingAsked, TimedOut, ToldEvent
from ..transcript.items import item_from_json, item_to_json
from ..transcript.masking import Mask
from ..transcript.transcript import Entry, Side, Transcript

_BEFORE, _AFTER = 3, 4
#: heads of an HTTP exchange that are kept
_HEADS = 3
#: characters of a message that are kept: of the offending one, and of the others
_OFFENDING, _OTHER = 100_000, 4_000


@dataclass(frozen=True)
class ShownMessage:
    """What carried a message, as text; of a long one the beginning and the end."""

    index: int
    at: float  #: seconds since the connection was opened
    sender: str
    channel: str
    head: str
    tail: str  #: empty where ``head`` is the whole
    size: int  #: in bytes, as it crossed


Shown = ShownMessage | Event


@dataclass(frozen=True)
class Excerpt:
    """Some items of one transcript."""

    transcript: str  #: its name
    label: str  #: for people
    items: tuple[Shown, ...]
    offending: int  #: the index of what breaks the rule: a message, or an HTTP exchange
    path: Path  #: in that message
    later: Event | None = None  #: what the harness waited for in vain, further on
    alone: bool = False  #: the items around it are not shown
    http: tuple[HttpExchange, ...] = ()  #: the heads of the HTTP exchange that it was a part of

    def as_json(self) -> dict[str, Any]:
        later = item_to_json(self.later) if self.later else None
        http = [item_to_json(head) for head in self.http]
        return {**asdict(self), "items": [_to_json(item) for item in self.items], "later": later, "http": http}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Excerpt:
        later = item_from_json(data["later"]) if data["later"] else None
        assert later is None or isinstance(later, Event)
        items = tuple(_from_json(item) for item in data["items"])
        heads = (item_from_json(head) for head in data["http"])
        http = tuple(head for head in heads if isinstance(head, HttpExchange))
        return cls(**{**data, "items": items, "path": tuple(data["path"]), "later": later, "http": http})


def _to_json(item: Shown) -> Json:
    return item_to_json(item) if isinstance(item, Event) else {"message": asdict(item)}


def _from_json(data: Json) -> Shown:
    if "message" in data:
        return ShownMessage(**data["message"])
    event = item_from_json(data)
    assert isinstance(event, Event)
    return event


def excerpt(
    transcript: Transcript, offender: Entry | HttpExchange, path: Path, mask: Mask, *, alone: bool = False
) -> Excerpt:
    """The offending item with three before it and four after, and what was waited for in vain further on; ``alone`` is
    the item only."""
    place = _place(transcript, offender)
    before = [] if alone else _told(transcript, range(place - 1, -1, -1), _BEFORE)[::-1]
    after = [] if alone else _told(transcript, range(place + 1, len(transcript.items)), _AFTER)
    last = _place(transcript, after[-1]) if after else place
    later = None if alone else _waited_in_vain(transcript, last + 1)
    shown: list[Shown] = [_shown(item, item is offender, mask) for item in (*before, offender, *after)]
    return Excerpt(
        transcript.name,
        transcript.label,
        tuple(shown),
        offender.index,
        path,
        mask.event(later) if later else None,
        alone,
        tuple(mask.event(head) for head in _heads(transcript, offender)),
    )


def last_of(transcript: Transcript, most: int, mask: Mask) -> Excerpt:
    """The last of what crossed, with what explains it, where nothing is offending."""
    told = _told(transcript, range(len(transcript.items) - 1, -1, -1), most)[::-1]
    shown: list[Shown] = [_shown(item, False, mask) for item in told]
    return Excerpt(transcript.name, transcript.label, tuple(shown), -1, ())


def _heads(transcript: Transcript, offender: Entry | HttpExchange) -> list[HttpExchange]:
    """The heads of the HTTP exchange that an item was a part of: it may be redirected, or resumed, again and again."""
    if isinstance(offender, HttpExchange):
        return [offender]
    heads = [head for head in transcript.events(HttpExchange) if head.exchange == offender.channel]
    before = [head for head in heads if head.index < offender.index]
    return before[-_HEADS:] if offender.sender is Side.SERVER and before else heads[:_HEADS]


def _place(transcript: Transcript, item: Entry | Event) -> int:
    """Where an item stands: at its index, but for a transcript of which a part was left out."""
    if item.index < len(transcript.items) and transcript.items[item.index] is item:
        return item.index
    return next(place for place, other in enumerate(transcript.items) if other is item)


def _told(transcript: Transcript, places: range, most: int) -> list[Entry | Event]:
    found: list[Entry | Event] = []
    for place in places:
        if len(found) == most:
            break
        item = transcript.items[place]
        if isinstance(item, Entry | ToldEvent):
            found.append(item)
    return found


def _waited_in_vain(transcript: Transcript, start: int) -> Event | None:
    """The next time-out or exit, up to where something else begins: it is often what a finding is about."""
    for place in range(start, len(transcript.items)):
        item = transcript.items[place]
        if isinstance(item, ProbeStarted | SamplingAsked):
            return None
        if isinstance(item, TimedOut | Exited):
            return item
    return None


def _shown(item: Entry | Event, offending: bool, mask: Mask) -> Shown:
    if isinstance(item, Event):
        return mask.event(item)
    text, most = mask(item.text), _OFFENDING if offending else _OTHER
    head, tail = (text, "") if len(text) <= most else (text[: most * 2 // 3], text[-most // 3 :])
    return ShownMessage(item.index, item.at, item.sender.value, item.channel, head, tail, len(item.payload))
