"""input-required: sampling in multi round-trip requests (2026-07-28 on).

basic/patterns/mrtr, basic "ResultType"; schema InputRequiredResult.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..evidence.evidence import Evidence, Probe
from ..protocol.names import CAPABILITIES
from ..evidence.exchanges import Call, asks_for_input
from ..protocol.jsonrpc import CALLS, SAMPLING, shown
from ..evidence.messages import Message, Value
from .rule import HELD, Finding, broken
from ..transcript.transcript import Side
from .rule import CLIENT, MODERN_ADVICE, MODERN_MUST, MODERN_SHOULD, SERVER, rule
from .shapes import asked_answered, call_answered, expect, is_object, is_string, require, survived

MRTR = "basic/patterns/mrtr"
ON_SERVERS = (MRTR, "server-requirements-basic-workflow")
ON_CLIENTS = (MRTR, "client-requirements-basic-workflow")
ERRORS = (MRTR, "error-handling")
NEVER_ASKED = "the server never answered with an InputRequiredResult"

#: what a server may ask for, each with the capability that the client must have declared
ASKABLE = {SAMPLING: "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}


def _results(evidence: Evidence) -> Iterator[tuple[Message, Value]]:
    """Every request of the client that got a result, with the result."""
    for session in evidence.sessions:
        for request in session.sent_by(Side.CLIENT):
            response = session.response_to(request)
            if response and (result := response.whole.get("result")):
                yield request, result


def _asking(evidence: Evidence) -> Iterator[tuple[Message, Value]]:
    """Every InputRequiredResult, with the request that it answers."""
    return ((request, result) for request, result in _results(evidence) if asks_for_input(result.message))


@rule("input-required/result-type", SERVER, MODERN_MUST, "basic", "resulttype", unobserved="no request got a result")
def result_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every result has a resultType, a string."""
    for _, result in _results(evidence):
        yield from require(result, "resultType", is_string, "a string")


@rule(
    "input-required/only-where-allowed",
    SERVER,
    MODERN_MUST,
    MRTR,
    "supported-requests",
    unobserved=NEVER_ASKED,
)
def only_where_allowed(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An InputRequiredResult answers tools/call, prompts/get or resources/read and nothing else."""
    for request, result in _asking(evidence):
        if request.method in CALLS:
            yield HELD
        else:
            yield broken(result, f"an InputRequiredResult in answer to {request.method}")


@rule("input-required/something-required", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def something_required(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An InputRequiredResult has inputRequests or requestState or both."""
    for _, result in _asking(evidence):
        if result.get("inputRequests") is None and result.get("requestState") is None:
            yield broken(result, "an InputRequiredResult with neither inputRequests nor requestState")
        else:
            yield HELD


@rule("input-required/requests-valid", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def requests_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputRequests are an object whose members are sampling, elicitation or roots requests, each with its params;
    requestState is a string."""
    for _, result in _asking(evidence):
        yield from expect(result.get("requestState"), is_string, "a string")
        requests = result.get("inputRequests")
        yield from expect(requests, is_object, "an object")
        for _, request in requests.members() if requests else ():
            yield from expect(request, is_object, "a request (an object)")
            yield from require(request, "method", lambda method: method in ASKABLE, " or ".join(ASKABLE))
            if request.get("method") and request.value["method"] != "roots/list":
                yield from require(request, "params", is_object, "an object")


@rule("input-required/undeclared-not-asked", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def undeclared_not_asked(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputRequests hold no kind of request, and no use of tools, that the _meta of the call did not declare."""
    for request, result in _asking(evidence):
        declared = request.whole.find("params", "_meta", CAPABILITIES)
        requests = result.get("inputRequests")
        for _, asked in requests.members() if requests else ():
            if lacking := _lacking(asked, declared):
                yield broken(asked, f"{asked.json_path} needs {lacking}, which the _meta of its call does not have")
            else:
                yield HELD


def _lacking(asked: Value, declared: Value | None) -> str | None:
    method, params = asked.get("method"), asked.get("params")
    kind = ASKABLE.get(method.value) if method and isinstance(method.value, str) else None
    if kind is None:
        return None
    found = declared.get(kind) if declared else None
    if found is None:
        return f"the capability {kind}"
    tools = params.get("tools") if params and kind == "sampling" else None
    if tools is not None and tools.value and found.get("tools") is None:
        return "the capability sampling.tools"
    return None


def _amended(probe: Probe) -> Iterator[tuple[Call, Message, Message | None]]:
    """The retries of a probe that were changed: each with its call and the response."""
    ids = [event.id for mark in probe.marks("amended")]
    for call in probe.calls:
        for retry in call.rounds[1:]:
            if retry.body["id"] in ids:
                yield call, retry, probe.session.response_to(retry)


def _outcome(evidence: Evidence, call: Call, retry: Message) -> str:
    """What became of a retry: "asked again" where a question came once more; else what its call came to in the end,
    "error" (also a tool result that says so) or "complete"."""
    if len(call.rounds) > _usual_rounds(evidence, call):
        return "asked again"  # in other words, maybe
    place = next(i for i, message in enumerate(call.rounds) if message is retry)
    before, now = _questions(call.rounds[place - 1]), _questions(retry)
    if now is not None and (not now or any(question in (before or []) for question in now)):
        return "asked again"
    if call.response is None or asks_for_input(call.response):
        return "asked again"
    return "error" if call.failed else "complete"


def _usual_rounds(evidence: Evidence, call: Call) -> int:
    """How many rounds a plain call of the same takes."""
    what = (call.request.method, _plain(call.request, "name"), _plain(call.request, "uri"))
    return max(
        (
            len(other.rounds)
            for probe in evidence.probes("first-call", "second-call")
            for other in probe.calls
            if (other.request.method, _plain(other.request, "name"), _plain(other.request, "uri")) == what
        ),
        default=0,
    )


def _questions(request: Message) -> list[object] | None:
    """The params that the response to a request asks with; ``None`` where it asks for nothing."""
    responses = request.session.responses_to(request)
    if not responses or not asks_for_input(responses[0]):
        return None
    requests = responses[0].at("result").get("inputRequests")
    return [params.value for _, asked in requests.members() if (params := asked.get("params"))] if requests else []


@rule(
    "input-required/missing-asked-again",
    SERVER,
    MODERN_SHOULD,
    *ERRORS,
    unobserved="no call could be retried without its answers",
)
def missing_asked_again(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry that lacks an answer is answered by asking for it again, not with an error."""
    for probe in evidence.probes("missing-answers"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(evidence, call, retry) == "asked again":
                yield HELD
            elif _outcome(evidence, call, retry) == "error":
                yield broken(response.whole, f"{probe.name} got an error instead of being asked for them again")


@rule(
    "input-required/extra-ignored",
    SERVER,
    MODERN_SHOULD,
    *ERRORS,
    unobserved="no call that succeeds could be retried with an answer too many",
)
def extra_ignored(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An answer under a key that nobody asked for is ignored."""
    works = _working(evidence)
    for probe in evidence.probes("extra-answers"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(evidence, call, retry) != "error":
                yield HELD
            elif probe.callee in works and not any(later.failed for later in probe.follow_ups):
                yield broken(response.whole, f"{probe.name} failed, and without that answer the call succeeds")


def _working(evidence: Evidence) -> set[object]:
    """The targets whose call succeeded after a plain answer."""
    return {
        probe.callee
        for probe in evidence.probes("first-call")
        if probe.exchanges and any(call.complete for call in probe.calls)
    }


@rule(
    "input-required/malformed-rejected",
    SERVER,
    MODERN_SHOULD,
    *ERRORS,
    unobserved="no call could be retried with a malformed answer",
)
def malformed_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry with a malformed answer is answered with an error, or asked for again, and the server lives on."""
    for probe in evidence.probes("malformed", "malformed-answers"):
        carriers = [(call, retry) for call, retry, _ in _amended(probe)]
        for exchange in probe.exchanges[:1] if probe.group == "malformed" else ():
            retry = exchange.answer.message if exchange.answer else None
            carriers += [(call, retry) for call in probe.calls if retry in call.rounds and retry is not None]
        for call, retry in carriers:
            responses = probe.session.responses_to(retry)
            if responses and _outcome(evidence, call, retry) == "complete":
                yield broken(responses[0].whole, f"{probe.name} led to a result, not to an error or the question again")
            elif responses:
                yield HELD
        if probe.group == "malformed-answers":
            yield from survived(probe)


def _normal(call: Call) -> str | None:
    """The result of a call with the sampled texts taken out, so that two of the same call can be compared."""
    if call.response is None or not call.complete:
        return None
    result: dict[str, Any] = {k: v for k, v in call.response.body["result"].items() if k != "_meta"}
    text = json.dumps(result, ensure_ascii=False, sort_keys=True)
    for exchange in call.request.session.exchanges:
        if exchange.text and call.may_own(exchange):
            text = text.replace(exchange.text, "…")
    return text


def _expected(evidence: Evidence, probe: Probe) -> str | None:
    """The result that a probe's target gives whatever the model says; ``None`` where that differs from call to call."""
    plain = [
        call
        for other in evidence.probes("first-call", "second-call")
        if other.callee == probe.callee and other.exchanges
        for call in other.calls
    ]
    found = {_normal(call) for call in [*plain, *probe.follow_ups]}
    return found.pop() if len(found) == 1 else None


def _difference(got: str, expected: str) -> str:
    """Where two results begin to differ."""
    apart = next((i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), len(expected))
    start = max(0, apart - 20)
    return f"which has {shown(got[start : start + 100])} where {shown(expected[start : start + 100])} belongs"


@rule(
    "input-required/state-tampered-rejected",
    SERVER,
    MODERN_MUST,
    *ON_SERVERS,
    unobserved="the server gives no requestState, or an altered one had no effect that shows",
)
def state_tampered_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A requestState that was altered never has an effect: it is refused, or the answers are asked for again."""
    for probe in evidence.probes("altered-state"):
        expected = _expected(evidence, probe)
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(evidence, call, retry) != "complete":
                yield HELD
            elif expected is not None and (got := _normal(call)) != expected:
                yield broken(
                    call.response.whole if call.response else response.whole,
                    f"{probe.name} was honoured and changed the result, {_difference(got or '', expected)}",
                )


@rule(
    "input-required/state-tampered-noticed",
    SERVER,
    MODERN_ADVICE,
    *ON_SERVERS,
    unobserved="the server gives no requestState",
)
def state_tampered_noticed(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A requestState that was altered is noticed, also where the alteration shows no effect."""
    for probe in evidence.probes("altered-state"):
        expected = _expected(evidence, probe)
        for call, retry, response in _amended(probe):
            if response is None:
                continue
            if _outcome(evidence, call, retry) != "complete":
                yield HELD
            elif expected is None or _normal(call) == expected:
                yield broken(response.whole, f"{probe.name} was accepted; that may do no harm, which only you can tell")


@rule(
    "input-required/state-of-another-request-rejected",
    SERVER,
    MODERN_SHOULD,
    *ON_SERVERS,
    unobserved="the server gives no requestState, or its calls have no arguments that could be others",
)
def state_of_another_request_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The requestState of one call is refused on a call with other arguments."""
    for probe in evidence.probes("foreign-state"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(evidence, call, retry) == "complete":
                yield broken(
                    response.whole,
                    f"{probe.name} was accepted: the call now had the arguments {shown(_arguments(retry))} instead of "
                    f"{shown(_arguments(call.request))}",
                )
            else:
                yield HELD


def _arguments(request: Message) -> object:
    arguments = request.whole.find("params", "arguments")
    return arguments.value if arguments else None


@rule(
    "input-required/another-connection",
    SERVER,
    MODERN_SHOULD,
    "basic",
    "statelessness",
    unobserved="no call that succeeds could be retried on another connection",
)
def another_connection(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A call may be retried on another connection than the one that asked."""
    works = _working(evidence)
    for probe in evidence.probes("another-connection"):
        for call in probe.calls:
            if probe.callee not in works:
                continue
            if call.response is None:
                yield call_answered(call, "when it was retried on another connection")
            elif not call.failed:
                yield HELD
            else:
                yield broken(
                    call.response.whole,
                    "the retry failed on another connection (a fresh process); on the one that asked it succeeds",
                )


LEGACY_CALL = (
    "Sampling works here for legacy clients only: in this era a server cannot send sampling/createMessage, it answers "
    "the call with an InputRequiredResult instead (Python SDK: a resolver that returns Sample; TypeScript SDK: return "
    "inputRequired)."
)
NOT_COMPARED = "nothing that samples in the legacy era could be compared"
#: what SDKs say to a server that wants to send a request of its own
_WANTED_TO_SEND = re.compile(r"createMessage|back[- ]?channel|server-(to-client|initiated) request", re.IGNORECASE)


@rule(
    "input-required/asks-in-its-result",
    SERVER,
    MODERN_MUST,
    MRTR,
    "multi-round-trip-requests",
    unobserved=NOT_COMPARED,
)
def asks_in_its_result(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server that wants to sample asks by way of an InputRequiredResult; it does not try the request of the legacy
    era, with an error for the client to see."""
    for legacy, target, call in _compared(evidence):
        if call is None:
            yield HELD
        elif (seen := _seen(call)) is None or _WANTED_TO_SEND.search(seen):
            yield broken(
                call.response.whole if call.response else call.last.whole,
                f"{target} asks a {legacy} client for sampling, but a {evidence.revision.name} client sees "
                f"{seen or 'no answer'} instead of a question. {LEGACY_CALL}",
            )


@rule(
    "input-required/asks-in-both-eras",
    SERVER,
    MODERN_ADVICE,
    MRTR,
    "multi-round-trip-requests",
    unobserved=NOT_COMPARED,
)
def asks_in_both_eras(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What samples for a legacy client does not fail for a modern one."""
    for legacy, target, call in _compared(evidence):
        if call is None:
            yield HELD
        elif (seen := _seen(call)) is not None and not _WANTED_TO_SEND.search(seen):
            yield broken(
                call.response.whole if call.response else call.last.whole,
                f"{target} asks a {legacy} client for sampling, but a {evidence.revision.name} client sees {seen} "
                "instead of a question; that may be meant, for nobody has to sample",
            )


def _compared(evidence: Evidence) -> Iterator[tuple[str, str, Call | None]]:
    """What sampled in the legacy era, with the revision: ``None`` where it does here too, else the last call of those
    that failed. Who succeeds does without sampling, and a single failure may be a rate limit."""
    legacy: dict[str, str] = {
        event.target: event.revision
        for session in evidence.sessions
        for mark in session.marks("samples-in-legacy")
    }
    for target, revision in legacy.items():
        own = [probe for probe in evidence.probes("first-call") if probe.callee == target]
        calls = [call for probe in own for call in probe.calls if call.declared is not None]
        if any(probe.exchanges for probe in own):
            yield revision, target, None
        elif len(calls) > 1 and all(call.failed for call in calls):
            yield revision, target, calls[-1]


def _seen(call: Call) -> str | None:
    """What a client sees of a call that failed; ``None`` for nothing."""
    if call.response is None:
        return None
    error = call.response.whole.get("error")
    if error is not None:
        return f"the error {shown(error.value, 300)}"
    return f"a result that says isError, {shown(call.response.body['result'].get('content'), 300)},"


# --- what binds the client

NOT_RETRIED = "the client retried no call"


def _retries(evidence: Evidence) -> Iterator[tuple[Call, int, Message, Value]]:
    """Each retry of a client: its call, its place in it, the retry, and the result that asked for it."""
    for session in evidence.sessions:
        for call in session.calls:
            for place, retry in enumerate(call.rounds[1:], 1):
                response = session.response_to(call.rounds[place - 1])
                if response and asks_for_input(response):
                    yield call, place, retry, response.at("result")


def _param(request: Message, key: str) -> Value | None:
    return request.whole.find("params", key)


@rule(
    "input-required/state-echoed",
    CLIENT,
    MODERN_MUST,
    *ON_CLIENTS,
    unobserved="the client retried no call that came with a requestState",
)
def state_echoed(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The requestState of an InputRequiredResult comes back with the retry, character for character."""
    for _, _, retry, result in _retries(evidence):
        given, returned = result.get("requestState"), _param(retry, "requestState")
        if given is None:
            continue
        if returned is None:
            yield broken(retry.at("params"), f"the retry lacks the requestState {shown(given.value)}")
        elif returned.value != given.value:
            yield broken(
                returned, f"{returned.json_path} is {shown(returned.value)}, but {shown(given.value)} had been given"
            )
        else:
            yield HELD


@rule(
    "input-required/state-not-invented",
    CLIENT,
    MODERN_MUST,
    *ON_CLIENTS,
    unobserved="the client retried no call that came without a requestState",
)
def state_not_invented(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry has no requestState where the InputRequiredResult before it had none."""
    for _, _, retry, result in _retries(evidence):
        if result.get("requestState") is None:
            returned = _param(retry, "requestState")
            yield (
                broken(returned, f"{returned.json_path} is {shown(returned.value)}, but none had been given")
                if returned
                else HELD
            )


@rule("input-required/all-answered", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def all_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputResponses of a retry have every key of the inputRequests, and none that was never asked for."""
    for call, place, retry, result in _retries(evidence):
        requests, responses = result.get("inputRequests"), _param(retry, "inputResponses")
        asked = {key for key, _ in requests.members()} if requests else set()
        given = {key for key, _ in responses.members()} if responses else set()
        if missing := sorted(asked - given):
            yield broken(responses or retry.at("params"), f"the retry has no answer to {shown(missing)}")
        elif foreign := sorted(given - asked - _asked_before(call, place)):
            yield broken(responses or retry.at("params"), f"the retry answers {shown(foreign)}, which nobody asked")
        elif asked:
            yield HELD


def _asked_before(call: Call, place: int) -> set[str]:
    """The keys of earlier rounds of a call."""
    keys: set[str] = set()
    for earlier in call.rounds[: place - 1]:
        response = earlier.session.response_to(earlier)
        requests = response.at("result").get("inputRequests") if response and asks_for_input(response) else None
        keys |= {key for key, _ in requests.members()} if requests else set()
    return keys


@rule("input-required/new-id", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def new_id(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry has an id of its own, and otherwise the method, name and arguments of the request that it repeats."""
    for call, place, retry, _ in _retries(evidence):
        before = call.rounds[place - 1]
        if retry.body["id"] == before.body["id"]:
            yield broken(retry.at("id"), f"the retry has the id {shown(retry.body['id'])} of the request it repeats")
            continue
        changed = [key for key in ("name", "uri", "arguments") if _plain(retry, key) != _plain(call.request, key)]
        if changed:
            key = changed[0]
            yield broken(
                retry.at("params"),
                f"the retry has the {key} {shown(_plain(retry, key))} instead of {shown(_plain(call.request, key))}",
            )
        else:
            yield HELD


def _plain(request: Message, key: str) -> object:
    found = _param(request, key)
    return found.value if found is not None and found.value != {} else None


@rule("input-required/not-leaked", CLIENT, MODERN_MUST, *ON_CLIENTS, unobserved=NOT_RETRIED)
def not_leaked(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Answers and requestState go with the retry of the call that they belong to, and with no other request."""
    asked = {_plain(request, "name") for request, _ in _asking(evidence)}
    for session in evidence.sessions:
        retries = {message.index for call in session.calls for message in call.rounds[1:]}
        own = {
            _plain(call.request, "name")
            for call in session.calls
            if len(call.rounds) > 1 or (call.response and asks_for_input(call.response))
        }
        for message in session.sent_by(side) if retries else ():
            # What was asked on another connection may be retried on this one.
            elsewhere = _plain(message, "name") in asked - own
            if not message.is_request or message.index in retries or elsewhere:
                continue
            carried = _param(message, "inputResponses") or _param(message, "requestState")
            if carried is not None:
                yield broken(carried, f"{message.method} carries {carried.json_path}, which belongs to another call")
            else:
                yield HELD


@rule(
    "input-required/unknown-result-type",
    CLIENT,
    MODERN_MUST,
    "basic",
    "resulttype",
    unobserved="no call could be answered with an unknown resultType",
)
def unknown_result_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result of an unknown resultType is an error and one without is complete: neither is taken for a question, and
    the client lives on."""
    for exchange in evidence.asks("odd-type"):
        if exchange.answer is not None:
            yield broken(exchange.answer, f"the client retried the call after {exchange.name}")
        else:
            found = asked_answered(exchange)
            yield found if found.holds else broken(exchange.request, found.why.replace("instead of answering", "after"))
