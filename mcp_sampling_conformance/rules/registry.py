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
    "content": ("content",),
    "parameters": ("parameters",),
    "result": ("result",),
    "error": ("error",),
    "single-response": ("single_response",),
    "tool-loop": ("tool_loop",),
    "association": ("association",),
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
    "retention of messages": "what a server keeps between requests stays inside the server",
    "effect of systemPrompt and temperature": "a client may change or drop both, and a model's text proves neither",
    "task-augmented sampling": "tasks.requests.sampling (2025-11-25) is not covered yet",
}


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the topics."""
    for modules in MODULES.values():
        for module in modules:
            import_module(f".{module}", __package__)
    order = {topic: place for place, topic in enumerate(TOPICS)}
    return tuple(sorted(registered, key=lambda rule: order[rule.topic]))


def rules_for(side: Side, revision: Revision) -> list[Rule]:
    """The rules that bind a side in a revision."""
    return [rule for rule in all_rules() if side in rule.binds and rule.level(revision) is not None]
