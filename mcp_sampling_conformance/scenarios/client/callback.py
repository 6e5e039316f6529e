"""The run against a sampling callback: the Python SDK's own client around it, in this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
from mcp import types
from mcp.shared.memory import create_client_server_memory_streams
from pydantic import ValidationError

from ...peers.modern_server import server_for
from ...peers.server import Book
from ...protocol.revisions import Revision
from ...transcript.run import RevisionRun, Run
from ...transcript.transcript import Transcript
from ...transports import sdk
from ...transports.tasks import Tasks
from ...transports.to_client.memory import MemoryToClient
from ..conditions import Conditions
from ..search.sorts import Field, try_elsewhere
from .examples import search_client
from .probes import client_tools

#: an attribute of a callback that says which sub-capabilities its client declares
CAPABILITIES = "sampling_capabilities"


async def provoke_callback(
    callback: Callable[..., Any],
    revisions: Sequence[Revision],
    models: Sequence[str],
    conditions: Conditions,
) -> Run:
    """Provoke a callback in each revision and return the record. Raises nothing that the callback can cause.

    ``models`` are the names of models that it is known to have.
    """
    run = Run({revision.name: RevisionRun() for revision in revisions})
    searched: list[Field] = []
    run.unreached = "the callback was never called, so there was nothing to judge."
    # One after the other: all share one event loop, and a callback that blocks it would make the others late.
    for revision in revisions:
        conditions.progress(revision.name)
        record = run.revisions[revision.name]
        if reason := sdk.unspoken(revision):
            record.not_negotiated = reason
            continue
        watched = Watched(callback)
        try:
            _capabilities(callback)
        except ValidationError as error:
            record.failure = f"its {CAPABILITIES} are no sampling capability of the SDK: {error}"
            continue
        run.connections += 1
        record.opened = True
        book = Book(client_tools(revision, models, of_callback=True))
        transcript = _open(revision, conditions)
        record.transcripts.append(transcript)
        with conditions.ending.awaited():
            await call_every_tool(watched, revision, book, transcript, conditions.timeout)
            start = partial(_start, watched, revision, conditions)
            searched += await search_client(record, revision, start, book, conditions)
        if watched.answers:
            run.reached.append(revision.name)
        elif watched.calls:
            fault = watched.faults[0] if watched.faults else f"did not return within {conditions.timeout:g} s"
            run.unreached = f"the callback never gave an answer: it {fault} (in {revision.name})."
        if watched.faults:
            times = f"in {len(watched.faults)} of {watched.calls} calls"
            record.notes.append(f"{revision.name}: the callback {watched.faults[0]} ({times})")
        if conditions.ending.reason:
            break
    with conditions.ending.awaited():
        await try_elsewhere(searched, conditions)
    return run


async def _start(callback: Watched, revision: Revision, conditions: Conditions, book: Book) -> Transcript:
    """Have every tool of a book called once; returns the record of that."""
    transcript = _open(revision, conditions)
    await call_every_tool(callback, revision, book, transcript, conditions.timeout)
    return transcript


def _open(revision: Revision, conditions: Conditions) -> Transcript:
    return conditions.recorder.open(revision.name, f"{revision.name}, in memory", "memory")


class Watched:
    """A callback, and what it does that no transcript shows: the SDK makes an error response of any fault."""

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback
        self.sampling_capabilities = getattr(callback, CAPABILITIES, None)
        self.calls = 0
        self.answers = 0
        self.faults: list[str] = []

    async def __call__(self, context: Any, params: Any) -> Any:
        self.calls += 1
        try:
            answer = await self.callback(context, params)
        except sdk.REFUSALS:  # another way to refuse
            self.answers += 1
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            self.faults.append(f"raised {type(error).__name__}: {str(error)[:200]}{_place(error)}")
            if isinstance(error, Exception):
                raise
            raise RuntimeError(f"{type(error).__name__} in a sampling callback") from error  # ends only this answer
        if isinstance(answer, sdk.ANSWERS):
            self.answers += 1
        else:
            self.faults.append(f"returned {type(answer).__name__}, no CreateMessageResult or ErrorData")
        return answer


def _place(error: BaseException) -> str:
    """Where in the callback's own code an error was raised."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f" ({last.filename}, line {last.lineno})" if last.filename != __file__ else ""


def _capabilities(callback: Callable[..., Any]) -> types.SamplingCapability | None:
    declared = getattr(callback, CAPABILITIES, None)
    return types.SamplingCapability.model_validate(declared) if declared is not None else None


async def call_every_tool(
    callback: Callable[..., Any], revision: Revision, book: Book, transcript: Transcript, timeout: float
) -> None:
    """Put the SDK's client around a callback, connect it to the fixture server, and have it call every tool once.

    An answer of the callback may take ``timeout`` seconds.
    """
    async with create_client_server_memory_streams() as (client_streams, server_streams):
        server = server_for(MemoryToClient(*server_streams, transcript), revision, book, timeout)
        connected = sdk.client(client_streams, revision, callback, _capabilities(callback), timeout)
        # The server ends first: what the client answers for a callback that it ends is no answer of the callback.
        async with anyio.create_task_group() as outer:
            outer.start_soon(server.serve, Tasks(outer, None))
            async with connected as client:
                for tool in (await client.list_tools()).tools:
                    # Modern calls raise what the callback raised, in whatever way the SDK wraps it.
                    with suppress(Exception):
                        await client.call_tool(tool.name, {})
                outer.cancel_scope.cancel()
