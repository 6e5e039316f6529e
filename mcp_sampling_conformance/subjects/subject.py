"""What is under test, as the items and hooks of a run see it: which rules there are for it, and its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..judging.facts import SystemFacts
from ..judging.results import Result, Verdict, reportable
from ..judging.status import SamplingStatus
from ..protocol.revisions import Revision, page_url
from ..transcript.masking import Mask

#: the item that judges the run as a whole
REACHED = "sampling-reached"


class Progress(Protocol):
    """Shows what is being done while nothing else is to be seen."""

    def say(self, text: str) -> None:
        """Note what is being done; may be called from another thread."""

    def show(self) -> None:
        """Show it, where that is due."""

    def clear(self) -> None:
        """Take it away: it is done."""


@dataclass(frozen=True)
class RunTerms:
    """How a run judges its subject."""

    revisions: Sequence[Revision]  #: those of the items that will run
    strict: bool  #: a broken SHOULD is a failure too
    mask: Mask  #: takes secrets out of a text
    progress: Progress
    interrupted: Callable[[], str] = lambda: ""  #: why it is to end now, as a clause; nothing where it is not


class Judgement(Protocol):
    """The verdicts on a subject. What else there is to say of it is there once a first verdict was asked for."""

    @property
    def reached(self) -> bool:
        """Whether there was anything to judge at all."""

    @property
    def ended_early(self) -> str:
        """Why not everything was tried that was to be, as a clause; nothing where it was."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know besides the verdicts."""

    @property
    def statuses(self) -> Sequence[SamplingStatus]:
        """Whether sampling works at all, in each era; nothing for a subject that has no peer."""

    @property
    def system(self) -> SystemFacts:
        """The system under test as it was met."""

    def result(self, rule: str, revision: Revision | None) -> Result:
        """The verdict on a rule in a revision, or on the run as a whole (no revision). Raises nothing."""


class Subject(Protocol):
    """One system under test, or what stands for it."""

    @property
    def kind(self) -> str:
        """``"server"``, ``"mapper"``, …: the second part of its items' ids."""

    @property
    def role(self) -> str:
        """Whose rules it is judged by."""

    @property
    def value(self) -> str:
        """As the user typed it."""

    @property
    def transport(self) -> str:
        """What it is spoken to over."""

    def rules(self, revision: Revision) -> Sequence[str]:
        """The names of the rules that there are for it in a revision, in their order."""

    def judge(self, terms: RunTerms) -> Judgement:
        """Have it provoked, where it is alive, and judged."""


def on_the_run(subject: Subject, terms: RunTerms, verdict: Verdict, message: str, statement: str) -> Result:
    """The verdict on the run as a whole."""
    newest = terms.revisions[-1]
    return Result(
        rule=REACHED,
        role=subject.role,
        level="MUST",
        revision=newest.name,
        transport=subject.transport,
        verdict=verdict,
        message=reportable(terms.mask(message)),
        url=page_url(newest, "client/sampling", "message-flow"),
        statement=statement,
    )
