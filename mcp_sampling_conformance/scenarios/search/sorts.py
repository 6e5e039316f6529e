"""A search for each sort of examples in a revision, and what the record of the revision takes from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from ...protocol.revisions import Revision
from ...transcript.run import RevisionRun
from ..conditions import Conditions
from .example import Example
from .hunt import searching
from .search import Search

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


async def search_sorts(
    sorts: Mapping[str, Callable[[], SearchStrategy[Example]]],
    host: Callable[[Search], Awaitable[None]],
    revision: Revision,
    conditions: Conditions,
) -> list[Search]:
    """One search for each sort of examples, by its name; ``host`` tries what a search asks for."""
    searches: list[Search] = []
    known: set[str] = set()
    for sort, strategy in sorts.items():
        conditions.progress(f"{revision.name}: generated {sort}")
        async with searching(strategy, conditions.generated, conditions.timeout, known) as search:
            await host(search)
        searches.append(search)
        if any(find.spent for find in search.finds):
            break  # what valid content does, the rest of invalid content would do as well
    return searches


def add_search(record: RevisionRun, revision: Revision, search: Search) -> None:
    """Take what a search found into the record of a revision, and say so in its notes.

    What shows a find on a connection of its own comes before all other transcripts.
    """
    record.transcripts += search.plain
    if search.cut_short:
        record.notes.append(f"{revision.name}: only {search.tried} generated examples were tried: {search.cut_short}")
    for find in search.finds:
        record.transcripts.insert(0 if find.alone else len(record.transcripts), find.transcript)
        when = "" if find.alone else ", though not on a fresh connection"
        record.notes.append(
            f"{revision.name}: {', '.join(sorted(find.rules))} broke with {find.example.name} "
            f"(found with the seed {find.seed}{when})"
        )
