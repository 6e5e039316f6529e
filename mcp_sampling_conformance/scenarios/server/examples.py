"""Generated answers for a server under test: each on the running connection, or on a fresh one if the last is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from ...peers.client import FixtureClient
from ...judging.judge import broken_since
from ...protocol.jsonrpc import shown
from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ...transcript.transcript import Side
from .answers import Answer
from .probes import FIRST, answering, perform
from ..search import SHOWN, Example, Search, Trial
from .targets import Target

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: trials on one connection: the longer a record, the longer it takes to judge
_PER_CONNECTION = 50

#: a text this long is no plain one
_LONG = 1000

#: so many inputs are made for a tool to see that it can be done
_TRIED = 10

#: the tools that the sampling requests of each target offer, by its label
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
        target: create_message_results(revision=revision.name, tools=[t for t in tools if _usable(t)] or False)
        for target, tools in offered.items()
    }

    @st.composite
    def examples(draw: st.DrawFn) -> Example:
        target = draw(st.sampled_from(list(results)))
        if not revision.modern and draw(st.integers(0, 3)) == 3:
            return _example("error", {"error": draw(refusals)}, target)
        return _valid(draw(results[target]), target)

    return examples()


def invalid_answers(revision: Revision, offered: Offered) -> SearchStrategy[Example]:
    """Results that break one rule each."""
    from hypothesis import strategies as st

    from ...strategies import invalid_create_message_results

    @st.composite
    def examples(draw: st.DrawFn) -> Example:
        target = draw(st.sampled_from(list(offered)))
        invalid = draw(invalid_create_message_results(revision=revision.name))
        flaw = f" that breaks {invalid.rule} at {invalid.where}"
        return _example("odd", {"result": invalid.value}, target, flaw, _valid(invalid.sound, target))

    return examples()


def _valid(result: Json, target: str) -> Example:
    return _example(_group_of(result), {"result": result}, target)


def _example(group: str, outcome: Json, target: str, flaw: str = "", sound: Example | None = None) -> Example:
    return Example(group, outcome, f"a generated answer{flaw}, {shown(outcome, SHOWN)}", target, bool(flaw), sound)


def _group_of(result: Json) -> str:
    """By what is particular about it: the tools it calls, its content, or what stands beside that."""
    content = result["content"]
    blocks = content if isinstance(content, list) else [content]
    if any(block["type"] == "tool_use" for block in blocks):
        return "tools"
    plain = isinstance(content, dict) and content.keys() == {"type", "text"}
    return (
        "open" if plain and content["text"].isascii() and content["text"].isprintable() and content["text"] else "kind"
    )


def _usable(tool: Json) -> bool:
    """Whether a tool that is offered may be called with whatever its schema allows, and that can be made."""
    from hypothesis import given

    from ...strategies.settings import own_settings
    from ...strategies import tool_inputs

    annotations = tool.get("annotations")
    if isinstance(annotations, dict) and annotations.get("destructiveHint") is True:
        return False

    @own_settings(_TRIED)
    @given(tool_inputs(tool))
    def made(arguments: Json) -> None: ...

    try:
        made()
    except Exception:  # a schema is the server's, and may be anything
        return False
    return isinstance(tool.get("name"), str)


# --- how it is tried


async def try_on_server(search: Search, connect: Connect, targets: Sequence[Target], revision: Revision) -> None:
    """Try what the search asks for until it has enough, or the server cannot be called plainly any more."""
    by_label = {target.label: target for target in targets}
    trial = await search.next()
    while trial is not None:
        async with connect() as client:
            good = client is not None and await perform(client, FIRST, targets[0])
            if client is not None:
                search.plainly(client.transcript, broken_since(client.transcript, 0, revision, Side.SERVER))
            if client is None or not good:
                search.close("a plain call failed on a new connection")
                return
            for _ in range(_PER_CONNECTION):
                alone = trial.alone
                good = await _try(search, trial, client, by_label[trial.example.target], revision)
                trial = await search.next()
                if not good or alone or trial is None or trial.alone:
                    break


async def _try(search: Search, trial: Trial, client: FixtureClient, target: Target, revision: Revision) -> bool:
    """Try one example; whether the connection is good for more."""
    example = trial.example
    begin, started = len(client.transcript.items), time.monotonic()
    usual, client.timeout = client.timeout, trial.seconds
    good = await perform(
        client, answering(Answer(example.group, example.name, example.value, hostile=example.hostile)), target
    )
    client.timeout = usual
    broken = broken_since(client.transcript, begin, revision, Side.SERVER)
    search.finish(trial, client.transcript, broken, time.monotonic() - started, not good)
    return good
