"""What is asked first: does the sampling of this server, or client, work in each era?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, Exchange
from ..protocol.levels import Level
from ..protocol.revisions import Revision
from ..rules.content_kinds import refused_kinds
from ..rules.shapes import VALID
from ..transcript.run import RevisionRun
from ..transcript.transcript import Side
from .no_result import Reason, no_result
from .results import Result, Verdict

#: the rules whose violation, of whatever level, says why nothing works in an era
_DECISIVE = ("input-required/asks-in-its-result", "association/session-isolated")


@dataclass(frozen=True)
class SamplingStatus:
    """The answer for one revision."""

    revision: str
    era: str
    works: bool
    why: str  #: what there is to say besides; may be empty
    judged: bool = True  #: ``False``: it was not tried, so nothing is known
    refuses: bool = False  #: the client declares no sampling, or its user says no, as both may

    @property
    def headline(self) -> str:
        """The answer on one line."""
        if self.refuses:
            return f"{self.revision}: {self.why}"
        if self.works:
            return f"{self.revision}: works{', ' if self.why else ''}{self.why}"
        return f"{self.revision}: {'does not work' if self.judged else 'could not be judged'}: {self.why}"

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
    works, judged, refuses = False, True, False
    failed = [result for result in results if result.verdict is Verdict.FAIL and result.level == Level.MUST]
    if run.not_negotiated:
        why = run.not_negotiated
    elif run.failure:
        why, judged = run.failure, False
    elif _works(evidence, side):
        works = True
        refused = refused_kinds(evidence) if side is Side.SERVER else []
        reservations = [f"but takes no {' and no '.join(refused)}"] * bool(refused)
        why = ", ".join([*reservations, *[f"{len(failed)} MUST broken"] * bool(failed)])
    elif decisive := _decisive(results):
        why = decisive
    elif ended := next((session.cut_off for session in evidence.sessions if session.cut_off), None):
        why, judged = f"the harness ended a connection, {ended.words}", False
    elif lacking := no_result(evidence) if side is Side.CLIENT else None:
        why, judged, refuses = lacking.why, lacking.reason is Reason.FAILED, lacking.reason is Reason.ALLOWED
    elif untried := _why_untried(run, evidence, side):
        why, judged = untried, False
    else:
        why = _why_not(evidence, side)
    revision = evidence.revision
    return SamplingStatus(revision.name, revision.era, works, why.partition("\n")[0], judged, refuses)


def _decisive(results: Sequence[Result]) -> str:
    """What a decisive rule says, where one is broken."""
    broken = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.WARN)]
    return next((result.message.partition(". ")[0] for result in broken if result.rule in _DECISIVE), "")


def _why_untried(run: RevisionRun, evidence: Evidence, side: Side) -> str:
    """Why nobody knows whether sampling works; empty where it was tried."""
    if side is Side.CLIENT:
        if _valid_asks(evidence):
            return ""
        declared = any(session.sampling is not None for session in evidence.sessions)
        return "the client called nothing during which it could be asked" if declared else "it declares no sampling"
    called = any(session.calls for session in evidence.sessions)
    if evidence.exchanges or (called and not run.uncalled):
        return ""
    if not run.uncalled:
        return "nothing was called, for the server lists no tool, prompt or resource"
    what = "what was called did not ask, and not everything was called" if called else "nothing was called"
    (label, reason), more = next(iter(run.uncalled.items())), len(run.uncalled) - 1
    others = f", and {more} more" if more else ""
    return f"{what}; name what samples with --mcp-tool NAME (not called: {label}, {reason}{others})"


def _why_not(evidence: Evidence, side: Side) -> str:
    if side is Side.CLIENT:
        return "no valid request got a result"
    return (
        "the server asks, but its call does not come to a good end" if evidence.exchanges else "the server never asked"
    )


def _works(evidence: Evidence, side: Side) -> bool:
    """Whether a plain answer led to a good end (server), or a valid question to an answer (client)."""
    if side is Side.CLIENT:
        return any(exchange.result is not None for exchange in _valid_asks(evidence))
    return any(call.complete and owned for call, owned in _plain_calls(evidence))


def _valid_asks(evidence: Evidence) -> list[Exchange]:
    """The sampling requests that a client may well answer; of a recording of others all."""
    return [exchange for exchange in evidence.exchanges if exchange.asked is None or exchange.group in VALID]


def _plain_calls(evidence: Evidence) -> Iterator[tuple[Call, Sequence[Exchange]]]:
    """The calls whose sampling got a plain answer, each with that sampling; of a recording of others all."""
    for session in evidence.sessions:
        if not session.probes:
            yield from ((call, session.owned(call)) for call in session.calls)
    for probe in evidence.probes("first-call"):
        yield from ((call, probe.owned(call)) for call in probe.calls)
