"""What a report is made of, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..judging.baseline import Comparison
from ..judging.facts import SystemFacts
from ..judging.results import Result
from ..judging.status import SamplingStatus


@dataclass(frozen=True)
class Target:
    """What was judged, as the user named it, secrets masked."""

    kind: str  #: "server", "client", "callback", "mapper" or "transcript"
    value: str
    transport: str


@dataclass(frozen=True)
class Provenance:
    """How the run was made, so that it can be made again."""

    begun: datetime
    options: Mapping[str, str | Sequence[str]]  #: those that were given, secrets masked
    examples: int
    seed: int


@dataclass(frozen=True)
class RunReport:
    """The results of a run, with what there is to say besides."""

    target: Target
    statuses: Sequence[SamplingStatus]
    results: Sequence[Result]
    notes: Sequence[str]
    partial: str = ""  #: why the run did not come to its end, as a clause; nothing where it did
    baseline: Comparison | None = None  #: with the known failures, where any were given
    system: SystemFacts = field(default_factory=SystemFacts)
    provenance: Provenance | None = None

    @property
    def circumstances(self) -> str:
        """What the system calls itself, and what the run took, in one line."""
        system, made = self.system, self.provenance
        parts = [" ".join(filter(None, (system.name, system.version)))]
        parts += [f"{system.starts} {'start' if system.starts == 1 else 'starts'}"] if system.starts else []
        parts += [f"{system.seconds:.1f} s"] if system.seconds else []
        parts += [f"{made.begun:%Y-%m-%d %H:%M} UTC", f"seed {made.seed}"] if made else []
        return ", ".join(filter(None, parts))
