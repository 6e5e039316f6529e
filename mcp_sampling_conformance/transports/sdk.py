"""Versions 1 and 2 of the Python SDK: all that differs between them is here, so that the rest need not ask which it is.

Messages are wrapped and written in other ways, a refusal is raised as another exception, and version 1 has a client
session where version 2 has a client. Version 1 speaks no revision of the modern era.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio
import mcp
from mcp import types

from ..protocol.revisions import Revision

#: a client of version 2; version 1 has none
_CLIENT: Any = getattr(mcp, "Client", None)
#: rounds of one call that it takes part in; the loops of the harness are shorter
_MOST_ROUNDS = 100
#: what a callback may answer
ANSWERS = (types.CreateMessageResult, types.CreateMessageResultWithTools, types.ErrorData)
#: what a callback may raise to refuse; version 1 answers "Invalid request parameters", whatever it raises
REFUSALS: tuple[type[Exception], ...] = (mcp.MCPError,) if _CLIENT is not None else ()
#: which members of a message the SDK leaves out when it writes one
_LEFT_OUT = {"exclude_unset": True} if _CLIENT is not None else {"exclude_none": True}


def read(text: bytes) -> Any:
    """The message with this text. Raises ``pydantic.ValidationError`` where it is none."""
    if _CLIENT is not None:
        return types.jsonrpc_message_adapter.validate_json(text, by_name=False)
    wrapped: Any = getattr(types, "JSONRPCMessage")  # noqa: B009  (in version 2 the name is a type alias)
    return wrapped.model_validate_json(text)


def written(message: Any) -> bytes:
    """The text of a message, as the SDK writes it. Raises ``PydanticSerializationError`` for what is no text."""
    return bytes(message.model_dump_json(by_alias=True, **_LEFT_OUT).encode())


def members(message: Any) -> Any:
    """What would be written, as Python's own values."""
    return message.model_dump(by_alias=True, **_LEFT_OUT)


def unspoken(revision: Revision) -> str:
    """Why a client of this SDK cannot speak a revision; empty where it can."""
    if _CLIENT is not None or not revision.modern:
        return ""
    return f"version {version('mcp')} of the Python SDK speaks no revision of the modern era; install mcp 2 or newer"


@asynccontextmanager
async def client(
    streams: Any, revision: Revision, callback: Any, capabilities: types.SamplingCapability | None, timeout: float
) -> AsyncIterator[Any]:
    """A client around a sampling callback, connected to a server: it has ``list_tools`` and ``call_tool``.

    ``callback`` may take ``timeout`` seconds for an answer before the client goes on without it.
    """
    sampling: dict[str, Any] = {"sampling_callback": callback, "sampling_capabilities": capabilities}
    if _CLIENT is not None:
        mode = revision.name if revision.modern else "legacy"
        more = {"mode": mode, "input_required_max_rounds": _MOST_ROUNDS, "cache": None}
        async with _CLIENT(_transport(streams), **sampling, **more) as found:
            yield found
        return
    session: Any = mcp.ClientSession(*streams, **sampling)
    # It reads nothing while it waits for a callback, not even the answer to its own call.
    session._received_request = partial(_within, timeout, session._received_request)
    async with session:
        await session.initialize()
        yield session


async def _within(seconds: float, respond: Callable[[Any], Any], request: Any) -> None:
    """Respond to a request, or leave it unanswered after some time."""
    with anyio.move_on_after(seconds):
        await respond(request)


@asynccontextmanager
async def _transport(streams: Any) -> AsyncIterator[Any]:
    """Streams as the client of version 2 takes them."""
    yield streams
