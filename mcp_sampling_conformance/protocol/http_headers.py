"""The HTTP headers that repeat what a message says, as both our endpoint and the rules read them.

basic/transports "Session Management", "Protocol Version Header"; 2026-07-28 basic/transports/streamable-http
"Request Metadata".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from .names import VERSION

ACCEPT = "Accept"
SESSION_ID = "Mcp-Session-Id"
PROTOCOL_VERSION = "MCP-Protocol-Version"
METHOD = "Mcp-Method"
NAME = "Mcp-Name"
#: what a transcript keeps of the headers of a request
KEPT = (ACCEPT, "Content-Type", "Last-Event-ID", SESSION_ID, PROTOCOL_VERSION, METHOD, NAME)

#: what Mcp-Name repeats, for the methods that have it
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_OPEN, _CLOSE = "=?base64?", "?="

#: by name in lower case, as in a transcript
Headers = Mapping[str, str]


def version_in(body: Any) -> str | None:
    """The protocol version in the ``_meta`` of a message, which modern requests have."""
    for step in ("params", "_meta", VERSION):
        body = body.get(step) if isinstance(body, dict) else None
    return body if isinstance(body, str) else None


def version_fault(headers: Headers, body: Mapping[str, Any]) -> str | None:
    """How the MCP-Protocol-Version header differs from a modern request; ``None`` where it does not."""
    return _fault(headers, PROTOCOL_VERSION, version_in(body), headers.get(PROTOCOL_VERSION.lower()))


def request_fault(headers: Headers, body: Mapping[str, Any]) -> str | None:
    """How Mcp-Method or Mcp-Name differ from a modern request; ``None`` where they do not."""
    method, params = body.get("method"), body.get("params")
    if fault := _fault(headers, METHOD, method, headers.get(METHOD.lower())):
        return fault
    key = NAMED.get(method) if isinstance(method, str) else None
    name = params.get(key) if key and isinstance(params, dict) else None
    return _fault(headers, NAME, name, _decoded(headers.get(NAME.lower()))) if isinstance(name, str) else None


def _fault(headers: Headers, header: str, wanted: object, given: str | None) -> str | None:
    if header.lower() not in headers:
        return f"the header {header} is missing"
    if given == wanted:
        return None
    return f"the header {header} is {headers[header.lower()]!r}, but the body has {wanted!r}"


def _decoded(value: str | None) -> str | None:
    """What a header value stands for, which may be wrapped in Base64; ``None`` where that is no Base64 of UTF-8."""
    if value is None or not (value.startswith(_OPEN) and value.endswith(_CLOSE)):
        return value
    try:
        return base64.b64decode(value[len(_OPEN) : -len(_CLOSE)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
