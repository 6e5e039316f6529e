"""What comes of a run, whichever side was under test: the record by revision, and what could not be found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..revisions import Revision
from ..wire.transcript import Transcript
from .search import Search


@dataclass(frozen=True)
class Command:
    """How to start the system under test."""

    argv: Sequence[str]
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RevisionRun:
    """What came of one revision."""

    transcripts: list[Transcript] = field(default_factory=list)
    opened: bool = False  #: a connection came to the end of initialize
    not_negotiated: str | None = None  #: why the revision is not spoken
    failure: str | None = None  #: why it could not be found out
    notes: list[str] = field(default_factory=list)  #: what a reader of the verdicts should know besides

    def add_search(self, revision: Revision, search: Search) -> None:
        """Take in what a search found: first what shows it at its smallest."""
        self.transcripts += search.plain
        if search.cut_short:
            self.notes.append(f"{revision.name}: only {search.tried} generated examples were tried: {search.cut_short}")
        for find in search.finds:
            self.transcripts.insert(0 if find.alone else len(self.transcripts), find.transcript)
            when = "" if find.alone else ", though not on a fresh connection"
            self.notes.append(
                f"{revision.name}: {', '.join(sorted(find.rules))} broke with {find.example.name} "
                f"(found with the seed {find.seed}{when})"
            )


@dataclass
class Run:
    """What came of all revisions."""

    revisions: dict[str, RevisionRun]
    reached: list[str] = field(default_factory=list)  #: what led to a sampling request, in words
    unreached: str = ""  #: where nothing did: what was tried, and what to do
    connections: int = 0


def with_tail(tail: str) -> str:
    """The last lines of what a process wrote to its stderr, as the end of a message."""
    return f"\nthe last lines of its stderr:\n{tail}" if tail else "\nits stderr is empty"
