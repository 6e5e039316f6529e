"""The verifier is verified: the reference client breaks no rule, and each mutant exactly the rules named for it."""

from __future__ import annotations

import anyio
import pytest
from client_mutants import MUTANTS
from kill_matrix import all_rules_of, broken, judged, kill, python

from mcp_sampling_conformance.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.client import provoke_client
from mcp_sampling_conformance.scenarios.record import Command, Run
from mcp_sampling_conformance.wire.transcript import Side

#: how long a mutant that hangs is waited for; the reference answers within milliseconds
TIMEOUT = 1.0


async def run(command: list[str], revisions: list[str]) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return await provoke_client(Command([*command, "{server}"]), chosen, [], TIMEOUT, lambda text: None)


async def run_mutant(name: str, revision: str) -> Run:
    return await run(python("client_mutants.py", name), [revision])


@pytest.fixture(scope="module")
def killed() -> dict[str, dict[str, str]]:
    return kill(MUTANTS, run_mutant, Side.CLIENT)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(killed: dict[str, dict[str, str]], name: str) -> None:
    assert set(killed[name]) == MUTANTS[name].breaks, killed[name]


def test_every_rule_has_a_mutant() -> None:
    assert all_rules_of(Side.CLIENT) == frozenset().union(*(mutant.breaks for mutant in MUTANTS.values()))


def test_reference_is_clean() -> None:
    assert broken(judged(anyio.run(run, python("reference_client.py"), list(NAMES)), Side.CLIENT)) == {}


def test_client_that_calls_all_tools_at_once_is_clean() -> None:
    record = anyio.run(run, [*python("reference_client.py"), "--at-once"], list(NAMES))
    assert broken(judged(record, Side.CLIENT)) == {}
    assert not [note for revision in record.revisions.values() for note in revision.notes]
