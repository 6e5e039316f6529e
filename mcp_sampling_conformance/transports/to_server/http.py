"""Streamable HTTP, the client's end: each message a POST, answered in its body or by the events of its stream.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http. The transcript has for every HTTP
exchange an event with its status and headers, and for every message the exchange that carried it as its channel.
Nothing is repaired: what cannot be read is recorded as it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

import anyio
import httpx2

from ...protocol.http_headers import ACCEPT, PROTOCOL_VERSION, SESSION_ID
from ...protocol.jsonrpc import Json, id_key, objects_in, params_of
from ...protocol.names import CANCELLED, INITIALIZED
from ...protocol.revisions import Revision
from ...transcript.transcript import Entry, Side, Transcript
from ..event_stream import EVENT_STREAM, read_events
from ..lines import CutOff
from ..process import Child
from ..tasks import Tasks
from .repeats import Repeats
from .request_headers import RequestHeaders
from .requests import BROKEN, Lost, Requests, Unreachable, media_type

#: how long the standalone stream is waited for before the first call, and a session's end, in seconds
_LISTEN_SECONDS = 1.0
_DELETE_SECONDS = 1.0
#: how long to wait before a stream is resumed where the server did not say, and at least, in seconds
_RETRY_SECONDS, _LEAST_RETRY = 0.1, 0.02
#: what a server tells us to wait is kept, however long; beyond this it makes no answer of its own late
_LONGEST_PAUSE = 30.0
#: how long what a server's process wrote last, and its end, may take to arrive, in seconds
_EXIT_GRACE = 0.5


@dataclass
class _Cursor:
    """Where a stream is to be resumed, and how soon (basic/transports "Resumability and Redelivery")."""

    last: str = ""  #: the id of its last event that had one; nothing: it cannot be resumed
    retry: float = _RETRY_SECONDS


class HttpToServer:
    """One client's exchanges with a server at a URL."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        revision: Revision,
        transcript: Transcript,
        timeout: float,
        child: Child | None = None,
    ) -> None:
        """``child`` is the server's process, where we have started it. Raises ``OSError`` where the URL is none."""
        self.transcript = transcript
        self._lost: dict[tuple[str, object], str] = {}
        self.on_loss: Callable[[], None] = lambda: None
        self._revision = revision
        self._child = child
        self._session: bytes | None = None  #: its id, as it came: it may be no text
        self._answered: set[tuple[str, object]] = set()
        self._listening = anyio.Event()  #: it is known whether there is a standalone stream
        self._exchanges = 0
        self._repeats = Repeats()
        self._given_up: set[tuple[str, object]] = set()  #: requests of ours that we cancelled
        self._retries: dict[str, float] = {}  #: of the streams that wait to be resumed
        self._ending = anyio.Event()  #: nothing new is to be begun
        self._request_headers = RequestHeaders()
        self._entries, self._arrived = anyio.create_memory_object_stream[Entry](float("inf"))
        try:
            self._requests = Requests(httpx2.URL(url), headers, transcript, timeout)
        except httpx2.InvalidURL as error:
            raise OSError(f"{url!r} is no URL ({error})") from error
        self._tasks: Tasks

    # --- what the fixture client needs of a wire

    def work(self, tasks: Tasks) -> None:
        """Start what runs beside; exchanges are tasks of this group."""
        self._tasks = tasks

    async def send(self, raw: bytes) -> bool:
        """POST one message. Its answer comes with ``messages``; what needs none is waited for. ``False`` when nobody
        took it."""
        body = json.loads(raw)
        channel = self._new_channel("POST")
        self.transcript.record(Side.CLIENT, raw, channel)
        if "method" not in body:
            self._repeats.answered(body.get("id"))
        if "method" in body and "id" in body:
            self._given_up.discard(id_key(body["id"]))
            self._tasks.start_soon(self._request, raw, body, channel)
            return True
        if body.get("method") == CANCELLED:
            self._given_up.add(id_key(params_of(body).get("requestId")))
        taken = False
        with suppress(Lost):
            taken = await self._exchange(raw, body, channel)
        if body.get("method") == INITIALIZED and taken:
            self._tasks.start_soon(self._listen)
            with anyio.move_on_after(_LISTEN_SECONDS):
                await self._listening.wait()
        return taken

    async def messages(self) -> AsyncIterator[Entry]:
        """What the server sends, on whatever stream, until it cannot be reached any more."""
        async for entry in self._arrived:
            yield entry

    async def shut_down(self) -> None:
        """End the session, where there is one."""
        self._ending.set()
        if self._session is not None and not self.transcript.cut_off:
            with anyio.move_on_after(_DELETE_SECONDS), suppress(Lost, CutOff):
                channel = self._new_channel("DELETE")
                async with self._response("DELETE", None, {}, channel) as response:
                    await self._requests.note_words(response, channel)
        self._entries.close()
        await self._requests.close()

    @property
    def stateless(self) -> bool:
        """Whether the server opened a legacy conversation without a session that an answer could be sent to."""
        return self._session is None and not self._revision.modern

    @property
    def lost(self) -> Mapping[tuple[str, object], str]:
        """Requests that will never be answered, each with the reason."""
        return self._lost

    def _lose(self, key: tuple[str, object], why: str) -> None:
        self._lost[key] = why
        self.on_loss()

    @property
    def pause(self) -> float:
        """Seconds that the server told us to wait before the stream of an answer is taken up again."""
        return min(max(self._retries.values(), default=0.0), _LONGEST_PAUSE)

    @property
    def tail(self) -> str:
        """The last lines of the server's stderr; nothing where it was not started by us."""
        return self._child.tail if self._child else ""

    async def exit_code(self) -> int | None:
        """The exit code of a process of ours that has ended; ``None`` where it runs on all the same."""
        if self._child is None:
            return None
        if await self._child.exited(_EXIT_GRACE):
            await self._child.tail_complete(_EXIT_GRACE)
        return self._child.code

    # --- exchanges

    def _new_channel(self, method: str) -> str:
        self._exchanges += 1
        channel = f"{method} {self._exchanges}"
        self._repeats.opened(channel)
        return channel

    async def _request(self, raw: bytes, body: Json, channel: str) -> None:
        """An exchange that a response is due in."""
        key = id_key(body["id"])
        self._answered.discard(key)
        why = "the exchange ended without a response"
        try:
            await self._exchange(raw, body, channel)
        except Lost as loss:
            why = str(loss)
        self._repeats.ended(channel)
        if key not in self._answered:
            self._lose(key, why)

    async def _exchange(self, raw: bytes, body: Json, channel: str) -> bool:
        """POST a message and read what comes; whether it was taken. Raises ``Lost`` for a request that was not."""
        is_request = "method" in body and "id" in body
        try:
            async with self._response("POST", raw, self._request_headers.of(body), channel) as response:
                if body.get("method") == "initialize" and response.is_success:
                    self._session = _raw_header(response.headers, SESSION_ID)
                cursor = _Cursor()
                await self._read(response, channel, cursor)
                if is_request and not response.is_success:
                    raise Lost(self._requests.status(response, channel))
            if is_request:
                await self._resume(cursor, channel, id_key(body["id"]))
            return response.is_success
        except CutOff:
            self._entries.close()
            return False
        except Unreachable:
            self._entries.close()
            raise
        except Lost:
            if is_request:
                raise
            return False

    def _response(
        self, method: str, raw: bytes | None, headers: Mapping[str, str], channel: str
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """The head of a response to a request of this session. Raises as ``Requests.response``."""
        return self._requests.response(method, raw, {**self._session_headers(), **headers}, channel)

    # --- what comes

    async def _read(self, response: httpx2.Response, channel: str, cursor: _Cursor) -> None:
        """Record what a response carries; the cursor then says where its stream may be resumed.

        Raises ``CutOff`` where more comes than the harness takes, and what ``httpx2`` raises when the connection breaks
        for good.
        """
        kind = media_type(response)
        if kind == EVENT_STREAM:
            await self._read_events(response, channel, cursor)
            return
        cursor.last = ""
        data = await self._requests.body(response, channel)
        if kind == "application/json" and data.strip():
            self._requests.keep_words(data, channel)
            entry = self.transcript.receive(Side.SERVER, data, channel)
            if entry is None:
                raise CutOff
            self._arrive(entry)
        else:
            self._requests.note_body(data, kind, channel)

    async def _read_events(self, response: httpx2.Response, channel: str, cursor: _Cursor) -> None:
        try:
            async for event, entry in read_events(response.aiter_bytes(), self.transcript, channel):
                if event.id is not None and not self._revision.modern:
                    cursor.last = event.id
                if event.retry is not None:
                    cursor.retry = max(event.retry / 1000, _LEAST_RETRY)
                if entry is not None:
                    self._arrive(entry)
        except BROKEN as error:
            # A server may close the connection in any way once there is an id to go on from.
            if not cursor.last:
                raise
            self._requests.failed(channel, error)

    def _arrive(self, entry: Entry) -> None:
        """Hand on what came, which is recorded already, unless it is one message said twice."""
        for body in objects_in(entry.parse().value):
            if "method" not in body:
                self._answered.add(id_key(body.get("id")))
                if self._revision.modern:
                    self._request_headers.learn(body.get("result"))
        if self._repeats.is_repeat(entry):
            return
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._entries.send_nowait(entry)

    async def _resume(self, cursor: _Cursor, channel: str, key: tuple[str, object] | None = None) -> None:
        """Take up a stream again, whenever the server has closed it, until it brings the response to the request with
        this key, the request is cancelled, or the connection ends (basic/transports "Sending Messages to the Server").

        Whoever waits for the response bounds how long that goes on.
        """

        def needed() -> bool:
            over = self._ending.is_set() or key in self._answered or key in self._given_up
            return bool(cursor.last) and not over

        try:
            while needed():
                if key is not None:
                    self._retries[channel] = cursor.retry
                with anyio.move_on_after(cursor.retry):
                    await self._ending.wait()
                if needed():
                    await self._take_up(cursor, channel)
        finally:
            self._retries.pop(channel, None)

    async def _take_up(self, cursor: _Cursor, channel: str) -> None:
        """Read the next part of a stream. Raises ``Lost`` where there is none."""
        headers = {ACCEPT: EVENT_STREAM, "Last-Event-ID": cursor.last}
        async with self._response("GET", None, headers, channel) as response:
            if not response.is_success:
                await self._requests.note_words(response, channel)
                raise Lost(f"its stream could not be resumed: {self._requests.status(response, channel)}")
            await self._read(response, channel, cursor)

    async def _listen(self) -> None:
        """Read the standalone stream, where the server offers one."""
        channel, cursor = self._new_channel("GET"), _Cursor()
        try:
            async with self._response("GET", None, {ACCEPT: EVENT_STREAM}, channel) as response:
                self._listening.set()
                if response.is_success:
                    await self._read(response, channel, cursor)
                else:
                    await self._requests.note_words(response, channel)
            await self._resume(cursor, channel)
        except CutOff:
            self._entries.close()
        except Lost:
            pass  # it is in the transcript
        finally:
            self._listening.set()

    def _session_headers(self) -> dict[str, str | bytes]:
        """What follows from the beginning of the session, in the legacy era."""
        headers: dict[str, str | bytes] = {} if self._session is None else {SESSION_ID: self._session}
        if self._revision.version_header and not self._revision.modern and self._answered:
            headers[PROTOCOL_VERSION] = self._revision.name
        return headers


def _raw_header(headers: httpx2.Headers, wanted: str) -> bytes | None:
    """The value of a header, as bytes; ``None`` where there is none."""
    found = [value for name, value in headers.raw if name.lower() == wanted.lower().encode()]
    return b", ".join(found) if found else None
