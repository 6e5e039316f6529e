"""A report format is a function from a ``RunReport`` to text, and a line in ``report/formats.py``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mcp_sampling_conformance.report.formats import FORMATS
from mcp_sampling_conformance.report.run_report import RunReport

ROOT = Path(__file__).parent.parent
SERVER = f"{sys.executable} -S {ROOT}/fixtures/server_mutants.py max-tokens-string"
OPTIONS = ("mcp-sampling", "--mcp-server", SERVER, "--mcp-spec-version", "2025-11-25", "--mcp-examples", "0")
OPTIONS += ("-p", "no:asyncio", "-W", "ignore::pytest.PytestAssertRewriteWarning")


def test_a_format_is_a_function_and_the_json_report_refers_to_the_record(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def text_report(report: RunReport) -> str:
        broken = [result.rule for result in report.results if result.verdict == "fail"]
        return f"{report.target.kind}: {', '.join(broken)}"

    monkeypatch.setitem(FORMATS, ".txt", text_report)
    reports = ("--mcp-report", "report.txt", "--mcp-report", "r.json")
    result = pytester.runpytest_inprocess(*OPTIONS, *reports, "--mcp-record", "saved")
    assert result.ret == 1
    assert (pytester.path / "report.txt").read_text(encoding="utf-8") == "server: max-tokens/integer"

    results = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))["results"]
    (failed,) = [result for result in results if result["verdict"] == "fail"]
    reference = failed["references"][0]
    lines = (pytester.path / "saved" / f"{reference['transcript']}.jsonl").read_text(encoding="utf-8").splitlines()
    items = {item["index"]: item for item in map(json.loads, lines[1:])}
    value = json.loads(items[reference["index"]]["raw"])
    for step in reference["path"]:
        value = value[step]
    assert value == "100"
