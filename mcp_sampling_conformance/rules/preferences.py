"""preferences: modelPreferences, its hints and its three priorities.

client/sampling "Model Preferences"; schema ModelPreferences and ModelHint.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence, Value, is_number
from ..verdicts import Finding
from ..wire.transcript import Side
from . import ALWAYS_MUST, SERVER, rule
from .shapes import expect, is_object, is_string

PRIORITIES = ("costPriority", "speedPriority", "intelligencePriority")
NO_PREFERENCES = "no sampling request carried modelPreferences"
NO_PRIORITY = "no sampling request carried a priority"


def _preferences(evidence: Evidence) -> Iterator[Value]:
    for params in evidence.requests:
        if preferences := params.get("modelPreferences"):
            yield preferences


@rule("preferences/shape", SERVER, ALWAYS_MUST, "schema", "modelpreferences", unobserved=NO_PREFERENCES)
def shape(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The modelPreferences are an object whose hints are an array of objects, each name in them a string."""
    for preferences in _preferences(evidence):
        yield from expect(preferences, is_object, "an object")
        hints = preferences.get("hints")
        if hints is None:
            continue
        yield from expect(hints, lambda value: isinstance(value, list), "an array")
        for hint in hints.elements():
            yield from expect(hint, is_object, "an object")
            yield from expect(hint.get("name"), is_string, "a string")


def _priorities(evidence: Evidence) -> Iterator[Value]:
    for preferences in _preferences(evidence):
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
    "client/sampling",
    "capability-priorities",
    unobserved=NO_PRIORITY,
)
def priorities_in_range(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The three priorities lie between 0 and 1, both included."""
    for priority in _priorities(evidence):
        if is_number(priority.value):
            yield from expect(priority, lambda number: 0 <= number <= 1, "a number from 0 to 1")
