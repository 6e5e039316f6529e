"""What is done in a revision on connections besides the main one.

In the legacy era each form of the sampling capability needs a connection of its own, for ``initialize`` happens once;
in the modern era, where each request declares it, one connection sees them all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from ...peers.client import FixtureClient
from ...peers.modern_client import ModernClient
from ...protocol.revisions import Revision
from .callees import Found
from .connections import Connections
from .forms import CONTEXT, EVERYTHING, FORMS, NO_SAMPLING, first_form
from .plan import call_plainly
from .probes import CLOSED, elsewhere, perform

#: in which order a form that did not sample (``False``) and one that does are tried again: a server that samples in
#: turns, for whatever form, has no period of up to five that fits it
_TURNS = (False, True, False, False, True, True)
#: containers run Python so, and it shows a stray print that else hides in a buffer
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}

FurtherConnection = Callable[[Connections, Found, Revision], Awaitable[None]]


def further_connections(revision: Revision, main: str) -> list[FurtherConnection]:
    """What to do besides the main connection, which has the form ``main``."""
    if revision.modern:
        return [partial(_all_forms, main), _two_connections]
    return [partial(_one_form, form, main) for form in FORMS if form != main]


async def _one_form(form: str, main: str, connections: Connections, found: Found, revision: Revision) -> None:
    """A connection for one form of the capability, and some more where it does not sample."""
    env = _UNBUFFERED if form == CONTEXT else None
    sampled = False
    async with connections.ready(revision, form, found.sampling, env) as client:
        if client is not None:
            good, sampled = await call_plainly(client, found)
            if good and form == EVERYTHING:
                await _close_stdin(client, connections, found)
    if form != NO_SAMPLING and not sampled:
        await _try_again(form, main, connections, found, revision)


async def _all_forms(main: str, connections: Connections, found: Found, revision: Revision) -> None:
    """A connection on which each call declares another form, and some more for those that do not sample.

    No sampling is declared first, before the server has seen any other form, and again in the end, when it has seen
    them all and must not go by one of them. In the end there is no other capability either.
    """
    missing = []
    async with connections.ready(revision, NO_SAMPLING, found.sampling, _UNBUFFERED) as client:
        if isinstance(client, ModernClient):
            for form in FORMS:
                client.declare(FORMS[form])
                good, sampled = await call_plainly(client, found)
                if not sampled:
                    missing.append(form)
                if not good:
                    break
            else:
                client.declare(None, others=False)
                await call_plainly(client, found)
    for form in missing:
        if form not in (NO_SAMPLING, main):
            await _try_again(form, main, connections, found, revision)


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


async def _two_connections(connections: Connections, found: Found, revision: Revision) -> None:
    """A call on one connection, its retry on another one."""
    form, wanted = first_form(revision), found.sampling
    async with (
        connections.ready(revision, form, wanted) as first,
        connections.ready(revision, form, wanted) as second,
    ):
        if isinstance(first, ModernClient) and second is not None:
            for callee in found.probed:
                if not await perform(second, elsewhere(first), callee):
                    break
            await _close_stdin(first, connections, found)


async def _close_stdin(client: FixtureClient, connections: Connections, found: Found) -> None:
    """See whether the server ends when its stdin is closed: the last thing to do on a connection over stdio."""
    if connections.transport == "stdio":
        await perform(client, CLOSED, found.sampling[0])
