"""What is asked first: does the sampling of this server, or client, work in each era?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..evidence.evidence import Evidence, Session
from ..protocol.revisions import Revision
from ..scenarios.run import RevisionRun
from ..protocol.levels import Level
from .results import Result, Verdict
from ..transcript.transcript import Side

#: the rule whose violation says why nothing works in the modern era
_DECISIVE = "input-required/asks-in-its-result"


@dataclass(frozen=True)
class Glance:
    """The answer for one revision."""

    revision: str
    era: str
    works: bool
    why: str  #: what there is to say besides; may be empty

    def line(self, side: Side) -> str:
        peer = f"a {self.revision} {side.other.value} ({self.era} era)"
        return f"Sampling with {peer}: {'works' if self.works else 'DOES NOT WORK'}{', ' if self.why else ''}{self.why}"


def glances(
    records: Mapping[Revision, RevisionRun], side: Side, results: Mapping[Revision, Sequence[Result]]
) -> list[Glance]:
    """The answers for the newest revision that is spoken of each era (the newest asked for, where none is)."""
    found = []
    for modern in (False, True):
        era = [revision for revision in records if revision.modern is modern]
        spoken = [revision for revision in era if records[revision].opened]
        for revision in (spoken or era)[-1:]:
            found.append(_glance(revision, records[revision], side, results[revision]))
    return found


def _glance(revision: Revision, record: RevisionRun, side: Side, results: Sequence[Result]) -> Glance:
    failed = [result for result in results if result.verdict is Verdict.FAIL and result.level == Level.MUST]
    evidence = Evidence(revision, tuple(Session(t, revision) for t in record.transcripts))
    works = _works(evidence, side)
    if record.not_negotiated or record.failure:
        why = record.not_negotiated or record.failure or ""
    elif works:
        why = f"but {len(failed)} rule{'s' * (len(failed) > 1)} of level MUST failed" if failed else ""
    else:
        decisive = [result.message for result in failed if result.rule == _DECISIVE]
        why = decisive[0].partition(". ")[0] if decisive else _why_not(evidence, side)
    return Glance(revision.name, revision.era, works and not record.not_negotiated, why.partition("\n")[0])


def _why_not(evidence: Evidence, side: Side) -> str:
    if side is Side.CLIENT:
        return "no plain request got a result"
    asked = any(True for _ in evidence.exchanges)
    return "the server asks, but its call does not come to a good end" if asked else "the server never asked"


def _works(evidence: Evidence, side: Side) -> bool:
    """Whether a plain answer led to a good end (server), or a plain question to an answer (client)."""
    if side is Side.CLIENT:
        return any(exchange.result is not None for exchange in evidence.asks("plain"))
    return any(
        call.complete and any(call.may_own(exchange) for exchange in probe.exchanges)
        for probe in evidence.probes("first-call")
        for call in probe.calls
    )
