"""Event streams (``text/event-stream``), split into events over their raw bytes: each is recorded as it came.

https://html.spec.whatwg.org/multipage/server-sent-events.html "Interpreting an event stream". Nothing is decoded but
the fields that are names: data stays bytes, whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from ..transcript.events import StreamEvent
from ..transcript.limits import MESSAGE_BYTES, Limit
from ..transcript.transcript import Entry, Side, Transcript
from .lines import CutOff

EVENT_STREAM = "text/event-stream"
_LINE_END = re.compile(rb"\r\n?|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: the longest time that "retry" can name, in milliseconds, and how many digits are less: no number of a server's is
#: too large for us to compute with
_LONGEST_RETRY, _DIGITS = 10**9, 9
_TOO_LONG = Limit(MESSAGE_BYTES, "bytes in one event of a stream")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """What stands in an event stream up to the next blank line."""

    raw: bytes  #: as it came, with comments, line ends and the blank line
    type: str = "message"
    data: bytes = b""  #: the lines of data, joined by "\\n"
    id: str | None = None  #: ``None``: it sets none
    retry: int | None = None  #: milliseconds
    complete: bool = True  #: ``False``: the stream ended before the blank line, so that none of its fields counts

    @property
    def is_message(self) -> bool:
        """Whether it carries a message of MCP, good or bad."""
        return self.complete and self.type == "message" and bool(self.data)


class TooLong(Exception):
    """An event of a stream does not end."""


class EventSplitter:
    """Splits an event stream that comes in pieces. The ``raw`` of all events together are the stream, byte by byte."""

    def __init__(self, longest: int = MESSAGE_BYTES) -> None:
        """``longest``: the bytes that an event may have."""
        self._longest = longest
        self._pending = bytearray()  #: what came since the last event
        self._line = 0  #: where in it the line under way begins
        self._searched = 0  #: up to where in it no further line ends
        self._line_end = b""  #: how the line before ended; nothing at the first line of an event
        self._beginning = True  #: no event came yet
        self._after_cr = False  #: the last event was ended by a CR, of which a LF that comes first is a part

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that end in the next piece of the stream. Raises ``TooLong`` when one grows too long."""
        self._pending += chunk
        while event := self._next(ended=False):
            yield event
        if len(self._pending) > self._longest:
            raise TooLong

    def finish(self) -> Iterator[ServerSentEvent]:
        """What is left when the stream has ended."""
        while event := self._next(ended=True):
            yield event
        if self._pending:
            yield ServerSentEvent(self._cut(len(self._pending)), complete=False)

    def _next(self, *, ended: bool) -> ServerSentEvent | None:
        """The next complete event; ``None`` where more must come first."""
        while found := _LINE_END.search(self._pending, self._searched):
            start, stop = found.span()
            line_end = bytes(self._pending[start:stop])
            if self._after_cr and start == 0 and line_end == b"\n":
                self._line = self._searched = stop
                continue
            blank = start == self._line + self._mark()
            # A CR may be half of a CR LF. But an event whose lines end in CR alone is not held back for a LF that
            # never comes: there, a LF after the blank line is counted to what follows, wherever the pieces end.
            if blank and self._line_end == b"\r":
                return self._event(start + 1)
            if line_end == b"\r" and stop == len(self._pending) and not ended:
                self._searched = start
                return None
            if blank:
                return self._event(stop)
            self._line = self._searched = stop
            self._line_end = line_end
        self._searched = len(self._pending)
        return None

    def _mark(self) -> int:
        """The length of the byte order mark, where the line under way begins with it."""
        marked = self._beginning and self._line == 0 and self._pending.startswith(_BYTE_ORDER_MARK)
        return len(_BYTE_ORDER_MARK) if marked else 0

    def _event(self, stop: int) -> ServerSentEvent:
        beginning = self._beginning
        raw = self._cut(stop)
        return _parsed(raw, raw.removeprefix(_BYTE_ORDER_MARK) if beginning else raw)

    def _cut(self, stop: int) -> bytes:
        raw = bytes(self._pending[:stop])
        del self._pending[:stop]
        self._line = self._searched = 0
        self._line_end = b""
        self._beginning = False
        self._after_cr = raw.endswith(b"\r")
        return raw


def _parsed(raw: bytes, text: bytes) -> ServerSentEvent:
    """A complete event; ``text`` is ``raw`` without a byte order mark."""
    data = bytearray()  # each line with a "\n" behind it
    kind, id, retry = "", None, None
    for name, value in _fields(text):
        if name == b"data":
            data += value + b"\n"
        elif name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            digits = value.lstrip(b"0") or b"0"
            retry = int(digits) if len(digits) <= _DIGITS else _LONGEST_RETRY
    return ServerSentEvent(raw, kind or "message", bytes(data[:-1]), id, retry)


def _fields(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and value of each line that is no comment."""
    start = 0
    for end in _LINE_END.finditer(text):
        line = text[start : end.start()]
        start = end.end()
        if line and not line.startswith(b":"):
            name, _, value = line.partition(b":")
            yield name, value.removeprefix(b" ")


async def read_events(
    chunks: AsyncIterator[bytes], transcript: Transcript, channel: str
) -> AsyncIterator[tuple[ServerSentEvent, Entry | None]]:
    """Each event of a server's stream, recorded, with its entry where it carries a message.

    Raises ``CutOff`` where more comes than the harness takes, and whatever ``chunks`` raises.
    """
    splitter = EventSplitter()
    try:
        async for chunk in chunks:
            for event in splitter.feed(chunk):
                yield event, _record(event, transcript, channel)
                if transcript.cut_off:
                    raise CutOff
    except TooLong:
        transcript.reached(_TOO_LONG)
        raise CutOff from None
    except CutOff:
        raise
    except BaseException:  # cut off, by whomever: what came of the last event is kept
        for event in splitter.finish():
            _record(event, transcript, channel)
        raise
    for event in splitter.finish():
        yield event, _record(event, transcript, channel)


def _record(event: ServerSentEvent, transcript: Transcript, channel: str) -> Entry | None:
    if event.is_message:
        return transcript.receive(Side.SERVER, event.raw, channel, event.data, event.id or "")
    transcript.note(StreamEvent(channel, event.raw))
    return None
