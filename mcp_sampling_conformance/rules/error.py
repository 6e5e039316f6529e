"""error: refusals and broken answers.

client/sampling "Error Handling"; basic "Responses".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Exchange
from ..evidence.messages import Message
from ..evidence.session import Session
from ..protocol.http_headers import version_in
from ..protocol.jsonrpc import is_integer
from ..transcript.transcript import Side
from .rule import (
    ADVICE,
    ALWAYS_ADVICE,
    ALWAYS_MUST,
    ALWAYS_SHOULD,
    BOTH,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    LEGACY_MUST,
    MODERN_MUST,
    SERVER,
    SHOULD,
    Finding,
    broken,
    rule,
)
from .shapes import (
    VALID,
    all_rejected,
    asked_answered,
    goes_on_answering,
    is_string,
    lived_on,
    refuses_all,
    require,
    survived,
)


@rule(
    "error/answered-error-survived",
    SERVER,
    LEGACY_MUST,
    "messages",
    "responses",
    unobserved="no sampling request could be answered with an error",
)
def answered_error_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server whose sampling request is answered with an error, of whatever code, answers its own call and serves the
    next one."""
    for probe in evidence.probes("error"):
        yield from survived(probe)


@rule(
    "error/malformed-result-survived",
    SERVER,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no sampling request could be answered with a malformed result",
)
def malformed_result_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers its call and lives on when the answer to its sampling request breaks the schema."""
    for probe in evidence.probes("malformed", "odd"):
        yield from survived(probe)


# In the modern era a client sends no responses.
@rule("error/shape", CLIENT, LEGACY_MUST, "messages", "responses", unobserved="no response was sent")
@rule("error/shape", SERVER, ALWAYS_MUST, "messages", "responses", unobserved="no response was sent")
def shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A response has no result beside an error, and an error has an integer code and a string message."""
    for session in evidence.sessions:
        for message in session.responses_of(side):
            error = message.whole.get("error")
            # What is not of JSON-RPC, as the body of a 401 may be, is no error of JSON-RPC either.
            if "jsonrpc" not in message.body:
                continue
            if error is None:
                yield HELD
                continue
            if not isinstance(error.value, dict):
                yield broken(error, f"{error.json_path} must be an object")
                continue
            yield from require(error, "code", is_integer, "an integer")
            yield from require(error, "message", is_string, "a string")
            if "result" in message.body:
                yield broken(message.whole, "a response with both a result and an error")


#: codes that speak of the message or of a fault, and not of a user: JSON-RPC's own, and the one that SDKs give to an
#: exception of the application
_NO_USER = (-32700, -32600, -32601, -32602, -32603, 0)


@rule(
    "error/rejection-code",
    CLIENT,
    {"2024-11-05": ADVICE, "2025-11-25": SHOULD, "2026-07-28": None},  # at first -1 stands in an example alone
    "client/sampling",
    "error-handling",
    unobserved="the client did not refuse every valid request, as where its user says no",
)
def rejection_code(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request that the user rejects is answered with the error -1."""
    valid = [exchange for exchange in evidence.asks(*VALID) if exchange.answer is not None]
    if any(exchange.error is None for exchange in valid):
        return
    for exchange in valid:
        code = exchange.error.get("code") if exchange.error else None
        if code is None or not is_integer(code.value) or code.value in _NO_USER:
            continue
        if code.value == -1:
            yield HELD
        else:
            yield broken(code, f"every valid request is refused, and {exchange.name} with {code.value} instead of -1")


#: requests of plain text that no client has a reason to call invalid, as it may call an image
_OF_TEXT = ("plain", "plain-again", "parameter", "preference")
#: the codes that say so: no JSON, no request, not these params
_INVALID = (-32700, -32600, -32602)
#: something went wrong inside
_INTERNAL = -32603


@rule(
    "error/valid-not-invalid",
    CLIENT,
    LEGACY_ADVICE,
    "messages",
    "responses",
    unobserved="no request was refused by a client that fulfils others",
)
def valid_not_invalid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A valid request that is refused is not called invalid or the client's own failure, nor an invalid one that."""
    if refuses_all(evidence):
        return
    for exchange in evidence.asks(*_OF_TEXT):
        # A user, or a rate limit, may refuse all requests from some point on.
        if exchange.error is not None and goes_on_answering(evidence, exchange):
            yield _fair(exchange, (*_INVALID, _INTERNAL), "is valid")
    for exchange in evidence.asks("malformed-content", "malformed-params"):
        if exchange.error is not None:
            yield _fair(exchange, (_INTERNAL,), "is invalid, and the sender's fault")


def _fair(exchange: Exchange, unfair: tuple[int, ...], what: str) -> Finding:
    code = exchange.error.get("code") if exchange.error else None
    if code is None or code.value not in unfair:
        return HELD
    return broken(code, f"{exchange.name} was refused with {code.value}; the request {what}")


@rule(
    "error/malformed-request-survived",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no malformed request could be made",
    modern=("client/sampling", "security-considerations"),
)
def malformed_request_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client answers a sampling request that breaks the schema or a tool loop, or refuses it, and lives on."""
    groups = (
        *("malformed-content", "malformed-params", "bad-role", "no-max-tokens", "bad-max-tokens"),
        *("missing-result", "mixed-results", "undeclared-loop", "odd"),
    )
    for exchange in evidence.asks(*groups):
        yield from asked_answered(exchange)
    yield from lived_on(evidence, *groups)


@rule(
    "error/malformed-request-rejected",
    CLIENT,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no malformed request was answered",
)
def malformed_request_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request whose message content breaks the schema is refused, not answered with a result."""
    yield from all_rejected(evidence, "malformed-content", None, "although its content breaks the schema")


@rule(
    "error/malformed-params-rejected",
    CLIENT,
    ALWAYS_ADVICE,
    "schema",
    "createmessagerequestparams",
    unobserved="no malformed request was answered",
)
def malformed_params_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request whose other params break the schema is refused, not answered with a result."""
    yield from all_rejected(evidence, "malformed-params", None, "although it breaks the schema")


#: the codes that the specification defines in the range that it keeps for itself
DEFINED = (-32020, -32021, -32022)
RESERVED = range(-32099, -32019)
#: codes of earlier revisions, which are not to be used again
RETIRED = {-32002: "resource not found, now -32602", -32042: "URL elicitation required, of 2025-11-25"}


@rule("error/reserved-codes", BOTH, MODERN_MUST, "basic", "error-codes", unobserved="no error was sent")
def reserved_codes(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An error uses no code from -32099 to -32020 but those that the specification defines, in their meaning, and none
    that it has retired."""
    for session in evidence.sessions:
        for message in session.sent_by(side):
            error = message.whole.get("error") if message.is_response else None
            code = error.get("code") if error else None
            if code is None or not is_integer(code.value):
                continue
            if code.value in RETIRED:
                yield broken(code, f"the code {code.value} is retired ({RETIRED[code.value]})")
            elif code.value in RESERVED and code.value not in DEFINED:
                yield broken(code, f"the code {code.value} is reserved, and the specification does not define it")
            elif code.value == -32020 and session.transcript.transport in ("stdio", "memory"):
                yield broken(code, "the code -32020 says that HTTP headers do not match, and there are none here")
            elif code.value == -32022 and (asked := _version_asked(session, message)) in _supported(message):
                yield broken(code, f"{asked} was called unsupported, and is in data.supported")
            else:
                yield HELD


def _version_asked(session: Session, response: Message) -> str | None:
    """The revision of the request that a response of the server belongs to."""
    request = session.last_request(response.body.get("id"), before=response.index)
    return version_in(request.body) if request is not None else None


def _supported(message: Message) -> list[object]:
    data = message.at("error").get("data")
    supported = data.get("supported") if data else None
    return [version.value for version in supported.elements()] if supported else []
