"""A report format is a function from a ``RunReport`` to text, and a line in ``report/formats.py``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVER = f"{sys.executable} -S {ROOT}/fixtures/server_mutants.py max-tokens-string"
OPTIONS = ("mcp-sampling", "--mcp-server", SERVER, "--mcp-spec-version", "2025-11-25", "--mcp-examples", "0")


def test_a_new_format_is_a_function_and_a_line(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from mcp_sampling_conformance.report.formats import FORMATS

        def text_report(report):
            broken = [result.rule for result in report.results if result.verdict == "fail"]
            return f"{report.target.kind}: {', '.join(broken)}"

        FORMATS[".txt"] = text_report
        """
    )
    result = pytester.runpytest_subprocess(*OPTIONS, "--mcp-report", "report.txt", timeout=60)
    assert result.ret == 1
    assert (pytester.path / "report.txt").read_text(encoding="utf-8") == "server: max-tokens/integer"


def test_the_json_report_refers_to_the_record(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess(*OPTIONS, "--mcp-report", "r.json", "--mcp-record", "saved", timeout=60)
    results = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))["results"]
    (failed,) = [result for result in results if result["verdict"] == "fail"]
    reference = failed["references"][0]
    lines = (pytester.path / "saved" / f"{reference['transcript']}.jsonl").read_text(encoding="utf-8").splitlines()
    items = {item["index"]: item for item in map(json.loads, lines[1:])}
    value = json.loads(items[reference["index"]]["raw"])
    for step in reference["path"]:
        value = value[step]
    assert value == "100"
