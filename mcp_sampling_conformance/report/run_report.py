"""What a report is made of, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..judging.baseline import Comparison
from ..judging.results import Result
from ..judging.status import SamplingStatus


@dataclass(frozen=True)
class Target:
    """What was judged, as the user named it, secrets masked."""

    kind: str  #: "server", "client", "callback", "mapper" or "transcript"
    value: str
    transport: str


@dataclass(frozen=True)
class RunReport:
    """The results of a run, with what there is to say besides."""

    target: Target
    statuses: Sequence[SamplingStatus]
    results: Sequence[Result]
    notes: Sequence[str]
    partial: str = ""  #: why the run did not come to its end, as a clause; nothing where it did
    baseline: Comparison | None = None  #: with the known failures, where any were given
