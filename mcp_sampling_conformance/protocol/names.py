"""Names that the specification gives to methods, members and values."""

from __future__ import annotations

#: the request that asks a client for a completion (client/sampling)
SAMPLING = "sampling/createMessage"
#: the requests of a client during which a server may sample
CALLS = frozenset({"tools/call", "prompts/get", "resources/read"})
#: the notifications that end a handshake, and take back a request
INITIALIZED = "notifications/initialized"
CANCELLED = "notifications/cancelled"
#: what the keys begin with that the specification keeps for itself in ``_meta`` (basic "_meta")
PREFIX = "io.modelcontextprotocol/"
#: where a modern request says what its client can do
CAPABILITIES = f"{PREFIX}clientCapabilities"
#: and which revision it speaks
VERSION = f"{PREFIX}protocolVersion"
#: the resultType of a result that asks for something (2026-07-28 basic/patterns/mrtr)
INPUT_REQUIRED = "input_required"
#: the error for a request whose ``_meta`` lacks a capability that it needs
#: (2026-07-28 schema MissingRequiredClientCapabilityError)
MISSING_CAPABILITY = -32021
