"""http: what Streamable HTTP adds to the messages: which exchange carries what, and with which status.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence, Session
from ..messages import Message
from ..verdicts import HELD, Finding, Levels, broken
from ..wire.transcript import Side
from . import HTTP, MODERN_MUST, MUST, SERVER, SHOULD, rule
from .capability import META, MISSING_CAPABILITY
from .shapes import call_answered

#: Streamable HTTP came with 2025-03-26; where a server takes it up in the revision before, the same holds
_LEGACY_MUST: Levels = {"2024-11-05": MUST, "2026-07-28": None}
_LEGACY_SHOULD: Levels = {"2024-11-05": SHOULD, "2026-07-28": None}
_STREAMS_MUST: Levels = {"2024-11-05": MUST}
TRANSPORTS = "basic/transports"
NO_REQUEST = "no sampling request came"


def _channel(message: Message) -> str:
    """The exchange that carried a message, such as ``POST 3``."""
    return message.entry.channel


@rule(
    "http/own-stream",
    SERVER,
    _LEGACY_SHOULD,
    TRANSPORTS,
    "listening-for-messages-from-the-server",
    unobserved=NO_REQUEST,
    transports=HTTP,
)
def own_stream(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request comes on the stream of the POST whose call it belongs to."""
    for session in evidence.sessions:
        for exchange in session.exchanges:
            pending = [_channel(call.request) for call in session.calls if call.may_own(exchange)]
            channel = _channel(exchange.request.message)
            if channel in pending:
                yield HELD
            elif pending:
                yield broken(
                    exchange.request,
                    f"the request came on the stream of {channel}, while the call that needs it is {pending[-1]}; a "
                    "client that does not listen there never sees it",
                )


@rule(
    "http/not-broadcast",
    SERVER,
    _LEGACY_MUST,
    TRANSPORTS,
    "multiple-connections",
    unobserved=NO_REQUEST,
    transports=HTTP,
)
def not_broadcast(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request comes on one stream only."""
    for session in evidence.sessions:
        for message in session.broadcasts:
            yield broken(
                message.whole, f"the same request came on another stream before, and now on {_channel(message)}"
            )
        if session.exchanges and not session.broadcasts:
            yield HELD


@rule(
    "http/response-accepted",
    SERVER,
    _LEGACY_MUST,
    TRANSPORTS,
    "sending-messages-to-the-server",
    unobserved="no sampling request was answered",
    transports=HTTP,
)
def response_accepted(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The POST that carries the answer to a sampling request is answered with 202."""
    # What is malformed or comes too late may be refused.
    for probe in evidence.probes("first-call", "second-call", "late", "concurrent", "tools", "kind", "open", "error"):
        for exchange in probe.exchanges:
            answer = exchange.answer.message if exchange.answer else None
            mark = probe.session.exchange(answer) if answer else None
            if answer is None or mark is None or mark.data["status"] == 404:  # a session may end at any time
                continue
            if mark.data["status"] == 202:
                yield HELD
            else:
                yield broken(
                    answer.whole, f"the POST that carried this answer got HTTP {mark.data['status']} instead of 202"
                )


@rule(
    "http/stateless-fails-cleanly",
    SERVER,
    _LEGACY_MUST,
    "messages",
    "responses",
    unobserved="the server gives out session ids",
    transports=HTTP,
)
def stateless_fails_cleanly(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server without sessions, which cannot be sent an answer, still answers the call that needs one."""
    for session in evidence.sessions:
        if _without_session(session):
            for call in session.calls:
                yield call_answered(call, "by a server that gave no Mcp-Session-Id")


def _without_session(session: Session) -> bool:
    opening = next((m for m in session.sent_by(Side.CLIENT) if m.method == "initialize"), None)
    mark = session.exchange(opening) if opening else None
    return mark is not None and mark.data["status"] == 200 and "mcp-session-id" not in mark.data["headers"]


@rule(
    "http/concurrent-streams",
    SERVER,
    _STREAMS_MUST,
    TRANSPORTS,
    "sending-messages-to-the-server",
    unobserved="no two calls were answered at the same time",
    modern=("basic/transports/streamable-http", "receiving-messages"),
    transports=HTTP,
)
def concurrent_streams(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Of several calls at once, each is answered in its own exchange."""
    for probe in evidence.probes("concurrent"):
        for call in probe.calls if len(probe.calls) > 1 else ():
            if call.response is None:
                continue
            if _channel(call.response) == _channel(call.last):
                yield HELD
            else:
                yield broken(
                    call.response.whole,
                    f"the response to {_channel(call.last)} came in the exchange of {_channel(call.response)}",
                )


@rule(
    "http/status-400-missing-capability",
    SERVER,
    MODERN_MUST,
    *META,
    unobserved="no call got the error -32021",
    transports=HTTP,
)
def status_400_missing_capability(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The error -32021 comes with HTTP status 400."""
    for session in evidence.sessions:
        for message in session.sent_by(side):
            error = message.whole.get("error") if message.is_response else None
            code = error.get("code") if error else None
            mark = session.exchange(message)
            if code is None or code.value != MISSING_CAPABILITY or mark is None:
                continue
            if mark.data["status"] == 400:
                yield HELD
            else:
                yield broken(message.whole, f"the error -32021 came with HTTP {mark.data['status']} instead of 400")
