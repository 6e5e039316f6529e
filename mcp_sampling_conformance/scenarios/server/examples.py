"""Generated answers for a server under test: each on the running connection, or on a fresh one if the last is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import Json, shown
from ...protocol.revisions import Revision
from ...transcript.transcript import Side
from ..conditions import BrokenSince, Conditions
from ..search.example import SHOWN, Attempt, Example
from ..search.search import Search
from ..search.sorts import Field, add_search, broken_by, search_sorts
from .answers import Answer
from .callees import Callee, Found
from .connections import Connections
from .probes import FIRST, answering, perform

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: attempts on one connection: the longer a record, the longer it takes to judge
_PER_CONNECTION = 50

#: so many inputs are made for a tool, to see whether its schema allows any
_INPUTS = 10

#: the tools that the sampling requests of each callee offer, by its label
Offered = Mapping[str, Sequence[Json]]
#: a connection that is ready for calls; ``None`` where there can be none
Connect = Callable[[], AbstractAsyncContextManager[FixtureClient | None]]


# --- what is sent


def valid_answers(revision: Revision, offered: Offered) -> SearchStrategy[Example]:
    """Results that break no rule, and errors where the era has them."""
    from hypothesis import strategies as st

    from ...strategies import create_message_results, errors

    refusals = errors(revision=revision.name)
    results = {
        callee: create_message_results(revision=revision.name, tools=[t for t in tools if _usable(t)] or False)
        for callee, tools in offered.items()
    }

    @st.composite
    def examples(draw: st.DrawFn) -> Example:
        callee = draw(st.sampled_from(list(results)))
        if not revision.modern and draw(st.integers(0, 3)) == 3:
            return _example("error", {"error": draw(refusals)}, callee)
        return _valid(draw(results[callee]), callee)

    return examples()


def invalid_answers(revision: Revision, offered: Offered) -> SearchStrategy[Example]:
    """Results that break one rule each."""
    from hypothesis import strategies as st

    from ...strategies import invalid_create_message_results

    @st.composite
    def examples(draw: st.DrawFn) -> Example:
        callee = draw(st.sampled_from(list(offered)))
        invalid = draw(invalid_create_message_results(revision=revision.name))
        flaw = f" that breaks {invalid.rule} at {invalid.json_path}"
        return _example("odd", {"result": invalid.value}, callee, flaw, _valid(invalid.sound, callee))

    return examples()


def _valid(result: Json, callee: str) -> Example:
    return _example(_group_of(result), {"result": result}, callee)


def _example(group: str, outcome: Json, callee: str, flaw: str = "", sound: Example | None = None) -> Example:
    return Example(group, outcome, f"a generated answer{flaw}, {shown(outcome, SHOWN)}", callee, bool(flaw), sound)


def _group_of(result: Json) -> str:
    """What rules look for in an answer: the tools it calls, its content, or what stands beside a plain text."""
    content = result["content"]
    blocks = content if isinstance(content, list) else [content]
    if any(block["type"] == "tool_use" for block in blocks):
        return "tools"
    return "open" if isinstance(content, dict) and _is_plain_text(content) else "kind"


def _is_plain_text(block: Json) -> bool:
    if block.keys() != {"type", "text"}:
        return False
    text = block["text"]
    return bool(text) and text.isascii() and text.isprintable()


def _usable(tool: Json) -> bool:
    """Whether an offered tool may be called, and arguments for it can be made from its schema."""
    from hypothesis import given

    from ...strategies import tool_inputs
    from ...strategies.settings import own_settings

    annotations = tool.get("annotations")
    if isinstance(annotations, dict) and annotations.get("destructiveHint") is True:
        return False

    @own_settings(_INPUTS)
    @given(tool_inputs(tool))
    def made(arguments: Json) -> None: ...

    try:
        made()
    except Exception:  # a schema is the server's, and may be anything
        return False
    return isinstance(tool.get("name"), str)


# --- how it is tried


async def search_server(
    connections: Connections, found: Found, revision: Revision, form: str, conditions: Conditions
) -> Field:
    """See whether generated answers break more than those of the tables, on connections of a form of the capability;
    what is found goes into the record of the revision, which is returned as a place to search in."""
    record, callees = connections.record(revision), found.probed
    offered = {callee.label: found.offered[callee.label] if revision.tools else [] for callee in callees}
    sorts = {
        "valid answers": partial(valid_answers, revision, offered),
        "invalid answers": partial(invalid_answers, revision, offered),
    }

    async def host(search: Search) -> None:
        connect = partial(connections.ready, revision, form, found.sampling)
        recorded = len(record.transcripts)
        await try_on_server(search, connect, callees, revision, conditions.broken_since)
        del record.transcripts[recorded:]  # a search keeps what is to be judged

    def fits(example: Example) -> bool:
        return example.callee in offered and ("result" in example.value or not revision.modern)

    place = Field(revision, record, host, fits)
    for search in await search_sorts(sorts, place, conditions):
        add_search(record, revision, search)
    return place


async def try_on_server(
    search: Search, connect: Connect, callees: Sequence[Callee], revision: Revision, broken_since: BrokenSince
) -> None:
    """Try what the search asks for until it has enough, or the server cannot be called plainly any more."""
    by_label = {callee.label: callee for callee in callees}
    attempt = await search.next()
    while attempt is not None:
        async with connect() as client:
            good = client is not None and await perform(client, FIRST, callees[0])
            if client is not None:
                search.plainly(client.transcript, broken_since(client.transcript, 0, revision, Side.SERVER))
            if client is None or not good:
                search.close("a plain call failed on a new connection")
                return
            for _ in range(_PER_CONNECTION):
                alone, callee = attempt.alone, by_label[attempt.example.callee]
                begin, started = len(client.transcript.items), time.monotonic()
                good = await _try(attempt, client, callee)
                broken = broken_by(attempt, client.transcript, begin, revision, Side.SERVER, broken_since)
                search.finish(attempt, client.transcript, broken, time.monotonic() - started, not good)
                attempt = await search.next()
                if not good or alone or attempt is None or attempt.alone:
                    break


async def _try(attempt: Attempt, client: FixtureClient, callee: Callee) -> bool:
    """Answer with the example; whether the connection is good for more."""
    example = attempt.example
    answer = Answer(example.group, example.name, example.value, hostile=example.hostile)
    usual, client.timeout = client.timeout, attempt.seconds
    good = await perform(client, answering(answer), callee)
    client.timeout = usual
    return good
