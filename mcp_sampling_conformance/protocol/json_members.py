"""The texts of the members of a JSON object, cut out of its text: as they stand there, not as a parser read them."""

from __future__ import annotations

import json
import re

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def member_texts(text: str) -> dict[str, str]:
    """By name: the text of each member of the JSON object that ``text`` is; of one that comes twice, the last.

    Raises ``ValueError`` where the text is no JSON object.
    """
    found: dict[str, str] = {}
    place = _expect(text, "{", _skip(text, 0))
    while not text.startswith("}", place):
        if found:
            place = _expect(text, ",", place)
        name, place = _DECODER.raw_decode(text, place)
        if not isinstance(name, str):
            raise ValueError("the name of a member is no string")
        begin = _expect(text, ":", _skip(text, place))
        _, end = _DECODER.raw_decode(text, begin)
        found[name] = text[begin:end]
        place = _skip(text, end)
    if _skip(text, place + 1) != len(text):
        raise ValueError("something follows the object")
    return found


def _expect(text: str, mark: str, place: int) -> int:
    """The place after a mark and the space behind it. Raises ``ValueError`` where the mark is not there."""
    if not text.startswith(mark, place):
        raise ValueError(f"no {mark!r} at character {place}")
    return _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    """The place of the first character from ``place`` on that is no space."""
    match = _SPACE.match(text, place)
    assert match is not None  # it matches nothing, too
    return match.end()
