"""At home in other people's repositories: runs of their own tests, editors, limits of time, and pytest-xdist."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_sampling_conformance.judging.facts import SystemFacts
from mcp_sampling_conformance.pytest_plugin import items, progress, told, values, workers
from mcp_sampling_conformance.subjects.peer import PeerSubject

FIXTURES = Path(__file__).parent.parent / "fixtures"
REVISION = "2025-11-25"
ITEM = f"mcp-sampling::server::{REVISION}::max-tokens/integer"
QUICK = ("--mcp-spec-version", REVISION, "--mcp-examples=0", "--mcp-tool", 'ask={"question": "Well?"}')
#: in this process all modules are imported already
QUIET = ("-p", "no:asyncio", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
SECONDS = 60
REFERENCE = f"{sys.executable} -S {FIXTURES / 'reference_server.py'}"
CLIENT = f"{sys.executable} -S {FIXTURES / 'reference_client.py'} {{server}}"

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    pytester.makepyfile(test_theirs="def test_theirs(): pass")
    return lambda *args: pytester.runpytest_inprocess(*QUIET, *args)


def ini(pytester: pytest.Pytester, **keys: str) -> None:
    given = {"mcp_examples": "0", "mcp_spec_version": REVISION, **keys}
    pytester.makeini("\n".join(["[pytest]", *(f"{key} = {value}" for key, value in given.items())]))


@pytest.fixture
def unstarted(pytester: pytest.Pytester) -> str:
    """A server that leaves a file behind when it is started."""
    return f"{sys.executable} {pytester.makepyfile(unstarted='open(chr(97), chr(119))')}"


# --- what the ini file names


@pytest.mark.parametrize(
    ("args", "ours", "theirs"),
    [
        ((), True, True),
        (("mcp-sampling",), True, False),
        ((ITEM,), True, False),
        (("{root}/" + ITEM,), True, False),
        (("test_theirs.py", "mcp-sampling"), True, True),
        (("test_theirs.py",), False, True),
        (("test_theirs.py::test_theirs",), False, True),
        ((".",), False, True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("testpaths", [{}, {"testpaths": "."}], ids=["", "testpaths"])
def test_a_target_of_the_ini_file_is_judged_when_nothing_else_is_asked_for(
    run: Run,
    pytester: pytest.Pytester,
    unstarted: str,
    args: tuple[str, ...],
    ours: bool,
    theirs: bool,
    testpaths: dict,
) -> None:
    ini(pytester, mcp_server=unstarted, **testpaths)
    result = run("--collect-only", "-q", *(arg.replace("{root}", str(pytester.path)) for arg in args))
    assert result.ret == 0
    assert (ITEM in result.outlines) == ours
    assert ("test_theirs.py::test_theirs" in result.outlines) == theirs
    if not ours:
        assert "mcp sampling" not in result.stdout.str()


def test_what_is_asked_for_on_the_command_line_is_judged_beside_any_path(run: Run, unstarted: str) -> None:
    result = run("--collect-only", "-q", "test_theirs.py", "--mcp-server", unstarted)
    assert {ITEM, "test_theirs.py::test_theirs"} <= set(result.outlines)


def test_a_system_on_the_command_line_takes_the_place_of_that_in_the_ini_file(
    run: Run, pytester: pytest.Pytester, unstarted: str
) -> None:
    ini(pytester, mcp_server="no-such-command")
    result = run("--collect-only", "-q", "--mcp-client", f"{unstarted} {{server}}")
    assert result.ret == 0
    assert "mcp-sampling::client::sampling-reached" in result.outlines


def test_without_a_target_it_says_what_to_give(run: Run) -> None:
    result = run("mcp-sampling")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mcp-sampling: say what to judge, with --mcp-server, *--mcp-transcript"])


def test_the_fixtures_take_what_the_ini_file_names(run: Run, pytester: pytest.Pytester) -> None:
    ini(pytester, mcp_server=f"{{python}} -S {FIXTURES / 'reference_server.py'}", mcp_client=CLIENT)
    pytester.makepyfile(
        test_mine="""
        def test_both(mcp_sampling_client, mcp_sampling_server):
            assert mcp_sampling_client().call_tool("ask", {"question": "?"})["isError"] is False
            hello = {"messages": [{"role": "user", "content": {"type": "text", "text": "Hello."}}], "maxTokens": 10}
            assert mcp_sampling_server().ask(hello)["result"]["role"] == "assistant"
        """
    )
    run("test_mine.py").assert_outcomes(passed=1)


# --- the fixtures


def test_a_test_that_fails_shows_what_crossed(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_mine=f"""
        def test_fails(mcp_sampling_client):
            client = mcp_sampling_client({REFERENCE!r}, env={{"API_KEY": "9f8e7d6c5b4a39281706"}})
            client.call_tool("ask", {{"question": "9f8e7d6c5b4a39281706"}})
            assert client.requests == []

        def test_passes(mcp_sampling_client):
            mcp_sampling_client({REFERENCE!r})
        """
    )
    result = run("test_mine.py", "--show-capture=all")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["-* mcp sampling: what crossed -*", "* client → server *tools/call*", "* server → client *createMessage*"]
    )
    crossed = result.stdout.str().partition("what crossed")[2]
    assert "***" in crossed
    assert "9f8e7d6c5b4a3928" not in crossed.partition("short test summary")[0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("mcp_sampling_client('no-such-command')", "there is no command 'no-such-command'"),
        ("mcp_sampling_client(7)", "7 is no server object"),
        ("mcp_sampling_client('os:getcwd')", "is no server object"),
        ("mcp_sampling_client('http://127.0.0.1:1/mcp', headers={'a b': 'c'})", "is no header"),
        ("mcp_sampling_client('os:getcwd', env={'A': 'b'})", "runs in the process of pytest"),
        (f"mcp_sampling_client({REFERENCE!r}, cwd='absent')", "'absent' is not a directory"),
        (f"mcp_sampling_client({REFERENCE!r}, revision='1999-01-01')", "there is no revision '1999-01-01'"),
        ("mcp_sampling_client()", "there is no server to connect to"),
        ("mcp_sampling_server('no-such-command {server}')", "there is no command 'no-such-command'"),
        ("mcp_sampling_server(7)", "7 is not callable"),
        ("mcp_sampling_server()", "there is no client to ask"),
    ],
)
def test_what_a_fixture_cannot_take_is_said_in_a_sentence(
    run: Run, pytester: pytest.Pytester, call: str, words: str
) -> None:
    pytester.makepyfile(test_mine=f"def test_it(mcp_sampling_client, mcp_sampling_server):\n    {call}")
    result = run("test_mine.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E  *Failed: *{words}*" if "1999" not in call else f"E  *ValueError: {words}*"])


# --- editors, and whatever else reads items

LOOK = """
    import json

    def pytest_collection_finish(session):
        nodes = [{"path": str(n.path), "parent": str(n.parent.path), "location": n.location} for n in session.items]
        (session.config.rootpath / "nodes.json").write_text(json.dumps(nodes))

    def pytest_runtest_setup(item):
        with (item.config.rootpath / "seen").open("a") as file:
            file.write(item.nodeid + chr(10))
"""


@pytest.mark.parametrize("folder", [".", "below"])
def test_items_have_a_path_below_the_rootdir(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    pytester.makeconftest(LOOK)
    pytester.mkdir("below")
    monkeypatch.chdir(pytester.path / folder)
    root = ("--rootdir", str(pytester.path), "-c", os.devnull)
    result = run("mcp-sampling", *root, "--mcp-server", REFERENCE, *QUICK, "-k", "reached")
    assert result.parseoutcomes()["passed"] == 1
    (node,) = json.loads((pytester.path / "nodes.json").read_text())
    assert node["path"] == node["parent"] == str(pytester.path / "mcp-sampling")
    assert node["location"][0] == "mcp-sampling"


def test_the_conftest_of_the_rootdir_is_theirs_too(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(LOOK)
    run("--mcp-server", REFERENCE, *QUICK, "-k", "reached or theirs")
    seen = (pytester.path / "seen").read_text().split()
    assert seen == ["test_theirs.py::test_theirs", "mcp-sampling::server::sampling-reached"]


@pytest.mark.parametrize("flag", ["--setup-plan", "--setup-only", "--collect-only"])
def test_what_runs_no_tests_starts_nothing(run: Run, pytester: pytest.Pytester, unstarted: str, flag: str) -> None:
    assert run(flag, "mcp-sampling", "--mcp-server", unstarted, *QUICK).ret == 0
    assert not (pytester.path / "a").exists()


# --- limits of time


def test_other_limits_of_time_are_lifted_where_there_are_any(
    run: Run, pytester: pytest.Pytester, unstarted: str
) -> None:
    there = """
        import pytest

        def pytest_configure(config):
            if config.getoption("verbose") > 0:
                config.pluginmanager.register(object(), "timeout")
                config.addinivalue_line("markers", "timeout: of pytest-timeout")

        def pytest_collection_modifyitems(items):
            ours = [item for item in items if item.nodeid.startswith("mcp-sampling")]
            print({str([mark.args for mark in item.iter_markers("timeout")]) for item in ours})
    """
    pytester.makeconftest(there)
    for flags, marks in ((), "[]"), (("-v",), "[(0,)]"):
        result = run("--collect-only", "--strict-markers", "-s", "--mcp-server", unstarted, *QUICK, *flags)
        assert result.ret == 0
        result.stdout.fnmatch_lines([f"*{{'{marks.replace('[', '[[]')}'}}*"])


def test_an_interrupted_judgement_is_not_begun_anew(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def judge(subject: PeerSubject, terms: object) -> None:
        begun.append(subject)
        pytest.fail("Timeout (>1.0s)")

    monkeypatch.setattr(PeerSubject, "judge", judge)
    result = run("mcp-sampling", "--mcp-server", REFERENCE, *QUICK, "-k", "max-tokens")
    assert len(begun) == 1
    assert result.ret == 1
    assert result.parseoutcomes()["errors"] == 3
    result.stdout.fnmatch_lines(["*Timeout (>1.0s)", "the judgement was interrupted, and is not begun anew"])
    assert "session.py" not in result.stdout.str()


# --- pytest-xdist


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("dist", ["load", "loadscope", "each"])
def test_workers_start_everything_once(pytester: pytest.Pytester, dist: str) -> None:
    server = pytester.makepyfile(
        server=f"""
        import os, sys
        sys.path.insert(0, {str(FIXTURES)!r})
        from reference_server import Server

        with open("starts", "a") as file:
            file.write("x")
        Server().serve(sys.stdin.buffer)
        """
    )
    options = ("--mcp-server", f"{sys.executable} -S {server}", *QUICK, "-k", "max-tokens or reached")
    where = ("-n2", "--dist", dist) if dist != "each" else ("--tx", "2*popen", "--dist", "each")
    judged = pytester.runpytest_inprocess(*QUIET, "mcp-sampling", *options)
    starts = (pytester.path / "starts").read_text()
    (pytester.path / "starts").unlink()
    spread = pytester.runpytest_subprocess(*QUIET, "mcp-sampling", *options, *where, timeout=SECONDS)
    assert (pytester.path / "starts").read_text() == starts
    assert spread.ret == judged.ret == 0
    assert spread.parseoutcomes()["passed"] == judged.parseoutcomes()["passed"] * (1 + (dist == "each"))
    table = [line for line in judged.outlines if line.startswith(("max-tokens ", f"{REVISION}:"))]
    assert len(table) == 2
    assert set(table) <= set(spread.outlines)


class Judged:
    """A judgement of nothing."""

    reached, ended_early, notes, statuses = True, "", ["a note"], ()
    system = SystemFacts("a server", "1", starts=3, seconds=0.5)

    def result(self, rule: str, revision: object) -> object:
        raise AssertionError


def test_what_one_worker_has_judged_the_others_read(tmp_path: Path) -> None:
    first = workers.judged_once(tmp_path, Judged, [])
    second = workers.judged_once(tmp_path, lambda: pytest.fail("begun anew"), [])
    assert isinstance(first, Judged)
    assert (second.reached, second.ended_early, second.notes, list(second.statuses)) == (True, "", ["a note"], [])
    assert second.system == Judged.system


def test_what_a_worker_did_not_come_to_the_end_of_is_not_begun_anew(tmp_path: Path) -> None:
    def dies() -> Judged:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers.judged_once(tmp_path, dies, [])
    with pytest.raises(workers.BegunBefore):
        workers.judged_once(tmp_path, Judged, [])


# --- what other plugins read of a failure, and what runs a command


def test_a_failure_says_where_it_is_as_those_of_functions_do() -> None:
    crash = told.FailureText("the first line\nand more").reprcrash
    assert (crash.path, crash.lineno, crash.message, str(crash)) == ("mcp-sampling", 1, "the first line", crash.message)


@dataclass
class Reporter:
    """What progress is written to."""

    verbosity: int
    isatty: bool = True
    written: str = ""

    def write(self, text: str, **markup: bool) -> None:
        self.written += text


@pytest.mark.parametrize(("verbosity", "shown"), [(0, True), (-1, True), (-2, False)])
def test_a_long_run_shows_that_it_lives_also_when_quiet(verbosity: int, shown: bool) -> None:
    reporter = Reporter(verbosity)
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin={"terminalreporter": reporter}.get))
    shows = progress.TerminalProgress(config)  # type: ignore[arg-type]
    shows.say("3 of 40 tools called")
    shows.show()
    assert ("3 of 40 tools called" in reporter.written) == shown


def test_a_broken_rule_is_a_failed_assertion() -> None:
    assert issubclass(items.RuleBroken, AssertionError)
    assert not issubclass(items.HarnessError, AssertionError)


@pytest.mark.parametrize("option", ["--mcp-server", "--mcp-callback", "--mcp-mapper"])
@pytest.mark.parametrize("given", [("--mcp-env", "A=b"), ("--mcp-cwd", ".")], ids=["env", "cwd"])
def test_what_is_imported_takes_no_options_for_a_process(run: Run, option: str, given: tuple[str, str]) -> None:
    result = run(option, "os:getcwd", *given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option}: what is imported runs in the process of pytest; leave out *"])


def test_another_python_that_lacks_a_module_is_pointed_out(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = pytester.mkdir("bin") / "python"
    other.write_text("#!/bin/sh\necho python: No module named my_server >&2\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent), prepend=os.pathsep)
    result = run("mcp-sampling", "--mcp-server", "python -m my_server", *QUICK, "-k", "reached")
    result.stdout.fnmatch_lines(
        [f"'python' is {other}, and not the Python that runs pytest, {sys.executable};", "write {python} in *"]
    )
    assert values.other_python(f"{sys.executable} -m my_server") == ""
    assert values.other_python("npx my-server") == ""
