"""The hooks of a run inside pytest: collect its items, gather their results, report."""

from __future__ import annotations

import json
import signal
from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ..judging.baseline import Comparison, fails_everywhere
from ..judging.baseline_file import BaselineError, updated
from ..judging.facts import SystemFacts
from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus
from ..protocol.revisions import DEPRECATION
from ..report import files, github, terminal
from ..report.alike import told_once
from ..report.failure import failure_text
from ..report.formats import FORMATS
from ..report.markdown import markdown
from ..report.printable import printable
from ..report.run_report import Provenance, RunReport, Target
from ..subjects.peer import PeerSubject
from ..subjects.subject import REACHED
from .ids import ROOT, place
from .interruption import Interruption
from .items import Conformance, HarnessError, Node, RuleBroken, RuleItem
from .settings import Settings
from .told import tell
from .workers import FOLDER

#: where a report carries its result, also from a pytest-xdist worker
_ATTRIBUTE = "mcp_sampling_result"


class ConformanceSession:
    """The hooks of a run; registered only when a system under test is named."""

    def __init__(self, config: pytest.Config, settings: Settings, selected: Collection[str] = ()) -> None:
        """``selected`` are the ids that were asked for, of items and of what holds several; nothing stands for all."""
        self.config = config
        self.settings = settings
        patient = isinstance(settings.subject, PeerSubject)
        self.interruption = Interruption(patient=patient, in_worker=self._is_worker)
        self.run = Conformance(config, settings, self.interruption)
        self.results: dict[str, Result] = {}  #: by the id of the item
        self.failures: dict[str, pytest.TestReport] = {}  #: likewise
        self.notes: list[str] = []
        self._begun = datetime.now(UTC)
        self.statuses: list[SamplingStatus] = []
        self.system = SystemFacts()
        self.unreached = False  #: some item saw that sampling was never reached
        self.partial = ""  #: why the run did not come to its end, as a clause
        self.written: list[Path] = []  #: the reports
        self.unwritten: list[str] = []  #: the files that could not be written, in words
        self.comparison: Comparison | None = None  #: with the known failures, once all is judged
        self.updated = False  #: their file was written
        self.selected = selected
        self._shared: TemporaryDirectory[str] | None = None  #: for the workers of pytest-xdist

    # --- interruptions

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        if self.config.pluginmanager.has_plugin("dsession"):
            self.interruption.take()
        elif self._is_worker and self.interruption.patient:
            self.interruption.take([signal.SIGINT])  # so comes the word of the controlling process

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker of pytest-xdist is about to start."""
        self._shared = self._shared or TemporaryDirectory(prefix="mcp-sampling-")
        node.workerinput[FOLDER] = self._shared.name

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """A worker of pytest-xdist is there."""
        process = getattr(getattr(node.gateway, "_io", None), "popen", None)  # none of one on another machine
        if process is not None:
            self.interruption.workers.append(process.pid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if isinstance(item, RuleItem):
            self.interruption.take()
            return None
        self.interruption.give_back([signal.SIGTERM, signal.SIGHUP])
        # Our items are told of all the same, for they are judged already.
        return True if self.interruption.reason else None

    def pytest_unconfigure(self) -> None:
        self.interruption.give_back()
        if self._shared is not None:
            self._shared.cleanup()

    # --- collecting

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        nodeid = f"{ROOT}::{self.settings.subject.kind}"
        root = Node.from_parent(session, name=ROOT, nodeid=nodeid, path=place(self.config))
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
                "ended_early": judgement.ended_early,
                "notes": [printable(note) for note in judgement.notes],
                "system": judgement.system.as_json(),
                "statuses": [{**status.as_json(), "why": printable(status.why)} for status in judgement.statuses],
            }
            # As ASCII, for pytest-xdist passes no lone surrogate on.
            setattr(report, _ATTRIBUTE, json.dumps({**item.result.as_json(), **run}))
            # Here and not in repr_failure, which pytest does not ask about errors in setup.
            if call.excinfo is not None and isinstance(call.excinfo.value, RuleBroken | HarnessError):
                report.longrepr = failure_text(item.result)
                # The SDK logs a traceback for each fault of a callback; the first is told in the text.
                report.sections = [(name, text) for name, text in report.sections if " log " not in name]
        elif isinstance(item, RuleItem) and call.excinfo is not None and call.excinfo.errisinstance(HarnessError):
            report.longrepr = str(call.excinfo.value)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, _ATTRIBUTE, None)
        if data is not None:
            data = json.loads(data)
            self.unreached |= not data.pop("reached")
            self.partial = data.pop("ended_early") or self.partial
            self.notes = data.pop("notes")
            self.system = SystemFacts.from_json(data.pop("system"))
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
        told = getattr(report, _ATTRIBUTE, None)
        if told is None:
            return None
        data = json.loads(told)
        if data["verdict"] == Verdict.WARN.value:
            return "warned", "w", ("WARNED", {"yellow": True})
        if hasattr(report, "wasxfail"):
            return None  # a known failure, which pytest has words for
        if report.skipped and not data["reached"] and self.config.get_verbosity() <= 0:
            return "skipped", "", ("", {})  # hundreds of letters would say no more than the end of the run does
        return None

    def pytest_report_header(self) -> list[str]:
        names = ", ".join(revision.name for revision in self.settings.revisions)
        examples, seed = self.settings.generated.examples, self.settings.generated.seed
        much = f"{examples} generated examples of each sort with the seed {seed}" if examples else "nothing generated"
        target = self._target
        return [
            f"mcp sampling: judging the {target.kind} {target.value} over {target.transport}, {names}",
            f"mcp sampling: {much} (--mcp-examples, --hypothesis-seed)",
            f"mcp sampling: {DEPRECATION}",
        ]

    def pytest_sessionstart(self) -> None:
        if self._is_worker or self.config.option.collectonly:
            return
        for path in self.settings.reports:
            try:
                files.remove_old(path)
            except OSError as error:
                raise pytest.UsageError(
                    f"--mcp-report: the old {str(path)!r} cannot be removed ({error.strerror}); give another file"
                ) from None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._is_worker:
            return
        if self.interruption.reason:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if not self.results:
            return
        if session.exitstatus == pytest.ExitCode.INTERRUPTED:
            self.partial = self.partial or self.interruption.reason or "the run was interrupted"
        results = list(self.results.values())
        if self.settings.baseline is not None:
            self.comparison = self.settings.baseline.compare(results)
        # Deselecting the item that would say so must not turn an empty run into a success.
        # And what was not waited for is no success either.
        if (self.unreached and not self._is_known(REACHED)) or self.partial or self._is_stale:
            self._fail(session)
        # Only now it is known what ran, which may be a part, and in several processes.
        for item, text in told_once({item: self.results[item] for item in self.failures}).items():
            tell(self.failures[item], text)
        report = RunReport(
            self._target,
            self.statuses,
            results,
            self.notes,
            self.partial,
            self.comparison,
            replace(self.system, name=_shown(self.system.name), version=_shown(self.system.version)),
            Provenance(
                self._begun, self.settings.given, self.settings.generated.examples, self.settings.generated.seed
            ),
        )
        for path in self.settings.reports:
            if self._write(path, FORMATS[path.suffix](report), "report"):
                self.written.append(path)
        if self.settings.summary is not None:
            self._summarize(self.settings.summary, markdown(report))
        self._update_baseline(results)
        if self.unwritten:
            self._fail(session)

    def _fail(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self, path: Path, text: str, what: str) -> bool:
        try:
            files.write(path, text)
        except OSError as error:
            self.unwritten.append(f"The {what} could not be written to {path}: {error.strerror}.")
            return False
        return True

    def _summarize(self, path: Path, text: str) -> None:
        try:
            github.append(path, text)
        except OSError as error:
            self.unwritten.append(f"The summary could not be added to {path}: {error.strerror}.")

    # --- known failures

    def _is_known(self, rule: str) -> bool:
        return any(result.rule == rule for result in self.comparison.known) if self.comparison else False

    @property
    def _is_stale(self) -> bool:
        """Whether something is called a known failure that is none any more, and stays in its file."""
        return bool(self.comparison and self.comparison.stale and not self.settings.update_baseline)

    @property
    def _unexpected(self) -> list[Result]:
        """The results without the known failures, and those that are known from now on."""
        known = self.comparison.known if self.comparison else ()
        results = [result for result in self.results.values() if result not in known]
        return [result for result in results if not self.settings.update_baseline or result.verdict is not Verdict.FAIL]

    @property
    def _baseline_line(self) -> str:
        """How the run stands to the known failures; nothing where none were given."""
        if self.comparison is None:
            return ""
        was_updated = " (the file is updated)" if self.updated else ""
        return f"{self.settings.baseline_file}: {self.comparison.closing_line}{was_updated}"

    def _update_baseline(self, results: Sequence[Result]) -> None:
        """Write what fails now, as far as it was judged, into the file of known failures."""
        path = self.settings.baseline_file
        if not self.settings.update_baseline or path is None or self.comparison is None:
            return
        if self.partial:
            self.unwritten.append(f"{path} was not updated, for the run is partial.")
            return
        try:
            text = updated(path, self.settings.subject.role, self.comparison, fails_everywhere(results))
        except BaselineError as error:
            self.unwritten.append(f"{path} was not updated: {error}.")
            return
        self.updated = self._write(path, text, "list of known failures")

    @property
    def _target(self) -> Target:
        """What is judged, as the header and the reports show it."""
        subject = self.settings.subject
        value = printable(self.settings.mask(subject.value))
        return Target(subject.kind, value, printable(subject.transport))

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
                partial=self.partial,
                reports=self.written,
                unwritten=self.unwritten,
                baseline=self._baseline_line,
            )
            if self.settings.summary is not None:
                for line in github.annotated(self._unexpected):
                    terminalreporter.write_line(line)


def _shown(text: str | None) -> str | None:
    return text if text is None else printable(text)
