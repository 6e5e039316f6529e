"""A static site for several implementations: a matrix of them by rule and revision, the page of each, what changed
between two runs of one, and badges."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..judging.results import Result, Verdict
from .html import ORDER, html, render
from .run_report import RunReport
from .table import in_order

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
#: a sign for each verdict in the matrix
SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WARN: "!",
    Verdict.ERROR: "E",
    Verdict.NOT_OBSERVED: "·",
    Verdict.NOT_APPLICABLE: "–",
}
_JUDGED = (Verdict.PASS, Verdict.FAIL, Verdict.WARN)


@dataclass(frozen=True)
class ReportedRun:
    """A run of one implementation."""

    name: str  #: of its pages: unique in the site, and fit for an address
    report: RunReport
    implementation: tuple[str | None, ...]  #: what tells one implementation from others

    @property
    def role(self) -> str:
        return self.report.results[0].role if self.report.results else self.report.target.kind

    @property
    def by_item(self) -> Mapping[tuple[str, str], Result]:
        return {(result.rule, result.revision): result for result in self.report.results if not result.about_run}

    @property
    def broken(self) -> int:
        """How many MUSTs are broken, each counted once over all revisions."""
        return len({r.rule for r in self.report.results if r.verdict is Verdict.FAIL and not r.about_run})

    @property
    def works(self) -> bool:
        return any(status.works for status in self.report.statuses)


@dataclass(frozen=True)
class Changes:
    """What is different in the newer one of two runs."""

    old: ReportedRun
    new: ReportedRun
    broken: Sequence[Result]
    fixed: Sequence[Result]
    observed: Sequence[Result]
    unseen: Sequence[Result]  #: no longer observed


def named(reports: Mapping[Path, RunReport], *, apart: bool = False) -> list[ReportedRun]:
    """The runs, each with a name made of that of its file, oldest first. Those with the same target, transport and own
    name are of one implementation, unless all are told ``apart``."""
    runs: list[ReportedRun] = []
    for path, report in reports.items():
        name = wanted = _NO_NAME.sub("-", path.stem).strip("-.") or "report"
        number = 1
        while name in ("index", *(run.name for run in runs)):
            number += 1
            name = f"{wanted}-{number}"
        target = report.target
        same = (target.kind, target.value, target.transport, report.system.name)
        runs.append(ReportedRun(name, report, (name,) if apart else same))
    return sorted(runs, key=lambda run: run.report.provenance.begun.isoformat() if run.report.provenance else "")


def site(runs: Sequence[ReportedRun]) -> dict[str, str]:
    """The files of the site, by name."""
    newest: dict[tuple[str | None, ...], list[ReportedRun]] = {}
    for run in runs:
        newest.setdefault(run.implementation, []).append(run)
    shown = [own[-1] for own in newest.values()]
    changes = {own[-1].name: changed(own[-2], own[-1]) for own in newest.values() if len(own) > 1}
    files = {f"{run.name}.html": html(run.report) for run in runs}
    for run in shown:
        files[f"{run.name}.badge.json"] = json.dumps(badge(run), ensure_ascii=False) + "\n"
        files[f"{run.name}.svg"] = render("badge.svg", badge=badge(run))
    for name, found in changes.items():
        files[f"{name}.changes.html"] = render("changes.html", changes=found)
    roles = {role: [run for run in shown if run.role == role] for role in dict.fromkeys(run.role for run in shown)}
    tables = {role: _table(own) for role, own in roles.items()}
    files["index.html"] = render("matrix.html", roles=roles, tables=tables, changes=changes, signs=SIGNS, order=ORDER)
    return files


#: a row: the rule, and for each run its result in each revision, oldest first; ``None`` where there is none
Row = tuple[str, Sequence[Sequence[Result | None]]]


def _table(runs: Sequence[ReportedRun]) -> list[tuple[str, list[Row]]]:
    """The rows of a matrix, by topic."""
    by_item = [run.by_item for run in runs]
    rules = dict.fromkeys(rule for items in by_item for rule, _ in items)
    revisions = sorted({revision for items in by_item for _, revision in items})
    topics: dict[str, list[Row]] = {}
    for rule in rules:
        cells = [[items.get((rule, revision)) for revision in revisions] for items in by_item]
        topics.setdefault(rule.split("/")[0], []).append((rule, cells))
    return [(topic, topics[topic]) for topic in in_order(topics)]


def changed(old: ReportedRun, new: ReportedRun) -> Changes:
    """What is different in the newer run."""
    before = old.by_item

    def verdict_before(result: Result) -> Verdict | None:
        found = before.get((result.rule, result.revision))
        return found.verdict if found else None

    after = [result for result in new.report.results if not result.about_run]
    return Changes(
        old,
        new,
        broken=[r for r in after if r.verdict is Verdict.FAIL and verdict_before(r) is not Verdict.FAIL],
        fixed=[r for r in after if r.verdict is Verdict.PASS and verdict_before(r) in (Verdict.FAIL, Verdict.WARN)],
        observed=[r for r in after if r.verdict in _JUDGED and verdict_before(r) not in _JUDGED],
        unseen=[r for r in after if r.verdict not in _JUDGED and verdict_before(r) in _JUDGED],
    )


def badge(run: ReportedRun) -> dict[str, object]:
    """The endpoint form of shields.io."""
    if not any(status.judged for status in run.report.statuses) and run.role in ("server", "client"):
        message, color = "not judged", "lightgrey"
    elif not run.works and run.role in ("server", "client"):
        message, color = "does not work", "red"
    elif run.broken:
        message, color = f"{run.broken} broken", "orange"
    else:
        message, color = "conforms", "brightgreen"
    return {"schemaVersion": 1, "label": f"MCP sampling {run.role}", "message": message, "color": color}
