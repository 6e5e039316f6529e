"""The headers that a client's HTTP requests have because of what they carry.

basic/transports "Protocol Version Header", "Session Management"; 2026-07-28 basic/transports/streamable-http "Request
Metadata".
"""

from __future__ import annotations

import base64
import re
from typing import Any

from ...protocol.http_headers import ACCEPT, METHOD, NAME, NAMED, PROTOCOL_VERSION, version_in
from ...protocol.jsonrpc import Json

#: the headers that a tool wants, each with the path of the argument that it repeats
Mirrored = dict[str, tuple[str, ...]]
#: what the name of a header may be made of (RFC 9110 section 5.6.2); a tool may want anything
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: so deep in a tool's schema such arguments are looked for
_DEEPEST = 50


class RequestHeaders:
    """Makes the headers of each POST; it learns from the tools that a server lists which arguments they repeat."""

    def __init__(self) -> None:
        self._mirrored: dict[str, Mirrored] = {}  #: by tool

    def of(self, body: Json) -> dict[str, str]:
        """The headers of the POST that carries a message."""
        headers = {ACCEPT: "application/json, text/event-stream", "Content-Type": "application/json"}
        version, method = version_in(body), body.get("method")
        if version is None or not isinstance(method, str):
            return headers
        params = body["params"]
        headers |= {PROTOCOL_VERSION: version, METHOD: method}
        if (named := NAMED.get(method)) and isinstance(params.get(named), str):
            headers[NAME] = _encoded(params[named])
        if method == "tools/call":
            headers |= self._mirrors(params.get("name"), params.get("arguments"))
        return headers

    def learn(self, result: object) -> None:
        """Note what the tools of a modern ``tools/list`` want repeated as headers."""
        tools = result.get("tools") if isinstance(result, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._mirrored[tool["name"]] = dict(_annotated(tool.get("inputSchema"), ()))

    def _mirrors(self, tool: object, arguments: object) -> dict[str, str]:
        """The arguments that a tool wants repeated as headers (2026-07-28 "Custom Headers from Tool Parameters")."""
        found = {}
        for header, path in self._mirrored.get(tool, {}).items() if isinstance(tool, str) else ():
            value: Any = arguments
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, bool):
                found[header] = str(value).lower()
            elif isinstance(value, str | int):
                found[header] = _encoded(str(value))
        return found


def _annotated(schema: object, path: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """The header names under ``x-mcp-header`` in a schema, each with the path of its argument."""
    properties = schema.get("properties") if isinstance(schema, dict) and len(path) < _DEEPEST else None
    found = []
    for key, value in properties.items() if isinstance(properties, dict) else ():
        name = value.get("x-mcp-header") if isinstance(value, dict) else None
        if isinstance(name, str) and _TOKEN.fullmatch(name):
            found.append((f"Mcp-Param-{name}", (*path, key)))
        found += _annotated(value, (*path, key))
    return found


def _encoded(value: str) -> str:
    """A header value, in Base64 where it is not plain ASCII (2026-07-28 "Value Encoding")."""
    plain = value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?base64?")
    return value if plain else f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="
