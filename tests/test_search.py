"""The search alone, with a host that plays the system under test: what it finds, and that it always comes to an end."""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hostile import judge, sound
from hypothesis import strategies as st

from mcp_sampling_conformance.peers.server import Book, Tool
from mcp_sampling_conformance.protocol.revisions import REVISIONS, Revision
from mcp_sampling_conformance.scenarios.client.examples import try_on_client
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.scenarios.search.example import Attempt, Example
from mcp_sampling_conformance.scenarios.search.hunt import searching
from mcp_sampling_conformance.scenarios.search.search import Search
from mcp_sampling_conformance.scenarios.search.sorts import Field, add_search, broken_by, search_sorts, try_elsewhere
from mcp_sampling_conformance.transcript.events import Ended, Greeted
from mcp_sampling_conformance.transcript.run import RevisionRun
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

FIXTURES = Path(__file__).parent.parent / "fixtures"

#: what an attempt breaks, given the search and the number of the attempt
Host = Callable[[Search, Attempt, int], set[str]]


def numbers() -> st.SearchStrategy[Example]:
    return st.integers(0, 1000).map(lambda number: Example("number", number, f"number {number}"))


async def searched(host: Host, examples: int = 50, hasty: bool = False) -> Search:
    count = 0
    with anyio.fail_after(20):
        async with searching(numbers, Generated(examples, 0), 5, hasty=hasty) as search:
            while attempt := await search.next():
                count += 1
                transcript = Transcript(f"attempt {count}", "stdio")
                transcript.note(Greeted())
                search.finish(attempt, transcript, frozenset(host(search, attempt, count)), 0.01, spent=False)
                transcript.note(Ended(0))
    return search


def found(host: Host, examples: int = 50, *, hasty: bool = False) -> list[tuple[int, set[str], bool]]:
    """What a search finds: the examples, the rules that they break, whether alone."""
    finds = anyio.run(searched, host, examples, hasty).finds
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


def test_what_seems_broken_in_haste_counts_only_where_it_breaks_with_all_the_time_too() -> None:
    def slow(search: Search, attempt: Attempt, count: int) -> set[str]:
        return {"a"} if attempt.example.value > 50 and attempt.seconds < 5 else set()

    def broken(search: Search, attempt: Attempt, count: int) -> set[str]:
        return {"a"} if attempt.example.value > 50 else set()

    assert found(slow, hasty=True) == []
    assert found(broken, hasty=True) == [(51, {"a"}, True)]


def test_a_system_in_this_process_has_chance_of_its_own() -> None:
    made = []

    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        made.append(random.random())
        return set()

    assert not found(host)
    assert len(set(made)) == len(made)


def test_a_host_that_fails_ends_the_search() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        raise OSError("a host that fails")

    with pytest.raises(OSError, match="a host that fails"):
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
        self.sampling: dict[str, object] = {}

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


# --- whose chance it is


def test_the_users_chance_is_none_of_hypothesis_business() -> None:
    random.seed(7)
    expected = [random.random() for _ in range(100)]
    random.seed(7)
    made: list[float] = []

    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        made.append(random.random())
        return set()

    assert not found(host)
    made.append(random.random())
    assert made == expected[: len(made)]


def test_a_search_leaves_the_process_as_it_was() -> None:
    """While an example is tried, and in the end, shrinks included."""

    def state() -> tuple[object, object]:
        return random.getstate(), [*warnings.filters]

    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        seen.append(state())
        return {"a"} if attempt.example.value > 50 else set()

    before, limit, seen = state(), sys.getrecursionlimit(), list[object]()
    assert found(host)
    assert len(seen) > 5
    assert all(one == before for one in [*seen, state()])
    assert sys.getrecursionlimit() == limit


def test_a_search_that_is_given_up_leaves_the_process_as_it_was() -> None:
    def host(search: Search, attempt: Attempt, count: int) -> set[str]:
        raise OSError("a host that fails")

    before, filters, limit = random.getstate(), [*warnings.filters], sys.getrecursionlimit()
    with pytest.raises(OSError, match="a host that fails"):
        found(host)
    assert (random.getstate(), warnings.filters, sys.getrecursionlimit()) == (before, filters, limit)


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_run_in_which_every_warning_is_an_error(side: str, tmp_path: Path) -> None:
    program = f"{sys.executable} -S {FIXTURES / f'reference_{side}.py'}" + " {server}" * (side == "client")
    outcome = judge(tmp_path, "-W", "error", f"--mcp-{side}", program, "--mcp-spec-version", "2025-11-25")
    sound(outcome)
    assert outcome.exit == 0, outcome.text
    assert outcome.report["summary"]["fail"] == outcome.report["summary"]["error"] == 0


@pytest.mark.filterwarnings("error")
def test_searches_side_by_side_leave_each_other_their_chance() -> None:
    def in_the_middle(example: Example) -> Example:
        time.sleep(0.001)  # hands over to the other threads
        return example

    tried: list[int] = []

    async def one() -> None:
        async with searching(lambda: numbers().map(in_the_middle), Generated(30, 0), 5) as search:
            while attempt := await search.next():
                random.random()
                search.finish(attempt, Transcript("one", "stdio"), frozenset(), 0.01, spent=False)
        tried.append(search.tried)

    async def side_by_side() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(one)

    anyio.run(side_by_side)
    assert all(count > 20 for count in tried), tried


# --- what is found in one revision is tried in the others

OLD, NEWER, MODERN = (REVISIONS[name] for name in ("2025-03-26", "2025-06-18", "2026-07-28"))
#: what each revision breaks rules with
BREAKS: dict[Revision, Callable[[int], bool]] = {
    OLD: lambda number: number == 5000,  # which no example of its own is
    NEWER: lambda number: number > 50,
    MODERN: lambda number: False,
}


def places_searched(fits: Callable[[Example], bool] = lambda example: True) -> dict[Revision, Field]:
    """Three revisions, searched with a few examples, and then with what was found in others."""
    conditions = Conditions(5, generated=Generated(20, 0))

    def place(revision: Revision) -> Field:
        async def host(search: Search) -> None:
            while attempt := await search.next():
                transcript = Transcript(f"{revision.name}, {attempt.example.name}", "stdio")
                transcript.note(Greeted())
                broken = frozenset({"a"} if BREAKS[revision](attempt.example.value) else ())
                search.finish(attempt, transcript, broken, 0.01, spent=False)

        return Field(revision, RevisionRun(), host, fits)

    async def main() -> dict[Revision, Field]:
        places = {revision: place(revision) for revision in BREAKS}
        for one in places.values():
            for search in await search_sorts({"numbers": numbers}, one, conditions):
                add_search(one.record, one.revision, search)
        places[NEWER].finds[:] = [
            replace(find, example=Example("number", 5000, "number 5000")) for find in places[NEWER].finds
        ]
        await try_elsewhere(list(places.values()), conditions)
        return places

    return anyio.run(main)


def test_what_is_found_by_chance_in_one_revision_is_tried_in_the_others() -> None:
    places = places_searched()
    assert [place.known for place in places.values()] == [{"a"}, {"a"}, set()]
    assert [transcript.label for transcript in places[OLD].record.transcripts] == ["2025-03-26, number 5000"]
    assert places[OLD].record.notes == [
        "2025-03-26: a broke with number 5000 (found in another revision with the seed 0)"
    ]
    assert not places[MODERN].record.transcripts


def test_what_cannot_be_sent_in_a_revision_is_not_tried_there() -> None:
    assert not places_searched(fits=lambda example: False)[OLD].known


@pytest.mark.parametrize(("hostile", "invalid", "judged"), [(False, False, 1), (False, True, 0), (True, False, 0)])
def test_an_example_counts_only_where_it_is_what_it_is_taken_for(hostile: bool, invalid: bool, judged: int) -> None:
    def broken_since(transcript: Transcript, index: int, revision: Revision, side: Side) -> frozenset[str]:
        ours = side is Side.CLIENT
        return frozenset({"a"} if invalid or not ours else ())

    def broken(borrowed: bool) -> frozenset[str]:
        attempt = Attempt(Example("number", 1, "one", hostile=hostile, borrowed=borrowed), 5, alone=True)
        return broken_by(attempt, Transcript("one", "stdio"), 0, OLD, Side.SERVER, broken_since)

    assert len(broken(borrowed=True)) == judged
    assert broken(borrowed=False)
