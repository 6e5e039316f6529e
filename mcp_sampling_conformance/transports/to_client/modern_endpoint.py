"""Our URL in the modern era: each POST stands alone.

2026-07-28 basic/transports/streamable-http.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.types import Send

from ...protocol.http_headers import Headers, request_fault, version_fault, version_in
from ...transcript.events import RequestRejected
from .endpoint import Endpoint, Refused
from .responses import Response
from .sessions import Form, HttpToClient, Post

_INVALID_REQUEST, _HEADER_MISMATCH = -32600, -32020


class ModernEndpoint(Endpoint):
    """No sessions: all that a start of the client posts has one transcript."""

    _streamed = False  #: whether the last result was a stream: clients must support both forms

    def session_for(self, headers: Headers, body: Any) -> HttpToClient:
        return self._only_session()

    def _only_session(self) -> HttpToClient:
        return self.sessions[0] if self.sessions else self.open()

    def check(self, session: HttpToClient, headers: Headers, body: Any) -> None:
        if session.ended.is_set():
            raise Refused(404, _INVALID_REQUEST, "the server has ended")
        if isinstance(body, dict) and "method" not in body:
            raise Refused(400, _INVALID_REQUEST, "a client sends no responses")
        # What has no version in its _meta is the server's to refuse; for notifications no headers are laid down.
        judged = isinstance(body, dict) and "id" in body and version_in(body) is not None
        if judged and (fault := version_fault(headers, body) or request_fault(headers, body)):
            session.transcript.note(RequestRejected(fault))
            raise Refused(400, _HEADER_MISMATCH, f"Header mismatch: {fault}")

    def form(self, session: HttpToClient, body: Any) -> Form:
        if isinstance(body, list):
            return Form.STREAM
        self._streamed = not self._streamed
        return Form.EVENT if self._streamed else Form.BODY

    async def answer(self, session: HttpToClient, post: Post, body: Any, response: Response) -> None:
        await (response.stream if post.form is Form.STREAM else response.whole)(post)

    async def answer_other(self, request: Request, send: Send) -> None:
        """There is nothing but POST."""
        session = self._only_session()
        await Response(request, send, session.transcript, session.new_channel(request.method)).reply(405)
