"""The judge: from transcripts to verdicts, rule by rule. No I/O, no clock; the same record gives the same verdicts."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

from ..evidence.evidence import Evidence
from ..evidence.session import Session
from ..protocol.jsonrpc import id_key, objects_in
from ..protocol.revisions import Revision
from ..rules.registry import rules_for
from ..rules.rule import Finding, Rule
from ..transcript.events import HttpExchange, ProbeStarted, SamplingAsked
from ..transcript.masking import Mask
from ..transcript.transcript import Entry, Item, Side, Transcript
from .excerpt import Excerpt, excerpt
from .results import Reference, Result, Verdict, reportable, verdict_on_broken

#: places that a result refers to at most
_MOST_REFERENCES = 20


@dataclass(frozen=True)
class Terms:
    """How a side is judged."""

    side: Side
    transport: str
    strict: bool = False  #: a broken SHOULD is a failure too
    mask: Mask = field(default_factory=Mask)  #: takes secrets out of every text of the results


def evidence_of(transcripts: Sequence[Transcript], revision: Revision) -> Evidence:
    """The record of the connections of one revision, ready to be judged."""
    return Evidence(revision, tuple(Session(transcript, revision) for transcript in transcripts))


def judge(evidence: Evidence, terms: Terms) -> list[Result]:
    """The verdict on every rule that binds the side in the revision, in the order of the registry. Raises nothing."""
    with _no_garbage_collection():
        return [_judged(rule, evidence, terms) for rule in rules_for(terms.side, evidence.revision)]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Judging makes small objects by the million and keeps most of them until it is done. Python would go through all
    of them again and again, to find next to nothing: that doubles the time which a long record takes."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def broken_since(transcript: Transcript, place: int, revision: Revision, side: Side) -> frozenset[str]:
    """The rules, of whatever level, that what stands from a place of a transcript on breaks.

    Judged are the beginning of the connection, with the plain call that comes first, what came since the place, and
    the requests that are answered since then: so it costs the same late on a connection as at its beginning.
    """
    beginning = min(_beginning(transcript), place)
    earlier = [range(each, each + 1) for each in _answered_since(transcript, place, beginning)]
    part = transcript.part(range(beginning), *earlier, range(place, len(transcript.items)))
    evidence = evidence_of([part], revision)
    begin = transcript.items[place].index if place < len(transcript.items) else evidence.sessions[0].end

    def breaks(rule: Rule) -> bool:
        if not rule.is_about(transcript.transport):
            return False
        try:
            return any(not finding.holds and finding.index >= begin for finding in rule.check(evidence, side))
        except Exception:  # a bug of ours, which is told when the record is judged
            return True

    return frozenset(rule.name for rule in rules_for(side, revision) if breaks(rule))


def _answered_since(transcript: Transcript, place: int, beginning: int) -> list[int]:
    """The places, from ``beginning`` up to a place, of requests that are answered after it."""
    made: set[_Request] = set()
    wanted: set[_Request] = set()
    for item in transcript.items[place:]:
        requests, answered = _requests_in(item)
        wanted |= answered - made
        made |= requests
    found: list[int] = []
    for earlier in range(place - 1, beginning - 1, -1):
        if not wanted:
            break
        requests, _ = _requests_in(transcript.items[earlier])
        if requests & wanted:
            found.insert(0, earlier)
            wanted -= requests
    return found


#: who made a request, and its id
_Request = tuple[Side, tuple[str, object]]


def _requests_in(item: Item) -> tuple[set[_Request], set[_Request]]:
    """The requests that an item holds, and those that it answers."""
    requests: set[_Request] = set()
    answered: set[_Request] = set()
    if isinstance(item, Entry):
        for body in objects_in(item.parse().value):
            if "method" in body:
                requests.add((item.sender, id_key(body.get("id"))))
            else:
                answered.add((item.sender.other, id_key(body.get("id"))))
    return requests, answered


def _beginning(transcript: Transcript) -> int:
    """The place where the second probe, or the second sampling request of ours, begins."""
    for kind in (ProbeStarted, SamplingAsked):
        begun = transcript.events(kind)
        if begun:
            return begun[1].index if len(begun) > 1 else len(transcript.items)
    return len(transcript.items)


def without_evidence(revision: Revision, terms: Terms, verdict: Verdict, reason: str) -> list[Result]:
    """The same verdict on every rule, where there is no record to judge."""
    return [_result(rule, revision, terms, verdict, reason) for rule in rules_for(terms.side, revision)]


def _judged(rule: Rule, evidence: Evidence, terms: Terms) -> Result:
    revision = evidence.revision
    if not rule.is_about(terms.transport):
        reason = f"the rule is about {', '.join(sorted(rule.transports or ()))}, and this ran over {terms.transport}"
        return _result(rule, revision, terms, Verdict.NOT_APPLICABLE, reason)
    try:
        findings = list(rule.check(evidence, terms.side))
    except Exception as error:  # a bug of ours must not take the other verdicts with it
        report = f"a bug in the harness, please report it: {rule.name} raised {error!r}"
        return _result(rule, revision, terms, Verdict.ERROR, report)
    violations = [finding for finding in findings if not finding.holds]
    if violations:
        verdict = verdict_on_broken(rule.level(revision), terms.strict)
        return _result(rule, revision, terms, verdict, _message(violations), evidence, violations)
    if findings:
        return _result(rule, revision, terms, Verdict.PASS, "")
    if terms.side is Side.CLIENT and (lacking := _undeclared(rule, evidence)):
        return _result(rule, revision, terms, Verdict.NOT_APPLICABLE, f"the client did not declare {lacking}")
    return _result(rule, revision, terms, Verdict.NOT_OBSERVED, rule.unobserved)


#: the topics that are about a part of the sampling capability
_PARTS = {"tool-loop": "tools"}


def _undeclared(rule: Rule, evidence: Evidence) -> str | None:
    """The capability without which a client has nothing that the rule could judge, where it lacks it."""
    part = _PARTS.get(rule.topic)
    declared = [session.sampling for session in evidence.sessions if session.sampling is not None]
    if not declared:
        return "sampling"
    if part is not None and not any(sampling.get(part) for sampling in declared):
        return f"sampling.{part}"
    return None


def _message(violations: Sequence[Finding]) -> str:
    more = len({violation.why for violation in violations}) - 1
    return violations[0].why + (f" (and {more} more of the kind)" if more else "")


def _reference(finding: Finding, evidence: Evidence, mask: Mask) -> Reference | None:
    if finding.at is not None:
        message = finding.at.message
        return Reference(message.transcript.name, message.index, mask.path(finding.at.path))
    transcript = _transcript_of(finding, evidence)
    return Reference(transcript.name, finding.index) if transcript is not None else None


def _transcript_of(finding: Finding, evidence: Evidence) -> Transcript | None:
    """The transcript of a finding that points at an entry, or an HTTP exchange, alone."""
    for session in evidence.sessions if finding.entry is not None else ():
        strays = (entry for entry, _ in session.strays)
        if any(item is finding.entry for item in chain(strays, session.events(HttpExchange))):
            return session.transcript
    return None


def _excerpt(finding: Finding, evidence: Evidence, mask: Mask) -> Excerpt | None:
    if finding.at is not None:
        message = finding.at.message
        return excerpt(message.transcript, message.entry, finding.at.path, mask)
    transcript = _transcript_of(finding, evidence)
    if transcript is None or finding.entry is None:
        return None
    return excerpt(transcript, finding.entry, (), mask, alone=isinstance(finding.entry, Entry))


def _result(
    rule: Rule,
    revision: Revision,
    terms: Terms,
    verdict: Verdict,
    message: str,
    evidence: Evidence | None = None,
    violations: Sequence[Finding] = (),
) -> Result:
    level = rule.level(revision)
    assert level is not None
    shown = [_reference(v, evidence, terms.mask) for v in violations[:_MOST_REFERENCES]] if evidence is not None else []
    return Result(
        rule=rule.name,
        role=terms.side.value,
        level=level.value,
        revision=revision.name,
        transport=terms.transport,
        verdict=verdict,
        message=reportable(terms.mask(message)),
        url=rule.url(revision),
        statement=rule.statement,
        references=tuple(reference for reference in shown if reference is not None),
        excerpt=_excerpt(violations[0], evidence, terms.mask) if evidence is not None and violations else None,
    )
