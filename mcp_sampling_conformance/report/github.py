"""What GitHub Actions shows of a run: its summary page, and annotations made of lines in the log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..judging.results import Result, Verdict
from .printable import printable

#: GitHub shows so many of a step
_MOST = 10
#: the bytes of the summaries of a step, of which GitHub shows none if it is one more
_MOST_BYTES = 1024 * 1024


def summary_file() -> Path | None:
    """Where the summary of the running step goes; ``None`` outside of GitHub Actions."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def append(path: Path, text: str) -> None:
    """Append a report to the summary, as long as all of it is shown. Raises ``OSError``."""
    raw = ("\n" + text).encode("utf-8", "backslashreplace")
    with path.open("ab") as file:
        if file.tell() + len(raw) <= _MOST_BYTES:
            file.write(raw)


def annotated(results: Sequence[Result]) -> Iterator[str]:
    """The first failures as commands that annotate a run, a line each."""
    failed = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.ERROR)]
    for result in failed[:_MOST]:
        where = f" ({result.level} in {result.revision})" if result.revision else ""
        yield f"::error title={_property(result.rule + where)}::{_data(printable(result.message))}"


def _data(text: str) -> str:
    """One line of text as a command has it; ``printable`` leaves no line break."""
    return text.replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
