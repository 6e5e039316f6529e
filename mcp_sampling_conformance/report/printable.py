"""Text of the system under test, made safe to print.

What a terminal or an editor may obey is escaped: control characters, those that turn the direction of a text, and all
that cannot be seen, such as the tags that spell hidden words. Lone surrogates are, which no file can hold. Emoji stay,
with the selectors U+FE00 to U+FE0F; those from U+E0100 on do not, for nobody needs them here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from ..judging.results import Reference, Result, Verdict

#: marks that may stand on one letter; languages need three or four, more paint over the lines around
_MOST_MARKS = 6
_LEFT_OUT = "…"
_COMMAND = re.compile(r"^(\s*)(:(?=:)|#(?=#))")


def printable(text: str) -> str:
    """The text as one line, with all that cannot be seen escaped as in a Python string, and of a heap of combining
    marks the first."""
    return text if text.isprintable() and text.isascii() else "".join(_characters(text))


def printable_lines(text: str) -> str:
    """The same of a text that is made of several lines. None of them begins with what a CI service takes for a command
    (``::stop-commands::``, ``##vso[…]``)."""
    return "\n".join(_COMMAND.sub(_escaped, printable(line)) for line in text.split("\n"))


def _escaped(match: re.Match[str]) -> str:
    return f"{match[1]}\\x{ord(match[2]):02x}"


def printable_result(result: Result) -> Result:
    """A result with all of its texts made printable but the excerpt, of which ``evidence_lines`` prints what it shows.

    Rules make their messages of what a system sent; here they leave judging, for whoever prints them."""
    several = result.about_run or result.verdict is Verdict.ERROR
    message = printable_lines(result.message) if several else printable(result.message)
    references = tuple(
        Reference(printable(r.transcript), r.index, tuple(printable(s) if isinstance(s, str) else s for s in r.path))
        for r in result.references
    )
    details = tuple(map(printable, result.details))
    transport = printable(result.transport)
    return replace(result, message=message, references=references, details=details, transport=transport)


def _characters(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category[0] == "C" or category in ("Zl", "Zp") or "\U000e0100" <= character <= "\U000e01ef":
            yield character.encode("unicode_escape").decode()
        elif marks <= _MOST_MARKS:
            yield character
        elif marks == _MOST_MARKS + 1:
            yield _LEFT_OUT
