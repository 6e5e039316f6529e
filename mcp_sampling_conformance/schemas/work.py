"""How much work a schema may cost: steps are counted, not seconds, so that the same schema always gives the same."""

from __future__ import annotations


class OutOfWork(Exception):
    """A schema needs more steps than it may cost."""


class Work:
    """The steps that are left for one schema, and why values could not be made on the way."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.reasons: dict[str, None] = {}  #: each once, in the order in which they came up

    def step(self, count: int = 1) -> None:
        """Count work that is about to be done. Raises ``OutOfWork`` if it is too much."""
        self.left -= count
        if self.left < 0:
            raise OutOfWork

    def note(self, reason: str) -> None:
        """Keep why no value could be made of some part of the schema; completes "because it ..."."""
        self.reasons[reason] = None
