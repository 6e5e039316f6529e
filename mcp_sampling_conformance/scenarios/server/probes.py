"""The probes of a server: each calls something that samples, and answers the sampling in one particular way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count

import anyio

from ...peers.client import Asked, FixtureClient, Sampler, tools_of
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json
from ...protocol.names import CANCELLED
from ...protocol.revisions import Revision
from ...transcript.events import AnsweredAgain, EndlessLoop, ExitWatched, FollowUpStarted, ProbeStarted
from ...transcript.transcript import Transcript
from ...transports.to_server.stdio import StdioToServer
from .answers import (
    HOSTILE,
    VALID,
    Answer,
    always,
    legacy,
    legacy_with_tools,
    modern,
    text_result,
    tool_use,
    tool_use_result,
    with_tools,
)
from .arguments import NoArguments, minimal_arguments
from .callees import Callee
from .foreseen import next_id_of_server
from .retries import CHANGES, Change

#: how long an answer is held back, in seconds, to see that the server lives meanwhile
_LATE = 0.2
#: how long the second of two calls may take to sample, in seconds: a server may serve one call after the other
SIDE_BY_SIDE = 0.3
#: after so many tool_use answers the fixture client gives in
ENDLESS_ROUNDS = 200

_numbers = count(1)


def fresh_text() -> str:
    """A text that no other answer has: where it turns up shows whose answer was taken."""
    return f"This is sampled answer {next(_numbers):06}."


async def plain(client: FixtureClient, asked: Asked, position: int) -> None:
    """Answer with a valid text."""
    await asked.reply({"result": text_result(fresh_text())})


async def refuse(client: FixtureClient, asked: Asked, position: int) -> None:
    """Answer as a client that never declared sampling."""
    await asked.reply({"error": {"code": -32601, "message": "this client does not support sampling"}})


async def call(client: FixtureClient, callee: Callee, *, token: str | None = None) -> Json | None:
    """Call it and wait for the response; ``None`` where none came."""
    return await client.request(callee.method, callee.params(token))


@dataclass(frozen=True)
class ProbeScript:
    """What to do with one callee. ``group`` is what rules look for, ``name`` completes "... after NAME"."""

    group: str
    name: str
    run: Callable[[FixtureClient, Callee], Awaitable[None]]
    hostile: bool = False
    follow_up: bool = True
    #: ``True``: for what offers tools in its sampling requests; ``False``: for what offers none; ``None``: for all
    for_tools: bool | None = None
    #: the last one on its connection: a server that keeps the conversation would send its bulk again with each request
    last: bool = False
    #: much like another one: tried in the newest revision of the era, and in the others if it shows something there
    finer: bool = False
    #: for all that samples, also for what is much like something else that gets every probe
    short: bool = False


async def perform(client: FixtureClient, probe: ProbeScript, callee: Callee) -> bool:
    """Run a probe and its follow-up, and note in the transcript where each begins. ``False`` when the connection is not
    to be used any further."""
    usual = plain if client.declares_sampling else refuse
    client.sampling, client.sampler = [], usual
    client.transcript.note(ProbeStarted(probe.group, probe.name, callee.label, probe.hostile))
    await probe.run(client, callee)
    if probe.follow_up and not client.struggling:
        client.transcript.note(FollowUpStarted())
        client.sampling, client.sampler = [], usual
        await call(client, callee)
    client.sampler = None
    if client.gone:
        await client.note_exit()
    return not client.struggling


async def _first_call(client: FixtureClient, callee: Callee) -> None:
    await call(client, callee)


async def _second_call(client: FixtureClient, callee: Callee) -> None:
    await call(client, callee, token="progress-1")


FIRST = ProbeScript("first-call", "a plain text", _first_call, follow_up=False)
SECOND = ProbeScript("second-call", "a plain text", _second_call, follow_up=False)
#: for a connection of the modern era that says nothing of what the client can do
INCOMPLETE = ProbeScript("incomplete-meta", "a call without clientCapabilities", _first_call, follow_up=False)


def answering(answer: Answer) -> ProbeScript:
    """Call, and answer the first sampling request with an answer of the table."""

    async def run(client: FixtureClient, callee: Callee) -> None:
        id: int | str | None = None

        async def first_only(client: FixtureClient, asked: Asked, position: int) -> None:
            if position:
                await plain(client, asked, position)
                return
            await asked.reply(answer.outcome)
            if answer.unreadable and not await client.until(lambda: id is not None and client.answered(id), _LATE):
                await plain(client, asked, position)

        client.sampler = first_only
        id = await client.start_request(callee.method, callee.params())
        await client.response(id)

    return ProbeScript(
        answer.group,
        answer.name,
        run,
        answer.hostile,
        for_tools=answer.for_tools,
        last=answer.last,
        finer=answer.finer,
        short=answer.short,
    )


async def _late(client: FixtureClient, callee: Callee) -> None:
    """Ping while the sampling request is pending, let it wait, then answer."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position == 0:
            ping = await client.start_request("ping")
            await client.in_time(lambda: client.answered(ping))
            await client.response_within(ping, 0)
            await anyio.sleep(_LATE)
        await plain(client, asked, position)

    client.sampler = sampler
    await call(client, callee)


async def _pinged(client: FixtureClient, callee: Callee) -> None:
    """Ping while the sampling request is pending, and answer that once the ping is answered."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position == 0:
            ping = await client.start_request("ping")
            await client.until(lambda: client.answered(ping), client.at_least(SIDE_BY_SIDE))
        await plain(client, asked, position)

    client.sampler = sampler
    await call(client, callee)


async def pending(client: FixtureClient, callee: Callee, id: int | str | None = None) -> int | str:
    """Start a call and wait until its sampling request is there (or the call is answered without)."""
    before = len(client.sampling)
    id = await client.start_request(callee.method, callee.params(), id)
    await client.in_time(lambda: len(client.sampling) > before or client.answered(id))
    return id


async def call_both(client: FixtureClient, one: Callee, other: Callee) -> None:
    """Two calls at once, the sampling request of the second answered first."""
    client.sampler = None
    first = await pending(client, one)
    second = await client.start_request(other.method, other.params())
    await client.until(lambda: len(client.sampling) > 1 or client.answered(second), client.at_least(SIDE_BY_SIDE))
    client.sampler = plain  # whatever comes later is answered at once
    for asked in reversed(list(client.sampling)):
        await plain(client, asked, 0)
    for id in (second, first):
        await client.response(id)


async def _concurrent(client: FixtureClient, callee: Callee) -> None:
    await call_both(client, callee, callee)


async def _same_id(client: FixtureClient, callee: Callee) -> None:
    """A call whose id is the one that the server will use next for its own request."""
    await client.response(await client.start_request(callee.method, callee.params(), next_id_of_server(client)))


async def _cancelled(client: FixtureClient, callee: Callee) -> None:
    """Cancel the call while its sampling request is pending; then answer that, unless the server cancelled it."""
    client.sampler = None
    id = await pending(client, callee)
    if client.answered(id) or not client.sampling:
        return
    await _take_back(client, id)
    client.sampler = plain  # for a server that goes on all the same
    for asked in list(client.sampling):
        if asked.body.get("id") not in client.cancelled:
            await plain(client, asked, 0)


async def _take_back(client: FixtureClient, id: int | str) -> None:
    """Cancel a call, and wait until the server has read that."""
    await client.notify(CANCELLED, {"requestId": id, "reason": "the fixture client changed its mind"})
    await _ping(client)


async def _ping(client: FixtureClient) -> None:
    """Ping, and wait for the answer: once it is there, what was sent before was read."""
    ping = await client.start_request("ping")
    await client.until(lambda: client.answered(ping), client.at_least(SIDE_BY_SIDE))


async def _cancelled_loop(client: FixtureClient, callee: Callee) -> None:
    """Cancel the call in the second round of its tool loop; then ask for a tool once more, unless the server cancelled
    its own request."""
    client.sampler = _using_tools(_one, rounds=1, then=None)
    id = await client.start_request(callee.method, callee.params())
    await client.in_time(lambda: len(client.sampling) > 1 or client.answered(id))
    client.sampler = plain
    if client.answered(id) or len(client.sampling) < 2:
        return
    await _take_back(client, id)
    again = _using_tools(_one, rounds=ENDLESS_ROUNDS)
    for position, asked in enumerate(list(client.sampling)[1:], 1):
        if asked.body.get("id") not in client.cancelled:
            await again(client, asked, position)
    await _ping(client)


async def _abandoned(client: FixtureClient, callee: Callee) -> None:
    """Leave what the call asked for unanswered."""
    client.sampler = None
    await pending(client, callee)


def _retrying(change: Change) -> ProbeScript:
    async def run(client: FixtureClient, callee: Callee) -> None:
        assert isinstance(client, ModernClient)
        client.amend = change.amend
        await call(client, callee)
        client.amend = None

    return ProbeScript(change.group, change.name, run, change.hostile)


def elsewhere(first: ModernClient) -> ProbeScript:
    """Call on the connection ``first``, and retry on the one that the probe is performed on."""

    async def run(client: FixtureClient, callee: Callee) -> None:
        taken: list[Json] = []
        first.transcript.note(ProbeStarted("handed-over", "a call that is retried elsewhere", callee.label))
        first.sampling, first.sampler, first.amend = [], plain, taken.append
        await call(first, callee)
        first.amend = None
        if taken:
            await client.request(callee.method, taken[0])

    return ProbeScript("another-connection", "a retry on another connection", run, follow_up=False)


async def _twice(client: FixtureClient, callee: Callee) -> None:
    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        await plain(client, asked, position)
        if position == 0:
            text = fresh_text()
            client.transcript.note(AnsweredAgain(text))
            await asked.reply({"result": text_result(text)})

    client.sampler = sampler
    await call(client, callee)


#: how long a server may run on after its stdin was closed, in seconds, or as many times as long as the slowest thing
#: that it did before. It is no round number, for those are what servers give their own threads and connections
_EXIT_SECONDS, _EXIT_FACTOR = 7.5, 10


async def _closed(client: FixtureClient, callee: Callee) -> None:
    """Close the server's stdin while its sampling request is pending."""
    client.sampler = None
    id = await pending(client, callee)
    if client.answered(id) or not client.sampling:
        return
    assert isinstance(client.wire, StdioToServer)
    await client.wire.close_input()
    slowest = max(client.pace.slowest or 0.0, client.pace.slowest_start or 0.0)
    seconds = round(max(_EXIT_SECONDS, min(_EXIT_FACTOR * slowest, 2 * client.timeout)), 1)
    exited = await client.wire.exited(seconds)
    client.transcript.note(ExitWatched(exited, seconds, round(slowest, 1)))


#: ends its connection
CLOSED = ProbeScript("closed", "stdin was closed", _closed, follow_up=False)


def _using_tools(make: Callable[[Json, int], list[Json]], *, rounds: int, then: Sampler | None = plain) -> Sampler:
    """Answer with the tool_use blocks that ``make`` builds for a tool that the request offers, ``rounds`` times; what
    comes ``then`` is left to another one, or unanswered."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position < rounds and (tools := tools_of(asked)):
            await asked.reply(tool_use_result(make(tools[0], position)))
        elif then:
            await then(client, asked, position)

    return sampler


def _tool_uses(name: str, make: Callable[[Json, int], list[Json]], *, rounds: int, group: str = "tools") -> ProbeScript:
    async def run(client: FixtureClient, callee: Callee) -> None:
        if rounds == ENDLESS_ROUNDS:
            client.transcript.note(EndlessLoop(rounds))
        client.sampler = _using_tools(make, rounds=rounds)
        await call(client, callee)

    return ProbeScript(group, name, run, for_tools=True)


def _use_of_offered(tool: Json, identifier: str) -> Json:
    try:
        arguments = minimal_arguments(tool.get("inputSchema"))
    except NoArguments:
        arguments = {}
    return {**tool_use(identifier, str(tool.get("name")), arguments), "_meta": {"com.example/cache": identifier}}


def _one(tool: Json, position: int) -> list[Json]:
    return [_use_of_offered(tool, f"call-{position}")]


def _several(tool: Json, position: int) -> list[Json]:
    return [_use_of_offered(tool, f"call-{position}-{letter}") for letter in "abc"]


def _unknown(tool: Json, position: int) -> list[Json]:
    return [tool_use("call-unknown", "no_such_tool", {})]


#: in this order on one connection: what leaves the server unharmed first, what breaks the specification last
PROBES: tuple[tuple[Callable[[Revision], bool], ProbeScript], ...] = (
    (legacy, ProbeScript("late", "an answer that came late", _late)),
    (legacy, ProbeScript("pinged", "a ping while its sampling request was pending", _pinged)),
    (always, ProbeScript("concurrent", "two calls at once", _concurrent)),
    (legacy, ProbeScript("same-id", "a call whose id the server's own request had too", _same_id)),
    *(
        (with_tools, probe)
        for probe in (
            _tool_uses("one tool_use", _one, rounds=1),
            _tool_uses("three tool_use in one answer", _several, rounds=1),
            _tool_uses("tool_use over and over", _one, rounds=ENDLESS_ROUNDS),
            _tool_uses("a tool_use of a tool that was not offered", _unknown, rounds=1, group="unknown-tool"),
        )
    ),
    *((answer.fits, answering(answer)) for answer in VALID),
    (legacy, ProbeScript("cancelled", "a call that was cancelled", _cancelled)),
    (modern, ProbeScript("cancelled", "a call that was abandoned", _abandoned)),
    (
        legacy_with_tools,
        ProbeScript("cancelled-loop", "a tool loop that was cancelled", _cancelled_loop, for_tools=True),
    ),
    (legacy, ProbeScript("duplicate", "an answer that came twice", _twice, hostile=True)),
    *((modern, _retrying(change)) for change in sorted(CHANGES, key=lambda change: change.hostile)),
    *((answer.fits, answering(answer)) for answer in HOSTILE),
)


def probes_for(revision: Revision, offers_tools: bool) -> list[ProbeScript]:
    """The probes in a revision of what offers tools, or does not, in order."""
    return [probe for fits, probe in PROBES if fits(revision) and probe.for_tools in (None, offers_tools)]


def finer_from(transcript: Transcript) -> int | None:
    """The index in a transcript from which on there are finer probes; ``None`` where there are none."""
    names = {probe.name for _, probe in PROBES if probe.finer}
    for index, item in enumerate(transcript.items):
        if isinstance(item, ProbeStarted) and item.name in names:
            return index
    return None
