"""content, what a server does with that of a sampling result: the kinds that it takes, and the tool_use that it keeps.

client/sampling "Messages"; schema ToolUseContent.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.exchanges import Call
from ..evidence.messages import Value
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import objects_in, shown
from ..protocol.names import INVALID_PARAMS
from ..transcript.transcript import Side
from .rule import ALWAYS_ADVICE, HELD, SERVER, TOOLS_SHOULD, Finding, broken, rule
from .shapes import working

#: the codes of an error that call a valid answer invalid, or are what an exception that nobody foresaw comes to
_BLAMING = (-32700, -32600, INVALID_PARAMS, -32603)
#: an array of these texts says what a plain text says
_LONGEST_TEXT = 200


@rule(
    "content/kinds-accepted",
    SERVER,
    ALWAYS_ADVICE,
    "client/sampling",
    "messages",
    unobserved="no call that succeeds with a plain text could be answered with another kind of content",
)
def kinds_accepted(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """What succeeds with a text does not fail because the text stands in an array (2025-11-25 on), and does not call an
    image or audio invalid, or fail on it with an internal error."""
    for kind, name, call in _other_kinds(evidence):
        if _refuses(kind, call):
            assert call.response is not None
            why = f"{name} made the call fail, and with a plain text it succeeds: {shown(_failure(call), 300)}"
            yield broken(call.response.whole, why)
        elif call.complete:
            yield HELD


def refused_kinds(evidence: Evidence) -> list[str]:
    """The kinds of content that a server does not take as it should, in words."""
    refused = [kind for kind, _, call in _other_kinds(evidence) if _refuses(kind, call)]
    return list(dict.fromkeys(refused))


def _other_kinds(evidence: Evidence) -> Iterator[tuple[str, str, Call]]:
    """Each call that was answered after a sampling result of another kind than text, with the kind and its name."""
    works = working(evidence)
    for probe in evidence.probes("kind"):
        # Who asks again fails, if at all, for what was said then.
        if probe.callee not in works or len(probe.exchanges) != 1 or len(probe.calls) != 1:
            continue
        kind, call = _kind(probe.exchanges[0].result), probe.calls[0]
        if kind is not None and call.response is not None:
            yield kind, probe.name, call


def _kind(result: Value | None) -> str | None:
    """What a server has to take besides text, if it is to take this; ``None`` for what it may well refuse."""
    content = result.get("content") if result else None
    blocks = objects_in(content.value) if content else []
    kinds = {block.get("type") for block in blocks}
    is_array = content is not None and isinstance(content.value, list)
    if "image" in kinds or "audio" in kinds:
        # In an array: who takes no arrays may well take images.
        return None if is_array else "images" if "image" in kinds else "audio"
    simple = [block.keys() == {"type", "text"} and _is_simple(block["text"]) for block in blocks]
    return "arrays" if is_array and simple and all(simple) else None


def _is_simple(text: object) -> bool:
    """A text for which a server has no reason to fail when others make it succeed."""
    return isinstance(text, str) and 0 < len(text) <= _LONGEST_TEXT and text.isascii() and text.isprintable()


def _refuses(kind: str, call: Call) -> bool:
    """Whether a call fails for the kind alone, and does not just say what it wants to have."""
    error = call.response.body.get("error") if call.response else None
    code = error.get("code") if isinstance(error, dict) else None
    return call.failed if kind == "arrays" else code in _BLAMING


def _failure(call: Call) -> object:
    body = call.response.body if call.response else {}
    return body["error"] if "error" in body else body.get("result", {}).get("content")


@rule(
    "content/meta-preserved",
    SERVER,
    TOOLS_SHOULD,
    "schema",
    "toolusecontent",
    unobserved="no tool_use with a _meta came back in a sampling request",
)
def meta_preserved(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A tool_use that a server repeats in its next request still has the _meta that the client gave it."""
    for probe in evidence.probes("tools"):
        for before, after in zip(probe.exchanges, probe.exchanges[1:], strict=False):
            uses = blocks_of(before.result, "tool_use") if before.result else []
            given = {str(use.value.get("id")): meta.value for use in uses if (meta := use.get("_meta"))}
            for block in _tool_uses(after.params) if given else ():
                id = str(block.value.get("id"))
                meta = block.value.get("_meta")
                if id in given and meta == given[id]:
                    yield HELD
                elif id in given:
                    had, has = shown(given[id]), shown(meta) if meta is not None else "none"
                    yield broken(block, f"{block.json_path} had the _meta {had} in the client's answer, and has {has}")


def _tool_uses(params: Value) -> Iterator[Value]:
    """The tool_use blocks of a request."""
    messages = params.get("messages")
    for turn in messages.elements() if messages else ():
        yield from blocks_of(turn, "tool_use")
