"""Text of the system under test, made safe to print."""

from __future__ import annotations

import re

#: control and format characters, which a terminal or an editor may obey, and lone surrogates, which no file can hold
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with control and format characters escaped."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
