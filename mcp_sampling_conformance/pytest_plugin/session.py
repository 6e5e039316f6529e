"""A run inside pytest: collect an item for each rule and revision, have the subject judged, hand on the results."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import pytest

from ..judging.status import Glance
from ..report import json_report as json_file, terminal
from ..report.failure import failure_text
from ..protocol.revisions import DEPRECATION, Revision
from .settings import Settings
from ..subjects.subject import REACHED, Judgement, Terms
from ..judging.results import Result, Verdict

#: the first part of every item's id, and a name that stands for all of them on the command line
ROOT = "mcp-sampling"
#: where a report carries its result, also from a pytest-xdist worker
_ATTRIBUTE = "mcp_sampling_result"


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
        self.result = self.run.judgement.result(self.name, self.revision)
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

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        #: what the items that will run need; set after collection
        self.revisions: Sequence[Revision] = settings.revisions

    @cached_property
    def judgement(self) -> Judgement:
        progress = terminal.Progress(self.config)
        terms = Terms(self.revisions, self.settings.strict, self.settings.mask, progress)
        return self.settings.subject.judge(terms)


class ConformanceSession:
    """The hooks of a run; registered only when a system under test is named."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.run = Conformance(config, settings)
        self.results: dict[str, Result] = {}  #: by the id of the item
        self.notes: list[str] = []
        self.glances: list[Glance] = []
        self.unreached = False  #: some item saw that sampling was never reached
        self.selected = self._take_selection()

    def _take_selection(self) -> list[str]:
        """Take our own ids out of the command line's paths, where pytest would look for files."""
        config = self.config
        chosen = [arg for arg in config.args if arg.split("::")[0] == ROOT]
        if not (config.rootpath / ROOT).exists():
            config.args = [arg for arg in config.args if arg not in chosen]
        return chosen

    # --- collecting

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        root = Node.from_parent(session, name=ROOT, nodeid=f"{ROOT}::{self.settings.subject.kind}")
        mine = [RuleItem.from_parent(root, name=REACHED, run=self.run, revision=None)]
        for revision in self.settings.revisions:
            parent = Node.from_parent(root, name=revision.name)
            mine += [
                RuleItem.from_parent(parent, name=rule, run=self.run, revision=revision)
                for rule in self.settings.subject.rules(revision)
            ]
        mine = [item for item in mine if self._is_selected(item.nodeid)]
        items += mine
        # Count them where pytest says how many it collected.
        report = pytest.CollectReport(nodeid=ROOT, outcome="passed", longrepr=None, result=[*mine])
        self.config.hook.pytest_collectreport(report=report)

    def _is_selected(self, nodeid: str) -> bool:
        return not self.selected or any(
            nodeid == chosen or nodeid.startswith(f"{chosen}::") for chosen in self.selected
        )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        wanted = {item.revision for item in session.items if isinstance(item, RuleItem)}
        if None not in wanted:
            self.run.revisions = [revision for revision in self.settings.revisions if revision in wanted]

    # --- reporting

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, RuleItem) and item.result and (call.when == "call" or call.excinfo is not None):
            judgement = item.run.judgement
            run = {
                "reached": judgement.reached,
                "notes": list(judgement.notes),
                "glances": [asdict(glance) for glance in judgement.glances],
            }
            setattr(report, _ATTRIBUTE, {**item.result.as_json(), **run})
            # Here and not in repr_failure, which pytest does not ask about errors in setup.
            if call.excinfo is not None and isinstance(call.excinfo.value, RuleBroken | HarnessError):
                report.longrepr = failure_text(item.result)
                # The SDK logs a traceback for each fault of a callback; the first is told in the text.
                report.sections = [(name, text) for name, text in report.sections if " log " not in name]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, _ATTRIBUTE, None)
        if data is not None:
            data = dict(data)
            self.unreached |= not data.pop("reached")
            self.notes = data.pop("notes")
            self.glances = [Glance(**glance) for glance in data.pop("glances")]
            self.results[report.nodeid] = Result.from_json(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        data = getattr(report, _ATTRIBUTE, None)
        if data is not None and data["verdict"] == Verdict.WARN.value:
            return "warned", "w", ("WARNED", {"yellow": True})
        return None

    def pytest_report_header(self) -> list[str]:
        names = ", ".join(revision.name for revision in self.settings.revisions)
        examples, seed = self.settings.generated.examples, self.settings.generated.seed
        much = f"{examples} generated examples of each sort with the seed {seed}" if examples else "nothing generated"
        return [
            "mcp sampling: judging the {kind} {value} over {transport}, ".format_map(self._target) + names,
            f"mcp sampling: {much} (--mcp-examples, --hypothesis-seed)",
            f"mcp sampling: {DEPRECATION}",
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._is_worker or not self.results:
            return
        # Deselecting the item that would say so must not turn an empty run into a success.
        if self.unreached and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for path in self.settings.reports:
            json_file.write(path, self._target, self.glances, list(self.results.values()))

    @property
    def _target(self) -> dict[str, str]:
        """What is judged, as the header and the reports show it."""
        subject = self.settings.subject
        return {"kind": subject.kind, "value": self.settings.mask(subject.value), "transport": subject.transport}

    @property
    def _is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.results:
            terminal.write_summary(
                terminalreporter,
                list(self.results.values()),
                glances=self.glances,
                unreached=self.unreached,
                notes=self.notes,
                reports=self.settings.reports,
            )
