"""What there is to know of a run besides its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SystemFacts:
    """The system under test as it was met."""

    name: str | None = None  #: that it gives itself
    version: str | None = None
    starts: int = 0  #: connections that were opened, of a program over stdio its start-ups
    seconds: float = 0.0  #: from the first start to the last verdict

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SystemFacts:
        return cls(**data)
