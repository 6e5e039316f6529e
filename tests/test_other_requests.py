"""Servers that need roots and elicitation as well as sampling get them, and are judged like any other."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from in_process import server_in_process
from kill_matrix import broken
from lenient_other_requests import FORM, PROGRAMS, InOneGo
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.peers.other_requests import answer_to, other_capabilities
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, NEWEST_LEGACY
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.events import OtherAsked


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_server_that_needs_more_than_sampling_is_clean(name: str) -> None:
    record = run(server_in_process(PROGRAMS[name]), NAMES, NAMED[:2], Conditions(TIMEOUT))
    assert record.reached == [callee.label for callee in NAMED[:2]]
    assert broken(results(record)) == {}
    for revision, one in record.revisions.items():
        asked = {(e.method, e.answered) for t in one.transcripts for e in t.events(OtherAsked)}
        assert ("roots/list", True) in asked
        assert (("elicitation/create", True) in asked) is (revision >= "2025-06-18")
        # One connection shows what the server does without. A modern one sees that beforehand, others look first.
        looks = revision in MODERN or not issubclass(PROGRAMS[name], InOneGo)
        assert (("roots/list", False) in asked) is not looks


def elicited(schema: Any, revision: str = NEWEST_LEGACY, **params: Any) -> Any:
    request = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": schema, **params}}
    return answer_to(request, other_capabilities(revision))


FIELDS: dict[str, dict[str, Any]] = {
    **FORM["properties"],
    "long": {"type": "string", "minLength": 40},
    "short": {"type": "string", "maxLength": 2},
    "below-zero": {"type": "integer", "maximum": -7},
    "fraction": {"type": "integer", "minimum": 1.5, "maximum": 2.5},
    "false": {"type": "boolean", "default": False},
    "date": {"type": "string", "format": "date"},
    "titled": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}, "minItems": 1},
    "names": {"type": "string", "enum": ["a"], "enumNames": ["A"]},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_form_is_filled_in_as_its_schema_says(name: str) -> None:
    schema = {"type": "object", "properties": {name: FIELDS[name]}, "required": [name]}
    result = elicited(schema)["result"]
    assert result["action"] == "accept"
    jsonschema.validate(result["content"], schema, format_checker=jsonschema.FormatChecker())
    assert result["content"][name] == FIELDS[name].get("default", result["content"][name])


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "pattern": "^a$", "minLength": 2},
        {"type": "string", "pattern": "(unclosed"},
        {"type": "string", "minLength": 10**9},
        {"type": "number", "minimum": 1e999},
    ],
    ids=repr,
)
def test_what_cannot_be_filled_in_is_declined(field: dict[str, Any]) -> None:
    assert elicited({"type": "object", "properties": {"a": field}}) == {"result": {"action": "decline"}}


@pytest.mark.parametrize("schema", [None, [], "form", {"properties": []}, {"properties": {"a": True}}], ids=repr)
def test_no_form_is_too_odd(schema: Any) -> None:
    assert elicited(schema)["result"]["action"] == "accept"


def test_a_large_form_is_filled_in_as_far_as_anybody_reads() -> None:
    assert len(elicited({"properties": {str(n): {} for n in range(5000)}})["result"]["content"]) == 100


def test_what_was_not_declared_is_refused() -> None:
    assert elicited({}, "2025-03-26")["error"]["code"] == -32601
    assert elicited({}, mode="url", url="https://example.com/")["error"]["code"] == -32602
    assert answer_to({"method": "tasks/list"}, other_capabilities(NEWEST_LEGACY))["error"]["code"] == -32601
