"""What the rules about multi round-trip requests share (2026-07-28 basic/patterns/mrtr)."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call, asks_for_input
from ..evidence.messages import Message, Value
from ..evidence.reading import Key
from ..protocol.jsonrpc import id_key
from ..protocol.names import SAMPLING
from ..transcript.transcript import Side

MRTR = "basic/patterns/mrtr"
ON_SERVERS = (MRTR, "server-requirements-basic-workflow")
ON_CLIENTS = (MRTR, "client-requirements-basic-workflow")
ERRORS = (MRTR, "error-handling")

#: what a server may ask for, each with the capability that the client must have declared
ASKABLE = {SAMPLING: "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}


def results_of(evidence: Evidence) -> Iterator[tuple[Message, Value]]:
    """Every request of the client that got a result, with the result."""
    for session in evidence.sessions:
        for request in session.sent_by(Side.CLIENT):
            response = session.response_to(request)
            if response and (result := response.whole.get("result")):
                yield request, result


def asking_results(evidence: Evidence) -> Iterator[tuple[Message, Value]]:
    """Every InputRequiredResult, with the request that it answers."""
    return ((request, result) for request, result in results_of(evidence) if asks_for_input(result.message))


def param(request: Message, key: str) -> Value | None:
    """A member of the params of a request."""
    return request.whole.find("params", key)


def param_key(request: Message, key: str) -> Key:
    """As ``plain_param``, as a key."""
    return id_key(plain_param(request, key))


def called(call: Call) -> tuple[object, Key, Key]:
    """What a call calls, as a key."""
    return call.request.method, param_key(call.request, "name"), param_key(call.request, "uri")


def plain_param(request: Message, key: str) -> object:
    """The JSON value of a member of the params; an empty object counts as none."""
    found = param(request, key)
    return found.value if found is not None and found.value != {} else None
