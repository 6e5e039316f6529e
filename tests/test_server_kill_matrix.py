"""The verifier is verified: the reference server breaks no rule, and each mutant exactly the rules named for it."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from server_mutants import MUTANTS

from mcp_sampling_conformance.judge import judge
from mcp_sampling_conformance.revisions import REVISIONS
from mcp_sampling_conformance.rules import rules_for
from mcp_sampling_conformance.scenarios.record import Command, Run
from mcp_sampling_conformance.scenarios.server import provoke_server
from mcp_sampling_conformance.scenarios.targets import Target
from mcp_sampling_conformance.verdicts import Result, Verdict
from mcp_sampling_conformance.wire.transcript import Side

FIXTURES = Path(__file__).parent.parent / "fixtures"
#: how long a mutant that hangs is waited for; the reference answers within milliseconds
TIMEOUT = 2.0
NAMED = [
    Target("tool", "ask", {"question": "What now?"}),
    Target("tool", "agent"),
    Target("tool", "illustrate"),
]


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", str(FIXTURES / script), *arguments]


async def run(command: list[str], revisions: list[str], named: list[Target]) -> Run:
    return await provoke_server(
        Command(command), [REVISIONS[name] for name in revisions], named, TIMEOUT, lambda text: None
    )


def results(run: Run) -> list[Result]:
    return [
        result
        for name, record in run.revisions.items()
        for result in judge(record.transcripts, REVISIONS[name], Side.SERVER, "stdio")
    ]


def broken(results: list[Result]) -> dict[str, str]:
    return {r.rule: r.message for r in results if r.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)}


@pytest.fixture(scope="module")
def killed() -> dict[str, dict[str, str]]:
    """What each mutant broke; they run side by side, for they mostly wait."""
    found: dict[str, dict[str, str]] = {}

    async def one(name: str, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            command = python("server_mutants.py", name)
            found[name] = broken(results(await run(command, [MUTANTS[name].revision], NAMED)))

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
    rules = {rule.name for revision in REVISIONS.values() for rule in rules_for(Side.SERVER, revision)}
    assert rules == frozenset().union(*(mutant.breaks for mutant in MUTANTS.values()))
