"""The record of a run: the transcripts of each revision, and what only the scenarios could say of it as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .events import RevisionConcluded
from .recorder import Recorder
from .transcript import Transcript

#: what a connection that a limit has ended leaves over
NOT_OBSERVED = "so what was to follow on it was not observed (docs/limits.md)"


@dataclass
class RevisionRun:
    """What came of one revision."""

    transcripts: list[Transcript] = field(default_factory=list)  #: those to judge, in order
    opened: bool = False  #: a connection agreed on the revision
    not_negotiated: str | None = None  #: why the revision is not spoken
    failure: str | None = None  #: why it could not be found out
    notes: list[str] = field(default_factory=list)  #: what a reader of the verdicts should know besides
    bugs: list[str] = field(default_factory=list)  #: what went wrong in the harness itself
    uncalled: dict[str, str] = field(default_factory=dict)  #: what might sample and was not called, with the reason

    def add_note(self, text: str) -> None:
        """Note something that a reader should know, once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass
class Run:
    """What came of all revisions, by name."""

    revisions: dict[str, RevisionRun]
    reached: list[str] = field(default_factory=list)  #: what led to a sampling request, in words
    unreached: str = ""  #: where nothing did: what was tried, and what to do
    connections: int = 0  #: how many were made
    seconds: float = 0.0  #: that the scenarios took
    ended_early: str = ""  #: why the scenarios did not come to their end, as a clause


def conclude(run: Run, recorder: Recorder, transport: str) -> None:
    """Write what the scenarios made of each revision into the record, so that this can be judged without them."""
    for name, record in run.revisions.items():
        if not record.transcripts:
            record.transcripts.append(recorder.open(name, f"{name}, no connection", transport))
        judged = tuple((transcript.name, len(transcript.items)) for transcript in record.transcripts)
        conclusion = RevisionConcluded(
            opened=record.opened,
            not_negotiated=record.not_negotiated,
            failure=record.failure,
            notes=tuple(record.notes),
            bugs=tuple(record.bugs),
            reached=tuple(run.reached),
            unreached=run.unreached,
            uncalled=tuple(record.uncalled.items()),
            judged=judged,
            ended_early=run.ended_early,
        )
        recorder.conclude(record.transcripts[-1].name, conclusion)


def read_run(transcripts: Mapping[str, Sequence[Transcript]], unreached: str) -> Run:
    """The run that these transcripts, by revision, are the record of.

    Where the scenarios came to no conclusion on a revision, because they were ended or were not ours, all of its
    transcripts are judged. Whether sampling was reached is then for the reader of the evidence to say; ``unreached``
    is the message for a run in which it was not.
    """
    run = Run({}, unreached=unreached)
    reached: list[str] = []
    for name, found in transcripts.items():
        by_name = {transcript.name: transcript for transcript in found}
        concluded = [event for transcript in found for event in transcript.events(RevisionConcluded)]
        if not concluded:
            run.revisions[name] = RevisionRun(list(found), opened=True)
            continue
        last = concluded[-1]
        judged = [by_name[known].part(range(count)) for known, count in last.judged if known in by_name]
        run.revisions[name] = RevisionRun(
            judged,
            last.opened,
            last.not_negotiated,
            last.failure,
            list(last.notes),
            list(last.bugs),
            dict(last.uncalled),
        )
        reached += last.reached
        run.unreached = last.unreached or run.unreached
        run.ended_early = last.ended_early or run.ended_early
    run.reached = list(dict.fromkeys(reached))
    return run
