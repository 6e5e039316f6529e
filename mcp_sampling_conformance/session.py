"""A run inside pytest: collect an item for each rule and revision, provoke once, judge, hand on the results."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, replace
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from .glance import Glance, glances
from .judge import judge, without_evidence
from .report import json_file, terminal
from .report.failure import failure_text
from .revisions import DEPRECATION, Revision, page_url
from .rules import rules_for
from .scenarios.record import RevisionRun, Run
from .settings import Settings
from .subject import Progress
from .verdicts import Result, Verdict

#: the first part of every item's id, and a name that stands for all of them on the command line
ROOT = "mcp-sampling"
#: the item that judges the run as a whole
REACHED = "sampling-reached"
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
        self.result = self.run.result(self.name, self.revision)
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
    """The provoked record and its verdicts, made when the first item asks for them."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.subject = settings.subject
        self.notes: list[str] = []  #: what a reader should know besides the verdicts
        self.glances: list[Glance] = []  #: whether sampling works at all, in each era
        #: what the items that will run need; set after collection
        self.revisions: Sequence[Revision] = settings.revisions
        self._results: dict[tuple[str, Revision | None], Result] | None = None
        self.reached = False

    def result(self, rule: str, revision: Revision | None) -> Result:
        if self._results is None:
            try:
                run = self._provoke()
            except Exception:  # a bug of ours: said once, and not by every item
                bug = f"a bug in the harness, please report it:\n{traceback.format_exc()}"
                run = Run({revision.name: RevisionRun(failure=bug) for revision in self.revisions})
            self.reached = bool(run.reached)
            notes = (self.settings.mask(note) for record in run.revisions.values() for note in record.notes)
            self.notes = list(dict.fromkeys(notes))
            self._results = {(r.rule, None): r for r in [self._reached(run)]}
            judged = {each: self._judged(each, run.revisions[each.name]) for each in self.revisions}
            self._results |= {(r.rule, each): r for each, results in judged.items() for r in results}
            records = {each: run.revisions[each.name] for each in self.revisions}
            self.glances = [
                replace(glance, why=self.settings.mask(glance.why))
                for glance in glances(records, self.subject.side, judged)
            ]
        return self._results[rule, revision]

    def _provoke(self) -> Run:
        """Run the scenarios on a thread of their own, so that no event loop of the user's tests is touched."""
        progress = terminal.Progress(self.config)
        settings = self.settings

        def say(text: str) -> None:
            progress.say(settings.mask(text))

        with start_blocking_portal() as portal:
            future = portal.start_task_soon(self._run_scenarios, say)
            try:
                while not future.done():
                    progress.show()
                    time.sleep(0.02)
                return future.result()
            except (KeyboardInterrupt, CancelledError):
                future.cancel()
                raise KeyboardInterrupt from None
            finally:
                progress.clear()

    async def _run_scenarios(self, say: Progress) -> Run:
        return await self.subject.provoke(self.revisions, say)

    def _judged(self, revision: Revision, record: RevisionRun) -> list[Result]:
        def all_alike(verdict: Verdict, reason: str) -> list[Result]:
            return without_evidence(
                revision, self.subject.side, self.subject.transport, verdict, self.settings.mask(reason)
            )

        if record.not_negotiated is not None:
            return all_alike(Verdict.NOT_APPLICABLE, record.not_negotiated)
        if record.failure is not None:
            return all_alike(Verdict.NOT_OBSERVED, f"the {self.subject.kind} did not come up, see {REACHED}")
        return judge(
            record.transcripts,
            revision,
            self.subject.side,
            self.subject.transport,
            strict=self.settings.strict,
            mask=self.settings.mask,
        )

    def _reached(self, run: Run) -> Result:
        """The verdict on the run as a whole: whether the server came up, and sampled at all."""
        failures = {name: record.failure for name, record in run.revisions.items() if record.failure}
        refusals = {n: record.not_negotiated for n, record in run.revisions.items() if record.not_negotiated}
        if failures:
            verdict = Verdict.ERROR
            message = f"the {self.subject.kind} under test could not be judged:\n" + _by_text(failures)
        elif len(refusals) == len(run.revisions):
            verdict = Verdict.FAIL
            message = f"the {self.subject.kind} speaks none of the revisions asked for:\n{_by_text(refusals)}"
        elif not run.reached:
            verdict = Verdict.FAIL
            message = run.unreached
        else:
            verdict, message = Verdict.PASS, ", ".join(run.reached)
        newest = self.revisions[-1]
        return Result(
            rule=REACHED,
            role=self.subject.side.value,
            level="MUST",
            revision=newest.name,
            transport=self.subject.transport,
            verdict=verdict,
            message=self.settings.mask(message),
            url=page_url(newest, "client/sampling", "message-flow"),
            statement=f"A run judges a {self.subject.kind} only if that comes up and takes part in sampling.",
        )


def _by_text(reasons: dict[str, str]) -> str:
    """Reasons that several revisions share, once each."""
    by_text: dict[str, list[str]] = {}
    for name, text in reasons.items():
        by_text.setdefault(text, []).append(name)
    return "\n".join(f"{', '.join(names)}: {text}" for text, names in by_text.items())


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
                RuleItem.from_parent(parent, name=rule.name, run=self.run, revision=revision)
                for rule in rules_for(self.settings.subject.side, revision)
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
            run = {
                "reached": item.run.reached,
                "notes": item.run.notes,
                "glances": [asdict(glance) for glance in item.run.glances],
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
        return [
            "mcp sampling: judging the {kind} {value} over {transport}, ".format_map(self._target) + names,
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
