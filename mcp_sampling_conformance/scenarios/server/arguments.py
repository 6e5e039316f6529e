"""Small valid arguments for a tool, made from its schema."""

from __future__ import annotations

from ...protocol.jsonrpc import Json
from ...schemas.make import NoInstance, instance


class NoArguments(ValueError):
    """No arguments could be made for a schema; the text of the exception says why, and what to do."""


def minimal_arguments(schema: object) -> Json:
    """Small valid arguments for a JSON Schema: what is required, with the schema's own defaults and examples first.

    The same schema gives the same arguments. Raises ``NoArguments`` where none can be made.
    """
    if not isinstance(schema, dict):
        return {}
    try:
        return dict(instance({**schema, "type": "object"}))
    except NoInstance as reason:
        why = f" ({reason})" if str(reason) else ""
        raise NoArguments(
            f"no arguments that fit its inputSchema were found{why}; give them with --mcp-tool NAME=JSON"
        ) from reason
