"""Small predicates and finding-makers that several topics share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..evidence.evidence import Evidence, is_result
from ..evidence.exchanges import Call, Exchange
from ..evidence.messages import Value
from ..evidence.session import Probe
from ..protocol.jsonrpc import is_integer, json_type, shown
from ..transcript.events import LeftDuringCalls
from ..transcript.transcript import Side
from .rule import HELD, Finding, broken

Predicate = Callable[[Any], bool]

#: the groups of our requests to a client that nothing is wrong with, nor with what it declared for them
VALID = (
    *("plain", "plain-again", "kind", "parameter", "preference", "extreme", "limit", "hints", "concurrent"),
    *("tools", "loop", "choice-none", "choice-required", "pinged", "same-id", "batch", "several", "state"),
    *("bare", "beside", "mixed", "odd-id", "spared", "polled", "task"),
)


def is_string(value: object) -> bool:
    """A JSON string."""
    return isinstance(value, str)


def is_object(value: object) -> bool:
    """A JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> bool:
    """A JSON array."""
    return isinstance(value, list)


def expect(value: Value | None, holds: Predicate, expected: str) -> Iterator[Finding]:
    """Whether a value is as ``expected`` says; no finding where there is no value."""
    if value is None:
        return
    if holds(value.value):
        yield HELD
    else:
        kind = json_type(value.value)
        yield broken(value, f"{value.json_path} must be {expected}, but is {shown(value.value)} ({kind})")


def require(parent: Value, key: str, holds: Predicate, expected: str) -> Iterator[Finding]:
    """Whether an object has a member that is as ``expected`` says; no finding where ``parent`` is no object, which
    another rule says."""
    if not isinstance(parent.value, dict):
        return
    value = parent.get(key)
    if value is None:
        yield broken(parent, f"{parent.json_path} lacks the required {key} ({expected})")
    else:
        yield from expect(value, holds, expected)


def call_answered(call: Call, after: str) -> Finding:
    """Whether a call got a response, whatever it says."""
    if call.response is not None:
        return HELD
    conversation, request = call.conversation, call.last
    method, exited = request.method, conversation.exited
    if why := conversation.never_answered(request.body["id"]):
        what = f"{method} (id {shown(request.body['id'])}) got no answer: {why}"
    elif exited is not None and exited.code is None:
        what = f"the server went away instead of answering {method}"
    elif exited is not None:
        what = f"the process ended (exit code {exited.code}) instead of answering {method}"
    elif call.timed_out is not None:
        what = f"{method} (id {shown(request.body['id'])}) got no answer within {call.timed_out:g} s"
    else:
        what = f"{method} (id {shown(request.body['id'])}) was never answered"
    return broken(request.whole, f"{what}, {after}")


def concluded(call: Call) -> bool:
    """Whether a call got a response, or the record shows that it never will. A recording may end before one comes."""
    conversation, exited = call.conversation, call.conversation.exited is not None
    lost = conversation.never_answered(call.last.body["id"]) is not None
    return call.response is not None or call.timed_out is not None or exited or lost


def survived(probe: Probe) -> Iterator[Finding]:
    """The call of a probe was answered, and so was a plain call after it."""
    yield from own_calls_answered(probe)
    yield from served_next(probe)


def own_calls_answered(probe: Probe) -> Iterator[Finding]:
    """The call of a probe was answered."""
    for call in probe.calls:
        # A server may refuse to take an answer, one that is too large for instance.
        taken = not any(probe.session.refused(e.answer.message) for e in probe.exchanges[:1] if e.answer)
        if probe.exchanges and taken:
            yield call_answered(call, f"after {probe.name}")


def served_next(probe: Probe) -> Iterator[Finding]:
    """The plain call that follows a probe was answered."""
    for call in probe.follow_ups:
        if probe.exchanges:
            yield call_answered(call, f"although it is a plain call, the next one after {probe.name}")


def asked_answered(exchange: Exchange) -> Iterator[Finding]:
    """Whether a sampling request of the harness got a response, whatever it says, or was refused in another way.

    Nothing where a response came that nothing ties to any request: single-response/exactly-one says so, and it may well
    be the one to this."""
    if exchange.answer is not None or exchange.abandoned:
        yield HELD
        return
    if _answered_without_id(exchange):
        return
    conversation, exited = exchange.conversation, exchange.conversation.exited
    if exchange.timed_out is not None:
        what = f"{exchange.name} got no answer within {exchange.timed_out:g} s"
    elif exited is not None:
        what = f"the client ended (exit code {exited.code}) instead of answering {exchange.name}"
    elif conversation.events(LeftDuringCalls):
        what = f"the client closed the connection instead of answering {exchange.name}"
    else:
        what = f"{exchange.name} got no answer"
    yield broken(exchange.request, what)


def _answered_without_id(exchange: Exchange) -> bool:
    responses = exchange.conversation.responses_of(Side.CLIENT)
    return any(each.body.get("id") is None and each.index > exchange.index for each in responses)


def lived_on(evidence: Evidence, *groups: str) -> Iterator[Finding]:
    """The plain request that followed a request of these groups was answered."""
    for exchange in evidence.asks("follow-up"):
        if exchange.asked is not None and exchange.asked.after in groups:
            yield from asked_answered(exchange)


def rejected(exchange: Exchange, code: int | None, because: str) -> Iterator[Finding]:
    """Whether a request was refused, with ``code`` where that is given; nothing where it was not answered at all."""
    answer, error = exchange.answer, exchange.error
    if exchange.abandoned:
        yield HELD  # a refusal of this kind has no code
    if answer is None:
        return
    found = error.get("code") if error else None
    if error is None and exchange.result is not None and is_result(exchange.result):
        yield broken(answer, f"{exchange.name} was answered with a result, {because}")
    elif code is not None and found is not None and is_integer(found.value) and found.value != code:
        yield broken(found, f"{exchange.name} was refused with {found.value} instead of {code}")
    else:
        yield HELD  # what is wrong with the form of an error, error/shape says, or result/content


def all_rejected(evidence: Evidence, group: str, code: int | None, because: str) -> Iterator[Finding]:
    """Whether the requests of a group were refused, as in ``rejected``; nothing of a client that refuses plain ones
    too, which may not even have looked at them."""
    for exchange in evidence.asks(group) if not refuses_all(evidence) else ():
        yield from rejected(exchange, code, because)


def goes_on_answering(evidence: Evidence, exchange: Exchange) -> bool:
    """Whether a later request of the same connection got a result."""
    return evidence.session_of(exchange).last_result > exchange.index


def refuses_all(evidence: Evidence) -> bool:
    """Whether no plain request got a result either: then a refusal says nothing about what was asked."""
    plain = list(evidence.asks("plain"))
    return bool(plain) and all(exchange.result is None for exchange in plain)


def working(evidence: Evidence) -> set[str]:
    """What is called successfully whenever its question gets a plain answer, whatever that says."""
    good: dict[str, bool] = {}
    for probe in evidence.probes("first-call", "second-call"):
        # Who asks although it must not is refused, and fails for that.
        for call in probe.calls if any(exchange.result is not None for exchange in probe.exchanges) else ():
            good[probe.callee] = good.get(probe.callee, True) and not call.failed
    # A server that limits how often it is called fails here and there, whatever it is sent.
    probes = (probe for session in evidence.sessions for probe in session.probes)
    limited = {probe.callee for probe in probes if any(call.failed and call.response for call in probe.follow_ups)}
    return {callee for callee, always in good.items() if always} - limited
