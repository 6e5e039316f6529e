"""The registry: one module a topic, each rule beside its check.

A rule is a generator function under the decorator ``@rule``: its docstring is the requirement in one sentence, its
body yields a finding for each thing it could judge. To add one, write it into the module of its topic; a new module
goes into ``TOPICS``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from inspect import cleandoc

from ..revisions import NAMES, NEWEST_LEGACY, Revision
from ..verdicts import Check, Level, Levels, Rule
from ..wire.transcript import Side

#: in the order of REQUIREMENTS and of the closing table
TOPICS = (
    "capability",
    "role",
    "max_tokens",
    "preferences",
    "content",
    "parameters",
    "result",
    "error",
    "single_response",
    "tool_loop",
    "association",
    "input_required",
    "http",
    "id",
    "liveness",
    "framing",
)

MUST, SHOULD, ADVICE = Level.MUST, Level.SHOULD, Level.ADVICE

ALWAYS_MUST: Levels = {"2024-11-05": MUST}
ALWAYS_SHOULD: Levels = {"2024-11-05": SHOULD}
ALWAYS_ADVICE: Levels = {"2024-11-05": ADVICE}
_MODERN = NAMES[NAMES.index(NEWEST_LEGACY) + 1]
#: what ended with the handshake
LEGACY_MUST: Levels = {**ALWAYS_MUST, _MODERN: None}
LEGACY_SHOULD: Levels = {**ALWAYS_SHOULD, _MODERN: None}
LEGACY_ADVICE: Levels = {**ALWAYS_ADVICE, _MODERN: None}
#: what came with multi round-trip requests
MODERN_MUST: Levels = {_MODERN: MUST}
MODERN_SHOULD: Levels = {_MODERN: SHOULD}
MODERN_ADVICE: Levels = {_MODERN: ADVICE}
#: what came with tools in sampling
TOOLS_MUST: Levels = {"2025-11-25": MUST}
TOOLS_SHOULD: Levels = {"2025-11-25": SHOULD}
TOOLS_ADVICE: Levels = {"2025-11-25": ADVICE}
#: "Both parties SHOULD / MUST respect what was negotiated" (basic/lifecycle, Operation)
NEGOTIATED: Levels = {"2024-11-05": SHOULD, "2025-06-18": MUST}

SERVER = frozenset({Side.SERVER})
CLIENT = frozenset({Side.CLIENT})
BOTH = SERVER | CLIENT
#: for rules about processes and lines
STDIO = frozenset({"stdio"})
#: and for those about HTTP exchanges
HTTP = frozenset({"http"})

#: what no transcript can show, and why
NOT_JUDGED = {
    "human in the loop": "approval, editing and review happen in the client's user interface",
    "sensitive data": "how a party handles it shows only inside that party",
    "rate limiting": "a client that limits and a client that is slow look alike from outside",
    "retention of messages": "what a server keeps between requests stays inside the server",
    "effect of systemPrompt and temperature": "a client may change or drop both, and a model's text proves neither",
    "task-augmented sampling": "tasks.requests.sampling (2025-11-25) is not covered yet",
}

_registered: list[Rule] = []


def rule(
    name: str,
    binds: frozenset[Side],
    levels: Levels,
    page: str,
    anchor: str,
    *,
    unobserved: str,
    modern: tuple[str, str] | None = None,
    over_http: Levels | None = None,
    transports: frozenset[str] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated check. ``page`` and ``anchor`` are the section of the specification it comes from;
    ``modern`` is another one since 2026-07-28, ``over_http`` are levels that are others there."""

    def register(check: Check) -> Check:
        statement = " ".join(cleandoc(check.__doc__ or "").split())
        _registered.append(
            Rule(name, binds, levels, statement, page, anchor, check, unobserved, modern, over_http, transports)
        )
        return check

    return register


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the topics."""
    for topic in TOPICS:
        import_module(f".{topic}", __name__)
    return tuple(_registered)


def rules_for(side: Side, revision: Revision) -> list[Rule]:
    """The rules that bind a side in a revision."""
    return [r for r in all_rules() if side in r.binds and r.level(revision) is not None]
