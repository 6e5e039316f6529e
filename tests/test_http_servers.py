"""Servers over HTTP and in memory: the reference is clean, each mutant breaks its rules, bad ones are seen through."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import pytest
from http_mutants import MUTANTS
from kill_matrix import FIXTURES, broken, broken_by, judged
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification
from runs import judge, sound
from test_server_kill_matrix import AGENT, TIMEOUT, provoke

from mcp_sampling_conformance.judging.results import Result
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, NEWEST_LEGACY
from mcp_sampling_conformance.rules.registry import all_rules
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript import transcript
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.sdk_messages import from_sdk
from mcp_sampling_conformance.transports.to_server.servers import HttpServer, MemoryServer, Server

URL = "http://127.0.0.1:{port}/mcp"
#: what the reference answers takes some megabytes of odd chunks
PATIENT = 20.0
SECONDS = 60  #: bounds a run of pytest in a process
#: for servers that do not come up, or never answer
SHORT = ("--mcp-timeout", "2", "--mcp-start-timeout", "6")


def over_http(script: str, *arguments: str, url: str = URL, transport: str = "http") -> HttpServer:
    argv = [sys.executable, "-S", str(FIXTURES / script), *arguments, "{port}"]
    return HttpServer(url, {}, Command(argv), transport)


def results(server: Server, revisions: list[str] | None = None) -> list[Result]:
    run = anyio.run(provoke, server, revisions or list(NAMES), [AGENT], Conditions(PATIENT))
    assert not [record.failure for record in run.revisions.values() if record.failure]
    return judged(run, Side.SERVER, server.transport)


@pytest.mark.parametrize("option", ["", "--odd", "--stateless"])
def test_reference_is_clean(option: str) -> None:
    # Odd chunks, some megabytes of them, are as odd in each revision of an era.
    revisions = [NEWEST_LEGACY, *MODERN] if option == "--odd" else [*NAMES]
    found = results(over_http("http_server.py", *filter(None, [option])), revisions)
    assert broken(found) == {}
    spoken = {r.revision for r in found if r.rule == "max-tokens/present" and r.verdict == "pass"}
    # Without sessions a legacy server cannot ask, which is no fault.
    assert spoken == (MODERN if option == "--stateless" else set(revisions))
    legacy = {r.rule: r.verdict for r in found if r.revision == NEWEST_LEGACY}
    judged_as = "pass" if option == "--stateless" else "not-observed"
    assert legacy["http/stateless-fails-cleanly"] == judged_as


def test_the_old_transport_is_clean() -> None:
    server = over_http("http_server.py", "--sse", url="http://127.0.0.1:{port}/sse", transport="sse")
    found = results(server, [name for name in NAMES if name not in MODERN])
    assert broken(found) == {}
    assert any(r.rule == "max-tokens/present" and r.verdict == "pass" for r in found)


# --- mutants


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]

    def run(conditions: Conditions) -> Run:
        return anyio.run(provoke, over_http("http_mutants.py", name), [mutant.revision], [AGENT], conditions)

    broken = broken_by(run, Side.SERVER, TIMEOUT, tmp_path, "http")
    assert set(broken) == mutant.breaks, broken


def test_every_rule_about_http_has_a_mutant() -> None:
    of_http = [rule for rule in all_rules() if rule.transports is not None and "stdio" not in rule.transports]
    rules = {rule.name for rule in of_http if Side.SERVER in rule.binds}
    assert rules <= frozenset().union(*(mutant.breaks for mutant in MUTANTS.values()))


# --- one server, three transports

SDK_SERVER = """
import sys
from typing import Annotated

from mcp.server.mcpserver import MCPServer, Resolve, Sample
from mcp.types import CreateMessageResult, SamplingMessage, TextContent

server = MCPServer("sampled", log_level="CRITICAL")  # for each malformed answer it would render a traceback


def answer():
    question = SamplingMessage(role="user", content=TextContent(type="text", text="What now?"))
    return Sample([question], max_tokens=100)


@server.tool()
def ask(answer: Annotated[CreateMessageResult, Resolve(answer)]) -> str:
    return answer.content.text if isinstance(answer.content, TextContent) else "something else"


if __name__ == "__main__":
    over_http = {"host": "127.0.0.1", "port": int(sys.argv[2])} if sys.argv[2:] else {}
    server.run(sys.argv[1], **over_http)
"""


@pytest.mark.usefixtures("few_plugins")
def test_the_same_server_over_each_transport(pytester: pytest.Pytester) -> None:
    """The same verdicts, but where the transport is what the rule is about."""
    script = pytester.makepyfile(sampled=SDK_SERVER)
    targets: dict[str, tuple[str, ...]] = {
        "stdio": ("--mcp-server", f"{sys.executable} {script} stdio"),
        "http": (
            *("--mcp-server", f"{sys.executable} {script} streamable-http {{port}}"),
            *("--mcp-transport", "http", "--mcp-url", URL),
        ),
        "memory": ("--mcp-server", "sampled:server"),
    }
    verdicts = {}
    for transport, options in targets.items():
        report = f"{transport}.json"
        revisions = ("--mcp-spec-version", NEWEST_LEGACY, "--mcp-spec-version", "2026-07-28", "--mcp-tool", "ask")
        revisions += ("--mcp-examples", "0")
        pytester.runpytest_subprocess("-q", *options, *revisions, "--mcp-report", report, timeout=SECONDS)
        found = json.loads((pytester.path / report).read_text(encoding="utf-8"))
        assert found["target"]["transport"] == transport
        assert [glance["works"] for glance in found["sampling"]] == [True, True], found["sampling"]
        verdicts[transport] = {(r["rule"], r["revision"]): r["verdict"] for r in found["results"]}
    about_one = {rule.name for rule in all_rules() if rule.transports is not None}
    # A key made at start-up holds for one process: over HTTP and in memory there is only one.
    about_one |= {"input-required/another-connection", "liveness/cancelled-not-answered"}
    shared = {key for key in verdicts["stdio"] if key[0] not in about_one}
    for other in ("http", "memory"):
        assert {k: verdicts[other][k] for k in shared} == {k: verdicts["stdio"][k] for k in shared}


@pytest.mark.usefixtures("few_plugins")
def test_the_client_for_users_reaches_a_server_over_http(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_what_it_asks(mcp_sampling_client):
            client = mcp_sampling_client(answers=["Sunny."])
            assert client.call_tool("ask", {"question": "Weather?"})["content"][0]["text"] == "Sunny."
        """
    )
    server = f"{sys.executable} -S {FIXTURES / 'http_server.py'} {{port}}"
    options = ("--mcp-server", server, "--mcp-transport", "http", "--mcp-url", URL, "-k", "what_it_asks")
    result = pytester.runpytest_subprocess("-p", "no:asyncio", *options, timeout=SECONDS)
    assert result.parseoutcomes()["passed"] == 1
    assert result.ret == 0


def test_an_object_that_is_no_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(things="number = 7")
    for target, says in {
        "things:number": "'things:number' is no server object of the Python SDK",
        "things:nothing": "'things:nothing' cannot be imported (AttributeError: *",
    }.items():
        result = pytester.runpytest_inprocess("--mcp-server", target)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: --mcp-server: {says}"])


def test_a_memory_server_that_raises() -> None:
    class Raises:
        def create_initialization_options(self) -> None: ...

        async def run(self, *streams: object) -> None:
            raise RuntimeError("out of order")

    run = anyio.run(provoke, MemoryServer(Raises()), [NEWEST_LEGACY], [AGENT], Conditions(TIMEOUT))
    assert "RuntimeError: out of order" in (run.revisions[NEWEST_LEGACY].failure or "")


def test_a_message_in_memory_that_could_not_be_written() -> None:
    params = {"half": "\ud800", "thing": object}
    text = from_sdk(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/odd", params=params)))
    assert json.loads(text)["params"] == {"half": "\ud800", "thing": "<class 'object'>"}


# --- options


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--mcp-server", "http://"), "--mcp-server: 'http://' is no URL*"),
        (("--mcp-server", "http://127.0.0.1:1/mcp", "--mcp-transport", "ftp"), "--mcp-transport: there is no 'ftp'*"),
        (("--mcp-server", "http://127.0.0.1:1/mcp", "--mcp-transport", "stdio"), "*leave out*"),
        (("--mcp-server", "true", "--mcp-transport", "http"), "*say with --mcp-url where*"),
        (("--mcp-server", "true", "--mcp-url", URL), "*add --mcp-transport http*"),
        (
            ("--mcp-server", "http://127.0.0.1:1/mcp", "--mcp-header", "no header"),
            "*is no header; write 'Name: value'*",
        ),
    ],
)
def test_a_wrong_option_is_said_in_one_sentence(pytester: pytest.Pytester, options: tuple[str, ...], says: str) -> None:
    result = pytester.runpytest_inprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {says}"])


def test_nobody_listens(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--mcp-server", "http://127.0.0.1:9/mcp", "--mcp-timeout", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the server cannot be reached*"])


# --- servers that are out of order

#: bytes of a connection after which a flood is cut off here: to write all that is allowed takes long
FEW = 4 * 1024 * 1024
#: how each is seen through: the exit code, and texts of the output
BROKEN: dict[str, tuple[int, list[str]]] = {
    "exits": (1, ["no answer: the connection broke"]),
    "resets": (1, ["the connection broke"]),
    "html": (1, ["HTTP 500", "Internal"]),
    "html-always": (1, ["HTTP 500"]),
    "half-an-event": (1, ["no answer: the connection broke"]),
    "never-ends": (1, ["no answer within"]),
    "redirects-away": (1, ["it leads to another origin"]),
    "redirects-in-circles": (1, ["redirects"]),
    "redirects-within": (0, []),
    "listens-late": (0, []),
    "floods": (1, [f"the harness ended a connection with more than {FEW:,} bytes on one connection"]),
    "no-json": (1, []),
    "plain-text": (1, ["no answer"]),
    "gzip-garbage": (1, ["no answer"]),
    "slow-headers-always": (1, []),
    "silent-always": (1, ["did not answer initialize within"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_server(pytester: pytest.Pytester, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "CONNECTION_BYTES", FEW)
    server = f"{sys.executable} -S {FIXTURES / 'broken_http_servers.py'} {name} {{port}}"
    options = ("--mcp-transport", "http", "--mcp-url", URL, "--mcp-tool", "ask", *SHORT)
    outcome = judge(pytester, "--mcp-server", server, *options, "--mcp-spec-version", NEWEST_LEGACY, "--mcp-examples=0")
    sound(outcome)
    expected, texts = BROKEN[name]
    assert outcome.code == expected, outcome.output
    for text in texts:
        assert text in outcome.output
