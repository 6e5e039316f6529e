"""role: who says what.

client/sampling "Message Roles"; schema SamplingMessage and Role.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import Evidence, blocks_of, has_type
from ..verdicts import HELD, Finding, broken
from ..wire.transcript import Side
from . import ALWAYS_MUST, ALWAYS_SHOULD, SERVER, TOOLS_MUST, TOOLS_SHOULD, rule
from .shapes import require, shown, survived

ROLES = ("user", "assistant")


def is_role(value: object) -> bool:
    return isinstance(value, str) and value in ROLES


@rule(
    "role/request-roles",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "samplingmessage",
    unobserved="no sampling request carried a message",
)
def request_roles(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every message of a sampling request has the role user or assistant."""
    for turn in evidence.request_messages:
        yield from require(turn, "role", is_role, '"user" or "assistant"')


def _stands_in(evidence: Evidence, side: Side, block_type: str, role: str) -> Iterator[Finding]:
    for turn in evidence.turns(side):
        said_by = turn.get("role")
        if said_by is None or not is_role(said_by.value):
            continue
        for block in blocks_of(turn):
            if has_type(block, block_type):
                if said_by.value == role:
                    yield HELD
                else:
                    yield broken(
                        block,
                        f"{block.where} is a {block_type} block in a message of role {shown(said_by.value)}; "
                        f"it belongs in one of role {role}",
                    )


@rule(
    "role/tool-use-in-assistant",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "message-roles",
    unobserved="no message held a tool_use block",
)
def tool_use_in_assistant(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Blocks of type tool_use stand in assistant messages only."""
    yield from _stands_in(evidence, side, "tool_use", "assistant")


@rule(
    "role/tool-result-in-user",
    SERVER,
    TOOLS_MUST,
    "client/sampling",
    "tool-result-messages",
    unobserved="no message held a tool_result block",
)
def tool_result_in_user(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Blocks of type tool_result stand in user messages only."""
    yield from _stands_in(evidence, side, "tool_result", "user")


@rule(
    "role/invalid-result-survived",
    SERVER,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no sampling request could be answered with an invalid role",
)
def invalid_result_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers its call and lives on when a sampling result has a wrong role or none."""
    for probe in evidence.probes("role"):
        yield from survived(probe)
