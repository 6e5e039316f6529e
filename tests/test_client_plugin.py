"""The plugin as a user sees it who judges a client or a sampling callback of the Python SDK."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mcp_sampling_conformance.scenarios.client.callback  # noqa: F401  (else each run in this process imports the SDK again)

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEWEST = "2025-11-25"
ONE = ("--mcp-spec-version", NEWEST)
NOTHING_GENERATED = "--mcp-examples=0"  #: test_generated.py is about that
SECONDS = 60  #: bounds a run in a subprocess; it takes one or two

Run = Callable[..., pytest.RunResult]


def client(script: str, *arguments: str) -> tuple[str, str]:
    return "--mcp-client", " ".join([sys.executable, "-S", str(FIXTURES / script), *arguments, "{server}"])


REFERENCE = client("reference_client.py")

#: callbacks as users write them
CALLBACKS = '''
import sys
import time

import anyio
from mcp.types import CreateMessageResult, ErrorData, TextContent, ToolUseContent

MODELS = ("acme-large", "acme-small")


def choose(hints):
    """The first model that any of the hints names a part of."""
    found = [model for hint in hints for model in MODELS if hint.name and hint.name in model]
    return (found or MODELS)[0]


async def good(context, params, order=1):
    if params.tools is not None or params.tool_choice is not None or "tool_use" in str(params.messages):
        return ErrorData(code=-32602, message="this client did not declare sampling.tools")
    content = params.messages[-1].content
    words = content.text.split() if isinstance(content, TextContent) else ["Interesting."]
    cut = len(words) > params.max_tokens
    hints = params.model_preferences.hints or [] if params.model_preferences else []
    return CreateMessageResult(
        role="assistant",
        content=TextContent(type="text", text=" ".join(words[: params.max_tokens])),
        model=choose(hints[::order]),
        stop_reason="maxTokens" if cut else "endTurn",
    )


async def last_hint(context, params):
    return await good(context, params, order=-1)


class Model:
    async def answer(self, context, params):
        return await good(context, params)


model = Model()


async def with_tools(context, params):
    """Uses no tool, not even when it must."""
    return await good(context, params.model_copy(update={"tools": None, "tool_choice": None}))


with_tools.sampling_capabilities = {"tools": {}}


async def takes_tools_undeclared(context, params):
    return await with_tools(context, params)


async def odd_capabilities(context, params):
    return await good(context, params)


odd_capabilities.sampling_capabilities = {"tools": True}


async def speaks_as_user(context, params):
    answer = await good(context, params)
    return answer if isinstance(answer, ErrorData) else answer.model_copy(update={"role": "user"})


async def refuses(context, params):
    return ErrorData(code=-1, message="User rejected sampling request")


async def raises(context, params):
    raise RuntimeError("no model today")


async def raises_sometimes(context, params):
    if not isinstance(params.messages[-1].content, TextContent):
        raise ValueError("I only read")
    return await good(context, params)


async def exits(context, params):
    sys.exit("that is enough")


async def returns_text(context, params):
    return "Paris"


def is_not_async(context, params):
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="m")


async def hangs(context, params):
    await anyio.sleep_forever()


async def blocks(context, params):
    """For most of the time that it has: longer than four revisions could wait for one another."""
    if params.system_prompt:
        time.sleep(0.6)
    return await good(context, params)


not_callable = 7
'''


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest beside a module of callbacks."""
    monkeypatch.setenv("COLUMNS", "250")  # pytest cuts the lines of its short summary to fit
    pytester.makepyfile(callbacks=CALLBACKS)
    pytester.makepyfile(exits_on_import="import sys\nsys.exit('not for import')")

    def run(*args: str, apart: bool = False) -> pytest.RunResult:
        if apart:
            return pytester.runpytest_subprocess(NOTHING_GENERATED, *args, timeout=SECONDS)
        return pytester.runpytest_inprocess(
            "-p", "no:asyncio", NOTHING_GENERATED, *args, "-W", "ignore::pytest.PytestAssertRewriteWarning"
        )

    return run


def verdicts(pytester: pytest.Pytester) -> dict[str, str]:
    found = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    return {result["rule"]: result["verdict"] for result in found["results"]}


def with_verdict(pytester: pytest.Pytester, verdict: str) -> set[str]:
    return {rule for rule, found in verdicts(pytester).items() if found == verdict}


def no_traceback(result: pytest.RunResult) -> None:
    text = result.stdout.str() + result.stderr.str()
    for word in ("Traceback", "INTERNALERROR", "session.py", "bug in the harness"):
        assert word not in text


# --- a client


def test_a_conforming_client_passes_without_a_word_too_many(run: Run, pytester: pytest.Pytester) -> None:
    """In every revision, and without the SDK."""
    pytester.makepyfile("import sys\ndef test_theirs(): assert not {'mcp', 'pydantic'} & set(sys.modules)")
    result = run(*REFERENCE, "--mcp-report", "report.json", "-p", "no:asyncio", apart=True)
    assert result.ret == 0
    assert result.parseoutcomes().keys() == {"passed", "skipped"}
    result.stdout.fnmatch_lines(
        [
            "mcp sampling: judging the client * over stdio, *",
            "=* mcp sampling: client over stdio =*",
            f" *{NEWEST}*",
            "capability * ok",
            "framing * ok",
        ]
    )
    assert "warn" not in result.stdout.str().lower()
    found = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert found["target"] == {"kind": "client", "value": REFERENCE[1], "transport": "stdio"}
    assert {result["role"] for result in found["results"]} == {"client"}


MUTANT = client("client_mutants.py", "role-system")
ITEM = f"mcp-sampling::client::{NEWEST}::role/result-role"


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_failure_says_all_that_a_bug_report_needs(run: Run, workers: tuple[str, ...]) -> None:
    result = run(*MUTANT, *ONE, *workers, apart=bool(workers))
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            f"*{ITEM}*",
            'result.role must be "user" or "assistant", but is "system" (string)*',
            f"  rule      role/result-role, MUST in {NEWEST} (a client over stdio)",
            "  requires  The role of a sampling result is user or assistant.",
            f"  source    https://modelcontextprotocol.io/specification/{NEWEST}/*",
            "on the connection *",
            '    server → client  *"sampling/createMessage"*',
            '>>> client → server  *"role": "system"*',
            "role *1 FAIL",
            f"FAILED {ITEM} - *",
        ]
    )
    no_traceback(result)


def test_ids_are_those_that_others_rely_on_and_collecting_starts_nothing(run: Run, pytester: pytest.Pytester) -> None:
    script = pytester.makepyfile(unstarted="open('started', 'w')")
    result = run("--collect-only", "-q", "--mcp-client", f"{sys.executable} {script} {{server}}")
    stdin = f"mcp-sampling::client::{NEWEST}::framing/stdin-clean"
    assert {"mcp-sampling::client::sampling-reached", ITEM, stdin} <= set(result.outlines)
    assert not (pytester.path / "started").exists()


@pytest.mark.parametrize(
    ("mutant", "rule"),
    [("takes-the-last-hint", "hints-in-order"), ("wants-whole-names", "hint-substring")],
)
def test_hints_for_the_models_of_a_client(run: Run, pytester: pytest.Pytester, mutant: str, rule: str) -> None:
    models = ("--mcp-model", "fixture-large-2", "--mcp-model", "fixture-small-1")
    run(*client("client_mutants.py", mutant), *ONE, *models, "--mcp-report", "report.json")
    broken = with_verdict(pytester, "fail") | with_verdict(pytester, "warn")
    assert broken == {f"preferences/{rule}"}


@pytest.mark.parametrize(
    ("options", "words"),
    {
        "both": (("--mcp-client", "x {server} {url}"), "has both {server} and {url}; write one of them"),
        "no-command": (("--mcp-client", "no-such-client {server}"), "there is no command 'no-such-client'"),
        "quotes": (("--mcp-client", "python '{server}"), "cannot be split into words"),
        "url": (("--mcp-client", "http://127.0.0.1:1/mcp"), "is a URL; give the command line that starts the client"),
        "tools": ((*REFERENCE, "--mcp-client-tools", "two"), "--mcp-client-tools: there is no 'two'; write one or all"),
        "two": ((*REFERENCE, "--mcp-server", sys.executable), "--mcp-server and --mcp-client cannot be judged in one"),
        "no-colon": (("--mcp-callback", "callbacks.good"), "write package.module:attribute"),
        "no-module": (("--mcp-callback", "no_such_module:good"), "cannot be imported (ModuleNotFoundError: *)"),
        "no-attribute": (("--mcp-callback", "callbacks:better"), "cannot be imported (AttributeError: *)"),
        "exits": (("--mcp-callback", "exits_on_import:x"), "cannot be imported (SystemExit: not for import)"),
        "not-callable": (("--mcp-callback", "callbacks:not_callable"), "is not callable; name a sampling callback"),
    }.values(),
)
def test_usage_errors(run: Run, options: tuple[str, ...], words: str) -> None:
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{words}*"])
    no_traceback(result)


# --- a callback

#: what the rules must say ("pass", or the rules that must fail or warn), and what the output must say
OUTCOMES: dict[str, tuple[set[str], list[str]]] = {
    "good": (set(), []),
    "model.answer": (set(), []),
    "refuses": (set(), []),
    "speaks_as_user": ({"role/result-is-assistant"}, ["*the model's answer has the role user"]),
    "takes_tools_undeclared": ({"capability/tools-undeclared-rejected"}, []),
    "raises_sometimes": (
        set(),
        ["*the callback raised ValueError: I only read (*callbacks.py, line *) (in * of * calls)"],
    ),
    "raises": ({"sampling-reached"}, ["the callback never gave an answer: it raised RuntimeError: no model today*"]),
    "exits": ({"sampling-reached"}, ["the callback never gave an answer: it raised SystemExit: that is enough*"]),
    "returns_text": ({"sampling-reached"}, ["the callback never gave an answer: it returned str, no CreateMessage*"]),
    "is_not_async": ({"sampling-reached"}, ["the callback never gave an answer: it raised TypeError: *'await'*"]),
    "hangs": (
        {"sampling-reached", "single-response/exactly-one"},
        [
            "the callback never gave an answer: it did not return within 1 s*",
            "a plain request got no answer within 1 s",
        ],
    ),
    "odd_capabilities": ({"sampling-reached"}, ["*its sampling_capabilities are no sampling capability of the SDK*"]),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_callback(run: Run, pytester: pytest.Pytester, name: str) -> None:
    broken, lines = OUTCOMES[name]
    result = run("--mcp-callback", f"callbacks:{name}", *ONE, "--mcp-timeout", "1", "--mcp-report", "report.json")
    found = verdicts(pytester)
    assert {rule for rule, verdict in found.items() if verdict in ("fail", "warn", "error")} == broken
    assert result.ret == bool(broken - with_verdict(pytester, "warn"))
    result.stdout.fnmatch_lines([f"mcp sampling: judging the callback callbacks:{name} over memory, {NEWEST}", *lines])
    assert found["framing/stdin-clean"] == ("not-observed" if name == "odd_capabilities" else "not-applicable")
    no_traceback(result)


def test_a_callback_that_blocks_is_late_for_nobody(run: Run, pytester: pytest.Pytester) -> None:
    """All revisions share its event loop, but no revision waits for another's answer."""
    result = run("--mcp-callback", "callbacks:blocks", "--mcp-timeout", "2", "--mcp-report", "report.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f" *2025-06-18 *{NEWEST}*", "parameters * 1 ok * 1 ok"])


def test_tool_rules_are_observed_where_the_capability_is_declared(run: Run, pytester: pytest.Pytester) -> None:
    run("--mcp-callback", "callbacks:with_tools", *ONE, "--mcp-report", "report.json")
    assert with_verdict(pytester, "fail") == {"tool-loop/choice-required"}
    assert "tool-loop/choice-none" in with_verdict(pytester, "pass")
    assert "capability/tools-undeclared-rejected" in with_verdict(pytester, "not-observed")


@pytest.mark.parametrize(("name", "verdict"), [("good", "pass"), ("last_hint", "fail")])
def test_models_named_make_the_rules_about_hints_observable(
    run: Run, pytester: pytest.Pytester, name: str, verdict: str
) -> None:
    command = ("--mcp-callback", f"callbacks:{name}", *ONE, "--mcp-report", "report.json")
    run(*command)
    assert verdicts(pytester)["preferences/hints-in-order"] == "not-observed"
    run(*command, "--mcp-model", "acme-large", "--mcp-model", "acme-small")
    assert verdicts(pytester)["preferences/hints-in-order"] == verdict


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_callback_beside_the_users_own_async_tests(
    run: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile("import asyncio\nasync def test_theirs(): await asyncio.sleep(0)")
    result = run("--mcp-callback", "callbacks:good", *ONE, *workers, "-v", apart=True)
    assert result.ret == 0
    assert result.parseoutcomes().keys() == {"passed", "skipped"}
    result.stdout.fnmatch_lines(["*test_theirs*"])
    no_traceback(result)
