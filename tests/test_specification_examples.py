"""Messages of the same members, types and shapes as the specification's own examples break no rule, on either side.

Every page about sampling shows some, and so does the schema of 2026-07-28. The words here are ours; each example stands
in the smallest recording in which it can occur.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_foreign import broken, plain, request, response

from mcp_sampling_conformance.protocol.names import SAMPLING
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES
from mcp_sampling_conformance.transcript.foreign import read_foreign
from mcp_sampling_conformance.transcript.transcript import Side

Json = dict[str, Any]
Messages = list[tuple[str, Json]]
Exchange = tuple[Json, Json]  #: the params of a sampling request, and the result or the error that answers it
INFO = {"name": "an example", "version": "1.0.0"}
SAMPLES: Json = {"sampling": {}}
SAMPLES_WITH_TOOLS: Json = {"sampling": {"tools": {}}}


# --- parts


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def turn(role: str, content: Any) -> Json:
    return {"role": role, "content": content}


def asked(*messages: Json, **more: Any) -> Json:
    return {"messages": list(messages), "maxTokens": 100, **more}


def answer(content: Any, stop_reason: str = "endTurn") -> Json:
    return {**turn("assistant", content), "model": "small-model-20250101", "stopReason": stop_reason}


def use(id: str, place: str) -> Json:
    return {"type": "tool_use", "id": id, "name": "tide", "input": {"place": place}}


def result(id: str, words: str) -> Json:
    return {"type": "tool_result", "toolUseId": id, "content": [text(words)]}


QUESTION = turn("user", text("When is high tide in Brest and in Cork?"))
ANSWER = answer(text("At 04:12 and at 05:40."))
USES = [use("use_1", "Brest"), use("use_2", "Cork")]
RESULTS = [result("use_1", "Brest: 04:12, 6.1 m"), result("use_2", "Cork: 05:40, 3.9 m")]
TIDE: Json = {
    "name": "tide",
    "description": "Look up the next high tide of a place",
    "inputSchema": {
        "type": "object",
        "properties": {"place": {"type": "string", "description": "A place at the sea"}},
        "required": ["place"],
    },
}
HINTS = [{"name": "small-model"}, {"name": "small"}]
IMAGE = {"type": "image", "data": "/9j/4AAQ", "mimeType": "image/jpeg"}
SOUND = {"type": "audio", "data": "UklGRiQAAABXQVZF", "mimeType": "audio/wav"}

PLAIN = (
    asked(
        QUESTION,
        modelPreferences={"hints": HINTS[:1], "intelligencePriority": 0.8, "speedPriority": 0.5},
        systemPrompt="You know the sea.",
    ),
    ANSWER,
)
PREFERENCES = {"hints": HINTS, "costPriority": 0.3, "speedPriority": 0.8, "intelligencePriority": 0.5}
OFFER = (asked(QUESTION, tools=[TIDE], toolChoice={"mode": "auto"}), answer(USES, "toolUse"))
LOOP = [OFFER, (asked(QUESTION, turn("assistant", USES), turn("user", RESULTS), tools=[TIDE]), ANSWER)]
ONE_RESULT = (asked(QUESTION, turn("assistant", USES[:1]), turn("user", RESULTS[0]), tools=[TIDE]), ANSWER)


# --- what stands around them


def legacy(revision: str, *exchanges: Exchange, declared: Json = SAMPLES, first_id: int = 1) -> Messages:
    """A call in which the server samples."""
    opening = {"protocolVersion": revision, "capabilities": declared, "clientInfo": INFO}
    agreed = {"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": INFO}
    messages: Messages = [
        ("client", request("open", "initialize", **opening)),
        ("server", response("open", agreed)),
        ("client", {"jsonrpc": "2.0", "method": "notifications/initialized"}),
        ("client", request("call", "tools/call", name="ask")),
    ]
    for id, (params, said) in enumerate(exchanges, first_id):
        messages.append(("server", request(id, SAMPLING, **params)))
        messages.append(("client", error(id, said) if "code" in said else response(id, said)))
    return [*messages, ("server", response("call", {"content": [text("Done.")]}))]


def error(id: Any, said: Json) -> Json:
    return {"jsonrpc": "2.0", "id": id, "error": said}


def call(id: Any, declared: Json = SAMPLES, revision: str = NAMES[-1], meta: Json | None = None, **params: Any) -> Json:
    described = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientInfo": INFO,
        "io.modelcontextprotocol/clientCapabilities": declared,
    }
    return request(id, "tools/call", name="ask", _meta={**described, **(meta or {})}, **params)


def done(id: Any, **more: Any) -> tuple[str, Json]:
    return "server", response(id, {"resultType": "complete", "content": [text("Done.")], **more})


def rounds(*inputs: tuple[Json, Json], declared: Json = SAMPLES) -> Messages:
    """A call that is asked for input and repeated: what each result asks for, and what the retry brings."""
    messages: Messages = []
    brought: Json = {}
    for id, (wanted, retried) in enumerate(inputs, 1):
        messages.append(("client", call(id, declared, **brought)))
        messages.append(("server", response(id, {"resultType": "input_required", **wanted})))
        brought = retried
    last = len(inputs) + 1
    return [*messages, ("client", call(last, declared, **brought)), done(last, isError=False)]


def modern(*exchanges: Exchange, declared: Json = SAMPLES) -> Messages:
    """A call that is answered with sampling requests."""
    inputs = [
        (
            {"inputRequests": {"tides": {"method": SAMPLING, "params": params}}, "requestState": f"state {n}"},
            {"inputResponses": {"tides": said}, "requestState": f"state {n}"},
        )
        for n, (params, said) in enumerate(exchanges)
    ]
    return rounds(*inputs, declared=declared)


def sampling(revision: str, *exchanges: Exchange, declared: Json = SAMPLES) -> Messages:
    if revision in MODERN:
        return modern(*exchanges, declared=declared)
    return legacy(revision, *exchanges, declared=declared)


# --- the examples

EXAMPLES: dict[str, Messages] = {}
for _revision in NAMES:
    EXAMPLES |= {
        f"{_revision} plain": sampling(_revision, PLAIN),
        f"{_revision} preferences": sampling(_revision, (asked(QUESTION, modelPreferences=PREFERENCES), ANSWER)),
        f"{_revision} image": sampling(_revision, (asked(turn("user", IMAGE)), answer(IMAGE))),
    }
for _revision in NAMES[1:]:
    EXAMPLES[f"{_revision} audio"] = sampling(_revision, (asked(turn("user", SOUND)), answer(SOUND)))
for _revision in NAMES[:-1]:
    EXAMPLES[f"{_revision} rejected"] = legacy(
        _revision, (asked(QUESTION), {"code": -1, "message": "The user said no"}), first_id=3
    )
for _revision in NAMES[3:]:
    EXAMPLES |= {
        f"{_revision} context": sampling(_revision, PLAIN, declared={"sampling": {"context": {}}}),
        f"{_revision} tools": sampling(_revision, OFFER, declared=SAMPLES_WITH_TOOLS),
        f"{_revision} loop": sampling(_revision, *LOOP, declared=SAMPLES_WITH_TOOLS),
        f"{_revision} one result": sampling(_revision, ONE_RESULT, declared=SAMPLES_WITH_TOOLS),
    }

_FORM = {
    "method": "elicitation/create",
    "params": {
        "message": "Which harbour is yours?",
        "requestedSchema": {"type": "object", "properties": {"harbour": {"type": "string"}}, "required": ["harbour"]},
    },
}
_FORM_AND_SAMPLING = {"harbour": _FORM, "tides": {"method": SAMPLING, "params": asked(QUESTION)}}
_BOTH_ANSWERS = {"harbour": {"action": "accept", "content": {"harbour": "Cork"}}, "tides": ANSWER}
_WITH_FORMS: Json = {"sampling": {}, "elicitation": {"form": {}}}
_PROGRESS = {"progressToken": "a-token", "progress": 50, "total": 100, "message": "Reading the tables"}
_LOGGED = {"level": "error", "logger": "tables", "data": {"error": "no table", "details": {"year": 1999}}}
_LACKS_FORMS = {"code": -32021, "message": "Forms, please", "data": {"requiredCapabilities": {"elicitation": {}}}}
_UNKNOWN_REVISION = {
    "code": -32022,
    "message": "Not a revision",
    "data": {"supported": NAMES[3:], "requested": "1900-01-01"},
}
_DIALECTS = [
    {"name": "none", "inputSchema": {"type": "object", "additionalProperties": False}},
    {"name": "old", "inputSchema": {"$schema": "http://json-schema.org/draft-07/schema#", **TIDE["inputSchema"]}},
    {
        "name": "either",
        "inputSchema": {**TIDE["inputSchema"], "anyOf": [{"required": ["place"]}, {"minProperties": 2}]},
    },
    {
        **TIDE,
        "outputSchema": {"type": "array", "items": {"type": "object", "properties": {"hour": {"type": "number"}}}},
    },
]


def notified(method: str, params: Json) -> Json:
    return {"jsonrpc": "2.0", "method": method, "params": params}


#: what the schema of 2026-07-28 shows besides
EXAMPLES |= {
    "form and sampling": rounds(
        (
            {"inputRequests": _FORM_AND_SAMPLING, "requestState": "e30"},
            {"inputResponses": _BOTH_ANSWERS, "requestState": "e30"},
        ),
        declared=_WITH_FORMS,
    ),
    "state only": rounds(({"requestState": "eyJhIjoxfQ"}, {"requestState": "eyJhIjoxfQ"})),
    "progress": [
        ("client", call("one", meta={"progressToken": "a-token"})),
        ("server", notified("notifications/progress", _PROGRESS)),
        done("one"),
    ],
    "log": [
        ("client", call("one", meta={"io.modelcontextprotocol/logLevel": "debug"})),
        ("server", notified("notifications/message", _LOGGED)),
        done("one"),
    ],
    "cancelled": [
        ("client", call("12")),
        ("client", notified("notifications/cancelled", {"requestId": "12", "reason": "The user left"})),
    ],
    "structured list": [("client", call("one")), done("one", structuredContent=[{"id": "1"}, {"id": "2"}])],
    "failed tool": [("client", call("one")), done("one", isError=True)],
    "missing capability": [("client", call(1)), ("server", error(1, _LACKS_FORMS))],
    "unknown revision": [
        ("client", call(1, revision="1900-01-01")),
        ("server", error(1, _UNKNOWN_REVISION)),
        ("client", call(2)),
        done(2),
    ],
    "unknown tool": [("client", call(1)), ("server", error(1, {"code": -32602, "message": "No such tool"}))],
    "dialects of schemas": modern((asked(QUESTION, tools=_DIALECTS), ANSWER), declared=SAMPLES_WITH_TOOLS),
}

_TOOLS = "2025-11-25"
_UNBALANCED = asked(QUESTION, turn("assistant", USES), turn("user", RESULTS[0]), tools=[TIDE])
_LACKING = {"code": -32602, "message": "A result is missing"}
_MIXED = asked(QUESTION, turn("assistant", USES[:1]), turn("user", [text("Here:"), RESULTS[0]]), tools=[TIDE])
_SAYS_BASE64 = {**IMAGE, "data": "here-stands-the-image"}
#: what the pages show as wrong, or show against their own words; the rules that the server breaks
WRONG: dict[str, tuple[Messages, set[str]]] = {
    "no result for a tool use": (
        sampling(_TOOLS, (_UNBALANCED, _LACKING), declared=SAMPLES_WITH_TOOLS),
        {"tool-loop/balanced"},
    ),
    "a text beside results": (
        sampling(_TOOLS, (_MIXED, ANSWER), declared=SAMPLES_WITH_TOOLS),
        {"tool-loop/results-only"},
    ),
    "words in place of Base64": (
        sampling(_TOOLS, (asked(turn("user", _SAYS_BASE64)), ANSWER)),
        {"content/base64"},
    ),
    "a deprecated value": (
        modern((asked(QUESTION, includeContext="thisServer"), ANSWER), declared={"sampling": {"context": {}}}),
        {"capability/context-avoided"},
    ),
}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_breaks_no_rule(example: str, side: Side, tmp_path: Path) -> None:
    recording = read_foreign(plain(tmp_path, EXAMPLES[example]))
    assert broken(recording, side) == set()


@pytest.mark.parametrize("example", WRONG)
def test_what_is_shown_as_wrong_is_found(example: str, tmp_path: Path) -> None:
    messages, rules = WRONG[example]
    recording = read_foreign(plain(tmp_path, messages))
    assert (broken(recording, Side.SERVER), broken(recording, Side.CLIENT)) == (rules, set())
