"""Generated answers for a server under test: each on the running connection, or on a fresh one if the last is spent."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...peers.client import FixtureClient
from ...protocol.jsonrpc import Json, shown
from ...protocol.revisions import Revision
from ...transcript.run import RevisionRun
from ...transcript.transcript import Side
from ..conditions import BrokenSince, Conditions
from ..search.example import SHOWN, Attempt, Example
from ..search.search import Search
from ..search.sorts import Field, add_search, broken_by, search_sorts
from .answers import Answer
from .arguments import NoArguments, minimal_arguments
from .callees import Callee, Found
from .connections import Connections
from .ground import Ground, ground
from .probes import FIRST, answering, perform

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: the tools that the sampling requests of each callee offer, by its label
Offered = Mapping[str, Sequence[Json]]


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
    annotations, schema = tool.get("annotations"), tool.get("inputSchema")
    if isinstance(annotations, dict) and annotations.get("destructiveHint") is True:
        return False
    if not isinstance(schema, dict) or not isinstance(schema.get("properties", {}), dict):
        return False
    try:
        minimal_arguments(schema)
    except NoArguments:
        return False
    return isinstance(tool.get("name"), str)


# --- how it is tried


async def search_server(
    connections: Connections,
    found: Found,
    revision: Revision,
    conditions: Conditions,
    place: Ground,
    *,
    hasty: bool,
) -> Field:
    """See whether generated answers break more than those of the tables, beginning on the connection that there is.
    What is found goes into the record of the revision, which is returned as a field to search in. ``hasty``: what
    hangs is known, and not to be waited for again."""
    record, callees = connections.record(revision), found.probed
    offered = {callee.label: found.offered[callee.label] if revision.tools else [] for callee in callees}
    sorts = {
        "valid answers": partial(valid_answers, revision, offered),
        "invalid answers": partial(invalid_answers, revision, offered),
    }

    async def host_on(place: Ground, search: Search) -> None:
        recorded = len(record.transcripts)
        try:
            await try_on_server(search, place, callees, revision, conditions.broken_since)
        finally:
            del record.transcripts[recorded:]  # a search keeps what is to be judged

    async def host_afresh(search: Search) -> None:
        async with ground(place.connect) as fresh:
            await host_on(fresh, search)

    def fits(example: Example) -> bool:
        return example.callee in offered and ("result" in example.value or not revision.modern)

    field = Field(revision, record, partial(host_on, place), fits, hasty=hasty)
    for transcript in record.transcripts:
        field.known |= conditions.broken_since(transcript, 0, revision, Side.SERVER)
    if place.client is not None:
        _end_judged_part(record, place.client)
    for search in await search_sorts(sorts, field, conditions):
        add_search(record, revision, search)
    field.host = host_afresh  # what is found elsewhere is tried here when these connections are closed
    return field


def _end_judged_part(record: RevisionRun, client: FixtureClient) -> None:
    """What follows on a connection is a search, and judged only as far as that keeps it."""
    whole = client.transcript
    record.transcripts[record.transcripts.index(whole)] = whole.part(range(len(whole.items)))


async def try_on_server(
    search: Search, ground: Ground, callees: Sequence[Callee], revision: Revision, broken_since: BrokenSince
) -> None:
    """Try what the search asks for until it has enough, or the server cannot be called plainly any more."""
    by_label = {callee.label: callee for callee in callees}
    while (attempt := await search.next()) is not None:
        if not ground.has(alone=attempt.alone):
            fresh = await ground.renew()
            good = fresh is not None and await perform(fresh, FIRST, callees[0])
            if fresh is not None:
                search.plainly(fresh.transcript, broken_since(fresh.transcript, 0, revision, Side.SERVER))
            if not good:
                search.close("a plain call failed on a new connection")
                return
        client = ground.client
        assert client is not None
        begin, started = len(client.transcript.items), time.monotonic()
        good = await _try(attempt, client, by_label[attempt.example.callee])
        ground.used()
        broken = broken_by(attempt, client.transcript, begin, revision, Side.SERVER, broken_since)
        search.finish(attempt, client.transcript, broken, time.monotonic() - started, not good)


async def _try(attempt: Attempt, client: FixtureClient, callee: Callee) -> bool:
    """Answer with the example; whether the connection is good for more."""
    example = attempt.example
    answer = Answer(example.group, example.name, example.value, hostile=example.hostile)
    usual, client.timeout = client.timeout, attempt.seconds
    good = await perform(client, answering(answer), callee)
    client.timeout = usual
    return good
