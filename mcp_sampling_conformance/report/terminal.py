"""What a run shows on the terminal in the end: warnings, the headline, the table, what to read next."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus
from .exchange import evidence_lines
from .printable import printable
from .table import table

#: how to write what is found in a cell of the table
_MARKUP = {"FAIL": {"red": True}, "ERROR": {"red": True}, "warn": {"yellow": True}}
_MARKED = re.compile(rf"(\d+ (?:{'|'.join(_MARKUP)}))")


def write_summary(
    reporter: pytest.TerminalReporter,
    results: Sequence[Result],
    *,
    statuses: Sequence[SamplingStatus],
    unreached: bool,
    notes: Sequence[str],
    partial: str,
    reports: Sequence[Path],
    unwritten: Sequence[str],
    baseline: str,
) -> None:
    """The warnings, the headline and the table, and what to read next."""
    _write_warnings(reporter, [result for result in results if result.verdict is Verdict.WARN])
    reporter.write_sep("=", f"mcp sampling: {results[0].role} over {results[0].transport}")
    width = shutil.get_terminal_size().columns
    rules = [result for result in results if not result.about_run]
    if statuses:
        _write_headline(reporter, statuses, width)
    else:
        _write_count(reporter, rules)
    for line in table(rules, width):
        _write_row(reporter, line)
    for note in notes:
        reporter.write_line(printable(note), yellow=True)
    if partial:
        reporter.write_line(f"PARTIAL: {printable(partial)}; what it did not come to is not observed.", red=True)
    for line in _read_next(results, statuses, unreached, reports):
        reporter.write_line(line)
    for line in unwritten:
        reporter.write_line(printable(line), red=True)
    if baseline:
        reporter.write_line(printable(baseline), bold=True, red=": remove " in baseline)


def _write_warnings(reporter: pytest.TerminalReporter, warned: Sequence[Result]) -> None:
    if warned:
        reporter.write_sep("=", "mcp sampling: warnings", yellow=True)
    for first, revisions in _alike(warned):
        reporter.write_line(f"{first.rule} ({first.level}): {printable(first.message)}", yellow=True)
        reporter.write_line(f"    requires  {first.statement}")
        reporter.write_line(f"    in {', '.join(revisions)}; {first.url}")
        if reporter.verbosity > 0:
            for line in evidence_lines(first):
                reporter.write_line(f"    {line}")


def _write_headline(reporter: pytest.TerminalReporter, statuses: Sequence[SamplingStatus], width: int) -> None:
    """Whether sampling works, in each era; on a line if it fits."""
    texts = [printable(status.headline) for status in statuses]
    separator = "; " if len("; ".join(texts)) <= width else "\n"
    for number, (status, text) in enumerate(zip(statuses, texts, strict=True)):
        if number:
            reporter.write(separator)
        reporter.write(text, bold=True, **_colour(status))
    reporter.line("")


def _write_count(reporter: pytest.TerminalReporter, rules: Sequence[Result]) -> None:
    """How much holds of something that has no peer."""
    judged = {result.rule for result in rules if result.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.WARN)}
    broken = {result.rule for result in rules if result.verdict is Verdict.FAIL}
    if judged:
        reporter.write_line(f"{len(broken)} of {len(judged)} properties broken", bold=True, red=bool(broken))


def _colour(status: SamplingStatus) -> dict[str, bool]:
    return {} if status.works or status.refuses else {"red": True} if status.judged else {"yellow": True}


def _write_row(reporter: pytest.TerminalReporter, line: str) -> None:
    """A line of the table, with what is broken in colour."""
    for part in _MARKED.split(line):
        reporter.write(part, **_MARKUP.get(part.rpartition(" ")[2], {}) if _MARKED.fullmatch(part) else {})
    reporter.line("")


def _alike(results: Sequence[Result]) -> list[tuple[Result, list[str]]]:
    """Results of one rule, gathered over the revisions."""
    gathered: dict[str, list[Result]] = {}
    for result in results:
        gathered.setdefault(result.rule, []).append(result)
    return [(group[-1], [result.revision for result in group]) for group in gathered.values()]


def _read_next(
    results: Sequence[Result], statuses: Sequence[SamplingStatus], unreached: bool, reports: Sequence[Path]
) -> list[str]:
    counts = Counter(result.verdict for result in results)
    lines = []
    if unreached:
        what = "Sampling was never reached"
        if results[0].role == "mapper":
            what = "The mapper could not be called"
        elif not any(status.judged for status in statuses):
            what = f"The {results[0].role} could not be judged"
        elif results[0].role == "client":
            what = "No sampling request got a result"
        lines.append(f"{what}: nothing here is a pass. See the item sampling-reached.")
    if counts[Verdict.FAIL]:
        lines.append("Each failure above shows the rule, its source and the messages; run one again by its id.")
    if counts[Verdict.WARN]:
        lines.append(
            "Warnings do not fail the run; -v shows what crossed at each, --mcp-strict makes each SHOULD count."
        )
    if counts[Verdict.NOT_OBSERVED]:
        lines.append(
            f"Not observed: {counts[Verdict.NOT_OBSERVED]} (nothing came up to judge; never a pass). -rs says why."
        )
    lines += [f"Report: {path}" for path in reports]
    return lines
