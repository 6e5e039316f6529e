"""Event streams are split over raw bytes: whatever the pieces, the same events, and not a byte lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import chain, pairwise

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sampling_conformance.transcript import transcript as transcripts
from mcp_sampling_conformance.transcript.events import LimitReached, StreamEvent
from mcp_sampling_conformance.transcript.transcript import Entry, Transcript
from mcp_sampling_conformance.transports import event_stream
from mcp_sampling_conformance.transports.event_stream import EventSplitter, ServerSentEvent, read_events
from mcp_sampling_conformance.transports.lines import CutOff


def split(*pieces: bytes) -> list[ServerSentEvent]:
    splitter = EventSplitter()
    found = [event for piece in pieces for event in splitter.feed(piece)]
    return [*found, *splitter.finish()]


def one(raw: bytes) -> ServerSentEvent:
    """The only event of a stream, which must be all of it."""
    (event,) = split(raw)
    assert event.raw == raw
    return event


# --- fields


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end(end: bytes) -> None:
    event = one(end.join([b"event: message", b"id: 7", b"data: one", b"data: two", b"", b""]))
    assert (event.type, event.id, event.data, event.complete) == ("message", "7", b"one\ntwo", True)


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (b"data: x\n\n", b"x"),
        (b"data:x\n\n", b"x"),
        (b"data:  x \n\n", b" x "),
        (b"data\n\n", b""),
        (b"data:\ndata:\n\n", b"\n"),
        (b"data: a: b\n\n", b"a: b"),
        (b": a comment\ndata: x\n:\n\n", b"x"),
        (b"\xef\xbb\xbfdata: x\n\n", b"x"),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", b""),
        (b" data: x\n\n", b""),
        (b"Data: x\n\n", b""),
        (b"unknown: y\ndata: x\nnothing\n\n", b"x"),
        (b'data: "caf\xe9"\n\n', b'"caf\xe9"'),
        (b"data: \x00\x0b\x0c\xc2\x85\xe2\x80\xa8\n\n", b"\x00\x0b\x0c\xc2\x85\xe2\x80\xa8"),
    ],
)
def test_data_is_kept_as_it_came(raw: bytes, data: bytes) -> None:
    assert one(raw).data == data


@pytest.mark.parametrize(
    ("raw", "id"),
    [
        (b"data: x\n\n", None),
        (b"id: 7\n\n", "7"),
        (b"id\n\n", ""),
        (b"id: a\0b\n\n", None),
        (b"id: 7\nid: a\0b\n\n", "7"),
        (b"id: caf\xe9\n\n", "caf\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_id(raw: bytes, id: str | None) -> None:
    assert one(raw).id == id


@pytest.mark.parametrize(
    ("value", "retry"),
    [
        (b"5000", 5000),
        (b"0", 0),
        (b"007", 7),
        (b"", None),
        (b"-1", None),
        (b"1.5", None),
        (b" 5", None),  # one space belongs to the field, this is the second
        (b"1_000", None),
        ("\N{ARABIC-INDIC DIGIT FIVE}".encode(), None),
        (b"9" * 400, 10**9),
        (b"9" * 100_000, 10**9),
        (b"0" * 400 + b"7", 7),
    ],
)
def test_retry(value: bytes, retry: int | None) -> None:
    assert one(b"retry: " + value + b"\n\n").retry == retry


@pytest.mark.parametrize(
    ("raw", "type", "is_message"),
    [
        (b"data: x\n\n", "message", True),
        (b"event:\ndata: x\n\n", "message", True),
        (b"event: message\ndata: x\n\n", "message", True),
        (b"event: other\ndata: x\n\n", "other", False),
        (b"event: caf\xe9\ndata: x\n\n", "caf\N{REPLACEMENT CHARACTER}", False),
        (b"event: message\n\n", "message", False),
        (b"id: 1\ndata:\n\n", "message", False),
        (b": ping\n\n", "message", False),
        (b"\n", "message", False),
    ],
)
def test_what_carries_a_message(raw: bytes, type: str, is_message: bool) -> None:
    event = one(raw)
    assert (event.type, event.is_message) == (type, is_message)


def test_nothing_is_carried_over_to_the_next_event() -> None:
    _, second = split(b"event: other\nid: 7\nretry: 9\ndata: x\n\ndata: y\n\n")
    assert (second.type, second.id, second.retry, second.data) == ("message", None, None, b"y")


def test_a_stream_that_ends_too_early() -> None:
    for raw in (b"data: x", b"data: x\n", b"data: x\r\n", b"id: 7\r", b":", b"\xef\xbb", b"\xef\xbb\xbf"):
        event = one(raw)
        assert (event.complete, event.is_message, event.data, event.id) == (False, False, b"", None)


# --- pieces


ODD = (
    b"\xef\xbb\xbf:hello\r\n\r\nid:1\r\ndata:\r\n\r\nretry:5000\r\n\r\n:\nevent:other\n\n"
    b"data: a\rdata: b\r\rdata: c\r\r\n"
    b'\ndata: d\n\r\n\r\n\r\rdata: "caf\xe9"\r\n\r\ndata: e\r\n\rdata: f\r\n\r'
)


def test_pieces_that_end_anywhere() -> None:
    whole = split(ODD)
    assert [event.data for event in whole if event.is_message] == [b"a\nb", b"c", b"d", b'"caf\xe9"', b"e", b"f"]
    assert split(*(ODD[i : i + 1] for i in range(len(ODD)))) == whole
    for first in range(len(ODD)):
        for second in range(first, len(ODD)):
            assert split(ODD[:first], ODD[first:second], ODD[second:]) == whole


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_is_not_held_back(end: bytes) -> None:
    """What ends with a blank line is there at once, as a server may wait for the answer before it writes more."""
    splitter = EventSplitter()
    raw = b"data: x" + end + end
    (event,) = splitter.feed(raw)
    assert event.raw == raw


STREAMS = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"data", b"event", b"id", b"retry", b":", b" ", b"5", b"\xef\xbb\xbf", b"\xe9"]
    )
    | st.binary(max_size=3),
    max_size=40,
).map(b"".join)


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 80)))
def test_any_pieces_give_the_same_events(stream: bytes, cuts: Sequence[int]) -> None:
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:stop] for start, stop in pairwise(places)]
    events = split(*pieces)
    assert events == split(stream)
    assert b"".join(event.raw for event in events) == stream
    assert all(event.complete for event in events[:-1])


@given(stream=STREAMS)
def test_it_agrees_with_another_reader(stream: bytes) -> None:
    """httpx2 reads text, so it has to be UTF-8 and without a byte order mark."""
    stream = stream.decode("utf-8", "ignore").replace("\ufeff", "").encode()
    response = httpx2.Response(
        200,
        headers={"Content-Type": "text/event-stream"},
        content=stream,
        request=httpx2.Request("GET", "http://127.0.0.1/"),
    )
    theirs = [(event.event, event.data) for event in httpx2.EventSource(response) if event.data]
    assert [(event.type, event.data.decode()) for event in split(stream) if event.complete and event.data] == theirs


# --- bounds


def test_an_event_that_never_ends() -> None:
    splitter = EventSplitter(longest=1000)
    lines = [b"data: 01\n"] * 200
    with pytest.raises(event_stream.TooLong):
        list(chain.from_iterable(map(splitter.feed, lines)))


def test_long_lines_take_linear_time() -> None:
    splitter = EventSplitter(longest=2**25)
    pieces = [b"data: ", *[b"x" * 4096] * 5000, b"\n\n"]
    (event,) = [event for piece in pieces for event in splitter.feed(piece)]
    assert len(event.data) == 4096 * 5000


# --- the record


def read(*pieces: bytes) -> tuple[Transcript, list[Entry], str]:
    """What is recorded and handed on of a stream that breaks after the pieces, and how that shows."""
    transcript = Transcript("a test", "http")

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        raise ConnectionError("broken")

    async def run() -> tuple[Transcript, list[Entry], str]:
        found: list[Entry] = []
        try:
            async with aclosing(read_events(chunks(), transcript, "POST 1")) as events:  # type: ignore[type-var]
                async for _, entry in events:
                    found += [] if entry is None else [entry]
        except (CutOff, ConnectionError) as error:
            return transcript, found, type(error).__name__
        raise AssertionError

    return anyio.run(run)


def test_every_byte_is_in_the_record() -> None:
    transcript, entries, error = read(ODD, b"data: cut o")
    raws = [item.raw for item in transcript.items if isinstance(item, Entry | StreamEvent)]
    assert b"".join(raws) == ODD + b"data: cut o"
    assert [entry.data for entry in entries] == [b"a\nb", b"c", b"d", b'"caf\xe9"', b"e", b"f"]
    assert error == "ConnectionError"
    assert entries[3].raw == b'data: "caf\xe9"\r\n\r\n'
    assert entries[3].parse().fault == "not UTF-8 (byte 4)"
    assert {item.channel for item in entries} == {"POST 1"}


def test_a_flood_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "CONNECTION_ITEMS", 10)
    transcript, entries, error = read(*[b":\n\n" * 4] * 100)
    assert (entries, error) == ([], "CutOff")
    assert [event.what for event in transcript.events(LimitReached)] == ["messages and events on one connection"]
    assert len(transcript.items) == 12
