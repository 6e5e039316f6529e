"""Clients over Streamable HTTP: the reference is clean, each mutant breaks its rules, bad ones end in time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from http_clients import BROKEN, MUTANTS
from kill_matrix import FIXTURES, all_rules_of, broken, broken_by, judged, python
from runs import Outcome, judge, sound

from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript import transcript
from mcp_sampling_conformance.transcript.events import HttpExchange
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side, Transcript
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_client.http import http_entrance

SCRIPT = "http_clients.py"
NEWEST = "2025-11-25"
NEWEST_OF_EACH = [NEWEST, *MODERN]
#: seconds, for clients that answer within milliseconds, and for those that do not answer
TIMEOUT, SHORT = 5.0, 2
PATIENT = Conditions(TIMEOUT)


async def run(name: str, revisions: list[str], conditions: Conditions = PATIENT) -> Run:
    command = [*python(SCRIPT, *([name] if name else [])), "{url}"]
    chosen = [REVISIONS[revision] for revision in revisions]
    return await provoke_client(Command(command), chosen, [], conditions)


@pytest.mark.parametrize("name", ["", "lenient", "at-once", "a-session-for-each-call", "calls-three-a-start"])
def test_clean(name: str) -> None:
    # How a client calls is the same in each revision of an era.
    revisions = NEWEST_OF_EACH if "call" in name or name == "at-once" else [*NAMES]
    record = anyio.run(run, name, revisions)
    assert broken(judged(record, Side.CLIENT, "http")) == {}
    assert record.reached == revisions
    assert all(found.opened and not found.failure for found in record.revisions.values())


# --- mutants


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]

    def provoke(conditions: Conditions) -> Run:
        return anyio.run(run, name, [mutant.revision], conditions)

    broken = broken_by(provoke, Side.CLIENT, TIMEOUT, tmp_path, "http")
    assert set(broken) == mutant.breaks, broken


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_every_rule_about_http_has_a_mutant(modern: bool) -> None:
    ours = [mutant.breaks for mutant in MUTANTS.values() if REVISIONS[mutant.revision].modern is modern]
    only_http = all_rules_of(Side.CLIENT, [modern], "http") - all_rules_of(Side.CLIENT, [modern], "stdio")
    assert only_http == frozenset().union(*ours)


# --- bad ones

#: bytes of a connection after which a flood is cut off here: to write all that is allowed takes long
FEW = 4 * 1024 * 1024
#: what must come out ("error", "clean", or the rules that must fail), and what the output must say
EXPECTED: dict[str, tuple[str | set[str], list[str]]] = {
    "never-connects": ("error", ["sent nothing to our URL: it was given 6 s", "stderr:\n  Which server?"]),
    "exits-with-words": ("error", ["sent nothing to our URL: it ended with exit code 1", "stderr:\n  No key, no mo"]),
    "stays-silent": ("error", ["sent nothing to our URL: it was given 6 s"]),
    "posts-only-garbage": ("error", ["more than 500 sessions of one start", "it posted: garbage garbage"]),
    "opens-many-sessions": ("error", ["cut off by the harness (more than 500 sessions of one start of the client)"]),
    "floods": ("error", ["called 0 of", f"more than {FEW:,} bytes on one connection"]),
    "dies-while-sampling": (
        {"content/kinds-answered", "error/malformed-request-survived"},
        [
            "the client ended (exit code 3) instead of answering an image",
            "_an_image: The model is gone.",
        ],
    ),
    "hangs-while-sampling": (
        {"content/kinds-answered", "error/malformed-request-survived"},
        ["an image got no answer within 2 s", "_an_image, and was ended"],
    ),
    "never-exits": ("clean", ["the client did not end by itself, and was ended"]),
    "calls-three-a-start": ("clean", []),
    "a-session-for-each-call": ("clean", []),
    "hangs-up": ({"single-response/exactly-one"}, ["a plain request got no answer within 2 s"]),
}


def judged_by_pytest(pytester: pytest.Pytester, name: str, *options: str, place: str = " {url}") -> Outcome:
    client = f"{sys.executable} -S {FIXTURES / SCRIPT} {name}{place}"
    plain = ("--mcp-timeout", str(SHORT), "--mcp-start-timeout", "6", "--mcp-examples=0", "--mcp-spec-version", NEWEST)
    return judge(pytester, "--mcp-client", client, *plain, *options)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_client(pytester: pytest.Pytester, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "CONNECTION_BYTES", FEW)
    outcome = judged_by_pytest(pytester, name)
    sound(outcome)
    expected, texts = EXPECTED[name]
    assert outcome.rules("error") == ({"sampling-reached"} if expected == "error" else set()), outcome.output
    assert outcome.rules("fail") == (expected if isinstance(expected, set) else set()), outcome.output
    for text in texts:
        assert text in outcome.output, outcome.output
    assert "ASGI" not in outcome.output


@pytest.mark.parametrize("place", ["", " {url}"], ids=["appended", "in-its-place"])
def test_where_the_url_goes(pytester: pytest.Pytester, place: str) -> None:
    outcome = judged_by_pytest(pytester, "at-once", place=place)
    assert "mcp sampling: client over http" in outcome.output
    assert outcome.verdicts(NEWEST)["http/session-kept"] == "pass"
    assert outcome.rules("fail") == set(), outcome.output


#: as in the README, with a URL
SDK_CLIENT = """
import sys

import anyio
from mcp import Client, types


async def sample(context, params):
    answer = types.TextContent(type="text", text="Paris")
    return types.CreateMessageResult(role="assistant", content=answer, model="my-model")


async def main():
    async with Client(sys.argv[1], sampling_callback=sample) as client:
        for tool in (await client.list_tools()).tools:
            try:
                await client.call_tool(tool.name, {})
            except Exception as error:
                print(error, file=sys.stderr)


anyio.run(main)
"""


def test_a_client_of_the_python_sdk(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(SDK_CLIENT)
    command = Command([sys.executable, str(tmp_path / "client.py"), "{url}"])
    chosen = [REVISIONS[name] for name in NEWEST_OF_EACH]
    record = anyio.run(provoke_client, command, chosen, [], PATIENT)
    assert record.reached == NEWEST_OF_EACH
    results = judged(record, Side.CLIENT, "http")
    assert {r.rule for r in results if r.topic == "http" and r.verdict == "pass"} == {
        *("http/session-kept", "http/version-header", "http/version-negotiated", "http/accept-header"),
        *("http/request-headers", "http/one-message-a-post", "http/polling-survived"),
    }
    # The SDK hands tools to a callback that did not declare them, and so does this callback not refuse them. And it
    # answers requests of a modern server, which may send none.
    tools = {"capability/tools-undeclared-rejected", "tool-loop/undeclared-rejected"}
    assert broken(results).keys() <= {*tools, "association/no-error-either"}


def test_what_is_said_of_a_request_that_lacks_its_headers(pytester: pytest.Pytester) -> None:
    outcome = judged_by_pytest(pytester, "no-name", "--mcp-spec-version", *MODERN)
    assert "in POST 3 (tools/call), the header Mcp-Name is missing" in outcome.output
    assert (
        "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#standard-request"
        in (outcome.output)
    )
    assert "called only 0 of" in outcome.output


@pytest.mark.parametrize("revision", [None, *MODERN])
def test_requests_of_ones_own(mcp_sampling_server: Callable[..., Any], revision: str | None) -> None:
    server = mcp_sampling_server([*python(SCRIPT), "{url}"], revision=revision)
    hello = {"role": "user", "content": {"type": "text", "text": "Hello."}}
    assert server.ask({"messages": [hello], "maxTokens": 10})["result"]["content"]["text"] == "Hello."


# --- the endpoint


def exchange(revision: str, *heads: str) -> list[int]:
    """The status that each of these requests gets, whose first line and headers are given."""

    async def ask() -> list[int]:
        async def serve(wire: object) -> None:
            pass

        def failed(error: Exception) -> None:
            raise error

        found = []
        async with http_entrance(REVISIONS[revision], lambda: Transcript("a test", "http"), serve, failed) as entrance:
            port = int(entrance.words[0].rpartition(":")[2].split("/")[0])
            for head in heads:
                stream = await anyio.connect_tcp("127.0.0.1", port)
                await stream.send(head.format(port=port).replace("\n", "\r\n").encode() + b"\r\n\r\n")
                found.append(int((await stream.receive()).split()[1]))
                await stream.aclose()
        return found

    return anyio.run(ask)


LOCAL = "Host: 127.0.0.1:{port}"


def test_only_this_machine_is_served() -> None:
    assert exchange(
        NEWEST,
        "GET /mcp HTTP/1.1\nHost: evil.example:{port}",
        "GET /mcp HTTP/1.1\nHost: 127.0.0.1",
        f"GET /mcp HTTP/1.1\n{LOCAL}\nOrigin: http://evil.example",
        f"GET /mcp HTTP/1.1\n{LOCAL}\nOrigin: null",
        f"GET /mcp HTTP/1.1\n{LOCAL}\nOrigin: http://localhost:{{port}}",
        "GET /mcp HTTP/1.1\nHost: localhost:{port}",
        f"GET /other HTTP/1.1\n{LOCAL}",
    ) == [403, 403, 403, 403, 405, 405, 404]


@pytest.mark.parametrize(("revision", "status"), [(NEWEST, 404), (*MODERN, 405)])
def test_what_there_is_no_session_for(revision: str, status: int) -> None:
    lines = [f"{method} /mcp HTTP/1.1\n{LOCAL}\nMcp-Session-Id: x" for method in ("GET", "DELETE")]
    assert exchange(revision, *lines) == [status, status]


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        (NEWEST, {("initialize", 200), ("notifications/initialized", 202), ("tools/list", 200), (None, 202)}),
        (*MODERN, {("server/discover", 200), ("tools/list", 200), ("tools/call", 200)}),
    ],
)
def test_statuses(revision: str, expected: set[tuple[str | None, int]]) -> None:
    *_, transcript = anyio.run(run, "", [revision]).revisions[revision].transcripts
    statuses = {event.exchange: event.status for event in transcript.events(HttpExchange)}
    posted = [entry for entry in transcript.entries if entry.sender is Side.CLIENT]
    assert expected <= {(entry.parse().value.get("method"), statuses[entry.channel]) for entry in posted}


@pytest.mark.parametrize("revision", NEWEST_OF_EACH)
def test_what_our_endpoint_records(revision: str) -> None:
    *_, transcript = anyio.run(run, "", [revision]).revisions[revision].transcripts
    exchanges = {event.exchange: event for event in transcript.events(HttpExchange)}
    sent = [entry for entry in transcript.entries if entry.sender is Side.SERVER]
    for entry in sent:
        streamed = exchanges[entry.channel].response_headers["content-type"] == "text/event-stream"
        assert entry.raw == (b"event: message\ndata: " + entry.payload + b"\n\n" if streamed else entry.payload)
    assert any(entry.data is not None for entry in sent)
    assert {"accept", "content-type"} <= exchanges["POST 1"].request_headers.keys()
