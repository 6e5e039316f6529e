"""Streamable HTTP, the client's end: each message a POST, answered in its body or by the events of its stream.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http. The transcript has for every HTTP
exchange a mark with its status and headers, and for every message the exchange that carried it as its channel. Nothing
is repaired: what cannot be read is recorded as it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2
from anyio.abc import TaskGroup

from ...protocol.jsonrpc import id_key
from ...protocol.revisions import Revision
from ...protocol.http_headers import ACCEPT, METHOD, NAME, NAMED, PROTOCOL_VERSION, SESSION_ID, version_in
from ...transcript.transcript import Entry, Side, Transcript

#: response headers that a transcript keeps
_KEPT = ("content-type", "location", "mcp-session-id", "allow", "www-authenticate")
#: bytes read of one exchange at most
FLOOD = 64 * 1024 * 1024
_MAX_REDIRECTS = 3
_MAX_RESUMPTIONS = 5
#: how long the standalone stream is waited for before the first call, and a session's end, in seconds
_LISTEN_SECONDS = 1.0
_DELETE_SECONDS = 1.0
#: how long to wait before a stream is resumed where the server did not say, in seconds
_RETRY_SECONDS = 0.1
_BODY_SHOWN = 300


class Lost(Exception):
    """An exchange ended in a way that leaves its request unanswered."""


class HttpWire:
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
        self._first_on: dict[bytes, str] = {}  #: what came, and on which stream first
        self._bodies: dict[str, str] = {}  #: the beginning of what an exchange's body said
        self._mirrored: dict[str, dict[str, tuple[str, ...]]] = {}  #: header to path in the arguments, by tool
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
        if "method" in body and "id" in body:
            self._tasks.start_soon(self._request, raw, body, channel)
            return True
        taken = False
        with suppress(Lost):
            taken = await self._exchange(raw, body, channel)
        if body.get("method") == "notifications/initialized" and taken:
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
        if self._session is not None:
            with anyio.move_on_after(_DELETE_SECONDS), suppress(httpx2.HTTPError, Lost):
                async with self._response("DELETE", None, {}, self._new_channel("DELETE")):
                    pass
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
    def tail(self) -> str:
        return ""

    async def exit_code(self) -> int | None:
        return None

    # --- exchanges

    def _new_channel(self, method: str) -> str:
        self._exchanges += 1
        return f"{method} {self._exchanges}"

    async def _request(self, raw: bytes, body: dict[str, Any], channel: str) -> None:
        """An exchange that a response is due in."""
        key = id_key(body["id"])
        self._answered.discard(key)
        why = "the exchange ended without a response"
        try:
            await self._exchange(raw, body, channel)
        except Lost as loss:
            why = str(loss)
        if key not in self._answered:
            self._lose(key, why)

    async def _exchange(self, raw: bytes, body: dict[str, Any], channel: str) -> bool:
        """POST a message and read what comes; whether it was taken. Raises ``Lost`` for a request that was not."""
        is_request = "method" in body and "id" in body
        try:
            async with self._response("POST", raw, self._headers(body), channel) as response:
                if body.get("method") == "initialize" and response.is_success:
                    self._session = response.headers.get(SESSION_ID)
                resume = await self._read(response, channel)
                if is_request and not response.is_success:
                    said = self._bodies.get(channel, "")
                    raise Lost(f"HTTP {response.status_code} {response.reason_phrase} {said}".strip())
            if is_request and resume and id_key(body["id"]) not in self._answered:
                await self._resume(resume, id_key(body["id"]), channel)
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
        self.transcript.mark("http-failed", exchange=channel, error=_words(error))

    @asynccontextmanager
    async def _response(
        self, method: str, raw: bytes | None, headers: Mapping[str, str], channel: str
    ) -> AsyncIterator[httpx2.Response]:
        """The head of a response, redirects within the origin followed. Raises ``Lost`` for any others."""
        url = self._url
        headers = {**self._session_headers(), **headers}
        for _ in range(_MAX_REDIRECTS):
            async with self._client.stream(method, url, content=raw, headers=headers) as response:
                kept = {name: value for name in _KEPT if (value := response.headers.get(name)) is not None}
                status = response.status_code
                self.transcript.mark("http", exchange=channel, method=method, status=status, headers=kept)
                if not response.has_redirect_location:
                    yield response
                    return
                target = url.join(response.headers["location"])
                if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
                    raise Lost(f"HTTP {status}, a redirect to another origin: {target}")
                url = target
        raise Lost(f"more than {_MAX_REDIRECTS} redirects")

    async def _read(self, response: httpx2.Response, channel: str) -> tuple[str, float] | None:
        """Record what a response carries; where its stream may be resumed after the end, from what and how soon."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            return await self._read_events(response, channel)
        data = b""
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > FLOOD:
                self.transcript.mark("flooded", bytes=len(data))
                raise Lost(f"a body of more than {FLOOD} bytes")
        self._bodies[channel] = data[:_BODY_SHOWN].decode("utf-8", "replace").strip()
        if kind == "application/json" and data.strip():
            self._arrive(data, channel)
        elif data.strip():
            self.transcript.mark("http-body", exchange=channel, content_type=kind, body=self._bodies[channel])
        return None

    async def _read_events(self, response: httpx2.Response, channel: str) -> tuple[str, float] | None:
        last, retry, size = "", _RETRY_SECONDS, 0
        async for event in httpx2.EventSource(response, max_event_size=FLOOD):
            last = event.id or last
            retry = event.retry / 1000 if event.retry is not None else retry
            size += len(event.data)
            if size > FLOOD:
                self.transcript.mark("flooded", bytes=size)
                raise Lost(f"a stream of more than {FLOOD} bytes")
            if event.event == "message" and event.data:
                self._arrive(event.data.encode("utf-8", "surrogatepass"), channel)
        return (last, retry) if last and not self._revision.modern else None

    def _arrive(self, data: bytes, channel: str) -> None:
        entry = self.transcript.record(Side.SERVER, data, channel)
        for body in entry.parsed if isinstance(entry.parsed, list) else [entry.parsed]:
            if isinstance(body, dict) and "method" not in body:
                self._answered.add(id_key(body.get("id")))
                self._learn(body.get("result"))
        # What comes on a second stream too is one message, said twice.
        if self._first_on.setdefault(data, channel) == channel:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                self._entries.send_nowait(entry)

    async def _resume(self, resume: tuple[str, float], key: tuple[str, object], channel: str) -> None:
        """Take up a stream that the server closed before the response (basic/transports "Resumability")."""
        last, retry = resume
        for _ in range(_MAX_RESUMPTIONS):
            await anyio.sleep(retry)
            headers = {ACCEPT: "text/event-stream", "Last-Event-ID": last}
            async with self._response("GET", None, headers, channel) as response:
                again = await self._read(response, channel) if response.is_success else None
            if key in self._answered or again is None:
                return
            last, retry = again

    async def _listen(self) -> None:
        """Read the standalone stream, where the server offers one."""
        channel = self._new_channel("GET")
        try:
            async with self._response("GET", None, {ACCEPT: "text/event-stream"}, channel) as response:
                self._listening.set()
                if response.is_success:
                    await self._read(response, channel)
        except (httpx2.HTTPError, Lost) as error:
            self._failed(channel, error)
        finally:
            self._listening.set()

    # --- headers

    def _session_headers(self) -> dict[str, str]:
        """What follows from the beginning of the session, in the legacy era."""
        headers = {} if self._session is None else {SESSION_ID: self._session}
        if self._revision.version_header and not self._revision.modern and self._answered:
            headers[PROTOCOL_VERSION] = self._revision.name
        return headers

    def _headers(self, body: dict[str, Any]) -> dict[str, str]:
        headers = {ACCEPT: "application/json, text/event-stream", "Content-Type": "application/json"}
        version, method = version_in(body), body.get("method")
        if version is None or not isinstance(method, str):
            return headers
        params = body["params"]
        headers |= {PROTOCOL_VERSION: version, METHOD: method}
        if (named := NAMED.get(method)) and isinstance(params.get(named), str):
            headers[NAME] = _encoded(params[named])
        if method == "tools/call":
            headers |= self._mirrors(params.get("name"), params.get("arguments"))
        return headers

    def _mirrors(self, tool: object, arguments: object) -> dict[str, str]:
        """The arguments that a tool wants repeated as headers (2026-07-28 "Custom Headers from Tool Parameters")."""
        found = {}
        for header, path in self._mirrored.get(tool, {}).items() if isinstance(tool, str) else ():
            value: Any = arguments
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, bool):
                found[header] = str(value).lower()
            elif isinstance(value, str | int):
                found[header] = _encoded(str(value))
        return found

    def _learn(self, result: object) -> None:
        """Note what the tools of a list want repeated as headers."""
        tools = result.get("tools") if isinstance(result, dict) and self._revision.modern else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._mirrored[tool["name"]] = dict(_annotated(tool.get("inputSchema"), ()))


def _annotated(schema: object, path: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """The header names under ``x-mcp-header`` in a schema, each with the path of its argument."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    found = []
    for key, value in properties.items() if isinstance(properties, dict) else ():
        name = value.get("x-mcp-header") if isinstance(value, dict) else None
        if isinstance(name, str):
            found.append((f"Mcp-Param-{name}", (*path, key)))
        found += _annotated(value, (*path, key))
    return found


def _encoded(value: str) -> str:
    """A header value, in Base64 where it is not plain ASCII (2026-07-28 "Value Encoding")."""
    plain = value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?base64?")
    return value if plain else f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
