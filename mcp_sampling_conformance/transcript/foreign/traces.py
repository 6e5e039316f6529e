"""Traces of mcp-conformance (https://github.com/tomtom215/mcp-conformance): JSON Lines, an event a line.

``{"seq": 0, "direction": "client-to-server", "transport": "stdio", "kind": "message", "payload": {…}}``. Over HTTP
there are also events of the kind "http", the head of a request (``headers``) or of a response (``status`` and
``headers``), before the message that it carries. Which stream a message of the server came on is not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...protocol.http_headers import SESSION_ID
from ...protocol.json_members import member_texts
from ...protocol.json_text import parse
from ...protocol.jsonrpc import Json, id_key, is_integer, objects_in
from ...protocol.names import CALLS
from ..events import Headers, HttpExchange, SessionGiven
from ..transcript import Entry, Item, Side
from .form import STDIO_CHANNELS, Found, Line, bad_line

_SENDERS = {"client-to-server": Side.CLIENT, "server-to-client": Side.SERVER}
_TRANSPORTS = {"stdio": "stdio", "streamable-http": "http"}
_KINDS = ("message", "http", "lifecycle")
_NO_LINES = "a trace has the messages, and not the lines that carried them"
_NO_STREAMS = "a trace does not say which stream a message came on"
#: by transport: the rules about what a trace does not record, see ``Recording.unrecorded``
_UNRECORDED = {
    "stdio": {"framing/stdin-clean": _NO_LINES, "framing/stdout-clean": _NO_LINES},
    "http": {"http/own-stream": _NO_STREAMS, "http/not-broadcast": _NO_STREAMS},
}


def is_trace(first: Json) -> bool:
    """Whether a file that begins with this line is a trace."""
    return {"seq", "direction", "kind"} <= first.keys()


def read_trace(lines: Iterable[Line]) -> Found:
    """The messages and HTTP exchanges, in the order of ``seq``. Raises ``BadRecording``."""
    events = sorted((_event(line) for line in lines), key=lambda event: event.seq)
    transport = events[0].transport
    for event in events:
        if event.transport != transport:
            raise bad_line(event.line, f"its transport is not {transport}; put each connection into a file of its own")
    if transport == "stdio":
        items: Iterator[Item] = (_entry(e, STDIO_CHANNELS[e.sender]) for e in events if e.kind == "message")
    else:
        items = _HttpReader(events).items()
    return Found(list(items), transport, unrecorded=_UNRECORDED[transport])


@dataclass(frozen=True)
class _Event:
    """A line, checked."""

    line: int  #: its number
    seq: int
    sender: Side
    transport: str  #: as we name it
    kind: str
    at: float  #: seconds since some moment
    payload: bytes  #: of a message
    status: Any  #: of a response over HTTP
    headers: Headers

    @property
    def bodies(self) -> list[Json]:
        return objects_in(parse(self.payload).value)


def _event(line: Line) -> _Event:
    seq, direction, transport, kind = line.value["seq"], *map(line.string, ("direction", "transport", "kind"))
    if not is_integer(seq):
        raise line.bad("its seq is no integer")
    for name, value, known in (("direction", direction, _SENDERS), ("transport", transport, _TRANSPORTS)):
        if value not in known:
            raise line.bad(f"its {name} is {value!r}; known are {' and '.join(known)}")
    if kind not in _KINDS:
        raise line.bad(f"its kind is {kind!r}; known are {', '.join(_KINDS)}")
    if kind == "message" and "payload" not in line.value:
        raise line.bad("it is a message, but has no payload")
    if not isinstance(line.value.get("headers") or {}, dict):
        raise line.bad("its headers are no JSON object")
    payload = member_texts(line.text)["payload"].encode() if kind == "message" else b""
    headers = {name.lower(): str(value) for name, value in (line.value.get("headers") or {}).items()}
    status, at = line.value.get("status"), _time(line)
    return _Event(
        line.number, int(seq), _SENDERS[direction], _TRANSPORTS[transport], kind, at, payload, status, headers
    )


def _time(line: Line) -> float:
    """The time of a line, in seconds since 1970; 0 where it has none."""
    try:
        return datetime.fromisoformat(line.value["ts"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0


def _entry(event: _Event, channel: str) -> Entry:
    return Entry(-1, event.at, event.sender, channel, event.payload)


@dataclass
class _Exchange:
    """An HTTP request, and what is known of it so far."""

    number: int
    headers: Headers | None  #: ``None``: the trace has no head of it
    posted: Json | None = None  #: the first message in its body
    has_body: bool = False

    @property
    def method(self) -> str:
        return "POST" if self.has_body else ""

    @property
    def name(self) -> str:
        return f"{self.method or 'HTTP'} {self.number}"


class _HttpReader:
    """Finds out which HTTP exchange the events of a trace belong to."""

    def __init__(self, events: Sequence[_Event]) -> None:
        self._events = events
        self._count = 0
        self._begun: _Exchange | None = None  #: the last one, while it has no body
        self._unanswered: dict[int, _Exchange] = {}  #: by number: those of which no response was seen
        # By id: what carried the client's last request with it, and those of calls that wait for their response.
        self._carriers: dict[tuple[str, object], _Exchange] = {}
        self._calls: dict[tuple[str, object], _Exchange] = {}
        opened = [body for event in events if event.kind == "message" for body in event.bodies if _opens(body)]
        self._one_session = len(opened) == 1

    def items(self) -> Iterator[Item]:
        """The messages, and an event for each exchange of which the trace has both heads."""
        for place, event in enumerate(self._events):
            if event.kind == "message":
                yield self._message(event)
            elif event.kind == "http" and event.sender is Side.CLIENT:
                self._begin(event.headers)
            elif event.kind == "http":
                yield from self._response(place, event)

    def _begin(self, headers: Headers | None) -> _Exchange:
        self._count += 1
        self._begun = self._unanswered[self._count] = _Exchange(self._count, headers)
        return self._begun

    def _message(self, event: _Event) -> Entry:
        return _entry(event, self._posted(event) if event.sender is Side.CLIENT else self._received(event))

    def _posted(self, event: _Event) -> str:
        """The name of the exchange that carries a message of the client."""
        exchange = self._begun or self._begin(None)
        self._begun = None
        exchange.has_body = True
        exchange.posted = next(iter(event.bodies), None)
        for body in event.bodies:
            if "method" in body and "id" in body:
                key = id_key(body["id"])
                self._carriers[key] = exchange
                if body["method"] in CALLS:
                    self._calls[key] = exchange
        return exchange.name

    def _received(self, event: _Event) -> str:
        """That of a message of the server; of what is no response it is taken to be the last call that waits."""
        exchange = self._carrier(event)
        for body in event.bodies:
            if "method" not in body:
                self._calls.pop(id_key(body.get("id")), None)
            elif exchange is None and self._calls:
                exchange = self._calls[next(reversed(self._calls))]
        return exchange.name if exchange is not None else "HTTP"

    def _carrier(self, event: _Event) -> _Exchange | None:
        """The exchange of the request that a message of the server responds to; ``None`` for what is no response."""
        responses = (body for body in event.bodies if "method" not in body)
        return next((self._carriers.get(id_key(body.get("id"))) for body in responses), None)

    def _response(self, place: int, event: _Event) -> Iterator[Item]:
        """The head of a response: that of the message which follows it, or else of the oldest request without one."""
        following = self._events[place + 1] if place + 1 < len(self._events) else None
        says = following is not None and following.kind == "message" and following.sender is Side.SERVER
        exchange = self._carrier(following) if following is not None and says else None
        if exchange is None or exchange.number not in self._unanswered:
            exchange = next(iter(self._unanswered.values()), None)
        if exchange is None or not isinstance(event.status, int):
            return
        del self._unanswered[exchange.number]
        if exchange is self._begun:
            self._begun = None
        if exchange.headers is None:
            return  # rules about the headers of the request would take them for missing
        yield HttpExchange(exchange.name, exchange.method, event.status, exchange.headers, event.headers, at=event.at)
        session = event.headers.get(SESSION_ID.lower())
        # Rules hold everything else that the client sent against the session that it was given.
        if session is not None and self._one_session and exchange.number == 1 and _opens(exchange.posted or {}):
            yield SessionGiven(session, at=event.at)


def _opens(body: Json) -> bool:
    return body.get("method") == "initialize"
