"""Failures that are the same in several revisions: told once, with the revisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..judging.results import Result, Verdict
from .failure import failure_text

#: a number that makes no other fault, such as an id; a status or a code of an error would
_NUMBER = re.compile(r"(?<!HTTP )(?<!-)\b\d+")
#: what differs between the eras, or between one finding and several
_CIRCUMSTANCE = re.compile(r"\bresult\.inputRequests\.[^ ]{1,200}?\.(?=params\b)| \(and \d+ more of the kind\)$")


T = TypeVar("T")


def by_fault(things: Iterable[T], result_of: Callable[[T], Result]) -> list[list[T]]:
    """Things that each have a result, those together whose results are the same fault, the newest revision last."""
    groups: dict[tuple[str, Verdict, str], list[T]] = {}
    for thing in sorted(things, key=lambda thing: result_of(thing).revision):
        result = result_of(thing)
        groups.setdefault((result.rule, result.verdict, _fault(result)), []).append(thing)
    return list(groups.values())


def told_once(results: Mapping[str, Result]) -> dict[str, str]:
    """The texts of the failures that are the same in several revisions, by the ids of their items, as ``results`` are:
    the whole text for the newest, and for the others where that is."""
    failed = [
        item
        for item, result in results.items()
        if result.verdict in (Verdict.FAIL, Verdict.ERROR) and not result.about_run
    ]
    texts: dict[str, str] = {}
    for *others, newest in by_fault(failed, results.__getitem__):
        if others:
            texts[newest] = failure_text(results[newest], also_in=[results[item].revision for item in others])
            texts |= dict.fromkeys(others, f"the same as in {results[newest].revision}: {newest}")
    return texts


def _fault(result: Result) -> str:
    """What is wrong, whatever the revision is and the numbers are."""
    message = _CIRCUMSTANCE.sub("", result.message).replace(result.revision, "this revision")
    return _NUMBER.sub("0", message)
