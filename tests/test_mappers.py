"""The properties of mappers: correct mappers of every style break none, and each broken one breaks what it should."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import attrs
import pydantic
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from mappers import request, to_provider, without_descriptions, without_tool_choice

from mcp_sampling_conformance.mappers import PROPERTIES, Broken, Mapper, Trial, check_mapper, check_property
from mcp_sampling_conformance.mappers.calls import Calls, call
from mcp_sampling_conformance.protocol.revisions import NAMES, REVISIONS

EXAMPLES = 60
REVISION = REVISIONS["2025-11-25"]
Json = dict[str, Any]


def blocks_of(message: Json) -> list[Json]:
    return message["content"] if isinstance(message["content"], list) else [message["content"]]


# --- correct mappers, a style each


@dataclass
class Part:
    role: str
    kind: str
    body: Any


@attrs.define
class SlottedPart:
    role: str
    kind: str
    body: Any


class ModelPart(pydantic.BaseModel):
    role: str
    kind: str
    body: Any


class PlainPart:
    def __init__(self, role: str, kind: str, body: Any) -> None:
        self.role, self.kind, self.body = role, kind, body


def objects(kind: type) -> Callable[[list[Json]], Any]:
    def mapper(messages: list[Json]) -> Any:
        return tuple(kind(role=m["role"], kind=b["type"], body=b) for m in messages for b in blocks_of(m))

    return mapper


def json_strings(messages: list[Json]) -> Any:
    """As OpenAI has it: the input of a tool is a JSON string, an image a data URL."""

    def part(role: str, block: Json) -> Json:
        if block["type"] == "tool_use":
            return {"id": block["id"], "function": {"name": block["name"], "arguments": json.dumps(block["input"])}}
        if block["type"] == "tool_result":
            said = json.dumps([block["content"], block.get("isError", False)])
            return {"role": "tool", "tool_call_id": block["toolUseId"], "content": said}
        if block["type"] == "text":
            return {"role": role, "content": block["text"]}
        return {"role": role, "url": f"data:{block['mimeType']};base64,{block['data']}"}

    return [part(message["role"], block) for message in messages for block in blocks_of(message)]


def decoded(messages: list[Json]) -> Any:
    """Payloads as bytes, however deep."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: base64.b64decode(v) if k in ("data", "blob") else walk(v) for k, v in value.items()}
        return [walk(element) for element in value] if isinstance(value, list) else value

    return walk(messages)


def structured(messages: list[Json]) -> Any:
    """Structured content as it is, in place of the text that says the same."""
    return every_block(
        lambda b: {**b, "content": [b["structuredContent"], *b["content"][1:]]} if "structuredContent" in b else b
    )(messages)


def text_only(messages: list[Json]) -> Any:
    return without("structuredContent")(messages)


def generated(messages: list[Json]) -> Iterator[Json]:
    yield from messages


async def generated_later(messages: list[Json]) -> AsyncIterator[Json]:
    for message in messages:
        await asyncio.sleep(0)
        yield message


async def asynchronous(messages: list[Json]) -> Any:
    await asyncio.sleep(0)
    return messages


CORRECT = {
    "dicts": lambda messages: messages,
    "dataclasses": objects(Part),
    "attrs": objects(SlottedPart),
    "pydantic": objects(ModelPart),
    "plain objects": objects(PlainPart),
    "JSON strings": json_strings,
    "one JSON text": json.dumps,
    "bytes": decoded,
    "structured content as an object": structured,
    "structured content as text": text_only,
    "a generator": generated,
    "an async generator": generated_later,
    "async": asynchronous,
}


@pytest.mark.parametrize("mapper", CORRECT.values(), ids=CORRECT)
def test_a_correct_mapper_breaks_nothing(mapper: Callable[[list[Json]], Any]) -> None:
    assert broken_properties(Mapper(mapper)) == {}


@pytest.mark.parametrize("revision", NAMES)
@pytest.mark.parametrize("takes", ["params", "messages", "block"])
def test_whatever_it_takes_in_every_revision(takes: Any, revision: str) -> None:
    for as_models in (False, True):
        check_mapper(
            lambda given: given,
            takes=takes,
            revision=revision,
            inverse=lambda output: output,
            as_models=as_models,
            examples=3,
        )


async def _check_inside_a_loop() -> None:
    check_mapper(asynchronous, examples=2)


def test_an_async_mapper_inside_an_event_loop() -> None:
    asyncio.run(_check_inside_a_loop())


# --- broken ones: the identity with one defect each


def every_block(change: Callable[[Json], Any]) -> Callable[[list[Json]], Any]:
    """A mapper that changes or drops (``None``) single blocks."""

    def mapper(messages: list[Json]) -> Any:
        return [
            {**message, "content": [new for block in blocks_of(message) if (new := change(block)) is not None]}
            for message in messages
        ]

    return mapper


def without(*keys: str) -> Callable[[list[Json]], Any]:
    return every_block(lambda block: {key: value for key, value in block.items() if key not in keys})


def no_links(messages: list[Json]) -> Any:
    return every_block(
        lambda b: {**b, "content": [p for p in b["content"] if p["type"] != "resource_link"]} if "content" in b else b
    )(messages)


def first_text_only(messages: list[Json]) -> Any:
    kept = []
    for message in messages:
        blocks = blocks_of(message)
        first = next((i for i, block in enumerate(blocks) if block["type"] == "text"), None)
        kept.append({**message, "content": [b for i, b in enumerate(blocks) if b["type"] != "text" or i == first]})
    return kept


def structured_alone(messages: list[Json]) -> Any:
    """Structured content in place of the whole content."""
    return every_block(lambda b: {**b, "content": b.get("structuredContent")} if "structuredContent" in b else b)(
        messages
    )


def deduplicated(messages: list[Json]) -> Any:
    parts = [(message["role"], block) for message in messages for block in blocks_of(message)]
    return [part for i, part in enumerate(parts) if part not in parts[:i]]


def all_from_the_user(messages: list[Json]) -> Any:
    return [{**message, "role": "user"} for message in messages]


def mutating(messages: list[Json]) -> Any:
    for message in messages:
        message["content"] = blocks_of(message)
    return messages


def in_place_of_results(messages: list[Json]) -> Any:
    """Results in the order in which they come, with nothing to say which call they answer."""
    return without("toolUseId")(messages)


def crashes_on_empty_arrays(messages: list[Json]) -> Any:
    return [(message["role"], blocks_of(message)[0], blocks_of(message)) for message in messages]


def crashes_on_no_messages(messages: list[Json]) -> Any:
    return {"first": messages[0], "messages": messages}


def silent_about_images(messages: list[Json]) -> Any:
    return every_block(lambda block: "(an image)" if block["type"] == "image" else block)(messages)


_calls = itertools.count()

BROKEN: dict[str, tuple[Callable[[list[Json]], Any], set[str]]] = {
    "drops audio": (
        every_block(lambda b: None if b["type"] == "audio" else b),
        {"conservation-of-binary", "tells-mime-types-apart"},
    ),
    "drops images": (silent_about_images, {"conservation-of-binary", "tells-mime-types-apart"}),
    "drops the second text": (first_text_only, {"conservation-of-text", "tells-repetition-apart"}),
    "structured content alone": (
        structured_alone,
        {"conservation-of-text", "conservation-of-binary", "conservation-of-links"},
    ),
    "drops links": (no_links, {"conservation-of-links"}),
    "drops tool names": (without("name"), {"conservation-of-tool-names"}),
    "drops tool inputs": (without("input"), {"conservation-of-tool-inputs"}),
    "drops the ids of calls": (
        lambda messages: [dict(m, content=[_blank_id(b) for b in blocks_of(m)]) for m in messages],
        {"conservation-of-tool-ids", "tells-associations-apart"},
    ),
    "pairs results by position": (in_place_of_results, {"tells-associations-apart"}),
    "merges roles": (all_from_the_user, {"tells-roles-apart"}),
    "ignores isError": (without("isError"), {"tells-errors-apart"}),
    "ignores mimeType": (without("mimeType"), {"tells-mime-types-apart"}),
    "says everything once": (deduplicated, {"tells-repetition-apart"}),
    "reorders": (lambda messages: messages[::-1], {"order-of-texts"}),
    "mutates": (mutating, {"input-untouched"}),
    "counts its calls": (lambda messages: [next(_calls), messages], {"deterministic"}),
    "crashes on no messages": (crashes_on_no_messages, {"maps-or-refuses"}),
    "crashes on an empty array": (crashes_on_empty_arrays, {"maps-or-refuses"}),
}


def first_tool_only(params: Json) -> Any:
    return request({**params, "tools": params.get("tools", [])[:1]})


def without_arguments(params: Json) -> Any:
    found = request(params)
    return {**found, "tools": [{**tool, "schema": {}} for tool in found["tools"]]}


def no_system_prompt(params: Json) -> Any:
    return {**request(params), "system": None}


BROKEN_WITH_PARAMS: dict[str, tuple[Callable[[Json], Any], set[str]]] = {
    "nothing": (request, set()),
    "drops descriptions": (without_descriptions, {"conservation-of-tool-definitions"}),
    "drops arguments": (without_arguments, {"conservation-of-tool-definitions"}),
    "offers one tool": (first_tool_only, {"conservation-of-tool-definitions"}),
    "ignores toolChoice": (without_tool_choice, {"tells-tool-choices-apart"}),
    "drops the system prompt": (no_system_prompt, {"conservation-of-system-prompt"}),
}


def _blank_id(block: Json) -> Json:
    return {key: value for key, value in block.items() if key not in ("id", "toolUseId")}


@cache
def samples(inputs: Callable[[Mapper, Any], SearchStrategy[Any]], takes: Any) -> list[Any]:
    """Inputs of a property, made once for all mappers."""
    found: list[Any] = []

    @seed(0)
    @settings(
        max_examples=EXAMPLES, derandomize=False, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(inputs(Mapper(len, takes), REVISION))
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


def broken_properties(mapper: Mapper) -> dict[str, Broken]:
    """The properties that a mapper breaks, with the first example of each: without shrinking, which takes long."""
    broken = {}
    for each in PROPERTIES:
        if each.applies(mapper, REVISION):
            trial = Trial(mapper, call)  # not on a thread, which takes long when there are thousands of calls
            violations = (trial.violation(each.check, example) for example in samples(each.inputs, mapper.takes))
            first = next((violation for violation in violations if violation), None)
            assert trial.judged or first, f"nothing to judge for {each.name}"
            if first is not None:
                broken[each.name.removeprefix("mapper/")] = first
    return broken


@pytest.mark.parametrize(("function", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_broken_mapper_breaks_what_it_should(function: Callable[[list[Json]], Any], expected: set[str]) -> None:
    assert set(broken_properties(Mapper(function))) == expected


@pytest.mark.parametrize(("function", "expected"), BROKEN_WITH_PARAMS.values(), ids=BROKEN_WITH_PARAMS)
def test_a_broken_mapper_of_params_breaks_what_it_should(function: Callable[[Json], Any], expected: set[str]) -> None:
    assert set(broken_properties(Mapper(function, "params"))) == expected


def test_a_mapper_of_params_may_leave_the_tools_to_another() -> None:
    def messages_only(params: Json) -> Any:
        return [params.get("systemPrompt"), *to_provider(params["messages"])]

    about_tools = [each for each in PROPERTIES if "tools" in each.needs and "params" in each.needs]
    assert len(about_tools) == 2
    for each in about_tools:
        outcome = check_property(each, Mapper(messages_only, "params"), REVISION, examples=10)
        assert outcome.holds is None
        assert "no tool of the request ever turned up" in outcome.why


def test_every_property_has_a_mapper_that_breaks_it() -> None:
    covered = {name for _, names in (BROKEN | BROKEN_WITH_PARAMS).values() for name in names} | {"round-trip"}
    assert covered == {each.name.removeprefix("mapper/") for each in PROPERTIES}


# --- refusals, inverses, and what a failure says


def refuses_audio(messages: list[Json]) -> Any:
    if any(block["type"] == "audio" for message in messages for block in blocks_of(message)):
        raise NotImplementedError("no audio")
    return messages


def test_a_declared_refusal_is_fine() -> None:
    assert broken_properties(Mapper(refuses_audio, rejects=NotImplementedError)) == {}


def test_an_undeclared_one_is_a_crash() -> None:
    broken = broken_properties(Mapper(refuses_audio))
    assert set(broken) == {"maps-or-refuses"}
    assert "NotImplementedError('no audio')" in str(broken["maps-or-refuses"])


def test_refusing_everything_is_no_success() -> None:
    def refuse(messages: list[Json]) -> Any:
        raise NotImplementedError("nothing at all")

    with pytest.raises(AssertionError, match="nothing at all"):
        check_mapper(refuse, rejects=NotImplementedError, examples=5)


def test_an_inverse_that_loses_something() -> None:
    mapper = Mapper(lambda messages: messages, inverse=without("isError"))
    assert set(broken_properties(mapper)) == {"round-trip"}


def test_an_inverse_that_groups_blocks_otherwise() -> None:
    def one_message_a_block(messages: list[Json]) -> Any:
        return [{"role": m["role"], "content": block} for m in messages for block in blocks_of(m)]

    assert broken_properties(Mapper(one_message_a_block, inverse=lambda output: output)) == {}


def test_times_and_ignored_members_may_differ() -> None:
    mapper = Mapper(lambda messages: {"id": next(_calls), "said": messages}, ignore=["id"])
    assert broken_properties(mapper) == {}


def test_a_failure_says_all_that_is_needed() -> None:
    with pytest.raises(AssertionError) as caught:
        check_mapper(every_block(lambda b: None if b["type"] == "text" else b), revision=NAMES[0], examples=20)
    lines = str(caught.value).splitlines()
    assert lines[:5] == [
        "mapper/conservation-of-text: Every text turns up in the output, of text blocks and embedded resources.",
        "  lost: the text 'text-01'",
        '  input   [{"role": "user", "content": {"type": "text", "text": "text-01"}}]',
        "  output  [{'role': 'user', 'content': []}]",
        "  found in 2024-11-05 with seed 0, which finds it again",
    ]


def test_a_mapper_that_fails_now_and_then() -> None:
    with pytest.raises(AssertionError, match="mapper/deterministic"):
        check_mapper(lambda messages: [next(_calls) % 3, messages], examples=10)


def test_what_cannot_hold_is_left_out_by_name() -> None:
    check_mapper(without("isError"), without=["mapper/tells-errors-apart"], examples=5)
    with pytest.raises(ValueError, match="no property mapper/nothing"):
        check_mapper(without("isError"), without=["mapper/nothing"])


# --- mappers that do worse than raise


def hangs_on_audio(messages: list[Json]) -> Any:
    if any(block["type"] == "audio" for message in messages for block in blocks_of(message)):
        threading.Event().wait()
    return messages


def test_what_hangs_is_waited_for_a_few_times_and_told() -> None:
    with pytest.raises(AssertionError) as caught:
        check_mapper(hangs_on_audio, timeout=0.2)
    failures = str(caught.value).split("\n\n")
    assert len(failures) in (2, 3)  # two where an input is so long that a shorter one is looked for
    for failure in failures:
        assert "  the mapper did not return within 0.2 s\n  input   [" in failure
        assert '"type": "audio"' in failure
        assert "  output  " not in failure


async def hangs_later(messages: list[Json]) -> Any:
    await asyncio.Event().wait()


def test_nothing_is_called_any_more_after_that() -> None:
    calls = Calls(timeout=0.05)
    outcomes = [check_property(each, Mapper(hangs_later), REVISION, calls=calls) for each in PROPERTIES[:5]]
    assert [outcome.holds for outcome in outcomes] == [False, False, False, None, None]
    assert "not called any more: 3 of its calls did not return within 0.05 s" in outcomes[-1].why


def test_an_inverse_that_hangs() -> None:
    mapper = Mapper(lambda messages: messages, inverse=hangs_on_audio)
    outcome = check_property(PROPERTIES[-1], mapper, REVISION, calls=Calls(timeout=0.1))
    assert (outcome.holds, outcome.why) == (False, "the mapper did not return within 0.1 s")


def endless(messages: list[Json]) -> Iterator[int]:
    return itertools.count()


@pytest.mark.parametrize(
    ("function", "words"),
    [(lambda messages: sys.exit("enough"), "SystemExit('enough')"), (endless, "more than 100000 elements")],
)
def test_what_would_end_or_fill_the_process_is_a_crash(function: Callable[[Any], Any], words: str) -> None:
    outcome = check_property(PROPERTIES[0], Mapper(function), REVISION, examples=2)
    assert words in outcome.why


@pytest.mark.parametrize("function", [lambda params: {**params}, lambda messages: [dict(m) for m in messages]])
def test_what_it_takes_is_found_out(function: Callable[[Any], Any]) -> None:
    check_mapper(function, examples=3)


def test_what_takes_nothing_is_told_with_what_was_tried() -> None:
    with pytest.raises(
        AssertionError, match="in none of these ways:\n    the messages, as plain JSON: raised KeyError"
    ):
        check_mapper(lambda given: {}[0], examples=3)


def test_what_is_no_mapper_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="there is no revision '1999-01-01'; known are 2024-11-05, "):
        check_mapper(len, revision="1999-01-01")
    with pytest.raises(TypeError, match="a mapper is a function, not 7"):
        check_mapper(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes params, messages, block, but not 'text'"):
        check_mapper(len, takes="text")  # type: ignore[arg-type]
