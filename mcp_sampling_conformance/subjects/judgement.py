"""The verdicts on the record of a run: of a system that was provoked just now, or of saved transcripts."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import replace

from ..judging.judge import Terms, evidence_of, judge, without_evidence
from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus, asked_first, sampling_status
from ..protocol.revisions import Revision
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
        self.reached = bool(run.reached)
        notes = (terms.mask(note) for record in run.revisions.values() for note in record.notes)
        self.notes = list(dict.fromkeys(notes))
        records = {revision: run.revisions[revision.name] for revision in terms.revisions}
        self.statuses: list[SamplingStatus] = []
        self._results: dict[tuple[str, Revision | None], Result] = {(REACHED, None): self._on_the_run(run)}
        self._judge_all(records)

    def result(self, rule: str, revision: Revision | None) -> Result:
        return self._results[rule, revision]

    def _judge_all(self, records: Mapping[Revision, RevisionRun]) -> None:
        first = asked_first(records)
        for revision, record in records.items():
            evidence = evidence_of(record.transcripts, revision)
            results = self._alike(revision, record) or judge(evidence, self._terms)
            self._results |= {(result.rule, revision): self._as_recorded(result) for result in results}
            if revision in first:
                status = sampling_status(record, evidence, self._terms.side, results)
                self.statuses.append(replace(status, why=self._run_terms.mask(status.why)))
            record.transcripts.clear()
            # What is read of a record refers to itself in circles, and may be large.
            del evidence
            gc.collect()

    def _as_recorded(self, result: Result) -> Result:
        """A result, where the record holds what the rule is about; otherwise a pass would mean nothing."""
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
        return None

    def _on_the_run(self, run: Run) -> Result:
        """The verdict on the run as a whole: whether the system came up, and took part in sampling at all."""
        kind = self._what
        failures = {name: record.failure for name, record in run.revisions.items() if record.failure}
        refusals = {n: record.not_negotiated for n, record in run.revisions.items() if record.not_negotiated}
        if failures:
            verdict = Verdict.ERROR
            message = f"the {kind} under test could not be judged:\n" + _by_text(failures)
        elif len(refusals) == len(run.revisions):
            verdict = Verdict.FAIL
            message = f"the {kind} speaks none of the revisions asked for:\n{_by_text(refusals)}"
        elif not run.reached:
            verdict = Verdict.FAIL
            message = run.unreached
        else:
            verdict, message = Verdict.PASS, ", ".join(run.reached)
        statement = f"A run judges a {kind} only if that comes up and takes part in sampling."
        return on_the_run(self._subject, self._run_terms, verdict, message, statement)


def _by_text(reasons: dict[str, str]) -> str:
    """Reasons that several revisions share, once each."""
    by_text: dict[str, list[str]] = {}
    for name, text in reasons.items():
        by_text.setdefault(text, []).append(name)
    return "\n".join(f"{', '.join(names)}: {text}" for text, names in by_text.items())
