"""What is too much is not taken, what the harness itself does wrong is said, and neither counts against anybody."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_sampling_conformance.evidence.session import Session
from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.peers.client import FixtureClient
from mcp_sampling_conformance.protocol.json_text import parse
from mcp_sampling_conformance.protocol.revisions import REVISIONS, Revision
from mcp_sampling_conformance.scenarios.conditions import Conditions
from mcp_sampling_conformance.scenarios.server.callees import Callee
from mcp_sampling_conformance.scenarios.server.run import provoke_server
from mcp_sampling_conformance.transcript import limits
from mcp_sampling_conformance.transcript.events import (
    CutShort,
    Exited,
    HarnessFailed,
    LimitReached,
    ProbeStarted,
    TimedOut,
)
from mcp_sampling_conformance.transcript.limits import Budget, message_limit
from mcp_sampling_conformance.transcript.recorder import Recorder
from mcp_sampling_conformance.transcript.transcript import Entry, Side, Transcript
from mcp_sampling_conformance.transports.lines import CutOff, read_lines
from mcp_sampling_conformance.transports.process import Command
from mcp_sampling_conformance.transports.to_server.servers import StdioServer

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEWEST = REVISIONS["2025-11-25"]
CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"ask"}}'


# --- messages


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"x" * (limits.MESSAGE_BYTES + 1), "bytes in one message"),
        (b"[" + b"0," * limits.MESSAGE_VALUES + b"0]", "JSON values in one message"),
        (b"[" * 201 + b"]" * 201, "levels of JSON values in one message"),
        (b'{"a":' * 201 + b"0" + b"}" * 201, "levels of JSON values in one message"),
    ],
)
def test_a_message_that_is_too_much_is_not_recorded(raw: bytes, what: str) -> None:
    transcript = Transcript("a test", "stdio")
    assert transcript.receive(Side.SERVER, raw, "stdout") is None
    assert [type(item) for item in transcript.items] == [LimitReached]
    assert transcript.events(LimitReached)[0].what == what
    assert transcript.receive(Side.SERVER, b"{}", "stdout") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200 + b"]" * 200,
        b'"' + b"[" * 5000 + b'"',  # in a string they are no levels
        b'"' + b'\\"[' * 5000 + b'"',
        b"[[],[],[]," * 190 + b"[]" + b"]" * 190,
        b"[]," * 5000,
    ],
)
def test_what_is_not_too_much(raw: bytes) -> None:
    assert message_limit(raw) is None


def test_an_integer_may_have_any_number_of_digits() -> None:
    assert parse(b'{"id": %s, "n": 1}' % (5000 * b"9")).value == {"id": float("inf"), "n": 1}
    assert parse(b"[NaN, %s]" % (5000 * b"9")).fault == "not JSON (NaN is not a JSON number)"
    assert parse(b'{"a": %s, "a": 1}' % (5000 * b"9")).repeated == ("a",)


def test_a_line_that_never_ends() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    async def read() -> Transcript:
        transcript = Transcript("a test", "stdio")
        with pytest.raises(CutOff):
            async for _ in read_lines(chunks(), transcript, Side.SERVER, "stdout"):
                pass
        return transcript

    assert anyio.run(read).events(LimitReached)[0].words == "more than 16,777,216 bytes in one line"


# --- connections, revisions, runs


def filled(recorder: Recorder, revision: str, raw: bytes, count: int) -> Transcript:
    transcript = recorder.open(revision, "a test", "stdio")
    for _ in range(count):
        transcript.receive(Side.SERVER, raw, "stdout")
    return transcript


def test_a_connection_has_a_limit() -> None:
    transcript = filled(Recorder(), "2025-11-25", bytes(16 << 20), 6)
    assert [event.what for event in transcript.events(LimitReached)] == ["bytes on one connection"]
    assert len(list(transcript.entries)) == 5


def test_a_revision_has_a_limit_and_the_others_go_on() -> None:
    recorder = Recorder()
    for _ in range(3):
        last = filled(recorder, "2025-11-25", bytes(16 << 20), 4)
    assert last.events(LimitReached)[0].what == "bytes in the record of one revision"
    spent = recorder.spent("2025-11-25")
    assert spent is not None
    assert spent.words == "more than 134,217,728 bytes in the record of one revision"
    assert recorder.spent("2025-06-18") is None


def test_many_small_messages_count_for_the_memory_they_take() -> None:
    budget = Budget(Budget())
    transcripts = [Transcript("a test", "stdio", budget=budget) for _ in range(3)]
    while not any(transcript.cut_off for transcript in transcripts):
        for transcript in transcripts:
            transcript.receive(Side.SERVER, b"1", "stdout")
    assert sum(len(transcript.items) for transcript in transcripts) < 300_000


def test_a_run_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_RUN", limits.Limit(100, "bytes in the record of the run"))
    recorder = Recorder()
    assert filled(recorder, "2025-11-25", bytes(60), 1).cut_off is None
    assert filled(recorder, "2025-06-18", bytes(60), 1).cut_off is not None
    assert recorder.spent("2024-11-05") is not None


def test_the_numbers_are_those_of_the_documentation() -> None:
    text = (FIXTURES.parent / "docs" / "limits.md").read_text(encoding="utf-8")
    numbers = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)}
    named = {
        value for name, value in vars(limits).items() if name.isupper() and isinstance(value, int) and name[0] != "_"
    }
    assert {value >> 20 if value >= 1 << 20 and not value % 1024 else value for value in named} <= numbers | {65536}


# --- what is judged


def test_what_a_limit_cut_off_counts_against_nobody() -> None:
    def broken(*after: Any) -> set[str]:
        transcript = Transcript("a test", "stdio")
        transcript.note(ProbeStarted("second-call", "a plain text", "tool ask"))
        transcript.record(Side.CLIENT, CALL, "stdin")
        for event in after:
            transcript.note(event)
        calls = Session(transcript, NEWEST).calls
        return {"unanswered"} if calls else set()

    assert broken(LimitReached(1, "bytes")) == broken(CutShort("it ended")) == broken(HarnessFailed("x")) == set()
    assert broken(TimedOut(7, 1.0), LimitReached(1, "bytes")) == {"unanswered"}
    assert broken(Exited(3), CutShort("it ended")) == {"unanswered"}
    assert broken() == {"unanswered"}


ODD_VALUES = (
    None,
    True,
    -1,
    1e999,
    10**400,
    "",
    "\ud800",
    [],
    {},
    [[]],
    {"a": {}},
    {"type": {}},
    {"text": []},
    {"id": {}},
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    for key in value if isinstance(value, dict) else range(len(value[:3])) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize("name", ["2025-11-25", "2026-07-28"])
def test_no_value_of_whatever_type_confuses_a_rule(name: str) -> None:
    revision = REVISIONS[name]
    run = anyio.run(provoke, "reference_server.py", revision)
    (transcript, *_) = run.revisions[name].transcripts
    items = transcript.items[:60]
    places = [
        (n, path) for n, item in enumerate(items) if isinstance(item, Entry) for path in paths(item.parse().value)
    ]
    chance = random.Random(0)
    for place, path in chance.sample(places, 150):
        entry = items[place]
        assert isinstance(entry, Entry)
        raw = json.dumps(put(entry.parse().value, path, chance.choice(ODD_VALUES))).replace("Infinity", "1e999")
        odd = Entry(entry.index, entry.at, entry.sender, entry.channel, raw.encode())
        changed = Transcript("a test", "stdio", [*items[:place], odd, *items[place + 1 :]])
        results = judge(evidence_of([changed], revision), Terms(Side.SERVER, "stdio"))
        assert [result.message for result in results if result.verdict is Verdict.ERROR] == [], raw


# --- bugs of ours


async def provoke(script: str, revision: Revision) -> Any:
    server = StdioServer(Command([sys.executable, "-S", str(FIXTURES / script)]))
    return await provoke_server(server, [revision], [Callee("tool", "ask", {"question": "?"})], Conditions(5.0))


def test_a_bug_on_one_connection_is_said_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = FixtureClient._receive
    seen: list[str] = []

    def fails_once(self: FixtureClient, body: Any, tasks: Any) -> None:
        if body.get("method") == "sampling/createMessage" and len(seen) < 5:
            seen.append(self.transcript.name)
            if len(seen) == 5:
                raise RuntimeError("a bug")
        receive(self, body, tasks)

    monkeypatch.setattr(FixtureClient, "_receive", fails_once)
    run = anyio.run(provoke, "reference_server.py", NEWEST)
    record = run.revisions[NEWEST.name]
    (bug,) = record.bugs
    assert bug.startswith("a bug in the harness, please report it:\nTraceback")
    assert "RuntimeError: a bug" in bug
    failed = [transcript for transcript in record.transcripts if transcript.events(HarnessFailed)]
    assert [transcript.name for transcript in failed] == seen[-1:]
    assert run.reached == ["tool ask"]
    results = judge(evidence_of(record.transcripts, NEWEST), Terms(Side.SERVER, "stdio"))
    verdicts = [result.verdict for result in results]
    assert Verdict.PASS in verdicts
    assert not {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} & set(verdicts)
