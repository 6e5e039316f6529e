"""The text of one failure: what a maintainer needs to file a bug without running anything again."""

from __future__ import annotations

from ..judging.results import Result, Verdict
from .exchange import evidence_lines
from .printable import printable

#: what a source is worth to those whom no section of the specification binds
_REMARKS = {
    "mapper": "            (it defines the content; it binds no mapper: what is required, and how strictly, is ours)"
}


def failure_text(result: Result) -> str:
    """The rule, its level and revision, where it stands in the specification, what broke it, and the messages."""
    message = "\n".join(printable(line) for line in result.message.splitlines())
    if result.verdict is Verdict.ERROR or result.about_run:
        return message
    return "\n".join(
        [
            message,
            "",
            f"  rule      {result.rule}, {result.level} in {result.revision} (a {result.role} over {result.transport})",
            f"  requires  {result.statement}",
            f"  source    {result.url}",
            *filter(None, [_REMARKS.get(result.role)]),
            "",
            *evidence_lines(result),
        ]
    )
