"""association: which request of the client a sampling request belongs to.

client/sampling "User Interaction Model": sampling is nested inside other features; in the modern era it travels in
their results and retries alone (basic/transports/stdio "Sending Messages", "Receiving Messages").
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.session import Session
from ..protocol.jsonrpc import id_key, shown
from ..protocol.names import CANCELLED, SUBSCRIBE
from ..transcript.transcript import Side
from .rule import (
    ALWAYS_MUST,
    BOTH,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    MODERN_ADVICE,
    MODERN_MUST,
    SERVER,
    Finding,
    broken,
    rule,
)


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
    "association/cancel-own-direction",
    BOTH,
    ALWAYS_MUST,
    "basic/utilities/cancellation",
    "behavior-requirements",
    unobserved="no request was cancelled",
)
def cancel_own_direction(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A party cancels requests of its own only; from 2026-07-28 on a server cancels nothing but a subscription, which
    is a request of the client."""
    for session in evidence.sessions:
        if side is Side.SERVER and evidence.revision.modern:
            yield from _subscriptions_cancelled(session)
        else:
            yield from _own_cancelled(session, side)


def _subscriptions_cancelled(session: Session) -> Iterator[Finding]:
    """Whether a server, whatever it sent, cancelled nothing but subscriptions."""
    subscribed = {id_key(request.body["id"]) for request in session.with_method(Side.CLIENT, SUBSCRIBE)}
    foreign = False
    for message in session.with_method(Side.SERVER, CANCELLED):
        named = message.whole.find("params", "requestId")
        if named is None or id_key(named.value) not in subscribed:
            foreign = True
            id = shown(named.value) if named is not None else "none"
            yield broken(message.whole, f"the server cancelled the request {id}, which is no {SUBSCRIBE}")
    if not foreign and session.sent_by(Side.SERVER):
        yield HELD


def _own_cancelled(session: Session, side: Side) -> Iterator[Finding]:
    """Whether each request that a side cancelled is its own, where its id tells."""
    first = {id_key(request.body["id"]): request.index for request in reversed(session.requests_of(side))}
    for message in session.with_method(side, CANCELLED) if session.from_beginning else ():
        named = message.whole.find("params", "requestId")
        if named is None:
            continue
        if first.get(id_key(named.value), message.index) < message.index:
            yield HELD
        else:
            others = (request.body["id"] for request in session.requests_of(side.other))
            whose = f"of the {side.other}" if id_key(named.value) in map(id_key, others) else "that was never made"
            yield broken(named, f"the {side} cancelled the request {shown(named.value)}, a request {whose}")


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


_NOTHING_TO_ANSWER = "nothing was sent to the client that it could have answered with a response"


@rule(
    "association/never-a-response",
    CLIENT,
    MODERN_MUST,
    "basic/transports/stdio",
    "sending-messages",
    unobserved=_NOTHING_TO_ANSWER,
)
def never_a_response(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client sends no JSON-RPC response, not even to a request of the server; it answers by calling again, and
    refuses by not doing so."""
    yield from _responses(evidence, side, refusing=False)


@rule(
    "association/no-error-either",
    CLIENT,
    MODERN_ADVICE,
    "basic/transports/stdio",
    "sending-messages",
    unobserved=_NOTHING_TO_ANSWER,
)
def no_error_either(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client does not refuse a forbidden request of the server with a JSON-RPC error either, but leaves it."""
    # By the letter that is a response as well; but the request was the server's fault first, and in JSON-RPC it is good
    # manners to refuse what one does not know.
    yield from _responses(evidence, side, refusing=True)


def _responses(evidence: Evidence, side: Side, *, refusing: bool) -> Iterator[Finding]:
    """The responses that a client sent: errors to requests of the server, or all others."""
    for session in evidence.sessions:
        sent, requests = session.sent_by(side), session.requests_of(side.other)
        asked = {id_key(request.body["id"]): request.method for request in requests}
        responses = [
            (message, method)
            for message in sent
            if message.is_response
            for method in [asked.get(id_key(message.body.get("id")))]
            if ("error" in message.body and method is not None) is refusing
        ]
        for message, method in responses:
            what = "nothing was sent as a request" if method is None else f"{shown(method)} was sent, against the rules"
            yield broken(message.whole, f"a JSON-RPC response from the client, to which {what}")
        # Who sent nothing any more may have been about to answer.
        if not responses and requests and sent and sent[-1].index > requests[0].index:
            yield HELD
