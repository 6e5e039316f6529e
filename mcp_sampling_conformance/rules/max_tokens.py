"""max-tokens: the one number that every sampling request carries.

schema CreateMessageRequest.params.maxTokens ("integer" in every revision's schema.json).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence, is_integer
from ..verdicts import HELD, Finding, broken
from ..wire.transcript import Side
from . import ALWAYS_ADVICE, ALWAYS_MUST, SERVER, rule
from .shapes import expect

SECTION = ("schema", "createmessagerequestparams-maxtokens")
NO_REQUEST = "no sampling request came"
NO_VALUE = "no sampling request carried maxTokens"


@rule("max-tokens/present", SERVER, ALWAYS_MUST, *SECTION, unobserved=NO_REQUEST)
def present(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every sampling request carries maxTokens."""
    for params in evidence.requests:
        if params.get("maxTokens") is None:
            yield broken(params, f"{params.where} lacks the required maxTokens")
        else:
            yield HELD


@rule("max-tokens/integer", SERVER, ALWAYS_MUST, *SECTION, unobserved=NO_VALUE)
def integer(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The value of maxTokens is a JSON integer."""
    for params in evidence.requests:
        yield from expect(params.get("maxTokens"), is_integer, "an integer")


@rule("max-tokens/positive", SERVER, ALWAYS_ADVICE, *SECTION, unobserved=NO_VALUE)
def positive(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A useful maxTokens is at least 1; providers refuse less."""
    for params in evidence.requests:
        value = params.get("maxTokens")
        if value is not None and is_integer(value.value):
            yield from expect(value, lambda number: bool(number >= 1), "at least 1")
