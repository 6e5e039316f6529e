"""The Markdown report: for the summary of a CI job, or a comment on a pull request.

What the system under test sent stands in code only, where no Markdown, HTML or mention of a person takes effect. A
comment holds no more than 65,536 characters: of a run that breaks very much, the exchanges of the later rules are left
out first, then their messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ..judging.results import Result, Verdict
from .alike import by_fault
from .exchange import evidence_lines
from .members import broken_at_members
from .printable import printable, printable_lines
from .run_report import RunReport
from .table import cells_of

#: characters of a report: GitHub takes 65,536 for a comment, and counts some of them twice
_MOST = 60_000
_MOST_MESSAGE = 2_000
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~@&])")
_BACKTICKS = re.compile(r"`+")
#: what is told one by one, with its heading
_TOLD = {Verdict.ERROR: "Could not be judged", Verdict.FAIL: "Broken", Verdict.WARN: "Warnings"}


def markdown(report: RunReport) -> str:
    """The whole report as text."""
    lines = [*_head(report), "", *_table(report.results)]
    lines += ["", *(f"- {_text(note)}" for note in report.notes)] if report.notes else []
    known = report.baseline.known if report.baseline else []
    told_of = [result for result in report.results if result not in known]
    groups = [group for verdict in _TOLD for group in _alike(told_of, verdict)]
    names = [f"- {_name(group)}" for group in _alike(known, Verdict.FAIL)]
    left = _MOST - sum(len(line) + 1 for line in (*lines, *names))
    told, short = _fitting(groups, left)
    lines += told
    if short:
        lines += ["", f"Of {short} rules not all is shown here, for want of room; the JSON report has it."]
    lines += ["", "### Known failures", "", *names] if names else []
    unseen = sum(result.verdict is Verdict.NOT_OBSERVED for result in report.results)
    lines += ["", f"Not observed: {unseen} (nothing came up to judge; never a pass)."] if unseen else []
    return "\n".join(lines) + "\n"


def _head(report: RunReport) -> Iterator[str]:
    target = report.target
    yield f"## MCP sampling: {target.kind} {code(target.value)} over {_text(target.transport)}"
    yield ""
    if report.circumstances:
        yield _text(report.circumstances)
        yield ""
    if report.partial:
        yield f"**Partial: {_text(report.partial)}**; what it did not come to is not observed."
        yield ""
    for status in report.statuses:
        yield f"- **{'✅' if status.works else '❌' if status.judged else '⚠️'} {_text(status.headline)}**"
    if report.baseline:
        yield f"- Known failures: {_text(report.baseline.closing_line)}"


def _table(results: Sequence[Result]) -> Iterator[str]:
    topics, columns = cells_of([result for result in results if not result.about_run])
    if topics:
        yield "| topic |" + "".join(f" {'<br>'.join(revisions)} |" for revisions, _ in columns)
        yield "|---|" + "--:|" * len(columns)
    for row, topic in enumerate(topics):
        cells = (cells[row] for _, cells in columns)
        yield f"| {topic} |" + "".join(f" {f'**{cell}**' if 'FAIL' in cell else cell} |" for cell in cells)


def _alike(results: Sequence[Result], verdict: Verdict) -> list[list[Result]]:
    """The results of a verdict, those together that are the same fault in several revisions, the newest last."""
    return by_fault([result for result in results if result.verdict is verdict], lambda result: result)


def _fitting(groups: Sequence[Sequence[Result]], room: int) -> tuple[list[str], int]:
    """What is told of each group, as much as there is room for; and of how many not all is."""
    shown: list[list[str]] = []
    left, short = room, 0
    shapes: list[Callable[[Sequence[Result]], list[str]]] = [_whole, _without_exchange, _name_alone]
    least = [len(_name(group)) + 2 for group in groups]
    for number, group in enumerate(groups):
        for position, shape in enumerate(shapes):
            lines = shape(group)
            size = sum(len(line) + 1 for line in lines)
            if size <= left - sum(least[number + 1 :]):
                short += position > 0
                left -= size
                shown.append(lines)
                break
        else:
            short += 1
    told: list[str] = []
    heading = None
    for group, lines in zip(groups, shown, strict=False):
        if (verdict := group[0].verdict) is not heading:
            heading = verdict
            told += ["", f"### {_TOLD[verdict]}"]
        told += ["", *lines]
    return told, short


def _whole(group: Sequence[Result]) -> list[str]:
    shown = [part for line in evidence_lines(group[-1]) for part in broken_at_members(line)]
    if not shown:
        return _without_exchange(group)
    return [
        *_without_exchange(group),
        "",
        "<details><summary>The exchange</summary>",
        "",
        *_block(shown),
        "",
        "</details>",
    ]


def _without_exchange(group: Sequence[Result]) -> list[str]:
    newest = group[-1]
    message = newest.message[:_MOST_MESSAGE] + ("…" if len(newest.message) > _MOST_MESSAGE else "")
    return [
        _name(group),
        "",
        *_block(printable_lines(message).split("\n")),
        *([] if newest.about_run else ["", f"{newest.statement} ([source]({newest.url}))"]),
    ]


def _name(group: Sequence[Result]) -> str:
    newest = group[-1]
    if newest.about_run:
        return f"**{newest.rule}**"
    return f"**{newest.rule}** ({newest.level}) in {', '.join(result.revision for result in group)}"


def _name_alone(group: Sequence[Result]) -> list[str]:
    return [_name(group)]


def _text(text: str) -> str:
    """Text of ours that may hold some from outside, so that it stays text, and no link."""
    return _MARKS.sub(r"\\\1", printable(text)).replace("://", "&#58;//")


def code(text: str) -> str:
    """Text from outside on one line."""
    shown = printable(text).replace("|", "\\|")
    ticks = _ticks(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _block(lines: Sequence[str]) -> Iterator[str]:
    """Text from outside on several lines."""
    fence = _ticks("\n".join(lines), 3)
    yield f"{fence}text"
    yield from lines
    yield fence


def _ticks(text: str, least: int) -> str:
    """More backticks than the text has in a row."""
    return "`" * max(least, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))
