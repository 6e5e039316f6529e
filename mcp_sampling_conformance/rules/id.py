"""id: request ids, and answers that find their request.

basic "Requests" and "Responses" (2024-11-05: basic/messages).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, Exchange
from ..evidence.messages import Message
from ..evidence.session import Probe
from ..protocol.jsonrpc import id_key, is_id, shown
from ..protocol.names import SAMPLING
from ..transcript.transcript import Side
from .rule import ALWAYS_MUST, CLIENT, HELD, LEGACY_MUST, SERVER, Finding, broken, rule
from .shapes import asked_answered, call_answered, require


# In the modern era a server sends no requests.
@rule("id/id-valid", SERVER, LEGACY_MUST, "messages", "requests", unobserved="no request was sent")
@rule("id/id-valid", CLIENT, ALWAYS_MUST, "messages", "requests", unobserved="no request was sent")
def id_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The id of a request is a string or an integer, never null."""
    for session in evidence.sessions:
        without = [message for message in session.with_method(side, SAMPLING) if not message.is_request]
        for message in sorted((*session.requests_of(side), *without), key=lambda message: message.index):
            if is_id(message.body.get("id")):
                yield HELD
            else:
                yield from require(message.whole, "id", is_id, "a string or an integer")


@rule("id/id-unique", SERVER, LEGACY_MUST, "messages", "requests", unobserved="no request was sent")
@rule("id/id-unique", CLIENT, ALWAYS_MUST, "messages", "requests", unobserved="no request was sent")
def id_unique(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A party uses no request id twice in a session; from 2026-07-28 on, none that still waits for its response."""
    for session in evidence.sessions:
        if side is Side.SERVER and session.stateless:
            continue  # without a session no id can be used twice in one
        seen: dict[tuple[str, object], Message] = {}
        for message in session.requests_of(side):
            if is_id(message.body["id"]):
                before = seen.get(key := id_key(message.body["id"]))
                pending = before is not None and session.response_to(before) is None
                if before is None or (evidence.revision.modern and not pending):
                    yield HELD
                else:
                    state = "is still in flight" if evidence.revision.modern else "was used before in this session"
                    yield broken(message.at("id"), f"the id {shown(message.body['id'])} {state}")
                seen[key] = message


def _pairs(probe: Probe) -> list[tuple[Call, Exchange]]:
    """Each call with the one sampling request that can only be its own; none where that is not certain."""
    waiting, exchanges = list(probe.calls), probe.exchanges
    if len(waiting) != len(exchanges):
        return []
    pairs: list[tuple[Call, Exchange]] = []
    for exchange in exchanges:
        possible = [call for call in waiting if call.may_own(exchange)]
        if len(possible) != 1:
            return []
        pairs.append((possible[0], exchange))
        waiting = [call for call in waiting if call is not possible[0]]
    return pairs


def matched(probe: Probe) -> Iterator[Finding]:
    """Whether each call shows the text of its own answer; nothing for results that show no text of any answer."""
    for call in probe.calls:
        if probe.exchanges and call.response is None:
            yield call_answered(call, f"in {probe.name}")
    pairs = _pairs(probe)
    texts = [exchange.text for _, exchange in pairs if exchange.text]
    for call, exchange in pairs:
        if call.response is None:
            continue
        shown_result = shown(call.response.body, limit=1_000_000)
        own = exchange.text
        foreign = [text for text in texts if text != own and text in shown_result]
        if own and own in shown_result:
            yield HELD
        elif foreign:
            yield broken(
                call.response.whole,
                f"the call with id {shown(call.request.body['id'])} was given {shown(foreign[0])}, the answer to "
                f"another call's sampling request; its own was {shown(own)}",
            )


@rule(
    "id/correlated",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="the server did not sample for two calls at once, or its results do not show the sampled text",
)
def correlated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Concurrent calls never get each other's sampled answers, in whatever order these come."""
    # Where a call samples several times, nothing tells which call a sampling request belongs to.
    plain = {(probe.session, probe.callee) for probe in evidence.probes("first-call") if len(probe.exchanges) == 1}
    # A server that remembers its first answer does not ask in the second call, and may show it there too. On another
    # connection it may have nothing to remember yet.
    again = {(probe.session, probe.callee) for probe in evidence.probes("second-call") if probe.exchanges}
    single = {callee for _, callee in plain & again}
    for probe in evidence.probes("concurrent"):
        if len(probe.exchanges) > 1 and probe.callee in single:
            yield from matched(probe)


@rule(
    "id/directions-apart",
    SERVER,
    LEGACY_MUST,
    "messages",
    "requests",
    unobserved="the server's ids could not be foreseen, so none could be made to coincide with a call's",
)
def directions_apart(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Request ids live per direction: a sampling request with the id of its own call disturbs neither."""
    for probe in evidence.probes("same-id"):
        calls = {id_key(call.request.body["id"]) for call in probe.calls}
        if any(id_key(exchange.request.message.body.get("id")) in calls for exchange in probe.exchanges):
            for call in probe.calls:
                yield call_answered(call, "while a sampling request with the same id was pending")
            yield from matched(probe)


@rule(
    "id/correlated",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="the client's answers to two requests at once do not show which request they are for",
)
def answers_correlated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Sampling requests that are pending at the same time never get each other's answers."""
    asked = list(evidence.asks("concurrent"))
    words = [str(exchange.asked.word) for exchange in asked if exchange.asked]
    for exchange, own in zip(asked, words, strict=True):
        if exchange.answer is None:
            if not exchange.abandoned:
                yield from asked_answered(exchange)
            continue
        said = shown(exchange.answer.value, limit=1_000_000).lower()
        if own in said:
            yield HELD
        elif foreign := [word for word in words if word in said]:
            yield broken(exchange.answer, f"asked to say {own}, the client said {foreign[0]}, as another asked")


@rule(
    "id/directions-apart",
    CLIENT,
    LEGACY_MUST,
    "messages",
    "requests",
    unobserved="no sampling request could be made during a call with the same id",
)
def same_id_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Request ids live per direction: a client answers a sampling request that has the id of its own pending call."""
    for exchange in evidence.asks("same-id"):
        yield from asked_answered(exchange)
