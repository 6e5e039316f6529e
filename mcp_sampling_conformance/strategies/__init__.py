"""Hypothesis strategies for everything that travels in MCP sampling.

Each function takes the ``revision`` by its name and yields what that revision allows, all of it by default, as plain
JSON or with ``as_model=True`` as models of the Python SDK. What is yielded breaks no rule of this package, not even
advice. The ``invalid_…`` strategies break exactly one, and say which and where.
"""

from __future__ import annotations

from collections.abc import Collection

from hypothesis.strategies import SearchStrategy

from ..protocol.revisions import NAMES, NEWEST_LEGACY
from .breaking import errors_table, input_required_table, params_table, results_table
from .invalid import Invalid, invalid_values
from .messages import content_blocks, conversations, offered_of, sampling_messages
from .requests import create_message_params, model_hints, model_preferences, params_of, tool_choices, tools
from .results import (
    NO_QUESTIONS,
    create_message_results,
    errors,
    errors_of,
    input_required_results,
    questions_of,
    results_of,
)
from .toolboxes import tool_inputs
from .values import revision_of, texts

__all__ = [
    "NEWEST",
    "Invalid",
    "content_blocks",
    "conversations",
    "create_message_params",
    "create_message_results",
    "errors",
    "input_required_results",
    "invalid_create_message_params",
    "invalid_create_message_results",
    "invalid_errors",
    "invalid_input_required_results",
    "model_hints",
    "model_preferences",
    "sampling_messages",
    "texts",
    "tool_choices",
    "tool_inputs",
    "tools",
]

NEWEST = NAMES[-1]


def invalid_create_message_params(
    *, revision: str = NEWEST, rules: Collection[str] | None = None
) -> SearchStrategy[Invalid]:
    """Params that break exactly one rule each: any that one request can break alone, or one of those in ``rules``.

    Raises ``ValueError`` for a rule that one request cannot break alone.
    """
    found = revision_of(revision)
    return invalid_values(params_of(found, True, False), params_table, found, rules)


def invalid_create_message_results(
    *, revision: str = NEWEST, rules: Collection[str] | None = None
) -> SearchStrategy[Invalid]:
    """Results that break exactly one rule each: any that one result can break alone, or one of those in ``rules``.

    Raises ``ValueError`` for a rule that one result cannot break alone.
    """
    found = revision_of(revision)
    return invalid_values(results_of(found, offered_of(found, True)), results_table, found, rules)


def invalid_input_required_results(
    *, revision: str = NEWEST, rules: Collection[str] | None = None, others: bool = True
) -> SearchStrategy[Invalid]:
    """InputRequiredResults that break exactly one rule each: one about themselves, or about the params in them.

    Raises ``ValueError`` for a rule that they cannot break alone, and before 2026-07-28.
    """
    found = revision_of(revision)
    if not found.modern:
        raise ValueError(NO_QUESTIONS.format(revision))
    return invalid_values(questions_of(found, True, others), input_required_table, found, rules)


def invalid_errors(*, revision: str = NEWEST_LEGACY, rules: Collection[str] | None = None) -> SearchStrategy[Invalid]:
    """Errors that break exactly one rule each.

    Raises ``ValueError`` since 2026-07-28, where no request for sampling is answered with an error any more.
    """
    found = revision_of(revision)
    if found.modern:
        raise ValueError(f"in {revision} no request for sampling is answered with an error")
    return invalid_values(errors_of(found), errors_table, found, rules)
