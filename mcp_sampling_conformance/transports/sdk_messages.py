"""Messages as the streams of the Python SDK carry them in memory: parsed, so that text has to be made of them.

What is recorded is the text that the SDK would have written.
"""

from __future__ import annotations

import json

from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError


def to_sdk(raw: bytes) -> SessionMessage | None:
    """The message with this text; ``None`` where it is none that the streams can carry."""
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(raw, by_name=False))
    except ValidationError:
        return None


def from_sdk(message: SessionMessage) -> bytes:
    """The text of a message."""
    try:
        return message.message.model_dump_json(by_alias=True, exclude_unset=True).encode()
    except PydanticSerializationError:
        # It holds what is no text or no JSON, such as half of a surrogate pair, and could not be written at all.
        return json.dumps(message.message.model_dump(by_alias=True, exclude_unset=True), default=repr).encode()
