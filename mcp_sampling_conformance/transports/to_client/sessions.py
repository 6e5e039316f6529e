"""The sessions of a client under test over HTTP, and its POSTs that wait for responses."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, NamedTuple

import anyio

from ...protocol.json_text import parse
from ...protocol.jsonrpc import Json, id_key
from ...transcript.events import StreamEvent, StreamInterrupted
from ...transcript.transcript import Entry, Side, Transcript

#: after how many milliseconds a client is to take up a stream again
_RETRY = 50


class Form(Enum):
    """What the answer to a POST looks like."""

    STREAM = "an event for each message"
    EVENT = "a stream of one event; an error alone is a body, for its status is known by then"
    BODY = "the one message, as JSON"


class Outgoing(NamedTuple):
    """A message on its way to the client."""

    raw: bytes  #: as it crosses
    framed: bool  #: as an event
    error: Json | None  #: the error in it


class Post:
    """One POST that is to be answered: it waits for the responses to its requests, and carries what belongs to them."""

    def __init__(self, channel: str, requests: Sequence[Json], form: Form) -> None:
        self.channel = channel
        self.form = form
        self.event_ids: list[str] = []  #: by which its stream can be taken up again, once it was interrupted
        self.carried = True  #: there is a connection that carries the answer
        self.moved = anyio.Event()  #: set when an interrupted stream was taken up again, or is over
        self._waiting = [id_key(request["id"]) for request in requests]
        self._writer, self._reader = anyio.create_memory_object_stream[Outgoing](math.inf)

    def waits_for(self, id: object) -> bool:
        """Whether the response with this id belongs here."""
        return id_key(id) in self._waiting

    def put(self, raw: bytes, error: Json | None) -> Outgoing:
        """Send a message, an error response with its error; returns it as it crosses."""
        framed = self.form is Form.STREAM or (self.form is Form.EVENT and error is None)
        message = Outgoing(_event(raw) if framed else raw, framed, error)
        self._writer.send_nowait(message)
        return message

    def settle(self, id: object) -> None:
        """The response to this request was put; the last one ends the answer."""
        self._waiting.remove(id_key(id))
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Nothing more will be put."""
        self._waiting.clear()
        self._writer.close()
        self.moved.set()

    def interrupt(self, event_id: str) -> bytes:
        """End the connection with an event without data, by whose id the stream on it can be taken up; returns that
        event as it crosses."""
        event = f"id: {event_id}\nretry: {_RETRY}\ndata: \n\n".encode()
        self.event_ids.append(event_id)
        self._writer.send_nowait(Outgoing(event, True, None))
        self._writer.close()
        self._writer, self._reader = anyio.create_memory_object_stream[Outgoing](math.inf)
        self.carried, self.moved = False, anyio.Event()
        return event

    def take_up(self, channel: str) -> None:
        """From here on another exchange carries the answer."""
        self.channel, self.carried = channel, True
        self.moved.set()

    async def messages(self) -> AsyncIterator[Outgoing]:
        """What was put, as it comes, until the POST is closed."""
        async for message in self._reader:
            yield message

    def waiting(self) -> list[Outgoing]:
        """What was put besides, and was not read yet."""
        found: list[Outgoing] = []
        with suppress(anyio.WouldBlock, anyio.EndOfStream):
            while True:
                found.append(self._reader.receive_nowait())
        return found


class HttpToClient:
    """One session of the client under test; without sessions, all that one start of it posts."""

    def __init__(self, transcript: Transcript, id: str | None) -> None:
        self.transcript = transcript
        self.id = id  #: of the session; ``None`` where there is none
        self.call: Any = None  #: the id of the call under way, on whose stream goes what is asked
        self.ended = anyio.Event()
        self._exchanges = 0
        self._posts: list[Post] = []
        self._writer, self._reader = anyio.create_memory_object_stream[Entry](math.inf)

    async def send(self, raw: bytes) -> bool:
        """Put one message on the stream it belongs to and record it. ``False`` when the client has closed that."""
        body = parse(raw).value
        is_response = isinstance(body, dict) and "method" not in body
        id = body["id"] if is_response else self.call
        post = next((post for post in self._posts if post.waits_for(id)), None)
        if post is None or not post.carried:
            return False
        if not is_response:
            post.form = Form.STREAM  # there is more to come than one message
        message = post.put(raw, body.get("error") if is_response else None)
        self.transcript.record(Side.SERVER, message.raw, post.channel, raw if message.framed else None)
        if is_response:
            post.settle(id)
        return True

    async def interrupt(self, seconds: float) -> bool:
        """Close the connection of the call under way behind an event that lets the client take its stream up again;
        whether it did so within that many seconds."""
        post = next((post for post in self._posts if post.waits_for(self.call)), None)
        if post is None or not post.carried:
            return False
        exchange, event_id = post.channel, f"stream-{self._exchanges}"
        self.transcript.note(StreamEvent(exchange, post.interrupt(event_id)))
        with anyio.move_on_after(seconds):
            await post.moved.wait()
        self.transcript.note(StreamInterrupted(exchange, event_id, post.carried))
        return post.carried

    def interrupted(self, event_id: str | None) -> Post | None:
        """The POST whose stream can be taken up by an event id."""
        waiting = (post for post in self._posts if not post.carried)
        return next((post for post in waiting if event_id in post.event_ids), None)

    async def send_together(self, raws: Sequence[bytes]) -> bool:
        """Send messages one right behind the other."""
        return all([await self.send(raw) for raw in raws])

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client posts, until the session ends."""
        async for entry in self._reader:
            yield entry

    def new_channel(self, method: str) -> str:
        """A name for the next HTTP exchange: "POST 3"."""
        self._exchanges += 1
        return f"{method} {self._exchanges}"

    def take(self, entry: Entry) -> None:
        """Hand on what the client posted."""
        self._writer.send_nowait(entry)

    def await_responses(self, post: Post) -> None:
        """From here on what belongs to the requests of this POST goes to it. Call it before ``take``."""
        self._posts.append(post)

    def drop(self, post: Post, channel: str) -> None:
        """An exchange is over: the POST was answered, or the client has hung up. One whose stream was interrupted waits
        on, as does one that another exchange carries by now."""
        if post.carried and post.channel == channel:
            post.close()
            self._posts.remove(post)

    def end(self) -> None:
        """End the session."""
        self.ended.set()
        self._writer.close()
        for post in self._posts:
            post.close()


def _event(raw: bytes) -> bytes:
    return b"event: message\ndata: " + raw + b"\n\n"
