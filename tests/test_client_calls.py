"""Clients that call what they like, and declare what they like: how often they are started, and what they are asked."""

from __future__ import annotations

import anyio
import pytest
from kill_matrix import broken, judged, python
from test_client_kill_matrix import TIMEOUT

from mcp_sampling_conformance.judging.judge import Terms, broken_since, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.judging.status import sampling_status
from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.client.run import provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.events import SamplingAsked
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Command

LEGACY, MODERN = "2025-11-25", "2026-07-28"


def run_of(script: str, name: str, *revisions: str, examples: int = 0) -> Run:
    conditions = Conditions(TIMEOUT, generated=Generated(examples, 0), broken_since=broken_since)
    client = Command([*python(script, name), "{server}"])
    return anyio.run(provoke_client, client, [REVISIONS[name] for name in revisions], [], conditions)


def asked(run: Run, revision: str) -> list[str]:
    """The groups of all the requests that were made in a revision."""
    transcripts = run.revisions[revision].transcripts
    return [event.group for transcript in transcripts for event in transcript.events(SamplingAsked)]


def test_nobody_is_asked_for_what_they_did_not_declare_but_to_see_what_they_say() -> None:
    run = run_of("lenient_client.py", "declares-nothing", *NAMES, examples=5)
    assert {revision: asked(run, revision) for revision in NAMES} == {name: ["undeclared"] for name in NAMES}
    assert run.connections == len(NAMES), "there was something to search"
    assert broken(judged(run, Side.CLIENT)) == {}


@pytest.mark.parametrize(("revision", "starts"), [(LEGACY, 9), (MODERN, 45)])
def test_a_client_that_calls_one_tool_is_asked_everything_in_a_few_starts(revision: str, starts: int) -> None:
    run = run_of("lenient_client.py", "second-only", revision)
    assert run.connections <= starts
    assert not [note for note in run.revisions[revision].notes if "called only" in note]
    groups = asked(run, revision)
    assert groups[0] == "plain"
    assert {"kind", "parameter", "preference", "malformed-content"} <= {*groups}

    evidence = evidence_of(run.revisions[revision].transcripts, REVISIONS[revision])
    results = judge(evidence, Terms(Side.CLIENT, "stdio"))
    assert broken(results) == {}
    assert sampling_status(run.revisions[revision], evidence, Side.CLIENT, results).works


def test_an_answer_that_crosses_the_cancellation_is_no_violation() -> None:
    run = run_of("lenient_client.py", "in-threads", LEGACY)
    verdicts = {result.rule: result.verdict for result in judged(run, Side.CLIENT)}
    assert not {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} & {*verdicts.values()}
    assert asked(run, LEGACY).count("cancelled") == 5, "it is tried again, and each time the answer was under way"
    assert verdicts["liveness/cancelled-not-answered"] is Verdict.NOT_OBSERVED


def test_what_a_few_examples_came_across_in_one_revision_breaks_the_rule_in_all() -> None:
    run = run_of("picky_clients.py", "dies-on-temperature-0", *NAMES, examples=10)
    verdicts = {r.revision: r.verdict for r in judged(run, Side.CLIENT) if r.rule == "content/kinds-answered"}
    assert verdicts == dict.fromkeys(NAMES, Verdict.FAIL)
    found = [note for record in run.revisions.values() for note in record.notes if "broke with" in note]
    assert any("found in another revision" in note for note in found)
