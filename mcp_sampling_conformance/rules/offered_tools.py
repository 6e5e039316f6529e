"""content, the tools that a server offers, to its client and in sampling: their schemas and names.

basic "JSON Schema Usage"; server/tools "Data Types".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..protocol.jsonrpc import params_of, shown
from ..schemas.dialect import Faults
from ..schemas.work import OutOfWork, Work
from ..transcript.transcript import Side
from .rule import HELD, SERVER, TOOLS_MUST, TOOLS_SHOULD, Finding, broken, rule
from .shapes import expect, is_object, is_string, require

NO_TOOLS = "the server offered no tools"
#: so many values in schemas are looked at
_MOST_VALUES = 20_000


def _listed(evidence: Evidence) -> Iterator[tuple[bool, list[Value]]]:
    """The tools in each result of tools/list, and whether it is the first page of a list."""
    for session in evidence.sessions:
        for request in session.with_method(Side.CLIENT, "tools/list"):
            response = session.response_to(request)
            tools = response.whole.find("result", "tools") if response is not None else None
            if tools is not None:
                yield "cursor" not in params_of(request.body), tools.elements()


@rule(
    "content/schemas-valid",
    SERVER,
    TOOLS_MUST,
    "basic",
    "schema-validation",
    unobserved=NO_TOOLS,
)
def schemas_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The inputSchema and outputSchema of a tool are objects, and valid in the JSON Schema dialect that they name, or
    in 2020-12."""
    faults = Faults(Work(_MOST_VALUES))
    for _, tools in _listed(evidence):
        for tool in tools:
            yield from require(tool, "inputSchema", is_object, "a JSON Schema (an object)")
            yield from expect(tool.get("outputSchema"), is_object, "a JSON Schema (an object)")
            yield from _tool_valid(tool, faults)
    for offered in evidence.asked.parameters["tools"]:  # that these have an inputSchema, parameters/tools says
        for tool in offered.elements():
            yield from _tool_valid(tool, faults)


def _tool_valid(tool: Value, faults: Faults) -> Iterator[Finding]:
    for schema in (tool.get("inputSchema"), tool.get("outputSchema")):
        if schema is None or not isinstance(schema.value, dict):
            continue
        try:
            fault = faults.of(schema.value)
        except OutOfWork:
            continue
        name = tool.value.get("name")
        yield broken(schema, f"{schema.json_path} of {shown(name)} is no valid schema: {fault}") if fault else HELD


@rule(
    "content/tool-names-unique",
    SERVER,
    TOOLS_SHOULD,
    "server/tools",
    "tool-names",
    unobserved=NO_TOOLS,
)
def tool_names_unique(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """No two tools that a server lists have the same name."""
    seen: set[str] = set()
    for is_first, tools in _listed(evidence):
        seen = set() if is_first else seen
        for name in filter(None, (tool.get("name") for tool in tools)):
            if not is_string(name.value):
                continue
            if name.value in seen:
                yield broken(name, f"two tools in the list are called {shown(name.value)}")
            else:
                yield HELD
            seen.add(name.value)
