"""The judge: from transcripts to verdicts, rule by rule. No I/O, no clock; the same record gives the same verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..evidence.evidence import Evidence, Session
from ..report.excerpt import excerpt
from ..protocol.revisions import Revision
from ..rules.registry import rules_for
from ..rules.rule import Finding, Rule
from .results import Result, Verdict, reportable, verdict_on_broken
from ..transcript.transcript import Side, Transcript


def judge(
    transcripts: Sequence[Transcript],
    revision: Revision,
    side: Side,
    transport: str,
    *,
    strict: bool = False,
    mask: Callable[[str], str] = str,
) -> list[Result]:
    """Judge every rule that binds ``side`` in ``revision`` on the record of its connections.

    With ``strict`` a broken SHOULD is a failure too. ``mask`` takes secrets out of every text of the results.
    """
    evidence = Evidence(revision, tuple(Session(transcript, revision) for transcript in transcripts))
    return [_verdict(rule, evidence, side, transport, strict, mask) for rule in rules_for(side, revision)]


def broken_since(transcript: Transcript, index: int, revision: Revision, side: Side) -> frozenset[str]:
    """The rules, of whatever level, that something from an index of a transcript on breaks."""
    evidence = Evidence(revision, (Session(transcript, revision),))

    def breaks(rule: Rule) -> bool:
        if not rule.is_about(transcript.transport):
            return False
        try:
            return any(not finding.holds and finding.index >= index for finding in rule.check(evidence, side))
        except Exception:  # a bug of ours, which is told when the record is judged
            return True

    return frozenset(rule.name for rule in rules_for(side, revision) if breaks(rule))


def without_evidence(revision: Revision, side: Side, transport: str, verdict: Verdict, reason: str) -> list[Result]:
    """The same verdict on every rule, where there is no record to judge."""
    return [_result(rule, revision, side, transport, verdict, reason) for rule in rules_for(side, revision)]


def _verdict(
    rule: Rule, evidence: Evidence, side: Side, transport: str, strict: bool, mask: Callable[[str], str]
) -> Result:
    if not rule.is_about(transport):
        reason = f"the rule is about {', '.join(sorted(rule.transports or ()))}, and this ran over {transport}"
        return _result(rule, evidence.revision, side, transport, Verdict.NOT_APPLICABLE, reason)
    try:
        findings = list(rule.check(evidence, side))
    except Exception as error:  # a bug of ours must not take the other verdicts with it
        report = f"a bug in the harness, please report it: {rule.name} raised {error!r}"
        return _result(rule, evidence.revision, side, transport, Verdict.ERROR, mask(report))
    violations = [finding for finding in findings if not finding.holds]
    if violations:
        verdict = verdict_on_broken(rule.level(evidence.revision, transport), strict)
        lines = tuple(mask(line) for line in excerpt(violations[0]))
        message = mask(_message(violations))
        return _result(rule, evidence.revision, side, transport, verdict, message, lines)
    if findings:
        return _result(rule, evidence.revision, side, transport, Verdict.PASS, "")
    if side is Side.CLIENT and (lacking := _undeclared(rule, evidence)):
        reason = f"the client did not declare {lacking}"
        return _result(rule, evidence.revision, side, transport, Verdict.NOT_APPLICABLE, reason)
    return _result(rule, evidence.revision, side, transport, Verdict.NOT_OBSERVED, rule.unobserved)


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


def _result(
    rule: Rule,
    revision: Revision,
    side: Side,
    transport: str,
    verdict: Verdict,
    message: str,
    evidence: tuple[str, ...] = (),
) -> Result:
    level = rule.level(revision, transport)
    assert level is not None
    return Result(
        rule=rule.name,
        role=side.value,
        level=level.value,
        revision=revision.name,
        transport=transport,
        verdict=verdict,
        message=reportable(message),
        url=rule.url(revision),
        statement=rule.statement,
        evidence=evidence,
    )
