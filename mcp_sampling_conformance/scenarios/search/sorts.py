"""A search for each sort of examples in a revision, and what the record of the revision takes from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...protocol.revisions import Revision
from ...transcript.run import RevisionRun
from ...transcript.transcript import Side, Transcript
from ..conditions import BrokenSince, Conditions
from .example import Attempt, Example, Find
from .hunt import searching
from .search import Search

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: what was found in other revisions and is tried in one more, at most
_MOST_BORROWED = 8


@dataclass
class Field:
    """One revision as a place to search in."""

    revision: Revision
    record: RevisionRun
    host: Callable[[Search], Awaitable[None]]  #: tries what a search asks for
    fits: Callable[[Example], bool] = lambda example: True  #: whether an example can be sent here at all
    known: set[str] = field(default_factory=set)  #: rules known to be broken
    hasty: bool = False  #: what hangs there is known, and not to be waited for again
    finds: list[Find] = field(default_factory=list)


async def search_sorts(
    sorts: Mapping[str, Callable[[], SearchStrategy[Example]]], place: Field, conditions: Conditions
) -> list[Search]:
    """One search for each sort of examples, by its name."""
    searches: list[Search] = []
    for sort, strategy in sorts.items():
        conditions.progress(f"{place.revision.name}: generated {sort}")
        terms = conditions.generated, conditions.timeout, place.known
        async with searching(strategy, *terms, hasty=place.hasty) as search:
            await place.host(search)
        searches.append(search)
        place.finds += search.finds
        if any(find.spent for find in search.finds):
            break  # what valid content does, the rest of invalid content would do as well
    return searches


async def try_elsewhere(places: Sequence[Field], conditions: Conditions) -> None:
    """Try what was found in one revision in the others too, once all are searched: that a few random examples came
    across it was chance, but not that it breaks a rule."""
    found = {place.revision: place.finds for place in places}
    for place in places:
        borrowed = {
            find.example.key: replace(find, example=replace(find.example, borrowed=True))
            for revision, finds in found.items()
            for find in finds
            if revision is not place.revision and place.fits(find.example)
        }
        wanted = [find for find in borrowed.values() if not find.rules <= place.known][:_MOST_BORROWED]
        if wanted:
            conditions.progress(f"{place.revision.name}: what was found in other revisions")
            async with searching(wanted, conditions.generated, conditions.timeout, place.known) as search:
                await place.host(search)
            search.cut_short = ""  # that is about examples that were asked for
            add_search(place.record, place.revision, search)


def broken_by(
    attempt: Attempt, transcript: Transcript, begin: int, revision: Revision, side: Side, broken_since: BrokenSince
) -> frozenset[str]:
    """The rules that an attempt broke, from an index of a transcript on.

    What was made for another revision is judged only if it is here what it is taken for, valid or not; the same rules
    tell that, of what the harness itself has sent.
    """
    example = attempt.example
    if example.borrowed and example.hostile != bool(broken_since(transcript, begin, revision, side.other)):
        return frozenset()
    return broken_since(transcript, begin, revision, side)


def add_search(record: RevisionRun, revision: Revision, search: Search) -> None:
    """Take what a search found into the record of a revision, and say so in its notes.

    What shows a find on a connection of its own comes before all other transcripts; what shows one on a connection that
    is judged in part makes that part longer.
    """
    record.transcripts += search.plain
    if search.cut_short:
        record.notes.append(f"{revision.name}: only {search.tried} generated examples were tried: {search.cut_short}")
    for find in search.finds:
        record.transcripts = [each for each in record.transcripts if each.name != find.transcript.name]
        record.transcripts.insert(0 if find.alone else len(record.transcripts), find.transcript)
        when = "" if find.alone else ", though not on a fresh connection"
        where = " in another revision" if find.example.borrowed else ""
        record.notes.append(
            f"{revision.name}: {', '.join(sorted(find.rules))} broke with {find.example.name} "
            f"(found{where} with the seed {find.seed}{when})"
        )
