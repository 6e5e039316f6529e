"""The Markdown report, and what GitHub Actions shows of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from mcp_sampling_conformance.judging.baseline import Comparison, KnownFailure
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.judging.status import SamplingStatus
from mcp_sampling_conformance.report.github import annotated, append
from mcp_sampling_conformance.report.markdown import code, markdown
from mcp_sampling_conformance.report.printable import printable_lines
from mcp_sampling_conformance.report.run_report import RunReport, Target

URL = "https://modelcontextprotocol.io/specification/2025-11-25/schema#x"
NASTY = "```\n<script>alert(1)</script> | @somebody [x](javascript:alert(1)) `a` ``b`` \x1b[31m # h"


def result(rule: str, revision: str, verdict: Verdict, message: str = "why", details: Sequence[str] = ()) -> Result:
    return Result(rule, "server", "MUST", revision, "stdio", verdict, message, URL, "It holds.", details=tuple(details))


def report(results: Sequence[Result], **further: object) -> RunReport:
    statuses = [SamplingStatus("2025-11-25", "legacy", True, ""), SamplingStatus("2026-07-28", "modern", False, "no |")]
    target = Target("server", "python server.py", "stdio")
    return RunReport(target, statuses, results, [], **further)  # type: ignore[arg-type]


def outside_of_code(text: str) -> str:
    """What Markdown is left when all code is taken away."""
    text = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_the_whole_of_a_small_run() -> None:
    failed = [
        result("id/id-valid", revision, Verdict.FAIL, details=["a", "b"]) for revision in ("2025-06-18", "2025-11-25")
    ]
    warned = result("max-tokens/positive", "2025-11-25", Verdict.WARN, "it is 0")
    held = result("role/request-roles", "2025-11-25", Verdict.PASS)
    unseen = result("role/request-roles", "2025-06-18", Verdict.NOT_OBSERVED)
    baseline = Comparison([failed[0]], [failed[1]], [KnownFailure("role/request-roles", 2)])
    text = markdown(report([*failed, warned, held, unseen], baseline=baseline, partial="it was interrupted"))
    lines = text.splitlines()
    assert lines[:5] == [
        "## MCP sampling: server `python server.py` over stdio",
        "",
        "**Partial: it was interrupted**; what it did not come to is not observed.",
        "",
        "- **✅ 2025-11-25: works**",
    ]
    assert "- **❌ 2026-07-28: does not work: no \\|**" in lines
    assert "- Known failures: 1 known, 1 new, 1 fixed: remove role/request-roles (line 2)" in lines
    assert "| topic | 2025-06-18 | 2025-11-25 |" in lines
    assert "| id | **1 FAIL** | **1 FAIL** |" in lines
    broken, warnings, known = (lines.index(f"### {name}") for name in ("Broken", "Warnings", "Known failures"))
    assert lines[broken + 2 : broken + 9] == [
        "**id/id-valid** (MUST) in 2025-11-25",
        "",
        "```text",
        "why",
        "```",
        "",
        f"It holds. ([source]({URL}))",
    ]
    assert lines[broken + 10 : warnings - 1] == [
        *("<details><summary>The exchange</summary>", "", "```text", "a", "b", "```", "", "</details>"),
    ]
    assert "it is 0" in lines[warnings:known]
    assert lines[known + 2 :] == [
        "- **id/id-valid** (MUST) in 2025-06-18",
        "",
        "Not observed: 1 (nothing came up to judge; never a pass).",
    ]


def test_what_came_from_outside_stands_in_code_only() -> None:
    failed = result("id/id-valid", "2025-11-25", Verdict.FAIL, NASTY, details=[NASTY])
    whole = report([failed], partial="died of <b>pain</b> @you https://example.com")
    text = markdown(whole)
    plain = outside_of_code(text)
    for word in ("script", "somebody", "javascript", "\x1b"):
        assert word in text or word == "\x1b"
        assert word not in plain
    assert "\\<b\\>pain" in plain
    assert "\\@you https&#58;//example.com" in plain


@pytest.mark.parametrize("text", ["", " ", "`", "``a`", "a|b", "\n"])
def test_code_of_whatever_text(text: str) -> None:
    shown = code(text)
    assert outside_of_code(shown) == ""
    assert "\n" not in shown


def test_a_report_fits_into_a_comment_however_much_breaks() -> None:
    long = [f"{number} " + "x" * 500 for number in range(40)]
    results = [
        result(f"id/rule-{number}", "2025-11-25", Verdict.FAIL, "y" * 3000, details=long) for number in range(150)
    ]
    text = markdown(report(results))
    assert len(text) < 65_536
    assert all(f"id/rule-{number}" in text for number in range(150))
    assert "of which" not in text
    assert re.search(r"Of \d+ rules not all is shown here", text)
    assert outside_of_code(text).count("`") == 0


def test_the_summary_of_a_step_is_never_too_large(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before")
    append(path, "one")
    assert path.read_text() == "before\none"
    path.write_bytes(b"x" * (1024 * 1024 - 3))
    append(path, "one")
    assert path.stat().st_size == 1024 * 1024 - 3


def test_annotations_are_of_what_failed_and_of_one_line_each() -> None:
    failed = [result("id/id-valid", "2025-11-25", Verdict.FAIL, "50%, a: b\nc")] * 12
    lines = list(annotated([result("id/id-valid", "2025-06-18", Verdict.PASS), *failed]))
    assert len(lines) == 10
    assert lines[0] == "::error title=id/id-valid (MUST in 2025-11-25)::50%25, a: b\\nc"


def test_no_line_from_outside_is_a_command_of_a_ci_service() -> None:
    text = printable_lines("why:\n::stop-commands::x\n  ##vso[task.complete]\na::b ##[c]")
    assert text == "why:\n\\x3a:stop-commands::x\n  \\x23#vso[task.complete]\na::b ##[c]"
