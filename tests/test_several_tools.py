"""A server with several tools that sample: each is tried; and what one takes stands beside the headline."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import server_in_process
from reference_server import Json, SamplingFailed, Server
from server_mutants import MUTANTS, content_of
from test_server_kill_matrix import AGENT, TIMEOUT, run

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.status import sampling_status
from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.events import ProbeStarted
from mcp_sampling_conformance.transcript.transcript import Side

SHORT = {"a plain text", "error -1 (the user said no)", "an image", "an array of one text"}


def test_what_is_like_something_else_gets_the_short_list() -> None:
    """Of the reference's tools "illustrate" is like "ask"."""
    record = run(server_in_process(Server), [NEWEST_LEGACY], [], Conditions(TIMEOUT)).revisions[NEWEST_LEGACY]
    started = [event for transcript in record.transcripts for event in transcript.events(ProbeStarted)]
    tried = {event.name for event in started if event.callee == "tool illustrate"}
    assert tried == SHORT
    assert {event.name for event in started if event.callee == "tool ask"} > SHORT | {"audio"}
    undeclared = [event for event in record.transcripts if event.label.endswith("no sampling")]
    assert any(event.callee == "tool illustrate" for each in undeclared for event in each.events(ProbeStarted))


class FailsOnArrays(Server):
    """Whatever stands in them, with an internal error."""

    def blocks(self, outcome: Json) -> list[Json]:
        if isinstance(content_of(outcome), list):
            raise SamplingFailed("an array")
        return super().blocks(outcome)

    def finish(self, call: Any, words: str, failed: bool) -> None:
        if failed and words == "an array":
            del self.flows[call]
            self.send({"id": call, "error": {"code": -32603, "message": words}})
        else:
            super().finish(call, words, failed)


@pytest.mark.parametrize("kind", [MUTANTS["takes-no-arrays"].program, FailsOnArrays])
def test_the_headline_says_what_a_server_does_not_take(kind: type[Server]) -> None:
    record = run(server_in_process(kind), [NEWEST_LEGACY], [AGENT], Conditions(TIMEOUT)).revisions[NEWEST_LEGACY]
    evidence = evidence_of(record.transcripts, REVISIONS[NEWEST_LEGACY])
    status = sampling_status(record, evidence, Side.SERVER, judge(evidence, Terms(Side.SERVER, "stdio")))
    assert status.headline == "2025-11-25: works, but takes no arrays"
