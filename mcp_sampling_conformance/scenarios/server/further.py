"""What is done in a revision on connections besides the main one.

In the legacy era each form of the sampling capability needs a connection of its own, for ``initialize`` happens once;
in the modern era, where each request declares it, one connection sees them all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...protocol.revisions import Revision
from .callees import Found
from .connections import Connections
from .forms import CONTEXT, EMPTY, EVERYTHING, FORMS, NO_SAMPLING, TOOLS
from .ground import Ground
from .plan import Plan, call_plainly
from .probes import CLOSED, INCOMPLETE, elsewhere, perform
from .task_probes import perform_tasks
from .two_sessions import call_in_one, hold_two_sessions

#: in which order a form that did not sample (``False``) and one that does are tried again: a server that samples in
#: turns, for whatever form, has no period of up to five that fits it
_TURNS = (False, True, False, False, True, True)
#: containers run Python so, and it shows a stray print that else hides in a buffer
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}

#: sets the event at the latest when it has nothing left to do but to see a process end
FurtherConnection = Callable[[Connections, Found, Plan, anyio.Event], Awaitable[None]]


def further_connections(revision: Revision, main: str, place: Ground) -> list[FurtherConnection]:
    """What to do in the legacy era besides the main connection, which has the form ``main`` and is that of ``place``:
    what shows a server that asks although it must not comes first."""
    # Before there were tools, "tools" is an unknown member, and a form of its own shows no more than the last one.
    forms = [form for form in FORMS if form != main and (form != TOOLS or revision.tools)]
    spare = next(form for form in (EMPTY, TOOLS, CONTEXT) if form in forms)
    return [partial(_one_form, revision, form, main, spare, place) for form in forms]


async def _one_form(
    revision: Revision,
    form: str,
    main: str,
    spare: str,
    place: Ground,
    connections: Connections,
    found: Found,
    plan: Plan,
    settled: anyio.Event,
) -> None:
    """A connection for one form of the capability, and some more where it does not sample. What need not be on the
    main connection is done on that of the form ``spare``."""
    env = _UNBUFFERED if form == CONTEXT else None
    sampled = False
    async with connections.ready(revision, form, found.sampling, env, late=form == CONTEXT) as client:
        if client is not None:
            good, sampled = await call_plainly(client, found)
            if good and sampled and form == EVERYTHING:
                if await perform_tasks(client, found):
                    await _close_stdin(client, connections, found, settled)
            elif good and sampled and form == spare:
                await _perform_beside(client, connections, plan)
                await _beside_another_session(client, place, connections, found, plan)
    if form != NO_SAMPLING and not sampled:
        await _try_again(form, main, connections, found, revision)


async def call_in_all_forms(client: ModernClient, found: Found) -> list[str]:
    """Have each call declare another form; returns those that do not sample, as far as the connection lasts.

    No sampling is declared first, before the server has seen any other form, and again in the end, when it has seen
    them all and must not go by one of them. In the end there is no other capability either, and then not even the
    member that declares them.
    """
    missing = []
    for form in FORMS:
        client.declare(FORMS[form])
        good, sampled = await call_plainly(client, found)
        if not sampled:
            missing.append(form)
        if not good:
            return missing
    client.declare(None, others=False)
    if (await call_plainly(client, found)).good:
        client.declare_nothing()
        await perform(client, INCOMPLETE, found.called[0])
    return missing


async def all_forms(
    revision: Revision,
    main: str,
    place: Ground,
    connections: Connections,
    found: Found,
    plan: Plan,
    settled: anyio.Event,
) -> None:
    """In the modern era a second connection besides the main one, which is that of ``place``: see all forms on it, then
    have a call on it retried on the main one, once the probes there are through."""
    async with connections.ready(revision, NO_SAMPLING, found.sampling, _UNBUFFERED) as second:
        if not isinstance(second, ModernClient):
            return
        missing = await call_in_all_forms(second, found)
        if not second.struggling:
            second.declare(FORMS[main])
            await _perform_beside(second, connections, plan)
        await plan.performed.wait()
        if not second.struggling:
            await _retry_elsewhere(second, place, found)
            await plan.perform_last(second)
        for form in missing:
            if form not in (NO_SAMPLING, main):
                await _try_again(form, main, connections, found, revision)
        if not second.struggling:
            await _close_stdin(second, connections, found, settled)


async def _perform_beside(client: FixtureClient, connections: Connections, plan: Plan) -> None:
    """Perform what need not be on the main connection, and may end the server; where that is one and the same process
    for all connections, once the others are through."""
    if connections.transport != "stdio":
        await plan.performed.wait()
    if not client.struggling:
        await plan.perform_beside(client)


async def _beside_another_session(
    second: FixtureClient, place: Ground, connections: Connections, found: Found, plan: Plan
) -> None:
    """Perform what comes last on a connection; where it is a session of a server that has the main one too, before
    that what shows whether they are kept apart, and in the end an answer that belongs to the other session."""
    sessions = connections.transport == "http" and not connections.stateless
    for callee in found.probed if sessions else ():
        first = await _main(place)
        if first is not None and not second.struggling:
            await hold_two_sessions(first, second, callee)
    await plan.perform_last(second)
    for callee in found.probed if sessions else ():
        first = await _main(place)
        if first is not None and not second.struggling:
            await call_in_one(first, second, callee, meddle=True)


async def _main(place: Ground) -> FixtureClient | None:
    """The main connection, or a fresh one where that is spent; ``None`` where there can be none."""
    return place.client if place.has(alone=False) else await place.renew()


async def _retry_elsewhere(first: ModernClient, place: Ground, found: Found) -> None:
    """A call on one connection, its retry on another one: the main one, or a fresh one where that is spent."""
    second = await _main(place)
    for callee in found.probed:
        if second is None or not await perform(second, elsewhere(first), callee):
            return


async def _try_again(form: str, main: str, connections: Connections, found: Found, revision: Revision) -> None:
    """See on fresh connections whether it is for its form that a connection did not sample."""
    if connections.label(revision, form) in connections.silent:
        return  # whoever is slow to start has not seen the form yet
    for samples in _TURNS:
        tried = main if samples else form
        async with connections.ready(revision, tried, found.sampling) as client:
            sampled = client is not None and (await call_plainly(client, found, once=True)).sampled
        if sampled is not samples:
            return


async def _close_stdin(client: FixtureClient, connections: Connections, found: Found, settled: anyio.Event) -> None:
    """See whether the server ends when its stdin is closed: the last thing to do on a connection over stdio."""
    settled.set()
    if connections.transport == "stdio":
        await perform(client, CLOSED, found.called[0])
