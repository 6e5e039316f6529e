"""What the README shows is true: its examples run, its options are those that exist, its commands are those of CI."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from mcp_sampling_conformance.plugin import LIST_RULES, OPTIONS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def here(text: str) -> str:
    """An example as it runs in the repository, whatever the current directory is."""
    return text.replace('"python fixtures/', f'"{sys.executable} {ROOT}/fixtures/')


def test_the_examples_of_tests_pass(pytester: pytest.Pytester) -> None:
    examples = [block for block in blocks("python") if "def test_" in block]
    pytester.makepyfile(here("\n".join(examples)))
    pytester.runpytest_subprocess(timeout=60).assert_outcomes(passed=len(examples))


def test_the_example_of_a_client_is_one(pytester: pytest.Pytester) -> None:
    (example,) = [block for block in blocks("python") if "anyio.run(main)" in block]
    client = pytester.makepyfile(client=example)
    options = ("--mcp-client", f"{sys.executable} {client} {{server}}", "--mcp-spec-version", "2025-11-25")
    result = pytester.runpytest_inprocess("-p", "no:asyncio", *options, "-k", "sampling-reached or max-tokens")
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] > 1


def test_every_option_is_in_the_table() -> None:
    options = {option for option, *_ in OPTIONS} | {LIST_RULES}
    table = README.split("## Options")[1].split("##")[0]
    assert options == set(re.findall(r"(?<=[`\s])--mcp-[a-z-]+", table.split("Without `")[0]))


def test_ci_runs_the_command_for_tests() -> None:
    command = blocks("sh")[1].strip()
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
