"""HTTP responses of our endpoint, written as an ASGI application does and noted in the transcript."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.requests import Request
from starlette.types import Send

from ...protocol.http_headers import KEPT, Headers
from ...transcript.events import HttpExchange
from ...transcript.transcript import Transcript
from ..event_stream import EVENT_STREAM
from .sessions import Form, Outgoing, Post

JSON = "application/json"
#: the status that goes with a JSON-RPC error; 400 with any other
_STATUS = {-32601: 404}


class Response:
    """The response to one HTTP request. It is noted in the transcript when its head is written."""

    def __init__(self, request: Request, send: Send, transcript: Transcript, channel: str) -> None:
        self.channel = channel  #: the name of the exchange: "POST 3"
        self._request = request
        self._send = send
        self._transcript = transcript

    async def reply(self, status: int, content_type: str | None = None, body: bytes = b"") -> None:
        """Write a whole response."""
        headers = _whole(content_type, body)
        self._note(status, headers)
        await _start(self._send, status, headers)
        await self.end(body)

    async def start_stream(self, headers: Mapping[str, str] = {}) -> None:
        """Write the head of an event stream."""
        headers = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-cache", **headers}
        self._note(200, headers)
        await _start(self._send, 200, headers)

    async def end(self, body: bytes = b"") -> None:
        """Write the last part of the body."""
        await _end(self._send, body)

    async def stream(self, post: Post, headers: Mapping[str, str] = {}) -> None:
        """Write each message as soon as there is one; those that were put together go together."""
        await self.start_stream(headers)
        async for message in post.messages():
            await self._write(message, post)
        await self.end()

    async def whole(self, post: Post) -> None:
        """Write the one message that there will be, an error with the status that says so; where it turns out that
        there are more, a stream of them."""
        streamed = False
        async for message in post.messages():
            if post.form is not Form.STREAM:
                status = 200 if message.error is None else _STATUS.get(message.error["code"], 400)
                await self.reply(status, EVENT_STREAM if message.framed else JSON, message.raw)
                return
            if not streamed:
                await self.start_stream()
                streamed = True
            await self._write(message, post)
        await (self.end() if streamed else self.reply(503))

    async def _write(self, message: Outgoing, post: Post) -> None:
        """Write a message, and what was put besides, in one piece."""
        raw = b"".join(each.raw for each in (message, *post.waiting()))
        await self._send({"type": "http.response.body", "body": raw, "more_body": True})

    def _note(self, status: int, headers: Mapping[str, str]) -> None:
        given = {name.lower(): value for name, value in headers.items()}
        request = self._request
        self._transcript.note(HttpExchange(self.channel, request.method, status, kept_headers(request), given))


async def reply_unnoted(send: Send, status: int) -> None:
    """The whole response to a request that belongs to no transcript."""
    await _start(send, status, _whole(None, b""))
    await _end(send, b"")


def kept_headers(request: Request) -> Headers:
    """The headers to keep, by name in lower case; one that came in several lines as one."""
    given = {name.lower(): request.headers.getlist(name) for name in KEPT}
    return {name: ", ".join(values) for name, values in given.items() if values}


async def unless_hung_up(request: Request, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work to its end, or until the client closes the connection."""

    async def watch(scope: anyio.CancelScope) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope)
        await work()
        tasks.cancel_scope.cancel()


def _whole(content_type: str | None, body: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(body))} | ({"Content-Type": content_type} if content_type else {})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _end(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body})
