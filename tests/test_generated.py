"""Generated content against live systems: what hangs or dies on particular content is found without being told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import client_mutants
import picky_clients
import picky_servers
import pytest
from hypothesis import given, settings
from in_process import client_in_process, server_in_process
from kill_matrix import python
from lenient_client import LENIENT
from reference_client import Client
from reference_server import Server
from server_mutants import MUTANTS

from mcp_sampling_conformance.judging.judge import broken_since
from mcp_sampling_conformance.peers.client import FixtureClient
from mcp_sampling_conformance.peers.server import Book
from mcp_sampling_conformance.protocol.revisions import REVISIONS, Revision
from mcp_sampling_conformance.scenarios.client.examples import invalid_requests, try_on_client, valid_requests
from mcp_sampling_conformance.scenarios.client.run import ClientRun
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.scenarios.search.example import Attempt, Example, Find
from mcp_sampling_conformance.scenarios.search.hunt import searching
from mcp_sampling_conformance.scenarios.search.search import Search
from mcp_sampling_conformance.scenarios.server.callees import Callee
from mcp_sampling_conformance.scenarios.server.connections import open_client
from mcp_sampling_conformance.scenarios.server.examples import invalid_answers, try_on_server, valid_answers
from mcp_sampling_conformance.scenarios.server.ground import ground
from mcp_sampling_conformance.transcript.run import RevisionRun, Run
from mcp_sampling_conformance.transcript.transcript import Transcript
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

MUCH = Generated(examples=100, seed=0)
#: enough to come across each of the many ways to break a rule
MORE = Generated(examples=400, seed=0)
TIMEOUT = 1.5
ASK = Callee("tool", "ask", {"question": "What now?"})
LEGACY, MODERN = "2025-11-25", "2026-07-28"
#: what an example comes to that has been shrunk, as JSON
SMALL = 450


async def searched_server(command: Command, revision: Revision, answers: Any, how: Generated = MUCH) -> Search:
    """A search with answers to the sampling of one tool, on connections to a command."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[FixtureClient]:
        transcript = Transcript("a search", "stdio")
        async with open_client(StdioServer(command), revision, transcript, TIMEOUT) as client:
            await client.greet(revision.name, {})
            await client.begin()
            yield client

    async with searching(partial(answers, revision, {ASK.label: []}), how, TIMEOUT) as search, ground(connect) as place:
        await try_on_server(search, place, [ASK], revision, broken_since)
    return search


async def searched_client(command: Command, revision: Revision, requests: Any, how: Generated = MUCH) -> Search:
    """A search with sampling requests, made of a command that is started as often as need be."""

    async def start(book: Book) -> None:
        run = Run({revision.name: RevisionRun()})
        await ClientRun(command, revision, book, run, Conditions(TIMEOUT)).one_start()

    async with searching(partial(requests, revision, False), how, TIMEOUT) as search:
        await try_on_client(search, start, revision, broken_since)
    return search


def check(finds: list[Find], holds: Callable[[Any], bool], huge: bool = False) -> None:
    """What was found is what the system cannot take, and hardly anything else."""
    assert finds
    for find in finds:
        assert find.alone
        assert holds(find.example.value), find.example
        assert huge or len(json.dumps(find.example.value)) < SMALL, find.example


#: role, what it cannot take, how it ends, revision
Case = tuple[str, str, str, str]
ERRORS = "error-with-data"  #: in the only era in which errors are answers


def cases(role: str, *tables: Any) -> list[Case]:
    """Each thing once, the eras in turn; one of them hangs, which takes longer than to die."""
    names = [name for table in tables for name in table]
    eras = {name: LEGACY if name == ERRORS else (LEGACY, MODERN)[n % 2] for n, name in enumerate(names)}
    return [(role, name, "hangs" if name == "webp" else "dies", eras[name]) for name in names]


CASES = [
    *cases("server", picky_servers.VALID, picky_servers.BAD_ANSWERS),
    *cases("client", picky_clients.VALID, picky_clients.BAD_PARAMS),
]


def finds_in(case: Case) -> list[Find]:
    role, name, ends, revision = case
    command: Command
    if role == "server":
        command = server_in_process(picky_servers.picky(ends, name))
        valid, searched, content = name in picky_servers.VALID, searched_server, (valid_answers, invalid_answers)
    else:
        command = client_in_process(picky_clients.picky(ends, name))
        valid, searched, content = name in picky_clients.VALID, searched_client, (valid_requests, invalid_requests)
    chosen, how = (content[0], MUCH) if valid else (content[1], MORE)
    return anyio.run(searched, command, REVISIONS[revision], chosen, how).finds


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_what_a_system_cannot_take_is_found(case: Case) -> None:
    role, name, *_ = case
    tables = {"server": picky_servers.ALL, "client": picky_clients.ALL}
    check(finds_in(case), tables[role][name], huge=name == "huge-text")


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_what_the_valid_rest_does_is_not_blamed_on_the_violation(revision: str) -> None:
    dies = server_in_process(picky_servers.picky("dies", "emoji"))
    search = anyio.run(searched_server, dies, REVISIONS[revision], invalid_answers)
    check(search.finds, picky_servers.ALL["emoji"])
    assert [find.rules for find in search.finds] == [{"content/kinds-answered"}]

    dies = client_in_process(picky_clients.picky("dies", "emoji"))
    search = anyio.run(searched_client, dies, REVISIONS[revision], invalid_requests)
    check(search.finds, picky_clients.ALL["emoji"])
    assert [find.rules for find in search.finds] == [{"content/kinds-answered"}]


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_nothing_is_found_where_nothing_is_wrong(revision: str) -> None:
    for answers in (valid_answers, invalid_answers):
        search = anyio.run(searched_server, server_in_process(Server), REVISIONS[revision], answers)
        assert not search.finds, search.finds
        assert search.tried > MUCH.examples / 2
    for requests in (valid_requests, invalid_requests):
        search = anyio.run(searched_client, client_in_process(Client), REVISIONS[revision], requests)
        assert not search.finds, search.finds
        assert search.tried > MUCH.examples / 2


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_a_rule_that_is_broken_whatever_is_sent_does_not_end_the_search(revision: str) -> None:
    server = server_in_process(MUTANTS["max-tokens-string"].program)
    search = anyio.run(searched_server, server, REVISIONS[revision], valid_answers)
    assert search.known == {"max-tokens/integer"}
    assert not search.finds
    assert search.tried > MUCH.examples / 2

    client = client_in_process(client_mutants.MUTANTS["role-system"].program)
    search = anyio.run(searched_client, client, REVISIONS[revision], valid_requests)
    assert search.known == {"role/result-role"}
    assert not search.finds
    assert search.tried > MUCH.examples / 2


def test_nothing_is_tried_on_a_client_that_is_about_to_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    blamed: list[Any] = []
    finish = Search.finish

    def noted(self: Search, attempt: Attempt, *args: Any, **more: Any) -> None:
        finish(self, attempt, *args, **more)
        if attempt.broken:
            blamed.append(attempt.example.value)

    monkeypatch.setattr(Search, "finish", noted)
    # In this era it leaves a request unanswered, and makes its next call at once.
    command = client_in_process(picky_clients.picky("hangs", "emoji"))
    anyio.run(searched_client, command, REVISIONS[LEGACY], valid_requests)
    assert len(blamed) > 1
    assert all(picky_clients.ALL["emoji"](params) for params in blamed)


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_a_client_that_hands_invalid_content_back_is_not_blamed(revision: str) -> None:
    command = client_in_process(*LENIENT["hands-back"])
    search = anyio.run(searched_client, command, REVISIONS[revision], invalid_requests, MORE)
    assert not search.finds, search.finds


def test_the_seed_makes_the_same_examples_again(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = Search.finish

    def tried(seed: int) -> list[Any]:
        values = []

        def noted(search: Search, attempt: Attempt, *outcome: Any) -> None:
            values.append(attempt.example.value)
            finish(search, attempt, *outcome)

        monkeypatch.setattr(Search, "finish", noted)
        command = server_in_process(Server)
        anyio.run(searched_server, command, REVISIONS[LEGACY], valid_answers, Generated(10, seed))
        return values

    assert tried(7) == tried(7) != tried(8)


def test_a_client_that_answers_late_is_not_blamed() -> None:
    late = Command([*python("broken_clients.py", "answers-late"), "{server}"])  # whenever there is an image
    search = anyio.run(searched_client, late, REVISIONS[LEGACY], valid_requests, Generated(20, 0))
    assert search.finds == []
    assert search.tried > 10


SEARCH = {"name": "search", "inputSchema": {"type": "object"}}
ODD = {**SEARCH, "name": "odd"}


@pytest.mark.parametrize(
    "tool",
    [
        {},
        {"name": "odd"},
        {**SEARCH, "name": 7},
        {**ODD, "annotations": {"destructiveHint": True}},
        *({**ODD, "inputSchema": schema} for schema in (None, True, 7, {"$ref": "#/nowhere"}, {"properties": 7})),
    ],
    ids=str,
)
def test_tools_that_cannot_be_called_or_must_not_be(tool: dict[str, Any]) -> None:
    called = set()

    @settings(max_examples=50)
    @given(valid_answers(REVISIONS[LEGACY], {ASK.label: [tool, SEARCH]}))
    def collect(example: Example) -> None:
        content = example.value.get("result", {}).get("content", [])
        for block in content if isinstance(content, list) else [content]:
            called.add(block.get("name"))

    collect()
    assert called == {None, "search"}


# --- as a user sees it

#: in this process all modules are imported already
QUIET = ("-p", "no:asyncio", "-W", "ignore::pytest.PytestAssertRewriteWarning")


def report_of(pytester: pytest.Pytester, *options: str) -> tuple[pytest.RunResult, set[str]]:
    """A run of the plugin in one revision, and the rules that did not hold."""
    one = ("--mcp-spec-version", LEGACY, "--mcp-report", "report.json", "--mcp-timeout", "3")
    result = pytester.runpytest_inprocess("mcp-sampling", *QUIET, *options, *one)
    results = json.loads((pytester.path / "report.json").read_text())["results"]
    return result, {r["rule"] for r in results if r["verdict"] in ("fail", "warn", "error")}


def test_a_find_is_shown_at_its_smallest(pytester: pytest.Pytester) -> None:
    client = " ".join([*python("picky_clients.py", "dies-on-temperature-0"), "{server}"])
    result, broken = report_of(pytester, "--mcp-client", client, "--mcp-examples", "50")
    assert result.ret == 1
    assert broken == {"content/kinds-answered"}
    example = '{"messages": *"temperature": 0}'
    result.stdout.fnmatch_lines(
        [
            "mcp sampling: 50 generated examples of each sort with the seed 0 (--mcp-examples, --hypothesis-seed)",
            f"the client ended (exit code 3) instead of answering a generated request, {example}",
            "*on the connection *",
            ">>> server → client *createMessage*",
            '        *"temperature":0}}',
            "*(the process has ended (exit code 3))",
            f"{LEGACY}: content/kinds-answered broke with a generated request, {example} (found with the seed 0)",
        ]
    )


def test_a_search_that_is_cut_short_says_so(pytester: pytest.Pytester) -> None:
    client = " ".join([*python("broken_clients.py", "calls-some"), "{server}"])
    result, _ = report_of(pytester, "--mcp-client", client, "--mcp-examples", "30")
    result.stdout.fnmatch_lines([f"{LEGACY}: only * generated examples were tried: the client took no more of them"])


def test_of_no_examples_nothing_comes(pytester: pytest.Pytester) -> None:
    server = " ".join(python("picky_servers.py", "dies-on-webp"))
    result, broken = report_of(pytester, "--mcp-server", server, "--mcp-examples", "0")
    assert (result.ret, broken) == (0, set())
    result.stdout.fnmatch_lines(["mcp sampling: nothing generated (--mcp-examples, --hypothesis-seed)"])


def test_a_callback_that_cannot_take_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        callbacks="""
        from mcp.types import CreateMessageResult, TextContent

        async def picky(context, params):
            for message in params.messages:
                blocks = message.content if isinstance(message.content, list) else [message.content]
                assert all(block.mime_type != "image/webp" for block in blocks if block.type == "image")
            return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Yes."), model="m")
        """
    )
    result, broken = report_of(pytester, "--mcp-callback", "callbacks:picky", "--mcp-examples", "100")
    # The SDK answers for a callback that crashes, with an error, so that no rule is broken; that it did is told.
    assert "content/kinds-answered" not in broken
    result.stdout.fnmatch_lines(
        [f"{LEGACY}: the callback raised AssertionError: * (*callbacks.py, line *) (in * of *)"]
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mcp-examples", "some"), "'some' is no number of examples; write 10, or 0 for none"),
        (("--mcp-examples", "-1"), "'-1' is no number of examples"),
        (("--hypothesis-seed", "x"), "'x' is no integer; write one, or random"),
    ],
)
def test_usage_errors(pytester: pytest.Pytester, options: tuple[str, ...], words: str) -> None:
    result = pytester.runpytest_inprocess("--mcp-server", " ".join(python("reference_server.py")), *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {options[0]}: {words}*"])
    result.stderr.no_fnmatch_line("*Traceback*")
