"""preferences: modelPreferences, its hints and its three priorities.

client/sampling "Model Preferences"; schema ModelPreferences and ModelHint.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Exchange
from ..evidence.messages import Value
from ..protocol.jsonrpc import is_number, shown
from ..transcript.transcript import Side
from .rule import ALWAYS_MUST, ALWAYS_SHOULD, CLIENT, HELD, SERVER, Finding, broken, rule
from .shapes import asked_answered, expect, is_object, is_string

PRIORITIES = ("costPriority", "speedPriority", "intelligencePriority")
NO_PREFERENCES = "no sampling request carried modelPreferences"
NO_PRIORITY = "no sampling request carried a priority"


@rule("preferences/shape", SERVER, ALWAYS_MUST, "schema", "modelpreferences", unobserved=NO_PREFERENCES)
def shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The modelPreferences are an object whose hints are an array of objects, each name in them a string."""
    for preferences in evidence.asked.parameters["modelPreferences"]:
        yield from expect(preferences, is_object, "an object")
        hints = preferences.get("hints")
        if hints is None:
            continue
        yield from expect(hints, lambda value: isinstance(value, list), "an array")
        for hint in hints.elements():
            yield from expect(hint, is_object, "an object")
            yield from expect(hint.get("name"), is_string, "a string")


def _priorities(evidence: Evidence) -> Iterator[Value]:
    for preferences in evidence.asked.parameters["modelPreferences"]:
        for name in PRIORITIES:
            if priority := preferences.get(name):
                yield priority


@rule(
    "preferences/priorities-numbers",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "modelpreferences",
    unobserved=NO_PRIORITY,
)
def priorities_numbers(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The priorities costPriority, speedPriority and intelligencePriority are numbers."""
    for priority in _priorities(evidence):
        yield from expect(priority, is_number, "a number")


@rule(
    "preferences/priorities-in-range",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "modelpreferences",
    unobserved=NO_PRIORITY,
)
def priorities_in_range(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The three priorities lie between 0 and 1, both included."""
    for priority in _priorities(evidence):
        if is_number(priority.value):
            yield from expect(priority, lambda number: 0 <= number <= 1, "a number from 0 to 1")


@rule(
    "preferences/tolerated",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no such request was made",
)
def tolerated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A request with any valid modelPreferences is answered, with a result or an error."""
    for exchange in evidence.asks("preference"):
        yield from asked_answered(exchange)


def _model(exchange: Exchange) -> Value | None:
    return exchange.result.get("model") if exchange.result else None


def _hinted(evidence: Evidence, case: str) -> Iterator[Finding]:
    """Whether the expected model answered; nothing for a client that does not follow single hints, as it may."""
    alone = [(e, _model(e)) for e in evidence.asks("hints") if e.asked and e.asked.case == "alone"]
    follows = [model is not None and e.asked is not None and model.value == e.asked.expected for e, model in alone]
    if len(follows) < 2 or not all(follows):
        return
    for exchange in evidence.asks("hints"):
        model = _model(exchange)
        if exchange.asked is None or exchange.asked.case != case or model is None:
            continue
        expected = exchange.asked.expected
        if model.value == expected:
            yield HELD
        else:
            yield broken(
                model,
                f"{exchange.name}: the client chose {shown(model.value)}, though it follows single hints and has "
                f"{shown(expected)}",
            )


ONE_MODEL = "the client showed fewer than two models (see --mcp-model), or does not follow hints, as it may"


@rule("preferences/hints-in-order", CLIENT, ALWAYS_MUST, "schema", "modelpreferences", unobserved=ONE_MODEL)
def hints_in_order(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Of several hints that match, the first one wins."""
    yield from _hinted(evidence, "ordered")


@rule("preferences/hint-substring", CLIENT, ALWAYS_SHOULD, "schema", "modelhint", unobserved=ONE_MODEL)
def hint_substring(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A hint matches a model whose name it is a part of."""
    yield from _hinted(evidence, "part")


@rule("preferences/hints-before-priorities", CLIENT, ALWAYS_SHOULD, "schema", "modelpreferences", unobserved=ONE_MODEL)
def hints_before_priorities(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A hint that matches outweighs the three priorities."""
    yield from _hinted(evidence, "weighed")
