"""The verdicts on the record of a run: of a system that was provoked just now, or of saved transcripts."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import replace

from ..judging.facts import SystemFacts
from ..judging.judge import Terms, evidence_of, judge, without_evidence
from ..judging.no_result import NoResult, Reason, no_result
from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus, asked_first, sampling_status
from ..protocol.revisions import Revision
from ..transcript.events import LimitReached
from ..transcript.introduction import Introduction, introduction_of
from ..transcript.run import RevisionRun, Run
from ..transcript.transcript import Side
from .subject import REACHED, RunTerms, Subject, on_the_run

_ALL_RECORDED: Mapping[str, str] = {}


class RecordJudgement:
    """Judges a record revision by revision, and lets go of what is judged."""

    def __init__(
        self, subject: Subject, what: str, run: Run, terms: RunTerms, unrecorded: Mapping[str, str] = _ALL_RECORDED
    ) -> None:
        """``what`` was under test: "server", "client" or "callback". ``unrecorded`` are rules that the record cannot
        show to be kept, each with the reason."""
        self._unrecorded = unrecorded
        self._subject = subject
        self._what = what
        self._run_terms = terms
        self._terms = Terms(Side(subject.role), subject.transport, terms.strict, terms.mask)
        self.ended_early = run.ended_early
        notes = (terms.mask(note) for record in run.revisions.values() for note in record.notes)
        self.notes = list(dict.fromkeys(notes))
        records = {revision: run.revisions[revision.name] for revision in terms.revisions}
        self.statuses: list[SamplingStatus] = []
        self._introduction = Introduction()
        self._results: dict[tuple[str, Revision | None], Result] = {}
        self._no_result: dict[str, NoResult | None] = {}  #: of a client, by revision: why it gave none
        # What a connection was ended for may have kept it from asking.
        self._limited = any(map(_limit_reached, run.revisions.values()))
        began = time.monotonic()
        self._judge_all(records)
        self._starts, self._seconds = run.connections, run.seconds + time.monotonic() - began
        self.reached = bool(run.reached) and not self._shows_nothing
        self._results[REACHED, None] = self._on_the_run(run)

    @property
    def system(self) -> SystemFacts:
        name, version = (text and self._run_terms.mask(text) for text in self._introduction)
        return SystemFacts(name, version, self._starts, round(self._seconds, 3))

    def result(self, rule: str, revision: Revision | None) -> Result:
        return self._results[rule, revision]

    def _judge_all(self, records: Mapping[Revision, RevisionRun]) -> None:
        first = asked_first(records)
        for revision, record in records.items():
            evidence = evidence_of(record.transcripts, revision)
            judged = (_with_limit(result, record) for result in judge(evidence, self._terms))
            alike = self._alike(revision, record)
            results = alike or [*map(self._as_recorded, judged)]
            if self._terms.side is Side.CLIENT and not alike:
                self._no_result[revision.name] = no_result(evidence)
            self._results |= {(result.rule, revision): result for result in results}
            if revision in first:
                status = sampling_status(record, evidence, self._terms.side, results)
                why = self.ended_early if self.ended_early and not status.judged else status.why
                self.statuses.append(replace(status, why=self._run_terms.mask(why)))
            if self._introduction.name is None:
                self._introduction = introduction_of(record.transcripts, self._terms.side)
            record.transcripts.clear()
            # What is read of a record refers to itself in circles, and may be large.
            del evidence
            gc.collect()

    def _as_recorded(self, result: Result) -> Result:
        """A result, where the record holds what the rule is about; otherwise a pass would mean nothing."""
        if self.ended_early and result.verdict is Verdict.NOT_OBSERVED:
            return replace(result, message=self._not_reached)
        reason = self._unrecorded.get(result.rule)
        if reason is None or result.verdict is not Verdict.PASS:
            return result
        return replace(result, verdict=Verdict.NOT_OBSERVED, message=reason)

    def _alike(self, revision: Revision, record: RevisionRun) -> list[Result] | None:
        """The same verdict on every rule, where the revision cannot be judged."""
        if record.not_negotiated is not None:
            return without_evidence(revision, self._terms, Verdict.NOT_APPLICABLE, record.not_negotiated)
        if record.failure is not None:
            reason = f"the {self._what} did not come up, see {REACHED}"
            return without_evidence(revision, self._terms, Verdict.NOT_OBSERVED, reason)
        if self.ended_early and not record.opened:
            return without_evidence(revision, self._terms, Verdict.NOT_OBSERVED, self._not_reached)
        return None

    @property
    def _not_reached(self) -> str:
        """Why nothing came up that a rule could judge, where the run ended early."""
        return f"it did not come to that: {self.ended_early}"

    def _on_the_run(self, run: Run) -> Result:
        """The verdict on the run as a whole: whether the system came up, and took part in sampling at all."""
        kind = self._what
        failures = {name: record.failure for name, record in run.revisions.items() if record.failure}
        refusals = {n: record.not_negotiated for n, record in run.revisions.items() if record.not_negotiated}
        bugs = {name: bug for name, record in run.revisions.items() for bug in record.bugs[:1]}
        if failures or bugs:
            verdict = Verdict.ERROR
            message = f"the {kind} under test could not be judged:\n" + _by_text(bugs | failures)
        elif len(refusals) == len(run.revisions):
            verdict = Verdict.FAIL
            message = f"the {kind} speaks none of the revisions asked for:\n{_by_text(refusals)}"
        elif not run.reached and run.ended_early:
            verdict = Verdict.ERROR
            message = f"{run.ended_early}, before the {kind} under test took part in sampling"
        elif not run.reached:
            verdict = Verdict.ERROR if self._limited else Verdict.FAIL
            message = run.unreached
        elif fault := self._want_of_results():
            verdict, message = Verdict.FAIL, fault
        else:
            verdict, message = Verdict.PASS, ", ".join(run.reached)
        statement = f"A run judges a {kind} only if that comes up and takes part in sampling."
        return on_the_run(self._subject, self._run_terms, verdict, message, statement)

    @property
    def _shows_nothing(self) -> bool:
        """Whether a client shows in no revision what it makes of sampling: neither a result, nor that it refuses."""
        found = self._no_result.values()
        return bool(found) and all(each is not None and each.reason is not Reason.ALLOWED for each in found)

    def _want_of_results(self) -> str:
        """Why the run says nothing of the client where it is judged, for want of results; empty where it does."""
        found = {name: each for name, each in self._no_result.items() if each is not None}
        # To go on without an answer is one's right. It must not be all that is seen.
        why = [Reason.FAILED, *([Reason.UNCLEAR] if self._shows_nothing else [])]
        lacking = {name: f"the {self._what} {each.why}" for name, each in found.items() if each.reason in why}
        if not lacking:
            return ""
        advice = (
            "Whoever declares sampling may refuse, so this breaks no rule; but it leaves nothing to judge. Have the "
            "client answer in this run. Where its user is to refuse, the error -1 says so (before 2026-07-28)."
        )
        return f"{_by_text(lacking)}\n{advice}"


def _limit_reached(record: RevisionRun) -> LimitReached | None:
    """The first limit of the harness that ended a connection in a revision."""
    limits = (limit for transcript in record.transcripts for limit in transcript.events(LimitReached))
    return next(limits, None)


def _with_limit(result: Result, record: RevisionRun) -> Result:
    """A result, with the limit that may have kept a rule from being observed."""
    limit = _limit_reached(record) if result.verdict is Verdict.NOT_OBSERVED else None
    if limit is None:
        return result
    return replace(result, message=f"{result.message} (the harness ended a connection with {limit.words})")


def _by_text(reasons: dict[str, str]) -> str:
    """Reasons that several revisions share, once each."""
    by_text: dict[str, list[str]] = {}
    for name, text in reasons.items():
        by_text.setdefault(text, []).append(name)
    return "\n".join(f"{', '.join(names)}: {text}" for text, names in by_text.items())
