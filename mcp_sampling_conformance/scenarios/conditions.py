"""The conditions under which scenarios run, the same for every system under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..protocol.revisions import Revision
from ..transcript.recorder import Recorder
from ..transcript.transcript import Side, Transcript

Progress = Callable[[str], None]
#: the rules of a side, by name, that something from an index of a transcript on breaks in a revision
BrokenSince = Callable[[Transcript, int, Revision, Side], frozenset[str]]


@dataclass(frozen=True)
class Generated:
    """How much is generated: examples of each sort in each revision, and the seed that makes the same ones again."""

    examples: int
    seed: int


def _silent(text: str) -> None:
    """Nobody is told."""


def _nothing_broken(transcript: Transcript, index: int, revision: Revision, side: Side) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True)
class Conditions:
    """How patient a run is, whom it tells, what it generates, and where its record goes."""

    timeout: float  #: seconds that any one answer may take
    progress: Progress = _silent  #: is told in a few words what is being done
    generated: Generated = Generated(0, 0)
    broken_since: BrokenSince = _nothing_broken  #: how a search sees what an example broke
    recorder: Recorder = field(default_factory=Recorder)
