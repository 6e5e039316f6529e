"""The members of params, results, errors and InputRequiredResults that break a rule by themselves, as tables.

A *part* is a broken value of a member, with the path in it to what is wrong: ``({"hints": "claude"}, ("hints",))``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.jsonrpc import Path
from .values import Json

#: a broken value, and where in it the violation is
Part = tuple[Any, Path]
#: by rule and member: what the member is replaced by (an object is merged into the one that is there)
Parts = Mapping[str, Mapping[str, list[Part]]]

TEXT: Json = {"type": "text", "text": "Hello."}
SCHEMA: Json = {"type": "object"}

NOT_OBJECT: tuple[Any, ...] = ("text", [], None, 5)
_NOT_ARRAY: tuple[Any, ...] = ("claude", {"name": "claude"}, None)
NOT_STRING: tuple[Any, ...] = (5, None, ["text"], {})
_NOT_NUMBER: tuple[Any, ...] = ("0.5", None, True, [0.5])
NOT_ROLE: tuple[Any, ...] = ("system", "tool", "User", "", None, 1, ["user"])
_NOT_SCHEMA: tuple[Any, ...] = ({}, {"type": "string"}, {"type": ["object"]}, True, None)
NOT_AUDIENCE: tuple[Any, ...] = ("user", ["system"], [None], {})
_NOT_STRINGS: tuple[Any, ...] = ("END", [1], ["END", None], {})
_NOT_CHOICE: tuple[Any, ...] = ("auto", None, [])
_PRIORITIES = ("costPriority", "speedPriority", "intelligencePriority")

PARAMS: Parts = {
    "max-tokens/integer": {"maxTokens": [(bad, ()) for bad in ("100", 1.5, None, True, [100])]},
    "max-tokens/positive": {"maxTokens": [(bad, ()) for bad in (0, -1, -(2**31))]},
    "preferences/shape": {
        "modelPreferences": [
            *((bad, ()) for bad in NOT_OBJECT),
            *(({"hints": bad}, ("hints",)) for bad in _NOT_ARRAY),
            *(({"hints": [bad, {}]}, ("hints", 0)) for bad in ("claude", None)),
            *(({"hints": [{}, {"name": bad}]}, ("hints", 1, "name")) for bad in NOT_STRING),
        ]
    },
    "preferences/priorities-numbers": {
        "modelPreferences": [({key: bad}, (key,)) for key in _PRIORITIES for bad in _NOT_NUMBER]
    },
    "preferences/priorities-in-range": {
        "modelPreferences": [({key: bad}, (key,)) for key in _PRIORITIES for bad in (1.001, -0.1, 100, -1e300)]
    },
    "parameters/messages": {"messages": [(bad, ()) for bad in ("Hello.", {"role": "user", "content": TEXT}, None)]},
    "parameters/system-prompt": {"systemPrompt": [(bad, ()) for bad in NOT_STRING]},
    "parameters/temperature": {"temperature": [(bad, ()) for bad in _NOT_NUMBER]},
    "parameters/stop-sequences": {"stopSequences": [(bad, ()) for bad in _NOT_STRINGS]},
    "parameters/metadata": {"metadata": [(bad, ()) for bad in NOT_OBJECT]},
    "parameters/meta": {"_meta": [(bad, ()) for bad in NOT_OBJECT]},
    "parameters/include-context": {
        "includeContext": [(bad, ()) for bad in ("all", "this_server", "None", "", None, 1)]
    },
    "parameters/tools": {
        "tools": [
            *((bad, ()) for bad in ("search", {"search": SCHEMA})),
            *(([bad], (0,)) for bad in ("search", {"inputSchema": SCHEMA}, {"name": "search"})),
            *(([{"name": bad, "inputSchema": SCHEMA}], (0, "name")) for bad in NOT_STRING),
            ([{"name": "a", "description": 5, "inputSchema": SCHEMA}], (0, "description")),
            *(
                ([{"name": "a", "inputSchema": SCHEMA}, {"name": "b", "inputSchema": bad}], (1, "inputSchema"))
                for bad in _NOT_SCHEMA
            ),
        ]
    },
    "parameters/tool-choice": {
        "toolChoice": [
            *((bad, ()) for bad in _NOT_CHOICE),
            *(({"mode": bad}, ("mode",)) for bad in ("any", "tool", "Auto", None, 1)),
        ]
    },
}

RESULTS: Parts = {
    "role/result-role": {"role": [(bad, ()) for bad in NOT_ROLE]},
    "result/model": {"model": [(bad, ()) for bad in NOT_STRING]},
    "result/model-named": {"model": [(bad, ()) for bad in ("", " ", "\n")]},
    "result/content": {"content": [(bad, ()) for bad in ("Hello.", None, 5)]},
    "result/stop-reason": {"stopReason": [(bad, ()) for bad in NOT_STRING]},
}

ERRORS: Parts = {
    "error/shape": {
        "code": [(bad, ()) for bad in ("-1", -1.5, None, True, [-1])],
        "message": [(bad, ()) for bad in NOT_STRING],
    }
}

_NOT_ASKED_FOR: tuple[Any, ...] = ("tools/call", "sampling/createmessage", "", None, 5)
_NOT_QUESTIONS: tuple[Any, ...] = ("sample", [], None, 5)

INPUT_REQUIRED: Parts = {
    "input-required/result-type": {"resultType": [(bad, ()) for bad in NOT_STRING]},
    "input-required/requests-valid": {
        "requestState": [(bad, ()) for bad in NOT_STRING],
        "inputRequests": [(bad, ()) for bad in _NOT_QUESTIONS],
    },
}
#: broken members of ``inputRequests``
QUESTIONS: tuple[Part, ...] = (
    ("sample", ()),
    (None, ()),
    ({"params": {}}, ()),
    *(({"method": bad, "params": {}}, ("method",)) for bad in _NOT_ASKED_FOR),
    # A request for sampling without params lacks what they must have, too.
    ({"method": "elicitation/create"}, ()),
    ({"method": "elicitation/create", "params": []}, ("params",)),
)

#: pairs of a rule and the member without which it is broken
Required = Sequence[tuple[str, str]]

REQUIRED_PARAMS: Required = (("max-tokens/present", "maxTokens"), ("parameters/messages", "messages"))
REQUIRED_RESULTS: Required = (("role/result-role", "role"), ("result/model", "model"), ("result/content", "content"))
REQUIRED_ERRORS: Required = (("error/shape", "code"), ("error/shape", "message"))
REQUIRED_INPUT_REQUIRED: Required = (("input-required/result-type", "resultType"),)
