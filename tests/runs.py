"""Runs of pytest in this process, on a system under test that is a process of its own."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

#: processes of a system under test carry it, those that it starts too
MARK = "RUN_OF_A_TEST"
#: what no run prints, whatever the system under test does
_NEVER = ("INTERNALERROR", "Traceback", "mcp_sampling_conformance/", "bug in the harness", "\x1b", "\0")
#: seconds that a process may take to go once it was killed
_GOING = 10


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    code: int
    output: str  #: stdout and stderr
    report: Any  #: the JSON report
    mark: str

    def verdicts(self, *revisions: str | None) -> dict[str, str]:
        """The verdict on each rule, in these revisions (``None`` for what is about the run)."""
        return {r["rule"]: r["verdict"] for r in self.report["results"] if r["revision"] in revisions}

    def rules(self, verdict: str) -> set[str]:
        """The rules with a verdict, in whatever revision."""
        return {result["rule"] for result in self.report["results"] if result["verdict"] == verdict}

    def left(self) -> list[psutil.Process]:
        """The processes that are still there."""
        marked = [process for process in psutil.process_iter() if _mark(process) == self.mark]
        return psutil.wait_procs(marked, timeout=_GOING)[1]


def judge(pytester: pytest.Pytester, *options: str) -> Outcome:
    """Run pytest with these options beside nothing else."""
    mark = uuid.uuid4().hex
    # Modules are imported already, here and in other tests.
    plain = (
        "mcp-sampling",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    )
    result = pytester.runpytest_inprocess(
        *plain, "-v", "-rs", "--mcp-env", f"{MARK}={mark}", "--mcp-report", "r.json", *options
    )
    report = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))
    return Outcome(int(result.ret), result.stdout.str() + result.stderr.str(), report, mark)


def sound(outcome: Outcome) -> None:
    """Assert what holds of each run, however bad the system under test."""
    assert outcome.report["results"]
    for text in _NEVER:
        assert text not in outcome.output
    assert outcome.left() == []


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None
