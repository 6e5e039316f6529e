"""The run against a server: both eras side by side, then what shows only when both are known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, permutations

import anyio

from ...protocol.revisions import Revision
from ...transcript.bugs import bug_report
from ...transcript.run import RevisionRun, Run
from ...transports.to_server.servers import Server
from ..conditions import Conditions
from ..newest import newest_spoken
from ..search.sorts import try_elsewhere
from .callees import Callee
from .connections import Connections
from .diagnosis import nothing_sampled
from .era import Era


async def provoke_server(
    server: Server, revisions: Sequence[Revision], named: Sequence[Callee], conditions: Conditions
) -> Run:
    """Provoke a server in each revision and return the record. Raises nothing that the server can cause.

    ``revisions`` are those to try, oldest first; ``named`` is what the user says to call, nothing to find it out.
    """
    run = Run({revision.name: RevisionRun() for revision in revisions})
    eras: list[Era] = []
    try:
        with conditions.ending.awaited():
            async with server.running(conditions.start_timeout) as running:
                connections = Connections(running, run, conditions)

                async def attempt(*revisions: Revision) -> None:
                    eras.append(Era(connections, revisions, named, conditions))
                    await eras[-1].run()

                async with anyio.create_task_group() as tasks:
                    for _, group in groupby(revisions, key=lambda revision: revision.modern):
                        if conditions.newest:
                            tasks.start_soon(newest_spoken, list(group), run.revisions, attempt)
                        else:
                            tasks.start_soon(attempt, *group)
                await try_elsewhere([place for era in eras for place in era.searched], conditions)
                for era in eras:
                    await era.try_finer()
                await _compare(eras)
    except OSError as error:
        for record in run.revisions.values():
            record.failure = record.failure or f"it could not be started: {error}"
    except Exception as error:  # a bug of ours: what was found so far is kept
        run.revisions[revisions[-1].name].bugs.append(bug_report(error))
    for era in eras:
        for revision in era.revisions:
            run.revisions[revision.name].uncalled = dict(era.found.uncalled)
    run.reached = list(dict.fromkeys(callee.label for era in eras for callee in era.found.sampling))
    run.unreached = nothing_sampled([era.found for era in eras if era.found.opened])
    run.unreached += "".join(f"\nBesides, {era.stateless}." for era in eras if era.stateless)
    return run


async def _compare(eras: Sequence[Era]) -> None:
    """Do for each era what shows only when the other is known."""
    for era, other in permutations(eras, 2):
        era.note_not_spoken(other)
        if era.modern:
            await era.call_what_samples_in(other)
