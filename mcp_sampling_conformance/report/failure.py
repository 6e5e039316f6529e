"""The text of one failure: what a maintainer needs to file a bug without running anything again."""

from __future__ import annotations

from ..verdicts import Result, Verdict
from .excerpt import printable


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
            "",
            *result.evidence,
        ]
    )
