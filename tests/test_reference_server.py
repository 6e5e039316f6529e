"""The reference server breaks no rule in any revision: not one failure, not one warning, nothing left unobserved."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from in_process import server_in_process
from kill_matrix import broken, python
from reference_server import Server
from server_mutants import MUTANTS
from test_server_kill_matrix import NAMED, TIMEOUT, results, run

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.revisions import NAMES, NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.rules.registry import all_rules
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

ONE_OF_EACH_ERA = [NEWEST_LEGACY, "2026-07-28"]


@pytest.mark.parametrize(
    ("command", "revisions"),
    [(Command(python("reference_server.py")), ONE_OF_EACH_ERA), (server_in_process(Server), NAMES)],
    ids=["process", "here"],
)
def test_reference_is_clean_and_everything_is_observed(command: Command, revisions: Sequence[str]) -> None:
    found = results(run(command, revisions, [], Conditions(TIMEOUT)))
    assert broken(found) == {}
    unjudged = {r.rule for r in found if r.verdict is not Verdict.PASS}
    # The reference that makes tasks is one of its own (tests/test_tasks.py).
    assert unjudged <= {rule.name for rule in all_rules() if rule.topic == "tasks" or not rule.is_about("stdio")}


def test_a_record_judged_twice_gives_the_same_verdicts() -> None:
    mutant = server_in_process(MUTANTS["max-tokens-string"].program)
    record = run(mutant, ["2025-11-25"], NAMED, Conditions(TIMEOUT))
    evidence = [evidence_of(record.revisions["2025-11-25"].transcripts, REVISIONS["2025-11-25"]) for _ in range(2)]
    first, second = (judge(each, Terms(Side.SERVER, "stdio")) for each in evidence)
    assert first == second
    assert "max-tokens/integer" in broken(first)
