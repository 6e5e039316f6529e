"""Cassettes of mcp-cassette (https://github.com/cheeneheng/mcp-cassette): one JSON object with all messages.

Versions 1 to 3 of its format: ``{"format_version": 3, "transport": "http", "messages": [{"sender": "client",
"payload": {…}, "t_offset_ms": 12, "exchange": 0, "channel": "post"}, …]}``. Unless its user says otherwise, whatever
has "token" in its name is replaced by a text, and with it maxTokens and progressToken.
"""

from __future__ import annotations

from typing import Any

from ...protocol.jsonrpc import Json, is_number
from ..transcript import Entry, Side
from .form import STDIO_CHANNELS, BadRecording, Found, encoded

_NEWEST = 3
_TRANSPORTS = ("stdio", "http")
#: what stands for a maxTokens that was redacted: no answer is too long for it
_ANY_NUMBER = 2**31 - 1
#: the rules about the value of maxTokens, see ``Recording.unrecorded``
_ABOUT_MAX_TOKENS = ("max-tokens/integer", "max-tokens/positive")


def is_cassette(value: Any) -> bool:
    """Whether a file with this JSON value is a cassette, of whatever version."""
    return isinstance(value, dict) and isinstance(value.get("messages"), list) and "format_version" in value


def read_cassette(cassette: Json) -> Found:
    """The messages. Raises ``BadRecording``."""
    version, transport = cassette["format_version"], cassette.get("transport", "stdio")
    if version not in range(1, _NEWEST + 1):
        raise BadRecording(f" is a cassette of format version {version!r}; known are 1 to {_NEWEST}")
    if transport not in _TRANSPORTS:
        raise BadRecording(f" is a cassette of the transport {transport!r}; known are {' and '.join(_TRANSPORTS)}")
    entries: list[Entry] = []
    restored = False
    for place, message in enumerate(cassette["messages"]):
        _check(message, place)
        payload, redacted = message["payload"], message.get("redacted") is True
        # All tokens look alike then, so that nothing tells which request the progress belongs to.
        if redacted and isinstance(payload, dict) and payload.get("method") == "notifications/progress":
            continue
        restored |= redacted and _restore(payload)
        entries.append(_entry(message, transport))
    revision = cassette.get("protocol_version")
    unrecorded = dict.fromkeys(_ABOUT_MAX_TOKENS, "maxTokens was redacted in the recording") if restored else {}
    return Found(entries, transport, revision if isinstance(revision, str) else None, unrecorded)


def _check(message: Any, place: int) -> None:
    if not isinstance(message, dict) or message.get("sender") not in list(Side):
        raise BadRecording(f', messages[{place}]: its sender has to be "client" or "server"')
    if not isinstance(message.get("payload"), dict | str):
        raise BadRecording(f", messages[{place}]: its payload has to be a JSON object or a string")


def _entry(message: Json, transport: str) -> Entry:
    payload, offset = message["payload"], message.get("t_offset_ms", 0)
    # What was no JSON object is kept as text.
    raw = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else encoded(payload)
    at = offset / 1000 if is_number(offset) else 0.0
    return Entry(-1, at, Side(message["sender"]), _channel(message, transport), raw)


def _channel(message: Json, transport: str) -> str:
    """What carried a message: over HTTP the exchange, whose number the cassette has."""
    if transport == "stdio":
        return STDIO_CHANNELS[Side(message["sender"])]
    method = "GET" if message.get("channel") == "get" else "POST"
    return f"{method} {message.get('exchange')}"


def _restore(value: Any) -> bool:
    """Make each maxTokens a number again where a text was put in its place; whether there was one."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    restored = False
    for name, member in members:
        if name == "maxTokens" and isinstance(member, str):
            value[name] = _ANY_NUMBER
            restored = True
        else:
            restored |= _restore(member)
    return restored
