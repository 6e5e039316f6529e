"""Plain JSON Lines: a message a line, with the side that sent it.

``{"from": "client", "message": {…}}``, or with the bytes of the line ``{"from": "server", "raw": "…"}``.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

from ...protocol.json_members import member_texts
from ...protocol.jsonrpc import Json, is_number
from ..transcript import Entry, Side
from .form import STDIO_CHANNELS, Found, Line

_CONTENTS = ("message", "raw", "raw_base64")
_NO_LINES = "the recording has the messages that were read, and not the lines that carried them"
#: by side: the rule about all that it writes
_FRAMING = {Side.CLIENT: "framing/stdin-clean", Side.SERVER: "framing/stdout-clean"}


def is_plain(first: Json) -> bool:
    """Whether a file that begins with this line is of this form."""
    return "from" in first and any(name in first for name in _CONTENTS)


def read_plain(lines: Iterable[Line]) -> Found:
    """The messages. Raises ``BadRecording``."""
    at = 0.0
    entries: list[Entry] = []
    raw_from: set[Side] = set()
    for line in lines:
        at = _time(line, at)
        side = _side(line)
        if "message" not in line.value:
            raw_from.add(side)
        entries.append(Entry(-1, at, side, STDIO_CHANNELS[side], _raw(line)))
    unrecorded = {rule: _NO_LINES for side, rule in _FRAMING.items() if side not in raw_from}
    return Found(entries, "stdio", unrecorded=unrecorded)


def _side(line: Line) -> Side:
    name = line.string("from")
    if name not in list(Side):
        raise line.bad(f'from is {name!r}; write "client" or "server"')
    return Side(name)


def _time(line: Line, before: float) -> float:
    """Seconds since the connection was opened; where a line does not say, as of the line before."""
    at = line.value.get("at", before)
    if not is_number(at) or not math.isfinite(at):
        raise line.bad("at is no number; write seconds since the connection was opened, or leave it out")
    return float(at)


def _raw(line: Line) -> bytes:
    given = [name for name in _CONTENTS if name in line.value]
    if len(given) != 1:
        raise line.bad(f"it has {' and '.join(given) or 'no message'}; write message or raw or raw_base64")
    if given == ["message"]:
        if isinstance(line.value["message"], str):
            raise line.bad("message is a string; write the JSON itself, or the text under raw")
        return member_texts(line.text)["message"].encode()
    text = line.string(given[0])
    if given == ["raw"]:
        return text.rstrip("\r\n").encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise line.bad("raw_base64 is no Base64") from None
