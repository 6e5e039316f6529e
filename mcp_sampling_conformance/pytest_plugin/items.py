"""The items of a run: one for each rule and revision, and one for the run as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pytest

from ..judging.results import Result, Verdict
from ..protocol.revisions import Revision
from ..report.printable import printable_result
from ..subjects.subject import Judgement, RunTerms
from .interruption import Interruption
from .progress import TerminalProgress
from .settings import Settings

#: the first part of every item's id, and a name that stands for all of them on the command line
ROOT = "mcp-sampling"


class HarnessError(Exception):
    """The harness could not find out."""


class RuleBroken(Exception):
    """A rule was judged and found broken."""


class Node(pytest.Collector):
    """A level of an item's id."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


class RuleItem(pytest.Item):
    """One rule in one revision, or the run as a whole (no revision)."""

    def __init__(self, *, run: Conformance, revision: Revision | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.revision = revision
        self.result: Result | None = None
        self.add_marker("mcp_conformance")

    def setup(self) -> None:
        self.result = printable_result(self.run.judgement.result(self.name, self.revision))
        if self.result.verdict is Verdict.ERROR:
            raise HarnessError(self.result.message)

    def runtest(self) -> None:
        assert self.result is not None
        if self.result.verdict is Verdict.FAIL:
            raise RuleBroken(self.result.message)
        if self.result.verdict in (Verdict.NOT_OBSERVED, Verdict.NOT_APPLICABLE):
            reason = f"{self.result.verdict.value}: {self.result.message}"
            raise pytest.skip.Exception(reason, _use_item_location=True)

    def reportinfo(self) -> tuple[str, int, str]:
        return ROOT, 0, self.nodeid


class Conformance:
    """The run: its subject is judged when the first item asks for a verdict."""

    def __init__(self, config: pytest.Config, settings: Settings, interruption: Interruption) -> None:
        self.config = config
        self.settings = settings
        self.interruption = interruption
        #: what the items that will run need; set after collection
        self.revisions: Sequence[Revision] = settings.revisions

    @cached_property
    def judgement(self) -> Judgement:
        progress = TerminalProgress(self.config)
        settings = self.settings
        terms = RunTerms(
            self.revisions, settings.strict, settings.mask, progress, interrupted=lambda: self.interruption.reason
        )
        return settings.subject.judge(terms)
