"""What a search handles: examples, attempts to send one, and finds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...transcript.transcript import Transcript

#: how many characters of an example a message shows
SHOWN = 500


@dataclass(frozen=True)
class Example:
    """Something to send: ``value`` is JSON, ``hostile`` says whether it breaks the specification."""

    group: str  #: what rules look for
    value: Any
    name: str  #: for people; completes "... after NAME"
    callee: str = ""  #: what is called to send it, by its label
    hostile: bool = False
    sound: Example | None = None  #: of a hostile one, the valid one that the violation was put into
    borrowed: bool = False  #: it was made for another revision, and may be something else in this one

    @property
    def key(self) -> str:
        """What tells it from others."""
        return json.dumps([self.group, self.callee, self.value], sort_keys=True)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis shows it; the whole may be huge."""
        printer.text(self.name)


@dataclass(eq=False)
class Attempt:
    """An example that is to be tried, and what came of it."""

    example: Example
    seconds: float  #: how long an answer may take
    alone: bool  #: to be tried on a connection of its own
    broken: frozenset[str] = frozenset()  #: the rules that broke
    transcript: Transcript | None = None  #: up to the end of the attempt, where that may be a find
    took: float = 0.0  #: seconds
    spent: bool = False  #: the connection is good for no more


@dataclass(frozen=True)
class Find:
    """The smallest example that was found to break some rules, and the record of it."""

    example: Example
    rules: frozenset[str]
    transcript: Transcript
    alone: bool  #: it breaks them on a fresh connection too, whatever came before
    seed: int  #: finds it again
    spent: bool  #: it hung or ended the system under test
