"""The verifier is verified: the reference client breaks no rule, and each mutant exactly the rules named for it."""

from __future__ import annotations

import anyio
import pytest
from client_mutants import MUTANTS
from kill_matrix import all_rules_of, broken, judged, kill, python

from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

#: how long a mutant that hangs is waited for; the reference answers within milliseconds
TIMEOUT = 1.0
#: what nothing can break in the newest revision: there is no later one whose blocks could be used too early
UNBREAKABLE = {"capability/revision-respected"}


async def run(command: list[str], revisions: list[str], conditions: Conditions) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return await provoke_client(Command([*command, "{server}"]), chosen, [], conditions)


async def run_mutant(name: str, revision: str, conditions: Conditions) -> Run:
    return await run(python("client_mutants.py", name), [revision], conditions)


@pytest.fixture(scope="module")
def killed() -> dict[str, dict[str, str]]:
    return kill(MUTANTS, run_mutant, Side.CLIENT, TIMEOUT)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(killed: dict[str, dict[str, str]], name: str) -> None:
    assert set(killed[name]) == MUTANTS[name].breaks, killed[name]


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_every_rule_has_a_mutant(modern: bool) -> None:
    ours = [mutant.breaks for mutant in MUTANTS.values() if REVISIONS[mutant.revision].modern is modern]
    unbreakable = UNBREAKABLE if modern else set()
    assert all_rules_of(Side.CLIENT, [modern]) - unbreakable == frozenset().union(*ours)


def test_reference_is_clean() -> None:
    record = anyio.run(run, python("reference_client.py"), list(NAMES), Conditions(TIMEOUT))
    assert broken(judged(record, Side.CLIENT)) == {}


def test_client_that_calls_all_tools_at_once_is_clean() -> None:
    record = anyio.run(run, [*python("reference_client.py"), "--at-once"], list(NAMES), Conditions(TIMEOUT))
    assert broken(judged(record, Side.CLIENT)) == {}
    # A modern client refuses by going on, and this one has gone on already: what it refuses is waited for.
    assert not [note for name in NAMES if name not in MODERN for note in record.revisions[name].notes]
