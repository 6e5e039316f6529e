"""Both eras as a user sees them: what is found out by itself, and the answer at a glance."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_fixtures_for_users import CLIENT, SERVER, hello, my_callback

from mcp_sampling_conformance.testing import CallFailed

FIXTURES = Path(__file__).parent.parent / "fixtures"
LEGACY, MODERN = "2025-11-25", "2026-07-28"
BOTH = ("--mcp-spec-version", LEGACY, "--mcp-spec-version", MODERN, "--mcp-report", "report.json")

Run = Callable[..., dict[str, Any]]

SERVERS = {
    "dual": "",
    "legacy": "def is_modern(self, params):\n    return False",
    "modern": "def initialize(self, params):\n    raise SystemExit('this server knows no initialize')",
    "legacy-api": (
        "def call(self, id, method, params):\n"
        "    raise Refused(-32600, 'there is no way to send sampling/createMessage')"
    ),
}
CLIENTS = {
    "dual": "",
    "legacy": "def connect(self):\n    self.revision = self.initialize()['protocolVersion']\n"
    "    self.send({'method': 'notifications/initialized'})",
    "modern": "def initialize(self):\n    raise SystemExit('this client knows no initialize')",
}


def variant(pytester: pytest.Pytester, of: str, body: str) -> str:
    """The command of a reference server or client with a method replaced."""
    start = "Variant().serve(sys.stdin.buffer)" if of == "server" else "main(Variant, sys.argv[1:])"
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(FIXTURES)!r})",
        f"from reference_{of} import *",
        f"class Variant({of.title()}):",
        *(f"    {line}" for line in (body or "pass").splitlines()),
        start,
    ]
    script = pytester.makepyfile(**{f"variant_{of}": "\n".join(lines)})
    return f"{sys.executable} -S {script}" + (" {server}" if of == "client" else "")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Judge a variant in one revision of each era; the report, with the output as ``output``."""
    monkeypatch.setenv("COLUMNS", "250")

    def run(of: str, body: str) -> dict[str, Any]:
        target = (f"--mcp-{of}", variant(pytester, of, body))
        ignored = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
        result = pytester.runpytest_inprocess("-p", "no:asyncio", "-rs", "--mcp-examples=0", *target, *BOTH, *ignored)
        report: dict[str, Any] = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
        return {**report, "output": result.stdout.str(), "ret": result.ret}

    return run


def verdicts(report: dict[str, Any], revision: str) -> Counter[str]:
    return Counter(r["verdict"] for r in report["results"] if r["revision"] == revision and "/" in r["rule"])


def works(report: dict[str, Any]) -> dict[str, bool]:
    return {glance["revision"]: glance["works"] for glance in report["sampling"]}


@pytest.mark.parametrize("of", ["server", "client"])
def test_the_dual_era_is_judged_in_both(run: Run, of: str) -> None:
    report = run(of, "")
    assert report["ret"] == 0
    assert works(report) == {LEGACY: True, MODERN: True}
    assert f"\n{LEGACY}: works; {MODERN}: works\n" in report["output"]
    for revision in (LEGACY, MODERN):
        assert verdicts(report, revision)["pass"] > 40
    assert "mcp sampling: sampling is deprecated in MCP since 2026-07-28" in report["output"]


@pytest.mark.parametrize(
    ("of", "era", "spoken", "other", "reason"),
    [
        ("server", "legacy", LEGACY, MODERN, "the server answered server/discover with the error"),
        ("server", "modern", MODERN, LEGACY, f"the server speaks {MODERN} only: it ended (exit code 1)"),
        ("client", "legacy", LEGACY, MODERN, "the client speaks the legacy era only: it began with initialize"),
        ("client", "modern", MODERN, LEGACY, "the client speaks the modern era only: it began with server/discover"),
    ],
)
def test_a_single_era_is_found_out(run: Run, of: str, era: str, spoken: str, other: str, reason: str) -> None:
    report = run(of, {"server": SERVERS, "client": CLIENTS}[of][era])
    assert report["ret"] == 0
    assert works(report) == {spoken: True, other: False}
    assert verdicts(report, spoken)["pass"] > 40
    assert verdicts(report, other).keys() == {"not-applicable"}
    assert f"not-applicable: {reason}" in report["output"]
    assert f"does not work: {reason}" in report["output"]


def test_a_server_that_calls_the_legacy_api_in_the_modern_era(run: Run) -> None:
    """The client sees an error instead of a question. That is the server's right, and the headline says so, with what
    to do in a warning."""
    report = run("server", SERVERS["legacy-api"])
    assert report["ret"] == 0
    assert works(report) == {LEGACY: True, MODERN: False}
    (warning,) = [result for result in report["results"] if result["verdict"] in ("fail", "warn")]
    assert (warning["rule"], warning["revision"]) == ("input-required/asks-in-its-result", MODERN)
    seen = f"asks a {LEGACY} client for sampling, but a {MODERN} client sees the error"
    assert seen in warning["message"]
    assert "answers the call with an InputRequiredResult instead" in warning["message"]
    assert any("there is no way to send sampling/createMessage" in line for line in warning["evidence"])
    (headline,) = [glance["why"] for glance in report["sampling"] if glance["revision"] == MODERN]
    assert seen in headline


def test_a_callback_is_judged_in_both_eras(pytester: pytest.Pytester) -> None:
    pytester.syspathinsert(Path(__file__).parent)
    options = ("--mcp-callback", "test_fixtures_for_users:my_callback", *BOTH)
    pytester.runpytest_inprocess("-p", "no:asyncio", *options, "-W", "ignore::pytest.PytestAssertRewriteWarning")
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert works(report) == {LEGACY: True, MODERN: True}
    # It says back whatever it is told: tools that it did not declare, and more words than it is allowed.
    failed = {(r["rule"], r["revision"]) for r in report["results"] if r["verdict"] == "fail"}
    undeclared = {("capability/tools-undeclared-rejected", revision) for revision in (LEGACY, MODERN)}
    assert failed == undeclared | {("max-tokens/respected", MODERN)}


# --- the fixtures for users' own tests


def test_a_server_asked_in_the_modern_era(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client(SERVER, answers=["Sunny."], revision=MODERN)
    result = client.call_tool("ask", {"question": "Weather?"})
    assert (result["resultType"], result["content"][0]["text"]) == ("complete", "Sunny.")
    assert client.requests[0]["messages"][0]["content"]["text"] == "Weather?"


def test_without_sampling_in_the_modern_era(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client(SERVER, sampling=None, revision=MODERN)
    with pytest.raises(CallFailed) as raised:
        client.call_tool("ask", {"question": "Weather?"})
    assert raised.value.error is not None
    assert raised.value.error["code"] == -32021


@pytest.mark.parametrize("client", [my_callback, CLIENT], ids=["callback", "command"])
def test_what_a_modern_client_answers(mcp_sampling_server: Any, client: Any) -> None:
    answers = mcp_sampling_server(client, revision=MODERN).ask_all([hello(), hello("Bye.")])
    assert [answer["result"]["content"]["text"].lower() for answer in answers] == ["hello.", "bye."]


def test_the_era_is_found_out(pytester: pytest.Pytester, mcp_sampling_client: Any, mcp_sampling_server: Any) -> None:
    """Without a revision, either side may be modern only."""
    server = variant(pytester, "server", SERVERS["modern"])
    assert mcp_sampling_client(server, answers=["Sunny."]).call_tool("ask", {"question": "Weather?"})
    client = variant(pytester, "client", CLIENTS["modern"])
    assert mcp_sampling_server(client).ask(hello())["result"]["content"]["text"] == "Hello."
