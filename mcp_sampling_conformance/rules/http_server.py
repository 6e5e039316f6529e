"""http, what binds the server: which exchange carries what, and with which status.

basic/transports "Streamable HTTP"; 2026-07-28 basic/transports/streamable-http.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..protocol.jsonrpc import shown
from ..protocol.names import MISSING_CAPABILITY
from ..transcript.transcript import Side
from .capability_shapes import META
from .http_levels import (
    ALWAYS_HTTP_MUST,
    LEGACY_HTTP_ADVICE,
    LEGACY_HTTP_MUST,
    LEGACY_HTTP_SHOULD,
    STREAMABLE,
    TRANSPORTS,
)
from .rule import HELD, HTTP, MODERN_MUST, SERVER, Finding, broken, rule
from .shapes import call_answered, concluded

NO_REQUEST = "no sampling request came"


@rule(
    "http/own-stream",
    SERVER,
    LEGACY_HTTP_SHOULD,
    TRANSPORTS,
    "listening-for-messages-from-the-server",
    unobserved=NO_REQUEST,
    transports=HTTP,
)
def own_stream(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request comes on the stream of the POST whose call it belongs to."""
    for session in evidence.sessions:
        copied = {message.entry.payload for message in session.broadcasts}
        calls_on = {call.request.channel: call for call in session.calls}
        for exchange in session.exchanges:
            message = exchange.request.message
            if message.entry.payload in copied:
                continue  # http/not-broadcast says so
            own, pending = calls_on.get(message.channel), session.call_of(exchange)
            if own is not None and own.may_own(exchange):
                yield HELD
            elif pending is not None:
                yield broken(
                    exchange.request,
                    f"the request came on the stream of {message.channel}, while the call that needs it is "
                    f"{pending.request.channel}; a client that does not listen there never sees it",
                )


@rule(
    "http/not-broadcast",
    SERVER,
    LEGACY_HTTP_MUST,
    TRANSPORTS,
    "multiple-connections",
    unobserved=NO_REQUEST,
    transports=HTTP,
)
def not_broadcast(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request comes on one stream only."""
    for session in evidence.sessions:
        for message in session.broadcasts:
            yield broken(message.whole, f"the same request came on another stream before, and now on {message.channel}")
        if session.exchanges and not session.broadcasts:
            yield HELD


NOT_RESUMED = "no stream was resumed"


@rule(
    "http/resumption",
    SERVER,
    LEGACY_HTTP_MUST,
    TRANSPORTS,
    "resumability-and-redelivery",
    unobserved=NOT_RESUMED,
    transports=HTTP,
)
def resumption(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A stream that is resumed with Last-Event-ID replays nothing that came on another stream."""
    for session in evidence.sessions:
        foreign = [(message, first) for message, first in session.replays if message.channel != first]
        for message, first in foreign:
            yield broken(message.whole, f"the resumed stream of {message.channel} replays what came on that of {first}")
        if session.resumed and not foreign:
            yield HELD


@rule(
    "http/nothing-replayed-twice",
    SERVER,
    LEGACY_HTTP_ADVICE,
    TRANSPORTS,
    "resumability-and-redelivery",
    unobserved=NOT_RESUMED,
    transports=HTTP,
)
def nothing_replayed_twice(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A stream that is resumed with Last-Event-ID goes on after that event, and repeats none before it."""
    for session in evidence.sessions:
        own = [message for message, first in session.replays if message.channel == first]
        for message in own:
            yield broken(message.whole, f"the resumed stream of {message.channel} repeats an event that came before")
        if session.resumed and not own:
            yield HELD


@rule(
    "http/response-accepted",
    SERVER,
    LEGACY_HTTP_MUST,
    TRANSPORTS,
    "sending-messages-to-the-server",
    unobserved="no sampling request was answered",
    transports=HTTP,
)
def response_accepted(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The POST that carries the answer to a sampling request is answered with 202, and without a body."""
    # What is malformed or comes too late may be refused.
    for probe in evidence.probes("first-call", "second-call", "late", "concurrent", "tools", "kind", "open", "error"):
        for exchange in probe.exchanges:
            answer = exchange.answer.message if exchange.answer else None
            http = probe.session.http(answer) if answer else None
            # A session may end at any time, and a body may be too large.
            if answer is None or http is None or http.status in (404, 413):
                continue
            if http.status != 202:
                yield broken(answer.whole, f"the POST that carried this answer got HTTP {http.status} instead of 202")
            elif body := probe.session.body(answer):
                yield broken(answer.whole, f"the 202 that took this answer has a body, {shown(body)}")
            else:
                yield HELD


@rule(
    "http/stateless-fails-cleanly",
    SERVER,
    LEGACY_HTTP_MUST,
    "messages",
    "responses",
    unobserved="the server gives out session ids",
    transports=HTTP,
)
def stateless_fails_cleanly(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server without sessions, which cannot be sent an answer, still answers the call that needs one."""
    for session in evidence.sessions:
        if session.stateless:
            for call in filter(concluded, session.calls):
                yield call_answered(call, "by a server that gave no Mcp-Session-Id")


@rule(
    "http/concurrent-streams",
    SERVER,
    ALWAYS_HTTP_MUST,
    TRANSPORTS,
    "sending-messages-to-the-server",
    unobserved="no two calls were answered at the same time",
    modern=(STREAMABLE, "receiving-messages"),
    transports=HTTP,
)
def concurrent_streams(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Of several calls at once, each is answered in its own exchange."""
    for probe in evidence.probes("concurrent"):
        for call in probe.calls if len(probe.calls) > 1 else ():
            if call.response is None:
                continue
            if call.response.channel == call.last.channel:
                yield HELD
            else:
                yield broken(
                    call.response.whole,
                    f"the response to {call.last.channel} came in the exchange of {call.response.channel}",
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
            http = session.http(message)
            if code is None or code.value != MISSING_CAPABILITY or http is None:
                continue
            if http.status == 400:
                yield HELD
            else:
                yield broken(message.whole, f"the error -32021 came with HTTP {http.status} instead of 400")
