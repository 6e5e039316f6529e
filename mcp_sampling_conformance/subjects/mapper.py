"""A mapper as the subject of a run: an item for each property and revision, each checked when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ..judging.facts import SystemFacts
from ..judging.results import Result, Verdict, reportable, verdict_on_broken
from ..judging.status import SamplingStatus
from ..mappers.calling import Detected, detect
from ..mappers.calls import Calls
from ..mappers.check import Outcome, check_property, unknown_properties
from ..mappers.mapper import Mapper
from ..mappers.properties import PROPERTIES, Property
from ..protocol.revisions import Revision
from ..transcript.bugs import bug_report
from .subject import REACHED, RunTerms, on_the_run

_BY_NAME = {prop.name: prop for prop in PROPERTIES}


@dataclass(frozen=True)
class MapperSubject:
    """A mapper under test: a function, or a ``Mapper`` that says how it is called."""

    value: str
    target: Mapper | Callable[[Any], Any]
    timeout: float
    examples: int
    seed: int
    kind: ClassVar[str] = "mapper"
    role: ClassVar[str] = "mapper"
    transport: ClassVar[str] = "memory"

    def rules(self, revision: Revision) -> list[str]:
        return [prop.name for prop in PROPERTIES if prop.exists(revision)]

    def judge(self, terms: RunTerms) -> MapperJudgement:
        return MapperJudgement(self, terms)


def fault_of(target: object) -> str:
    """Why something cannot be a mapper under test, as the end of a sentence; empty where it can."""
    if isinstance(target, Mapper):
        unknown = unknown_properties(target)
        return f"leaves out {', '.join(unknown)}, which is no property" if unknown else ""
    return "" if callable(target) else "is not callable; name a function that maps sampling messages, or a Mapper"


class MapperJudgement:
    """The verdicts on a mapper."""

    statuses: tuple[SamplingStatus, ...] = ()
    system = SystemFacts()

    def __init__(self, subject: MapperSubject, terms: RunTerms) -> None:
        self._subject = subject
        self._terms = terms
        self._calls = Calls(subject.timeout)
        self._bug = ""
        try:
            found = detect(subject.target, terms.revisions[-1], self._calls)
        except Exception as error:
            self._bug = bug_report(error)
            found = Detected(None, self._bug)
        self._found = found
        self.reached = found.mapper is not None
        self.ended_early = ""
        self.notes = [terms.mask(found.note)] if found.note else []

    def result(self, rule: str, revision: Revision | None) -> Result:
        return self._on_the_run() if revision is None else self._on(_BY_NAME[rule], revision)

    def _on_the_run(self) -> Result:
        verdict = Verdict.ERROR if self._bug else Verdict.PASS if self.reached else Verdict.FAIL
        statement = "A run judges a mapper only if it takes something."
        return on_the_run(self._subject, self._terms, verdict, self._found.message, statement)

    def _on(self, prop: Property, revision: Revision) -> Result:
        mapper = self._found.mapper
        if mapper is None:
            reason = f"the mapper could not be called, see {REACHED}"
            return self._result(prop, revision, Verdict.NOT_OBSERVED, reason)
        if unfit := prop.unfit(mapper):
            return self._result(prop, revision, Verdict.NOT_APPLICABLE, unfit)
        try:
            outcome = check_property(
                prop, mapper, revision, examples=self._subject.examples, seed=self._subject.seed, calls=self._calls
            )
        except Exception as error:  # a bug of ours must not take the other verdicts with it
            return self._result(prop, revision, Verdict.ERROR, bug_report(error))
        details = tuple(f"    {line}" for line in outcome.details)
        return self._result(prop, revision, self._verdict(prop, outcome), outcome.why, details)

    def _verdict(self, prop: Property, outcome: Outcome) -> Verdict:
        if outcome.holds is not False:
            return Verdict.PASS if outcome.holds else Verdict.NOT_OBSERVED
        return verdict_on_broken(prop.level, self._terms.strict)

    def _result(
        self, prop: Property, revision: Revision, verdict: Verdict, message: str, details: tuple[str, ...] = ()
    ) -> Result:
        return Result(
            rule=prop.name,
            role=self._subject.role,
            level=prop.level.value,
            revision=revision.name,
            transport=self._subject.transport,
            verdict=verdict,
            message=self._terms.mask(reportable(message)),
            url=prop.url(revision),
            statement=prop.statement,
            details=tuple(self._terms.mask(line) for line in details),
        )
