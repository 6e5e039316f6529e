"""What a run shows on the terminal: progress, warnings, and the closing table of topics and revisions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ..judging.status import Glance
from ..rules.registry import TOPICS
from ..judging.results import Result, Verdict
from ..transcript.transcript import Side
from .excerpt import printable

#: seconds between two lines of progress where lines cannot be overwritten
_QUIET = 5.0


class Progress:
    """What is being done, while nothing else is to be seen."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._text = ""
        self._shown = ""
        self._at = time.monotonic()

    def say(self, text: str) -> None:
        """Note what is being done; called from the thread of the scenarios."""
        self._text = text

    def show(self) -> None:
        """Write it, where that is due; called from pytest's own thread."""
        if self._reporter is None or self._text == self._shown or self._reporter.verbosity < 0:
            return
        overwrites = self._reporter.isatty
        if not overwrites and time.monotonic() - self._at < _QUIET:
            return
        self._at, self._shown = time.monotonic(), self._text
        line = printable(f"mcp sampling: {self._text}")[:100]
        self._write(f"\r{line:<100}" if overwrites else f"\n{line}")

    def clear(self) -> None:
        if self._shown:
            self._write("\r" + " " * 100 + "\r" if self._reporter.isatty else "\n")

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled() if self._capture else nullcontext():
            self._reporter.write(text, flush=True)


def write_summary(
    reporter: pytest.TerminalReporter,
    results: Sequence[Result],
    *,
    glances: Sequence[Glance],
    unreached: bool,
    notes: Sequence[str],
    reports: Sequence[Path],
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
                for line in first.evidence:
                    reporter.write_line(f"    {line}")
    rules = [result for result in results if not result.about_run]
    if rules:
        reporter.write_sep("=", f"mcp sampling: {rules[0].role} over {rules[0].transport}")
        for line in table(rules):
            reporter.write_line(line)
        for glance in glances:
            reporter.write_line(printable(glance.line(Side(rules[0].role))), bold=True, red=not glance.works)
    for note in notes:
        reporter.write_line(printable(note), yellow=True)
    for line in _read_next(results, unreached, reports):
        reporter.write_line(line)


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
    known = [module.replace("_", "-") for module in TOPICS]
    # What is no topic of the specification, such as the properties of mappers, comes last.
    topics = [*(topic for topic in known if topic in present), *sorted(present.difference(known))]
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


def _read_next(results: Sequence[Result], unreached: bool, reports: Sequence[Path]) -> list[str]:
    counts = Counter(result.verdict for result in results)
    lines = []
    if unreached:
        what = "The mapper could not be called" if results[0].role == "mapper" else "Sampling was never reached"
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
