"""The registry as text, for --mcp-list-rules."""

from __future__ import annotations

import textwrap

from ..mappers import PROPERTIES
from ..protocol.revisions import NAMES, REVISIONS
from ..rules.registry import NOT_JUDGED, all_rules
from ..rules.rule import Rule


def print_rules() -> None:
    """Print every rule with its role, level by revision, statement and source; then what is not judged, and why.

    The properties of mappers come after the rules; no specification says how binding they are."""
    for rule in all_rules():
        roles = " and ".join(sorted(side.value for side in rule.binds))
        newest = next(REVISIONS[name] for name in reversed(NAMES) if rule.level(REVISIONS[name]))
        _print(f"{rule.name}  ({roles}; {_levels(rule)})", rule.statement, rule.url(newest))
    for prop in PROPERTIES:
        first = next(name for name in NAMES if prop.exists(REVISIONS[name]))
        head = f"{prop.name}  (mapper; {prop.level.value} from {first}, a level of ours)"
        _print(head, prop.statement, prop.url(REVISIONS[NAMES[-1]]))
    print("Not judged, because nothing on the wire shows it:")
    for subject, why in NOT_JUDGED.items():
        print(f"    {subject}: {why}")


def _print(head: str, statement: str, url: str) -> None:
    print(head)
    print(textwrap.fill(statement, 100, initial_indent="    ", subsequent_indent="    "))
    print(f"    {url}\n")


def _levels(rule: Rule) -> str:
    """``SHOULD from 2024-11-05, MUST from 2025-06-18``."""
    parts = []
    last = None
    for name in NAMES:
        level = rule.level(REVISIONS[name])
        if level is not last:
            parts.append(f"{level.value if level else 'gone'} from {name}")
        last = level
    return ", ".join(parts)
