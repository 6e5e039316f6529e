"""association, between calls: what belongs to one call is nothing to another one.

basic "Responses"; from 2026-07-28 on basic "Statelessness" and client/sampling "Messages".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call
from ..evidence.reading import Key
from ..evidence.session import Probe
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .id import matched
from .mrtr import called
from .rule import ALWAYS_MUST, HELD, MODERN_SHOULD, SERVER, Finding, broken, rule
from .shapes import call_answered, working


@rule(
    "association/interleaved",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="the server does not sample for two different calls at once",
    modern=("basic", "statelessness"),
)
def interleaved(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Calls of different things whose sampling overlaps come each to its own end; from 2026-07-28 on no retry fails
    because another call came in between."""
    works = working(evidence)
    plain = [p for p in evidence.probes("first-call", "second-call") if p.callee in works]
    good = {called(call) for probe in plain for call in probe.calls}
    single = {called(call) for probe in plain for call in probe.calls if len(probe.exchanges) == 1}
    for probe in evidence.probes("interleaved"):
        if len(probe.exchanges) < 2:
            continue
        for call in probe.calls:
            yield call_answered(call, f"after {probe.name}")
        if all(called(call) in single for call in probe.calls):
            yield from (finding for finding in matched(probe) if not finding.holds)
    for probe in evidence.probes("interleaved", "concurrent") if evidence.revision.modern else ():
        yield from _retries_succeed(probe, good)


def _retries_succeed(probe: Probe, good: set[tuple[object, Key, Key]]) -> Iterator[Finding]:
    """Whether the calls that ask come to a good end, with nothing else than usual but that another call came between
    their rounds."""
    asking = [call for call in probe.calls if probe.owned(call) and len(call.rounds) > 1]
    for call in asking if len(asking) > 1 else ():
        if call.response is not None and call.failed and called(call) in good:
            yield broken(
                call.response.whole,
                f"the retry (id {shown(call.last.body['id'])}) failed in {probe.name}; where no other call comes in "
                "between it succeeds",
            )
        elif call.complete:
            yield HELD


@rule(
    "association/not-retained",
    SERVER,
    MODERN_SHOULD,
    "client/sampling",
    "messages",
    unobserved="no two calls that have nothing to do with one another sampled in one session",
)
def not_retained(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What was said in one call does not turn up in the sampling requests of a later one."""
    for session in evidence.sessions:
        said: list[tuple[str, Call]] = []
        for probe in session.probes:
            for call in probe.calls if probe.group in ("first-call", "second-call") else ():
                yield from _told_again(probe, call, said)
                said += [(exchange.text, call) for exchange in probe.owned(call) if exchange.text]


def _told_again(probe: Probe, call: Call, said: list[tuple[str, Call]]) -> Iterator[Finding]:
    """Whether the requests of a call hold what the model said in an earlier one."""
    # Arguments may name a conversation that is to be taken up again.
    unrelated = [(text, other) for text, other in said if called(other) != called(call) or not _has_arguments(call)]
    for exchange in probe.owned(call) if unrelated else ():
        asked = shown(exchange.params.value, limit=1_000_000)
        text = next((text for text, _ in unrelated if text in asked), None)
        if text is None:
            yield HELD
        else:
            yield broken(exchange.params, f"this request holds {shown(text)}, which was said in an earlier call")


def _has_arguments(call: Call) -> bool:
    arguments = call.request.whole.find("params", "arguments")
    return arguments is not None and bool(arguments.value)
