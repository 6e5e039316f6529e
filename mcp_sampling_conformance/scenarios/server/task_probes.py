"""The probes of a server that asks for tasks in its sampling requests (2025-11-25 basic/utilities/tasks)."""

from __future__ import annotations

import anyio

from ...peers.client import Asked, FixtureClient, Sampler
from ...peers.client_tasks import POLL_INTERVAL
from ...transcript.events import TaskPolled
from .callees import Callee, Found
from .probes import ProbeScript, call, perform, plain

#: so often a server gets to look at a task before that ends
_POLLS = 5


async def _late(client: FixtureClient, asked: Asked, position: int) -> None:
    """Answer when the server has looked at the task several times, or had the time to."""
    task = asked.task
    if task is not None and position == 0:
        began, seconds = anyio.current_time(), client.at_least(_POLLS * POLL_INTERVAL / 1000)
        await client.until(lambda: task.polls >= _POLLS, seconds)
        client.transcript.note(TaskPolled(task.id, task.polls, round(anyio.current_time() - began, 6)))
    await plain(client, asked, position)


async def _fail(client: FixtureClient, asked: Asked, position: int) -> None:
    if position == 0:
        await asked.reply({"error": {"code": -1, "message": "refused by the fixture client"}})
    else:
        await plain(client, asked, position)


async def _cancel(client: FixtureClient, asked: Asked, position: int) -> None:
    if asked.task is not None and position == 0:
        await asked.task.cancel("the user of the fixture client has cancelled it")
    else:
        await plain(client, asked, position)


def _probe(group: str, name: str, sampler: Sampler) -> ProbeScript:
    async def run(client: FixtureClient, callee: Callee) -> None:
        client.sampler = sampler
        await call(client, callee)

    return ProbeScript(group, name, run)


_PROBES = (
    _probe("task-late", "a task that took a while", _late),
    _probe("task-failed", "a task that failed", _fail),
    _probe("task-cancelled", "a task that the client cancelled", _cancel),
)


async def perform_tasks(client: FixtureClient, found: Found) -> bool:
    """See how a server copes with its tasks, if it has asked for any; ``False`` when the connection is not to be used
    any further."""
    for callee in found.probed if client.tasks is not None and client.tasks.made else ():
        for probe in _PROBES:
            if not await perform(client, probe, callee):
                return False
    return True
