"""What goes wrong where bytes travel: each run ends, names the cause, keeps what it has found, and stays small."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio
import pytest
from hostile import judge, sound
from hostile_transports import VARIANTS

from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS, Revision
from mcp_sampling_conformance.rules.registry import rules_for
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.callees import Callee
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.subjects.judgement import RecordJudgement
from mcp_sampling_conformance.subjects.subject import REACHED, RunTerms
from mcp_sampling_conformance.transcript import transcript
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import HttpServer, Server, StdioServer

SCRIPT = Path(__file__).parent.parent / "fixtures" / "hostile_transports.py"
REVISION, OLDEST = "2025-11-25", "2024-11-05"
URL, SSE_URL = "http://127.0.0.1:{{port}}/mcp", "http://127.0.0.1:{{port}}/sse"
#: how each kind is judged, with its command in the place of {}
OPTIONS = {
    "stdio": ["--mcp-server", "{}", "--mcp-tool", "ask"],
    "http": ["--mcp-server", "{} {{port}}", "--mcp-transport", "http", "--mcp-url", URL, "--mcp-tool", "ask"],
    "sse": ["--mcp-server", "{} {{port}}", "--mcp-transport", "sse", "--mcp-url", SSE_URL],
    "client": ["--mcp-client", "{} {{server}}"],
    "http-client": ["--mcp-client", "{} {{url}}"],
}
#: where the run finds out by itself what to call
LISTS = ("odd-names", "pages-without-end")
#: what hangs is not waited for long; nothing else is hurried
HANG = ("samples-without-end", "odd-retry", "continues", "no-endpoint")
SHORT, LONG = 0.5, 5.0


class Seen(NamedTuple):
    """What a run makes of a variant."""

    reached: str  #: the verdict on the run as a whole
    text: str = ""  #: what it says
    broken: tuple[str, ...] | None = None  #: the rules that are broken, where they are the point


CUT_OFF = "cut off by the harness (more than "
#: bytes of a connection after which some floods are cut off here, instead of the usual ones, which take long
FEW, SOON = 8 * 1024 * 1024, ("events-without-end", "many-notifications")

EXPECTED = {
    "long-line": Seen("error", CUT_OFF + "16,777,216 bytes in one line)", ()),
    "line-without-end": Seen("error", CUT_OFF + "16,777,216 bytes in one line)", ()),
    "many-values": Seen("error", CUT_OFF + "250,000 JSON values in one message)", ()),
    "many-values-in-all": Seen("error", CUT_OFF + "2,000,000 JSON values in the record of one revision)", ()),
    "deep-message": Seen("error", CUT_OFF + "200 levels of JSON values in one message)", ()),
    "many-pings": Seen("pass", broken=()),
    "progress-without-end": Seen("error", CUT_OFF + "67,108,864 bytes on one connection)"),
    "samples-without-end": Seen("pass"),
    "many-malformed": Seen("pass", "params.messages must be an array, but is 0"),
    "loud-stderr": Seen("pass", broken=()),
    "pages-without-end": Seen("pass", broken=("content/tool-names-unique",)),  # "ask" is on each page
    "odd-names": Seen("pass", broken=("content/schemas-valid",)),
    "odd-ids": Seen("pass", "id must be a string or an integer, but is {"),
    "odd-messages": Seen(
        "pass", broken=("error/shape", "single-response/exactly-one", "id/id-unique", "framing/stdout-clean")
    ),
    "odd-numbers": Seen("pass", "NaN is not a JSON number"),
    "odd-bytes": Seen("pass", broken=("framing/stdout-clean",)),
    "last-line-without-end": Seen("fail", "the server ended (exit code 0) before it answered"),
    "exits-at-once": Seen("error", "ended with exit code 1\nthe last lines of its stderr:\n  No database, no service."),
    "never-listens": Seen("error", "did not within 2 s\nthe last lines of its stderr:\n  I am thinking."),
    "daemonizes": Seen(
        "error", "ended with exit code 0; it has to stay in the foreground\nthe last lines of its stderr"
    ),
    "latin-session": Seen("pass", broken=()),
    "odd-event-ids": Seen("pass", broken=()),
    "odd-retry": Seen("fail", "no answer within"),
    "odd-location": Seen("fail", "no answer: HTTP 307, a redirect, and it is no URL"),
    "other-port": Seen("fail", "no answer: HTTP 307, a redirect, and it leads to another origin"),
    "odd-status": Seen("fail", "no answer: HTTP 999"),
    "no-status": Seen("fail", "no answer: the connection broke"),
    "closes-in-head": Seen("fail", "no answer: the connection broke"),
    "long-header": Seen("fail", "no answer: the connection broke"),
    "many-headers": Seen("fail", "no answer: the exchange ended without a response"),
    "odd-headers": Seen("fail", "no answer: the connection broke"),
    "continues": Seen("fail", "no answer within"),
    "old-http": Seen("fail", "answered without sampling"),
    "odd-chunks": Seen("fail", "no answer: the connection broke"),
    "negative-length": Seen("fail", "no answer: the connection broke"),
    "short-body": Seen("fail", "no answer: the connection broke"),
    "body-without-end": Seen("error", CUT_OFF + "16,777,216 bytes in one HTTP body)"),
    "gzip-bomb": Seen("error", CUT_OFF + "16,777,216 bytes in one HTTP body)"),
    "odd-encoding": Seen("fail", "no answer: the connection broke"),
    "events-without-end": Seen("error", CUT_OFF + f"{FEW:,} bytes on one connection)"),
    "long-event": Seen("error", CUT_OFF + "16,777,216 bytes in one event of a stream)"),
    "endpoint-is-no-url": Seen("error", "its endpoint event is not followed: it is no URL"),
    "endpoint-elsewhere": Seen("error", "its endpoint event is not followed: it leads to another origin"),
    "no-endpoint": Seen("error", "did not answer initialize within"),
    "odd-calls": Seen("pass", "id must be a string or an integer, but is {"),
    "long-call": Seen("error", "more than 16,777,216 bytes in one line"),
    "deep-answer": Seen("pass", "more than 200 levels of JSON values in one message", ()),
    "many-notifications": Seen("error", f"more than {FEW:,} bytes on one connection"),
    "replaces-the-folder": Seen("pass", broken=()),
    "many-connections": Seen("error", "more than 500 connections of one start of the client"),
    "long-body": Seen("error", "more than 16,777,216 bytes in one HTTP body"),
    "odd-requests": Seen("pass", "", ("http/session-kept", "http/version-header", "http/accept-header")),
    "odd-posts": Seen("pass", "id must be a string or an integer, but is {"),
}


def test_each_variant_is_run() -> None:
    assert EXPECTED.keys() == VARIANTS.keys()


def timeout(name: str) -> float:
    return SHORT if name in HANG else LONG


# --- as a user runs them

WHOLE = (
    *(
        "long-line",
        "many-values-in-all",
        "deep-message",
        "progress-without-end",
        "odd-names",
        "odd-ids",
        "exits-at-once",
    ),
    *("never-listens", "daemonizes", "latin-session", "gzip-bomb", "endpoint-is-no-url", "odd-calls", "long-body"),
    *("replaces-the-folder", "many-connections", "odd-posts"),
)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_run(tmp_path: Path, name: str) -> None:
    kind, seen = VARIANTS[name].kind, EXPECTED[name]
    options = [option.format(f"{sys.executable} -S {SCRIPT} {name}") for option in OPTIONS[kind]]
    outcome = judge(
        tmp_path,
        *(options[:2] if name in LISTS else options),
        *("--mcp-spec-version", OLDEST if kind == "sse" else REVISION),
        *("--mcp-timeout", str(timeout(name)), "--mcp-start-timeout", "2", "--mcp-examples", "0"),
    )
    sound(outcome)
    (reached,) = outcome.results("sampling-reached")
    assert reached["verdict"] == seen.reached, outcome.text
    assert seen.text in outcome.text
    found = [result for result in outcome.report["results"] if result["verdict"] in ("fail", "warn", "error")]
    check_broken(seen, [result["rule"] for result in found])


def check_broken(seen: Seen, rules: Iterable[str]) -> None:
    if seen.broken is not None:
        assert tuple(rule for rule in rules if rule != REACHED) == seen.broken


# --- the same in the process of the tests, which is faster


class Silent:
    """A progress that shows nothing."""

    def say(self, text: str) -> None: ...
    def show(self) -> None: ...
    def clear(self) -> None: ...


def provoke(name: str, revision: Revision) -> Run:
    """What the scenarios record of a variant."""
    kind, command = VARIANTS[name].kind, [sys.executable, "-S", str(SCRIPT), name]
    conditions = Conditions(timeout(name), start_timeout=2.0)
    if kind.endswith("client"):
        word = "{url}" if kind == "http-client" else "{server}"
        return anyio.run(provoke_client, Command([*command, word]), [revision], [], conditions)
    named = [] if name in LISTS else [Callee("tool", "ask", {"question": "What now?"})]
    server: Server = StdioServer(Command(command))
    if kind != "stdio":
        url = (URL if kind == "http" else SSE_URL).format()
        server = HttpServer(url, command=Command([*command, "{port}"]), transport=kind)
    return anyio.run(provoke_server, server, [revision], named, conditions)


def judged(name: str, revision: Revision) -> RecordJudgement:
    run = provoke(name, revision)
    assert not any(record.bugs for record in run.revisions.values())
    kind = VARIANTS[name].kind
    role = Side.CLIENT if kind.endswith("client") else Side.SERVER
    transport = {"client": "stdio", "http-client": "http"}.get(kind, kind)
    subject: Any = SimpleNamespace(kind=role.value, role=role, value=name, transport=transport)
    return RecordJudgement(subject, role.value, run, RunTerms([revision], strict=False, mask=Mask(), progress=Silent()))


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in WHOLE])
def test_hostile(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in SOON:
        monkeypatch.setattr(transcript, "CONNECTION_BYTES", FEW)
    seen, revision = EXPECTED[name], REVISIONS[OLDEST if VARIANTS[name].kind == "sse" else REVISION]
    judgement = judged(name, revision)
    reached = judgement.result(REACHED, None)
    assert reached.verdict == seen.reached, reached.message
    results = [
        result for rule in rules_for(Side(reached.role), revision) if (result := judgement.result(rule.name, revision))
    ]
    found = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)]
    assert not any(result.verdict is Verdict.ERROR for result in found)
    assert seen.text in "\n".join([reached.message, *judgement.notes, *(result.message for result in found)])
    check_broken(seen, [result.rule for result in found])


@pytest.mark.parametrize("name", ["odd-calls", "odd-posts", "odd-ids", "odd-messages", "odd-names"])
def test_values_of_the_wrong_type_in_the_modern_era(name: str) -> None:
    judgement = judged(name, REVISIONS["2026-07-28"])
    assert judgement.result(REACHED, None).verdict is Verdict.PASS
