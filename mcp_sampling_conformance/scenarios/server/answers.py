"""What the fixture client answers to sampling requests: a table of answers, each to be survived.

``group`` is what the rules look for; ``name`` completes the sentence "... got no answer after NAME".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision

MODEL = "fixture-model-1"
#: a PNG of one pixel, and a WAV of eight silent samples
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA=="


def text_result(text: str, **changes: Any) -> Json:
    """A valid result that says ``text``; ``changes`` replace its members, ``...`` takes one away."""
    result = {
        "role": "assistant",
        "content": {"type": "text", "text": text},
        "model": MODEL,
        "stopReason": "endTurn",
        **changes,
    }
    return {key: value for key, value in result.items() if value is not ...}


def _result(**changes: Any) -> Json:
    return {"result": text_result("An answer.", **changes)}


def _content(content: Any) -> Json:
    return _result(content=content)


def _text(text: str) -> Json:
    return _content({"type": "text", "text": text})


def _error(code: Any, **members: Any) -> Json:
    return {"error": {"code": code, "message": "refused by the fixture client", **members}}


def always(revision: Revision) -> bool:
    return True


def legacy(revision: Revision) -> bool:
    return not revision.modern


def modern(revision: Revision) -> bool:
    return revision.modern


def with_audio(revision: Revision) -> bool:
    return "audio" in revision.content_types


def with_arrays(revision: Revision) -> bool:
    return revision.content_arrays


def with_tools(revision: Revision) -> bool:
    return revision.tools


def legacy_with_tools(revision: Revision) -> bool:
    return revision.tools and not revision.modern


@dataclass(frozen=True)
class Answer:
    """One answer to a sampling request; ``outcome`` is the response without ``jsonrpc`` and ``id``."""

    group: str
    name: str
    outcome: Json
    #: whether the revision has what it uses
    fits: Callable[[Revision], bool] = always
    #: it breaks the specification: what a server sends after it may be an echo of it
    hostile: bool = False
    #: no response in the sense of the schema: a server may drop it and wait on, so a valid one follows
    unreadable: bool = False
    #: these as in ``ProbeScript``
    for_tools: bool | None = None
    last: bool = False
    finer: bool = False
    short: bool = False


PLAIN = "This is sampled answer 000000."
NASTY_TEXT = (
    "\U0001f469‍\U0001f52c e\u0301 \u202eright to left\u202c \u4e2d\u6587 line\u2028separator\u2029 "
    '\x85 \x00\x1b[31m "quotes" \\ </script> data: {"jsonrpc": "2.0", "id": 1, "result": {}}\n\nevent: end'
)

VALID: tuple[Answer, ...] = (
    Answer("kind", "an image", _content({"type": "image", "data": PNG, "mimeType": "image/png"}), short=True),
    Answer("kind", "audio", _content({"type": "audio", "data": WAV, "mimeType": "audio/wav"}), with_audio),
    Answer(
        "kind",
        "an array of two blocks",
        _content([{"type": "text", "text": "One."}, {"type": "image", "data": PNG, "mimeType": "image/png"}]),
        with_arrays,
    ),
    # The text is much like those of plain answers, so that nothing but the array is new.
    Answer("kind", "an array of one text", _content([{"type": "text", "text": PLAIN}]), with_arrays, short=True),
    Answer("kind", "an empty array", _content([]), with_arrays),
    Answer(
        "kind",
        "a tool_use that nobody asked for",
        _content([{"type": "tool_use", "id": "unasked-1", "name": "no_such_tool", "input": {}}]),
        with_tools,
        hostile=True,
        for_tools=False,
    ),
    Answer("kind", "an empty text", _text("")),
    Answer("kind", "a text of emoji, control characters and line separators", _text(NASTY_TEXT)),
    Answer("kind", "1 MB of text", _text("0123456789abcdef" * 65536), last=True),
    Answer(
        "kind",
        "a text with annotations",
        _content({"type": "text", "text": "One.", "annotations": {"audience": ["user"], "priority": 0.5}}),
    ),
    Answer("kind", "a text of role user", _result(role="user")),
    Answer("open", "an unknown stopReason", _result(stopReason="com.example/tired")),
    Answer("open", "stopReason maxTokens", _result(stopReason="maxTokens")),
    Answer("open", "stopReason stopSequence", _result(stopReason="stopSequence")),
    Answer("open", "no stopReason", _result(stopReason=...)),
    Answer("open", "a result with _meta", _result(_meta={"com.example/trace": "1"})),
    Answer(
        "open",
        "unknown members in the result and its content",
        _result(usage={"outputTokens": 3}, content={"type": "text", "text": "One.", "cited": []}),
    ),
    # In the modern era an error has no wire form.
    Answer("error", "error -1 (the user said no)", _error(-1), legacy, short=True),
    *(
        Answer("error", name, outcome, legacy)
        for name, outcome in (
            ("error -32601", _error(-32601)),
            ("error -32602", _error(-32602)),
            ("error -32603", _error(-32603)),
            ("error 4711, a code of the client's own", _error(4711)),
            ("an error with data", _error(-1, data={"reason": ["policy", None]})),
        )
    ),
)

HOSTILE: tuple[Answer, ...] = (
    Answer("role", 'a result of role "system"', _result(role="system"), hostile=True),
    Answer("role", "a result without role", _result(role=...), hostile=True),
    *(
        Answer("malformed", name, outcome, hostile=True)
        for name, outcome in (
            ("a result without content", _result(content=...)),
            ("a result whose content is a string", _content("An answer.")),
            ("a block of unknown type", _content({"type": "hologram", "text": "One."})),
            ("a text block without text", _content({"type": "text"})),
            ("a result without model", _result(model=...)),
            ("an empty result", {"result": {}}),
        )
    ),
    Answer("malformed", "a result that is null", {"result": None}, hostile=True, unreadable=True),
    Answer("malformed", "an error without message", {"error": {"code": -1}}, legacy, hostile=True, unreadable=True),
    Answer("role", "a result whose role is a number", _result(role=7), hostile=True, finer=True),
    Answer("role", "a result whose role is null", _result(role=None), hostile=True, finer=True),
    *(
        Answer("malformed", name, outcome, hostile=True, finer=True)
        for name, outcome in (
            ("a result whose content is null", _content(None)),
            ("a block without type", _content({"text": "One."})),
            ("a text that is a number", _content({"type": "text", "text": 7})),
            ("an image without data", _content({"type": "image", "mimeType": "image/png"})),
            ("a result whose model is a number", _result(model=7)),
            ("a result whose stopReason is a number", _result(stopReason=7)),
        )
    ),
    *(
        Answer("malformed", name, outcome, fits, hostile=True, unreadable=True, finer=True)
        for name, outcome, fits in (
            ("a result that is a string", {"result": "An answer."}, always),
            ("an error whose code is a string", _error("denied"), legacy),
            ("an error that is a string", {"error": "denied"}, legacy),
            ("a response with neither result nor error", {}, legacy),
        )
    ),
)


def tool_use(identifier: str, name: str, arguments: Json) -> Json:
    return {"type": "tool_use", "id": identifier, "name": name, "input": arguments}


def tool_use_result(blocks: list[Json]) -> Json:
    """A result in which the model asks for tools."""
    return {"result": text_result("", content=blocks, stopReason="toolUse")}
