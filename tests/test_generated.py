"""Generated content against live systems: what hangs or dies on particular content is found without being told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import picky_clients
import picky_servers
import pytest
from kill_matrix import python

from mcp_sampling_conformance.fixture_client import FixtureClient
from mcp_sampling_conformance.fixture_server import Book
from mcp_sampling_conformance.revisions import REVISIONS, Revision
from mcp_sampling_conformance.scenarios.client import ClientRun
from mcp_sampling_conformance.scenarios.client_examples import invalid_requests, try_on_client, valid_requests
from mcp_sampling_conformance.scenarios.connect import open_client
from mcp_sampling_conformance.scenarios.reach import StdioServer
from mcp_sampling_conformance.scenarios.record import Command, RevisionRun, Run
from mcp_sampling_conformance.scenarios.search import Generated, Search, Trial
from mcp_sampling_conformance.scenarios.server_examples import invalid_answers, try_on_server, valid_answers
from mcp_sampling_conformance.scenarios.targets import Target
from mcp_sampling_conformance.wire.transcript import Transcript

MUCH = Generated(examples=100, seed=0)
#: enough to come across each of the many ways to break a rule
MORE = Generated(examples=400, seed=0)
TIMEOUT = 1.5
ASK = Target("tool", "ask", {"question": "What now?"})
LEGACY, MODERN = "2025-11-25", "2026-07-28"
#: what an example comes to that has been shrunk, as JSON
SMALL = 450


async def searched_server(command: list[str], revision: Revision, answers: Any, how: Generated = MUCH) -> Search:
    """A search with answers to the sampling of one tool, on connections to a command."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[FixtureClient]:
        transcript = Transcript("a search", "stdio")
        async with open_client(StdioServer(Command(command)), revision, transcript, TIMEOUT) as client:
            await client.greet(revision.name, {})
            await client.begin()
            yield client

    search = Search(partial(answers, revision, {ASK.label: []}), how, TIMEOUT)
    async with search.running():
        await try_on_server(search, connect, [ASK], revision)
    return search


async def searched_client(command: list[str], revision: Revision, requests: Any, how: Generated = MUCH) -> Search:
    """A search with sampling requests, made of a command that is started as often as need be."""

    async def start(book: Book) -> None:
        run = Run({revision.name: RevisionRun()})
        client = ClientRun(Command([*command, "{server}"]), revision, book, run, TIMEOUT, lambda text: None)
        await client.one_start()

    search = Search(partial(requests, revision, False), how, TIMEOUT)
    async with search.running():
        await try_on_client(search, start, revision)
    return search


def check(search: Search, holds: Callable[[Any], bool], huge: bool) -> None:
    """The find is what the system cannot take, and hardly anything else."""
    assert search.finds, f"nothing found with {search.tried} trials"
    for find in search.finds:
        assert find.alone
        assert holds(find.example.value), find.example
        assert huge or len(json.dumps(find.example.value)) < SMALL, find.example


def cases(*tables: Any) -> list[tuple[str, str, str]]:
    """Each thing once, the eras in turn; dying is quicker than hanging."""
    names = [name for table in tables for name in table]
    return [(name, "hangs" if n % 5 == 3 else "dies", (LEGACY, MODERN)[n % 2]) for n, name in enumerate(names)]


@pytest.mark.parametrize(("name", "ends", "revision"), cases(picky_servers.VALID, picky_servers.BAD_ANSWERS))
def test_a_server_that_cannot_take_it(name: str, ends: str, revision: str) -> None:
    answers = valid_answers if name in picky_servers.VALID else invalid_answers
    if name == "error-with-data":
        revision = LEGACY  # the only era in which errors are answers
    command = python("picky_servers.py", f"{ends}-on-{name}")
    how = MUCH if answers is valid_answers else MORE
    search = anyio.run(searched_server, command, REVISIONS[revision], answers, how)
    check(search, picky_servers.ALL[name], huge=name == "huge-text")


@pytest.mark.parametrize(("name", "ends", "revision"), cases(picky_clients.VALID, picky_clients.BAD_PARAMS))
def test_a_client_that_cannot_take_it(name: str, ends: str, revision: str) -> None:
    requests = valid_requests if name in picky_clients.VALID else invalid_requests
    command = python("picky_clients.py", f"{ends}-on-{name}")
    how = MUCH if requests is valid_requests else MORE
    search = anyio.run(searched_client, command, REVISIONS[revision], requests, how)
    check(search, picky_clients.ALL[name], huge=name == "huge-text")


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_what_the_valid_rest_does_is_not_blamed_on_the_violation(revision: str) -> None:
    dies = python("picky_servers.py", "dies-on-emoji")
    search = anyio.run(searched_server, dies, REVISIONS[revision], invalid_answers)
    check(search, picky_servers.ALL["emoji"], huge=False)
    assert [find.rules for find in search.finds] == [{"content/kinds-survived"}]

    dies = python("picky_clients.py", "dies-on-emoji")
    search = anyio.run(searched_client, dies, REVISIONS[revision], invalid_requests)
    check(search, picky_clients.ALL["emoji"], huge=False)
    assert [find.rules for find in search.finds] == [{"content/kinds-answered"}]


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_nothing_is_found_where_nothing_is_wrong(revision: str) -> None:
    for answers in (valid_answers, invalid_answers):
        search = anyio.run(searched_server, python("reference_server.py"), REVISIONS[revision], answers)
        assert not search.finds, search.finds
        assert search.tried > MUCH.examples / 2
    for requests in (valid_requests, invalid_requests):
        search = anyio.run(searched_client, python("reference_client.py"), REVISIONS[revision], requests)
        assert not search.finds, search.finds
        assert search.tried > MUCH.examples / 2


def test_the_seed_makes_the_same_examples_again(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = Search.finish

    def tried(seed: int) -> list[Any]:
        values = []

        def noted(search: Search, trial: Trial, *outcome: Any) -> None:
            values.append(trial.example.value)
            finish(search, trial, *outcome)

        monkeypatch.setattr(Search, "finish", noted)
        command = python("reference_server.py")
        anyio.run(searched_server, command, REVISIONS[LEGACY], valid_answers, Generated(10, seed))
        return values

    assert tried(7) == tried(7) != tried(8)
