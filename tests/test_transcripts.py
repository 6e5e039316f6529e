"""The record: what a transcript holds, how it is saved, and that nothing is lost on the way."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_sampling_conformance.judging.excerpt import excerpt
from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Reference, Result, Verdict
from mcp_sampling_conformance.protocol.json_text import parse
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.transcript.archive import About, NotReadable, SavingRecorder, load
from mcp_sampling_conformance.transcript.events import (
    KINDS,
    Event,
    Exited,
    HttpExchange,
    ProbeStarted,
    RevisionConcluded,
    StreamEvent,
    TimedOut,
)
from mcp_sampling_conformance.transcript.items import item_from_json, item_to_json
from mcp_sampling_conformance.transcript.masking import Mask
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "transcript.schema.json").read_text(encoding="utf-8"))
INITIALIZE = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'
GREETING = b'{"jsonrpc":"2.0","id":1,"result":{"serverInfo":{"name":"theirs","version":"3.1"}}}'
ABOUT = About("server", Side.SERVER, "python server.py", {"--mcp-timeout": "2"}, 0)

#: a value for each type of a field
VALUES: dict[str, Any] = {
    "str": "text\u2028\ud800",
    "int": 7,
    "float": 0.5,
    "bool": True,
    "bytes": b": \xff\r\n\r\n",
    "Any": "id-1",
    "int | None": None,
    "str | None": None,
    "Headers": {"content-type": "text/plain"},
    "tuple[str, ...]": ("a", "b"),
    "tuple[tuple[str, str], ...]": (("tool erase", "it declares destructiveHint"),),
    "tuple[tuple[str, int], ...]": (("2025-11-25-01", 3),),
}


def an_event(kind: type[Event]) -> Event:
    given = {f.name: VALUES[str(f.type)] for f in fields(kind) if f.name not in ("index", "at")}
    return kind(**given, index=3, at=0.25)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- the record is raw


def test_a_name_that_an_object_has_twice_is_seen() -> None:
    assert parse(b'{"a": {"b": 1, "b": 2}, "a": 3, "c": [{"d": 1, "d": 1}]}').repeated == ("b", "d", "a")
    assert parse(b'{"a": {"a": 1}}').repeated == ()


@pytest.mark.parametrize("raw", [b'"caf\xe9"', b"{", b"NaN", b'{"a": Infinity}', b"[" * 100_000])
def test_what_is_no_json_is_kept_with_the_reason(raw: bytes) -> None:
    entry = Transcript("a test", "stdio").record(Side.SERVER, raw, "stdout")
    assert entry.raw == raw
    assert entry.parse().fault


def test_messages_and_events_share_one_order() -> None:
    transcript = Transcript("a test", "stdio")
    transcript.record(Side.CLIENT, INITIALIZE, "stdin")
    noted = transcript.note(TimedOut(1, 2.0))
    assert (noted.index, transcript.events(TimedOut)) == (1, [noted])
    assert transcript.record(Side.SERVER, GREETING, "stdout").index == 2


# --- the record is saved


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_event_is_saved_whole_and_described(name: str) -> None:
    event = an_event(KINDS[name])
    saved = json.loads(json.dumps(item_to_json(event)))
    assert item_from_json(saved) == event
    Draft202012Validator(SCHEMA).validate(saved)
    assert saved.keys() | {"raw"} >= SCHEMA["$defs"][name]["properties"].keys() - {"raw_base64"}


@given(raw=st.binary(max_size=20), data=st.none() | st.binary(max_size=20))
def test_every_message_is_saved_as_it_came(raw: bytes, data: bytes | None) -> None:
    entry = Transcript("a test", "http").record(Side.SERVER, raw, "POST 1", data)
    saved = json.loads(json.dumps(item_to_json(entry)))
    assert item_from_json(saved) == entry or entry.at != round(entry.at, 6)
    Draft202012Validator(SCHEMA).validate(saved)


def test_a_file_names_the_system_under_test_and_holds_what_the_schema_says(tmp_path: Path) -> None:
    recorder = SavingRecorder(tmp_path, ABOUT, Mask())
    transcript = recorder.open("2025-11-25", "2025-11-25, sampling {}", "stdio")
    transcript.record(Side.CLIENT, INITIALIZE, "stdin")
    assert (tmp_path / "2025-11-25-01.jsonl").read_bytes() == b""  # nothing is known of it yet
    transcript.record(Side.SERVER, GREETING, "stdout")
    transcript.note(ProbeStarted("first-call", "a plain text", "tool ask"))
    # As it goes: nothing was closed.
    header, *items = lines(tmp_path / "2025-11-25-01.jsonl")
    assert header["subject"] == {"kind": "server", "value": "python server.py", "name": "theirs", "version": "3.1"}
    assert [item["index"] for item in items] == [0, 1, 2]
    recorder.conclude("2025-11-25-01", RevisionConcluded(True, judged=(("2025-11-25-01", 3),)))
    recorder.close()
    validator = Draft202012Validator(SCHEMA)
    for line in lines(tmp_path / "2025-11-25-01.jsonl"):
        validator.validate(line)
    found, loaded = load(tmp_path / "2025-11-25-01.jsonl")
    assert (found.side, found.own_name, found.options) == (Side.SERVER, "theirs", {"--mcp-timeout": "2"})
    assert [item.index for item in loaded.items] == [0, 1, 2, 3]


def test_a_silent_system_has_no_name(tmp_path: Path) -> None:
    recorder = SavingRecorder(tmp_path, ABOUT, Mask())
    transcript = recorder.open("2025-11-25", "a test", "stdio")
    transcript.record(Side.CLIENT, INITIALIZE, "stdin")
    transcript.note(TimedOut(1, 2.0))
    header, *items = lines(tmp_path / "2025-11-25-01.jsonl")
    assert header["subject"]["name"] is None
    assert len(items) == 2


def test_secrets_are_masked_before_anything_is_written(tmp_path: Path) -> None:
    about = About("server", Side.SERVER, "python server.py --key s3cr3t", {}, None)
    recorder = SavingRecorder(tmp_path, about, Mask(["Bearer s3cr3t"]))
    transcript = recorder.open("2025-11-25", "a test", "http")
    transcript.record(Side.SERVER, b'{"text": "s3cr3t \xff"}', "POST 1", b'{"text": "s3cr3t"}')
    transcript.note(HttpExchange("POST 1", "POST", 200, {"authorization": "Bearer s3cr3t"}, {"x-echo": "s3cr3t"}))
    transcript.note(Exited(1, "token s3cr3t refused"))
    transcript.note(StreamEvent("POST 1", b": s3cr3t \xff\n\n"))
    recorder.close()
    assert b"s3cr3t" not in (tmp_path / "2025-11-25-01.jsonl").read_bytes()
    _, loaded = load(tmp_path / "2025-11-25-01.jsonl")
    assert [type(item).__name__ for item in loaded.items] == ["Entry", "HttpExchange", "Exited", "StreamEvent"]


def test_a_run_that_was_killed_left_whole_lines_and_one_that_was_cut(tmp_path: Path) -> None:
    recorder = SavingRecorder(tmp_path, ABOUT, Mask())
    transcript = recorder.open("2025-11-25", "a test", "stdio")
    transcript.record(Side.SERVER, GREETING, "stdout")
    path = tmp_path / "2025-11-25-01.jsonl"
    with path.open("ab") as file:
        file.write(b'{"index": 1, "at": 0.')
    assert len(load(path)[1].items) == 1


HEADER = {
    "format": "mcp-sampling-transcript",
    "version": 1,
    "name": "a",
    "label": "a",
    "subject": {"kind": "server", "value": "x", "name": None, "version": None},
    "side": "server",
    "transport": "stdio",
    "revision": "2025-11-25",
}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no saved transcript"),
        ('{"some": "json"}\n', "no saved transcript"),
        (json.dumps({**HEADER, "version": 2}) + "\n", "version 2"),
        (json.dumps({**HEADER, "side": "judge"}) + "\n", "its header cannot be read"),
        (json.dumps(HEADER) + "\nnonsense\n", "line 2"),
        (json.dumps(HEADER) + "\n7\n", "line 2: it is no JSON object"),
        (json.dumps(HEADER) + '\n{"index": 0, "at": 0, "event": "party"}\n', "there is no event 'party'"),
        (json.dumps(HEADER) + '\n{"index": 0, "at": 0, "from": "client"}\n', "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_sentence(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotReadable, match=r"a\.jsonl") as raised:
        load(path)
    assert why in str(raised.value)


# --- what a result keeps of it


def test_a_result_travels_with_its_excerpt() -> None:
    transcript = Transcript("a test", "stdio", name="2025-11-25-01")
    transcript.note(ProbeStarted("first-call", "a plain text", "tool ask"))
    offender = transcript.record(Side.SERVER, b'{"long": "' + b"x" * 300_000 + b'"}', "stdout")
    transcript.note(Exited(3, "the end"))
    shown = excerpt(transcript, offender, ("long",), Mask())
    result = Result(
        *("id/id-valid", "server", "MUST", "2025-11-25", "stdio", Verdict.FAIL, "why", "https://x", "what"),
        references=(Reference("2025-11-25-01", 1, ("long",)),),
        excerpt=shown,
    )
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result
    message = shown.items[1]
    assert len(str(message)) < 150_000


def test_a_batch_that_should_not_be_is_pointed_at_where_it_begins() -> None:
    transcript = Transcript("a test", "http", name="2025-11-25-01")
    ping = b'{"jsonrpc":"2.0","id":%d,"method":"ping"}'
    transcript.record(Side.CLIENT, b"[" + ping % 1 + b"," + ping % 2 + b"]", "POST 1")
    transcript.note(HttpExchange("POST 1", "POST", 200))
    revision = REVISIONS["2025-11-25"]
    results = {result.rule: result for result in judge(evidence_of([transcript], revision), Terms(Side.CLIENT, "http"))}
    assert results["http/one-message-a-post"].references[0].path == (0,)
