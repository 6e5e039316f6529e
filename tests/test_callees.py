"""What is called to make a server sample: arguments made from schemas, and what is found in lists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.arguments import NoArguments, minimal_arguments
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

FIXTURES = Path(__file__).parent.parent / "fixtures"
ANYTHING = object()
NESTED = {"type": "object", "properties": {"b": {"type": "integer", "minimum": 3}}, "required": ["b"]}
REF = {"$ref": "#/$defs/Color"}
COLORS = {"$defs": {"Color": {"enum": ["red", "green"]}}}

#: the schema of the one required argument, what else the whole schema has, and the value expected for it
SCHEMAS: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "enum": ({"enum": ["red"]}, {}, "red"),
    "const": ({"const": 42}, {}, 42),
    "default": ({"type": "string", "default": "Paris"}, {}, "Paris"),
    "examples": ({"type": "string", "examples": ["Rome", "Oslo"]}, {}, "Rome"),
    "default-that-does-not-fit": ({"type": "integer", "minimum": 2, "default": "many"}, {}, 2),
    "minimum": ({"type": "integer", "minimum": 7}, {}, 7),
    "nonzero": ({"type": "integer"}, {}, 1),
    "boolean": ({"type": "boolean"}, {}, False),
    "nested": (NESTED, {}, {"b": 3}),
    "pattern": ({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"}, {}, ANYTHING),
    "format": ({"type": "string", "format": "date"}, {}, ANYTHING),
    "text": ({"type": "string"}, {}, ANYTHING),
    "array": ({"type": "array", "items": NESTED, "minItems": 1}, {}, ANYTHING),
    "ref": (REF, COLORS, ANYTHING),
    "nested-ref": ({"type": "array", "items": REF, "minItems": 2}, COLORS, ANYTHING),
    "any-of": ({"anyOf": [{"type": "null"}, {"type": "string", "minLength": 3}]}, {}, ANYTHING),
    "anything": (True, {}, ANYTHING),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_arguments_are_minimal_valid_and_always_the_same(name: str) -> None:
    given, more, expected = SCHEMAS[name]
    schema = {"type": "object", "properties": {"a": given, "optional": {"type": "string"}}, "required": ["a"], **more}
    arguments = minimal_arguments(schema)
    assert arguments.keys() == {"a"}
    jsonschema.validate(arguments, schema, format_checker=jsonschema.FormatChecker())
    assert arguments == minimal_arguments({**schema, "description": "the same"})
    if expected is ANYTHING:
        assert arguments["a"] or name == "anything"
    else:
        assert arguments["a"] == expected
        assert type(arguments["a"]) is type(expected)


@pytest.mark.parametrize(
    "schema", [None, True, "object", [], {}, {"type": "object"}, {"required": []}, {"properties": {"a": {}}}], ids=repr
)
def test_nothing_is_passed_where_nothing_is_required(schema: object) -> None:
    assert minimal_arguments(schema) == {}


@pytest.mark.parametrize(
    "given",
    [
        {"type": "no-such-type"},
        {"enum": []},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "string", "pattern": "(unclosed"},
        {"$ref": "#/$defs/Absent"},
        {"$ref": "https://127.0.0.1:1/schema.json"},
        {"type": 5},
        "string",
        False,
    ],
    ids=repr,
)
def test_a_schema_that_cannot_be_met_is_said_so(given: object) -> None:
    with pytest.raises(NoArguments, match="inputSchema"):
        minimal_arguments({"type": "object", "properties": {"a": given}, "required": ["a"]})


def discover(tmp_path: Path, body: str) -> tuple[Run, list[str]]:
    """Provoke a variant of the reference server that notes what is called; the run and the calls."""
    script, log = tmp_path / "variant.py", tmp_path / "calls"
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(FIXTURES)!r})",
        "from reference_server import Server",
        "class Logged(Server):",
        "    def start(self, id, params):",
        f"        print(params.get('name') or params.get('uri'), file=open({str(log)!r}, 'a'))",
        "        super().start(id, params)",
        "class Variant(Logged):",
        *(f"    {line}" for line in body.splitlines()),
        "Variant().serve(sys.stdin.buffer)",
    ]
    script.write_text("\n".join(lines))
    server = StdioServer(Command([sys.executable, "-S", str(script)]))
    run = anyio.run(provoke_server, server, [REVISIONS["2025-11-25"]], [], Conditions(5.0))
    return run, log.read_text().split("\n") if log.exists() else []


def test_all_pages_are_read_and_what_is_destructive_is_never_called(tmp_path: Path) -> None:
    run, calls = discover(tmp_path, "pass")
    sampling = ["tool ask", "tool agent", "tool illustrate", "prompt summary", "resource sampled://answer"]
    assert run.reached == sampling
    assert "add" in calls
    assert "erase" not in calls


def test_a_list_without_end_is_left(tmp_path: Path) -> None:
    run, _ = discover(
        tmp_path, "def list_tools(self, params):\n    return {**super().list_tools(params), 'nextCursor': 'again'}"
    )
    assert "tool ask" in run.reached


def test_tools_that_are_announced_later_are_found(tmp_path: Path) -> None:
    """A server that lists what samples only once it knows its client, and says that the list changed."""
    body = """
ready = False
def initialized(self):
    self.ready = None
def reply(self, id, method, params):
    super().reply(id, method, params)
    if method == "tools/list" and self.ready is None:
        self.ready = True
        self.send({"method": "notifications/tools/list_changed"})
def list_tools(self, params):
    return super().list_tools(params) if self.ready else {"tools": []}
def list_prompts(self, params):
    return {"prompts": []}
def list_resources(self, params):
    return {"resources": []}
"""
    run, _ = discover(tmp_path, body)
    assert run.reached == ["tool ask", "tool agent", "tool illustrate"]


def test_a_tool_whose_schema_cannot_be_met_is_named_with_the_reason(tmp_path: Path) -> None:
    body = """
def list_tools(self, params):
    schema = {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]}
    return {"tools": [{"name": "puzzle", "inputSchema": schema}]}
def may_sample(self):
    return False
"""
    run, calls = discover(tmp_path, body)
    assert run.reached == []
    assert "tool puzzle: no arguments that fit its inputSchema were found" in run.unreached
    assert "puzzle" not in calls
