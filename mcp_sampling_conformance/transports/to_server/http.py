"""Streamable HTTP, the client's end: each message a POST, answered in its body or by the events of its stream.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http. The transcript has for every HTTP
exchange an event with its status and headers, and for every message the exchange that carried it as its channel.
Nothing is repaired: what cannot be read is recorded as it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import httpx2
from anyio.abc import TaskGroup

from ...protocol.http_headers import ACCEPT, PROTOCOL_VERSION, SESSION_ID
from ...protocol.jsonrpc import Json, id_key, objects_in, params_of
from ...protocol.names import CANCELLED, INITIALIZED
from ...protocol.revisions import Revision
from ...transcript.events import Flooded, HttpBody, HttpExchange, HttpFailed
from ...transcript.masking import MASKED
from ...transcript.transcript import Entry, Side, Transcript
from ..event_stream import EVENT_STREAM, read_events
from ..lines import MAX_BYTES, MAX_LINES, Flood
from .repeats import Repeats
from .request_headers import RequestHeaders

#: headers that a transcript keeps of one message at most, and the characters of each
_MOST_HEADERS, _LONGEST_HEADER = 64, 8192
#: a password in the URL or in ~/.netrc becomes such a header, and nobody else knows it for a secret
_SECRET = frozenset({"authorization", "proxy-authorization"})
_MAX_REDIRECTS = 3
#: how long the standalone stream is waited for before the first call, and a session's end, in seconds
_LISTEN_SECONDS = 1.0
_DELETE_SECONDS = 1.0
#: how long to wait before a stream is resumed where the server did not say, and at least, in seconds
_RETRY_SECONDS, _LEAST_RETRY = 0.1, 0.02
#: what a server tells us to wait is kept, however long; beyond this it makes no answer of its own late
_LONGEST_PAUSE = 30.0
_BODY_SHOWN = 300


class Lost(Exception):
    """An exchange ended in a way that leaves its request unanswered."""


@dataclass
class _Cursor:
    """Where a stream is to be resumed, and how soon (basic/transports "Resumability and Redelivery")."""

    last: str = ""  #: the id of its last event that had one; nothing: it cannot be resumed
    retry: float = _RETRY_SECONDS


class HttpToServer:
    """One client's exchanges with a server at a URL."""

    def __init__(
        self, url: str, headers: Mapping[str, str], revision: Revision, transcript: Transcript, timeout: float
    ) -> None:
        self.transcript = transcript
        self._lost: dict[tuple[str, object], str] = {}
        self.on_loss: Callable[[], None] = lambda: None
        self._url = httpx2.URL(url)
        self._revision = revision
        self._session: str | None = None
        self._answered: set[tuple[str, object]] = set()
        self._listening = anyio.Event()  #: it is known whether there is a standalone stream
        self._exchanges = 0
        self._repeats = Repeats()
        self._given_up: set[tuple[str, object]] = set()  #: requests of ours that we cancelled
        self._retries: dict[str, float] = {}  #: of the streams that wait to be resumed
        self._ending = anyio.Event()  #: nothing new is to be begun
        self._bodies: dict[str, str] = {}  #: the beginning of what an exchange's body said
        self._request_headers = RequestHeaders()
        self._entries, self._arrived = anyio.create_memory_object_stream[Entry](float("inf"))
        limits = httpx2.Limits(max_connections=None)
        times = httpx2.Timeout(timeout, read=None, pool=None)
        # What is on this machine is not reached through a proxy.
        local = self._url.host in ("127.0.0.1", "localhost", "::1")
        self._client = httpx2.AsyncClient(headers=dict(headers), timeout=times, limits=limits, trust_env=not local)
        self._tasks: TaskGroup

    # --- what the fixture client needs of a wire

    def work(self, tasks: TaskGroup) -> None:
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
        if self._session is not None:
            with anyio.move_on_after(_DELETE_SECONDS), suppress(httpx2.HTTPError, Lost):
                channel = self._new_channel("DELETE")
                async with self._response("DELETE", None, {}, channel) as response:
                    await self._note_words(response, channel)
        self._entries.close()
        await self._client.aclose()

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
        """Nothing: there is no stderr to read."""
        return ""

    async def exit_code(self) -> int | None:
        """``None``: there is no process of the server's to look at."""
        return None

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
                    self._session = response.headers.get(SESSION_ID)
                cursor = _Cursor()
                await self._read(response, channel, cursor)
                if is_request and not response.is_success:
                    raise Lost(self._status(response, channel))
            if is_request:
                await self._resume(cursor, channel, id_key(body["id"]))
            return response.is_success
        except httpx2.ConnectError as error:
            self._failed(channel, error)
            self._entries.close()  # nobody listens there any more
            raise Lost(f"the server cannot be reached ({error})") from error
        except httpx2.HTTPError as error:
            self._failed(channel, error)
            if is_request:
                raise Lost(f"the connection broke: {_words(error)}") from error
            return False

    def _failed(self, channel: str, error: Exception) -> None:
        self.transcript.note(HttpFailed(channel, _words(error)))

    @asynccontextmanager
    async def _response(
        self, method: str, raw: bytes | None, headers: Mapping[str, str], channel: str
    ) -> AsyncIterator[httpx2.Response]:
        """The head of a response, redirects within the origin followed. Raises ``Lost`` for any others."""
        url = self._url
        # What the server gave us, such as the id of an event, may be beyond ASCII.
        ours = httpx2.Headers({**self._session_headers(), **headers}, encoding="utf-8")
        for _ in range(_MAX_REDIRECTS):
            if self._client.is_closed:
                raise Lost("the connection was closed")
            async with self._client.stream(method, url, content=raw, headers=ours) as response:
                status, sent, came = response.status_code, response.request.headers, response.headers
                self.transcript.note(HttpExchange(channel, method, status, _recorded(sent), _recorded(came)))
                if not response.has_redirect_location:
                    yield response
                    return
                target = url.join(response.headers["location"])
                if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
                    raise Lost(f"HTTP {status}, a redirect to another origin: {target}")
                url = target
        raise Lost(f"more than {_MAX_REDIRECTS} redirects")

    # --- what comes

    def _status(self, response: httpx2.Response, channel: str) -> str:
        said = self._bodies.get(channel, "")
        return f"HTTP {response.status_code} {response.reason_phrase} {said}".strip()

    async def _read(self, response: httpx2.Response, channel: str, cursor: _Cursor) -> None:
        """Record what a response carries; the cursor then says where its stream may be resumed.

        Raises ``Lost`` when too much comes, and what ``httpx2`` raises when the connection breaks for good.
        """
        kind = media_type(response)
        if kind == EVENT_STREAM:
            await self._read_events(response, channel, cursor)
            return
        cursor.last = ""
        data = await self._read_body(response, channel)
        if kind == "application/json" and data.strip():
            self._bodies[channel] = _beginning(data)
            self._arrive(self.transcript.record(Side.SERVER, data, channel))
        else:
            self._note_body(data, kind, channel)

    async def _read_body(self, response: httpx2.Response, channel: str) -> bytes:
        """A whole body; of one that comes in part the beginning is noted. Raises as ``_read``."""
        data = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    self.transcript.note(Flooded(len(data)))
                    raise Lost(f"a body of more than {MAX_BYTES} bytes")
        except (httpx2.HTTPError, Lost):
            self._note_body(data, media_type(response), channel)
            raise
        return bytes(data)

    async def _note_words(self, response: httpx2.Response, channel: str) -> None:
        """Note the body of a response that is due no message. Raises as ``_read``."""
        self._note_body(await self._read_body(response, channel), media_type(response), channel)

    def _note_body(self, data: bytes | bytearray, kind: str, channel: str) -> None:
        """Note a body that is no JSON, or what came of one."""
        self._bodies[channel] = _beginning(data)
        if data.strip():
            self.transcript.note(HttpBody(channel, kind, self._bodies[channel]))

    async def _read_events(self, response: httpx2.Response, channel: str, cursor: _Cursor) -> None:
        try:
            async for event, entry in read_events(response.aiter_bytes(), self.transcript, channel):
                if event.id is not None and not self._revision.modern:
                    cursor.last = event.id
                if event.retry is not None:
                    cursor.retry = max(event.retry / 1000, _LEAST_RETRY)
                if entry is not None:
                    self._arrive(entry)
        except Flood:
            raise Lost(f"a stream of more than {MAX_BYTES} bytes or {MAX_LINES} events") from None
        except httpx2.HTTPError as error:
            # A server may close the connection in any way once there is an id to go on from.
            if not cursor.last:
                raise
            self._failed(channel, error)

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
                await self._note_words(response, channel)
                raise Lost(f"its stream could not be resumed: {self._status(response, channel)}")
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
                    await self._note_words(response, channel)
            await self._resume(cursor, channel)
        except (httpx2.HTTPError, Lost) as error:
            self._failed(channel, error)
        finally:
            self._listening.set()

    def _session_headers(self) -> dict[str, str]:
        """What follows from the beginning of the session, in the legacy era."""
        headers = {} if self._session is None else {SESSION_ID: self._session}
        if self._revision.version_header and not self._revision.modern and self._answered:
            headers[PROTOCOL_VERSION] = self._revision.name
        return headers


def media_type(response: httpx2.Response) -> str:
    """What a response says that it carries, in lower case and without parameters: "application/json"."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _recorded(headers: httpx2.Headers) -> dict[str, str]:
    """Headers as a transcript has them: by name in lower case, several of one name joined."""
    found: dict[str, str] = {}
    for name, value in headers.multi_items():
        name = name.lower()
        if name in found:
            found[name] = f"{found[name]}, {value}"[:_LONGEST_HEADER]
        elif len(found) < _MOST_HEADERS:
            found[name] = MASKED if name in _SECRET else value[:_LONGEST_HEADER]
    return found


def _beginning(data: bytes | bytearray) -> str:
    return data[:_BODY_SHOWN].decode("utf-8", "replace").strip()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
