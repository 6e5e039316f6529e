"""The verifier is verified: each mutant of the reference server breaks exactly the rules named for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from kill_matrix import all_rules_of, judged, kill, python
from server_mutants import MUTANTS

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
NAMED = [
    Callee("tool", "ask", {"question": "What now?"}),
    Callee("tool", "agent"),
    Callee("tool", "illustrate"),
]


async def run(command: list[str], revisions: Sequence[str], named: Sequence[Callee], conditions: Conditions) -> Run:
    return await provoke(StdioServer(Command(command)), revisions, named, conditions)


async def provoke(server: Server, revisions: Sequence[str], named: Sequence[Callee], conditions: Conditions) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return await provoke_server(server, chosen, named, conditions)


async def run_mutant(name: str, revision: str, conditions: Conditions) -> Run:
    # Two targets will do where the mutant is judged in another revision too.
    named = NAMED[:2] if "@" in name else NAMED
    return await run(python("server_mutants.py", name), [*MUTANTS[name].beside, revision], named, conditions)


def results(run: Run) -> list[Result]:
    return judged(run, Side.SERVER)


@pytest.fixture(scope="module")
def killed() -> dict[str, dict[str, str]]:
    return kill(MUTANTS, run_mutant, Side.SERVER, TIMEOUT)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(killed: dict[str, dict[str, str]], name: str) -> None:
    assert set(killed[name]) == MUTANTS[name].breaks, killed[name]


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_every_rule_has_a_mutant(modern: bool) -> None:
    ours = [mutant.breaks for mutant in MUTANTS.values() if REVISIONS[mutant.revision].modern is modern]
    assert all_rules_of(Side.SERVER, [modern]) == frozenset().union(*ours)
