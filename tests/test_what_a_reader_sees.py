"""What a run tells its reader: no more than was tried, the lines of the wire, and each fault once."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mcp_sampling_conformance.judging.excerpt import excerpt
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.peers.server import Book
from mcp_sampling_conformance.report.alike import told_once
from mcp_sampling_conformance.report.exchange import _WORDS, evidence_lines
from mcp_sampling_conformance.report.members import broken_at_members
from mcp_sampling_conformance.report.table import table
from mcp_sampling_conformance.scenarios.client.diagnosis import Start, how_it_ended
from mcp_sampling_conformance.transcript.events import KINDS, HttpExchange, TimedOut, ToldEvent
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

FIXTURES = Path(__file__).parent.parent / "fixtures"
SECONDS = 60
LEGACY, NEWEST_LEGACY, MODERN = "2025-06-18", "2025-11-25", "2026-07-28"
#: in this process all modules are imported already
QUIET = ("-p", "no:asyncio", "-W", "ignore::pytest.PytestAssertRewriteWarning")
NEVER = ("does not work", "never asked", "never reached")


def fixture(script: str, *arguments: str) -> str:
    return " ".join([sys.executable, "-S", str(FIXTURES / script), *arguments])


def judge(pytester: pytest.Pytester, *options: str, revisions: tuple[str, ...] = (NEWEST_LEGACY,)) -> pytest.RunResult:
    named = [word for revision in revisions for word in ("--mcp-spec-version", revision)]
    plain = ("mcp-sampling", "--mcp-examples", "0", "--mcp-report", "r.json", *named, *options)
    if "-n2" in options:
        return pytester.runpytest_subprocess(*plain, timeout=SECONDS)
    return pytester.runpytest_inprocess(*plain, *QUIET)


def statuses(pytester: pytest.Pytester) -> list[tuple[bool, bool]]:
    report = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))
    return [(status["judged"], status["works"]) for status in report["sampling"]]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


# --- no more than was tried

HEADLINE = "{revision}: could not be judged: {why}"


@pytest.mark.parametrize(
    ("server", "first_line", "why"),
    [
        (
            fixture("hidden_servers.py", "all-destructive"),
            "nothing was called, so there was nothing to judge.",
            "nothing was called; name what samples with --mcp-tool NAME (not called: tool ask, it declares "
            "destructiveHint, and 4 more)",
        ),
        (
            fixture("hidden_servers.py", "sampling-destructive"),
            "what was called did not ask for sampling, and not everything was called, so there was nothing to judge.",
            "what was called did not ask, and not everything was called; name what samples with --mcp-tool NAME *",
        ),
        (
            fixture("hidden_servers.py", "empty"),
            "nothing was called, so there was nothing to judge.",
            "nothing was called, for the server lists no tool, prompt or resource",
        ),
        (
            f"{sys.executable} -c pass",
            "the server under test could not be judged:",
            "it ended (exit code 0) before it answered *",
        ),
    ],
    ids=["all-destructive", "sampling-destructive", "empty", "not-started"],
)
def test_what_was_not_tried_is_not_said_to_fail(
    pytester: pytest.Pytester, server: str, first_line: str, why: str
) -> None:
    result = judge(pytester, "--mcp-server", server, "-k", "reached or max-tokens")
    assert result.ret == 1
    headlines = [HEADLINE.format(revision=NEWEST_LEGACY, why=why)]
    result.stdout.fnmatch_lines([first_line, *headlines, "The server could not be judged: nothing here is a pass. *"])
    assert not [word for word in NEVER if word in result.stdout.str()]
    assert statuses(pytester) == [(False, False)]


def test_what_is_named_is_called_and_judged(pytester: pytest.Pytester) -> None:
    server = fixture("hidden_servers.py", "all-destructive")
    result = judge(pytester, "--mcp-server", server, "--mcp-tool", 'ask={"question": "Well?"}')
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"{NEWEST_LEGACY}: works"])
    # And where that does not sample, it was tried.
    result = judge(pytester, "--mcp-server", server, "--mcp-tool", "add")
    result.stdout.fnmatch_lines(
        ["the server never asked for sampling, *", f"{NEWEST_LEGACY}: does not work: the server never asked"]
    )
    assert statuses(pytester) == [(True, False)]


WORKING = [
    {"from": "client", "message": {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "c"}}}},
    {"from": "server", "message": {"jsonrpc": "2.0", "id": 1, "result": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}}},
    {"from": "client", "message": {"jsonrpc": "2.0", "method": "notifications/initialized"}},
    {"from": "client", "message": {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask"}}},
    {"from": "server", "message": {"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Hi."}}], "maxTokens": 5}}},
    {"from": "client", "message": {"jsonrpc": "2.0", "id": 7, "result": {
        "role": "assistant", "content": {"type": "text", "text": "Ho."}, "model": "m"}}},
    {"from": "server", "message": {"jsonrpc": "2.0", "id": 2, "result": {"content": []}}},
]  # fmt: skip


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_recording_of_others_shows_that_sampling_works(pytester: pytest.Pytester, side: str) -> None:
    lines = "".join(json.dumps(line) + "\n" for line in WORKING)
    (pytester.path / "theirs.jsonl").write_text(lines, encoding="utf-8")
    judge(pytester, "--mcp-transcript", "theirs.jsonl", "--mcp-side", side)
    assert statuses(pytester) == [(True, True)]


def test_a_client_that_declares_no_sampling_was_not_tried(pytester: pytest.Pytester) -> None:
    opening = json.loads(json.dumps(WORKING[:3]).replace('"sampling": {}', ""))
    (pytester.path / "theirs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in opening), encoding="utf-8")
    result = judge(pytester, "--mcp-transcript", "theirs.jsonl", "--mcp-side", "client")
    assert statuses(pytester) == [(False, False)]
    result.stdout.fnmatch_lines([f"{NEWEST_LEGACY}: could not be judged: it declares no sampling"])


# --- the useful end of what a process said

#: as a program on a JVM might say it
TRACE = "\\n".join(
    [
        "Exception in thread main com.acme.Broken: no answer",
        *[f"\\tat org.springframework.Step.run(Step.java:{number})" for number in range(50)],
        "Caused by: java.io.IOException: the pipe is gone",
        *[f"\\tat java.base/java.io.Step.run(Step.java:{number})" for number in range(50)],
        "\\t... 8 more",
    ]
)
#: what a tool does after it said that
ENDS = {"dies": "sys.exit(3)", "hangs": "time.sleep(600)"}


@pytest.mark.parametrize("end", ENDS)
def test_why_a_server_died_or_hung_is_told(pytester: pytest.Pytester, end: str) -> None:
    server = pytester.makepyfile(
        server=f"""
        import sys, time
        sys.path.insert(0, {str(FIXTURES)!r})
        from reference_server import Server

        class Variant(Server):
            def start(self, id, params):
                sys.stderr.write("{TRACE}\\n")
                sys.stderr.flush()
                {ENDS[end]}

        Variant().serve(sys.stdin.buffer)
        """
    )
    options = ("--mcp-server", f"{sys.executable} -S {server}", "--mcp-tool", "add", "--mcp-timeout", "1")
    result = judge(pytester, *options, "-k", "reached")
    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        ["*com.acme.Broken: no answer", "*Caused by: java.io.IOException: the pipe is gone"], consecutive=False
    )
    assert "8 more" not in text


def test_why_a_client_hung_is_told_in_one_line() -> None:
    start = Start(
        [], None, in_time=False, patience=1, tail=TRACE.encode().decode("unicode_escape"), absent="", stray=""
    )
    words = how_it_ended(start, Book({}))
    assert words == "did not end by itself, and was ended: Caused by: java.io.IOException: the pipe is gone"


def test_what_a_server_said_before_it_hung_stands_beside_the_messages() -> None:
    transcript = Transcript("a test", "stdio")
    offender = transcript.record(Side.CLIENT, b"{}", "stdin")
    transcript.note(TimedOut(7, 2.0, "  Traceback …\n  KeyError: 'text'"))
    result = replace(a_result(NEWEST_LEGACY, "no answer"), excerpt=excerpt(transcript, offender, (), Mask()))
    *_, timed_out, first, last = evidence_lines(result)
    assert timed_out == "    (the harness: no answer to id 7 within 2 s, going on without)"
    assert (first, last) == ("    stderr:  Traceback …", "    stderr:  KeyError: 'text'")


# --- the lines of the wire

CLIENTS = {
    "listens-for-json": ("http/accept-header", "GET", ["accept: application/json", "mcp-session-id: *"]),
    "posts-garbage": ("http/one-message-a-post", "POST", ["content-type: application/json"]),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_rule_over_http_shows_its_exchange(pytester: pytest.Pytester, name: str) -> None:
    """Also one that nothing was posted in, or no message."""
    rule, method, headers = CLIENTS[name]
    result = judge(pytester, "--mcp-client", f"{fixture('http_clients.py', name)} {{url}}", "-k", rule)
    marked = ">>> (HTTP *" if method != "POST" else ">>> client → server *"
    result.stdout.fnmatch_lines(
        [
            marked,
            f"the HTTP exchange [[]{method} *[]]:",
            f"    client → server  {method}",
            *(f"        {header}" for header in headers),
            "    server → client  HTTP *",
        ]
    )
    (failed,) = [r for r in json.loads((pytester.path / "r.json").read_text())["results"] if r["verdict"] == "fail"]
    assert failed["references"]
    assert any(line.startswith("the HTTP exchange") for line in failed["evidence"])


#: a request on a stream that was redirected, and resumed five times
HEADS = [HttpExchange("GET 1", "GET", 200 + n, {"accept": "a", "cookie": "c"}, {"location": "/b"}) for n in range(5)]


@pytest.mark.parametrize(("rule", "shown"), [("http/own-stream", True), ("id/id-unique", False)])
def test_only_rules_about_it_show_the_exchange(rule: str, shown: bool) -> None:
    transcript = Transcript("a test", "http")
    transcript.note(HttpExchange("POST 7", "POST", 202))
    for head in HEADS[:4]:
        transcript.note(head)
    offender = transcript.record(Side.SERVER, b"{}", "GET 1")
    transcript.note(HEADS[4])
    shows = excerpt(transcript, offender, (), Mask(["/b234"]))
    result = replace(a_result(NEWEST_LEGACY, "it came elsewhere"), rule=rule, excerpt=shows)
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result
    lines = evidence_lines(result)
    heads = [line for line in lines if line.startswith("    server → client  HTTP")]
    # Those that came last before it.
    assert (
        heads
        == ["    server → client  HTTP 201", "    server → client  HTTP 202", "    server → client  HTTP 203"] * shown
    )
    assert ("        accept: a" in lines) == ("        location: /b" in lines) == shown
    assert "cookie" not in "".join(lines)


def test_each_event_that_is_told_has_its_words() -> None:
    assert {kind for kind in KINDS.values() if issubclass(kind, ToldEvent)} == _WORDS.keys()


# --- each fault once

ITEM = "mcp-sampling::server::{}::max-tokens/integer"
BROKEN = fixture("server_mutants.py", "max-tokens-string")
ALL = (LEGACY, NEWEST_LEGACY, MODERN)
ONE = ("--mcp-server", BROKEN, "--mcp-tool", 'ask={"question": "Well?"}', "-k", "max-tokens/integer")


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
@pytest.mark.parametrize("in_ci", [False, True], ids=["at a desk", "in CI"])
def test_a_fault_of_several_revisions_is_told_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...], in_ci: bool
) -> None:
    # In CI pytest's short summary cuts nothing off.
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    monkeypatch.setenv("CI", "true" if in_ci else "")
    result = judge(pytester, *ONE, *workers, "--junitxml", "junit.xml", revisions=ALL)
    assert result.parseoutcomes()["failed"] == 3
    newest = ITEM.format(MODERN)
    text = result.stdout.str()
    assert text.count("  requires  The value of maxTokens") == 1
    assert text.count(">>> ") == 1
    result.stdout.fnmatch_lines([f"  rule      max-tokens/integer, MUST in {MODERN} *"])
    result.stdout.fnmatch_lines([f"  also in   {LEGACY}, {NEWEST_LEGACY}"])
    for revision in (LEGACY, NEWEST_LEGACY):
        result.stdout.fnmatch_lines([f"FAILED {ITEM.format(revision)} - the same as in {MODERN}: {newest}"])
    # Who reads one case at a time still finds all of it there.
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("failure")
    assert all("requires  The value of maxTokens" in str(case.text) for case in cases)


def test_what_ran_alone_is_told_in_full(pytester: pytest.Pytester) -> None:
    first = judge(pytester, *ONE, "-x", revisions=ALL)
    assert first.parseoutcomes()["failed"] == 1
    again = judge(pytester, *ONE, "--lf", revisions=ALL)
    for result in (first, again):
        result.stdout.fnmatch_lines([f"  rule      max-tokens/integer, MUST in {LEGACY} *", ">>> *"])
        assert "the same as" not in result.stdout.str()


def a_result(revision: str, message: str, verdict: Verdict = Verdict.FAIL) -> Result:
    return Result("id/id-unique", "server", "MUST", revision, "stdio", verdict, message, "https://x", "Ids differ.")


@pytest.mark.parametrize(
    ("older", "newer", "same"),
    [
        ("the id 7 came twice", "the id 1006 came twice", True),
        ("the id 7 came twice (and 3 more of the kind)", "the id 7 came twice", True),
        (f"a batch; {LEGACY} has none", f"a batch; {MODERN} has none", True),
        ("params.maxTokens is missing", "result.inputRequests.sampling-1.params.maxTokens is missing", True),
        ("it came with HTTP 400", "it came with HTTP 404", False),
        ("the code is -32602", "the code is -32603", False),
        ("the id is missing", "the id is null", False),
    ],
)
def test_what_is_the_same_fault(older: str, newer: str, same: bool) -> None:
    texts = told_once({"a": a_result(LEGACY, older), "b": a_result(MODERN, newer)})
    assert bool(texts) == same
    if same:
        assert texts["a"] == f"the same as in {MODERN}: b"
        assert texts["b"].startswith(newer)


# --- the end of a run


def results_of(**verdicts: str) -> list[Result]:
    """One result a revision, of the rule id/id-unique."""
    words = {"ok": Verdict.PASS, "FAIL": Verdict.FAIL, "unseen": Verdict.NOT_OBSERVED}
    return [
        replace(a_result(revision.strip("_").replace("_", "-"), "", words[word])) for revision, word in verdicts.items()
    ]


def test_revisions_with_equal_columns_share_one() -> None:
    lines = table(results_of(_2024_11_05="ok", _2025_03_26="ok", _2025_06_18="FAIL"), 80)
    assert lines == ["     2024-11-05", "     2025-03-26   2025-06-18", "id         1 ok       1 FAIL"]


def test_the_table_is_no_wider_than_the_terminal() -> None:
    results = results_of(_2024_11_05="ok", _2025_03_26="FAIL", _2025_06_18="unseen")
    assert max(map(len, table(results, 30))) <= 30
    assert table(results, 30) == [
        "     2024-11-05   2025-03-26",
        "id         1 ok       1 FAIL",
        "",
        "       2025-06-18",
        "id   not observed",
    ]


def test_where_nothing_could_be_judged_there_is_no_table() -> None:
    assert table(results_of(_2024_11_05="unseen"), 80) == []


def test_a_server_that_does_not_start_is_told_in_few_lines(pytester: pytest.Pytester) -> None:
    result = judge(pytester, "--mcp-server", f"{sys.executable} -c pass")
    result.stdout.fnmatch_lines(["mcp-sampling E *"])
    assert "not observed   " not in result.stdout.str()
    assert "sss" not in result.stdout.str()


def test_long_json_is_broken_where_members_end() -> None:
    message = json.dumps(
        {"text": "a, b" * 10, "other": {"list": [1, 2, 3], "escaped": '\\", "' * 9}, "more": "x" * 200}
    )
    line = f">>> server → client  {message}"
    first, *others = broken_at_members(line)
    assert first.endswith(",")
    assert [len(part) > 110 for part in others] == [False] * (len(others) - 1) + [True]
    assert "".join(part.strip() + " " * part.endswith(",") for part in (first, *others)) == line
    assert list(broken_at_members("plain, and short")) == ["plain, and short"]
    assert list(broken_at_members("x" * 200)) == ["x" * 200]
