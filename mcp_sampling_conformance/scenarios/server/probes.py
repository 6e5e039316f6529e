"""The probes of a server: each calls something that samples, and answers the sampling in one particular way."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio

from ...peers.client import Asked, FixtureClient, tools_of
from ...protocol.jsonrpc import is_integer
from ...peers.modern_client import ModernClient
from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ...transports.to_server.stdio import StdioWire
from ...transcript.transcript import Entry, Side
from .answers import HOSTILE, VALID, Answer, always, legacy, modern, text_result, tool_use, tool_use_result, with_tools
from .retries import CHANGES, Change
from .targets import NoArguments, Target, minimal_arguments

#: how long an answer is held back, to see that the server lives meanwhile
_LATE = 0.2
#: how long a server that may serve one call after the other gets to sample for a second one
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


async def call(client: FixtureClient, target: Target, *, token: str | None = None) -> Json | None:
    """Call the target and wait for the response."""
    return await client.request(target.method, target.params(token))


@dataclass(frozen=True)
class Probe:
    """What to do with one target. ``group`` is what rules look for, ``name`` completes "... after NAME"."""

    group: str
    name: str
    run: Callable[[FixtureClient, Target], Awaitable[None]]
    hostile: bool = False
    follow_up: bool = True
    #: whether it is for targets that offer tools in their sampling requests, for those that do not, or for all
    for_tools: bool | None = None
    #: the last one on its connection, for a server that keeps the conversation would carry its weight on and on
    last: bool = False


async def perform(client: FixtureClient, probe: Probe, target: Target) -> bool:
    """Run a probe, marks and follow-up included. ``False`` when the connection is not to be used any further."""
    usual = plain if client.declares_sampling else refuse
    client.sampling, client.sampler = [], usual
    client.transcript.mark("probe", group=probe.group, name=probe.name, target=target.label, hostile=probe.hostile)
    await probe.run(client, target)
    if probe.follow_up and not client.struggling:
        client.transcript.mark("follow-up")
        client.sampling, client.sampler = [], usual
        await call(client, target)
    client.sampler = None
    if client.gone:
        await client.mark_death()
    return not client.struggling


async def _first_call(client: FixtureClient, target: Target) -> None:
    await call(client, target)


async def _second_call(client: FixtureClient, target: Target) -> None:
    await call(client, target, token="progress-1")


FIRST = Probe("first-call", "a plain text", _first_call, follow_up=False)
SECOND = Probe("second-call", "a plain text", _second_call, follow_up=False)


def answering(answer: Answer) -> Probe:
    async def run(client: FixtureClient, target: Target) -> None:
        id: int | str | None = None

        async def first_only(client: FixtureClient, asked: Asked, position: int) -> None:
            if position:
                await plain(client, asked, position)
                return
            await asked.reply(answer.outcome)
            if answer.unreadable and not await client.until(lambda: id is not None and client.answered(id), _LATE):
                await plain(client, asked, position)

        client.sampler = first_only
        id = await client.start_request(target.method, target.params())
        await client.response(id)

    return Probe(answer.group, answer.name, run, answer.hostile, for_tools=answer.for_tools, last=answer.last)


async def _late(client: FixtureClient, target: Target) -> None:
    """Ping while the sampling request is pending, let it wait, then answer."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position == 0:
            await client.response_within(await client.start_request("ping"), client.timeout)
            await anyio.sleep(_LATE)
        await plain(client, asked, position)

    client.sampler = sampler
    await call(client, target)


async def _pending(client: FixtureClient, target: Target, id: int | str | None = None) -> int | str:
    """Start a call and wait until its sampling request is there (or the call is answered without)."""
    before = len(client.sampling)
    id = await client.start_request(target.method, target.params(), id)
    await client.until(lambda: len(client.sampling) > before or client.answered(id), client.timeout)
    return id


async def _concurrent(client: FixtureClient, target: Target) -> None:
    """Two calls at once, the sampling request of the second answered first."""
    client.sampler = None
    first = await _pending(client, target)
    second = await client.start_request(target.method, target.params())
    await client.until(lambda: len(client.sampling) > 1 or client.answered(second), _SIDE_BY_SIDE)
    client.sampler = plain  # whatever comes later is answered at once
    for asked in reversed(list(client.sampling)):
        await plain(client, asked, 0)
    for id in (second, first):
        await client.response(id)


async def _same_id(client: FixtureClient, target: Target) -> None:
    """A call whose id is the one that the server will use next for its own request."""
    await client.response(await client.start_request(target.method, target.params(), _next_id_of_server(client)))


def _next_id_of_server(client: FixtureClient) -> int | str | None:
    """What the server's next request id will be, where its last two ids count up; else ``None``."""
    sent = [i for i in client.transcript.items if isinstance(i, Entry) and isinstance(i.parsed, dict)]
    ids = [e.parsed["id"] for e in sent if e.sender is Side.SERVER and {"id", "method"} <= e.parsed.keys()]
    used = [e.parsed["id"] for e in sent if e.sender is Side.CLIENT and {"id", "method"} <= e.parsed.keys()]
    if len(ids) < 2:
        return None
    (head, last), (head_before, before) = _counted(ids[-1]), _counted(ids[-2])
    if last is None or before is None or head != head_before or last - before != 1:
        return None
    foreseen = last + 1 if head is None else f"{head}{last + 1}"
    return None if foreseen in used else foreseen


def _counted(id: Any) -> tuple[str | None, int | None]:
    """An id as what stands before its number, and the number."""
    if is_integer(id):
        return None, int(id)
    found = re.fullmatch(r"(.*?)(0|[1-9]\d*)", id) if isinstance(id, str) else None
    return (found[1], int(found[2])) if found else (None, None)


async def _cancelled(client: FixtureClient, target: Target) -> None:
    """Cancel the call while its sampling request is pending; then answer that, unless the server cancelled it."""
    client.sampler = None
    id = await _pending(client, target)
    if client.answered(id) or not client.sampling:
        return
    await client.notify("notifications/cancelled", {"requestId": id, "reason": "the fixture client changed its mind"})
    ping = await client.start_request("ping")  # once this is answered, the cancellation was read
    await client.until(lambda: client.answered(ping), _SIDE_BY_SIDE)
    client.sampler = plain  # for a server that goes on all the same
    for asked in list(client.sampling):
        if asked.body.get("id") not in client.cancelled:
            await plain(client, asked, 0)


async def _abandoned(client: FixtureClient, target: Target) -> None:
    """Leave what the call asked for unanswered."""
    client.sampler = None
    await _pending(client, target)


def _retrying(change: Change) -> Probe:
    async def run(client: FixtureClient, target: Target) -> None:
        assert isinstance(client, ModernClient)
        client.amend = change.amend
        await call(client, target)
        client.amend = None

    return Probe(change.group, change.name, run, change.hostile)


def elsewhere(first: ModernClient) -> Probe:
    """Call on the connection ``first``, and retry on the one that the probe is performed on."""

    async def run(client: FixtureClient, target: Target) -> None:
        taken: list[Json] = []
        first.transcript.mark(
            "probe", group="handed-over", name="a call that is retried elsewhere", target=target.label
        )
        first.sampling, first.sampler, first.amend = [], plain, taken.append
        await call(first, target)
        first.amend = None
        if taken:
            await client.request(target.method, taken[0])

    return Probe("another-connection", "a retry on another connection", run, follow_up=False)


async def _twice(client: FixtureClient, target: Target) -> None:
    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        await plain(client, asked, position)
        if position == 0:
            text = fresh_text()
            client.transcript.mark("second-answer", text=text)
            await asked.reply({"result": text_result(text)})

    client.sampler = sampler
    await call(client, target)


#: how long a server may run on after its stdin was closed, in seconds
_EXIT_SECONDS = 5.0


async def _closed(client: FixtureClient, target: Target) -> None:
    """Close the server's stdin while its sampling request is pending."""
    client.sampler = None
    id = await _pending(client, target)
    if client.answered(id) or not client.sampling:
        return
    assert isinstance(client.wire, StdioWire)
    await client.wire.close_input()
    exited = await client.wire.exited(_EXIT_SECONDS)
    client.transcript.mark("watched-exit", exited=exited, seconds=_EXIT_SECONDS)


#: ends its connection
CLOSED = Probe("closed", "stdin was closed", _closed, follow_up=False)


def _tool_uses(name: str, make: Callable[[Json, int], list[Json]], *, rounds: int, group: str = "tools") -> Probe:
    """Answer with the tool_use blocks that ``make`` builds for a tool that the request offers, ``rounds`` times."""

    async def sampler(client: FixtureClient, asked: Asked, position: int) -> None:
        if position < rounds and (tools := tools_of(asked)):
            await asked.reply(tool_use_result(make(tools[0], position)))
        else:
            await plain(client, asked, position)

    async def run(client: FixtureClient, target: Target) -> None:
        if rounds == ENDLESS_ROUNDS:
            client.transcript.mark("endless", rounds=rounds)
        client.sampler = sampler
        await call(client, target)

    return Probe(group, name, run, for_tools=True)


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
PROBES: tuple[tuple[Callable[[Revision], bool], Probe], ...] = (
    (legacy, Probe("late", "an answer that came late", _late)),
    (always, Probe("concurrent", "two calls at once", _concurrent)),
    (legacy, Probe("same-id", "a call whose id the server's own request had too", _same_id)),
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
    (legacy, Probe("cancelled", "a call that was cancelled", _cancelled)),
    (modern, Probe("cancelled", "a call that was abandoned", _abandoned)),
    (legacy, Probe("duplicate", "an answer that came twice", _twice, hostile=True)),
    *((modern, _retrying(change)) for change in sorted(CHANGES, key=lambda change: change.hostile)),
    *((answer.fits, answering(answer)) for answer in HOSTILE),
)


def probes_for(revision: Revision, offers_tools: bool) -> list[Probe]:
    """The probes of a target in a revision, in order."""
    return [probe for fits, probe in PROBES if fits(revision) and probe.for_tools in (None, offers_tools)]
