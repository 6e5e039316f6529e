"""Streams that a server closes before they end: they are resumed as the specification says, and what comes is told
apart from what is said twice."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
import pytest
from http_server import Handler, Site
from kill_matrix import broken
from polling_http_servers import (
    BreaksOff,
    NeverDone,
    OneId,
    Polled,
    Polls,
    PollsPatiently,
    PollsWithOneId,
    Replays,
    TellsToWait,
    TellsToWaitLong,
)
from test_http_record import plain
from test_http_servers import over_http, provoke
from test_server_kill_matrix import NAMED

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.peers.client import FixtureClient
from mcp_sampling_conformance.protocol.names import SAMPLING
from mcp_sampling_conformance.protocol.revisions import NEWEST_LEGACY, REVISIONS
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.transcript.events import HttpExchange, NeverAnswered, TimedOut
from mcp_sampling_conformance.transcript.transcript import Side, Transcript
from mcp_sampling_conformance.transports.to_server.servers import HttpServer

#: seconds; nothing here is waited for that long
TIMEOUT = 20.0
REVISION = REVISIONS[NEWEST_LEGACY]
ASK = ("tools/call", {"name": "ask", "arguments": {"question": "What now?"}})

Talk = Callable[[FixtureClient], Awaitable[None]]


@contextmanager
def served(handler: type[Handler]) -> Iterator[HttpServer]:
    """A server in this process."""
    with Site(0, handler) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield HttpServer(f"http://127.0.0.1:{site.server_address[1]}/mcp")
        finally:
            site.shutdown()
            thread.join()


def talk(handler: type[Handler], about: Talk, timeout: float = TIMEOUT) -> Transcript:
    """The record of a connection on which ``about`` is talked; what it began must end by itself."""
    transcript = Transcript("a test", "http")

    async def connect(server: HttpServer) -> None:
        wire = await server.open(REVISION, transcript, timeout)
        client = FixtureClient(wire, timeout)
        client.sampler = plain
        with anyio.fail_after(3 * TIMEOUT):
            async with anyio.create_task_group() as tasks:
                wire.work(tasks)
                tasks.start_soon(client.listen, tasks)
                await client.greet(NEWEST_LEGACY, {})
                await client.begin()
                await about(client)
                await wire.shut_down()

    with served(handler) as server:
        anyio.run(connect, server)
    return transcript


async def one_call(client: FixtureClient) -> None:
    response = await client.request(*ASK)
    assert response is not None
    assert response["result"]["content"][0]["text"] == "Sunny."


async def three_calls(client: FixtureClient) -> None:
    for _ in range(3):
        await one_call(client)


def polls(transcript: Transcript) -> list[HttpExchange]:
    return [event for event in transcript.events(HttpExchange) if "last-event-id" in event.request_headers]


@pytest.mark.parametrize("handler", [Polls, PollsPatiently, TellsToWait, BreaksOff])
def test_a_stream_is_resumed_until_the_response_comes(handler: type[Polled]) -> None:
    transcript = talk(handler, one_call)
    # The sampling request was on the first part.
    assert len(polls(transcript)) > handler.idle_polls
    assert handler.offences == []
    ids = [entry.event_id for entry in transcript.entries if entry.sender is Side.SERVER and entry.data is not None]
    assert [id.partition("/")[2] for id in ids] == ["1", "2"]


def test_what_a_server_tells_us_to_wait_is_no_silence_of_its_own() -> None:
    """The time to wait is longer than the time-out."""
    transcript = talk(TellsToWait, one_call, timeout=0.5)
    assert not transcript.events(TimedOut)


def test_a_stream_that_brings_nothing_is_resumed_until_the_time_is_over() -> None:
    async def in_vain(client: FixtureClient) -> None:
        assert await client.request(*ASK) is None

    transcript = talk(NeverDone, in_vain, timeout=0.5)
    assert len(transcript.events(TimedOut)) == 1
    assert not transcript.events(NeverAnswered)
    assert polls(transcript)


def test_the_stream_of_a_cancelled_call_is_not_resumed() -> None:
    async def cancel(client: FixtureClient) -> None:
        client.sampler = None
        id = await client.start_request(*ASK)
        await client.until(lambda: bool(client.sampling), TIMEOUT)
        await client.notify("notifications/cancelled", {"requestId": id})
        client.sampler = plain
        await three_calls(client)

    transcript = talk(TellsToWait, cancel)
    assert TellsToWait.offences == []
    calls = {event.exchange for event in polls(transcript)}
    assert len(calls) == 3


def test_a_session_that_ends_while_a_stream_waits_ends_at_once() -> None:
    async def leave(client: FixtureClient) -> None:
        await client.start_request(*ASK)
        await client.until(lambda: bool(client.sampling), TIMEOUT)

    assert not polls(talk(TellsToWaitLong, leave))


@pytest.mark.parametrize("handler", [NeverDone, Polls, BreaksOff])
def test_a_session_may_end_at_any_moment_of_a_stream(handler: type[Polled]) -> None:
    """While it waits to be resumed, is being resumed, or is read."""
    for moment in range(12):

        async def leave(client: FixtureClient, moment: int = moment) -> None:
            await client.start_request(*ASK)
            await anyio.sleep(moment * 0.003)

        talk(handler, leave)


@pytest.mark.parametrize("handler", [OneId, PollsWithOneId])
def test_an_equal_request_of_a_later_call_is_another_one(handler: type[Handler]) -> None:
    transcript = talk(handler, three_calls)
    payloads = [entry.payload for entry in transcript.entries if SAMPLING.encode() in entry.payload]
    assert len(payloads) == 3
    assert len(set(payloads)) == 1


def test_a_replay_is_answered_once() -> None:
    transcript = talk(Replays, one_call)
    asked = [entry for entry in transcript.entries if SAMPLING.encode() in entry.payload]
    answers = [entry for entry in transcript.entries if entry.sender is Side.CLIENT and b'"role"' in entry.payload]
    assert len(asked) > len(answers) == 1
    assert {entry.event_id for entry in asked} == {asked[0].event_id}


@pytest.mark.parametrize("name", ["polls", "breaks-off"])
def test_a_server_that_is_polled_is_clean(name: str) -> None:
    server = over_http("polling_http_servers.py", name)
    run = anyio.run(provoke, server, [NEWEST_LEGACY], NAMED[:1], Conditions(TIMEOUT))
    record = run.revisions[NEWEST_LEGACY]
    assert broken(judge(evidence_of(record.transcripts, REVISION), Terms(Side.SERVER, "http"))) == {}
    assert run.reached == ["tool ask"]
