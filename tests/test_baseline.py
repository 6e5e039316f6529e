"""Known failures: a new one fails the run, one that is known no more too, and the file is kept by the harness."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from mcp_sampling_conformance.judging.baseline import Baseline, KnownFailure, Standing, fails_everywhere
from mcp_sampling_conformance.judging.baseline_file import BaselineError, read_baseline, updated
from mcp_sampling_conformance.judging.results import Result, Verdict

FIXTURES = Path(__file__).parent.parent / "fixtures"
OLD, NEW = "2025-06-18", "2025-11-25"
RULES = {
    "sampling-reached": [],
    "max-tokens/integer": [OLD, NEW],
    "max-tokens/present": [OLD, NEW],
    "tool-loop/balanced": [NEW],
}


def result(rule: str, revision: str, verdict: Verdict) -> Result:
    return Result(rule, "server", "MUST", revision, "stdio", verdict, "why", "https://example.com", "It holds.")


def failing(rule: str, revision: str = NEW) -> Result:
    return result(rule, revision, Verdict.FAIL)


def holding(rule: str, revision: str = NEW) -> Result:
    return result(rule, revision, Verdict.PASS)


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        ("max-tokens/integer", [OLD, NEW]),
        (f"max-tokens/integer@{OLD}", [OLD]),
        ("max-tokens/*", [OLD, NEW]),
        (f"max-tokens/*@{NEW}", [NEW]),
        ("max-tokens/present", []),
        ("max/*", []),
    ],
)
def test_what_an_entry_covers(entry: str, covered: list[str]) -> None:
    assert [
        revision for revision in (OLD, NEW) if KnownFailure(entry, 1).covers("max-tokens/integer", revision)
    ] == covered


def test_a_run_against_what_is_known() -> None:
    baseline = Baseline(
        [
            KnownFailure(f"max-tokens/integer@{NEW}", 4),
            KnownFailure("max-tokens/present", 5),
            KnownFailure("tool-loop/*", 6),
        ]
    )
    known, new, fixed = failing("tool-loop/balanced"), failing("max-tokens/integer", OLD), holding("max-tokens/integer")
    comparison = baseline.compare([known, new, fixed, result("max-tokens/present", NEW, Verdict.NOT_OBSERVED)])
    assert (comparison.known, comparison.new) == ([known], [new])
    assert comparison.closing_line == f"1 known, 1 new, 1 fixed: remove max-tokens/integer@{NEW} (line 4)"
    assert baseline.standing(known) is Standing.KNOWN
    assert baseline.standing(new) is Standing.NEW
    assert baseline.standing(fixed) is Standing.FIXED


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.WARN, Verdict.ERROR])
def test_what_still_breaks_somewhere_stays_known(verdict: Verdict) -> None:
    baseline = Baseline([KnownFailure("max-tokens/integer", 1)])
    results = [holding("max-tokens/integer", OLD), result("max-tokens/integer", NEW, verdict)]
    assert not baseline.compare(results).stale


def test_what_is_flaky_is_never_stale() -> None:
    baseline = Baseline([KnownFailure("max-tokens/integer", 1, flaky=True)])
    assert not baseline.compare([holding("max-tokens/integer")]).stale
    assert baseline.standing(failing("max-tokens/integer")) is Standing.KNOWN


def test_a_file_and_its_update(tmp_path: Path) -> None:
    path = tmp_path / "known.yml"
    path.write_text(
        "# ours\nclient:\n  - role/result-role\nserver:\n  - max-tokens/present  # soon\n"
        "  - rule: tool-loop/*\n    reason: no tools yet\n    link: https://example.com/7\n    flaky: true\n"
    )
    baseline = read_baseline(path, "server", RULES)
    first, second = baseline.entries
    assert (first.text, first.line, second.line, second.flaky) == ("max-tokens/present", 5, 6, True)
    assert second.because == "no tools yet https://example.com/7"
    results = [holding("max-tokens/present"), failing("max-tokens/integer", OLD), failing("max-tokens/integer", NEW)]
    path.write_text(updated(path, "server", baseline.compare(results), fails_everywhere(results)))
    assert [entry.text for entry in read_baseline(path, "server", RULES).entries] == [
        "tool-loop/*",
        "max-tokens/integer",
    ]
    assert path.read_text().startswith("# ours\nclient:\n  - role/result-role\n")
    assert "no tools yet" in path.read_text()


def test_an_entry_for_the_revisions_in_which_it_fails(tmp_path: Path) -> None:
    results = [holding("max-tokens/integer", OLD), failing("max-tokens/integer", NEW), failing("tool-loop/balanced")]
    text = updated(tmp_path / "new.yml", "server", Baseline().compare(results), fails_everywhere(results))
    assert text == f"server:\n  - max-tokens/integer@{NEW}\n  - tool-loop/balanced@{NEW}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("client:\n- role/result-role\n", "of another role (client)"),
        (
            "server:\n- max-tokens/integr\n",
            "line 2: there is no rule 'max-tokens/integr' here; the nearest is max-tokens/",
        ),
        (f"server:\n- tool-loop/balanced@{OLD}\n", f"tool-loop/balanced is no rule of '{OLD}'; it is one of {NEW}"),
        ("server:\n- rule: max-tokens/integer\n  flaky: often\n", "line 2: flaky is 'often'; write true or false"),
        ("server:\n- rule: max-tokens/integer\n  because: no\n", "an entry has no member 'because'"),
        ("server:\n- [1]\n", "line 2: this is neither a rule nor a mapping"),
        ("server: max-tokens/integer\n", "has no list for 'server'"),
        ("servers: []\n", "has a list 'servers'; known are server, client, mapper"),
        ("- max-tokens/integer\n", "holds no lists by role"),
        ("server: [\n", "is no YAML"),
        ("server:\n- a\nserver:\n- b\n", "is no YAML"),
        ("server: \x07\n", "is no YAML"),
        ("server: \udcff\n", "is no text in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "known.yml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BaselineError) as raised:
        read_baseline(path, "server", RULES)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_file_knows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "known.yml"
    for text in ("", "server:\n", "server: []\n", "# nothing\n"):
        path.write_text(text)
        assert read_baseline(path, "server", RULES).entries == []


# --- in pytest


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server sends that breaks max-tokens/integer."""
    folder = tmp_path_factory.mktemp("run") / "record"
    pytester_free = [f"{sys.executable} -S {FIXTURES / 'server_mutants.py'} max-tokens-string"]
    options = ["--mcp-record", str(folder), "--mcp-examples", "0", "--mcp-spec-version", OLD, "-p", "no:cacheprovider"]
    assert pytest.main(["mcp-sampling", "-q", "--mcp-server", *pytester_free, *options]) == 1
    return folder


def judged(pytester: pytest.Pytester, recorded: Path, *options: str) -> pytest.RunResult:
    plain = ("mcp-sampling", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--mcp-transcript", str(recorded))
    return pytester.runpytest_inprocess(*plain, "--mcp-report", "r.json", "--junitxml", "r.xml", *options)


def test_runs_with_known_failures(pytester: pytest.Pytester, recorded: Path) -> None:
    known = pytester.path / "known.yml"
    made = judged(pytester, recorded, "--mcp-baseline", "known.yml", "--mcp-baseline-update")
    assert made.ret == 0
    assert known.read_text() == f"server:\n  - max-tokens/integer@{OLD}\n"
    again = judged(pytester, recorded, "--mcp-baseline", "known.yml")
    assert again.ret == 0
    again.assert_outcomes(xfailed=1, passed=again.parseoutcomes()["passed"], skipped=again.parseoutcomes()["skipped"])
    again.stdout.fnmatch_lines(["known.yml: 1 known, 0 new, 0 fixed"])
    report = json.loads((pytester.path / "r.json").read_text())
    assert report["system"]["name"] == "reference-server"
    assert report["run"]["options"]["--mcp-baseline"] == "known.yml"
    assert report["baseline"] == {"known": [{"rule": "max-tokens/integer", "revision": OLD}], "new": [], "fixed": []}
    schema = json.loads((FIXTURES.parent / "docs" / "report.schema.json").read_text())
    jsonschema.validate(report, schema)
    assert 'name="baseline" value="known"' in (pytester.path / "r.xml").read_text()


def test_a_failure_that_is_new_and_one_that_is_known_no_more(pytester: pytest.Pytester, recorded: Path) -> None:
    known = pytester.path / "known.yml"
    known.write_text(f"server:\n  - max-tokens/present@{OLD}\n")
    run = judged(pytester, recorded, "--mcp-baseline", "known.yml")
    assert run.ret == 1
    run.stdout.fnmatch_lines([f"known.yml: 0 known, 1 new, 1 fixed: remove max-tokens/present@{OLD} (line 2)"])
    stale = judged(pytester, recorded, "--mcp-baseline", "known.yml", "-k", "present")
    assert (stale.ret, stale.parseoutcomes().get("failed")) == (1, None)
    assert known.read_text() == f"server:\n  - max-tokens/present@{OLD}\n"
    assert judged(pytester, recorded, "--mcp-baseline", "known.yml", "--mcp-baseline-update").ret == 0
    assert known.read_text() == f"server:\n  - max-tokens/integer@{OLD}\n"


def test_what_is_wrong_with_the_options(pytester: pytest.Pytester, recorded: Path) -> None:
    for options, said in (
        (["--mcp-baseline-update"], "*--mcp-baseline-update: no file is named*"),
        (["--mcp-baseline", "none.yml"], "*'none.yml' cannot be read*--mcp-baseline-update makes a new one*"),
        (["--mcp-baseline", "no/where.yml", "--mcp-baseline-update"], "*'no/where.yml' cannot be written*"),
    ):
        run = judged(pytester, recorded, *options)
        assert run.ret == pytest.ExitCode.USAGE_ERROR
        run.stderr.fnmatch_lines([said])


def test_in_github_actions(pytester: pytest.Pytester, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    run = judged(pytester, recorded, "--mcp-summary", "--mcp-report", "r.md")
    run.stdout.fnmatch_lines(
        [f"::error title=max-tokens/integer (MUST in {OLD})::params.maxTokens must be an integer*"]
    )
    text = (pytester.path / "r.md").read_text()
    assert f"**max-tokens/integer** (MUST) in {OLD}" in text
    assert (pytester.path / "summary.md").read_text() == f"\n{text}"
    known = judged(pytester, recorded, "--mcp-summary", "--mcp-baseline", "known.yml", "--mcp-baseline-update")
    known.stdout.no_fnmatch_line("::error*")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    judged(pytester, recorded, "--mcp-summary").stdout.no_fnmatch_line("::error*")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    run = judged(pytester, recorded, "--mcp-summary")
    run.stdout.fnmatch_lines(["The summary could not be added to *: Is a directory."])
