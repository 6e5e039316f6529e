"""role: who says what.

client/sampling "Message Roles"; schema SamplingMessage and Role.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .rule import (
    ALWAYS_ADVICE,
    ALWAYS_MUST,
    ALWAYS_SHOULD,
    BOTH,
    CLIENT,
    HELD,
    LEGACY_ADVICE,
    SERVER,
    TOOLS_SHOULD,
    Finding,
    broken,
    rule,
)
from .shapes import all_rejected, refuses_all, rejected, require, survived

ROLES = ("user", "assistant")


def is_role(value: object) -> bool:
    """One of the roles that a message can have."""
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
    for turn in evidence.asked.turns:
        yield from require(turn, "role", is_role, '"user" or "assistant"')


def _stands_in(evidence: Evidence, side: Side, block_type: str, role: str) -> Iterator[Finding]:
    """Whether each block of a type that a side sends stands in a message of the right role."""
    for turn in evidence.said_by(side).turns_with(block_type):
        for block in blocks_of(turn, block_type):
            said_by = turn.value.get("role")
            if said_by == role:
                yield HELD
            elif is_role(said_by):  # any other has a rule of its own
                yield broken(
                    block,
                    f"{block.json_path} is a {block_type} block in a message of role {shown(said_by)}; it belongs in "
                    f"one of role {role}",
                )


@rule(
    "role/tool-use-in-assistant",
    BOTH,
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
    TOOLS_SHOULD,
    "client/sampling",
    "message-roles",
    unobserved="no message held a tool_result block",
)
def tool_result_in_user(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Blocks of type tool_result stand in user messages only."""
    yield from _stands_in(evidence, side, "tool_result", "user")


@rule(
    "role/tool-result-in-user",
    CLIENT,
    TOOLS_SHOULD,
    "client/sampling",
    "message-roles",
    unobserved="the client sent no result",
)
def no_tool_result_in_result(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Blocks of type tool_result stand in user messages only, so none is in a result, which a model wrote."""
    for result in evidence.results:
        blocks = blocks_of(result, "tool_result")
        for block in blocks:
            yield broken(block, f"{block.json_path} is a tool_result block, and this is the answer of a model")
        if not blocks:
            yield HELD


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


@rule("role/result-role", CLIENT, ALWAYS_MUST, "schema", "samplingmessage", unobserved="the client sent no result")
def result_role(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The role of a sampling result is user or assistant."""
    for result in evidence.results:
        yield from require(result, "role", is_role, '"user" or "assistant"')


@rule(
    "role/result-is-assistant",
    CLIENT,
    ALWAYS_ADVICE,
    "client/sampling",
    "creating-messages",
    unobserved="the client sent no result",
)
def result_is_assistant(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What the model said comes back under the role assistant."""
    for result in evidence.results:
        role = result.get("role")
        if role is None or not is_role(role.value) or blocks_of(result, "tool_use"):
            continue
        yield HELD if role.value == "assistant" else broken(role, "the model's answer has the role user")


@rule(
    "role/invalid-rejected",
    CLIENT,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no request with an invalid role was answered",
)
def invalid_rejected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client refuses a request in which a message has another role, or none, with an error."""
    yield from all_rejected(evidence, "bad-role", None, "although its messages have no valid role")


@rule(
    "role/invalid-rejected-code",
    CLIENT,
    LEGACY_ADVICE,
    "client/sampling",
    "security-considerations",
    unobserved="no request with an invalid role was refused",
)
def invalid_rejected_code(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The error for a request in which a message has no valid role is -32602, invalid params."""
    for exchange in evidence.asks("bad-role") if not refuses_all(evidence) else ():
        if exchange.error is not None:
            yield from rejected(exchange, -32602, "")
