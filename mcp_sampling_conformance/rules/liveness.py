"""liveness: nobody hangs, nobody dies.

basic/utilities/ping, basic/utilities/cancellation, basic/lifecycle "Shutdown" (modern: basic/transports/stdio).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.conversation import between
from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, Exchange
from ..evidence.messages import Value
from ..evidence.session import Probe
from ..protocol.jsonrpc import id_key, is_integer, shown
from ..protocol.names import CANCELLED
from ..transcript.events import ExitWatched, LeftDuringCalls, PingTimed, TimedOut
from ..transcript.transcript import Side
from .rule import (
    ALWAYS_ADVICE,
    ALWAYS_MUST,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    LEGACY_MUST,
    LEGACY_SHOULD,
    MODERN_SHOULD,
    SERVER,
    STDIO,
    Finding,
    broken,
    rule,
)
from .shapes import asked_answered, call_answered, goes_on_answering, lived_on, served_next, working


@rule(
    "liveness/second-call",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no session came to a second call",
)
def second_call(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A second sampling call in the same session is answered, as the first was."""
    for before, call, _ in _second_calls(evidence):
        if before.response is not None:
            yield call_answered(call, "the second time it was called in this session")


@rule(
    "liveness/second-call-succeeds",
    SERVER,
    ALWAYS_ADVICE,
    "client/sampling",
    "message-flow",
    unobserved="no session came to a second call that samples",
)
def second_call_succeeds(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A second sampling call in the same session succeeds like the first."""
    seconds = list(_second_calls(evidence))
    good = {probe.callee for _, call, probe in seconds if not call.failed}
    for before, call, probe in seconds:
        # A server may remember its first answer, or refuse for now: tools are to be rate limited. And where another
        # session comes to a good end, it may be what the model said this time that the server does not like.
        if not probe.exchanges or call.response is None:
            continue
        if not before.failed and probe.callee not in good:
            yield broken(call.response.whole, "the second call of this session failed, the first, alike, had succeeded")
        else:
            yield HELD


def _second_calls(evidence: Evidence) -> Iterator[tuple[Call, Call, Probe]]:
    """Each second call of a session to what sampled in the first, with that before it and its probe behind it."""
    for session in evidence.sessions:
        firsts: dict[object, Probe] = {}
        for probe in session.probes:
            first = firsts.get(probe.callee)
            if probe.group == "first-call":
                firsts[probe.callee] = probe
            if probe.group != "second-call" or first is None or not first.exchanges:
                continue
            for before, call in zip(first.calls, probe.calls, strict=False):
                yield before, call, probe


@rule(
    "liveness/ping-answered",
    SERVER,
    LEGACY_MUST,
    "basic/utilities/ping",
    "behavior-requirements",
    unobserved="no ping could be sent while a sampling request was pending",
)
def ping_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A ping is answered also while a sampling request is pending."""
    for probe in evidence.probes("late"):
        timed_out = {id_key(event.id) for event in probe.events(TimedOut)}
        pings = probe.session.with_method(side.other, "ping")
        for message in between(pings, probe.start.index, probe.end):
            if id_key(message.body["id"]) in timed_out:
                yield broken(message.whole, "this ping, sent while a sampling request was pending, got no answer")
            elif probe.session.response_to(message):
                yield HELD


@rule(
    "liveness/ping-harmless",
    SERVER,
    LEGACY_ADVICE,
    "basic/utilities/ping",
    "behavior-requirements",
    unobserved="no call that succeeds was under way when its client sent a ping",
)
def ping_harmless(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call whose client sends a ping while its sampling request is pending succeeds as it does without."""
    works = working(evidence)
    for probe in evidence.probes("pinged"):
        cancelled = between(probe.session.with_method(side, CANCELLED), probe.start.index, probe.end)
        # Who takes back its request has given up by itself; and who asks again fails for what was said then.
        if probe.callee not in works or cancelled or len(probe.exchanges) != 1:
            continue
        for call in probe.calls:
            if call.response is not None and call.failed:
                yield broken(call.response.whole, f"the call failed after {probe.name}, and succeeds without one")
            elif call.complete:
                yield HELD


#: codes that JSON-RPC gives a meaning; any other is free, so -1, a user's no, says in a call what it says in sampling
_PREDEFINED = range(-32768, -31999)
_INTERNAL = -32603  # a fair error for the call as well


@rule(
    "liveness/answered-with-own-code",
    SERVER,
    LEGACY_ADVICE,
    "client/sampling",
    "error-handling",
    unobserved="no call was answered after its sampling request was refused with a code that would mislead",
)
def answered_with_own_code(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The code with which a client refused sampling is not handed on as the error of the server's own call, where
    it would mean something else."""
    own: set[object] = set()  # codes of errors that the server chose by itself
    handed_on: list[tuple[Call, Value]] = []
    for probe in evidence.probes("error"):
        found = [e.error.get("code") for e in probe.exchanges if e.error]
        refusals = [code.value for code in found if code and is_integer(code.value)]
        misleading = [code for code in refusals if code in _PREDEFINED and code != _INTERNAL]
        for call in probe.calls:
            if call.response is None or not refusals:
                continue
            error = call.response.whole.get("error")
            code = error.get("code") if error else None
            if code is not None and code.value in misleading:
                handed_on.append((call, code))
                continue
            if code is not None and code.value not in refusals:
                own.add(id_key(code.value))
            if misleading:
                yield HELD
    for call, code in handed_on:
        if id_key(code.value) not in own:
            yield broken(
                code,
                f"{call.request.method} failed with code {shown(code.value)}, the one with which the client "
                "refused the sampling request",
            )


@rule(
    "liveness/cancelled-not-answered",
    SERVER,
    LEGACY_SHOULD,
    "basic/utilities/cancellation",
    "behavior-requirements",
    unobserved="no call could be cancelled while its sampling request was pending",
)
def cancelled_not_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that is cancelled while its sampling request is pending is not answered any more."""
    for probe in evidence.probes("cancelled"):
        if not probe.exchanges:
            continue
        for call in probe.calls:
            if call.response is None:
                if probe.session.exited is None:
                    yield HELD
            elif not (call.failed and call.conversation.http(call.response)):
                # The stream of a POST should bring a response, and an error is how it ends (basic/transports).
                yield broken(
                    call.response.whole,
                    f"the call with id {shown(call.request.body['id'])} was cancelled while it waited for sampling, "
                    "and answered all the same",
                )


@rule(
    "liveness/next-call-works",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no call followed a probe",
)
def next_call_works(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """After a sampling request that was answered late, out of order, with a tool_use, or whose call was cancelled, the
    next call is answered."""
    for probe in evidence.probes("late", "concurrent", "same-id", "cancelled", "tools"):
        yield from served_next(probe)


@rule(
    "liveness/exits-on-close",
    SERVER,
    # Before 2026-07-28 the section binds the client alone.
    {**ALWAYS_ADVICE, **MODERN_SHOULD},
    "basic/lifecycle",
    "stdio",
    unobserved="stdin could not be closed while a sampling request was pending",
    modern=("basic/transports/stdio", "shutdown"),
    transports=STDIO,
)
def exits_on_close(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server whose stdin is closed while its sampling request is pending ends."""
    for probe in evidence.probes("closed"):
        if not probe.exchanges:
            continue
        for event in probe.events(ExitWatched):
            if event.exited:
                yield HELD
            else:
                yield broken(
                    probe.exchanges[-1].request,
                    f"the process still ran {event.seconds:g} s after its stdin was closed while this request "
                    f"was pending; nothing that it did before took more than {max(event.slowest, 0.1):g} s",
                )


@rule(
    "liveness/second-call",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no plain request was made a second time",
)
def second_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The same sampling request a second time is answered."""
    for exchange in evidence.asks("plain-again"):
        yield from asked_answered(exchange)


@rule(
    "liveness/second-call-succeeds",
    CLIENT,
    ALWAYS_ADVICE,
    "client/sampling",
    "message-flow",
    unobserved="no plain request was answered with a result, or none was made a second time",
)
def second_request_succeeds(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The same sampling request a second time gets a result like the first, for a user who does not mind."""
    if any(exchange.result is not None for exchange in evidence.asks("plain")):
        for exchange in evidence.asks("plain-again"):
            if exchange.error is not None or exchange.abandoned:
                if not goes_on_answering(evidence, exchange):
                    continue  # a user, or a rate limit, may refuse all requests from some point on
                at = exchange.error or exchange.request
                yield broken(at, "the second of two like requests was refused, the first was not")
            elif exchange.answer is not None:
                yield HELD


@rule(
    "liveness/ping-answered",
    CLIENT,
    LEGACY_MUST,
    "basic/utilities/ping",
    "behavior-requirements",
    unobserved="no ping was sent while a sampling request was pending",
)
def ping_answered_by_client(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client answers a ping also while a sampling request is pending, with a result, and not only when it is done
    with that."""
    for session in evidence.sessions:
        pings = [message for message in session.with_method(side.other, "ping") if message.is_request]
        for message in pings:
            answer = session.response_to(message)
            if answer is not None and (error := answer.whole.get("error")):
                yield broken(error, f"a ping got the error {shown(error.value)} instead of an empty result")
            elif answer is not None:
                yield HELD
            elif session.timed_out(message.body["id"]) is not None:
                yield broken(message.whole, "this ping, sent while a sampling request was pending, got no answer")
        late = [event for event in session.events(PingTimed) if event.seconds > max(_LONG, _SLOWER * event.alone)]
        if len(late) >= _TIMES:
            took = ", ".join(f"{event.seconds:.2g} s" for event in late)
            why = f"pings were answered only behind the sampling request that was pending, after {took}; others at once"
            ping = next(message for message in pings if id_key(message.body["id"]) == id_key(late[0].id))
            yield broken(ping.whole, why)


#: so often in a row a ping has to come behind a sampling request, which took so many seconds and so many times what a
#: ping takes while nothing is pending: no machine is busy in just this way
_TIMES, _LONG, _SLOWER = 3, 0.5, 10


@rule(
    "liveness/cancelled-not-answered",
    CLIENT,
    LEGACY_SHOULD,
    "basic/utilities/cancellation",
    "behavior-requirements",
    unobserved="no sampling request was taken back before its answer came",
)
def cancelled_request_not_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client does not answer a sampling request that was cancelled, lives on, and answers the next one."""
    for exchange in evidence.asks("cancelled"):
        later = _follow_up_of(evidence, exchange)
        if _ended_of(evidence, exchange):
            yield broken(exchange.request, "the client ended in the middle of its call when this was taken back")
        # What came before the answer to a later request may have been under way when this one was cancelled.
        if later is None or later.answer is None:
            continue
        if exchange.answer is None:
            yield HELD
        elif exchange.answer.message.index > later.answer.message.index:
            yield broken(
                exchange.answer,
                "an answer to a request that the client had been told to forget, behind the one to a later request",
            )
    # That the next one is answered alone says nothing of the one that was taken back.
    yield from (finding for finding in lived_on(evidence, "cancelled") if not finding.holds)


def _ended_of(evidence: Evidence, cancelled: Exchange) -> bool:
    """Whether a cancelled request was the last thing that the client was asked before it left a call under way."""
    last = evidence.session_of(cancelled).exchanges[-1]
    return last is cancelled and bool(cancelled.conversation.events(LeftDuringCalls))


def _follow_up_of(evidence: Evidence, cancelled: Exchange) -> Exchange | None:
    """The request that was made in the same session some time after another one was cancelled."""
    for exchange in evidence.asks("follow-up"):
        of_cancelled = exchange.asked is not None and exchange.asked.after == "cancelled"
        if of_cancelled and exchange.conversation is cancelled.conversation and exchange.index > cancelled.index:
            return exchange
    return None
