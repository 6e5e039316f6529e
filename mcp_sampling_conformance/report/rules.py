"""The registry as text, for --mcp-list-rules."""

from __future__ import annotations

import textwrap

from ..revisions import NAMES, REVISIONS
from ..rules import NOT_JUDGED, all_rules
from ..verdicts import Rule


def print_rules() -> None:
    """Print every rule with its role, level by revision, statement and source; then what is not judged, and why."""
    for rule in all_rules():
        roles = " and ".join(sorted(side.value for side in rule.binds))
        print(f"{rule.name}  ({roles}; {_levels(rule)})")
        print(textwrap.fill(rule.statement, 100, initial_indent="    ", subsequent_indent="    "))
        newest = next(REVISIONS[name] for name in reversed(NAMES) if rule.level(REVISIONS[name]))
        print(f"    {rule.url(newest)}\n")
    print("Not judged, because nothing on the wire shows it:")
    for subject, why in NOT_JUDGED.items():
        print(f"    {subject}: {why}")


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
