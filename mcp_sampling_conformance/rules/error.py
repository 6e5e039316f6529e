"""error: refusals and broken answers.

client/sampling "Error Handling"; basic "Responses".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Message
from ..evidence.session import Session
from ..protocol.http_headers import version_in
from ..protocol.jsonrpc import is_integer
from ..transcript.transcript import Side
from .rule import (
    ALWAYS_MUST,
    ALWAYS_SHOULD,
    BOTH,
    CLIENT,
    HELD,
    LEGACY_MUST,
    LEGACY_SHOULD,
    MODERN_MUST,
    SERVER,
    Finding,
    broken,
    rule,
)
from .shapes import asked_answered, is_string, lived_on, rejected, require, survived


@rule(
    "error/answered-error-survived",
    SERVER,
    LEGACY_MUST,
    "client/sampling",
    "error-handling",
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


@rule("error/shape", CLIENT, LEGACY_MUST, "messages", "responses", unobserved="the client sent no error")
def shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An error has an integer code and a string message, and no result stands beside it."""
    for exchange in evidence.exchanges:
        error = exchange.error
        if error is None or exchange.answer is None:
            continue
        if not isinstance(error.value, dict):
            yield broken(error, f"{error.json_path} must be an object")
            continue
        yield from require(error, "code", is_integer, "an integer")
        yield from require(error, "message", is_string, "a string")
        if exchange.answer.get("result") is not None:
            yield broken(exchange.answer, "a response with both a result and an error")


_REFUSAL = re.compile(r"reject|den(y|ied)|declin|refus|disallow|not allowed|user", re.IGNORECASE)


@rule(
    "error/rejection-code",
    CLIENT,
    LEGACY_SHOULD,
    "client/sampling",
    "error-handling",
    unobserved="the client did not refuse the plain request as its user would",
)
def rejection_code(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A sampling request that the user rejects is answered with the error -1."""
    plain = list(evidence.asks("plain", "plain-again"))
    if not plain or any(exchange.error is None for exchange in plain):
        return
    for exchange in plain:
        code = exchange.error.get("code") if exchange.error else None
        words = exchange.error.get("message") if exchange.error else None
        if code is None or code.value == -32601:
            continue
        if code.value == -1:
            yield HELD
        elif words is not None and isinstance(words.value, str) and _REFUSAL.search(words.value):
            yield broken(code, f"a refusal ({words.value!r}) has the code {code.value} instead of -1")


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
    groups = ("malformed", "no-max-tokens", "bad-max-tokens", "missing-result", "mixed-results", "odd")
    for exchange in evidence.asks(*groups):
        yield asked_answered(exchange)
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
    """A sampling request that breaks the schema is refused, not answered with a result."""
    for exchange in evidence.asks("malformed"):
        yield from rejected(exchange, None, "although it breaks the schema")


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
