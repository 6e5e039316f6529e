"""Cassettes of mcp-cassette (https://github.com/cheeneheng/mcp-cassette): one JSON object with all messages.

Versions 1 to 3 of its format: ``{"format_version": 3, "transport": "http", "messages": [{"sender": "client",
"payload": {…}, "t_offset_ms": 12, "exchange": 0, "channel": "post"}, …]}``.
"""

from __future__ import annotations

from typing import Any

from ...protocol.jsonrpc import Json, is_number
from ..transcript import Entry, Side
from .form import STDIO_CHANNELS, BadRecording, Found, encoded

_NEWEST = 3
_TRANSPORTS = ("stdio", "http")
#: what stands for a number that was redacted; no answer is longer than it allows
_ANY_NUMBER = 2**31 - 1
#: member that is redacted unless its user says otherwise, since its name contains "token": the rules about its value
_REDACTED = {
    "maxTokens": ("max-tokens/integer", "max-tokens/positive", "max-tokens/respected", "max-tokens/stop-reason-at-limit"),
    "progressToken": ("single-response/progress-only-with-token",),
}


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
    redacted: set[str] = set()
    entries = [_entry(message, place, transport, redacted) for place, message in enumerate(cassette["messages"])]
    revision = cassette.get("protocol_version")
    unrecorded = {rule: f"{name} was redacted in the recording" for name in redacted for rule in _REDACTED[name]}
    return Found(entries, transport, revision if isinstance(revision, str) else None, unrecorded)


def _entry(message: Any, place: int, transport: str, redacted: set[str]) -> Entry:
    """A message. What was redacted in it is restored so far that it is valid, and added to ``redacted``."""
    sender = message.get("sender") if isinstance(message, dict) else None
    if sender not in set(Side):
        raise BadRecording(f', messages[{place}]: its sender has to be "client" or "server"')
    payload = message.get("payload")
    if isinstance(payload, str):  # what was no JSON object is kept as text
        raw = payload.encode("utf-8", "surrogatepass")
    elif isinstance(payload, dict):
        if message.get("redacted") is True:
            _restore(payload, redacted)
        raw = encoded(payload)
    else:
        raise BadRecording(f", messages[{place}]: its payload has to be a JSON object or a string")
    offset = message.get("t_offset_ms")
    return Entry(-1, offset / 1000 if is_number(offset) else 0.0, Side(sender), _channel(message, transport), raw)


def _channel(message: Json, transport: str) -> str:
    """What carried a message: over HTTP the exchange, whose number the cassette has."""
    if transport == "stdio":
        return STDIO_CHANNELS[Side(message["sender"])]
    method = "GET" if message.get("channel") == "get" else "POST"
    return f"{method} {message.get('exchange')}"


def _restore(value: Any, redacted: set[str]) -> None:
    """Look for members in ``_REDACTED`` whose value was replaced by a text, and make the number a number again."""
    if isinstance(value, list):
        for element in value:
            _restore(element, redacted)
        return
    for name, member in value.items() if isinstance(value, dict) else ():
        if name in _REDACTED and isinstance(member, str):
            redacted.add(name)
            value[name] = _ANY_NUMBER if name == "maxTokens" else member
        else:
            _restore(member, redacted)
