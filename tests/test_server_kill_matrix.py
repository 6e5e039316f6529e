"""The verifier is verified: each mutant of the reference server breaks exactly the rules named for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from in_process import InProcess, server_in_process
from kill_matrix import all_rules_of, broken_by, judged, python
from server_mutants import MUTANTS
from turned_clock import run_turned

from mcp_sampling_conformance.judging.results import Result
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.callees import Callee
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import Server, StdioServer

#: how long a mutant that hangs is waited for; the reference answers within milliseconds
TIMEOUT = 2.0
ASK = Callee("tool", "ask", {"question": "What now?"})
AGENT = Callee("tool", "agent")
ILLUSTRATE = Callee("tool", "illustrate")
NAMED = [ASK, AGENT, ILLUSTRATE]
#: One target is enough for a mutant: the agent, which uses tools, does all that the others do. It takes no arguments,
#: and these mutants mix up requests that differ in them.
SEEN_IN_ASK = {"takes-foreign-states"}
#: and these what belongs to different tools
SEEN_IN_TWO = {"one-tool-at-a-time", "forgets-other-tools"}


def run(command: Command, revisions: Sequence[str], named: Sequence[Callee], conditions: Conditions) -> Run:
    """Provoke the server that a command starts; one in this process on a clock that is turned."""
    runner = run_turned if isinstance(command, InProcess) else anyio.run
    return runner(provoke, StdioServer(command), revisions, named, conditions)


async def provoke(server: Server, revisions: Sequence[str], named: Sequence[Callee], conditions: Conditions) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return await provoke_server(server, chosen, named, conditions)


def results(run: Run) -> list[Result]:
    return judged(run, Side.SERVER)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    command = Command(python("server_mutants.py", name)) if mutant.process else server_in_process(mutant.program)
    named = [ASK if name in SEEN_IN_ASK else AGENT, *[ILLUSTRATE] * (name in SEEN_IN_TWO)]

    def provoke(conditions: Conditions) -> Run:
        return run(command, [*mutant.beside, mutant.revision], named, conditions)

    broken = broken_by(provoke, Side.SERVER, TIMEOUT, tmp_path)
    assert set(broken) == mutant.breaks, broken


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_every_rule_has_a_mutant(modern: bool) -> None:
    ours = [mutant.breaks for mutant in MUTANTS.values() if REVISIONS[mutant.revision].modern is modern]
    assert all_rules_of(Side.SERVER, [modern]) == frozenset().union(*ours)
