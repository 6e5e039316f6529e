"""Traces of mcp-conformance (https://github.com/tomtom215/mcp-conformance): JSON Lines, an event a line.

``{"seq": 0, "direction": "client-to-server", "transport": "stdio", "kind": "message", "payload": {…}}``. Over HTTP there
are also events of the kind "http", the head of a request (``headers``) or of a response (``status`` and ``headers``),
before the message that it carries. Which stream a message of the server came on is not recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...protocol.http_headers import SESSION_ID
from ...protocol.json_members import member_texts
from ...protocol.jsonrpc import Json, id_key, messages_in
from ..events import Headers, HttpExchange, SessionGiven
from ..transcript import Entry, Item, Side
from .form import STDIO_CHANNELS, Found, Line

_SENDERS = {"client-to-server": Side.CLIENT, "server-to-client": Side.SERVER}
_TRANSPORTS = {"stdio": "stdio", "streamable-http": "http"}
_NO_LINES = "a trace has the messages, and not the lines that carried them"
_NO_STREAMS = "a trace does not say which stream a message came on"
#: by transport: the rules about what a trace does not record
_UNRECORDED = {
    "stdio": {"framing/stdin-clean": _NO_LINES, "framing/stdout-clean": _NO_LINES},
    "http": {"http/own-stream": _NO_STREAMS, "http/not-broadcast": _NO_STREAMS},
}


def is_trace(first: Json) -> bool:
    """Whether a file that begins with this line is a trace."""
    return {"seq", "direction", "kind"} <= first.keys()


def read_trace(lines: Sequence[Line]) -> Found:
    """The messages and HTTP exchanges, in the order of ``seq``. Raises ``BadRecording``."""
    for line in lines:
        _check(line)
    ordered = sorted(lines, key=lambda line: int(line.value["seq"]))
    transport = ordered[0].string("transport")
    for line in ordered:
        if line.string("transport") != transport:
            raise line.bad(f"its transport is not {transport}, as before; put each connection into a file of its own")
    if transport == "stdio":
        items: Iterator[Item] = (_entry(line, STDIO_CHANNELS[_sender(line)], at) for line, at in _messages(ordered))
    else:
        items = _HttpReader(ordered).items()
    ours = _TRANSPORTS[transport]
    return Found(list(items), ours, unrecorded=_UNRECORDED[ours])
