"""parameters: the other fields of a sampling request.

schema CreateMessageRequest.params, Tool and ToolChoice.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..protocol.jsonrpc import is_number
from ..transcript.transcript import Side
from .rule import ALWAYS_MUST, CLIENT, LEGACY_MUST, SERVER, TOOLS_MUST, Finding, rule
from .shapes import Predicate, asked_answered, expect, is_object, is_string, require

PARAMS = ("schema", "createmessagerequestparams")


def _field(evidence: Evidence, key: str, holds: Predicate, expected: str) -> Iterator[Finding]:
    """Whether the parameter is as ``expected`` says, wherever there is one."""
    for value in evidence.asked.parameters[key]:
        yield from expect(value, holds, expected)


def _missing(key: str) -> str:
    return f"no sampling request carried {key}"


@rule("parameters/messages", SERVER, ALWAYS_MUST, *PARAMS, unobserved="no sampling request came")
def messages(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every sampling request carries messages, an array of objects."""
    for params in evidence.asked.requests:
        yield from require(params, "messages", lambda value: isinstance(value, list), "an array")
    for turn in evidence.asked.turns:
        yield from expect(turn, is_object, "an object")


@rule("parameters/system-prompt", SERVER, ALWAYS_MUST, *PARAMS, unobserved=_missing("systemPrompt"))
def system_prompt(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A systemPrompt is a string."""
    yield from _field(evidence, "systemPrompt", is_string, "a string")


@rule("parameters/temperature", SERVER, ALWAYS_MUST, *PARAMS, unobserved=_missing("temperature"))
def temperature(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A temperature is a number."""
    yield from _field(evidence, "temperature", is_number, "a number")


@rule("parameters/stop-sequences", SERVER, ALWAYS_MUST, *PARAMS, unobserved=_missing("stopSequences"))
def stop_sequences(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The stopSequences are an array of strings."""
    yield from _field(
        evidence,
        "stopSequences",
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
        "an array of strings",
    )


@rule("parameters/metadata", SERVER, ALWAYS_MUST, *PARAMS, unobserved=_missing("metadata"))
def metadata(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The metadata for the provider is an object."""
    yield from _field(evidence, "metadata", is_object, "an object")


# Since 2026-07-28 the type has no _meta of its own.
@rule("parameters/meta", SERVER, LEGACY_MUST, *PARAMS, unobserved=_missing("_meta"))
def meta(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The _meta of a sampling request is an object."""
    yield from _field(evidence, "_meta", is_object, "an object")


@rule("parameters/include-context", SERVER, ALWAYS_MUST, *PARAMS, unobserved=_missing("includeContext"))
def include_context(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The value of includeContext is none, thisServer or allServers."""
    words = ("none", "thisServer", "allServers")
    yield from _field(evidence, "includeContext", lambda value: value in words, '"none", "thisServer" or "allServers"')


@rule("parameters/tools", SERVER, TOOLS_MUST, "schema", "tool", unobserved=_missing("tools"))
def tools(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The tools are an array of objects, each with a string name and an inputSchema object of type object."""
    for offered in evidence.asked.parameters["tools"]:
        yield from expect(offered, lambda value: isinstance(value, list), "an array")
        for tool in offered.elements():
            yield from expect(tool, is_object, "an object")
            yield from require(tool, "name", is_string, "a string")
            yield from expect(tool.get("description"), is_string, "a string")
            yield from require(
                tool,
                "inputSchema",
                lambda schema: isinstance(schema, dict) and schema.get("type") == "object",
                'a JSON Schema with "type": "object"',
            )


@rule("parameters/tool-choice", SERVER, TOOLS_MUST, "schema", "toolchoice", unobserved=_missing("toolChoice"))
def tool_choice(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A toolChoice is an object whose mode, when present, is auto, required or none."""
    modes = ("auto", "required", "none")
    for choice in evidence.asked.parameters["toolChoice"]:
        yield from expect(choice, is_object, "an object")
        yield from expect(choice.get("mode"), lambda value: value in modes, '"auto", "required" or "none"')


@rule("parameters/tolerated", CLIENT, ALWAYS_MUST, "messages", "responses", unobserved="no such request was made")
def tolerated(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A request with any of the optional parameters, _meta or unknown members is answered, with a result or an
    error."""
    for exchange in evidence.asks("parameter"):
        yield from asked_answered(exchange)
