"""The hooks of a run inside pytest: collect its items, gather their results, report."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus
from ..protocol.revisions import DEPRECATION
from ..report import terminal
from ..report.alike import told_once
from ..report.failure import failure_text
from ..report.formats import FORMATS
from ..report.printable import printable
from ..report.run_report import RunReport, Target
from ..subjects.subject import REACHED
from .items import ROOT, Conformance, HarnessError, Node, RuleBroken, RuleItem
from .settings import Settings
from .told import tell

#: where a report carries its result, also from a pytest-xdist worker
_ATTRIBUTE = "mcp_sampling_result"


class ConformanceSession:
    """The hooks of a run; registered only when a system under test is named."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.run = Conformance(config, settings)
        self.results: dict[str, Result] = {}  #: by the id of the item
        self.failures: dict[str, pytest.TestReport] = {}  #: likewise
        self.notes: list[str] = []
        self.statuses: list[SamplingStatus] = []
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
                "statuses": [status.as_json() for status in judgement.statuses],
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
            self.statuses = [SamplingStatus(**status) for status in data.pop("statuses")]
            self.results[report.nodeid] = Result.from_json(data)
            if report.failed:
                self.failures[report.nodeid] = report
                # Here, since a report comes from a pytest-xdist worker with nothing but its text.
                tell(report, str(report.longrepr))

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
        target = self._target
        return [
            f"mcp sampling: judging the {target.kind} {printable(target.value)} over {target.transport}, {names}",
            f"mcp sampling: {much} (--mcp-examples, --hypothesis-seed)",
            f"mcp sampling: {DEPRECATION}",
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._is_worker or not self.results:
            return
        # Deselecting the item that would say so must not turn an empty run into a success.
        if self.unreached and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        # Only now it is known what ran, which may be a part, and in several processes.
        for item, text in told_once({item: self.results[item] for item in self.failures}).items():
            tell(self.failures[item], text)
        report = RunReport(self._target, self.statuses, list(self.results.values()), self.notes)
        for path in self.settings.reports:
            path.write_text(FORMATS[path.suffix](report), encoding="utf-8")

    @property
    def _target(self) -> Target:
        """What is judged, as the header and the reports show it."""
        subject = self.settings.subject
        return Target(subject.kind, self.settings.mask(subject.value), subject.transport)

    @property
    def _is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.results:
            terminal.write_summary(
                terminalreporter,
                list(self.results.values()),
                statuses=self.statuses,
                unreached=self.unreached,
                notes=self.notes,
                reports=self.settings.reports,
            )
