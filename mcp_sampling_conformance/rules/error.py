"""error: refusals and broken answers.

client/sampling "Error Handling"; basic "Responses".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..evidence import Evidence, is_integer
from ..verdicts import HELD, Finding, broken
from ..wire.transcript import Side
from . import ALWAYS_MUST, ALWAYS_SHOULD, CLIENT, SERVER, rule
from .shapes import asked_answered, is_string, lived_on, rejected, require, survived


@rule(
    "error/answered-error-survived",
    SERVER,
    ALWAYS_MUST,
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
    for probe in evidence.probes("malformed"):
        yield from survived(probe)


@rule("error/shape", CLIENT, ALWAYS_MUST, "messages", "responses", unobserved="the client sent no error")
def shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An error has an integer code and a string message, and no result stands beside it."""
    for exchange in evidence.exchanges:
        error = exchange.error
        if error is None or exchange.answer is None:
            continue
        if not isinstance(error.value, dict):
            yield broken(error, f"{error.where} must be an object")
            continue
        yield from require(error, "code", is_integer, "an integer")
        yield from require(error, "message", is_string, "a string")
        if "result" in exchange.answer.body:
            yield broken(exchange.answer.whole, "a response with both a result and an error")


_REFUSAL = re.compile(r"reject|den(y|ied)|declin|refus|disallow|not allowed|user", re.IGNORECASE)


@rule(
    "error/rejection-code",
    CLIENT,
    ALWAYS_SHOULD,
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
)
def malformed_request_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client answers a sampling request that breaks the schema or a tool loop, and lives on."""
    groups = ("malformed", "no-max-tokens", "bad-max-tokens", "missing-result", "mixed-results")
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
    """A sampling request that breaks the schema is answered with an error, not with a result."""
    for exchange in evidence.asks("malformed"):
        yield from rejected(exchange, None, "although it breaks the schema")
