"""The plugin as a user sees it who judges a message mapper."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_sampling_conformance.mappers import PROPERTIES
from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEWEST = "2025-11-25"
ONE = ("--mcp-spec-version", NEWEST)
REPORT = ("--mcp-report", "report.json")
#: what is fast and sees the mapper called
QUICK = (*ONE, "-k", "sampling-reached or conservation-of-text")
SECONDS = 60  #: bounds a run in a subprocess; it takes a few

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a mapper of the fixtures."""
    monkeypatch.setenv("COLUMNS", "250")  # pytest cuts the lines of its short summary to fit
    monkeypatch.setenv("PYTHONPATH", str(FIXTURES))
    pytester.makepyfile(exits_on_import="import sys\nsys.exit('not for import')")

    def run(name: str, *args: str, apart: bool = False) -> pytest.RunResult:
        options = ("--mcp-mapper", name if ":" in name else f"mappers:{name}", *args)
        if apart:
            return pytester.runpytest_subprocess("-ra", *options, timeout=SECONDS)
        return pytester.runpytest_inprocess("-p", "no:asyncio", "-ra", *options)

    return run


def verdicts(pytester: pytest.Pytester) -> dict[str, str]:
    found = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    return {result["rule"].removeprefix("mapper/"): result["verdict"] for result in found["results"]}


def with_verdict(pytester: pytest.Pytester, *wanted: str) -> set[str]:
    return {rule for rule, verdict in verdicts(pytester).items() if verdict in wanted}


def no_traceback(result: pytest.RunResult) -> None:
    text = result.stdout.str() + result.stderr.str()
    for word in ("Traceback", "INTERNALERROR", "session.py", "bug in the harness"):
        assert word not in text


@pytest.mark.usefixtures("few_plugins")
def test_a_correct_mapper_passes_in_every_revision(run: Run, pytester: pytest.Pytester) -> None:
    result = run("to_provider", *REPORT, "--mcp-examples", "10", apart=True)
    assert result.ret == 0
    assert result.parseoutcomes().keys() == {"passed", "skipped"}
    result.stdout.fnmatch_lines(
        [
            f"mcp sampling: judging the mapper mappers:to_provider over memory, {', '.join(NAMES)}",
            "=* mcp sampling: mapper over memory =*",
            f" *{NEWEST}*",
            "mapper * 9 ok * 15 ok",
            "the mapper is called with the messages, as plain JSON: found out by trying; *",
            "SKIPPED * not-applicable: the mapper has no inverse",
        ]
    )
    assert "Sampling with" not in result.stdout.str()  # a mapper has no peer
    found = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert found["target"] == {"kind": "mapper", "value": "mappers:to_provider", "transport": "memory"}
    assert {(r["role"], r["transport"]) for r in found["results"]} == {("mapper", "memory")}
    assert {r["revision"] for r in found["results"] if r["rule"] == "mapper/tells-errors-apart"} == set(NAMES[-2:])


ITEM = f"mcp-sampling::mapper::{NEWEST}::mapper/conservation-of-text"


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_failure_says_all_that_a_bug_report_needs(
    run: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run("first_block_only", *QUICK, *REPORT, *workers, apart=bool(workers))
    assert result.ret == 1
    assert with_verdict(pytester, "fail") == {"conservation-of-text"}
    result.stdout.fnmatch_lines(
        [
            f"*{ITEM}*",
            "lost: the text 'text-0?'",
            f"  rule      mapper/conservation-of-text, MUST in {NEWEST} (a mapper over memory)",
            "  requires  Every text turns up in the output, *",
            f"  source    https://modelcontextprotocol.io/specification/{NEWEST}/client/sampling#text-content",
            "            (it defines the content; it binds no mapper: *)",
            '    input   [[]{"role": "user", "content": [[]{"type": "text", "text": "text-01"}, *',
            "    output  [[]{'role': 'user', 'parts': [[]{'text': 'text-01'}]}]",
            f"    found in {NEWEST} with seed 0, which finds it again",
            "mapper *1 FAIL",
            f"FAILED {ITEM} - *",
        ]
    )
    no_traceback(result)


def test_ids_and_selection(run: Run) -> None:
    result = run("to_provider", "--collect-only", "-q")
    for revision in REVISIONS.values():
        here = {prop.name for prop in PROPERTIES if prop.exists(revision)}
        ids = {line for line in result.outlines if line.startswith(f"mcp-sampling::mapper::{revision.name}::")}
        assert ids == {f"mcp-sampling::mapper::{revision.name}::{name}" for name in here}
    assert "mcp-sampling::mapper::sampling-reached" in result.outlines
    run("first_block_only", ITEM).assert_outcomes(failed=1)
    run("first_block_only", "--lf").assert_outcomes(failed=1)
    run("to_provider", "-m", "not mcp_conformance").assert_outcomes()


def test_should_warns_and_fails_when_strict(run: Run, pytester: pytest.Pytester) -> None:
    chosen = (*ONE, "-k", "sampling-reached or choices-apart", *REPORT)
    result = run("without_tool_choice", *chosen)
    assert result.ret == 0
    assert with_verdict(pytester, "warn") == {"tells-tool-choices-apart"}
    result.stdout.fnmatch_lines(["mapper/tells-tool-choices-apart (SHOULD): two inputs that differ in toolChoice *"])
    assert run("without_tool_choice", *chosen, "--mcp-strict").ret == 1
    assert with_verdict(pytester, "fail") == {"tells-tool-choices-apart"}


def test_what_is_lost_inside_the_results_of_tools(run: Run, pytester: pytest.Pytester) -> None:
    run("texts_of_results", *ONE, *REPORT, "--mcp-examples", "20")
    lost = {"conservation-of-text", "conservation-of-binary", "conservation-of-links"}
    assert with_verdict(pytester, "fail", "warn", "error") == lost


# --- how it is called

WAYS = {
    "to_provider": "called with the messages, as plain JSON, found out by trying",
    "later": "called with the messages, as plain JSON, found out by trying",
    "request": "called with the params of a request, as plain JSON, found out by trying",
    "one": "called with one block, as plain JSON, found out by trying",
    "from_models": "called with the params of a request, as models of the SDK, found out by trying",
    "part_of_model": "called with one block, as models of the SDK, found out by trying",
    "lenient": "called with the messages, as models of the SDK, found out by trying",
    "refusing": "called with the messages, as plain JSON, as its Mapper says",
    "images": "called with one block, as plain JSON, as its Mapper says",
}


@pytest.mark.parametrize("name", WAYS)
def test_what_a_function_takes_is_found_out(run: Run, pytester: pytest.Pytester, name: str) -> None:
    result = run(name, *ONE, "-k", "sampling-reached or maps-or-refuses", *REPORT)
    result.assert_outcomes(passed=2)
    found = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    (reached,) = [result for result in found["results"] if result["rule"] == "sampling-reached"]
    assert reached["message"] == WAYS[name]
    assert ("found out by trying;" in result.stdout.str()) == ("found out" in WAYS[name])


UNREACHED = {
    "wants_a_model": [
        "the mapper took a message of plain text in none of these ways:",
        "    the messages, as plain JSON: raised TypeError: wants_a_model() missing 1 required *'model'",
        "    one block, as models of the SDK: raised TypeError: *",
        "Say how it is called, *",
        "    mapper = Mapper(lambda messages: convert(messages, *), takes=*",
    ],
    "loses_all_text": ["    one block, as plain JSON: returned [[]], without the text"],
    "reads_nothing": ["    the messages, as plain JSON: raised KeyError: 'text' (*mappers.py, line *)"],
    "hangs": ["    the messages, as plain JSON: did not return within 0.5 s"],
    "refuses_all": [
        "the mapper, called with one block, as plain JSON, took nothing:",
        "    text: raised Unsupported: text (*mappers.py, line *)",
        "    tool_result: raised Unsupported: tool_result (*mappers.py, line *)",
    ],
}


@pytest.mark.parametrize("name", UNREACHED)
def test_a_mapper_that_cannot_be_called(run: Run, pytester: pytest.Pytester, name: str) -> None:
    result = run(name, *ONE, *REPORT, "--mcp-timeout", "0.5")
    assert result.ret == 1
    result.stdout.fnmatch_lines([*UNREACHED[name], "The mapper could not be called: nothing here is a pass. *"])
    assert with_verdict(pytester, "fail") == {"sampling-reached"}
    assert set(verdicts(pytester).values()) == {"fail", "not-observed"}
    no_traceback(result)


def test_an_unreached_mapper_fails_the_run_whatever_is_selected(run: Run) -> None:
    result = run("loses_all_text", *ONE, "-k", "conservation-of-text")
    result.assert_outcomes(skipped=1)
    assert result.ret == 1


# --- refusals, exceptions, hanging


def test_what_its_mapper_object_leaves_out_and_refuses(run: Run, pytester: pytest.Pytester) -> None:
    run("forgiven", *ONE, "-k", "errors-apart", *REPORT)
    assert verdicts(pytester) == {"tells-errors-apart": "not-applicable"}
    result = run("images", *ONE, *REPORT)
    assert with_verdict(pytester, "fail", "warn", "error") == set()
    assert {"maps-or-refuses", "conservation-of-binary", "tells-mime-types-apart"} <= with_verdict(pytester, "pass")
    assert "conservation-of-text" in with_verdict(pytester, "not-observed")
    result.stdout.fnmatch_lines(["SKIPPED * not-observed: the mapper took no input with which to judge it (Unsupp*"])


def test_an_exception_that_is_no_refusal(run: Run) -> None:
    result = run("crashes_on_audio", *ONE, "-k", "maps-or-refuses")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "the mapper raised Unsupported('audio'); if that is a refusal, say so with rejects=Unsupported",
            '    input   [[]{"role": *, "content": {"type": "audio",*',
        ]
    )
    no_traceback(result)


def test_a_mapper_that_hangs_now_and_then(run: Run, pytester: pytest.Pytester) -> None:
    result = run("hangs_on_audio", *ONE, *REPORT, "--mcp-timeout", "0.5")
    assert len(with_verdict(pytester, "fail")) in (2, 3)  # then nothing is called any more
    assert with_verdict(pytester, "pass") == {"sampling-reached"}
    result.stdout.fnmatch_lines(
        [
            f"*::{NEWEST}::mapper/maps-or-refuses *",
            "the mapper did not return within 0.5 s",
            "  rule      mapper/maps-or-refuses, MUST *",
            '    input   *"type": "audio"*',
            "SKIPPED * not-observed: *not called any more: 3 of its calls did not return within 0.5 s*",
        ]
    )
    no_traceback(result)


# --- options


def test_list_rules_has_the_properties(run: Run) -> None:
    result = run("to_provider", "--mcp-list-rules")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["mapper/tells-errors-apart  (mapper; SHOULD from 2025-11-25, a level of ours)"])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    {
        "two": (
            "to_provider",
            ("--mcp-server", sys.executable),
            "--mcp-server and --mcp-mapper cannot be judged in one",
        ),
        "no-colon": ("mappers.py:", (), "names nothing to import; write package.module:attribute"),
        "no-module": ("no_such_module:x", (), "cannot be imported (ModuleNotFoundError: *)"),
        "no-attribute": ("no_such_mapper", (), "cannot be imported (AttributeError: *)"),
        "exits": ("exits_on_import:x", (), "cannot be imported (SystemExit: not for import)"),
        "not-callable": ("not_callable", (), "'mappers:not_callable' is not callable; name a function that maps *"),
        "without": ("misspelt", (), "'mappers:misspelt' leaves out mapper/tells-errors, which is no property"),
        "examples": ("to_provider", ("--mcp-examples", "0"), "a mapper is judged by generated inputs alone; give 1 *"),
        "timeout": ("to_provider", ("--mcp-timeout", "-1"), "--mcp-timeout: '-1' is not a positive number of seconds"),
    }.values(),
)
def test_usage_errors(run: Run, name: str, options: tuple[str, ...], words: str) -> None:
    result = run(name, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{words}*"])
    no_traceback(result)


def test_beside_the_users_own_tests(run: Run, pytester: pytest.Pytester) -> None:
    """Theirs use Hypothesis and an event loop too, with a profile of their own."""
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(
        """
        import asyncio
        from hypothesis import given, settings, strategies, Phase, Verbosity

        settings.register_profile("loud", verbosity=Verbosity.debug, phases=[Phase.generate], max_examples=1)
        settings.load_profile("loud")

        async def test_theirs():
            await asyncio.sleep(0)

        @given(strategies.integers())
        def test_with_hypothesis(number): ...
        """
    )
    result = run(
        "first_block_only",
        *ONE,
        "-k",
        "theirs or hypothesis or conservation-of-text",
        "--hypothesis-seed=7",
        apart=True,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*with seed 7, which finds it again"])
    no_traceback(result)
