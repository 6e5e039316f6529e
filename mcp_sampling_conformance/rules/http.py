"""http: what Streamable HTTP adds to the messages: which exchange carries what, with which headers and which status.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence, Session
from ..evidence.messages import Message
from .rule import HELD, Finding, Levels, broken
from ..protocol.http_headers import ACCEPT, PROTOCOL_VERSION, SESSION_ID, request_fault, version_fault, version_in
from ..transcript.transcript import Entry, Mark, Side
from .rule import CLIENT, HTTP, MODERN_MUST, MUST, SERVER, SHOULD, rule
from .capability import META, MISSING_CAPABILITY
from .shapes import call_answered

#: Streamable HTTP came with 2025-03-26
_LEGACY_MUST: Levels = {"2025-03-26": MUST, "2026-07-28": None}
_LEGACY_SHOULD: Levels = {"2025-03-26": SHOULD, "2026-07-28": None}
_STREAMS_MUST: Levels = {"2025-03-26": MUST}
TRANSPORTS = "basic/transports"
NO_REQUEST = "no sampling request came"


def _channel(message: Message) -> str:
    """The exchange that carried a message, such as ``POST 3``."""
    return message.channel


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
        copied = {message.entry.raw for message in session.broadcasts}
        for exchange in session.exchanges:
            if exchange.request.message.entry.raw in copied:
                continue  # http/not-broadcast says so
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
            # A session may end at any time, and a body may be too large.
            if answer is None or mark is None or event.status in (404, 413):
                continue
            if event.status == 202:
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
        if session.stateless:
            for call in session.calls:
                yield call_answered(call, "by a server that gave no Mcp-Session-Id")


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
            if event.status == 400:
                yield HELD
            else:
                yield broken(message.whole, f"the error -32021 came with HTTP {mark.data['status']} instead of 400")


# --- what a client sends

_STREAMABLE = "basic/transports/streamable-http"
_SENDING = ("sending-messages-to-the-server", (_STREAMABLE, "sending-messages"))
_VERSION = ("protocol-version-header", (_STREAMABLE, "protocol-version-header"))
_JSON, _EVENTS = "application/json", "text/event-stream"
#: Streamable HTTP came with 2025-03-26, the header for the version with the revision after
_CLIENT_MUST: Levels = {"2025-03-26": MUST}
_IN_SESSIONS_MUST: Levels = {"2025-03-26": MUST, "2026-07-28": None}
_VERSION_MUST: Levels = {"2025-06-18": MUST}
_VERSION_SHOULD: Levels = {"2025-06-18": SHOULD, "2026-07-28": None}


def _sent(session: Session) -> Iterator[tuple[Mark, Entry | None]]:
    """Each HTTP request of the client, with what it posted."""
    items = session.transcript.items
    posted = {item.channel: item for item in items if isinstance(item, Entry) and item.sender is Side.CLIENT}
    for mark in session.marks("http"):
        yield mark, posted.get(event.exchange)


def _in_session(session: Session) -> Iterator[tuple[Mark, Entry | None]]:
    """Those of a session, after the one that opened it."""
    for mark, entry in _sent(session) if session.marks("session") else ():
        if _method(entry) != "initialize":
            yield mark, entry


def _method(entry: Entry | None) -> object:
    return entry.parsed.get("method") if entry is not None and isinstance(entry.parsed, dict) else None


def _modern_requests(evidence: Evidence) -> Iterator[tuple[Session, Mark, Entry]]:
    """What says of itself that it is of the modern era; for notifications that lays down no headers."""
    for session in evidence.sessions:
        for mark, entry in _sent(session):
            if entry is not None and version_in(entry.parsed) is not None and "id" in entry.parsed:
                yield session, mark, entry


def _judged(session: Session, mark: Mark, entry: Entry | None, fault: str | None) -> Finding:
    """Whether one HTTP request is as it has to be, or what is wrong with it."""
    if fault is None:
        return HELD
    method = _method(entry)
    what = f"{mark.data['exchange']} ({method})" if method is not None else str(event.exchange)
    message = next((message for message in session.messages if message.entry is entry), None)
    return Finding(False, f"in {what}, {fault}", message.whole if message else None, entry)


@rule(
    "http/session-kept",
    CLIENT,
    _IN_SESSIONS_MUST,
    TRANSPORTS,
    "session-management",
    unobserved="the client sent nothing after it was given a session",
    transports=HTTP,
)
def session_kept(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that is given a session id sends it in the Mcp-Session-Id header of each further HTTP request."""
    for session in evidence.sessions:
        for mark, entry in _in_session(session):
            given, sent = session.marks("session")[0].data["id"], event.headers.get(SESSION_ID.lower())
            fault = f"the header {SESSION_ID} is {sent!r}, but the session has the id {given!r}"
            if sent is None:
                fault = f"the header {SESSION_ID} is missing"
            yield _judged(session, mark, entry, None if sent == given else fault)


@rule(
    "http/version-header",
    CLIENT,
    _VERSION_MUST,
    TRANSPORTS,
    _VERSION[0],
    unobserved="the client sent nothing in which the header is due",
    modern=_VERSION[1],
    transports=HTTP,
)
def version_header(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Each HTTP request after initialize has an MCP-Protocol-Version header; from 2026-07-28 on each request has, and
    it is the version in the request's _meta."""
    for session in evidence.sessions if not evidence.revision.modern else ():
        for mark, entry in _in_session(session):
            missing = PROTOCOL_VERSION.lower() not in event.headers
            yield _judged(session, mark, entry, f"the header {PROTOCOL_VERSION} is missing" if missing else None)
    for session, mark, entry in _modern_requests(evidence) if evidence.revision.modern else ():
        yield _judged(session, mark, entry, version_fault(event.headers, entry.parsed))


@rule(
    "http/version-negotiated",
    CLIENT,
    _VERSION_SHOULD,
    TRANSPORTS,
    _VERSION[0],
    unobserved="the client sent no MCP-Protocol-Version header",
    transports=HTTP,
)
def version_negotiated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The MCP-Protocol-Version header is the revision that initialize negotiated."""
    negotiated = evidence.revision.name
    for session in evidence.sessions:
        for mark, entry in _in_session(session):
            sent = event.headers.get(PROTOCOL_VERSION.lower())
            if sent is not None:
                fault = f"the header {PROTOCOL_VERSION} is {sent!r}, but {negotiated} was negotiated"
                yield _judged(session, mark, entry, None if sent == negotiated else fault)


@rule(
    "http/accept-header",
    CLIENT,
    _CLIENT_MUST,
    TRANSPORTS,
    _SENDING[0],
    unobserved="the client posted nothing",
    modern=_SENDING[1],
    transports=HTTP,
)
def accept_header(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The Accept header of a POST lists application/json and text/event-stream, that of a GET text/event-stream."""
    needed = {"POST": (_JSON, _EVENTS), "GET": (_EVENTS,)}
    for session in evidence.sessions:
        for mark, entry in _sent(session):
            if evidence.revision.modern and (event.method != "POST" or not _is_request(entry)):
                continue
            accepted = event.headers.get(ACCEPT.lower())
            listed = {part.partition(";")[0].strip().lower() for part in (accepted or "").split(",")}
            lacking = [kind for kind in needed.get(event.method, ()) if kind not in listed]
            fault = f"the header {ACCEPT} is {accepted!r}, which does not list {' or '.join(lacking)}"
            if accepted is None:
                fault = f"the header {ACCEPT} is missing"
            yield _judged(session, mark, entry, fault if lacking else None)


def _is_request(entry: Entry | None) -> bool:
    return _method(entry) is not None and entry is not None and "id" in entry.parsed


@rule(
    "http/request-headers",
    CLIENT,
    MODERN_MUST,
    _STREAMABLE,
    "standard-request-headers",
    unobserved="the client sent no request",
    transports=HTTP,
)
def request_headers(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A request repeats its method in the Mcp-Method header, and in Mcp-Name the name or uri of what it calls, gets or
    reads, in Base64 where need be."""
    for session, mark, entry in _modern_requests(evidence):
        yield _judged(session, mark, entry, request_fault(event.headers, entry.parsed))


@rule(
    "http/one-message-a-post",
    CLIENT,
    _CLIENT_MUST,
    TRANSPORTS,
    _SENDING[0],
    unobserved="the client posted nothing",
    modern=_SENDING[1],
    transports=HTTP,
)
def one_message_a_post(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The body of a POST is one JSON-RPC message, and an array of them in 2025-03-26 alone."""
    for session in evidence.sessions:
        strays = {entry.index: why for entry, why in session.strays}
        for mark, entry in _sent(session):
            if entry is None:
                continue
            fault = f"the body is {strays[entry.index]}" if entry.index in strays else None
            if isinstance(entry.parsed, list) and not evidence.revision.batches:
                fault = f"the body is a JSON array (a batch); {evidence.revision.name} has none"
            yield _judged(session, mark, entry, fault)
