"""A client that gives no result at all: what its run says of it, and that it does not look like success."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from in_process import client_in_process
from lenient_client import DeclaresNothing, Refusing
from reference_client import Client, Json, Refused
from test_client_kill_matrix import TIMEOUT, run

from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.subjects.judgement import RecordJudgement
from mcp_sampling_conformance.subjects.subject import REACHED, RunTerms
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.transcript import Side

OLDER, LEGACY, MODERN = "2025-06-18", "2025-11-25", "2026-07-28"
BOTH = (LEGACY, MODERN)
REFUSED = "refused every request with -1, as its user may"
NONE = "declares no sampling, refuses as it should"
KEYLESS = 'gave no result to any valid request: a plain request got {"code": -32603, "message": "no key"}'
UNCLEAR = "answered no question, as one does that refuses, and one that fails"


class Fails(Client):
    def reply(self, request: Json) -> Json:
        raise Refused(-32603, "no key")


class FailsInOne(Fails):
    """In one revision alone."""

    def reply(self, request: Json) -> Json:
        return super().reply(request) if self.revision == LEGACY else Client.reply(self, request)


@pytest.mark.parametrize(
    ("client", "revisions", "verdict", "headlines"),
    [
        (Client, BOTH, Verdict.PASS, [f"{LEGACY}: works", f"{MODERN}: works"]),
        (DeclaresNothing, BOTH, Verdict.PASS, [f"{LEGACY}: {NONE}", f"{MODERN}: {NONE}"]),
        (Refusing, BOTH, Verdict.PASS, [f"{LEGACY}: {REFUSED}", f"{MODERN}: could not be judged: {UNCLEAR}"]),
        (Refusing, [MODERN], Verdict.FAIL, [f"{MODERN}: could not be judged: {UNCLEAR}"]),
        (Fails, [LEGACY], Verdict.FAIL, [f"{LEGACY}: does not work: {KEYLESS}"]),
        (FailsInOne, [OLDER, LEGACY], Verdict.FAIL, [f"{LEGACY}: does not work: {KEYLESS}"]),
    ],
    ids=["works", "declares-none", "refuses", "refuses-in-the-modern-era-alone", "fails", "fails-in-one-revision"],
)
def test_what_is_said_of_a_client(
    client: type[Client], revisions: Sequence[str], verdict: Verdict, headlines: list[str]
) -> None:
    record = run(client_in_process(client), revisions, Conditions(TIMEOUT))
    subject: Any = SimpleNamespace(kind="client", role=Side.CLIENT, value="it", transport="stdio")
    progress: Any = None
    terms = RunTerms([REVISIONS[name] for name in revisions], False, Mask(), progress)
    judgement = RecordJudgement(subject, "client", record, terms)
    found = judgement.result(REACHED, None)
    assert found.verdict is verdict
    assert [status.headline for status in judgement.statuses] == headlines
    if verdict is Verdict.FAIL:
        assert found.message.startswith(f"{revisions[-1]}: the client {UNCLEAR if MODERN in revisions else KEYLESS}\n")
        assert "this breaks no rule" in found.message
    assert judgement.reached == (verdict is Verdict.PASS or client is FailsInOne)
