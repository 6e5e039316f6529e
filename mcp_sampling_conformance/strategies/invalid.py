"""Params, results and errors that break exactly one rule."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ..protocol.jsonrpc import Path, show_path
from ..protocol.revisions import Revision
from .breaking import Table
from .values import Strategy, up_to


@dataclass(frozen=True)
class Invalid:
    """A value with one violation in it."""

    value: Any
    rule: str  #: the only rule that it breaks, by the name it has in the reports
    path: Path  #: what is wrong, from the top of the value; where something is missing, the object that lacks it
    sound: Any = None  #: the valid value that it was made of

    @property
    def json_path(self) -> str:
        """``path`` as text: ``messages[0].role``."""
        return show_path(self.path)


def invalid_values(
    valid: Strategy, table_of: Callable[[Revision], Table], revision: Revision, rules: Collection[str] | None
) -> st.SearchStrategy[Invalid]:
    """Valid values, each with one violation put into it: of any rule in the table, or of one of those named.

    Raises ``ValueError`` for a name that is not in the table of this revision.
    """
    table = table_of(revision)
    return _broken(valid, table if rules is None else _chosen(table, rules, revision))


def _chosen(table: Table, rules: Collection[str], revision: Revision) -> Table:
    if unknown := set(rules) - table.keys():
        there = ", ".join(sorted(table))
        raise ValueError(f"nothing here breaks {', '.join(sorted(unknown))} in {revision.name}; there are {there}")
    return {rule: table[rule] for rule in table if rule in rules}


@st.composite
def _broken(draw: st.DrawFn, valid: Strategy, table: Table) -> Invalid:
    rules = list(table)
    rule = rules[draw(up_to(len(rules) - 1))]
    breaker = table[rule][draw(up_to(len(table[rule]) - 1))]
    value = draw(valid)
    sound = copy.deepcopy(value)
    return Invalid(value, rule, breaker(draw, value), sound)
