"""max-tokens: the one number that every sampling request carries.

schema CreateMessageRequest.params.maxTokens ("integer" in every revision's schema.json).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Exchange
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import is_integer, shown
from ..transcript.transcript import Side
from .rule import ALWAYS_ADVICE, ALWAYS_MUST, CLIENT, HELD, MODERN_MUST, SERVER, Finding, broken, rule
from .shapes import all_rejected, asked_answered, expect

SECTION = ("schema", "createmessagerequestparams-maxtokens")
NO_REQUEST = "no sampling request came"
UNANSWERED = "no such request was answered"
NO_VALUE = "no sampling request carried maxTokens"


@rule("max-tokens/present", SERVER, ALWAYS_MUST, *SECTION, unobserved=NO_REQUEST)
def present(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every sampling request carries maxTokens."""
    for params in evidence.asked.requests:
        if params.get("maxTokens") is None:
            yield broken(params, f"{params.json_path} lacks the required maxTokens")
        else:
            yield HELD


@rule("max-tokens/integer", SERVER, ALWAYS_MUST, *SECTION, unobserved=NO_VALUE)
def integer(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The value of maxTokens is a JSON integer."""
    for value in evidence.asked.parameters["maxTokens"]:
        yield from expect(value, is_integer, "an integer")


@rule(
    "max-tokens/positive",
    SERVER,
    ALWAYS_ADVICE,
    *SECTION,
    unobserved="no sampling request carried an integer maxTokens",
)
def positive(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A useful maxTokens is at least 1; providers refuse less."""
    for value in evidence.asked.parameters["maxTokens"]:
        if is_integer(value.value):
            yield from expect(value, lambda number: bool(number >= 1), "at least 1")


@rule("max-tokens/missing-rejected", CLIENT, ALWAYS_ADVICE, *SECTION, unobserved=UNANSWERED)
def missing_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client refuses a request without maxTokens, in the legacy era with -32602."""
    yield from all_rejected(evidence, "no-max-tokens", -32602, "although maxTokens is missing")


@rule("max-tokens/ill-typed-rejected", CLIENT, ALWAYS_ADVICE, *SECTION, unobserved=UNANSWERED)
def ill_typed_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client refuses a request whose maxTokens is no integer, in the legacy era with -32602."""
    yield from all_rejected(evidence, "bad-max-tokens", -32602, "although maxTokens is no integer")


def _words(exchange: Exchange) -> int | None:
    """How many words an answer has; ``None`` where it has no text."""
    blocks = blocks_of(exchange.result, "text") if exchange.result else []
    texts = [block.value.get("text") for block in blocks]
    return sum(len(text.split()) for text in texts if isinstance(text, str)) if texts else None


def _too_many(limit: int) -> int:
    """The words that no tokenizer could deny: hardly any makes a token of more than one."""
    return limit * 3 // 2 + 5


@rule(
    "max-tokens/respected",
    CLIENT,
    {**ALWAYS_ADVICE, **MODERN_MUST},
    *SECTION,
    unobserved="no answer to a small maxTokens came",
    modern=("client/sampling", "sampling-parameters"),
)
def respected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An answer is not longer than maxTokens."""
    for exchange in evidence.asks("limit", "extreme"):
        words, limit = _words(exchange), exchange.params.value["maxTokens"]
        if words is None or exchange.result is None:
            continue
        if words > _too_many(limit):
            yield broken(exchange.result, f"the answer has {words} words, with maxTokens {limit}")
        else:
            yield HELD


@rule("max-tokens/stop-reason-at-limit", CLIENT, ALWAYS_ADVICE, *SECTION, unobserved="no answer reached its maxTokens")
def stop_reason_at_limit(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An answer that was cut at maxTokens says so in its stopReason."""
    for exchange in evidence.asks("limit"):
        words, limit = _words(exchange), exchange.params.value["maxTokens"]
        if words is None or exchange.result is None or not limit <= words <= _too_many(limit):
            continue
        reason = exchange.result.get("stopReason")
        if reason is not None and not isinstance(reason.value, str):
            continue  # result/stop-reason says so
        if reason is not None and reason.value == "maxTokens":
            yield HELD
        else:
            given = shown(reason.value) if reason else "missing"
            yield broken(
                reason or exchange.result,
                f"the answer has {words} words with maxTokens {limit}, but its stopReason is {given}",
            )


@rule(
    "max-tokens/extremes-survived",
    CLIENT,
    ALWAYS_ADVICE,
    *SECTION,
    unobserved="no such request was made",
)
def extremes_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A maxTokens of 1 and one of 2147483647 are both answered."""
    for exchange in evidence.asks("extreme"):
        yield from asked_answered(exchange)
