"""What the README and the pages show is true: their examples run, their options are those that exist."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_sampling_conformance.plugin import LIST_RULES, OPTIONS

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
README = PAGES["README"]
#: of the examples themselves, none is about how fast content is made
SLOW_MACHINE = """
from hypothesis import HealthCheck, settings

settings.register_profile("slow", suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True)
settings.load_profile("slow")
"""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


def examples_in(page: str) -> list[str]:
    """The examples that are tests, of which a later one may need what an earlier one has defined."""
    return [block for block in blocks(page, "python") if "def test_" in block]


def here(text: str) -> str:
    """An example as it runs in the repository, whatever the current directory is."""
    return text.replace('"python fixtures/', f'"{sys.executable} {ROOT}/fixtures/')


def test_the_examples_of_tests_pass(pytester: pytest.Pytester) -> None:
    examples = {f"test_{page.replace('-', '_')}": examples_in(page) for page in PAGES if examples_in(page)}
    pytester.makepyfile(**{name: here("\n".join(found)) for name, found in examples.items()})
    pytester.makeconftest(SLOW_MACHINE)
    total = sum(map(len, examples.values()))
    pytester.runpytest_subprocess(timeout=60).assert_outcomes(passed=total)
    assert {"test_README", "test_own_tests", "test_mapper", "test_generated_content"} <= examples.keys()


def test_the_example_of_a_client_is_one(pytester: pytest.Pytester) -> None:
    (example,) = [block for block in blocks("languages", "python") if "anyio.run(main)" in block]
    client = pytester.makepyfile(client=example)
    options = ("--mcp-client", f"{sys.executable} {client} {{server}}", "--mcp-spec-version", "2025-11-25")
    result = pytester.runpytest_inprocess("-p", "no:asyncio", *options, "-k", "sampling-reached or max-tokens")
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] > 1


def options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--mcp-[a-z-]+", text))


def test_every_option_is_in_the_table() -> None:
    table = "\n".join(line for line in README.split("## Options")[1].splitlines() if line.startswith("| `"))
    assert options_in(table) == {option for option, *_ in OPTIONS} | {LIST_RULES}


def test_every_option_that_is_named_exists() -> None:
    known = {option for option, *_ in OPTIONS} | {LIST_RULES}
    assert {page: options_in(text) - known for page, text in PAGES.items() if options_in(text) - known} == {}


def test_every_link_to_a_file_leads_somewhere() -> None:
    assert [*broken_links()] == []


def broken_links() -> Iterator[str]:
    generated = ROOT / "docs" / "rules"
    for page, text in PAGES.items():
        folder = ROOT if page == "README" else ROOT / "docs"
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            if not (folder / target).exists() and generated not in (folder / target).parents:
                yield f"{page}: {target}"


def test_ci_runs_the_command_for_tests() -> None:
    command = blocks("README", "sh")[1].strip()
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
