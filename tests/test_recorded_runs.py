"""Saved and judged again: with no system under test, and to the same results, result by result."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from in_process import server_in_process
from server_mutants import MUTANTS
from test_server_kill_matrix import NAMED, TIMEOUT, run

from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.archive import About, SavingRecorder
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.run import conclude
from mcp_sampling_conformance.transcript.transcript import Side

ROOT = Path(__file__).parent.parent
QUICK = ("-p", "no:cacheprovider", "-p", "no:asyncio", "--mcp-timeout", "2")
QUICK += ("-W", "ignore::pytest.PytestAssertRewriteWarning")
ASK = ("--mcp-tool", 'ask={"question": "Well?"}')  #: the reference server alone is asked what it has
BOTH_ERAS = ("--mcp-spec-version", "2025-11-25", "--mcp-spec-version", "2026-07-28")


def fixture(script: str, *arguments: str) -> str:
    return " ".join([sys.executable, "-S", str(ROOT / "fixtures" / script), *arguments])


#: a system of each role, transport and era, sound and broken
SYSTEMS: dict[str, tuple[str, ...]] = {
    "reference server": ("--mcp-server", fixture("reference_server.py")),
    "broken server": ("--mcp-server", fixture("server_mutants.py", "max-tokens-string"), *ASK),
    "hanging server": ("--mcp-server", fixture("server_mutants.py", "hangs-undeclared"), *ASK),
    "server over http": (
        *("--mcp-server", fixture("http_server.py", "{port}"), "--mcp-transport", "http"),
        *("--mcp-url", "http://127.0.0.1:{port}/mcp", *ASK),
    ),
    "server of which nothing is called": ("--mcp-server", fixture("hidden_servers.py", "all-destructive")),
    "no server": ("--mcp-server", f"{sys.executable} -c pass"),
    "reference client": ("--mcp-client", fixture("reference_client.py", "{server}")),
    "broken client": ("--mcp-client", fixture("client_mutants.py", "role-system", "{server}")),
    "client over http": ("--mcp-client", fixture("http_clients.py", "{url}")),
    "callback": ("--mcp-callback", "callbacks:good"),
}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def comparable(path: Path) -> list[dict[str, Any]]:
    return read(path)["results"]  # type: ignore[no-any-return]


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    """How many items came to what; warnings of Python itself are no matter of ours."""
    return {word: count for word, count in result.parseoutcomes().items() if not word.startswith("warning")}


@pytest.mark.parametrize("name", SYSTEMS)
def test_saved_and_judged_again_gives_the_same_results(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(
        callbacks="""
        from mcp import types

        async def good(context, params):
            content = types.TextContent(type="text", text="Paris")
            return types.CreateMessageResult(role="assistant", content=content, model="m")
        """
    )
    options = (
        "mcp-sampling",
        *QUICK,
        *("--mcp-examples", "1" if "reference" in name else "0"),
        *BOTH_ERAS,
        *SYSTEMS[name],
        "--mcp-record",
        "saved",
        "--mcp-report",
        "first.json",
    )
    first = pytester.runpytest_inprocess(*options)
    again = pytester.runpytest_inprocess(
        *("mcp-sampling", *QUICK, "--mcp-transcript", "saved", "--mcp-report", "again.json")
    )
    ours, theirs = comparable(pytester.path / "first.json"), comparable(pytester.path / "again.json")
    assert [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b] == []
    assert (first.ret, outcomes(first)) == (again.ret, outcomes(again))
    report = read(pytester.path / "again.json")
    assert report["sampling"] == read(pytester.path / "first.json")["sampling"]
    assert report["target"] == {"kind": "transcript", "value": "saved", "transport": ours[0]["transport"]}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a broken server in one revision."""
    folder = tmp_path_factory.mktemp("record")
    recorder = SavingRecorder(folder, About("server", Side.SERVER, "python server.py", {}, None), Mask())
    server = server_in_process(MUTANTS["max-tokens-string"].program)
    conclude(run(server, ["2025-11-25"], NAMED, Conditions(TIMEOUT, recorder=recorder)), recorder, "stdio")
    recorder.close()
    return folder


def test_the_failure_text_is_the_same(pytester: pytest.Pytester, saved: Path) -> None:
    result = pytester.runpytest_inprocess("mcp-sampling", "--mcp-transcript", str(saved))
    result.stdout.fnmatch_lines(
        [
            "*mcp-sampling::transcript::2025-11-25::max-tokens/integer*",
            "params.maxTokens must be an integer, but is *",
            "  rule      max-tokens/integer, MUST in 2025-11-25 (a server over stdio)",
            ">>> server → client  *",
        ]
    )
    assert result.ret == 1


def test_files_say_revision_and_connection(saved: Path) -> None:
    assert (saved / "2025-11-25-01.jsonl").is_file()
    assert all(path.name.startswith("2025-11-25-") for path in saved.iterdir())


def test_a_part_of_the_record_is_judged_for_what_it_shows(pytester: pytest.Pytester, saved: Path) -> None:
    """Each file alone: what was not recorded is not observed."""
    one = next(path for path in sorted(saved.iterdir()) if '"max' in path.read_text(encoding="utf-8"))
    shutil.copy(one, pytester.path / "one.jsonl")
    result = pytester.runpytest_inprocess("mcp-sampling", "--mcp-transcript", "one.jsonl", "-k", "max-tokens or http")
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["skipped"]


PLAIN = [
    {"from": "client", "message": {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "c"}}}},
    {"from": "server", "message": {"jsonrpc": "2.0", "id": 1, "result": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}}},
    {"from": "client", "message": {"jsonrpc": "2.0", "method": "notifications/initialized"}},
    {"from": "client", "message": {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask"}}},
    {"from": "server", "message": {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {
        "messages": [{"role": "system", "content": {"type": "text", "text": "Hi."}}], "maxTokens": 5}}},
]  # fmt: skip


def test_a_recording_of_others_is_judged_for_what_shows_by_itself(pytester: pytest.Pytester) -> None:
    path = pytester.path / "theirs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in PLAIN), encoding="utf-8")
    undecided = pytester.runpytest_inprocess("mcp-sampling", "--mcp-transcript", "theirs.jsonl")
    assert undecided.ret == 4
    undecided.stderr.fnmatch_lines(["*say which to judge with --mcp-side client or --mcp-side server*"])
    options = ("--mcp-transcript", "theirs.jsonl", "--mcp-side", "server", "--mcp-report", "r.json")
    pytester.runpytest_inprocess("mcp-sampling", *options)
    verdicts = {result["rule"]: result["verdict"] for result in comparable(pytester.path / "r.json")}
    assert verdicts["role/request-roles"] == "fail"
    assert verdicts["max-tokens/integer"] == "pass"
    assert verdicts["liveness/ping-answered"] == "not-observed"
    assert verdicts["sampling-reached"] == "pass"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--mcp-transcript", "nowhere"), "nowhere cannot be read"),
        (("--mcp-transcript", "empty"), "there is no transcript in empty"),
        (("--mcp-transcript", "bad.jsonl"), "bad.jsonl"),
        (("--mcp-transcript", "empty", "--mcp-record", "new"), "--mcp-record: what is judged here was recorded before"),
        (("--mcp-transcript", "empty", "--mcp-server", "x"), "cannot be judged in one run"),
        (("--mcp-server", "true", "--mcp-record", "full"), "'full' is not empty"),
        (("--mcp-server", "true", "--mcp-record", "bad.jsonl/x"), "cannot be made"),
        (("--mcp-transcript", "bad.jsonl", "--mcp-side", "judge"), "--mcp-side: there is no side 'judge'"),
    ],
)
def test_bad_input_gets_one_sentence(pytester: pytest.Pytester, options: tuple[str, ...], why: str) -> None:
    pytester.mkdir("empty")
    (pytester.mkdir("full") / "a file").write_text("theirs", encoding="utf-8")
    (pytester.path / "bad.jsonl").write_text("nonsense\n", encoding="utf-8")
    result = pytester.runpytest_inprocess("mcp-sampling", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert why in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
