"""What the fixture server asks of a client: a table of sampling requests, one tool each.

``group`` is what the rules look for; ``name`` completes the sentence "... got no answer to NAME".
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...protocol.jsonrpc import Json
from ...protocol.revisions import Revision
from ..server.answers import NASTY_TEXT, PNG, WAV, always, tool_use, with_arrays, with_audio

QUESTION = "What is the capital of France? Answer in one word."
#: hints that real clients may know
FAMILIES = ("claude", "gpt", "gemini")
PRIORITIES = {"costPriority": 0, "speedPriority": 0.5, "intelligencePriority": 1}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def turn(role: str, content: Any) -> Json:
    return {"role": role, "content": content}


def request(*messages: Json, **fields: Any) -> Json:
    """Valid params that ask one question; ``fields`` replace members, ``...`` takes one away."""
    params = {"messages": list(messages) or [turn("user", text(QUESTION))], "maxTokens": 1000, **fields}
    return {key: value for key, value in params.items() if value is not ...}


def _user(content: Any) -> Json:
    return request(turn("user", content))


WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def tools_request(*messages: Json, **fields: Any) -> Json:
    """Valid params that offer a tool."""
    asked = messages or (turn("user", text("What is the weather in Paris? Use the tool.")),)
    return request(*asked, tools=[WEATHER], **fields)


def tool_result(identifier: str) -> Json:
    return {"type": "tool_result", "toolUseId": identifier, "content": [text("Sunny, 18 degrees.")]}


def _plain_context(revision: Revision) -> bool:
    """Whether includeContext may be used without a capability for it."""
    return not revision.tools


@dataclass(frozen=True)
class Ask:
    """One sampling request; ``params`` as they go over the wire (``None``: none at all)."""

    group: str
    name: str
    params: Any
    fits: Callable[[Revision], bool] = always
    #: the client must have declared sampling.tools, or must not; ``None``: whatever it declared
    with_tools: bool | None = None
    #: it breaks the schema: a client may refuse it, die of it, or worse
    hostile: bool = False


_IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}
_AUDIO = {"type": "audio", "data": WAV, "mimeType": "audio/wav"}
_CALLS = [tool_use(f"call-{city}", "get_weather", {"city": city}) for city in ("Paris", "London")]
_LOOP = (turn("user", text("What is the weather in Paris and London?")), turn("assistant", _CALLS))
_RESULTS = [tool_result("call-London"), tool_result("call-Paris")]
_TALK = (turn("user", text("Hi.")), turn("assistant", text("Hello.")), turn("user", text(QUESTION)))
_COUNT = turn("user", text("Count from one to one hundred, in words."))
_HINTS = [{"name": name} for name in FAMILIES]


def _hints(*hints: Json) -> Json:
    return request(modelPreferences={"hints": list(hints)})


VALID: tuple[Ask, ...] = (
    Ask("kind", "an image", _user(_IMAGE)),
    Ask("kind", "audio", _user(_AUDIO), with_audio),
    Ask("kind", "an array of text and image", _user([text("What is this?"), _IMAGE]), with_arrays),
    Ask("kind", "an array of one block", _user([text(QUESTION)]), with_arrays),
    Ask("kind", "a conversation", request(*_TALK)),
    Ask("kind", "a text of emoji, control characters and line separators", _user(text(NASTY_TEXT))),
    Ask("kind", "an empty text", _user(text(""))),
    # With all around it less than 1 MiB, which is what some clients take of one SSE event.
    Ask("kind", "1 MB of text", _user(text("0123456789" * 100_000))),
    Ask("kind", "a text with annotations", _user({**text(QUESTION), "annotations": {"audience": ["user"]}})),
    Ask("kind", "a large image", _user({**_IMAGE, "data": base64.b64encode(bytes(100_000)).decode()})),
    Ask("parameter", "systemPrompt", request(systemPrompt="Be brief.")),
    Ask("parameter", "temperature", request(temperature=0.5)),
    Ask("parameter", "temperature as an integer", request(temperature=1)),
    Ask("parameter", "stopSequences", request(stopSequences=["\n\n", "END"])),
    Ask("parameter", "empty stopSequences", request(stopSequences=[])),
    Ask("parameter", "metadata", request(metadata={"purpose": {"nested": [1, None]}})),
    Ask("parameter", "includeContext none", request(includeContext="none")),
    Ask("parameter", "includeContext thisServer", request(includeContext="thisServer"), _plain_context),
    Ask("parameter", "_meta", request(_meta={"com.example/trace": "1"})),
    Ask("parameter", "a progressToken", request(_meta={"progressToken": "token-1"})),
    Ask("parameter", "unknown members", request(**{"com.example/unknown": {"nested": [1]}, "seed": 7})),
    Ask("preference", "all preferences", request(modelPreferences={**PRIORITIES, "hints": _HINTS})),
    Ask("preference", "one priority", request(modelPreferences={"speedPriority": 1})),
    Ask("preference", "empty modelPreferences", request(modelPreferences={})),
    Ask("preference", "no hints", _hints()),
    Ask("preference", "a hint without name", _hints({})),
    Ask("preference", "an unknown hint", _hints({"name": "no-such-model"})),
    Ask("preference", "unknown keys in a hint", _hints({"name": "gpt", "com.example/size": 7})),
    *(Ask("preference", f"the hint {hint['name']}", _hints(hint)) for hint in _HINTS),
    Ask("extreme", "maxTokens 1", request(maxTokens=1)),
    Ask("extreme", "maxTokens 2147483647", request(maxTokens=2**31 - 1)),
    Ask("limit", "maxTokens 5 for a long answer", request(_COUNT, maxTokens=5)),
    Ask("tools", "tools", tools_request(), with_arrays, True),
    Ask("tools", "tools with toolChoice auto", tools_request(toolChoice={"mode": "auto"}), with_arrays, True),
    Ask("tools", "an answered tool loop", tools_request(*_LOOP, turn("user", _RESULTS)), with_arrays, True),
    Ask("choice-none", "toolChoice none", tools_request(toolChoice={"mode": "none"}), with_arrays, True),
    Ask("choice-required", "toolChoice required", tools_request(toolChoice={"mode": "required"}), with_arrays, True),
)

_BROKEN_LOOPS = (
    ("missing-result", "a tool_use without its tool_result", (*_LOOP, turn("user", _RESULTS[:1]))),
    ("mixed-results", "tool_result blocks beside a text", (*_LOOP, turn("user", [*_RESULTS, text("There.")]))),
)

_BROKEN = tuple(
    Ask(group, name, params, hostile=True)
    for group, name, params in (
        ("bad-role", 'a message of role "system"', request(turn("system", text("Be brief.")))),
        ("bad-role", 'a message of role "tool"', request(turn("tool", text("Sunny.")))),
        ("bad-role", "a message without role", request({"content": text(QUESTION)})),
        ("bad-role", "a message whose role is a number", request({"role": 7, "content": text(QUESTION)})),
        ("no-max-tokens", "no maxTokens", request(maxTokens=...)),
        ("bad-max-tokens", "maxTokens as a string", request(maxTokens="many")),
        ("bad-max-tokens", "maxTokens null", request(maxTokens=None)),
        ("bad-max-tokens", "maxTokens as a fraction", request(maxTokens=0.5)),
        ("malformed-params", "no messages", request(messages=...)),
        ("malformed-params", "messages that are a string", request(messages=QUESTION)),
        ("malformed-params", "a message that is a string", request(messages=[QUESTION])),
        ("malformed-content", "a message without content", request({"role": "user"})),
        ("malformed-content", "a message whose content is null", _user(None)),
        ("malformed-content", "a message whose content is a number", _user(7)),
        ("malformed-content", "a block without type", _user({"text": QUESTION})),
        ("malformed-content", "a block of unknown type", _user({"type": "hologram", "text": QUESTION})),
        ("malformed-content", "a text block without text", _user({"type": "text"})),
        ("malformed-content", "an image without data", _user({"type": "image", "mimeType": "image/png"})),
        ("malformed-params", "a systemPrompt that is a list", request(systemPrompt=[QUESTION])),
        ("malformed-params", "a temperature that is a word", request(temperature="hot")),
        ("malformed-params", "stopSequences that are an object", request(stopSequences={})),
        ("malformed-params", "modelPreferences that are a string", request(modelPreferences="gpt")),
        ("malformed-params", "no params", None),
    )
)

HOSTILE: tuple[Ask, ...] = (
    *_BROKEN,
    *(Ask(group, name, tools_request(*said), with_arrays, True, True) for group, name, said in _BROKEN_LOOPS),
    *(
        Ask("undeclared-loop", f"{name} (no tools offered)", request(*said), with_arrays, False, True)
        for _, name, said in _BROKEN_LOOPS
    ),
)
