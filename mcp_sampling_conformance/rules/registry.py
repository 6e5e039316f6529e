"""Every rule there is, by topic, and what is not judged at all."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ..protocol.revisions import Revision
from ..transcript.transcript import Side
from .rule import Rule, registered

#: each topic with the modules that hold its rules, in the order of REQUIREMENTS and of the closing table
MODULES: dict[str, tuple[str, ...]] = {
    "capability": ("capability_server", "capability_use", "capability_client"),
    "role": ("role",),
    "max-tokens": ("max_tokens",),
    "preferences": ("preferences",),
    "content": ("content", "content_kinds", "content_meta", "offered_tools"),
    "parameters": ("parameters",),
    "result": ("result", "call_result"),
    "error": ("error", "error_results"),
    "single-response": ("single_response",),
    "tool-loop": ("tool_loop",),
    "tasks": ("tasks_client", "tasks_operations", "tasks_server"),
    "association": ("association", "association_sessions", "association_calls"),
    "input-required": ("input_required_asking", "input_required_state", "input_required_client"),
    "http": ("http_server", "http_client"),
    "id": ("id",),
    "liveness": ("liveness",),
    "framing": ("framing",),
}
TOPICS = tuple(MODULES)

#: what no transcript can show, and why
NOT_JUDGED = {
    "human in the loop": "approval, editing and review happen in the client's user interface",
    "sensitive data": "how a party handles it shows only inside that party",
    "rate limiting": "a client that limits and a client that is slow look alike from outside",
    "retention of messages": "what a server keeps without ever sending it again stays inside the server",
    "other principals": "whether somebody else may answer, or use a requestState, shows only to who has two accounts",
    "effect of systemPrompt and temperature": "a client may change or drop both, and a model's text proves neither",
    "life and ids of tasks": "whether ids can be guessed, whom they are bound to, and what happens after their ttl",
    "tasks of calls": "a server that makes tasks of tools/call makes them of calls, and not of sampling requests",
}


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the topics."""
    for modules in MODULES.values():
        for module in modules:
            import_module(f".{module}", __package__)
    order = {topic: place for place, topic in enumerate(TOPICS)}
    return tuple(sorted(registered, key=lambda rule: order[rule.topic]))


@cache
def rules_for(side: Side, revision: Revision) -> tuple[Rule, ...]:
    """The rules that bind a side in a revision, in the order of the topics."""
    return tuple(rule for rule in all_rules() if side in rule.binds and rule.level(revision) is not None)
