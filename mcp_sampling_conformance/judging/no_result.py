"""Why a client under test gave no result in a revision, to whatever it was asked. Then hardly a rule had something to
judge, and a run in which nothing was broken must not look as if all were well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Exchange
from ..protocol.jsonrpc import shown
from ..rules.shapes import VALID

#: the code with which a client says that its user has refused (client/sampling "Error Handling")
_USER_SAYS_NO = -1


class Reason(Enum):
    """What it means that there is no result."""

    ALLOWED = "the client declares no sampling, or its user says no: it may, and it is seen to do so"
    FAILED = "it answers with errors that do not say that its user refused"
    UNCLEAR = "it goes on without an answer, as one does in the modern era that refuses, and one that fails"


@dataclass(frozen=True)
class NoResult:
    """Why no valid request got a result in a revision."""

    reason: Reason
    why: str  #: as a predicate of the client


def no_result(evidence: Evidence) -> NoResult | None:
    """Why the client gave no result; ``None`` where it gave one, where our scenarios asked nothing that it could
    answer, or where a request was left open, which a rule calls broken."""
    asked = list(evidence.asks(*VALID, "undeclared"))
    if not asked or any(exchange.result is not None for exchange in asked):
        return None
    errors = [exchange for exchange in asked if exchange.error is not None]
    if all(exchange.group == "undeclared" for exchange in asked):
        refused = all(exchange.error is not None or exchange.abandoned for exchange in asked)
        return NoResult(Reason.ALLOWED, "declares no sampling, refuses as it should") if refused else None
    if errors:
        return _refused(errors)
    if all(exchange.abandoned for exchange in asked):
        return NoResult(Reason.UNCLEAR, "answered no question, as one does that refuses, and one that fails")
    return None


def _refused(errors: Sequence[Exchange]) -> NoResult:
    for exchange in errors:
        code = exchange.error.get("code") if exchange.error else None
        if exchange.error is not None and (code is None or code.value != _USER_SAYS_NO):
            error = shown(exchange.error.value)
            return NoResult(Reason.FAILED, f"gave no result to any valid request: {exchange.name} got {error}")
    return NoResult(Reason.ALLOWED, f"refused every request with {_USER_SAYS_NO}, as its user may")
