"""result, what answers the call during which a server samples: a valid result of its kind.

schema CallToolResult, GetPromptResult and ReadResourceResult.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..evidence.evidence import Evidence
from ..evidence.exchanges import asks_for_input
from ..evidence.messages import Message, Value
from ..protocol.jsonrpc import params_of
from ..protocol.revisions import Revision
from ..transcript.transcript import Side
from .content import BINARY, block_valid, resource_valid
from .role import is_role
from .rule import ALWAYS_MUST, SERVER, Finding, rule
from .shapes import expect, is_array, is_object, is_string, require


def _block(block: Value, revision: Revision) -> Iterator[Finding]:
    yield from block_valid(block, revision.call_result_types, revision)
    if isinstance(block.value, dict) and block.value.get("type") in BINARY:
        yield from require(block, "mimeType", is_string, "a string")


def _tool_result(result: Value, revision: Revision) -> Iterator[Finding]:
    yield from expect(result.get("isError"), lambda value: isinstance(value, bool), "a boolean")
    if revision.name >= "2025-06-18" and not revision.modern:  # since 2026-07-28 it may be any JSON value
        yield from expect(result.get("structuredContent"), is_object, "an object")
    yield from require(result, "content", is_array, "an array of content blocks")
    content = result.get("content")
    for block in content.elements() if content else ():
        yield from _block(block, revision)


def _prompt_result(result: Value, revision: Revision) -> Iterator[Finding]:
    yield from require(result, "messages", is_array, "an array of messages")
    messages = result.get("messages")
    for message in messages.elements() if messages else ():
        yield from expect(message, is_object, "a message (an object)")
        yield from require(message, "role", is_role, '"user" or "assistant"')
        yield from require(message, "content", is_object, "one content block")
        content = message.get("content")
        if content is not None and isinstance(content.value, dict):
            yield from _block(content, revision)


def _resource_result(result: Value, revision: Revision) -> Iterator[Finding]:
    yield from require(result, "contents", is_array, "an array of resource contents")
    contents = result.get("contents")
    for resource in contents.elements() if contents else ():
        yield from expect(resource, is_object, "resource contents (an object)")
        yield from resource_valid(resource)


#: what judges the result of each call
_KINDS: Mapping[str, Callable[[Value, Revision], Iterator[Finding]]] = {
    "tools/call": _tool_result,
    "prompts/get": _prompt_result,
    "resources/read": _resource_result,
}


@rule(
    "result/call-result",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "calltoolresult",
    unobserved="no call was answered with a result",
)
def call_result(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What answers a call is a valid result of its kind, also where it reports a failure: content blocks of a tool,
    messages of a prompt, contents of a resource."""
    for session in evidence.sessions:
        for call in session.calls:
            result = _complete_result(call.response)
            if result is None or "task" in params_of(call.request.body):
                continue
            # A server that hands on what is invalid in an answer of the harness may well be honest.
            if call.request.index < session.spoiled or _reports_failure(result):
                yield from expect(result, is_object, "an object")
                yield from _KINDS[call.request.body["method"]](result, evidence.revision)


def _complete_result(response: Message | None) -> Value | None:
    """The result in a response that is no error, asks for nothing and is of no type of its own."""
    if response is None or "error" in response.body or asks_for_input(response):
        return None
    result = response.whole.get("result")
    if result is not None and (result.get("inputRequests") or result.get("requestState")):
        return None  # a question without its type: input-required/result-type says so
    kind = result.get("resultType") if result else None
    return result if kind is None or kind.value == "complete" else None


def _reports_failure(result: Value) -> bool:
    failure = result.get("isError")
    return failure is not None and failure.value is True
