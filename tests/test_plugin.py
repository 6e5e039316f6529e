"""The plugin as a user sees it: selection, verdicts, reports, options, and the company it keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEWEST = "2025-11-25"
#: one revision and one tool: a second instead of three
QUICK = ("--mcp-spec-version", NEWEST, "--mcp-tool", 'ask={"question": "Well?"}')
ITEM = f"mcp-sampling::server::{NEWEST}::max-tokens/integer"
REACHED = "mcp-sampling::server::sampling-reached"
SECONDS = 60  #: bounds a run in a subprocess; it takes one or two

NOTHING_GENERATED = "--mcp-examples=0"  #: test_generated.py is about that
Run = Callable[..., pytest.RunResult]


def fixture(script: str, *arguments: str) -> str:
    return " ".join([sys.executable, "-S", str(FIXTURES / script), *arguments])


REFERENCE = fixture("reference_server.py")
#: breaks max-tokens/integer, a MUST
BROKEN = fixture("server_mutants.py", "max-tokens-string")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on a server, beside nothing else."""

    monkeypatch.setenv("COLUMNS", "250")  # pytest cuts the lines of its short summary to fit

    def run(*args: str, server: str | None = REFERENCE, apart: bool = False) -> pytest.RunResult:
        named = () if server is None else ("--mcp-server", server)
        all_args = ("-p", "no:asyncio", NOTHING_GENERATED, *named, *args)
        if apart:
            return pytester.runpytest_subprocess(*all_args, timeout=SECONDS)
        return pytester.runpytest_inprocess(*all_args, "-W", "ignore::pytest.PytestAssertRewriteWarning")

    return run


def variant(pytester: pytest.Pytester, body: str) -> str:
    """The command of a reference server with some methods replaced."""
    lines = [
        "import json, os, sys",
        f"sys.path.insert(0, {str(FIXTURES)!r})",
        "from reference_server import Server, text, turn",
        "class Variant(Server):",
        *(f"    {line}" for line in body.splitlines()),
        "Variant().serve(sys.stdin.buffer)",
    ]
    return f"{sys.executable} -S {pytester.makepyfile(variant=chr(10).join(lines))}"


def with_max_tokens(expression: str) -> str:
    """The body of a variant whose sampling requests have such a maxTokens."""
    return f"def request(self, *a, **k):\n    return {{**super().request(*a, **k), 'maxTokens': {expression}}}"


def report(pytester: pytest.Pytester, name: str = "report.json") -> dict:
    return json.loads((pytester.path / name).read_text(encoding="utf-8"))


def no_traceback(result: pytest.RunResult) -> None:
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert "session.py" not in text


# --- verdicts


@pytest.mark.usefixtures("few_plugins")
def test_a_conforming_server_passes_without_a_word_too_many(run: Run) -> None:
    result = run("--mcp-spec-version", NEWEST, apart=True)
    assert result.ret == 0
    assert result.parseoutcomes().keys() == {"passed", "skipped"}
    result.stdout.fnmatch_lines(
        [
            f"mcp sampling: judging the server * over stdio, {NEWEST}",
            "collected * items",
            "=* mcp sampling: server over stdio =*",
            f" *{NEWEST}",
            "capability * ok",
            "framing * ok",
            "=* passed, * skipped in *",
        ]
    )
    assert "warn" not in result.stdout.str().lower()
    assert result.stderr.str() == ""


def test_a_failure_says_all_that_a_bug_report_needs(run: Run) -> None:
    result = run(*QUICK, server=BROKEN)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            f"*{ITEM}*",
            '*params.maxTokens must be an integer, but is "100" (string)*',
            f"  rule      max-tokens/integer, MUST in {NEWEST} (a server over stdio)",
            "  requires  The value of maxTokens is a JSON integer.",
            f"  source    https://modelcontextprotocol.io/specification/{NEWEST}/schema#*maxtokens",
            "on the connection *",
            '    client → server  *"tools/call"*',
            '>>> server → client  *"sampling/createMessage"*',
            '*"maxTokens": "100"}}',
            '    client → server  *"result"*',
            f'FAILED {ITEM} - *params.maxTokens must be an integer, but is "100"*',
        ]
    )
    assert result.parseoutcomes()["failed"] == 1
    no_traceback(result)


@pytest.mark.parametrize(
    ("mutant", "rule", "flags", "outcome"),
    [
        ("answers-cancelled", "liveness/cancelled-not-answered", (), "warned"),
        ("answers-cancelled", "liveness/cancelled-not-answered", ("--mcp-strict",), "failed"),
        ("max-tokens-zero", "max-tokens/positive", ("--mcp-strict",), "warned"),
    ],
    ids=["should", "should-strict", "advice-strict"],
)
def test_warnings_do_not_fail_unless_a_should_is_strict(
    run: Run, mutant: str, rule: str, flags: tuple[str, ...], outcome: str
) -> None:
    result = run(*QUICK, *flags, server=fixture("server_mutants.py", mutant))
    assert result.ret == (outcome == "failed")
    assert result.parseoutcomes()[outcome] == 1
    result.stdout.fnmatch_lines([f"{rule} (*): *" if outcome == "warned" else f"FAILED *::{rule}*"])


def test_what_was_not_observed_is_skipped_with_the_reason(run: Run) -> None:
    result = run(*QUICK, "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["tool-loop * not observed", "Not observed: * (nothing came up to judge*", "SKIPPED * not-observed: *"]
    )


def test_a_revision_that_is_not_spoken_is_not_applicable(run: Run, pytester: pytest.Pytester) -> None:
    server = variant(
        pytester, f"def initialize(self, p):\n    return super().initialize({{**p, 'protocolVersion': {NEWEST!r}}})"
    )
    options = ("--mcp-spec-version", "2025-06-18", "--mcp-tool", "ask", "-rs")
    result = run(*options, "--mcp-spec-version", NEWEST, server=server)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"SKIPPED * not-applicable: the server negotiated {NEWEST} instead"])
    result = run(*options, server=server)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["the server speaks none of the revisions asked for:"])


def test_a_run_that_never_reaches_sampling_fails_and_says_what_to_do(run: Run) -> None:
    options = ("--mcp-spec-version", NEWEST, "--mcp-tool", "add")
    result = run(*options)
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "the server never asked for sampling*",
            "  tool add: answered without sampling",
            "Say what to call with --mcp-tool*",
        ]
    )
    no_traceback(result)
    # Nor does it pass when the item that says so was deselected.
    result = run(*options, "-k", "max-tokens")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["Sampling was never reached: *"])


# --- items and their selection


@pytest.fixture
def unstarted(pytester: pytest.Pytester) -> str:
    """A server that leaves a file behind when it is started."""
    script = pytester.makepyfile(unstarted="open('started', 'w')")
    return f"{sys.executable} {script}"


@pytest.mark.parametrize(
    ("args", "ours", "theirs"),
    [
        ((), "all", True),
        (("-k", "max-tokens"), {"present", "integer", "positive"}, False),
        (("-k", "max-tokens and integer or test_theirs"), {"integer"}, True),
        (("-m", "mcp_conformance"), "all", False),
        (("-m", "not mcp_conformance"), set(), True),
        (("mcp-sampling",), "all", False),
        ((ITEM,), {"integer"}, False),
        ((f"mcp-sampling::server::{NEWEST}::max-tokens",), set(), False),
        (("test_theirs.py", ITEM), {"integer"}, True),
        (("--deselect", "mcp-sampling"), set(), True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_selection(
    run: Run, pytester: pytest.Pytester, unstarted: str, args: tuple[str, ...], ours: object, theirs: bool
) -> None:
    """Also: collecting starts no server."""
    pytester.makepyfile(test_theirs="def test_theirs(): pass")
    result = run("--collect-only", "-q", "--mcp-spec-version", NEWEST, *args, server=unstarted)
    ids = [line for line in result.outlines if "::" in line]
    mine = {id.rpartition("/")[2] for id in ids if id.startswith("mcp-sampling::")}
    assert ("test_theirs.py::test_theirs" in ids) == theirs
    assert len(mine) > 50 if ours == "all" else mine == ours
    assert len(ids) == len(set(ids))
    assert not (pytester.path / "started").exists()


def test_ids_are_those_that_others_rely_on(run: Run, unstarted: str) -> None:
    result = run("--collect-only", "-q", server=unstarted)
    assert {REACHED, ITEM, "mcp-sampling::server::2024-11-05::framing/stdout-clean"} <= set(result.outlines)


def test_last_failed_and_exitfirst(run: Run) -> None:
    result = run(*QUICK, "-x", server=BROKEN)
    assert result.parseoutcomes()["failed"] == 1
    assert result.parseoutcomes()["passed"] < 20
    result = run(*QUICK, "--lf", "-v", server=BROKEN)
    assert {"failed": 1}.items() <= result.parseoutcomes().items()
    assert "passed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines([f"{ITEM} FAILED*"])


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("chosen", ["mcp-sampling", ITEM], ids=["all", "one"])
def test_xdist(run: Run, pytester: pytest.Pytester, chosen: str) -> None:
    """Selection, verdicts, table and report are the same when workers run the items."""
    pytester.makepyfile(test_theirs="def test_theirs(): pass")
    result = run(chosen, *QUICK, "-n2", "--mcp-report", "report.json", server=BROKEN, apart=True)
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert (sum(outcomes.values()) == 1) == (chosen == ITEM)
    result.stdout.fnmatch_lines(
        [">>> server → client *", "max-tokens *1 FAIL", f"FAILED {ITEM} - *must be an integer*"]
    )
    assert len(report(pytester)["results"]) == sum(outcomes.values())
    no_traceback(result)


# --- reports


def test_json_report_agrees_with_what_pytest_counts(run: Run, pytester: pytest.Pytester) -> None:
    result = run(*QUICK, "--mcp-report", "report.json", server=BROKEN)
    found = report(pytester)
    assert (found["schema"], found["tool"]["name"]) == (1, "mcp-sampling-conformance")
    assert found["target"] == {"kind": "server", "value": BROKEN, "transport": "stdio"}
    outcomes = result.parseoutcomes()
    summary = found["summary"]
    assert summary["pass"] == outcomes["passed"]
    assert summary["fail"] == outcomes["failed"] == 1
    assert summary["not-observed"] + summary["not-applicable"] == outcomes["skipped"]
    assert summary == {verdict: sum(r["verdict"] == verdict for r in found["results"]) for verdict in summary}
    (failed,) = [r for r in found["results"] if r["verdict"] == "fail"]
    expected = {
        "rule": "max-tokens/integer",
        "role": "server",
        "level": "MUST",
        "revision": NEWEST,
        "transport": "stdio",
    }
    assert expected.items() <= failed.items()
    assert '"100"' in failed["message"]
    assert failed["url"].startswith("https://modelcontextprotocol.io/specification/")
    assert any(line.startswith(">>>") for line in failed["evidence"])


def test_junit_xml_names_the_rule_and_carries_the_failure(run: Run, pytester: pytest.Pytester) -> None:
    run(*QUICK, "--junitxml", "junit.xml", server=BROKEN)
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")}
    failure = cases["max-tokens/integer"].find("failure")
    assert failure is not None
    assert "must be an integer" in str(failure.get("message"))
    assert ">>> server → client" in str(failure.text)
    assert {each.get("name"): each.get("value") for each in cases["max-tokens/integer"].iter("property")} == {
        "rule": "max-tokens/integer",
        "level": "MUST",
        "revision": NEWEST,
        "verdict": "fail",
        "url": f"https://modelcontextprotocol.io/specification/{NEWEST}/schema#createmessagerequestparams-maxtokens",
    }


def test_junit_xml_shows_a_warning(run: Run, pytester: pytest.Pytester) -> None:
    run(*QUICK, "--junitxml", "junit.xml", server=fixture("server_mutants.py", "answers-cancelled"))
    properties = {each.get("value"): each.get("name") for each in ElementTree.parse("junit.xml").iter("property")}
    assert properties["warn"] == "verdict"
    assert [value for value, name in properties.items() if name == "warning"]


def test_list_rules_prints_them_and_runs_nothing(run: Run, unstarted: str, pytester: pytest.Pytester) -> None:
    result = run("--mcp-list-rules", server=unstarted)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["max-tokens/integer  (server; MUST from 2024-11-05)", "    https://modelcontext*"])
    assert not (pytester.path / "started").exists()


@pytest.mark.parametrize("flag", ["-q", "-v"])
def test_quiet_and_verbose(run: Run, flag: str) -> None:
    result = run(*QUICK, flag)
    assert result.ret == 0
    assert (f"{ITEM} PASSED" in result.stdout.str()) == (flag == "-v")


# --- options


TARGETS = {
    "--mcp-tool": ('ask={"question": "Whence?"}', "tool ask"),
    "--mcp-prompt": ('summary={"topic": "x"}', "prompt summary"),
    "--mcp-resource": ("sampled://answer", "resource sampled://answer"),
}


@pytest.mark.parametrize("from_ini", [False, True], ids=["command-line", "ini"])
def test_named_targets(run: Run, pytester: pytest.Pytester, from_ini: bool) -> None:
    """What is called is what was named, with the arguments given; an ini file can name all of it."""
    given = {option: value for option, (value, _) in TARGETS.items()}
    given |= {"--mcp-server": BROKEN, "--mcp-spec-version": NEWEST, "--mcp-report": "report.json", "--mcp-timeout": "9"}
    if from_ini:
        keys = [f"{option[2:].replace('-', '_')} = {value}" for option, value in given.items()]
        pytester.makeini("\n".join(["[pytest]", *keys, "mcp_strict = true"]))
        result = run(server=None)
    else:
        result = run(*(word for pair in given.items() for word in pair), server=None)
    assert result.parseoutcomes()["failed"] == 1
    results = {r["rule"]: r for r in report(pytester)["results"]}
    assert results["sampling-reached"]["message"] == ", ".join(label for _, label in TARGETS.values())
    assert "Whence?" in str(results["max-tokens/integer"]["evidence"])


def test_the_command_line_wins_over_the_ini_file(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmcp_server = no-such-command\nmcp_spec_version = 2024-11-05\nmcp_tool = erase")
    result = run(*QUICK, "-k", "max-tokens")
    assert result.parseoutcomes()["passed"] == 3


SECRET = "hunter2-ö\"'"


#: what a server does with the secret
LEAKS = {
    "value": with_max_tokens("os.environ['KEY']"),
    "value-cut": with_max_tokens("'x' * 114 + os.environ['KEY']"),
    "line-cut": with_max_tokens("[os.environ['KEY']] * 100"),
    "stderr": "def initialize(self, params):\n    sys.exit('the key is ' + os.environ['KEY'])",
    "stderr-cut": "def initialize(self, params):\n    sys.exit(os.environ['KEY'] * 2000)",
    "initialize": "def initialize(self, params):\n    return {'key': os.environ['KEY']}",
    "stray-cut": "def initialize(self, params):\n    print('x' * 195 + os.environ['KEY'], flush=True)\n    sys.exit()",
    "error": "def start(self, id, params):\n    self.send({'id': id, 'error': {'message': os.environ['KEY']}})",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_secrets_stay_secret(run: Run, pytester: pytest.Pytester, leak: str) -> None:
    """What was given with --mcp-env is masked, also where a text that the server wrote it into was cut."""
    server = variant(pytester, LEAKS[leak])
    result = run(*QUICK, "-v", "-rA", "--mcp-env", f"KEY={SECRET}", "--mcp-report", "report.json", server=server)
    assert result.ret == 1
    assert "***" in result.stdout.str()
    for text in (result.stdout.str(), (pytester.path / "report.json").read_text(encoding="utf-8")):
        assert "hunte" not in text
        assert "nter2" not in text


def test_control_characters_of_the_server_are_escaped(run: Run, pytester: pytest.Pytester) -> None:
    server = variant(pytester, with_max_tokens("'\\x1b[2J\\u202e\\x9b31m\\x07'"))
    result = run(*QUICK, "-v", "-rA", server=server)
    assert result.ret == 1
    assert not {"\x1b", "\u202e", "\x9b", "\x07"} & set(result.stdout.str())
    assert "\\u202e" in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--mcp-server", ""), "the command is empty"),
        (("--mcp-server", "no-such-command x"), "there is no command 'no-such-command'"),
        (("--mcp-server", "./absent"), "there is no command './absent'"),
        (("--mcp-server", "'unbalanced"), "cannot be split into words"),
        (("--mcp-server", "http://:80/mcp"), "is no URL"),
        (("--mcp-tool", "ask={"), "are not JSON"),
        (("--mcp-prompt", "ask=[]"), "must be a JSON object"),
        (("--mcp-tool", ""), "the name is missing"),
        (("--mcp-spec-version", "1999-01-01"), "there is no revision '1999-01-01'; known are 2024-11-05"),
        (("--mcp-timeout", "soon"), "'soon' is not a positive number"),
        (("--mcp-timeout", "-1"), "'-1' is not a positive number"),
        (("--mcp-timeout", "nan"), "'nan' is not a positive number"),
        (("--mcp-report", "report.docx"), "has no known suffix; use .json"),
        (("--mcp-report", "absent/report.json"), "cannot be written"),
        (("--mcp-env", "KEY"), "'KEY' has no value; write NAME=VALUE"),
        (("--mcp-env", "=hunter2"), "has no name; write NAME=VALUE"),
        (("--mcp-cwd", "absent"), "'absent' is not a directory"),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, tuple) else "",
)
def test_usage_errors_are_one_sentence(run: Run, options: tuple[str, ...], sentence: str) -> None:
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.errlines if line]
    assert len(errors) == 1
    assert errors[0].startswith(f"ERROR: {options[0]}: ")
    assert sentence in errors[0]
    assert "hunter2" not in errors[0]
    no_traceback(result)


# --- company

NEEDS_PYTEST_9 = pytest.mark.skipif(pytest.version_tuple < (9,), reason="the ini key strict came with pytest 9")

THEIR_TESTS = """
    import asyncio
    import pytest

    {asyncio_mark}
    async def test_with_asyncio():
        await asyncio.sleep(0)

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_with_anyio(anyio_backend):
        await asyncio.sleep(0)

    def test_plain(capsys):
        print("hello")
        assert capsys.readouterr().out == "hello\\n"
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.parametrize("strict_ini", [False, pytest.param(True, marks=NEEDS_PYTEST_9)], ids=["", "strict-ini"])
def test_beside_the_users_own_async_tests(pytester: pytest.Pytester, mode: str, strict_ini: bool) -> None:
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    pytester.makepyfile(test_theirs=THEIR_TESTS.format(asyncio_mark=mark))
    ini = f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    pytester.makeini(ini + "strict = true\n" * strict_ini)
    imported = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # all modules, already, in this process
    options = ("--mcp-server", REFERENCE, *QUICK, "--mcp-report", "report.json")
    if (mode, strict_ini) == ("auto", False):  # in one of its own, where an import could warn
        result = pytester.runpytest_subprocess(*options, timeout=SECONDS)
    else:
        result = pytester.runpytest_inprocess(*options, *imported)
    assert result.ret == 0
    alone = pytester.runpytest_inprocess("-m", "not mcp_conformance", *imported)
    assert alone.parseoutcomes() == {"passed": 3}
    assert result.parseoutcomes()["passed"] == 3 + report(pytester)["summary"]["pass"]


FOREIGN = """
    def pytest_addoption(parser):
        group = parser.getgroup("foreign")
        group.addoption("--mcp-server", {server})
        group.addoption("--mcp-timeout", {timeout})
        {ini}

    def pytest_report_header(config):
        return f"foreign: {{config.getoption('--mcp-server')!r}} {{config.getoption('--mcp-timeout')!r}}"
"""
FOREIGN_KINDS = {
    "none": {"server": "default=None", "timeout": "default=None", "ini": ""},
    "value": {"server": "default='python x.py'", "timeout": "default=30.0, type=float", "ini": ""},
    "dest": {"server": "dest='srv', default='python x.py'", "timeout": "dest='wait', default='1'", "ini": ""},
    "append": {"server": "action='append', default=[]", "timeout": "type=int, default=30", "ini": ""},
    "ini": {
        "server": "default=None",
        "timeout": "default=None",
        "ini": "parser.addini('mcp_server', 'theirs', default='python x.py'); parser.addini('mcp_timeout', 'x')",
    },
}


@pytest.mark.parametrize("kind", FOREIGN_KINDS)
@pytest.mark.parametrize("order", ["before", "after", "conftest"])
def test_beside_a_plugin_with_the_same_options(run: Run, pytester: pytest.Pytester, kind: str, order: str) -> None:
    """Both read what the user gives; a default of the other that nobody asked for does not switch us on, and what is
    given for tests of theirs does not either."""
    source = FOREIGN.format(**FOREIGN_KINDS[kind])
    pytester.makepyfile(test_theirs="def test_theirs(): pass")
    if order == "conftest":
        pytester.makeconftest(source)
        load = []
    else:
        pytester.makepyfile(foreign=source)
        names = ["foreign", "mcp_sampling_conformance"]
        load = [f"-p{name}" for name in (names if order == "before" else reversed(names))]
    pytester.syspathinsert()
    result = run(*load, server=None)
    assert result.parseoutcomes() == {"passed": 1}
    assert "mcp sampling" not in result.stdout.str()
    result = run(*load, "test_theirs.py")
    assert result.parseoutcomes() == {"passed": 1}
    assert "mcp sampling" not in result.stdout.str()
    # The timeout is the other's default on purpose: given is given.
    for ours in ((), ("mcp-sampling",)):
        result = run(*load, "--collect-only", *ours, "--mcp-timeout", "30")
        result.stdout.fnmatch_lines([f"foreign: *{REFERENCE}* *30*", f"mcp sampling: judging the server {REFERENCE} *"])
        assert result.ret == 0


def test_a_timeout_that_is_another_plugins_default_counts_when_given(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--mcp-timeout', default='1')")
    result = run(*QUICK, "--mcp-timeout", "1", server=fixture("server_mutants.py", "hangs-undeclared"))
    result.stdout.fnmatch_lines(["*no answer within 1 s*"])


@pytest.mark.usefixtures("few_plugins")
def test_another_plugins_options_with_xdist(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FOREIGN.format(**FOREIGN_KINDS["value"]))
    result = run("mcp-sampling", *QUICK, "-n1", "-k", "max-tokens", apart=True)
    assert result.parseoutcomes() == {"passed": 3}


def test_without_its_options_it_is_not_there(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """No output, no items, and nothing heavy imported."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        import sys

        def test_theirs():
            heavy = {"mcp", "hypothesis", "pydantic", "anyio", "jsonschema", "psutil"}
            assert not heavy & set(sys.modules)
            assert "mcp_sampling_conformance.plugin" in sys.modules
        """
    )
    ours = pytester.runpytest_subprocess("-p", "mcp_sampling_conformance.plugin", timeout=SECONDS)
    assert ours.parseoutcomes() == {"passed": 1}
    assert "mcp" not in ours.stdout.str().replace("mcp-sampling-conformance", "")


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_theirs(): pass")
    off = ("-p", "no:mcp_sampling_conformance")
    assert pytester.runpytest_subprocess(*off, timeout=SECONDS).parseoutcomes() == {"passed": 1}
    refused = pytester.runpytest_subprocess(*off, "--mcp-server", REFERENCE, timeout=SECONDS)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*unrecognized arguments: --mcp-server*"])


def test_help_and_markers_know_it(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--help").stdout.fnmatch_lines(["mcp sampling conformance:", "*--mcp-server=TARGET*"])
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.mcp_conformance: *"])


@pytest.mark.usefixtures("few_plugins")
def test_an_interrupted_run_leaves_no_server(pytester: pytest.Pytester) -> None:
    """Ctrl-C while the server is judged ends pytest at once, and the server with it."""
    mark = f"whose={pytester.path}"  # tells the server from those of other tests
    server = fixture("server_mutants.py", "hangs-undeclared").replace(sys.executable, f"{sys.executable} -X {mark}")
    pytester.makeconftest(
        """
        import _thread, signal, threading
        import anyio
        from mcp_sampling_conformance.scenarios.server.discovery import Discovery

        async def find_out(*args):
            threading.Timer(0.0, _thread.interrupt_main).start()
            await anyio.sleep_forever()

        # Whoever runs the tests in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def pytest_configure():
            Discovery.find_out = find_out
        """
    )
    result = pytester.runpytest_subprocess("--mcp-server", server, *QUICK, timeout=SECONDS)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    living = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert mark not in living
