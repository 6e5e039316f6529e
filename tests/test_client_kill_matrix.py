"""The verifier is verified: the reference client breaks no rule, and each mutant exactly the rules named for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from client_mutants import MUTANTS
from in_process import InProcess, client_in_process
from kill_matrix import all_rules_of, broken, broken_by, judged, python
from reference_client import AtOnce, Client
from turned_clock import run_turned

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


def run(command: Command, revisions: Sequence[str], conditions: Conditions) -> Run:
    """Provoke the client that a command starts; one in this process on a clock that is turned."""
    runner = run_turned if isinstance(command, InProcess) else anyio.run
    return runner(provoke_client, command, [REVISIONS[name] for name in revisions], [], conditions)


def started(script: str, *arguments: str) -> Command:
    """One of our fixture clients as a process."""
    return Command([*python(script, *arguments), "{server}"])


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_breaks_exactly_its_rules(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]

    def provoke(conditions: Conditions) -> Run:
        return run(client_in_process(mutant.program), [mutant.revision], conditions)

    broken = broken_by(provoke, Side.CLIENT, TIMEOUT, tmp_path)
    assert set(broken) == mutant.breaks, broken


@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
def test_every_rule_has_a_mutant(modern: bool) -> None:
    ours = [mutant.breaks for mutant in MUTANTS.values() if REVISIONS[mutant.revision].modern is modern]
    unbreakable = UNBREAKABLE if modern else set()
    assert all_rules_of(Side.CLIENT, [modern]) - unbreakable == frozenset().union(*ours)


@pytest.mark.parametrize(
    "command", [started("reference_client.py"), client_in_process(Client)], ids=["process", "here"]
)
def test_reference_is_clean(command: Command) -> None:
    record = run(command, NAMES, Conditions(TIMEOUT))
    assert broken(judged(record, Side.CLIENT)) == {}


def test_client_that_calls_all_tools_at_once_is_clean() -> None:
    record = run(client_in_process(AtOnce), NAMES, Conditions(TIMEOUT))
    assert broken(judged(record, Side.CLIENT)) == {}
    # A modern client refuses by going on, and this one has gone on already: what it refuses is waited for.
    assert not [note for name in NAMES if name not in MODERN for note in record.revisions[name].notes]
