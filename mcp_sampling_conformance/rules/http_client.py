"""http, what binds the client: what it posts, and with which headers.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..evidence.evidence import Evidence
from ..evidence.messages import Message
from ..evidence.session import Session
from ..protocol.http_headers import ACCEPT, PROTOCOL_VERSION, SESSION_ID, request_fault, version_fault, version_in
from ..protocol.jsonrpc import shown
from ..transcript.events import HttpExchange, SessionGiven, StreamInterrupted
from ..transcript.transcript import Entry, Side
from .http_levels import ALWAYS_HTTP_MUST, LEGACY_HTTP_MUST, STREAMABLE, TRANSPORTS
from .rule import CLIENT, HELD, HTTP, MODERN_MUST, MUST, SHOULD, Finding, Levels, rule

_SENDING = ("sending-messages-to-the-server", (STREAMABLE, "sending-messages"))
_VERSION = ("protocol-version-header", (STREAMABLE, "protocol-version-header"))
_JSON, _EVENTS = "application/json", "text/event-stream"
#: the header for the version came with the revision after the transport
_VERSION_MUST: Levels = {"2025-06-18": MUST}
_VERSION_SHOULD: Levels = {"2025-06-18": SHOULD, "2026-07-28": None}


@dataclass(frozen=True)
class _Sent:
    """One HTTP request of the client."""

    http: HttpExchange
    entry: Entry | None  #: what it posted
    body: Any  #: the JSON value of that; ``None`` where there is none
    message: Message | None

    def header(self, name: str) -> str | None:
        return self.http.request_headers.get(name.lower())

    @property
    def method(self) -> object:
        """The JSON-RPC method that it posted."""
        return self.body.get("method") if isinstance(self.body, dict) else None

    @property
    def is_request(self) -> bool:
        return self.method is not None and "id" in self.body


def _sent(session: Session) -> Iterator[_Sent]:
    posted = {entry.channel: entry for entry in session.transcript.entries if entry.sender is Side.CLIENT}
    first = {message.index: message for message in reversed(session.sent_by(Side.CLIENT))}  # of each batch, too
    for http in session.events(HttpExchange):
        entry = posted.get(http.exchange)
        message = first.get(entry.index) if entry else None
        whole = message is not None and not message.prefix
        body = message.body if message and whole else entry.parse().value if entry else None
        yield _Sent(http, entry, body, message)


def _in_session(session: Session) -> Iterator[_Sent]:
    """Those of a session, after the one that opened it."""
    for sent in _sent(session) if session.events(SessionGiven) else ():
        if sent.method != "initialize":
            yield sent


def _modern_requests(evidence: Evidence) -> Iterator[_Sent]:
    """What says of itself that it is of the modern era; for notifications that lays down no headers."""
    for session in evidence.sessions:
        for sent in _sent(session):
            if version_in(sent.body) is not None and "id" in sent.body:
                yield sent


def _judged(sent: _Sent, fault: str | None) -> Finding:
    """Whether one HTTP request is as it has to be, or what is wrong with it."""
    if fault is None:
        return HELD
    exchange = sent.http.exchange
    what = f"{exchange} ({sent.method})" if sent.method is not None else exchange
    return Finding(False, f"in {what}, {fault}", sent.message.whole if sent.message else None, sent.entry or sent.http)


@rule(
    "http/session-kept",
    CLIENT,
    LEGACY_HTTP_MUST,
    TRANSPORTS,
    "session-management",
    unobserved="the client sent nothing after it was given a session",
    transports=HTTP,
)
def session_kept(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client that is given a session id sends it in the Mcp-Session-Id header of each further HTTP request."""
    for session in evidence.sessions:
        for sent in _in_session(session):
            given, named = session.events(SessionGiven)[0].id, sent.header(SESSION_ID)
            fault = f"the header {SESSION_ID} is {named!r}, but the session has the id {given!r}"
            if named is None:
                fault = f"the header {SESSION_ID} is missing"
            yield _judged(sent, None if named == given else fault)


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
        for sent in _in_session(session):
            missing = sent.header(PROTOCOL_VERSION) is None
            yield _judged(sent, f"the header {PROTOCOL_VERSION} is missing" if missing else None)
    for sent in _modern_requests(evidence) if evidence.revision.modern else ():
        yield _judged(sent, version_fault(sent.http.request_headers, sent.body))


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
        for sent in _in_session(session):
            named = sent.header(PROTOCOL_VERSION)
            if named is not None:
                fault = f"the header {PROTOCOL_VERSION} is {named!r}, but {negotiated} was negotiated"
                yield _judged(sent, None if named == negotiated else fault)


@rule(
    "http/accept-header",
    CLIENT,
    ALWAYS_HTTP_MUST,
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
        for sent in _sent(session):
            if evidence.revision.modern and (sent.http.method != "POST" or not sent.is_request):
                continue
            accepted = sent.header(ACCEPT)
            listed = {part.partition(";")[0].strip().lower() for part in (accepted or "").split(",")}
            lacking = [kind for kind in needed.get(sent.http.method, ()) if kind not in listed]
            fault = f"the header {ACCEPT} is {accepted!r}, which does not list {' or '.join(lacking)}"
            if accepted is None:
                fault = f"the header {ACCEPT} is missing"
            yield _judged(sent, fault if lacking else None)


@rule(
    "http/request-headers",
    CLIENT,
    MODERN_MUST,
    STREAMABLE,
    "standard-request-headers",
    unobserved="the client sent no request",
    transports=HTTP,
)
def request_headers(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A request repeats its method in the Mcp-Method header, and in Mcp-Name the name or uri of what it calls, gets or
    reads, in Base64 where need be."""
    for sent in _modern_requests(evidence):
        yield _judged(sent, request_fault(sent.http.request_headers, sent.body))


@rule(
    "http/one-message-a-post",
    CLIENT,
    ALWAYS_HTTP_MUST,
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
        for sent in _sent(session):
            if sent.entry is None:
                continue
            why = strays.get(sent.entry.index)
            fault = f"the body is {why}" if why else None
            if isinstance(sent.body, list) and not evidence.revision.batches:
                fault = f"the body is a JSON array (a batch); {evidence.revision.name} has none"
            yield _judged(sent, fault)


@rule(
    "http/polling-survived",
    CLIENT,
    {"2025-11-25": SHOULD, "2026-07-28": None},
    TRANSPORTS,
    _SENDING[0],
    unobserved="no stream could be interrupted",
    transports=HTTP,
)
def polling_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client whose connection is closed after an event with an id, before the response came, takes up the stream, and
    once more where that brings nothing new."""
    for session in evidence.sessions:
        heads = {http.exchange: http for http in session.events(HttpExchange)}
        for event in session.events(StreamInterrupted):
            again = "" if event.exchange.startswith("POST") else " once more"
            id, exchange = shown(event.event_id), event.exchange
            why = f"the connection of {exchange} was closed after the event {id}, and its stream not taken up{again}"
            yield HELD if event.taken_up else Finding(False, why, entry=heads.get(event.exchange))
