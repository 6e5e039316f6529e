"""The probes of a server: each calls something that samples, and answers the sampling in one particular way."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio

from ...peers.client import Asked, FixtureClient, tools_of
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json, is_integer
from ...protocol.names import CANCELLED
from ...protocol.revisions import Revision
from ...transcript.events import AnsweredAgain, EndlessLoop, ExitWatched, FollowUpStarted, ProbeStarted
from ...transcript.transcript import Transcript
from ...transports.to_server.stdio import StdioToServer
from .answers import HOSTILE, VALID, Answer, always, legacy, modern, text_result, tool_use, tool_use_result, with_tools
from .arguments import NoArguments, minimal_arguments
from .callees import Callee
from .retries import CHANGES, Change

#: how long an answer is held back, in seconds, to see that the server lives meanwhile
_LATE = 0.2
#: how long the second of two calls may take to sample, in seconds: a server may serve one call after the other
_SIDE_BY_SIDE = 0.3
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


async def _pending(client: FixtureClient, callee: Callee, id: int | str | None = None) -> int | str:
    """Start a call and wait until its sampling request is there (or the call is answered without)."""
    before = len(client.sampling)
    id = await client.start_request(callee.method, callee.params(), id)
    await client.in_time(lambda: len(client.sampling) > before or client.answered(id))
    return id


async def _concurrent(client: FixtureClient, callee: Callee) -> None:
    """Two calls at once, the sampling request of the second answered first."""
    client.sampler = None
    first = await _pending(client, callee)
    second = await client.start_request(callee.method, callee.params())
    await client.until(lambda: len(client.sampling) > 1 or client.answered(second), client.at_least(_SIDE_BY_SIDE))
    client.sampler = plain  # whatever comes later is answered at once
    for asked in reversed(list(client.sampling)):
        await plain(client, asked, 0)
    for id in (second, first):
        await client.response(id)


async def _same_id(client: FixtureClient, callee: Callee) -> None:
    """A call whose id is the one that the server will use next for its own request."""
    await client.response(await client.start_request(callee.method, callee.params(), _next_id_of_server(client)))


def _next_id_of_server(client: FixtureClient) -> int | str | None:
    """What the server's next request id will be, where its last two ids count up; else ``None``."""
    if len(client.recent_server_ids) < 2:
        return None
    (head_before, before), (head, last) = (_counted(id) for id in client.recent_server_ids)
    if last is None or before is None or head != head_before or last - before != 1:
        return None
    foreseen = last + 1 if head is None else f"{head}{last + 1}"
    return None if foreseen in client.used_ids else foreseen


#: ids beyond that count nothing: they take long to read, or are too large to be written
_LONGEST_ID, _LARGEST_ID = 200, 10**18
_COUNTED = re.compile(r"(.*?)(0|[1-9][0-9]{0,17})", re.DOTALL)


def _counted(id: Any) -> tuple[str | None, int | None]:
    """An id as what stands before its number, and the number."""
    if is_integer(id) and abs(id) < _LARGEST_ID:
        return None, int(id)
    found = _COUNTED.fullmatch(id) if isinstance(id, str) and len(id) <= _LONGEST_ID else None
    return (found[1], int(found[2])) if found else (None, None)


async def _cancelled(client: FixtureClient, callee: Callee) -> None:
    """Cancel the call while its sampling request is pending; then answer that, unless the server cancelled it."""
    client.sampler = None
    id = await _pending(client, callee)
    if client.answered(id) or not client.sampling:
        return
    await client.notify(CANCELLED, {"requestId": id, "reason": "the fixture client changed its mind"})
    ping = await client.start_request("ping")  # once this is answered, the cancellation was read
    await client.until(lambda: client.answered(ping), client.at_least(_SIDE_BY_SIDE))
    client.sampler = plain  # for a server that goes on all the same
    for asked in list(client.sampling):
        if asked.body.get("id") not in client.cancelled:
            await plain(client, asked, 0)


async def _abandoned(client: FixtureClient, callee: Callee) -> None:
    """Leave what the call asked for unanswered."""
    client.sampler = None
    await _pending(client, callee)


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
    id = await _pending(client, callee)
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


def _tool_uses(name: str, make: Callable[[Json, int], list[Json]], *, rounds: int, group: str = "tools") -> ProbeScript:
    """Answer with the tool_use blocks that ``make`` builds for a tool that the request offers, ``rounds`` times."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position < rounds and (tools := tools_of(asked)):
            await asked.reply(tool_use_result(make(tools[0], position)))
        else:
            await plain(client, asked, position)

    async def run(client: FixtureClient, callee: Callee) -> None:
        if rounds == ENDLESS_ROUNDS:
            client.transcript.note(EndlessLoop(rounds))
        client.sampler = sampler
        await call(client, callee)

    return ProbeScript(group, name, run, for_tools=True)


def _use_of_offered(tool: Json, identifier: str) -> Json:
    try:
        arguments = minimal_arguments(tool.get("inputSchema"))
    except NoArguments:
        arguments = {}
    return tool_use(identifier, str(tool.get("name")), arguments)


def _one(tool: Json, position: int) -> list[Json]:
    return [_use_of_offered(tool, f"call-{position}")]


def _several(tool: Json, position: int) -> list[Json]:
    return [_use_of_offered(tool, f"call-{position}-{letter}") for letter in "abc"]


def _unknown(tool: Json, position: int) -> list[Json]:
    return [tool_use("call-unknown", "no_such_tool", {})]


#: in this order on one connection: what leaves the server unharmed first, what breaks the specification last
PROBES: tuple[tuple[Callable[[Revision], bool], ProbeScript], ...] = (
    (legacy, ProbeScript("late", "an answer that came late", _late)),
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
