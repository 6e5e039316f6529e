"""Tools with hostile input schemas: arguments are made or given up soon, and no schema reaches a file or a network."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hostile import judge, sound
from hostile_schemas import SCHEMAS, UNSENT
from hypothesis import HealthCheck, Phase, given, settings

from mcp_sampling_conformance import strategies
from mcp_sampling_conformance.rules.content import is_base64
from mcp_sampling_conformance.scenarios.server.arguments import NoArguments, minimal_arguments
from mcp_sampling_conformance.schemas import work
from mcp_sampling_conformance.schemas.make import is_small

PROGRAM = Path(__file__).parent.parent / "fixtures" / "hostile_schemas.py"
#: what a schema may not have us do
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "urllib.Request", "os.system", "subprocess.Popen")
#: steps that arguments for one tool may take; those of a match are counted twice here
MOST_STEPS = 120_000

_seen: list[str] | None = None


def _audit(event: str, arguments: Any) -> None:
    if _seen is not None and (event in FORBIDDEN or (event == "open" and not str(arguments[0]).endswith(".py"))):
        _seen.append(f"{event} {arguments}")


sys.addaudithook(_audit)


@contextmanager
def reaching_nothing() -> Iterator[None]:
    """Fails if a file or the network is reached meanwhile."""
    global _seen
    _seen = []
    try:
        yield
        assert _seen == []
    finally:
        _seen = None


@pytest.mark.parametrize("name", SCHEMAS)
def test_arguments_for_a_hostile_schema(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, why = SCHEMAS[name]
    taken: list[int] = []
    step = work.Work.step

    def counted(self: work.Work, count: int = 1) -> None:
        taken.append(min(count, self.left + 1))
        step(self, count)

    monkeypatch.setattr(work.Work, "step", counted)
    with reaching_nothing():
        if why is None:
            assert is_small(minimal_arguments(schema))
        else:
            with pytest.raises(NoArguments, match="--mcp-tool NAME=JSON") as raised:
                minimal_arguments(schema)
            assert why in str(raised.value)
    assert sum(taken) < MOST_STEPS


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in UNSENT])
def test_inputs_for_a_hostile_schema(name: str) -> None:
    schema, why = SCHEMAS[name]
    tool = {"name": name, "inputSchema": schema}

    @settings(max_examples=5, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.tool_inputs(tool))
    def run(given: Any) -> None:
        assert is_small(given)

    if why is None:
        run()
    else:
        with pytest.raises(ValueError, match="no input was found that fits the inputSchema"):
            run()


@pytest.mark.parametrize("name", ["all", "offered"])
def test_a_server_with_hostile_schemas(tmp_path: Path, name: str) -> None:
    command = f"{sys.executable} -S {PROGRAM} {name}"
    outcome = judge(tmp_path, "--mcp-server", command, "--mcp-spec-version", "2025-11-25", "--mcp-examples", "3")
    sound(outcome)
    if name == "all":
        assert outcome.exit == 1  # nothing samples
        assert "give them with --mcp-tool NAME=JSON" in outcome.text
    else:
        assert outcome.exit == 1  # some of them are no valid schemas
        assert re.findall(r"^FAILED \S+?::\S+?::\S+?::(\S+)", outcome.text, re.MULTILINE) == ["content/schemas-valid"]


def test_our_own_pattern_for_base64_reads_a_text_once() -> None:
    """It would take hours if it tried each blank as the beginning of the end."""
    assert not is_base64(" " * 10**6 + "!")
