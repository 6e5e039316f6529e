"""The table at the end of a run: topics by revisions, in each cell how many rules held of those judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from ..judging.results import Result, Verdict
from ..rules.registry import TOPICS

_WORDS = {Verdict.PASS: "ok", Verdict.FAIL: "FAIL", Verdict.WARN: "warn", Verdict.ERROR: "ERROR"}
_GAP = 3

#: the revisions that share a column, and its cells
Column = tuple[list[str], tuple[str, ...]]


def table(results: Sequence[Result], width: int) -> list[str]:
    """The table as lines of at most ``width`` characters: in several blocks where the columns do not fit side by side.
    Revisions whose columns are equal share one. Nothing where no rule could be judged."""
    topics, columns = cells_of(results)
    if not topics:
        return []
    first = max(map(len, topics))
    lines: list[str] = []
    for block in _blocks(columns, width - first):
        lines += ["", *_block(topics, block, first)] if lines else _block(topics, block, first)
    return lines


def cells_of(results: Sequence[Result]) -> tuple[list[str], list[Column]]:
    """The topics, and the columns with a cell for each of them. Nothing where no rule could be judged."""
    if not any(result.verdict in _WORDS for result in results):
        return [], []
    applicable = [result for result in results if result.verdict is not Verdict.NOT_APPLICABLE]
    present = {result.topic for result in applicable or results}
    topics = in_order(present)
    return topics, _columns(results, topics)


def in_order(topics: Collection[str]) -> list[str]:
    """Topics as the registry has them; what is none of the specification, such as properties of mappers, last."""
    return [*(topic for topic in TOPICS if topic in topics), *sorted({*topics}.difference(TOPICS))]


def _columns(results: Sequence[Result], topics: Sequence[str]) -> list[Column]:
    """The columns, oldest revision first."""
    shared: dict[tuple[str, ...], list[str]] = {}
    for revision in sorted({result.revision for result in results}):
        here = [result for result in results if result.revision == revision]
        cells = tuple(_cell(Counter(r.verdict for r in here if r.topic == topic)) for topic in topics)
        shared.setdefault(cells, []).append(revision)
    return [(revisions, cells) for cells, revisions in shared.items()]


def _cell(verdicts: Counter[Verdict]) -> str:
    judged = [f"{verdicts[verdict]} {word}" for verdict, word in _WORDS.items() if verdicts[verdict]]
    if judged:
        return ", ".join(judged)
    return "not applicable" if verdicts[Verdict.NOT_APPLICABLE] else "not observed" if verdicts else "-"


def _blocks(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """The columns that fit side by side, at least one."""
    block: list[Column] = []
    taken = 0
    for column in columns:
        taken += _width(column)
        if block and taken > width:
            yield block
            block, taken = [], _width(column)
        block.append(column)
    yield block


def _width(column: Column) -> int:
    revisions, cells = column
    return max(map(len, (*revisions, *cells))) + _GAP


def _block(topics: Sequence[str], columns: Sequence[Column], first: int) -> Iterator[str]:
    """Columns side by side, below the names of their revisions one upon another."""
    height = max(len(revisions) for revisions, _ in columns)
    heads = [[""] * (height - len(revisions)) + revisions for revisions, _ in columns]
    for row in range(height):
        yield _row("", [head[row] for head in heads], columns, first).rstrip()
    for row, topic in enumerate(topics):
        yield _row(topic, [cells[row] for _, cells in columns], columns, first)


def _row(start: str, cells: Sequence[str], columns: Sequence[Column], first: int) -> str:
    return f"{start:<{first}}" + "".join(
        f"{cell:>{_width(column)}}" for cell, column in zip(cells, columns, strict=True)
    )
