"""The verifier is verified: the reference client breaks no rule, and each mutant exactly the rules named for it."""

from __future__ import annotations

import anyio
import pytest
from client_mutants import MUTANTS
from test_server_kill_matrix import broken, python

from mcp_sampling_conformance.judge import judge
from mcp_sampling_conformance.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.rules import rules_for
from mcp_sampling_conformance.scenarios.client import provoke_client
from mcp_sampling_conformance.scenarios.record import Command, Run
from mcp_sampling_conformance.verdicts import Result
from mcp_sampling_conformance.wire.transcript import Side

#: how long a mutant that hangs is waited for; the reference answers within milliseconds
TIMEOUT = 1.0


async def run(command: list[str], revisions: list[str]) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return await provoke_client(Command([*command, "{server}"]), chosen, [], TIMEOUT, lambda text: None)


def results(run: Run) -> list[Result]:
    return [
        result
        for name, record in run.revisions.items()
        for result in judge(record.transcripts, REVISIONS[name], Side.CLIENT, "stdio")
    ]


@pytest.fixture(scope="module")
def killed() -> dict[str, dict[str, str]]:
    """What each mutant broke; they run side by side, for they mostly wait."""
    found: dict[str, dict[str, str]] = {}

    async def one(name: str, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            command = python("client_mutants.py", name)
            found[name] = broken(results(await run(command, [MUTANTS[name].revision])))

    async def everyone() -> None:
        limiter = anyio.CapacityLimiter(4)
        async with anyio.create_task_group() as tasks:
            for name in MUTANTS:
                tasks.start_soon(one, name, limiter)

    anyio.run(everyone)
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(killed: dict[str, dict[str, str]], name: str) -> None:
    assert set(killed[name]) == MUTANTS[name].breaks, killed[name]


def test_every_rule_has_a_mutant() -> None:
    rules = {rule.name for revision in REVISIONS.values() for rule in rules_for(Side.CLIENT, revision)}
    assert rules == frozenset().union(*(mutant.breaks for mutant in MUTANTS.values()))


def test_reference_is_clean() -> None:
    found = results(anyio.run(run, python("reference_client.py"), list(NAMES)))
    assert broken(found) == {}
