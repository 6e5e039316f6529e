"""input-required, how a server asks: in the results of calls, for what the client declared (2026-07-28 on).

basic/patterns/mrtr, basic "ResultType"; schema InputRequiredResult.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call
from ..evidence.messages import Value
from ..evidence.session import Probe
from ..protocol.jsonrpc import shown
from ..protocol.names import CALLS, CAPABILITIES
from ..transcript.events import SampledInLegacyEra
from ..transcript.transcript import Side
from .mrtr import ASKABLE, MRTR, ON_SERVERS, asking_results, results_of
from .rule import HELD, MODERN_ADVICE, MODERN_MUST, MODERN_SHOULD, SERVER, Finding, broken, rule
from .shapes import call_answered, expect, is_object, is_string, require, working

NEVER_ASKED = "the server never answered with an InputRequiredResult"


@rule("input-required/result-type", SERVER, MODERN_MUST, "basic", "resulttype", unobserved="no request got a result")
def result_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every result has a resultType, a string."""
    for _, result in results_of(evidence):
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
    for request, result in asking_results(evidence):
        if isinstance(request.method, str) and request.method in CALLS:
            yield HELD
        else:
            yield broken(result, f"an InputRequiredResult in answer to {request.method}")


@rule("input-required/something-required", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def something_required(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An InputRequiredResult has inputRequests or requestState or both."""
    for _, result in asking_results(evidence):
        if result.get("inputRequests") is None and result.get("requestState") is None:
            yield broken(result, "an InputRequiredResult with neither inputRequests nor requestState")
        else:
            yield HELD


@rule("input-required/requests-valid", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def requests_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputRequests are an object whose members are sampling, elicitation or roots requests, each with its params;
    requestState is a string."""
    for _, result in asking_results(evidence):
        yield from expect(result.get("requestState"), is_string, "a string")
        requests = result.get("inputRequests")
        yield from expect(requests, is_object, "an object")
        for _, request in requests.members() if requests else ():
            yield from expect(request, is_object, "a request (an object)")
            yield from require(
                request, "method", lambda method: is_string(method) and method in ASKABLE, " or ".join(ASKABLE)
            )
            if request.get("method") and request.value["method"] != "roots/list":
                yield from require(request, "params", is_object, "an object")


@rule("input-required/undeclared-not-asked", SERVER, MODERN_MUST, *ON_SERVERS, unobserved=NEVER_ASKED)
def undeclared_not_asked(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputRequests hold no kind of request, and no use of tools, that the _meta of the call did not declare."""
    for request, result in asking_results(evidence):
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
    works = working(evidence)
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
    "Nobody has to sample, and an error that says so is its right; but where it is to work in this era too, the server "
    "cannot send sampling/createMessage, it answers the call with an InputRequiredResult instead (Python SDK: a "
    "resolver that returns Sample; TypeScript SDK: return inputRequired)."
)


@rule(
    "input-required/asks-in-its-result",
    SERVER,
    MODERN_ADVICE,
    MRTR,
    "multi-round-trip-requests",
    unobserved="nothing that samples in the legacy era could be compared",
)
def asks_in_its_result(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What samples for a legacy client asks a modern one too, by way of an InputRequiredResult, and does not fail."""
    for legacy, target, call in _compared(evidence):
        if call is None:
            yield HELD
        else:
            yield broken(
                call.response.whole if call.response else call.last.whole,
                f"{target} asks a {legacy} client for sampling, but a {evidence.revision.name} client sees "
                f"{_seen(call)} instead of a question. {LEGACY_CALL}",
            )


def _compared(evidence: Evidence) -> Iterator[tuple[str, str, Call | None]]:
    """What sampled in the legacy era, with the revision: ``None`` where it does here too, else the last call of those
    that failed. Who succeeds does without sampling, and a single failure may be a rate limit."""
    legacy = {e.callee: e.revision for session in evidence.sessions for e in session.events(SampledInLegacyEra)}
    probes: dict[str, list[Probe]] = {}
    for probe in evidence.probes("first-call"):
        probes.setdefault(probe.callee, []).append(probe)
    for callee, revision in legacy.items():
        own = probes.get(callee, [])
        calls = [call for probe in own for call in probe.calls if call.declared is not None]
        if any(probe.exchanges for probe in own):
            yield revision, callee, None
        elif len(calls) > 1 and all(call.failed for call in calls):
            yield revision, callee, calls[-1]


def _seen(call: Call) -> str:
    """What a client sees of a call that failed."""
    if call.response is None:
        return "no answer"
    error = call.response.whole.get("error")
    if error is not None:
        return f"the error {shown(error.value, 300)}"
    return f"a result that says isError, {shown(call.response.body.get('result', {}).get('content'), 300)},"
