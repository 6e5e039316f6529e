"""Our URL in the legacy era: sessions that begin with ``initialize``.

basic/transports "Session Management".
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.types import Send

from ...protocol.http_headers import PROTOCOL_VERSION, SESSION_ID, Headers, version_in
from ...protocol.revisions import NAMES
from ...transcript.events import RequestRejected, SessionGiven
from .endpoint import Endpoint, Refused
from .responses import Response, kept_headers, unless_hung_up
from .sessions import Form, HttpToClient, Post

_INVALID_REQUEST = -32600


class LegacyEndpoint(Endpoint):
    """Sessions that begin with ``initialize``; what is posted outside of any stands alone.

    A request that lacks the session's id is served all the same, as servers may: so the rest can be judged too.
    """

    def session_for(self, headers: Headers, body: Any) -> HttpToClient:
        given = headers.get(SESSION_ID.lower())
        method = body.get("method") if isinstance(body, dict) else None
        if given is None and method == "initialize":
            id = secrets.token_urlsafe()
            session = self.open(id)
            session.transcript.note(SessionGiven(id))
            return session
        sessions = [session for session in self.sessions if session.id is not None]
        found = [session for session in sessions if session.id == given]
        if not found and method != "server/discover" and version_in(body) is None:
            # A client that forgets or garbles the id is taken to mean its last session.
            found = [session for session in sessions if not session.ended.is_set()][-1:]
        return found[0] if found else self.open()

    def check(self, session: HttpToClient, headers: Headers, body: Any) -> None:
        given, version = headers.get(SESSION_ID.lower()), headers.get(PROTOCOL_VERSION.lower())
        if session.ended.is_set():
            raise Refused(404, _INVALID_REQUEST, "the session has ended")
        if given is not None and given != session.id:
            raise _rejected(session, 404, "there is no such session")
        if session.id is not None and version is not None and version not in NAMES:
            raise _rejected(session, 400, f"there is no protocol version {version!r}")

    def form(self, session: HttpToClient, body: Any) -> Form:
        return Form.BODY if session.id is None and isinstance(body, dict) else Form.STREAM

    async def answer(self, session: HttpToClient, post: Post, body: Any, response: Response) -> None:
        if post.form is Form.BODY:
            await response.whole(post)
            session.end()
            return
        opens = isinstance(body, dict) and body.get("method") == "initialize"
        await response.stream(post, {SESSION_ID: session.id} if opens and session.id else {})

    async def answer_other(self, request: Request, send: Send) -> None:
        """GET takes up a stream that was interrupted, or is one on which nothing comes; DELETE ends the session."""
        headers, method = kept_headers(request), request.method
        session = self.session_for(headers, None)
        try:
            self.check(session, headers, None)
            status = 200 if method in ("GET", "DELETE") and session.id is not None else 405
        except Refused as refusal:
            status = refusal.status
        response = Response(request, send, session.transcript, session.new_channel(method))
        post = session.interrupted(headers.get("last-event-id")) if status == 200 and method == "GET" else None
        if post is not None:
            post.take_up(response.channel)
            try:
                await unless_hung_up(request, partial(response.stream, post))
            finally:
                session.drop(post, response.channel)
            return
        if status == 200 and method == "GET":
            await response.start_stream()
            await unless_hung_up(request, session.ended.wait)
            await response.end()
            return
        if status == 200:
            session.end()
        await response.reply(status)


def _rejected(session: HttpToClient, status: int, why: str) -> Refused:
    """The refusal of a POST that breaks a rule about HTTP, which is noted."""
    session.transcript.note(RequestRejected(why))
    return Refused(status, _INVALID_REQUEST, why)
