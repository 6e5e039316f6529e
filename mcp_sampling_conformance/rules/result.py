"""result: what a client answers, and what a server makes of it.

schema CreateMessageResult.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import shown
from ..transcript.transcript import Side
from .rule import ALWAYS_ADVICE, ALWAYS_MUST, CLIENT, HELD, SERVER, TOOLS_SHOULD, Finding, broken, rule
from .shapes import expect, is_string, require, survived


@rule(
    "result/open-fields",
    SERVER,
    ALWAYS_MUST,
    "schema",
    "createmessageresult",
    unobserved="no sampling request could be answered with open fields",
)
def open_fields(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server takes a result with an unknown stopReason or none, with _meta, or with members it does not know."""
    for probe in evidence.probes("open"):
        yield from survived(probe)


NO_RESULT = "the client sent no result"
RESULT = ("schema", "createmessageresult")


@rule("result/model", CLIENT, ALWAYS_MUST, *RESULT, unobserved=NO_RESULT)
def model(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result names the model, a string."""
    for result in evidence.results:
        yield from require(result, "model", is_string, "a string")


@rule("result/model-named", CLIENT, ALWAYS_ADVICE, *RESULT, unobserved=NO_RESULT)
def model_named(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The name of the model is not empty."""
    for result in evidence.results:
        name = result.get("model")
        if name is not None and isinstance(name.value, str):
            yield from expect(name, lambda text: bool(text.strip()), "the name of a model")


@rule("result/content", CLIENT, ALWAYS_MUST, *RESULT, unobserved=NO_RESULT)
def content(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result is an object that has content: a block, or an array of blocks."""
    for value in evidence.no_results:
        why = f"{value.json_path} is {shown(value.value, 200)}, which is no result: no role, content or model"
        yield broken(value, why)
    for result in evidence.results:
        yield from require(result, "content", lambda value: isinstance(value, dict | list), "a content block")


@rule("result/stop-reason", CLIENT, ALWAYS_MUST, *RESULT, unobserved="no result had a stopReason")
def stop_reason(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A stopReason is a string, any string."""
    for result in evidence.results:
        yield from expect(result.get("stopReason"), is_string, "a string")


@rule(
    "result/stop-reason-tool-use",
    CLIENT,
    TOOLS_SHOULD,
    "schema",
    "createmessageresult",
    unobserved="no result held a tool_use or said toolUse",
)
def stop_reason_tool_use(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A result says stopReason toolUse only when it holds a tool_use block."""
    for result in evidence.results:
        uses = bool(blocks_of(result, "tool_use"))
        reason = result.get("stopReason")
        says = reason is not None and reason.value == "toolUse"
        if says and not uses:
            yield broken(result, "stopReason is toolUse, but the content holds no tool_use block")
        elif uses or says:
            yield HELD
