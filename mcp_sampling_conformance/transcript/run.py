"""The record of a run: the transcripts of each revision, and what only the scenarios could say of it as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from .transcript import Transcript


@dataclass
class RevisionRun:
    """What came of one revision."""

    transcripts: list[Transcript] = field(default_factory=list)  #: those to judge, in order
    opened: bool = False  #: a connection agreed on the revision
    not_negotiated: str | None = None  #: why the revision is not spoken
    failure: str | None = None  #: why it could not be found out
    notes: list[str] = field(default_factory=list)  #: what a reader of the verdicts should know besides


@dataclass
class Run:
    """What came of all revisions, by name."""

    revisions: dict[str, RevisionRun]
    reached: list[str] = field(default_factory=list)  #: what led to a sampling request, in words
    unreached: str = ""  #: where nothing did: what was tried, and what to do
    connections: int = 0  #: how many were made
