"""What judging costs a message, in records of 1,000 to 100,000 messages, beside jsonschema on the same messages.

``python tests/benchmarks/judge.py [--schema SCHEMA.json] [--small]`` makes the records of a server and of a client by
hand, judges them with every rule of 2025-11-25, and validates a sample of the messages against the definition that the
official schema of that revision has for each (``--schema``, or the environment variable MCP_SCHEMA; without it nothing
is compared). It prints microseconds of processor time a message. Judging includes parsing, validating does not.
Each length is judged with as many messages in all. ``--small`` makes short records, to see that this still works.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.revisions import REVISIONS
from mcp_sampling_conformance.transcript.events import ProbeStarted, SamplingAsked
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

Json = dict[str, Any]

REVISION = REVISIONS["2025-11-25"]
SEED = 11
SIZES, SMALL_SIZES = (1_000, 10_000, 100_000), (200, 2_000)
#: messages that are validated
SAMPLE, SMALL_SAMPLE = 500, 50
#: calls between two probes
CALLS_A_PROBE = 20
#: what the harness has in mind with a probe of a server, and with a request to a client
PROBES = ("first-call", "second-call", "kind", "open", "late", "concurrent", "tools")
ASKED = ("plain", "plain-again", "kind", "parameter", "preference", "limit", "hints")
SENTENCE = "the quick brown fox jumps over a lazy dog while seven wizards brew some rather bitter black tea"
WORDS = SENTENCE.split()
TOOL = {
    "name": "weather",
    "description": "What the weather is like in a city",
    "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Record:
    """A transcript in the making, and for each message in it the definition that the official schema has for it."""

    def __init__(self, seed: int) -> None:
        self.transcript = Transcript("benchmark", "stdio", name="benchmark")
        self.definitions: list[tuple[Json, str]] = []
        self.random = random.Random(seed)
        self._ids = dict.fromkeys(Side, 0)

    def text(self, least: int, most: int) -> str:
        """So many words."""
        return " ".join(self.random.choices(WORDS, k=self.random.randint(least, most)))

    def send(self, side: Side, definition: str, **members: Any) -> None:
        """Add a message."""
        body = {"jsonrpc": "2.0", **members}
        self.transcript.record(side, json.dumps(body).encode(), "stdin" if side is Side.CLIENT else "stdout")
        self.definitions.append((body, definition))

    def request(self, side: Side, definition: str, method: str, params: Json) -> int:
        """Add a request that asks for progress; returns its id, which is its progress token too."""
        self._ids[side] += 1
        id = self._ids[side]
        self.send(side, definition, id=id, method=method, params={**params, "_meta": {"progressToken": id}})
        return id

    def progress(self, side: Side, token: int) -> None:
        """Add two notifications."""
        for step in (1, 2):
            params = {"progressToken": token, "progress": step, "total": 2, "message": self.text(3, 8)}
            self.send(side, "ProgressNotification", method="notifications/progress", params=params)

    def open(self) -> None:
        """Add the handshake."""
        about = {"protocolVersion": REVISION.name, "capabilities": {"sampling": {"tools": {}, "context": {}}}}
        info = {"name": "benchmark", "version": "1"}
        self.send(Side.CLIENT, "InitializeRequest", id=0, method="initialize", params={**about, "clientInfo": info})
        result = {"protocolVersion": REVISION.name, "capabilities": {"tools": {}}, "serverInfo": info}
        self.send(Side.SERVER, "InitializeResult", id=0, result=result)
        self.send(Side.CLIENT, "InitializedNotification", method="notifications/initialized")

    def call(self) -> int:
        """Add a call of a tool; returns its id."""
        arguments = {"city": self.text(1, 2), "why": self.text(5, 20)}
        return self.request(Side.CLIENT, "CallToolRequest", "tools/call", {"name": "ask", "arguments": arguments})

    def answer_call(self, id: int) -> None:
        """Add its result."""
        content = [{"type": "text", "text": self.text(30, 120)}]
        self.send(Side.SERVER, "CallToolResult", id=id, result={"content": content, "isError": False})

    def sampling_params(self) -> Json:
        """The params of a sampling request: one to five messages, and now and then what else there may be."""
        said = [
            {"role": ("user", "assistant")[place % 2], "content": {"type": "text", "text": self.text(10, 100)}}
            for place in range(self.random.choice((1, 1, 1, 3, 5)))
        ]
        further: list[Json] = [
            {},
            {"systemPrompt": self.text(10, 60), "temperature": 0.7, "stopSequences": ["\n\n"]},
            {"modelPreferences": {"hints": [{"name": "sonnet"}], "speedPriority": 0.4, "intelligencePriority": 0.9}},
            {"tools": [TOOL], "toolChoice": {"mode": "auto"}},
        ]
        return {"messages": said, "maxTokens": self.random.choice((100, 1000, 4096)), **self.random.choice(further)}

    def answer_sampling(self, id: int) -> None:
        """Add the result of a sampling request."""
        content = {"type": "text", "text": self.text(20, 120)}
        result = {"role": "assistant", "content": content, "model": "claude-sonnet", "stopReason": "endTurn"}
        self.send(Side.CLIENT, "CreateMessageResult", id=id, result=result)


def server_record(messages: int, seed: int = SEED) -> Record:
    """Calls of a server that samples once a call, six messages a call."""
    record, calls = Record(seed), 0
    record.open()
    while len(record.definitions) < messages:
        if calls % CALLS_A_PROBE == 0:
            group = PROBES[calls // CALLS_A_PROBE % len(PROBES)]
            record.transcript.note(ProbeStarted(group, f"a {group} answer", "tool ask"))
        calls += 1
        call = record.call()
        record.progress(Side.SERVER, call)
        asked = record.request(Side.SERVER, "CreateMessageRequest", "sampling/createMessage", record.sampling_params())
        record.answer_sampling(asked)
        record.answer_call(call)
    return record


def client_record(messages: int, seed: int = SEED) -> Record:
    """Calls of a client that is asked for a sample twice in each, ten messages a call."""
    record, asked = Record(seed), 0
    record.open()
    while len(record.definitions) < messages:
        call = record.call()
        for _ in range(2):
            asked += 1
            group = ASKED[asked % len(ASKED)]
            record.transcript.note(SamplingAsked(asked, group, f"a {group} request"))
            id = record.request(Side.SERVER, "CreateMessageRequest", "sampling/createMessage", record.sampling_params())
            record.progress(Side.CLIENT, id)
            record.answer_sampling(id)
        record.answer_call(call)
    return record


def cost_of_judging(records: Iterable[Record], side: Side) -> float:
    """Microseconds of processor time a message. Raises ``SystemExit`` where a rule could not be judged."""
    terms = Terms(side, "stdio")
    judge(evidence_of([server_record(10).transcript], REVISION), terms)  # load the rules
    took, count = 0.0, 0
    for record in records:
        gc.collect()
        began = time.process_time()
        results = judge(evidence_of([record.transcript], REVISION), terms)
        took += time.process_time() - began
        count += len(record.definitions)
        if errors := [result.message for result in results if result.verdict is Verdict.ERROR]:
            raise SystemExit(errors[0])
    return took / count * 1e6


def validators(schema: Json) -> Callable[[str], jsonschema.Draft202012Validator]:
    """The validator of each definition; that of a result is for the whole response."""
    made: dict[str, jsonschema.Draft202012Validator] = {}

    def validator(name: str) -> jsonschema.Draft202012Validator:
        if name not in made:
            reference: Json = {"$ref": f"#/$defs/{name}"}
            if name.endswith("Result"):
                response = schema["$defs"]["JSONRPCResultResponse"]
                reference = {**response, "properties": {**response["properties"], "result": reference}}
            made[name] = jsonschema.Draft202012Validator({**reference, "$defs": schema["$defs"]})
        return made[name]

    return validator


def cost_of_validating(record: Record, schema: Json, sample: int) -> float:
    """Microseconds of processor time a message, of messages chosen at random."""
    validator = validators(schema)
    chosen = random.Random(SEED).sample(record.definitions, min(sample, len(record.definitions)))
    for body, name in chosen:  # the first time builds the validators
        validator(name).validate(body)
    gc.collect()
    began = time.process_time()
    for body, name in chosen:
        validator(name).validate(body)
    return (time.process_time() - began) / len(chosen) * 1e6


def rows(sizes: Sequence[int], sample: int, schema: Json | None) -> Iterator[tuple[str, ...]]:
    """The lines of the table."""
    yield "side", "messages", "bytes a message", "judge µs", "jsonschema µs", "times as fast"
    for side, make in ((Side.SERVER, server_record), (Side.CLIENT, client_record)):
        for size in sizes:
            judging = cost_of_judging((make(size, seed) for seed in range(sizes[-1] // size)), side)
            record = make(size)
            count = len(record.definitions)
            length = sum(len(entry.raw) for entry in record.transcript.entries) / count
            line = (side.value, f"{count:,}", f"{length:.0f}", f"{judging:.1f}")
            if schema is None:
                yield *line, "-", "-"
            else:
                validating = cost_of_validating(record, schema, sample)
                yield *line, f"{validating:.1f}", f"{validating / judging:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What judging costs a message.")
    parser.add_argument("--schema", type=Path, default=os.environ.get("MCP_SCHEMA"), help="schema.json of 2025-11-25")
    parser.add_argument("--small", action="store_true", help="short records only")
    options = parser.parse_args()
    schema = json.loads(Path(options.schema).read_text(encoding="utf-8")) if options.schema else None
    if schema is None:
        print("no schema was given (--schema), so there is nothing to compare with")
    sizes, sample = (SMALL_SIZES, SMALL_SAMPLE) if options.small else (SIZES, SAMPLE)
    for row in rows(sizes, sample, schema):
        print("  ".join(cell.rjust(15) for cell in row), flush=True)


if __name__ == "__main__":
    main()
