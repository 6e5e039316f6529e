"""Clients that call what they like, and declare what they like: how often they are started, and what they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import pytest
from in_process import InProcess, client_in_process
from kill_matrix import broken, judged, python
from lenient_client import Chooses, DeclaresNothing, FirstOnly, SecondOnly
from picky_clients import picky
from reference_client import Client, Json, Refused
from test_client_kill_matrix import TIMEOUT
from turned_clock import run_turned

from mcp_sampling_conformance.judging.judge import Terms, broken_since, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.judging.status import sampling_status
from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS
from mcp_sampling_conformance.scenarios.client.run import Shown, provoke_client
from mcp_sampling_conformance.scenarios.conditions import Conditions, Generated
from mcp_sampling_conformance.transcript.events import SamplingAsked
from mcp_sampling_conformance.transcript.run import Run
from mcp_sampling_conformance.transcript.transcript import Side
from mcp_sampling_conformance.transports.process import Child, Command

LEGACY, MODERN = "2025-11-25", "2026-07-28"


class Deliberate(Chooses):
    """An agent that thinks for a while."""

    def reply(self, request: Json) -> Json:
        self.system.sleep(0.5 * TIMEOUT)
        return super().reply(request)


def run_of(kind: type[Client], *revisions: str, examples: int = 0) -> Run:
    chosen = [REVISIONS[name] for name in revisions]
    return run_turned(provoke_client, client_in_process(kind), chosen, [], conditions_of(examples))


def asked(run: Run, revision: str) -> list[str]:
    """The groups of all the requests that were made in a revision."""
    transcripts = run.revisions[revision].transcripts
    return [event.group for transcript in transcripts for event in transcript.events(SamplingAsked)]


def test_nobody_is_asked_for_what_they_did_not_declare_but_to_see_what_they_say() -> None:
    run = run_of(DeclaresNothing, *NAMES, examples=5)
    assert {revision: asked(run, revision) for revision in NAMES} == {name: ["undeclared"] for name in NAMES}
    assert run.connections == len(NAMES), "there was something to search"
    assert broken(judged(run, Side.CLIENT)) == {}


@pytest.mark.parametrize(("revision", "starts"), [(LEGACY, 9), (MODERN, 50)])
def test_a_client_that_calls_one_tool_is_asked_everything_in_a_few_starts(revision: str, starts: int) -> None:
    run = run_of(SecondOnly, revision)
    assert run.connections <= starts
    assert not [note for note in run.revisions[revision].notes if "called only" in note]
    groups = asked(run, revision)
    assert groups[0] == "plain"
    assert {"kind", "parameter", "preference", "malformed-content"} <= {*groups}

    evidence = evidence_of(run.revisions[revision].transcripts, REVISIONS[revision])
    results = judge(evidence, Terms(Side.CLIENT, "stdio"))
    assert broken(results) == {}
    assert sampling_status(run.revisions[revision], evidence, Side.CLIENT, results).works


def conditions_of(examples: int = 0) -> Conditions:
    return Conditions(TIMEOUT, generated=Generated(examples, 0), broken_since=broken_since)


def listings(run: Run, revision: str) -> list[list[str]]:
    """The names of the tools in each answer to ``tools/list``."""
    results = [
        entry.parse().value.get("result", {})
        for transcript in run.revisions[revision].transcripts
        for entry in transcript.entries
        if entry.sender is Side.SERVER
    ]
    return [[tool["name"] for tool in result["tools"]] for result in results if "tools" in result]


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
@pytest.mark.parametrize(
    ("kind", "shown"), [(FirstOnly, None), (Chooses, None), (Chooses, "one"), (Client, "one"), (Deliberate, None)]
)
def test_a_client_that_calls_the_only_tool_is_asked_everything(
    kind: type[Client], shown: Shown | None, revision: str
) -> None:
    chosen = [REVISIONS[revision]]
    run = run_turned(provoke_client, client_in_process(kind), chosen, [], conditions_of(), shown)
    usual = run_turned(provoke_client, client_in_process(Client), chosen, [], conditions_of())
    many, *single = listings(run, revision)
    assert (len(many) > 50) == (shown is None)
    assert all(names == ["check"] for names in single)
    assert {*asked(usual, revision)} <= {*asked(run, revision)}
    assert [result.verdict for result in judged(run, Side.CLIENT)] == [r.verdict for r in judged(usual, Side.CLIENT)]
    found_out = [note for note in run.revisions[revision].notes if "--mcp-client-tools" in note]
    assert len(found_out) == (shown is None)


def test_a_client_that_is_to_see_all_tools_sees_them() -> None:
    run = run_turned(provoke_client, client_in_process(Chooses), [REVISIONS[LEGACY]], [], conditions_of(), "all")
    assert run.connections == 1
    assert asked(run, LEGACY) == []
    assert "called 0 of " in run.unreached


@dataclass(frozen=True)
class Started(InProcess):
    """A client in this process that keeps the environment of each start."""

    starts: list[Mapping[str, str]] = field(default_factory=list)

    async def start(self) -> Child:
        self.starts.append(self.env)
        return await super().start()


def started(kind: type[Client], **env: str) -> Started:
    here = client_in_process(kind)
    return Started(here.argv, env=env, program=here.program)


@pytest.mark.parametrize("revision", [LEGACY, MODERN])
def test_generated_requests_reach_a_client_that_calls_the_only_tool(revision: str) -> None:
    generated, fixed = started(FirstOnly), started(FirstOnly)
    run = run_turned(provoke_client, generated, [REVISIONS[revision]], [], conditions_of(5))
    without = run_turned(provoke_client, fixed, [REVISIONS[revision]], [], conditions_of())
    assert len(generated.starts) > len(fixed.starts)
    assert run.revisions[revision].notes == without.revisions[revision].notes, "not all were tried"


def test_the_only_tool_runs_one_probe_a_connection() -> None:
    class CallsTwice(Client):
        def call_all(self, tools: list[str]) -> None:
            super().call_all([*tools, *tools])

    run = run_turned(provoke_client, client_in_process(CallsTwice), [REVISIONS[MODERN]], [], conditions_of(), "one")
    first = run.revisions[MODERN].transcripts[0]
    assert [event.group for event in first.events(SamplingAsked)] == ["plain"]
    assert broken(judged(run, Side.CLIENT)) == {}


def test_a_client_is_told_what_the_official_suite_tells_its_clients() -> None:
    for given, scenario in (({}, "sampling"), ({"MCP_CONFORMANCE_SCENARIO": "tools_call"}, "tools_call")):
        client = started(DeclaresNothing, **given)
        run_turned(provoke_client, client, [REVISIONS[name] for name in NAMES], [], conditions_of())
        told = [(env["MCP_CONFORMANCE_SCENARIO"], env["MCP_CONFORMANCE_PROTOCOL_VERSION"]) for env in client.starts]
        assert sorted(told) == [(scenario, name) for name in NAMES]


def test_an_answer_that_crosses_the_cancellation_is_no_violation() -> None:
    client = Command([*python("lenient_client.py", "in-threads"), "{server}"])
    run = anyio.run(provoke_client, client, [REVISIONS[LEGACY]], [], conditions_of())
    verdicts = {result.rule: result.verdict for result in judged(run, Side.CLIENT)}
    assert not {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} & {*verdicts.values()}
    assert asked(run, LEGACY).count("cancelled") == 5 + 1, "it is tried again, and each time the answer was under way"
    assert verdicts["liveness/cancelled-not-answered"] is Verdict.NOT_OBSERVED


@pytest.mark.parametrize("one_in", [2, 3])
def test_a_user_who_says_no_now_and_then_refuses_nothing_in_particular(one_in: int) -> None:
    class NowAndThen(Client):
        asked = 0

        def reply(self, request: Json) -> Json:
            usual = super().reply(request)
            type(self).asked += 1
            if self.asked % one_in == 0:
                raise Refused(-1, "User rejected sampling request")
            return usual

    found = broken(judged(run_of(NowAndThen, LEGACY, MODERN), Side.CLIENT))
    # Advice, which says that a second request was refused where the first was not, is all that is left to say.
    assert found.keys() <= {"liveness/second-call-succeeds"}


def test_what_a_few_examples_came_across_in_one_revision_breaks_the_rule_in_all() -> None:
    run = run_of(picky("dies", "temperature-0"), *NAMES, examples=10)
    verdicts = {r.revision: r.verdict for r in judged(run, Side.CLIENT) if r.rule == "content/kinds-answered"}
    assert verdicts == dict.fromkeys(NAMES, Verdict.FAIL)
    found = [note for record in run.revisions.values() for note in record.notes if "broke with" in note]
    assert any("found in another revision" in note for note in found)
