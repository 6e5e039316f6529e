"""The text of one failure: what a maintainer needs to file a bug without running anything again."""

from __future__ import annotations

from collections.abc import Sequence

from ..judging.results import Result, Verdict
from .exchange import evidence_lines
from .members import broken_at_members

#: what a source is worth to those whom no section of the specification binds
_REMARKS = {
    "mapper": "            (it defines the content; it binds no mapper: what is required, and how strictly, is ours)"
}


def failure_text(result: Result, also_in: Sequence[str] = ()) -> str:
    """The rule, its level and revision, where it stands in the specification, what broke it, and the messages.

    ``also_in`` are other revisions in which it is broken in the same way."""
    also = [f"  also in   {', '.join(also_in)}"] if also_in else []
    if result.verdict is Verdict.ERROR or result.about_run:
        return "\n".join([result.message, *also])
    return "\n".join(
        [
            result.message,
            "",
            f"  rule      {result.rule}, {result.level} in {result.revision} (a {result.role} over {result.transport})",
            *also,
            f"  requires  {result.statement}",
            f"  source    {result.url}",
            *filter(None, [_REMARKS.get(result.role)]),
            "",
            *(part for line in evidence_lines(result) for part in broken_at_members(line)),
        ]
    )
