"""Streamable HTTP, the server's end: an endpoint for each start of the client under test, for this machine alone.

basic/transports "Streamable HTTP" of each revision; 2026-07-28: basic/transports/streamable-http.
"""

from __future__ import annotations

import json
import math
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import anyio
import uvicorn
from anyio.abc import TaskGroup
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from ...protocol.jsonrpc import id_key
from ...protocol.revisions import NAMES, Revision
from ...protocol.http_headers import KEPT, PROTOCOL_VERSION, SESSION_ID, Headers, request_fault, version_fault, version_in
from ..lines import MAX_BYTES, MAX_LINES
from ...transcript.transcript import Entry, Side, Transcript
from ...protocol.json_text import parse

_HOST = "127.0.0.1"
_PATH = "/mcp"
#: sessions that one start of a client may open; some open one for each call
_MOST_SESSIONS = 500
#: how long what a client sent last may take to arrive once it has ended, in seconds
_SETTLING = 0.1
#: longer than any client is silent, in seconds: a connection that closes just as it is used again loses a message
_KEEP_ALIVE = 3600
#: how long answers may take to be written in the end, in seconds
_SHUTDOWN = 1

_JSON = "application/json"
_EVENTS = "text/event-stream"

Json = dict[str, Any]
NewTranscript = Callable[[], Transcript]
Serve = Callable[["HttpServerWire"], Coroutine[Any, Any, None]]


class Post:
    """One POST that is to be answered: it waits for the responses to its requests, on a stream that carries what
    belongs to them too."""

    def __init__(self, channel: str, requests: Sequence[Json]) -> None:
        self.channel = channel
        self._waiting = [id_key(request["id"]) for request in requests]
        self._writer, self._reader = anyio.create_memory_object_stream[bytes](math.inf)

    def waits_for(self, id: object) -> bool:
        return id_key(id) in self._waiting

    def put(self, raw: bytes) -> None:
        self._writer.send_nowait(raw)

    def settle(self, id: object) -> None:
        """The response to this request was put; the last one ends the stream."""
        self._waiting.remove(id_key(id))
        if not self._waiting:
            self.close()

    def close(self) -> None:
        self._waiting.clear()
        self._writer.close()

    async def messages(self) -> AsyncIterator[bytes]:
        async for raw in self._reader:
            yield raw


class HttpServerWire:
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
        body, _ = parse(raw)
        is_response = isinstance(body, dict) and "method" not in body
        id = body["id"] if is_response else self.call
        post = next((post for post in self._posts if post.waits_for(id)), None)
        if post is None:
            return False
        self.transcript.record(Side.SERVER, raw, post.channel)
        post.put(raw)
        if is_response:
            post.settle(id)
        return True

    async def messages(self) -> AsyncIterator[Entry]:
        """What the client posts, until the session ends."""
        async for entry in self._reader:
            yield entry

    def channel(self, method: str) -> str:
        """A name for the next HTTP exchange."""
        self._exchanges += 1
        return f"{method} {self._exchanges}"

    def take(self, entry: Entry) -> Post | None:
        """Hand on what the client posted; returns the POST where there is something to answer."""
        bodies = entry.parsed if isinstance(entry.parsed, list) else [entry.parsed]
        requests = [body for body in bodies if isinstance(body, dict) and "method" in body and "id" in body]
        post = Post(entry.channel, requests) if requests else None
        if post is not None:
            self._posts.append(post)
        self._writer.send_nowait(entry)
        return post

    def drop(self, post: Post) -> None:
        """The POST was answered, or the client has hung up."""
        post.close()
        self._posts.remove(post)

    def end(self) -> None:
        self.ended.set()
        self._writer.close()
        for post in self._posts:
            post.close()


class Refused(Exception):
    """A POST does not come to the server."""

    def __init__(self, status: int, code: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code


class Endpoint:
    """What answers at our URL, an ASGI application; the eras have one each."""

    absent = "sent nothing to our URL"
    stray = "it posted"

    def __init__(
        self,
        port: int,
        new_transcript: NewTranscript,
        serve: Serve,
        tasks: TaskGroup,
    ) -> None:
        self.words = [f"http://{_HOST}:{port}{_PATH}"]
        self._ours = {f"{host}:{port}" for host in (_HOST, "localhost")}
        self._new_transcript = new_transcript
        self._serve = serve
        self._tasks = tasks
        self._wires: list[HttpServerWire] = []
        self._bytes = self._posts = 0

    async def client_ended(self) -> None:
        """End the sessions of a client that has gone, which HTTP does not tell."""
        await anyio.sleep(_SETTLING)
        self._end_all()

    def _end_all(self) -> None:
        for wire in self._wires:
            wire.end()

    def _open(self, id: str | None = None) -> HttpServerWire:
        wire = HttpServerWire(self._new_transcript(), id)
        self._wires.append(wire)
        self._tasks.start_soon(self._serve, wire)
        return wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            if not self._is_local(request):
                await _reply(send, 403)
            elif request.url.path != _PATH:
                await _reply(send, 404)
            elif request.method == "POST":
                await self._post(request, send)
            else:
                await self._other(request, send)
        except ClientDisconnect:
            pass
        except Exception as error:  # a bug of ours, which uvicorn would make the client's trouble
            self._tasks.start_soon(_fail, error)

    def _is_local(self, request: Request) -> bool:
        """Whether it is no page in a browser that was made to call us (DNS rebinding)."""
        origin = request.headers.get("origin")
        hosts = [request.headers.get("host"), *([] if origin is None else [origin.removeprefix("http://")])]
        return all(host in self._ours for host in hosts)

    async def _post(self, request: Request, send: Send) -> None:
        headers, raw = _kept(request), await self._body(request)
        body, fault = parse(raw)
        wire = self._wire_for(headers, body)
        if wire is None or self._posts > MAX_LINES or self._bytes > MAX_BYTES:
            await self._stop(send)
            return
        entry = wire.transcript.record(Side.CLIENT, raw, wire.channel("POST"))
        mark = partial(wire.transcript.mark, "http", exchange=entry.channel, method="POST", headers=headers)
        try:
            if not isinstance(body, dict | list):
                raise Refused(400, -32700, fault or "a JSON-RPC message is an object")
            self._check(wire, headers, body)
        except Refused as refusal:
            mark(status=refusal.status)
            id = body.get("id") if isinstance(body, dict) and "method" in body else None
            error = {"jsonrpc": "2.0", "id": id, "error": {"code": refusal.code, "message": str(refusal)}}
            answer = json.dumps(error).encode()
            wire.transcript.record(Side.SERVER, answer, entry.channel)
            await _reply(send, refusal.status, _JSON, answer)
            return
        post = wire.take(entry)
        if post is None:
            mark(status=202)
            await _reply(send, 202)
            return
        try:
            await _unless_hung_up(request, partial(self._answer, wire, post, body, mark, send))
        finally:
            wire.drop(post)

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        self._posts += 1
        async for chunk in request.stream():
            self._bytes += len(chunk)
            if self._bytes > MAX_BYTES:
                break
            body += chunk
        return bytes(body)

    async def _stop(self, send: Send) -> None:
        """Too much came: say so, and take no more."""
        for wire in self._wires:
            if not wire.ended.is_set():
                wire.transcript.mark("flooded", bytes=self._bytes, lines=self._posts)
        self._end_all()
        await _reply(send, 429)

    # --- what each era does in its own way

    def _wire_for(self, headers: Headers, body: Any) -> HttpServerWire | None:
        """Where an exchange belongs; ``None`` where there are too many sessions."""
        raise NotImplementedError

    def _check(self, wire: HttpServerWire, headers: Headers, body: Any) -> None:
        """Raise ``Refused`` for a POST that does not come to the server."""
        raise NotImplementedError

    async def _answer(
        self, wire: HttpServerWire, post: Post, body: Any, mark: Callable[..., object], send: Send
    ) -> None:
        """Write the answer to a POST with requests."""
        raise NotImplementedError

    async def _other(self, request: Request, send: Send) -> None:
        """Answer what is no POST."""
        raise NotImplementedError


class LegacyEndpoint(Endpoint):
    """Sessions that begin with ``initialize``; what is posted outside of any stands alone.

    A request that lacks the session's id is served all the same, as servers may: so the rest can be judged too.
    """

    def _wire_for(self, headers: Headers, body: Any) -> HttpServerWire | None:
        given = headers.get(SESSION_ID.lower())
        method = body.get("method") if isinstance(body, dict) else None
        if len(self._wires) >= _MOST_SESSIONS:
            return None
        if given is None and method == "initialize":
            wire = self._open(secrets.token_urlsafe())
            wire.transcript.mark("session", id=wire.id)
            return wire
        sessions = [wire for wire in self._wires if wire.id is not None]
        found = [wire for wire in sessions if wire.id == given]
        if not found and method != "server/discover" and version_in(body) is None:
            # Who forgets or garbles the id means its last session.
            found = [wire for wire in sessions if not wire.ended.is_set()][-1:]
        return found[0] if found else self._open()

    def _check(self, wire: HttpServerWire, headers: Headers, body: Any) -> None:
        given, version = headers.get(SESSION_ID.lower()), headers.get(PROTOCOL_VERSION.lower())
        if wire.ended.is_set():
            raise Refused(404, -32600, "the session has ended")
        if given is not None and given != wire.id:
            raise self._rejected(wire, 404, "there is no such session")
        if wire.id is not None and version is not None and version not in NAMES:
            raise self._rejected(wire, 400, f"there is no protocol version {version!r}")

    def _rejected(self, wire: HttpServerWire, status: int, why: str) -> Refused:
        wire.transcript.mark("rejected", why=why)
        return Refused(status, -32600, why)

    async def _answer(
        self, wire: HttpServerWire, post: Post, body: Any, mark: Callable[..., object], send: Send
    ) -> None:
        if wire.id is None and isinstance(body, dict):
            await _write_whole(post, mark, send)
            wire.end()
            return
        opens = isinstance(body, dict) and body.get("method") == "initialize"
        mark(status=200)
        await _write_stream(post, send, {SESSION_ID: wire.id} if opens and wire.id else {})

    async def _other(self, request: Request, send: Send) -> None:
        headers, method = _kept(request), request.method
        wire = self._wire_for(headers, None)
        if wire is None:
            await self._stop(send)
            return
        try:
            self._check(wire, headers, None)
            status = 200 if method in ("GET", "DELETE") and wire.id is not None else 405
        except Refused as refusal:
            status = refusal.status
        channel = wire.channel(method)
        wire.transcript.mark("http", exchange=channel, method=method, headers=headers, status=status)
        if status == 200 and method == "GET":
            await _start(send, 200, {"Content-Type": _EVENTS, "Cache-Control": "no-cache"})
            await _unless_hung_up(request, wire.ended.wait)
            await _end(send)
            return
        if status == 200:
            wire.end()
        await _reply(send, status)


class ModernEndpoint(Endpoint):
    """No sessions: each POST stands alone, and all have one transcript."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._streams = False  #: whether the last result was streamed: clients must support both forms

    def _wire_for(self, headers: Headers, body: Any) -> HttpServerWire | None:
        return self._wires[0] if self._wires else self._open()

    def _check(self, wire: HttpServerWire, headers: Headers, body: Any) -> None:
        if wire.ended.is_set():
            raise Refused(404, -32600, "the server has ended")
        if isinstance(body, dict) and "method" not in body:
            raise Refused(400, -32600, "a client sends no responses")
        # What has no version in its _meta is the server's to refuse; for notifications no headers are laid down.
        judged = isinstance(body, dict) and "id" in body and version_in(body) is not None
        if judged and (fault := version_fault(headers, body) or request_fault(headers, body)):
            wire.transcript.mark("rejected", why=fault)
            raise Refused(400, -32020, f"Header mismatch: {fault}")

    async def _answer(
        self, wire: HttpServerWire, post: Post, body: Any, mark: Callable[..., object], send: Send
    ) -> None:
        if isinstance(body, list):
            mark(status=200)
            await _write_stream(post, send)
            return
        self._streams = not self._streams
        await _write_whole(post, mark, send, as_stream=self._streams)

    async def _other(self, request: Request, send: Send) -> None:
        wire = self._wire_for({}, None)
        assert wire is not None
        channel = wire.channel(request.method)
        wire.transcript.mark("http", exchange=channel, method=request.method, headers=_kept(request), status=405)
        await _reply(send, 405)


# --- responses


def _kept(request: Request) -> Headers:
    """The headers to keep, by name in lower case; one that came in several lines as one."""
    given = {name.lower(): request.headers.getlist(name) for name in KEPT}
    return {name: ", ".join(values) for name, values in given.items() if values}


async def _unless_hung_up(request: Request, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work to its end, or until the client closes the connection."""

    async def watch(scope: anyio.CancelScope) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope)
        await work()
        tasks.cancel_scope.cancel()


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body})


async def _reply(send: Send, status: int, content_type: str | None = None, body: bytes = b"") -> None:
    headers = {"Content-Length": str(len(body))} | ({"Content-Type": content_type} if content_type else {})
    await _start(send, status, headers)
    await _end(send, body)


async def _write_stream(post: Post, send: Send, headers: Mapping[str, str] = {}) -> None:
    """Write each message as an event as soon as there is one."""
    await _start(send, 200, {"Content-Type": _EVENTS, "Cache-Control": "no-cache", **headers})
    async for raw in post.messages():
        await send({"type": "http.response.body", "body": _event(raw), "more_body": True})
    await _end(send)


async def _write_whole(post: Post, mark: Callable[..., object], send: Send, as_stream: bool = False) -> None:
    """Write the one message that there will be, an error with the status that says so."""
    async for raw in post.messages():
        error = parse(raw)[0].get("error")
        status = 200 if error is None else 404 if error["code"] == -32601 else 400
        mark(status=status)
        if as_stream and error is None:
            await _reply(send, status, _EVENTS, _event(raw))
        else:
            await _reply(send, status, _JSON, raw)
        return
    mark(status=503)
    await _reply(send, 503)


def _event(raw: bytes) -> bytes:
    return b"event: message\ndata: " + raw + b"\n\n"


# --- the server


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's


@asynccontextmanager
async def http_entrance(revision: Revision, new_transcript: NewTranscript, serve: Serve) -> AsyncIterator[Endpoint]:
    """An endpoint on a free port; ``serve`` runs for each session."""
    with socket.create_server((_HOST, 0)) as listener:
        async with anyio.create_task_group() as tasks:
            kind = ModernEndpoint if revision.modern else LegacyEndpoint
            endpoint = kind(listener.getsockname()[1], new_transcript, serve, tasks)
            server = _Server(
                uvicorn.Config(
                    endpoint,
                    http="h11",
                    ws="none",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    timeout_keep_alive=_KEEP_ALIVE,
                    timeout_graceful_shutdown=_SHUTDOWN,
                )
            )
            tasks.start_soon(_run, server, listener)
            try:
                yield endpoint
            finally:
                server.should_exit = True
                endpoint._end_all()


async def _fail(error: Exception) -> None:
    raise error


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    with anyio.CancelScope(shield=True):  # so that it closes what it has opened; it does so in bounded time
        await server.serve(sockets=[listener])
