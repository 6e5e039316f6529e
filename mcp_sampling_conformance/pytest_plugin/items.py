"""The items of a run: one for each rule and revision, and one for the run as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pluggy
import pytest

from ..judging.results import Result, Verdict
from ..protocol.revisions import Revision
from ..report.printable import printable_result
from ..subjects.peer import PeerSubject
from ..subjects.subject import REACHED, Judgement, RunTerms
from .interruption import Interruption
from .progress import TerminalProgress
from .settings import Settings
from .workers import FOLDER, BegunBefore, judged_once

#: the plugins whose time limit is not for us, each with the marker that lifts it: one item waits for all the others,
#: and the run has limits of its own
_TIME_LIMITS = {"timeout": "timeout", "pytest_timeout": "timeout"}


class HarnessError(Exception):
    """The harness could not find out."""


class RuleBroken(AssertionError):
    """A rule was judged and found broken."""


class Node(pytest.Collector):
    """A level of an item's id."""

    @property
    def ihook(self) -> pluggy.HookRelay:
        return _hooks(self)

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
        # Only where there is such a plugin, for no other knows the marker.
        for marker in {m for name, m in _TIME_LIMITS.items() if self.config.pluginmanager.has_plugin(name)}:
            self.add_marker(getattr(pytest.mark, marker)(0))

    @property
    def ihook(self) -> pluggy.HookRelay:
        return _hooks(self)

    def setup(self) -> None:
        if self.config.getoption("setuponly", False):  # also with --setup-plan
            return
        self.result = printable_result(self.run.judgement.result(self.name, self.revision))
        self.user_properties[:] = [*_properties(self.result), *self._baseline_properties(self.result)]
        if self.result.verdict is Verdict.ERROR:
            raise HarnessError(self.result.message)

    def runtest(self) -> None:
        assert self.result is not None
        if self.result.verdict is Verdict.FAIL:
            if known := self._known(self.result):
                raise pytest.xfail.Exception(known)
            raise RuleBroken(self.result.message)
        if self.result.verdict in (Verdict.NOT_OBSERVED, Verdict.NOT_APPLICABLE):
            reason = f"{self.result.verdict.value}: {self.result.message}"
            raise pytest.skip.Exception(reason, _use_item_location=True)

    def _known(self, result: Result) -> str:
        """Why a failure is no surprise; nothing where it is one."""
        baseline = self.run.settings.baseline
        entry = baseline.entry_for(result.rule, result.revision) if baseline else None
        if entry:
            return f"known: {entry.because or result.message}"
        return f"known from now on: {result.message}" if self.run.settings.update_baseline else ""

    def _baseline_properties(self, result: Result) -> Iterator[tuple[str, str]]:
        baseline = self.run.settings.baseline
        if standing := baseline and baseline.standing(result):
            yield "baseline", standing.value

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Of a broken rule its text alone: the traceback would be ours, says nothing, and takes long to be made."""
        return str(excinfo.value) if excinfo.errisinstance(RuleBroken) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.nodeid


def _hooks(node: pytest.Item | pytest.Collector) -> pluggy.HookRelay:
    """The hooks that are called for a node: those of the rootdir's conftest too, for that is where it belongs."""
    return node.session.gethookproxy(node.config.rootpath)


def _properties(result: Result) -> Iterator[tuple[str, str]]:
    """What other programs read of an item, such as those that show JUnit files."""
    yield "rule", result.rule
    yield "level", result.level
    yield "revision", result.revision
    yield "verdict", result.verdict.value
    yield "url", result.url
    if result.verdict is Verdict.WARN:  # it passes, so nothing else would show why
        yield "warning", result.message


class Conformance:
    """The run: its subject is judged when the first item asks for a verdict."""

    def __init__(self, config: pytest.Config, settings: Settings, interruption: Interruption) -> None:
        self.config = config
        self.settings = settings
        self.interruption = interruption
        #: what the items that will run need; set after collection
        self.revisions: Sequence[Revision] = settings.revisions
        self._broken_off = ""  #: why there is no judgement although one was begun

    @cached_property
    def judgement(self) -> Judgement:
        """Made once. Raises ``HarnessError`` where it was begun before and did not come to its end."""
        if self._broken_off:
            raise HarnessError(self._broken_off)
        self._broken_off = "the judgement was interrupted, and is not begun anew"
        try:
            return self._judged_once()
        except BegunBefore:
            self._broken_off = "the process that judged has ended before it was through, and it is not begun anew"
            raise HarnessError(self._broken_off) from None

    def _judged_once(self) -> Judgement:
        """Only a living peer is spared being provoked by each worker of pytest-xdist: the rest is quick."""
        subject, workerinput = self.settings.subject, getattr(self.config, "workerinput", {})
        folder = Path(workerinput.get(FOLDER, ""))
        # A worker on another machine has no such folder.
        if not (isinstance(subject, PeerSubject) and folder.name and folder.is_dir()):
            return self._judged()
        asked = [(rule, revision) for revision in self.revisions for rule in subject.rules(revision)]
        return judged_once(folder, self._judged, [(REACHED, None), *asked])

    def _judged(self) -> Judgement:
        progress = TerminalProgress(self.config)
        settings = self.settings
        terms = RunTerms(
            self.revisions, settings.strict, settings.mask, progress, interrupted=lambda: self.interruption.reason
        )
        return settings.subject.judge(terms)
