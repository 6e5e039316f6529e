"""association: which request of the client a sampling request belongs to.

client/sampling "User Interaction Model": sampling is nested inside other features; in the modern era it travels in
their results and retries alone (basic/transports/stdio "Sending Messages", "Receiving Messages").
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .rule import CLIENT, HELD, LEGACY_ADVICE, MODERN_MUST, SERVER, Finding, broken, rule


@rule(
    "association/within-a-request",
    SERVER,
    LEGACY_ADVICE,
    "client/sampling",
    "user-interaction-model",
    unobserved="no sampling request came",
)
def within_a_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Sampling is asked for while a request of the client is being processed."""
    for session in evidence.sessions:
        for exchange in session.exchanges:
            if session.within_request(exchange):
                yield HELD
            elif not exchange.request.message.channel.startswith("GET"):  # whose stream is for what belongs to no call
                yield broken(exchange.request, "a sampling request came while no request of the client was pending")


@rule(
    "association/never-a-request",
    SERVER,
    MODERN_MUST,
    "basic/transports/stdio",
    "receiving-messages",
    unobserved="the server sent nothing",
)
def never_a_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no JSON-RPC request at all; what it needs it asks for in the result of a call."""
    for session in evidence.sessions:
        requests = [message for message in session.sent_by(side) if message.is_request]
        for message in requests:
            yield broken(
                message.at("method"),
                f"the server sent {shown(message.method)} as a request of its own, which no {evidence.revision.name} "
                "client answers; it has to answer the call with an InputRequiredResult that asks for it",
            )
        if not requests and any(session.sent_by(side)):
            yield HELD


@rule(
    "association/never-a-response",
    CLIENT,
    MODERN_MUST,
    "basic/transports/stdio",
    "sending-messages",
    unobserved="the client sent nothing",
)
def never_a_response(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client sends no JSON-RPC response; it answers by calling again, and refuses by not doing so."""
    for session in evidence.sessions:
        responses = [message for message in session.sent_by(side) if message.is_response]
        for message in responses:
            yield broken(message.whole, "a JSON-RPC response from the client, to which nothing was sent as a request")
        if not responses and any(session.sent_by(side)):
            yield HELD
