"""What answers at our URL, whatever the era: who is served, what is recorded, and how much is too much.

basic/transports "Streamable HTTP" of each revision; 2026-07-28: basic/transports/streamable-http.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from ...protocol.http_headers import Headers
from ...protocol.json_text import parse
from ...protocol.jsonrpc import objects_in
from ...transcript.limits import HTTP_REQUESTS, MESSAGE_BYTES, SESSIONS, Limit
from ...transcript.transcript import Side, Transcript
from ..tasks import Tasks
from .responses import JSON, Response, kept_headers, reply_unnoted, unless_hung_up
from .sessions import Form, HttpToClient, Post

#: the endpoint is for this machine alone
HOST = "127.0.0.1"
_PATH = "/mcp"
#: how long what a client sent last may take to arrive once it has ended, in seconds
_SETTLING = 0.1
#: and how many turns our own event loop takes for that, which is late itself on a busy machine
_TURNS = 5

_TOO_LONG = Limit(MESSAGE_BYTES, "bytes in one HTTP body")
_TOO_MANY_REQUESTS = Limit(HTTP_REQUESTS, "HTTP requests of one start of the client")
_TOO_MANY_SESSIONS = Limit(SESSIONS, "sessions of one start of the client")

NewTranscript = Callable[[], Transcript]
Serve = Callable[[HttpToClient], Coroutine[Any, Any, None]]


class Refused(Exception):
    """A POST does not come to the server."""

    def __init__(self, status: int, code: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code  #: of the JSON-RPC error in the body


class Endpoint:
    """An ASGI application; the eras have one each."""

    absent = "sent nothing to our URL"  #: what a client did that never came, as a predicate
    stray = "it posted"  #: how one sends what is no message, as a clause

    def __init__(self, port: int, new_transcript: NewTranscript, serve: Serve, tasks: Tasks) -> None:
        self.words = [f"http://{HOST}:{port}{_PATH}"]  #: what a client is given
        self.sessions: list[HttpToClient] = []
        self._ours = {f"{host}:{port}" for host in (HOST, "localhost")}
        self._new_transcript = new_transcript
        self._serve = serve
        self._tasks = tasks
        self._requests = 0

    async def client_ended(self) -> None:
        """End the sessions of a client that has gone, which HTTP does not tell."""
        for _ in range(_TURNS):
            await anyio.sleep(_SETTLING / _TURNS)
        self.end_all()

    def end_all(self) -> None:
        """End all sessions."""
        for session in self.sessions:
            session.end()

    def open(self, id: str | None = None) -> HttpToClient:
        """A new session, which is served from here on."""
        session = HttpToClient(self._new_transcript(), id)
        self.sessions.append(session)
        self._tasks.start_soon(self._served, session)
        return session

    async def _served(self, session: HttpToClient) -> None:
        try:
            await self._serve(session)
        finally:
            session.end()  # nobody answers any more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        self._requests += 1
        try:
            if self._requests > HTTP_REQUESTS:
                await self.stop(send, _TOO_MANY_REQUESTS)
            elif not self._is_local(request):
                await reply_unnoted(send, 403)
            elif request.url.path != _PATH:
                await reply_unnoted(send, 404)
            elif len(self.sessions) > SESSIONS:
                await self.stop(send, _TOO_MANY_SESSIONS)
            elif request.method == "POST":
                await self._post(request, send)
            else:
                await self.answer_other(request, send)
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
        headers, raw = kept_headers(request), await self._body(request)
        if raw is None:
            await self.stop(send, _TOO_LONG)
            return
        parsed = parse(raw)
        body = parsed.value
        session = self.session_for(headers, body)
        entry = session.transcript.receive(Side.CLIENT, raw, session.new_channel("POST"))
        if entry is None:
            session.end()
            await reply_unnoted(send, 429)
            return
        response = Response(request, send, session.transcript, entry.channel)
        try:
            if not isinstance(body, dict | list):
                raise Refused(400, -32700, parsed.fault or "a JSON-RPC message is an object")
            self.check(session, headers, body)
        except Refused as refusal:
            id = body.get("id") if isinstance(body, dict) and "method" in body else None
            error = {"jsonrpc": "2.0", "id": id, "error": {"code": refusal.code, "message": str(refusal)}}
            answer = json.dumps(error).encode()
            session.transcript.record(Side.SERVER, answer, entry.channel)
            await response.reply(refusal.status, JSON, answer)
            return
        requests = [message for message in objects_in(body) if "method" in message and "id" in message]
        if not requests:
            session.take(entry)
            await response.reply(202)
            return
        post = Post(entry.channel, requests, self.form(session, body))
        session.await_responses(post)
        session.take(entry)
        try:
            await unless_hung_up(request, partial(self.answer, session, post, body, response))
        finally:
            session.drop(post, entry.channel)

    async def _body(self, request: Request) -> bytes | None:
        """The body of a request; ``None`` where it is too long."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MESSAGE_BYTES:
                return None
        return bytes(body)

    async def stop(self, send: Send, limit: Limit) -> None:
        """Too much came: say so, and take no more."""
        for session in self.sessions or [self.open()]:
            if not session.ended.is_set():
                session.transcript.reached(limit)
        self.end_all()
        await reply_unnoted(send, 429)

    # --- what each era does in its own way

    def session_for(self, headers: Headers, body: Any) -> HttpToClient:
        """Where an exchange belongs."""
        raise NotImplementedError

    def check(self, session: HttpToClient, headers: Headers, body: Any) -> None:
        """Raise ``Refused`` for a POST that does not come to the server."""
        raise NotImplementedError

    def form(self, session: HttpToClient, body: Any) -> Form:
        """What the answer to a POST with requests looks like."""
        raise NotImplementedError

    async def answer(self, session: HttpToClient, post: Post, body: Any, response: Response) -> None:
        """Write the answer to a POST with requests."""
        raise NotImplementedError

    async def answer_other(self, request: Request, send: Send) -> None:
        """Answer what is no POST."""
        raise NotImplementedError


async def _fail(error: Exception) -> None:
    raise error
