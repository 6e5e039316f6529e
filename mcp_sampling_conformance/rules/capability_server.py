"""capability, what the negotiation binds the server to: sampling is asked of those who declared it, in whatever form.

client/sampling "Capabilities"; basic/lifecycle "Initialization" and "Operation"; from 2026-07-28 on basic "_meta" and
"Statelessness".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, Exchange
from ..evidence.messages import Message, Value
from ..evidence.reading import Key
from ..evidence.session import Session
from ..protocol.jsonrpc import shown
from ..protocol.names import INITIALIZED, INVALID_PARAMS, MISSING_CAPABILITY
from ..transcript.events import NotOpened, TimedOut
from ..transcript.transcript import Side
from .capability_shapes import META, context_of, declares_none
from .mrtr import called
from .rule import (
    ALWAYS_MUST,
    HELD,
    LEGACY_SHOULD,
    MODERN_MUST,
    NEGOTIATED,
    SERVER,
    Finding,
    broken,
    rule,
)
from .shapes import call_answered, concluded, is_object

NO_UNDECLARED_CALL = "no call was made without the capability whose tool samples otherwise"


@rule(
    "capability/undeclared-not-used",
    SERVER,
    NEGOTIATED,
    "basic/lifecycle",
    "operation",
    unobserved=NO_UNDECLARED_CALL,
    modern=META,
)
def undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request to a client that did not declare the sampling capability."""
    for session in evidence.sessions:
        for exchange in session.exchanges:
            if exchange.declared is None and _never_declared(session, exchange.index):
                yield broken(
                    exchange.request.get("method") or exchange.request,
                    f"the server sent sampling/createMessage although {declares_none(evidence)}",
                )
    for _, owned in _undeclared_calls(evidence):
        if not owned:
            yield HELD


def _never_declared(session: Session, index: int) -> bool:
    """Whether nothing before an index declared sampling: a server that remembers what did breaks per-request."""
    declared_at = session.sampling_declared_at
    return declared_at is None or declared_at >= index


@rule(
    "capability/undeclared-answered",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved=NO_UNDECLARED_CALL,
)
def undeclared_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that would need sampling is answered also when the client did not declare sampling."""
    for call, owned in _undeclared_calls(evidence):
        if not owned and concluded(call):
            yield call_answered(call, "from a client without the sampling capability")


def _undeclared_calls(evidence: Evidence) -> Iterator[tuple[Call, bool]]:
    """The calls for which sampling was not declared, of what ever samples, each with whether the server sampled for it
    all the same."""
    sampling = _what_samples(evidence)
    for session in evidence.sessions:
        for call in session.calls:
            if call.declared is None and called(call) in sampling:
                yield call, session.samples_for(call)


def _what_samples(evidence: Evidence) -> set[tuple[object, Key, Key]]:
    """What is called and samples in any session."""
    calls = [(session, call) for session in evidence.sessions for call in session.calls]
    return {called(call) for session, call in calls if session.samples_for(call)}


@rule(
    "capability/undeclared-error-modern",
    SERVER,
    MODERN_MUST,
    *META,
    unobserved="no call failed for want of the sampling capability",
)
def undeclared_error_modern(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call that needs sampling, without the capability in its _meta, gets the error -32021, whose
    data.requiredCapabilities is an object that names sampling."""
    for calls in _plain_calls(evidence).values():
        needs = [call for call, asked in calls if call.declared is None and not asked and call.failed and call.response]
        right = [call for call in needs if _wrong_refusal(call) is None]
        # Where other calls fail too, or one of these was refused as it should be, there is another reason to fail.
        otherwise = any(call.failed for call, _ in calls if call.declared is not None)
        if right:
            yield HELD
        elif any(asked for _, asked in calls) and not otherwise:
            for call in needs:
                yield _wrong_refusal(call) or HELD


def _plain_calls(evidence: Evidence) -> dict[object, list[tuple[Call, bool]]]:
    """The plain calls by what they call, each with whether the server sampled for it."""
    found: dict[object, list[tuple[Call, bool]]] = {}
    for probe in evidence.probes("first-call", "second-call"):
        for call in probe.calls:
            asked = bool(probe.owned(call))
            found.setdefault(probe.callee, []).append((call, asked))
    return found


def _wrong_refusal(call: Call) -> Finding | None:
    """What is wrong with the failure of a call that lacks the capability; ``None`` where it is as it should be."""
    assert call.response is not None
    lacking = "the call needs sampling, which its _meta did not declare"
    error = call.response.whole.get("error")
    if error is None:
        return broken(call.response.whole, f"{lacking}; it failed with a result instead of the error -32021")
    code, data = error.get("code"), error.get("data")
    required = data.get("requiredCapabilities") if data else None
    if code is None or code.value != MISSING_CAPABILITY:
        given = shown(code.value) if code else "no code"
        return broken(code or error, f"{lacking}; the error has {given} instead of -32021")
    if required is None or not is_object(required.value) or "sampling" not in required.value:
        why = "the error -32021 does not name sampling in an object data.requiredCapabilities"
        return broken(required or data or error, why)
    return None


@rule(
    "capability/per-request",
    SERVER,
    MODERN_MUST,
    "basic",
    "statelessness",
    unobserved="no connection carried calls with and without the sampling capability",
)
def per_request(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What a client can do is taken from the _meta of the very request, never from an earlier one."""
    afresh = _asked_without(evidence)
    for session in evidence.sessions:
        for probe in session.probes:
            if probe.group not in ("first-call", "second-call"):
                continue
            target = probe.callee
            for call in probe.calls:
                asked = probe.owned(call)
                before = not _never_declared(session, call.request.index)
                if call.declared is None and before and target not in afresh:
                    if asked:
                        yield broken(
                            asked[0].request.get("method") or asked[0].request,
                            "this call's _meta declared no sampling, and the server asked for it all the same: it took "
                            "the capability from an earlier request on the connection",
                        )
                    elif call.response is not None:
                        yield HELD
                if call.declared is not None and (wrong := _denied(call, call.declared)):
                    yield broken(wrong, "this call's _meta declared what the server says that it lacks")


def _denied(call: Call, declared: Value) -> Value | None:
    """The error -32021 of a call, where all that it requires was declared."""
    error = call.response.whole.get("error") if call.response else None
    code = error.get("code") if error else None
    data = error.get("data") if error else None
    required = data.get("requiredCapabilities") if data else None
    if error is None or code is None or code.value != MISSING_CAPABILITY or required is None:
        return None
    names, parts = dict(required.members()), required.get("sampling")
    lacking = [name for name, _ in parts.members() if declared.get(name) is None] if parts else []
    return error if set(names) == {"sampling"} and not lacking else None


def _asked_without(evidence: Evidence) -> set[object]:
    """The targets that sample for a client that never declared it: there is no telling what they remember."""
    return {
        probe.callee
        for probe in evidence.probes("first-call", "second-call")
        for exchange in probe.exchanges
        if exchange.declared is None and _never_declared(probe.session, exchange.index)
    }


@rule(
    "capability/incomplete-meta-rejected",
    SERVER,
    MODERN_MUST,
    *META,
    unobserved="no call without clientCapabilities in its _meta was answered",
)
def incomplete_meta_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A request without clientCapabilities in its _meta is refused with the error -32602, over HTTP with status 400."""
    for probe in evidence.probes("incomplete-meta"):
        for call in probe.calls:
            if call.response is not None:  # if it is not, capability/undeclared-answered says so
                yield _served_incomplete(call, call.response, probe.owned(call)) or HELD


def _served_incomplete(call: Call, response: Message, asked: Sequence[Exchange]) -> Finding | None:
    """What is wrong with the answer to a call that does not say what its client can do; ``None`` where nothing is."""
    lacking = "the _meta of this call has no clientCapabilities"
    error, http = response.whole.get("error"), call.conversation.http(response)
    code = error.get("code") if error else None
    if asked:
        return broken(asked[0].request, f"{lacking}, and the server asked for sampling as if it had declared that")
    if error is None:
        return broken(response.whole, f"{lacking}; it was served, and not refused with -32602")
    if code is None or code.value != INVALID_PARAMS:
        return broken(code or error, f"{lacking}; the error has {shown(code.value) if code else 'no code'}, not -32602")
    if http is not None and http.status != 400:
        return broken(response.whole, f"{lacking}; the error -32602 came with HTTP {http.status} instead of 400")
    return None


@rule(
    "capability/not-before-initialized",
    SERVER,
    LEGACY_SHOULD,
    "basic/lifecycle",
    "initialization",
    unobserved="nothing that samples was called before notifications/initialized",
)
def not_before_initialized(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server sends no sampling request before it received notifications/initialized."""
    sampling = _what_samples(evidence)
    for session in evidence.sessions:
        ready = next((m for m in session.sent_by(Side.CLIENT) if m.method == INITIALIZED), None)
        early = [e for e in session.exchanges if ready is None or e.index < ready.index]
        for exchange in early:
            yield broken(
                exchange.request.get("method") or exchange.request,
                "the server sent sampling/createMessage before notifications/initialized",
            )
        before = [call for call in session.calls if ready is not None and call.request.index < ready.index]
        # One that was put off, or refused; what was neither asks nothing yet, and may be slow to do so.
        refrained = [c for c in before if called(c) in sampling and (c.response or session.samples_for(c))]
        if refrained and not early:
            yield HELD


def _is_plain(exchange: Exchange) -> bool:
    return not any(exchange.params.get(key) for key in ("tools", "toolChoice")) and not context_of(exchange.params)


@rule(
    "capability/declared-forms-accepted",
    SERVER,
    ALWAYS_MUST,
    "client/sampling",
    "capabilities",
    unobserved="no tool sampled in a session that declares sampling",
)
def declared_forms_accepted(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every form of the sampling capability (empty, with tools, with context, with both, with unknown members) means
    that sampling is supported."""
    tries = _tries(evidence)
    # A server that samples for a form on one connection and not on the next has other reasons than the form.
    steady = all(len({bool(one.missed) for one in same}) == 1 for same in tries)
    accepted = sum(not one.missed for same in tries for one in same)
    for same in tries:
        if not same[0].missed:
            yield HELD
        elif steady and len(same) > 1 and accepted > 1:
            declared, (at, what) = shown(same[0].declared.value), same[0].missed
            others = f"clients that declared other forms of the capability were asked, on {accepted} connections"
            yield broken(
                at, f"{what} a client that declared sampling: {declared}, on {len(same)} connections; {others}"
            )


@dataclass(frozen=True)
class _Try:
    """What a client with one form of the capability met on one connection."""

    declared: Value
    missed: tuple[Value, str] | None  #: where and how it showed that the form is not known; ``None``: it was asked


def _tries(evidence: Evidence) -> list[list[_Try]]:
    """What came of each form, on each connection that could tell."""
    found: dict[str, list[_Try]] = {}
    # What samples plainly for one form has no reason not to sample for another.
    plain = {
        probe.callee
        for probe in evidence.probes("first-call")
        if probe.exchanges and all(_is_plain(e) for e in probe.exchanges)
    }
    # Whoever shows what the model said on another connection remembers it, and has no need to ask.
    said = {exchange.text for exchange in evidence.exchanges if exchange.text}
    for session in evidence.sessions:
        forms = {shown(declared.value): declared for _, declared in session.declarations if declared is not None}
        for form, declared in forms.items():
            asked = any(e.declared is not None and shown(e.declared.value) == form for e in session.exchanges)
            missed = None if asked else _missed(session, form, plain, said)
            if asked or missed:
                found.setdefault(form, []).append(_Try(declared, missed))
    return list(found.values())


def _missed(session: Session, form: str, plain: set[str], said: set[str]) -> tuple[Value, str] | None:
    """Where and how it shows that a server that did not sample for a form on a connection does not know the form."""
    # One that is slow to start has said nothing of the form.
    if session.events(NotOpened) and not session.events(TimedOut) and session.sampling is not None:
        return session.sampling, "the server did not come up for"
    for probe in session.probes:
        declared = probe.calls[0].declared if probe.calls else None
        if probe.group != "first-call" or probe.callee not in plain or declared is None:
            continue
        if shown(declared.value) != form:
            continue
        # One modern process sees all forms, and may answer a later one from what it made of an earlier answer.
        if session.revision.modern and not any(call.failed for call in probe.calls):
            continue
        responses = [shown(call.response.body, limit=1_000_000) for call in probe.calls if call.response]
        if not any(text in response for response in responses for text in said):
            return probe.calls[0].request.whole, f"{probe.callee} samples, but not for"
    return None
