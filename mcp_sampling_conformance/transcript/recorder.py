"""Where the transcripts of a run are opened, each with a name of its own."""

from __future__ import annotations

from collections import Counter

from .events import RevisionConcluded
from .store import Store
from .transcript import Transcript


class Recorder:
    """Opens transcripts, which last as long as the process."""

    def __init__(self) -> None:
        self._opened: Counter[str] = Counter()
        self._store = Store()

    def open(self, revision: str, label: str, transport: str) -> Transcript:
        """A transcript for a new connection in a revision: "2025-11-25-01", "2025-11-25-02", …"""
        self._opened[revision] += 1
        return Transcript(label, transport, name=f"{revision}-{self._opened[revision]:02}", store=self._store)

    def conclude(self, name: str, conclusion: RevisionConcluded) -> None:
        """What came of a revision, for the transcript of this name: only a saved record needs to be told."""

    def close(self) -> None:
        """The run is over: nothing more is recorded."""
