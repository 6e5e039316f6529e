"""Where the transcripts of a run are opened, each with a name of its own."""

from __future__ import annotations

from collections import Counter
from weakref import WeakSet

from .events import CutShort, RevisionConcluded
from .limits import Budget, Limit
from .store import Store
from .transcript import Transcript


class Recorder:
    """Opens transcripts, which last as long as the process."""

    def __init__(self) -> None:
        self._opened: Counter[str] = Counter()
        self._store = Store()
        self._transcripts: WeakSet[Transcript] = WeakSet()
        self._budget = Budget()
        self._budgets: dict[str, Budget] = {}  #: by revision

    def spent(self, revision: str) -> Limit | None:
        """The limit that the record of a revision has reached, if any: nothing more is received in it."""
        return self._budget_of(revision).spent

    def _budget_of(self, revision: str) -> Budget:
        return self._budgets.setdefault(revision, Budget(self._budget))

    def open(self, revision: str, label: str, transport: str) -> Transcript:
        """A transcript for a new connection in a revision: "2025-11-25-01", "2025-11-25-02", …"""
        self._opened[revision] += 1
        name = f"{revision}-{self._opened[revision]:02}"
        transcript = Transcript(label, transport, name=name, store=self._store, budget=self._budget_of(revision))
        self._transcripts.add(transcript)
        return transcript

    def freeze(self, why: str) -> None:
        """From now on nothing more is recorded on any connection; ``why`` is a clause."""
        for transcript in list(self._transcripts):
            transcript.note(CutShort(why))
        self._budget.close()

    def conclude(self, name: str, conclusion: RevisionConcluded) -> None:
        """What came of a revision, for the transcript of this name: only a saved record needs to be told."""

    def close(self) -> None:
        """The run is over: nothing more is recorded."""
