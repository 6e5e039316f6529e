"""Recordings that other programs made: each form is read, what is wrong with one is said, and it can be judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mcp_sampling_conformance.evidence.session import Session
from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.json_members import member_texts
from mcp_sampling_conformance.protocol.names import SAMPLING
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.transcript.archive import NotReadable
from mcp_sampling_conformance.transcript.events import HttpExchange, Retried, SessionGiven
from mcp_sampling_conformance.transcript.foreign import Recording, read_foreign
from mcp_sampling_conformance.transcript.transcript import Side

Json = dict[str, Any]
LEGACY, MODERN = "2025-11-25", "2026-07-28"
INFO = {"name": "a", "version": "1"}
HELLO = {"role": "user", "content": {"type": "text", "text": "Hello."}}
ASKED: Json = {"messages": [HELLO], "maxTokens": 10}
ANSWER = {"role": "assistant", "content": {"type": "text", "text": "Hi."}, "model": "m"}


def request(id: Any, method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def response(id: Any, result: Any) -> Json:
    return {"jsonrpc": "2.0", "id": id, "result": result}


def legacy(asked: Json = ASKED) -> list[tuple[str, Json]]:
    """A session in which a tool samples."""
    about = {"protocolVersion": LEGACY, "capabilities": {"sampling": {}}, "clientInfo": INFO}
    agreed = {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": INFO}
    return [
        ("client", request(0, "initialize", **about)),
        ("server", response(0, agreed)),
        ("client", {"jsonrpc": "2.0", "method": "notifications/initialized"}),
        ("client", request(1, "tools/call", name="ask", _meta={"progressToken": "p"})),
        ("server", request(7, SAMPLING, **asked)),
        ("client", response(7, ANSWER)),
        ("server", response(1, {"content": []})),
    ]


def call(id: Any, name: str = "ask", method: str = "tools/call", **more: Any) -> tuple[str, Json]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {"sampling": {}},
        "io.modelcontextprotocol/clientInfo": INFO,
    }
    named = {"uri": name} if method == "resources/read" else {"name": name}
    return "client", request(id, method, **named, _meta=meta, **more)


def asks(id: Any, state: str | None = None) -> tuple[str, Json]:
    asked = {"resultType": "input_required", "inputRequests": {"k": {"method": SAMPLING, "params": ASKED}}}
    return "server", response(id, asked if state is None else {**asked, "requestState": state})


def done(id: Any) -> tuple[str, Json]:
    return "server", response(id, {"resultType": "complete", "content": []})


ANSWERS = {"inputResponses": {"k": ANSWER}}


# --- the three forms


def write(path: Path, lines: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def plain(path: Path, messages: Iterable[tuple[str, Json]]) -> Path:
    return write(path / "plain.jsonl", ({"from": side, "message": body} for side, body in messages))


def trace(path: Path, messages: Iterable[tuple[str, Json]]) -> Path:
    directions = {"client": "client-to-server", "server": "server-to-client"}
    lines = [
        {"seq": n, "direction": directions[side], "transport": "stdio", "kind": "message", "payload": body}
        for n, (side, body) in enumerate(messages)
    ]
    return write(path / "trace.jsonl", reversed(lines))  # seq says the order, not the file


def cassette(path: Path, messages: Iterable[tuple[str, Json]]) -> Path:
    recorded = [
        {"seq": n, "t_offset_ms": 10 * n, "sender": side, "kind": "request", "payload": body, "redacted": False}
        for n, (side, body) in enumerate(messages)
    ]
    return cassette_of(path, transport="stdio", messages=recorded)


def cassette_of(path: Path, **members: Any) -> Path:
    file = path / "cassette.json"
    file.write_text(json.dumps({"format_version": 3, "recorded_at": "2026-07-05T00:00:00Z", **members}, indent=2))
    return file


FORMS = {"plain": plain, "trace": trace, "cassette": cassette}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def bodies(recording: Recording) -> list[tuple[str, Any]]:
    return [(str(entry.sender), entry.parse().value) for entry in recording.transcript.entries]


def broken(recording: Recording, side: Side) -> set[str]:
    assert recording.revision is not None
    evidence = evidence_of([recording.transcript], REVISIONS[recording.revision])
    results = judge(evidence, Terms(side, recording.transport))
    return {r.rule for r in results if r.verdict not in (Verdict.PASS, Verdict.NOT_OBSERVED, Verdict.NOT_APPLICABLE)}


@every_form
def test_each_form_is_read(form: Any, tmp_path: Path) -> None:
    recording = read_foreign(form(tmp_path, legacy()))
    assert bodies(recording) == legacy()
    assert (recording.revision, recording.transport) == (LEGACY, "stdio")
    items = recording.transcript.items
    assert [item.index for item in items] == list(range(len(items)))
    assert {entry.channel for entry in recording.transcript.entries} == {"stdin", "stdout"}


@every_form
def test_each_form_is_judged(form: Any, tmp_path: Path) -> None:
    assert broken(read_foreign(form(tmp_path, legacy())), Side.SERVER) == set()
    assert broken(read_foreign(form(tmp_path, legacy())), Side.CLIENT) == set()
    bad = legacy({"messages": [HELLO], "maxTokens": "10"})
    assert broken(read_foreign(form(tmp_path, bad)), Side.SERVER) == {"max-tokens/integer"}


@every_form
def test_the_retries_of_the_modern_era_are_found(form: Any, tmp_path: Path) -> None:
    recording = read_foreign(form(tmp_path, [call(1), asks(1, "s"), call(2, **ANSWERS, requestState="s"), done(2)]))
    assert recording.revision == MODERN
    (exchange,) = Session(recording.transcript, REVISIONS[MODERN]).exchanges
    assert exchange.result is not None
    assert exchange.result.value == ANSWER
    assert broken(recording, Side.SERVER) == set()
    assert broken(recording, Side.CLIENT) == set()


# --- plain lines


def test_the_text_of_a_message_is_kept_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '\ufeff{"from":"client", "at": 2, "message":{"jsonrpc": "2.0",  "id":1, "id":1e2, "method": "ping"}}\r\n\n'
        '{"from": "server", "raw": "Listening on port 80\\n", "at": 3.5}\n'
        '{"from": "server", "raw_base64": "Y2Fm6Q=="}\n'
        '{"from": "server", "mess'  # whoever wrote it was ended
    )
    recording = read_foreign(file)
    first, second, third = recording.transcript.entries
    assert first.raw == b'{"jsonrpc": "2.0",  "id":1, "id":1e2, "method": "ping"}'
    assert (second.raw, third.raw) == (b"Listening on port 80", b"caf\xe9")
    assert [entry.at for entry in (first, second, third)] == [0, 1.5, 1.5]
    assert recording.revision is None
    assert recording.unrecorded.keys() == {"framing/stdin-clean"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "is empty"),
        ("Listening", "line 1: it has to be a JSON object in UTF-8, but is not JSON"),
        ("[1]", "line 1: it has to be a JSON object in UTF-8, but is a JSON array"),
        ('{"method": "ping"}', 'line 1: this is no form of recording that is known; write a message a line: {"from"'),
        ('{"from": "host", "message": {}}', 'line 1: from is \'host\'; write "client" or "server"'),
        ('{"from": "client", "message": {}, "raw": ""}', "line 1: it has message and raw; write message or raw"),
        ('{"from": "client", "message": "{}"}', "line 1: message is a string; write the JSON itself"),
        ('{"from": "client", "raw": {}}', "line 1: raw is a JSON object, where a string is needed"),
        ('{"from": "client", "raw_base64": "?"}', "line 1: raw_base64 is no Base64"),
        ('{"from": "client", "message": {}, "at": "noon"}', "line 1: at is no number"),
        ('{"from": "client", "message": {}}\n{"from": "client"}\n', "line 2: it has no message; write message or raw"),
        ('{"from": "client", "message": {}}\n\n{"from"\n', "line 3: it has to be a JSON object in UTF-8"),
        ("[" * 100_000, "line 1: it has to be a JSON object in UTF-8, but is JSON nested too deeply"),
        ('{"seq": 0, "direction": "up", "kind": "message", "transport": "stdio"}', "its direction is 'up'; known are"),
        ('{"seq": "0", "direction": "up", "kind": "message", "transport": "stdio"}', "its seq is no integer"),
        ('{"seq": 0, "direction": "client-to-server", "kind": "x", "transport": "stdio"}', "its kind is 'x'; known"),
        ('{"seq": 0, "direction": "client-to-server", "kind": "message", "transport": "stdio"}', "has no payload"),
        ('{"seq": 0, "direction": "client-to-server", "kind": "message"}', "it has no transport"),
        ('{"format_version": 4, "messages": []}', " is a cassette of format version 4; known are 1 to 3"),
        ('{"format_version": 1, "messages": [1]}', ", messages[0]: its sender has to be"),
        ('{"format_version": 1, "messages": [{"sender": "client"}]}', ", messages[0]: its payload has to be"),
        ('{"format_version": 1, "transport": "pigeon", "messages": []}', "of the transport 'pigeon'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(line: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(NotReadable) as caught:
        read_foreign(file)
    assert str(caught.value).startswith(str(file))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_sampling_conformance.transcript.foreign.form.MOST_LINES", 6)
    with pytest.raises(NotReadable, match=r"plain\.jsonl has more than 6 lines; keep the part"):
        read_foreign(plain(tmp_path, legacy()))
    monkeypatch.setattr("mcp_sampling_conformance.transcript.foreign.recording.MOST_BYTES", 2**20)
    (tmp_path / "b").write_bytes(b"\n" * (2**20 + 1))
    with pytest.raises(NotReadable, match="is larger than 1 MiB"):
        read_foreign(tmp_path / "b")


@pytest.mark.parametrize("text", ["[]", '{"a": 1', '{"a" 1}', '{"a": 1,}', '{"a": 1 "b": 2}', "{} {}", '{1: "a"}', ""])
def test_only_an_object_has_members(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        member_texts(text)
    assert member_texts(' { "a" : [1 , {"b":2}] , "c":"}" } ') == {"a": '[1 , {"b":2}]', "c": '"}"'}
    assert member_texts("{}") == {}


# --- retries


def retries(path: Path, *messages: tuple[str, Json]) -> list[tuple[Any, Any]]:
    recording = read_foreign(plain(path, messages))
    return [(event.id, event.of) for event in recording.transcript.events(Retried)]


def test_the_event_follows_the_retry(tmp_path: Path) -> None:
    recording = read_foreign(plain(tmp_path, [call(1), asks(1), call(1, **ANSWERS), done(1)]))
    assert [type(item).__name__ for item in recording.transcript.items] == ["Entry"] * 3 + ["Retried", "Entry"]


def test_a_retry_may_be_asked_again(tmp_path: Path) -> None:
    messages = [call(1), asks(1), call(2, **ANSWERS), asks(2), call(3, **ANSWERS), done(3)]
    assert retries(tmp_path, *messages) == [(2, 1), (3, 2)]


def test_of_two_calls_the_state_tells_which_is_repeated(tmp_path: Path) -> None:
    both = [call(1), call(2), asks(1, "a"), asks(2, "b")]
    later = [call(3, **ANSWERS, requestState="a"), call(4, **ANSWERS, requestState="b")]
    assert retries(tmp_path, *both, *later) == [(3, 1), (4, 2)]
    assert retries(tmp_path, *both, call(3, **ANSWERS, requestState="c")) == [(3, 2)]


def test_what_repeats_no_call_that_was_asked_is_no_retry(tmp_path: Path) -> None:
    uri = "file:///a"
    assert retries(tmp_path, call(1), asks(1), call(2)) == []  # no answers, no state
    assert retries(tmp_path, call(1), asks(1), call(2, "other", **ANSWERS)) == []
    assert retries(tmp_path, call(1), done(1), call(2, **ANSWERS)) == []
    assert retries(tmp_path, call(1), asks(1), call(2, uri, "resources/read", **ANSWERS)) == []
    read = "resources/read"
    assert retries(tmp_path, call(1, uri, read), asks(1), call(2, uri, read, requestState="")) == [(2, 1)]
    assert retries(tmp_path, call(1), asks(1), call(2, **ANSWERS), call(3, **ANSWERS)) == [(2, 1)]


# --- the revision


def test_what_was_spoken_and_not_what_was_asked_for_is_the_revision(tmp_path: Path) -> None:
    refused = {"jsonrpc": "2.0", "id": 9, "error": {"code": -32022, "message": "no"}}
    assert read_foreign(plain(tmp_path, [call(9), ("server", refused), *legacy()])).revision == LEGACY
    assert read_foreign(plain(tmp_path, [call(9), ("server", refused)])).revision == MODERN
    assert read_foreign(plain(tmp_path, legacy()[:1])).revision is None
    assert read_foreign(plain(tmp_path, [("client", response(1, {}))])).revision is None


# --- what ends before its time, or asks for what does not exist


@every_form
def test_a_call_that_was_not_answered_before_the_recording_ended_breaks_nothing(form: Any, tmp_path: Path) -> None:
    about = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": INFO}
    start = ("client", request(0, "initialize", **about))
    assert broken(read_foreign(form(tmp_path, [start, *legacy()[1:4]])), Side.SERVER) == set()


def test_a_revision_that_does_not_exist_may_be_called_unsupported(tmp_path: Path) -> None:
    (side, asked), error = call(1), {"code": -32022, "message": "no", "data": {"supported": [MODERN]}}
    refused = ("server", {"jsonrpc": "2.0", "id": 1, "error": error})
    messages = [(side, asked), refused, call(2), done(2)]
    assert broken(read_foreign(plain(tmp_path, messages)), Side.SERVER) == {"error/reserved-codes"}
    asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "1900-01-01"
    assert broken(read_foreign(plain(tmp_path, messages)), Side.SERVER) == set()


def test_what_has_nothing_but_an_id_may_be_refused_as_a_request(tmp_path: Path) -> None:
    start, asked, (_, answered), end = legacy()[:4], legacy()[4], legacy()[5], legacy()[6]
    refusal = ("server", {"jsonrpc": "2.0", "id": 7, "error": {"code": -32600, "message": "no method"}})
    lame = ("client", {"jsonrpc": "2.0", "id": 7})
    assert broken(read_foreign(plain(tmp_path, [*start, asked, lame, refusal, end])), Side.SERVER) == set()
    recording = read_foreign(plain(tmp_path, [*start, asked, ("client", answered), refusal, end]))
    assert broken(recording, Side.SERVER) == {"single-response/exactly-one"}


# --- traces over HTTP


def http_trace(path: Path, *lines: tuple[str, Any]) -> Recording:
    """``lines`` are pairs of a direction and a message, or for a head, its status or headers."""
    found: list[Json] = []
    for side, what in lines:
        direction = "client-to-server" if side == "client" else "server-to-client"
        about: Json = {"seq": len(found), "direction": direction, "transport": "streamable-http"}
        if isinstance(what, dict) and "jsonrpc" in what:
            about |= {"kind": "message", "payload": what}
        elif isinstance(what, str):
            about |= {"kind": "lifecycle", "event": what}
        else:
            status, headers = what if isinstance(what, tuple) else (None, what)
            about |= {"kind": "http", "headers": headers} | ({} if status is None else {"status": status})
        found.append(about)
    return read_foreign(write(path / "http.jsonl", found))


ACCEPT = {"Accept": "application/json, text/event-stream"}
SESSION = {**ACCEPT, "Mcp-Session-Id": "s", "MCP-Protocol-Version": LEGACY}
JSON = {"Content-Type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


def test_http_exchanges_are_put_together(tmp_path: Path) -> None:
    (_, start), (_, agreed), (_, ready), (_, first), (_, asked), (_, answer), (_, result) = legacy()
    recording = http_trace(
        tmp_path,
        ("client", ACCEPT),
        ("client", start),
        ("server", (200, {**JSON, "mcp-session-id": "s"})),
        ("server", agreed),
        ("client", SESSION),
        ("client", ready),
        ("server", (202, {})),
        ("client", SESSION),
        ("client", first),
        ("server", (200, EVENTS)),
        ("server", asked),
        ("client", SESSION),
        ("client", answer),
        ("server", (202, {})),
        ("server", result),
        ("server", "transport-close"),
        ("client", SESSION),
        ("server", (405, {})),
    )
    assert (recording.revision, recording.transport) == (LEGACY, "http")
    channels = [entry.channel for entry in recording.transcript.entries]
    assert channels == ["POST 1", "POST 1", "POST 2", "POST 3", "POST 3", "POST 4", "POST 3"]
    heads = recording.transcript.events(HttpExchange)
    assert [(head.exchange, head.method, head.status) for head in heads] == [
        ("POST 1", "POST", 200),
        ("POST 2", "POST", 202),
        ("POST 3", "POST", 200),
        ("POST 4", "POST", 202),
        ("HTTP 5", "", 405),
    ]
    assert heads[0].response_headers == {"content-type": "application/json", "mcp-session-id": "s"}
    assert heads[1].request_headers["mcp-session-id"] == "s"
    assert [event.id for event in recording.transcript.events(SessionGiven)] == ["s"]
    assert recording.unrecorded.keys() == {"http/own-stream", "http/not-broadcast"}
    assert broken(recording, Side.CLIENT) == set()
    assert broken(recording, Side.SERVER) == set()


def test_the_head_of_a_response_is_that_of_the_request_that_is_answered_next(tmp_path: Path) -> None:
    recording = http_trace(
        tmp_path,
        ("client", ACCEPT),
        call(1),
        ("client", ACCEPT),
        call(2),
        ("server", (400, JSON)),
        ("server", {"jsonrpc": "2.0", "id": 2, "error": {"code": -32021, "message": "no"}}),
        ("server", (200, JSON)),
        done(1),
    )
    statuses = {head.exchange: head.status for head in recording.transcript.events(HttpExchange)}
    assert statuses == {"POST 1": 200, "POST 2": 400}


def test_headers_that_were_not_recorded_are_not_missed(tmp_path: Path) -> None:
    recording = http_trace(tmp_path, call(1), ("server", (200, JSON)), done(1))
    assert not recording.transcript.events(HttpExchange)
    assert broken(recording, Side.CLIENT) == set()


def test_one_trace_is_one_connection(tmp_path: Path) -> None:
    line = {"seq": 0, "direction": "client-to-server", "kind": "message", "payload": {}, "transport": "stdio"}
    with pytest.raises(NotReadable, match="line 2: its transport is not stdio"):
        read_foreign(write(tmp_path / "a", [line, {**line, "seq": 1, "transport": "streamable-http"}]))


def test_times_of_a_trace_count_from_its_beginning(tmp_path: Path) -> None:
    line = {"seq": 0, "direction": "client-to-server", "kind": "message", "payload": {}, "transport": "stdio"}
    lines = [{**line, "seq": n, "ts": f"2026-01-01T00:00:0{n}.5Z"} for n in range(3)] + [{**line, "seq": 9, "ts": "?"}]
    assert [entry.at for entry in read_foreign(write(tmp_path / "a", lines)).transcript.entries] == [0, 1, 2, 0]


# --- cassettes


def test_a_cassette_over_http_says_which_exchange_carried_what(tmp_path: Path) -> None:
    (_, first), (_, asked), (_, answer) = legacy()[3:6]
    recording = read_foreign(
        cassette_of(
            tmp_path,
            transport="http",
            protocol_version=LEGACY,
            messages=[
                {"sender": "client", "payload": first, "exchange": 3, "t_offset_ms": 20},
                {"sender": "server", "payload": asked, "exchange": 4, "t_offset_ms": 30, "channel": "get"},
                {"sender": "client", "payload": answer, "exchange": 5, "t_offset_ms": 40},
                {"sender": "server", "payload": "[not, JSON]", "exchange": 3, "channel": "post", "kind": "raw"},
            ],
        )
    )
    assert (recording.revision, recording.transport) == (LEGACY, "http")
    entries = list(recording.transcript.entries)
    assert [entry.channel for entry in entries] == ["POST 3", "GET 4", "POST 5", "POST 3"]
    assert [entry.at for entry in entries[:3]] == pytest.approx([0, 0.01, 0.02])
    assert entries[3].raw == b"[not, JSON]"
    assert "http/own-stream" in broken(recording, Side.SERVER)


def test_what_was_redacted_in_a_cassette_is_no_violation(tmp_path: Path) -> None:
    messages = legacy({"messages": [HELLO], "maxTokens": "REDACTED"})
    progress = {"progressToken": "REDACTED", "progress": 1}
    messages[3][1]["params"]["_meta"]["progressToken"] = "REDACTED"
    messages.insert(4, ("server", {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}))
    recorded = [{"sender": side, "payload": body, "redacted": True, "t_offset_ms": 0} for side, body in messages]
    recording = read_foreign(cassette_of(tmp_path, transport="stdio", messages=recorded))
    assert broken(recording, Side.SERVER) == set()
    assert set(recording.unrecorded) == {"max-tokens/integer", "max-tokens/positive"}
    assert set(recording.unrecorded.values()) == {"maxTokens was redacted in the recording"}
    assert len(list(recording.transcript.entries)) == len(messages) - 1  # without the progress
    recorded[5]["redacted"] = False
    assert broken(read_foreign(cassette_of(tmp_path, messages=recorded)), Side.SERVER) == {"max-tokens/integer"}


@pytest.mark.parametrize("depth", [300, 900, 980, 990, 100_000])
def test_what_is_nested_deeply_is_read_or_refused(depth: int, tmp_path: Path) -> None:
    nested = "[" * depth + "]" * depth
    message = {"sender": "client", "payload": {"a": 0}, "redacted": True}
    whole = json.dumps({"format_version": 1, "messages": [message]})
    for text in (whole.replace('"a": 0', f'"a": {nested}'), f'{{"from": "client", "message": {nested}}}'):
        (tmp_path / "a").write_text(text)
        try:
            read_foreign(tmp_path / "a")
        except NotReadable as error:
            assert "too deeply" in str(error)  # noqa: PT017


def test_a_lone_surrogate_in_a_cassette_stays_one(tmp_path: Path) -> None:
    message = {"sender": "client", "payload": {"jsonrpc": "2.0", "method": "\ud800"}, "t_offset_ms": 0}
    (entry,) = read_foreign(cassette_of(tmp_path, messages=[message])).transcript.entries
    assert entry.parse().value["method"] == "\ud800"
