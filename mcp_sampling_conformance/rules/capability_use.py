"""capability, what may be used because of what was negotiated: tools, context, and what a revision has at all.

client/sampling "Capabilities" and "Tools in Sampling"; basic/lifecycle "Operation".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import shown
from ..protocol.names import TASKS_OF_SAMPLING
from ..protocol.revisions import NAMES, REVISIONS
from ..transcript.transcript import Side
from .capability_shapes import context_of
from .rule import (
    BOTH,
    HELD,
    NEGOTIATED,
    SERVER,
    SHOULD,
    TOOLS_ADVICE,
    TOOLS_MUST,
    TOOLS_SHOULD,
    Finding,
    broken,
    rule,
)


def _offered_tools(params: Value) -> Value | None:
    """``tools`` where it offers any; an empty array makes no request tool-enabled."""
    tools = params.get("tools")
    return tools if tools is not None and tools.value not in ([], None) else None


@rule(
    "capability/tools-undeclared-not-used",
    SERVER,
    TOOLS_MUST,
    "client/sampling",
    "tools-in-sampling",
    unobserved="no sampling request reached a client without sampling.tools",
)
def tools_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server offers no tools in a sampling request to a client that did not declare sampling.tools."""
    for exchange in evidence.asked.exchanges:
        if exchange.declared is not None and exchange.declared.get("tools") is None:
            tools = _offered_tools(exchange.params)
            if tools is None:
                yield HELD
            else:
                yield broken(
                    tools,
                    f"{tools.json_path} offers {shown(tools.value)}, but the client declared "
                    f"sampling: {shown(exchange.declared.value)}, without tools",
                )


@rule(
    "capability/tool-fields-undeclared-avoided",
    SERVER,
    TOOLS_ADVICE,
    "schema",
    "createmessagerequestparams",
    unobserved="no sampling request reached a client without sampling.tools",
)
def tool_fields_undeclared_avoided(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Without sampling.tools a server leaves toolChoice and an empty tools array out too, for a client must refuse
    them."""
    for exchange in evidence.asked.exchanges:
        params, declared = exchange.params, exchange.declared
        if declared is not None and declared.get("tools") is None and not _offered_tools(params):
            for field in (params.get("toolChoice"), params.get("tools")):
                if field is not None:
                    yield broken(
                        field,
                        f"{field.json_path} is {shown(field.value)} although the client did not declare sampling.tools;"
                        " a client that follows the schema answers this with an error",
                    )
                else:
                    yield HELD


@rule(
    "capability/context-undeclared-not-used",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "capabilities",
    unobserved="no sampling request reached a client without sampling.context",
)
def context_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server asks for includeContext other than none only from a client that declared sampling.context."""
    for exchange in evidence.asked.exchanges:
        if exchange.declared is not None and exchange.declared.get("context") is None:
            context = context_of(exchange.params)
            yield (
                broken(
                    context,
                    f"{context.json_path} is {shown(context.value)}, but the client did not declare sampling.context",
                )
                if context
                else HELD
            )


@rule(
    "capability/context-avoided",
    SERVER,
    TOOLS_SHOULD,
    "client/sampling",
    "capabilities",
    unobserved="no sampling request reached a client that declares sampling.context",
)
def context_avoided(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server avoids the deprecated includeContext values thisServer and allServers, declared or not."""
    for exchange in evidence.asked.exchanges:
        if exchange.declared is not None and exchange.declared.get("context") is not None:
            context = context_of(exchange.params)
            yield (
                broken(context, f"{context.json_path} is {shown(context.value)}, which is deprecated")
                if context
                else HELD
            )


@rule(
    "capability/tasks-undeclared-not-used",
    SERVER,
    {"2025-11-25": SHOULD, "2026-07-28": None},
    "basic/utilities/tasks",
    "capability-negotiation",
    unobserved="no sampling request reached a client that declares no tasks for sampling",
)
def tasks_undeclared_not_used(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server asks for a task in a sampling request only where the client declared that it makes them."""
    for exchange in evidence.asked.exchanges:
        conversation = exchange.conversation
        if conversation.capabilities is None or conversation.sampling_tasks is not None:
            continue
        task = exchange.params.get("task")
        if task is not None:
            lacking = ".".join(TASKS_OF_SAMPLING)
            yield broken(task, f"{task.json_path} is {shown(task.value)}, but the client did not declare {lacking}")
        else:
            yield HELD


def _first_with(block_type: str) -> str | None:
    """The first revision whose sampling messages know a block type; ``None`` where none does."""
    return next((name for name in NAMES if block_type in REVISIONS[name].content_types), None)


def _newer_fields(evidence: Evidence, params: Value) -> Iterator[tuple[Value, str]]:
    """What a request carries that its revision does not know yet (or, for task, no other revision knows)."""
    revision = evidence.revision
    if not revision.tools:
        for key in ("tools", "toolChoice"):
            if field := params.get(key):
                yield field, "came with 2025-11-25"
    if not revision.tasks and (task := params.get("task")):
        yield task, "belongs to 2025-11-25 only"


def _newer_content(evidence: Evidence, turn: Value) -> Iterator[tuple[Value, str]]:
    revision = evidence.revision
    content = turn.get("content")
    if content is not None and isinstance(content.value, list) and not revision.content_arrays:
        yield content, "as an array came with 2025-11-25"
    for block in blocks_of(turn):
        kind = block.get("type")
        if kind is None or not isinstance(kind.value, str) or kind.value in revision.content_types:
            continue
        if first := _first_with(kind.value):
            yield block, f"is a {kind.value} block, which came with {first}"


@rule(
    "capability/revision-respected",
    BOTH,
    NEGOTIATED,
    "basic/lifecycle",
    "operation",
    unobserved="no content was sent that could be of a later revision",
    modern=("basic/versioning", "protocol-version-negotiation"),
)
def revision_respected(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A party uses nothing in sampling that its negotiated revision does not have yet."""
    for turn in evidence.said_by(side).turns:
        found = list(_newer_content(evidence, turn))
        yield from (_too_new(evidence, value, what) for value, what in found)
        if not found:
            yield HELD
    if side is Side.SERVER:
        for params in evidence.asked.requests:
            found = list(_newer_fields(evidence, params))
            yield from (_too_new(evidence, value, what) for value, what in found)
            if not found:
                yield HELD


def _too_new(evidence: Evidence, value: Value, what: str) -> Finding:
    return broken(value, f"{value.json_path} {what}, but {evidence.revision.name} was negotiated")
