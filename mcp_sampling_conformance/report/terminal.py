"""What a run shows on the terminal in the end: warnings, the table of topics and revisions, what to read next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..judging.results import Result, Verdict
from ..judging.status import SamplingStatus
from ..rules.registry import TOPICS
from ..transcript.transcript import Side
from .exchange import evidence_lines
from .printable import printable


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
) -> None:
    """The warnings, the table, and what to read next."""
    warned = [result for result in results if result.verdict is Verdict.WARN]
    if warned:
        reporter.write_sep("=", "mcp sampling: warnings", yellow=True)
        for first, revisions in _alike(warned):
            reporter.write_line(f"{first.rule} ({first.level}): {printable(first.message)}", yellow=True)
            reporter.write_line(f"    requires  {first.statement}")
            reporter.write_line(f"    in {', '.join(revisions)}; {first.url}")
            if reporter.verbosity > 0:
                for line in evidence_lines(first):
                    reporter.write_line(f"    {line}")
    rules = [result for result in results if not result.about_run]
    if rules:
        reporter.write_sep("=", f"mcp sampling: {rules[0].role} over {rules[0].transport}")
        for line in table(rules):
            reporter.write_line(line)
        for status in statuses:
            reporter.write_line(printable(status.line(Side(rules[0].role))), bold=True, **_colour(status))
    for note in notes:
        reporter.write_line(printable(note), yellow=True)
    if partial:
        reporter.write_line(f"PARTIAL: {printable(partial)}; what it did not come to is not observed.", red=True)
    for line in _read_next(results, statuses, unreached, reports):
        reporter.write_line(line)
    for line in unwritten:
        reporter.write_line(printable(line), red=True)


def _colour(status: SamplingStatus) -> dict[str, bool]:
    return {} if status.works else {"red": True} if status.judged else {"yellow": True}


def _alike(results: Sequence[Result]) -> list[tuple[Result, list[str]]]:
    """Results of one rule, gathered over the revisions."""
    gathered: dict[str, list[Result]] = {}
    for result in results:
        gathered.setdefault(result.rule, []).append(result)
    return [(group[-1], [result.revision for result in group]) for group in gathered.values()]


def table(results: Sequence[Result]) -> list[str]:
    """Topics by revisions: in each cell how many rules held of those judged, and how many did not."""
    revisions = sorted({result.revision for result in results})
    applicable = [result for result in results if result.verdict is not Verdict.NOT_APPLICABLE]
    present = {result.topic for result in applicable or results}
    # What is no topic of the specification, such as the properties of mappers, comes last.
    topics = [*(topic for topic in TOPICS if topic in present), *sorted(present.difference(TOPICS))]
    width = max(len(topic) for topic in topics) + 2
    lines = [" " * width + "".join(f"{revision:>22}" for revision in revisions)]
    for topic in topics:
        cells = []
        for revision in revisions:
            verdicts = Counter(r.verdict for r in results if r.revision == revision and r.topic == topic)
            cells.append(f"{_cell(verdicts):>22}")
        lines.append(f"{topic:<{width}}" + "".join(cells))
    return lines


_WORDS = {Verdict.PASS: "ok", Verdict.FAIL: "FAIL", Verdict.WARN: "warn", Verdict.ERROR: "ERROR"}


def _cell(verdicts: Counter[Verdict]) -> str:
    judged = [f"{verdicts[verdict]} {word}" for verdict, word in _WORDS.items() if verdicts[verdict]]
    if judged:
        return ", ".join(judged)
    return "not applicable" if verdicts[Verdict.NOT_APPLICABLE] else "not observed" if verdicts else "-"


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
        lines.append(f"{what}: nothing here is a pass. See the item sampling-reached.")
    if counts[Verdict.FAIL]:
        lines.append("Each failure above shows the rule, its source and the messages; run one again by its id.")
    if counts[Verdict.WARN]:
        lines.append("Warnings do not fail the run; -v shows their messages, --mcp-strict makes each SHOULD count.")
    if counts[Verdict.NOT_OBSERVED]:
        lines.append(
            f"Not observed: {counts[Verdict.NOT_OBSERVED]} (nothing came up to judge; never a pass). -rs says why."
        )
    lines += [f"Report: {path}" for path in reports]
    return lines
