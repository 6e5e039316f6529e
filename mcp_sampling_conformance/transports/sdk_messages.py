"""Messages as the streams of the Python SDK carry them in memory: parsed, so that text has to be made of them.

What is recorded is the text that the SDK would have written.
"""

from __future__ import annotations

import json

from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from . import sdk


def to_sdk(raw: bytes) -> SessionMessage | None:
    """The message with this text; ``None`` where it is none that the streams can carry."""
    try:
        return SessionMessage(sdk.read(raw))
    except ValidationError:
        return None


def from_sdk(message: SessionMessage) -> bytes:
    """The text of a message."""
    try:
        return sdk.written(message.message)
    except PydanticSerializationError:
        # It holds what is no text or no JSON, such as half of a surrogate pair, and could not be written at all.
        return json.dumps(sdk.members(message.message), default=repr).encode()
