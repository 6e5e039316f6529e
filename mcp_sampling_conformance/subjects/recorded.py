"""Saved transcripts as the subject of a run: judged as the system under test was that they are the record of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..judging.judge import evidence_of
from ..protocol.revisions import NAMES, REVISIONS, Revision
from ..rules.registry import rules_for
from ..transcript.archive import SUFFIX, NotReadable, is_ours, load
from ..transcript.events import RevisionConcluded
from ..transcript.foreign import read_foreign
from ..transcript.run import RevisionRun, Run, read_run
from ..transcript.transcript import Side, Transcript
from .judgement import RecordJudgement
from .subject import RunTerms

_UNREACHED = "no sampling request stands in these transcripts, so there was nothing to judge."


@dataclass(frozen=True)
class _Recording:
    """One file."""

    folder: Path
    revision: str
    transport: str
    side: Side | None  #: of the system under test, where the file says so
    what: str | None  #: likewise
    transcript: Transcript
    unrecorded: Mapping[str, str]  #: rules that it cannot show to be kept, each with the reason


@dataclass(frozen=True)
class RecordedSubject:
    """What saved transcripts are the record of."""

    value: str
    what: str  #: was under test: "server", "client" or "callback"
    side: Side
    transport: str
    revisions: Sequence[Revision]
    recordings: Sequence[_Recording]
    kind: ClassVar[str] = "transcript"

    @property
    def role(self) -> str:
        return self.side.value

    def rules(self, revision: Revision) -> list[str]:
        return [rule.name for rule in rules_for(self.side, revision)] if revision in self.revisions else []

    def judge(self, terms: RunTerms) -> RecordJudgement:
        unrecorded = {rule: why for recording in self.recordings for rule, why in recording.unrecorded.items()}
        return RecordJudgement(self, self.what, self._run(terms.revisions), terms, unrecorded)

    def _run(self, revisions: Sequence[Revision]) -> Run:
        """The runs that are recorded, each in a folder of its own, as one."""
        whole = Run({revision.name: RevisionRun() for revision in revisions}, unreached=_UNREACHED)
        for folder in dict.fromkeys(recording.folder for recording in self.recordings):
            here = [recording for recording in self.recordings if recording.folder == folder]
            run = read_run(_by_revision(here), _UNREACHED)
            run.reached += _reached_without_conclusion(here)
            _merge(whole, run)
        return whole


def _by_revision(recordings: Iterable[_Recording]) -> dict[str, list[Transcript]]:
    found: dict[str, list[Transcript]] = {}
    for recording in recordings:
        found.setdefault(recording.revision, []).append(recording.transcript)
    return found


def _reached_without_conclusion(recordings: Sequence[_Recording]) -> list[str]:
    """The revisions in which sampling shows, of those on which no scenario of ours came to a conclusion."""
    found = []
    for name, transcripts in _by_revision(recordings).items():
        concluded = any(transcript.events(RevisionConcluded) for transcript in transcripts)
        if not concluded and evidence_of(transcripts, REVISIONS[name]).exchanges:
            found.append(name)
    return found


def _merge(whole: Run, run: Run) -> None:
    for name, record in run.revisions.items():
        if name not in whole.revisions:
            continue
        merged = whole.revisions[name]
        merged.transcripts += record.transcripts
        merged.opened |= record.opened
        merged.not_negotiated = merged.not_negotiated or record.not_negotiated
        merged.failure = merged.failure or record.failure
        merged.notes += record.notes
        merged.uncalled |= record.uncalled
    whole.reached = list(dict.fromkeys([*whole.reached, *run.reached]))
    whole.unreached = run.unreached or whole.unreached


def read_recorded(paths: Sequence[Path], side: Side | None, revision: str | None) -> RecordedSubject:
    """The subject that these files and folders are the record of.

    ``side`` and ``revision`` are for recordings that do not say theirs. Raises ``NotReadable`` with one sentence.
    """
    recordings = [_read(path, revision) for path in _files(paths)]
    sides = {recording.side for recording in recordings if recording.side is not None}
    if side is None and len(sides) != 1:
        what = "are records of a client and of a server" if sides else "do not say which side was under test"
        raise NotReadable(f"the transcripts {what}; say which to judge with --mcp-side client or --mcp-side server")
    transports = {recording.transport for recording in recordings}
    if len(transports) > 1:
        raise NotReadable(f"the transcripts are of {' and '.join(sorted(transports))}; judge each in a run of its own")
    judged = side or sides.pop()
    named = {recording.what for recording in recordings if recording.side is judged and recording.what is not None}
    return RecordedSubject(
        value=" ".join(str(path) for path in paths),
        what=named.pop() if len(named) == 1 else judged.value,
        side=judged,
        transport=transports.pop(),
        revisions=[REVISIONS[name] for name in NAMES if any(r.revision == name for r in recordings)],
        recordings=recordings,
    )


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        here = sorted(p for p in path.rglob("*") if p.suffix in (SUFFIX, ".json") and p.is_file())
        if path.is_dir() and not here:
            raise NotReadable(f"there is no transcript in {path}; it has no file that ends with {SUFFIX} or .json")
        found += here if path.is_dir() else [path]
    return found


def _read(path: Path, revision: str | None) -> _Recording:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            ours = is_ours(file.readline())
        if ours:
            header, transcript = load(path)
            named, transport, side, what = header.revision, header.transport, header.side, header.kind
            unrecorded: Mapping[str, str] = {}
        else:
            recording = read_foreign(path)
            transcript, transport, side, what = recording.transcript, recording.transport, None, None
            named, unrecorded = recording.revision or revision or "", recording.unrecorded
    except OSError as error:
        raise NotReadable(f"{path} cannot be read ({error.strerror}); give a transcript, or a folder of them") from None
    if not named:
        raise NotReadable(f"{path} does not show which revision was spoken; say so with --mcp-spec-version")
    if named not in REVISIONS:
        raise NotReadable(f"{path} is of the revision {named!r}; known are {', '.join(NAMES)}")
    return _Recording(path.parent, named, transport, side, what, transcript, unrecorded)
