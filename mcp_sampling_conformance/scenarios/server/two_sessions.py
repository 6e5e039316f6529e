"""Two sessions of one server (Streamable HTTP, legacy era): what one is asked, and answers, is nothing to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ...peers.client import Asked, FixtureClient, Sampler
from ...transcript.events import ProbeStarted, SaidInAnotherSession
from .answers import text_result
from .callees import Callee
from .probes import SIDE_BY_SIDE, fresh_text, pending, plain

#: what rules look for
GROUP = "two-sessions"


def answering_beside(client: FixtureClient, caller: FixtureClient, *, called: bool = False) -> Sampler:
    """Answer what ``client`` is asked as usual, and note it in the record of another session, whose call it may be
    for. ``called``: this session has a call of its own under way."""

    async def sampler(asking: FixtureClient, asked: Asked, position: int) -> None:
        text = fresh_text()
        caller.transcript.note(SaidInAnotherSession(client.transcript.label, text, called=called))
        await asked.reply({"result": text_result(text)})
        caller.note_activity()

    return sampler


@contextmanager
def answering_idly(idle: Iterable[FixtureClient], caller: FixtureClient) -> Iterator[None]:
    """Meanwhile sessions in which nothing is called answer what they are asked."""
    idle = list(idle)
    for client in idle:
        client.sampling, client.sampler = [], answering_beside(client, caller)
    try:
        yield
    finally:
        for client in idle:
            client.sampler = None


async def hold_two_sessions(first: FixtureClient, second: FixtureClient, callee: Callee) -> None:
    """Call in one of two sessions, in the other, and in both at once."""
    for caller, idle in ((second, first), (first, second)):
        if not await call_in_one(caller, idle, callee):
            return
    await call_in_both(first, second, callee)


async def call_in_both(first: FixtureClient, second: FixtureClient, callee: Callee) -> None:
    """A call in each session at once, what the second is asked answered first."""
    for client in (first, second):
        _begin(client, "a call in each of two sessions at once", callee)
    first_id = await pending(first, callee)
    second_id = await second.start_request(callee.method, callee.params())
    # A server may serve one call after the other.
    seconds = second.at_least(SIDE_BY_SIDE)
    await second.until(lambda: bool(second.sampling) or second.answered(second_id), seconds)
    for client, other in ((second, first), (first, second)):
        client.sampler = sampler = answering_beside(client, other, called=True)
        for position, asked in enumerate(list(client.sampling)):
            await sampler(client, asked, position)
    for client, id in ((second, second_id), (first, first_id)):
        await client.response(id)
    first.sampler = second.sampler = None


async def call_in_one(caller: FixtureClient, idle: FixtureClient, callee: Callee, *, meddle: bool = False) -> bool:
    """A call in one session while the other has none; with ``meddle`` that one sends an answer for it, too, under the
    id that it has in the session of the call, before this answers itself. ``False`` where there is no use in going on:
    the other session was asked, or one of them did not bear it."""
    _begin(idle, "a call in another session", callee, group="idle")
    _begin(caller, "an answer from another session" if meddle else "a call while another session is open", callee)
    with answering_idly([idle], caller):
        caller.sampler = None if meddle else plain
        id = await caller.start_request(callee.method, callee.params())
        if meddle:
            await caller.in_time(lambda: bool(caller.sampling or idle.sampling) or caller.answered(id))
            if caller.sampling and "id" in caller.sampling[0].body and not caller.answered(id):
                await _answer_from(idle, caller, caller.sampling[0])
            caller.sampler = plain
            for position, asked in enumerate(list(caller.sampling)):
                await plain(caller, asked, position)
        await caller.response(id)
    caller.sampler = None
    return not (idle.sampling or idle.struggling or caller.struggling)


async def _answer_from(idle: FixtureClient, caller: FixtureClient, asked: Asked) -> None:
    """Answer in one session what came in the other."""
    text, id = fresh_text(), asked.body["id"]
    caller.transcript.note(SaidInAnotherSession(idle.transcript.label, text, id))
    await idle.answer(asked.body, {"result": text_result(text)})


def _begin(client: FixtureClient, name: str, callee: Callee, *, group: str = GROUP) -> None:
    client.sampling, client.sampler = [], None
    client.transcript.note(ProbeStarted(group, name, callee.label))
