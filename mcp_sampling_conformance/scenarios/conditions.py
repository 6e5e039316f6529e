"""The conditions under which scenarios run, the same for every system under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from ..protocol.revisions import Revision
from ..transcript.recorder import Recorder
from ..transcript.transcript import Side, Transcript
from ..transports.supervisor import kill_all

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
class Patience:
    """The limits of time, in seconds."""

    timeout: float  #: of any one answer
    start_timeout: float  #: of a start-up
    max_time: float  #: of the whole run


class Ending:
    """Whether the scenarios are to end before they are through."""

    def __init__(self) -> None:
        self.reason = ""  #: why they are, as a clause: "it was interrupted (SIGTERM)"
        self._scopes: set[anyio.CancelScope] = set()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """What is done in this context is left where it is once the end has come."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            if self.reason:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.remove(scope)

    def come(self, reason: str) -> None:
        """Now is the end; the first reason counts."""
        self.reason = self.reason or reason
        for scope in self._scopes:
            scope.cancel()


@dataclass(frozen=True)
class Conditions:
    """How patient a run is, whom it tells, what it generates, and where its record goes."""

    timeout: float  #: seconds that any one answer may take
    progress: Progress = _silent  #: is told in a few words what is being done
    generated: Generated = Generated(0, 0)
    broken_since: BrokenSince = _nothing_broken  #: how a search sees what an example broke
    recorder: Recorder = field(default_factory=Recorder)
    start_timeout: float = 30.0  #: seconds that a start-up may take
    newest: bool = False  #: only the newest revision of each era that is spoken is wanted
    ending: Ending = field(default_factory=Ending)

    def stop(self, reason: str) -> None:
        """End the scenarios early; ``reason`` is a clause: "it was interrupted (SIGTERM)".

        To be called in the event loop. What was recorded until now is judged; what the end itself brings about, such as
        processes that are killed, is not recorded.
        """
        self.recorder.freeze(reason)
        self.ending.come(reason)
        kill_all()
