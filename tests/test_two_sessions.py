"""Two sessions of one server over HTTP: where one is given what belongs to the other, that is found and named."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import anyio
import pytest
from crossing_http_servers import CROSSING, LENIENT, AsksTheFirst, OneMemory, handler
from http_mutants import MUTANTS
from http_server import Handler
from kill_matrix import broken
from test_http_polling import served
from test_server_kill_matrix import ASK, provoke

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Result, Verdict
from mcp_sampling_conformance.judging.status import sampling_status
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.connections import open_client
from mcp_sampling_conformance.scenarios.server.probes import FIRST, SECOND, perform
from mcp_sampling_conformance.scenarios.server.two_sessions import call_in_one, hold_two_sessions
from mcp_sampling_conformance.transcript.transcript import Side, Transcript
from mcp_sampling_conformance.transports.to_server.servers import HttpServer

#: seconds; nothing here is waited for that long
TIMEOUT = 20.0
REVISION = REVISIONS[NEWEST_LEGACY]
RULE = "association/session-isolated"
TERMS = Terms(Side.SERVER, "http")


async def hold(server: HttpServer) -> list[Transcript]:
    """The records of two sessions, and of what is done in them."""
    transcripts = [Transcript(name, "http") for name in ("first", "second")]
    async with AsyncExitStack() as stack:
        clients = []
        for transcript in transcripts:
            client = await stack.enter_async_context(open_client(server, REVISION, transcript, TIMEOUT))
            await client.greet(NEWEST_LEGACY, {})
            await client.begin()
            clients.append(client)
        for probe in (FIRST, SECOND):
            await perform(clients[0], probe, ASK)
        await hold_two_sessions(*clients, ASK)
        await call_in_one(*clients, ASK, meddle=True)
    return transcripts


def verdict(kind: type[Handler]) -> Result:
    with served(kind) as server:
        transcripts = anyio.run(hold, server)
    found = judge(evidence_of(transcripts, REVISION), TERMS)
    assert set(broken(found)) <= {RULE, "association/within-a-request", "http/response-accepted"}
    return next(result for result in found if result.rule == RULE)


@pytest.mark.parametrize("name", ["reference", *LENIENT])
def test_sessions_that_are_kept_apart(name: str) -> None:
    OneMemory.answers.clear()
    expected = Verdict.NOT_OBSERVED if name == "one-memory" else Verdict.PASS
    assert verdict(LENIENT.get(name, Handler)).verdict is expected


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (CROSSING["asks-the-first"], "came in another session (first), in which no call was under way"),
        (CROSSING["answers-in-turn"], "came in another session (second), which called the same at that time"),
        (MUTANTS["takes-answers-of-any-session"].program, "which another session (second) had POSTed as if it"),
    ],
    ids=["asks-the-first", "answers-in-turn", "takes-answers-of-any-session"],
)
def test_sessions_that_cross(kind: type[Handler], says: str) -> None:
    AsksTheFirst.known.clear()
    result = verdict(kind)
    assert result.verdict is Verdict.FAIL
    assert says in result.message


def test_a_server_that_asks_another_session_is_told_so() -> None:
    """With several revisions at once its first session is that of another one than calls."""
    AsksTheFirst.known.clear()
    legacy = [name for name in NAMES if name not in MODERN]
    with served(handler(AsksTheFirst)) as server:
        run = anyio.run(provoke, server, legacy, [ASK], Conditions(TIMEOUT))
    # Which session is the first depends on which request comes in first.
    evidence = {name: evidence_of(run.revisions[name].transcripts, REVISIONS[name]) for name in legacy}
    results = {name: judge(evidence[name], TERMS) for name in legacy}
    *_, name = [name for name in legacy if RULE in broken(results[name])]
    status = sampling_status(run.revisions[name], evidence[name], Side.SERVER, results[name])
    first = rf"({'|'.join(legacy)}), sampling \{{\}}"
    assert re.search(rf"the answer to a sampling request that came in another session \({first}\)", status.headline)
    assert "asked, but another session than the one whose call it was for" in run.unreached
    assert re.search(rf"tool ask: asked another session \({first}\), which had called nothing", run.unreached)
