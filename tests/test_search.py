"""The search alone, with a host that plays the system under test: what it finds, and that it always comes to an end."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import strategies as st

from mcp_sampling_conformance.peers.server import Book, Tool
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.scenarios.client.examples import try_on_client
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.scenarios.search.example import Attempt, Example
from mcp_sampling_conformance.scenarios.search.hunt import searching
from mcp_sampling_conformance.scenarios.search.search import Search
from mcp_sampling_conformance.scenarios.search.sorts import add_search
from mcp_sampling_conformance.transcript.events import Ended, Greeted
from mcp_sampling_conformance.transcript.run import RevisionRun
from mcp_sampling_conformance.transcript.transcript import Transcript

#: what an attempt breaks, given the search and the number of the attempt
Host = Callable[[Search, Attempt, int], set[str]]


def numbers() -> st.SearchStrategy[Example]:
    return st.integers(0, 1000).map(lambda number: Example("number", number, f"number {number}"))


async def searched(host: Host, examples: int = 50) -> Search:
    count = 0
    with anyio.fail_after(20):
        async with searching(numbers, Generated(examples, 0), 5) as search:
            while attempt := await search.next():
                count += 1
                transcript = Transcript(f"attempt {count}", "stdio")
                transcript.note(Greeted())
                search.finish(attempt, transcript, frozenset(host(search, attempt, count)), 0.01, spent=False)
                transcript.note(Ended(0))
    return search


def found(host: Host, examples: int = 50) -> list[tuple[int, set[str], bool]]:
    """What a search finds: the examples, the rules that they break, whether alone."""
    finds = anyio.run(searched, host, examples).finds
    return [(find.example.value, set(find.rules), find.alone) for find in finds]


def test_the_smallest_is_found_and_its_record_ends_with_the_attempt() -> None:
    search = anyio.run(searched, lambda search, attempt, count: {"a"} if attempt.example.value > 50 else set())
    (find,) = search.finds
    assert (find.example.value, find.rules, find.alone) == (51, {"a"}, True)
    assert not find.transcript.events(Ended)


def test_what_a_plain_call_breaks_in_the_middle_of_a_shrink_is_no_find() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        if count == 6:
            search.known.add("a")
        return {"a"} if attempt.example.value > 50 else set()

    assert found(host) == []


def test_what_breaks_in_company_only_is_found_though_nothing_has_to_be_tried_for_it_again() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        return {"a"} if attempt.alone else {"a", "b"}

    assert [(rules, alone) for _, rules, alone in found(host)] == [({"a"}, True), ({"b"}, False)]


def test_what_breaks_by_chance_ends_the_search_as_well() -> None:
    chance = random.Random(1)
    for _ in range(20):
        assert len(found(lambda search, attempt, count: {"a"} if chance.random() < 0.2 else set())) <= 1


def test_where_nothing_but_the_first_had_time_enough_that_is_shown() -> None:
    patience = []

    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        broken = not patience or attempt.seconds < 5
        if attempt.example.value > 50 and broken and not attempt.alone:
            patience.append((attempt.example.value, attempt.seconds))
            return {"a"}
        return set()

    ((value, _, alone),) = found(host)
    assert (value, 5) == patience[0]
    assert not alone


def test_a_system_in_this_process_has_chance_of_its_own() -> None:
    made = []

    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        made.append(random.random())
        return set()

    assert not found(host)
    assert len(set(made)) == len(made)


def test_a_host_that_fails_ends_the_search() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        raise OSError

    with pytest.raises(ExceptionGroup):
        found(host, 10**6)


def test_a_search_that_is_closed_ends_soon() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        search.close()
        return set()

    assert found(host, 10**6) == []


def test_what_a_plain_call_breaks_is_judged_once_though_nothing_generated_broke_it() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        transcript = Transcript(f"a plain call before attempt {count}", "stdio")
        search.plainly(transcript, frozenset({"a"} if count > 2 else ()))
        transcript.note(Ended(0))
        return {"a"} if count > 2 else set()

    search = anyio.run(searched, host)
    assert not search.finds
    record = RevisionRun()
    add_search(record, REVISIONS["2025-11-25"], search)
    assert [transcript.label for transcript in record.transcripts] == ["a plain call before attempt 3"]
    assert not record.transcripts[0].events(Ended)


class OneOfTwo:
    """What the taker needs of a server, for a client that calls on two connections at once."""

    def __init__(self, book: Book, tried: list[object]) -> None:
        self.transcript = Transcript("one of two", "stdio")
        self.book, self.tried = book, tried
        self.timeout, self.unanswered, self.gone = 5.0, 0, False

    async def ask(self, group: str, name: str, params: object, **data: object) -> dict[str, object]:
        if group == "number":
            self.tried.append(params)
        await anyio.sleep(0.01)
        return {"result": {}}


def test_a_client_that_calls_on_two_connections_gets_each_example_once() -> None:
    tried: list[object] = []

    async def start(book: Book) -> None:
        async def connection(tools: list[Tool], late: float) -> None:
            server: Any = OneOfTwo(book, tried)
            await anyio.sleep(late)
            for number, tool in enumerate(tools):
                book.called.append(tool.name)
                await tool.run(server, number)

        tools = list(book.tools.values())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection, tools[::2], 0)
            tasks.start_soon(connection, tools[1::2], 0.03)  # while the other is at work

    async def main() -> None:
        with anyio.fail_after(20):
            async with searching(numbers, Generated(50, 0), 5) as search:
                await try_on_client(search, start, REVISIONS["2025-11-25"], Conditions(5).broken_since)

    anyio.run(main)
    assert len(set(tried)) == len(tried) > 20
