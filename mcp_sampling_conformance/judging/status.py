"""What is asked first: does the sampling of this server, or client, work in each era?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..evidence.evidence import Evidence
from ..protocol.levels import Level
from ..protocol.revisions import Revision
from ..transcript.run import RevisionRun
from ..transcript.transcript import Side
from .results import Result, Verdict

#: the rule whose violation says why nothing works in the modern era
_DECISIVE = "input-required/asks-in-its-result"


@dataclass(frozen=True)
class SamplingStatus:
    """The answer for one revision."""

    revision: str
    era: str
    works: bool
    why: str  #: what there is to say besides; may be empty

    def line(self, side: Side) -> str:
        """The answer as a sentence about a system under test of this side."""
        peer = f"a {self.revision} {side.other.value} ({self.era} era)"
        return f"Sampling with {peer}: {'works' if self.works else 'DOES NOT WORK'}{', ' if self.why else ''}{self.why}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def asked_first(runs: Mapping[Revision, RevisionRun]) -> list[Revision]:
    """The newest revision that is spoken of each era; the newest asked for, where none is."""
    found = []
    for modern in (False, True):
        era = [revision for revision in runs if revision.modern is modern]
        spoken = [revision for revision in era if runs[revision].opened]
        found += (spoken or era)[-1:]
    return found


def sampling_status(run: RevisionRun, evidence: Evidence, side: Side, results: Sequence[Result]) -> SamplingStatus:
    """The answer for one revision, from its record and the verdicts on it."""
    revision = evidence.revision
    failed = [result for result in results if result.verdict is Verdict.FAIL and result.level == Level.MUST]
    works = _works(evidence, side)
    if run.not_negotiated or run.failure:
        why = run.not_negotiated or run.failure or ""
    elif works:
        why = f"but {len(failed)} rule{'s' * (len(failed) > 1)} of level MUST failed" if failed else ""
    else:
        decisive = [result.message for result in failed if result.rule == _DECISIVE]
        why = decisive[0].partition(". ")[0] if decisive else _why_not(evidence, side)
    return SamplingStatus(revision.name, revision.era, works and not run.not_negotiated, why.partition("\n")[0])


def _why_not(evidence: Evidence, side: Side) -> str:
    if side is Side.CLIENT:
        return "no plain request got a result"
    return (
        "the server asks, but its call does not come to a good end" if evidence.exchanges else "the server never asked"
    )


def _works(evidence: Evidence, side: Side) -> bool:
    """Whether a plain answer led to a good end (server), or a plain question to an answer (client)."""
    if side is Side.CLIENT:
        return any(exchange.result is not None for exchange in evidence.asks("plain"))
    return any(
        call.complete and any(call.may_own(exchange) for exchange in probe.exchanges)
        for probe in evidence.probes("first-call")
        for call in probe.calls
    )
