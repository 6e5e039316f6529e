"""What is under test, as the items and hooks of a run see it: which rules there are for it, and its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..judging.status import Glance
from ..pytest_plugin.progress import Progress
from ..protocol.revisions import Revision, page_url
from ..transports.to_server.servers import Server
from ..judging.results import Result, Verdict

#: the item that judges the run as a whole
REACHED = "sampling-reached"


@dataclass(frozen=True)
class Terms:
    """How a run judges its subject."""

    revisions: Sequence[Revision]  #: those of the items that will run
    strict: bool
    mask: Callable[[str], str]  #: takes secrets out of a text
    progress: Progress


class Judgement(Protocol):
    """The verdicts on a subject. What else there is to say of it is there once a first verdict was asked for."""

    @property
    def reached(self) -> bool:
        """Whether there was anything to judge at all."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know besides the verdicts."""

    @property
    def glances(self) -> Sequence[Glance]:
        """Whether sampling works at all, in each era; nothing for a subject that has no peer."""

    def result(self, rule: str, revision: Revision | None) -> Result:
        """The verdict on a rule in a revision, or on the run as a whole (no revision). Raises nothing."""


class Subject(Protocol):
    """One system under test."""

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

    @property
    def server(self) -> Server | None:
        """How a server under test is reached."""

    def rules(self, revision: Revision) -> Sequence[str]:
        """The names of the rules that there are for it in a revision, in their order."""

    def judge(self, terms: Terms) -> Judgement:
        """Begin to judge it."""


def on_the_run(subject: Subject, terms: Terms, verdict: Verdict, message: str, statement: str) -> Result:
    """The verdict on the run as a whole."""
    newest = terms.revisions[-1]
    return Result(
        rule=REACHED,
        role=subject.role,
        level="MUST",
        revision=newest.name,
        transport=subject.transport,
        verdict=verdict,
        message=terms.mask(message),
        url=page_url(newest, "client/sampling", "message-flow"),
        statement=statement,
    )
