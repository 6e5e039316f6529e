"""How pytest shows a failure of ours: the whole text below FAILURES, its first line wherever one line is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from .ids import ROOT


class Lines(Protocol):
    """The part of pytest's terminal writer that is used here."""

    def line(self, text: str) -> None: ...


@dataclass(frozen=True)
class _Crash:
    """What pytest shows of a failure in its short summary, with ``--tb line`` and as a JUnit ``message``; other plugins
    ask for the place too."""

    message: str
    path: str = ROOT
    lineno: int = 1

    def __str__(self) -> str:
        return self.message


class FailureText:
    """Stands as ``longrepr`` in a report.

    A plain string would be repeated whole in the short summary wherever pytest finds itself in CI."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reprcrash = _Crash(text.partition("\n")[0])

    def __str__(self) -> str:
        return self.text

    def toterminal(self, tw: Lines) -> None:
        for line in self.text.split("\n"):
            tw.line(line)


def tell(report: pytest.TestReport, text: str) -> None:
    """Make ``text`` what ``report`` says of its failure."""
    report.longrepr = FailureText(text)  # type: ignore[assignment]  # pytest asks for no more than these two methods
