"""input-required, what a server makes of retries (2026-07-28 on): answers missing, extra or malformed, altered state.

basic/patterns/mrtr "Server Requirements", "Error Handling".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, asks_for_input
from ..evidence.messages import Message
from ..evidence.session import Probe, Session
from ..protocol.jsonrpc import shown
from ..transcript.events import RetryAmended
from ..transcript.transcript import Side
from .mrtr import ERRORS, ON_SERVERS, called
from .rule import HELD, MODERN_ADVICE, MODERN_MUST, MODERN_SHOULD, SERVER, Finding, broken, rule
from .shapes import call_answered, survived, working


class _Plain:
    """What the plain calls of a revision show of a server, read once."""

    def __init__(self, evidence: Evidence) -> None:
        self._probes = list(evidence.probes("first-call", "second-call"))

    @cached_property
    def _rounds(self) -> dict[object, int]:
        found: dict[object, int] = {}
        for probe in self._probes:
            for call in probe.calls:
                what = called(call)
                found[what] = max(found.get(what, 0), len(call.rounds))
        return found

    def rounds(self, call: Call) -> int:
        """How many rounds a plain call of the same takes."""
        return self._rounds.get(called(call), 0)

    @cached_property
    def _results(self) -> dict[str, set[str | None]]:
        found: dict[str, set[str | None]] = {}
        for probe in self._probes:
            if probe.exchanges:
                found.setdefault(probe.callee, set()).update(_normal(probe.session, call) for call in probe.calls)
        return found

    def result(self, probe: Probe) -> str | None:
        """The result that a probe's callee gives whatever the model says; ``None`` where it differs from call to
        call."""
        after = {_normal(probe.session, call) for call in probe.follow_ups}
        found = self._results.get(probe.callee, set()) | after
        return next(iter(found)) if len(found) == 1 else None


def _normal(session: Session, call: Call) -> str | None:
    """The result of a call with the sampled texts taken out, so that two of the same call can be compared."""
    if call.response is None or not call.complete:
        return None
    result: dict[str, Any] = {k: v for k, v in call.response.body["result"].items() if k != "_meta"}
    text = json.dumps(result, ensure_ascii=False, sort_keys=True)
    for exchange in session.owned(call):
        if exchange.text:
            text = text.replace(exchange.text, "…")
    return text


def _difference(got: str, expected: str) -> str:
    """Where two results begin to differ."""
    apart = next((i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), len(expected))
    start = max(0, apart - 20)
    return f"which has {shown(got[start : start + 100])} where {shown(expected[start : start + 100])} belongs"


def _amended(probe: Probe) -> Iterator[tuple[Call, Message, Message | None]]:
    """The retries of a probe that were changed: each with its call and the response."""
    ids = [event.id for event in probe.events(RetryAmended)]
    for call in probe.calls:
        for retry in call.rounds[1:]:
            if retry.body["id"] in ids:
                yield call, retry, probe.session.response_to(retry)


def _outcome(plain: _Plain, call: Call, retry: Message) -> str:
    """What became of a retry: "asked again" where a question came once more; else what its call came to in the end,
    "error" (also a tool result that says so) or "complete"."""
    if len(call.rounds) > plain.rounds(call):
        return "asked again"  # in other words, maybe
    place = next(i for i, message in enumerate(call.rounds) if message is retry)
    before, now = _questions(call, call.rounds[place - 1]), _questions(call, retry)
    if now is not None and (not now or any(question in (before or []) for question in now)):
        return "asked again"
    if call.response is None or asks_for_input(call.response):
        return "asked again"
    return "error" if call.failed else "complete"


def _questions(call: Call, request: Message) -> list[object] | None:
    """The params that the response to a request asks with; ``None`` where it asks for nothing."""
    response = call.conversation.response_to(request)
    if response is None or not asks_for_input(response):
        return None
    requests = response.at("result").get("inputRequests")
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
    plain = _Plain(evidence)
    for probe in evidence.probes("missing-answers"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif (outcome := _outcome(plain, call, retry)) == "asked again":
                yield HELD
            elif outcome == "error":
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
    plain = _Plain(evidence)
    works = working(evidence)
    for probe in evidence.probes("extra-answers"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(plain, call, retry) != "error":
                yield HELD
            elif probe.callee in works and not any(later.failed for later in probe.follow_ups):
                yield broken(response.whole, f"{probe.name} failed, and without that answer the call succeeds")


@rule(
    "input-required/malformed-rejected",
    SERVER,
    MODERN_SHOULD,
    *ERRORS,
    unobserved="no call could be retried with a malformed answer",
)
def malformed_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A retry with a malformed answer is answered with an error, or asked for again, and the server lives on."""
    plain = _Plain(evidence)
    for probe in evidence.probes("malformed", "malformed-answers"):
        carriers = [(call, retry) for call, retry, _ in _amended(probe)]
        for exchange in probe.exchanges[:1] if probe.group == "malformed" else ():
            retry = exchange.answer.message if exchange.answer else None
            carriers += [(call, retry) for call in probe.calls if retry in call.rounds and retry is not None]
        for call, retry in carriers:
            responses = probe.session.responses_to(retry)
            if responses and _outcome(plain, call, retry) == "complete":
                yield broken(responses[0].whole, f"{probe.name} led to a result, not to an error or the question again")
            elif responses:
                yield HELD
        if probe.group == "malformed-answers":
            yield from survived(probe)


@rule(
    "input-required/state-tampered-rejected",
    SERVER,
    MODERN_MUST,
    *ON_SERVERS,
    unobserved="the server gives no requestState, or an altered one had no effect that shows",
)
def state_tampered_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A requestState that was altered never has an effect: it is refused, or the answers are asked for again."""
    plain = _Plain(evidence)
    for probe in evidence.probes("altered-state"):
        expected = plain.result(probe)
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(plain, call, retry) != "complete":
                yield HELD
            elif expected is not None and (got := _normal(probe.session, call)) != expected:
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
    plain = _Plain(evidence)
    for probe in evidence.probes("altered-state"):
        expected = plain.result(probe)
        for call, retry, response in _amended(probe):
            if response is None:
                continue
            if _outcome(plain, call, retry) != "complete":
                yield HELD
            elif expected is None or _normal(probe.session, call) == expected:
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
    plain = _Plain(evidence)
    for probe in evidence.probes("foreign-state"):
        for call, retry, response in _amended(probe):
            if response is None:
                yield call_answered(call, f"after {probe.name}")
            elif _outcome(plain, call, retry) == "complete":
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
