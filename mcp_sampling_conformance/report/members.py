"""Long lines of JSON, broken where a member ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: characters of a line
_WIDE = 110
_INDENT = " " * 8
#: a string, which may be cut off, or the end of a member or an element
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|,')


def broken_at_members(line: str) -> Iterator[str]:
    """A line that is too long as several, each as long as whole members allow: the text is the same but for the breaks.
    What is no JSON is broken at commas too, wherever they stand outside of quotes."""
    ends = [match.end() for match in _TOKEN.finditer(line) if match[0] == ","] if len(line) > _WIDE else []
    start, indent = 0, ""
    for end, following in zip(ends, [*ends, len(line)][1:], strict=True):
        if len(indent) + following - start > _WIDE:
            yield indent + line[start:end]
            start, indent = end, _INDENT
            start += line[start : start + 1] == " "
    yield indent + line[start:]
