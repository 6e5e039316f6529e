"""Runs in the newest revision of each era that is spoken, and in no other (``--mcp-spec-version newest``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from ..protocol.revisions import Revision
from ..transcript.run import RevisionRun

_NOT_WANTED = "--mcp-spec-version newest judges the newest revision of an era that is spoken, and no other"


async def newest_spoken(
    revisions: Sequence[Revision],
    records: Mapping[str, RevisionRun],
    attempt: Callable[[Revision], Awaitable[None]],
) -> None:
    """Attempt the revisions of an era, given oldest first, from the newest on until one is spoken. What came of each is
    in its record; the older ones are then not applicable."""
    left = list(revisions)
    while left:
        revision = left.pop()
        await attempt(revision)
        if records[revision.name].opened or records[revision.name].failure:
            break
    for revision in left:
        records[revision.name].not_negotiated = _NOT_WANTED
