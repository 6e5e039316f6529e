"""What the strategies yield is valid, breaks what they say, is real, is small enough, and costs no import too many."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import wave
from base64 import b64decode
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.metadata import entry_points
from io import BytesIO
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from mcp_sampling_conformance import hypothesis_hook, strategies
from mcp_sampling_conformance.judging.judge import Terms, evidence_of, judge
from mcp_sampling_conformance.judging.results import Verdict
from mcp_sampling_conformance.protocol.names import SAMPLING
from mcp_sampling_conformance.protocol.revisions import MODERN, NAMES, REVISIONS
from mcp_sampling_conformance.rules.registry import all_rules, rules_for
from mcp_sampling_conformance.strategies import Invalid, media
from mcp_sampling_conformance.strategies.breaking import (
    Table,
    errors_table,
    input_required_table,
    params_table,
    results_table,
)
from mcp_sampling_conformance.transcript.events import Retried
from mcp_sampling_conformance.transcript.transcript import Side, Transcript

WITH_TOOLS = [name for name in NAMES if REVISIONS[name].tools]
SAMPLING_CAPABILITY = {"sampling": {"tools": {}, "context": {}}}
ALL_CAPABILITIES = {**SAMPLING_CAPABILITY, "elicitation": {"form": {}, "url": {}}, "roots": {}}
CHECKED = {Verdict.PASS, Verdict.NOT_OBSERVED, Verdict.NOT_APPLICABLE}

Example = Callable[[Any], None]


def check(values: st.SearchStrategy[Any], test: Example, examples: int = 25) -> None:
    """Run a test on some values of a strategy; the first that fails is reported as it is."""

    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(values)
    def run(value: Any) -> None:
        test(value)

    run()


def legacy(revision: str, params: Any, result: Any, error: Any = None) -> Transcript:
    """One call in which the server asks for sampling and gets a result, or an error."""
    transcript = Transcript("a session", "stdio")

    def say(sender: Side, **body: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", **body})
        transcript.record(sender, text.encode(), "stdio")

    info = {"name": "a", "version": "1"}
    tasks = {"tasks": {"requests": {"sampling": {"createMessage": {}}}}} if REVISIONS[revision].tasks else {}
    about = {"protocolVersion": revision, "capabilities": {**SAMPLING_CAPABILITY, **tasks}, "clientInfo": info}
    say(Side.CLIENT, id=1, method="initialize", params=about)
    about = {"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": info}
    say(Side.SERVER, id=1, result=about)
    say(Side.CLIENT, method="notifications/initialized")
    say(Side.CLIENT, id=2, method="tools/call", params={"name": "ask", "arguments": {}})
    say(Side.SERVER, id=3, method=SAMPLING, params=params)
    say(Side.CLIENT, id=3, **({"result": result} if error is None else {"error": error}))
    say(Side.SERVER, id=2, result={"content": []})
    return transcript


def modern(revision: str, params: Any, result: Any) -> Transcript:
    """The same in two rounds."""
    transcript = Transcript("a session", "stdio")

    def say(sender: Side, **body: Any) -> None:
        transcript.record(sender, json.dumps({"jsonrpc": "2.0", **body}).encode(), "stdio")

    call = modern_call(revision, SAMPLING_CAPABILITY)
    say(Side.CLIENT, id=1, method="tools/call", params=call)
    asked = {"resultType": "input_required", "inputRequests": {"key": {"method": SAMPLING, "params": params}}}
    say(Side.SERVER, id=1, result=asked)
    say(Side.CLIENT, id=2, method="tools/call", params={**call, "inputResponses": {"key": result}})
    transcript.note(Retried(2, 1))
    say(Side.SERVER, id=2, result={"resultType": "complete", "content": []})
    return transcript


def modern_call(revision: str, capabilities: Any) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": {"name": "a", "version": "1"},
    }
    return {"name": "ask", "arguments": {}, "_meta": meta}


def answered(revision: str, **outcome: Any) -> Transcript:
    """A call in the modern era, and what it is answered with: a result, maybe questions, or an error."""
    transcript = Transcript("a session", "stdio")
    call = {"id": 1, "method": "tools/call", "params": modern_call(revision, ALL_CAPABILITIES)}
    for sender, body in (Side.CLIENT, call), (Side.SERVER, {"id": 1, **outcome}):
        transcript.record(sender, json.dumps({"jsonrpc": "2.0", **body}).encode(), "stdio")
    return transcript


def session(revision: str, params: Any, result: Any) -> Transcript:
    return (modern if revision in MODERN else legacy)(revision, params, result)


MESSAGE = {"role": "user", "content": {"type": "text", "text": "Hello."}}
PARAMS = {"messages": [MESSAGE], "maxTokens": 10}
RESULT = {"role": "assistant", "content": {"type": "text", "text": "Hello."}, "model": "m"}


def params_for(result: Any) -> dict[str, Any]:
    """Params that offer every tool that a result calls."""
    content = result.get("content") if isinstance(result, dict) else None
    blocks = content if isinstance(content, list) else [content]
    names = {b["name"] for b in blocks if isinstance(b, dict) and b.get("type") == "tool_use"}
    return PARAMS | ({"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in names]} if names else {})


def complaints(revision: str, side: Side, transcript: Transcript) -> dict[str, str]:
    results = judge(evidence_of([transcript], REVISIONS[revision]), Terms(side, "stdio"))
    return {r.rule: r.message for r in results if r.verdict not in CHECKED}


@pytest.mark.parametrize("revision", NAMES)
def test_valid_params_break_no_rule(revision: str) -> None:
    def test(params: Any) -> None:
        assert complaints(revision, Side.SERVER, session(revision, params, RESULT)) == {}

    check(strategies.create_message_params(revision=revision), test)


@pytest.mark.parametrize("revision", NAMES)
def test_valid_results_break_no_rule(revision: str) -> None:
    def test(result: Any) -> None:
        assert complaints(revision, Side.CLIENT, session(revision, params_for(result), result)) == {}

    check(strategies.create_message_results(revision=revision), test)


@pytest.mark.parametrize("revision", NAMES)
def test_valid_errors_break_no_rule(revision: str) -> None:
    def test(error: Any) -> None:
        if revision in MODERN:
            assert complaints(revision, Side.SERVER, answered(revision, error=error)) == {}
        else:
            assert complaints(revision, Side.CLIENT, legacy(revision, PARAMS, None, error)) == {}

    check(strategies.errors(revision=revision), test)


@pytest.mark.parametrize("revision", sorted(MODERN))
def test_valid_questions_break_no_rule(revision: str) -> None:
    seen: set[str] = set()

    def test(result: Any) -> None:
        assert complaints(revision, Side.SERVER, answered(revision, result=result)) == {}
        seen.update(asked["method"] for asked in result.get("inputRequests", {}).values())

    check(strategies.input_required_results(revision=revision), test, 60)
    assert seen == {SAMPLING, "elicitation/create", "roots/list"}
    seen.clear()
    check(strategies.input_required_results(revision=revision, others=False), test)
    assert seen == {SAMPLING}


def assert_broken(
    revision: str, side: Side, transcript: Transcript, invalid: Invalid, inside: tuple[str, ...] | None = None
) -> None:
    found = complaints(revision, side, transcript)
    assert found.keys() == {invalid.rule}, (invalid, found)
    (rule,) = [r for r in all_rules() if r.name == invalid.rule and side in r.binds]
    evidence = evidence_of([transcript], REVISIONS[revision])
    places = [finding.at.path for finding in rule.check(evidence, side) if not finding.holds and finding.at]
    start: tuple[str, ...] = ("params",) if side is Side.SERVER else ("result",)
    if revision in MODERN:
        start = ("params", "inputResponses", "key")
        if side is Side.SERVER:
            start = ("result", "inputRequests", "key", "params")
    start = inside or start
    assert (*start, *invalid.path) in places, (invalid, places)


def last(values: Any) -> Any:
    """What a strategy of places could draw."""
    return values.elements[-1]


def each_way(table: Table, valid: dict[str, Any]) -> Iterator[Invalid]:
    """A valid value, broken in each way that there is."""
    for rule, breakers in table.items():
        for put_in in breakers:
            value = deepcopy(valid)
            yield Invalid(value, rule, put_in(last, value))


@pytest.mark.parametrize("revision", NAMES)
def test_each_way_to_break_params_breaks_exactly_its_rule(revision: str) -> None:
    for invalid in each_way(params_table(REVISIONS[revision]), PARAMS):
        assert_broken(revision, Side.SERVER, session(revision, invalid.value, RESULT), invalid)


@pytest.mark.parametrize("revision", NAMES)
def test_each_way_to_break_a_result_breaks_exactly_its_rule(revision: str) -> None:
    for invalid in each_way(results_table(REVISIONS[revision]), RESULT):
        assert_broken(revision, Side.CLIENT, session(revision, params_for(invalid.value), invalid.value), invalid)


ERROR = {"code": -1, "message": "no"}
ASKING = {"resultType": "input_required", "requestState": "s"}


@pytest.mark.parametrize("revision", [name for name in NAMES if name not in MODERN])
def test_each_way_to_break_an_error_breaks_exactly_its_rule(revision: str) -> None:
    for invalid in each_way(errors_table(REVISIONS[revision]), ERROR):
        assert_broken(revision, Side.CLIENT, legacy(revision, PARAMS, None, invalid.value), invalid, ("error",))


@pytest.mark.parametrize("revision", sorted(MODERN))
def test_each_way_to_break_questions_breaks_exactly_its_rule(revision: str) -> None:
    for invalid in each_way(input_required_table(REVISIONS[revision]), ASKING):
        assert_broken(revision, Side.SERVER, answered(revision, result=invalid.value), invalid, ("result",))


#: topics that are about more than what one message says
ABOUT_MORE = {"association", "framing", "http", "id", "liveness", "tasks"}
#: what one message can break, and no strategy does: so that it is no example of anything else
NOT_MADE = {"content/meta-objects", "content/schemas-valid", "content/tool-names-unique"}
#: what rules of the others are about that no single message can break: what becomes of it, or what came before
MORE_THAN_A_MESSAGE = re.compile(
    r".*(-survived|-rejected|-rejected-code|-answered|/tolerated|/hints?-.*|/respected|/stop-reason-at-limit)"
    r"|result/(open-fields|call-result)|tool-loop/(answers-tool-use|iteration-limit|choice-.*|offered-only|cancelled-.*)"
    r"|capability/(undeclared-.*|tools?-.*|tasks?-.*|context-undeclared-.*|per-request|declared-.*)"
    r"|capability/(not-before-initialized|initialized-afterwards|request-meta-complete)"
    r"|error/(rejection-code|reserved-codes|valid-not-invalid)|content/(not-empty|kinds-accepted|meta-preserved)"
    r"|single-response/(progress-.*|proceeds-after-one|duplicate-ignored|exactly-one|complete|log-level)"
    r"|input-required/(only-where-allowed|undeclared-not-asked|missing-asked-again|extra-ignored|state-.*"
    r"|another-connection|asks-in-.*|asked-.*|all-answered|new-id|not-leaked|unknown-result-type|mixed-requests)"
)


def breakable(revision: str, side: Side) -> set[str]:
    """The rules that one message can break, by the registry: a new one is among them until it is named above."""
    names = {rule.name for rule in rules_for(side, REVISIONS[revision]) if rule.topic not in ABOUT_MORE}
    found = {name for name in names if not MORE_THAN_A_MESSAGE.fullmatch(name)} - NOT_MADE
    if side is Side.SERVER:
        found.discard("error/shape")  # that of what answers a call, which no strategy makes
    if not REVISIONS[revision].content_arrays:
        found.discard("content/array")  # any array breaks capability/revision-respected with it
    if revision in MODERN:
        found.discard("parameters/meta")  # these params have no _meta
    if side is Side.CLIENT or revision == "2025-11-25":
        found.discard("capability/revision-respected")  # only with content that content/blocks-valid knows no more
    return found


@pytest.mark.parametrize("revision", NAMES)
def test_every_rule_that_one_message_can_break_is_broken(revision: str) -> None:
    found = REVISIONS[revision]
    of_servers = input_required_table(found) if revision in MODERN else params_table(found)
    assert of_servers.keys() == breakable(revision, Side.SERVER)
    assert params_table(found).keys() <= of_servers.keys()
    of_clients = results_table(found).keys() | (set() if revision in MODERN else errors_table(found).keys())
    assert of_clients == breakable(revision, Side.CLIENT)


@pytest.mark.parametrize("revision", NAMES)
def test_invalid_params_break_exactly_one_rule(revision: str) -> None:
    def test(invalid: Invalid) -> None:
        assert_broken(revision, Side.SERVER, session(revision, invalid.value, RESULT), invalid)

    check(strategies.invalid_create_message_params(revision=revision), test, 40)


@pytest.mark.parametrize("revision", NAMES)
def test_invalid_results_break_exactly_one_rule(revision: str) -> None:
    def test(invalid: Invalid) -> None:
        transcript = session(revision, params_for(invalid.value), invalid.value)
        assert_broken(revision, Side.CLIENT, transcript, invalid)

    check(strategies.invalid_create_message_results(revision=revision), test, 40)


def test_invalid_errors_and_questions_break_exactly_one_rule() -> None:
    def test_error(invalid: Invalid) -> None:
        transcript = legacy("2025-11-25", PARAMS, None, invalid.value)
        assert_broken("2025-11-25", Side.CLIENT, transcript, invalid, ("error",))

    def test_questions(invalid: Invalid) -> None:
        transcript = answered("2026-07-28", result=invalid.value)
        assert_broken("2026-07-28", Side.SERVER, transcript, invalid, ("result",))

    check(strategies.invalid_errors(revision="2025-11-25"), test_error)
    check(strategies.invalid_input_required_results(revision="2026-07-28"), test_questions, 40)
    with pytest.raises(ValueError, match="no InputRequiredResult"):
        strategies.invalid_input_required_results(revision="2025-11-25")
    with pytest.raises(ValueError, match="no request for sampling is answered with an error"):
        strategies.invalid_errors(revision="2026-07-28")


def test_rules_can_be_chosen() -> None:
    values = strategies.invalid_create_message_params(rules=["max-tokens/present"])
    check(values, lambda invalid: invalid.rule == "max-tokens/present" or pytest.fail(invalid.rule))
    with pytest.raises(ValueError, match="nothing here breaks no/rule in 2024-11-05"):
        strategies.invalid_create_message_results(revision="2024-11-05", rules=["no/rule"])


def test_what_a_revision_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no revision of MCP"):
        strategies.content_blocks(revision="2025")
    with pytest.raises(ValueError, match="no blocks of type audio"):
        strategies.content_blocks(revision="2024-11-05", kinds=["audio", "text"])
    with pytest.raises(ValueError, match="no tools"):
        strategies.tools(revision="2025-06-18")
    with pytest.raises(ValueError, match="no InputRequiredResult"):
        strategies.input_required_results(revision="2025-11-25")


@pytest.mark.parametrize("revision", NAMES)
def test_all_kinds_of_content_come_and_no_other(revision: str) -> None:
    seen = set()
    check(strategies.content_blocks(revision=revision), lambda block: seen.add(block["type"]), 100)
    assert seen == REVISIONS[revision].content_types


@pytest.mark.parametrize("revision", WITH_TOOLS)
def test_inputs_satisfy_the_schemas_of_their_tools(revision: str) -> None:
    def test(pair: Any) -> None:
        tool, given = pair
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        jsonschema.validate(given, tool["inputSchema"], format_checker=jsonschema.FormatChecker())

    tools = strategies.tools(revision=revision)
    check(tools.flatmap(lambda tool: st.tuples(st.just(tool), strategies.tool_inputs(tool))), test, 100)


@pytest.mark.parametrize("revision", WITH_TOOLS)
def test_what_is_structured_is_any_json_value_since_2026(revision: str) -> None:
    seen: set[type] = set()

    def test(block: Any) -> None:
        if "structuredContent" in block:
            seen.add(type(block["structuredContent"]))

    check(strategies.content_blocks(revision=revision, kinds=["tool_result"]), test, 300)
    assert dict in seen
    assert (seen == {dict}) == (revision not in MODERN)


def plain(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


SOUGHT: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "anything": (lambda result: True, plain("Hello.")),
    "empty": (lambda result: result["content"] == plain(""), plain("")),
    "astral": (lambda result: "\U0001f600" in json.dumps(result["content"], ensure_ascii=False), plain("\U0001f600")),
    "huge": (lambda result: len(json.dumps(result)) > 2**16, plain(strategies.values.TEXTS[-1])),
    "array": (lambda result: isinstance(result["content"], list), [plain("Hello.")]),
    "stopReason": (lambda result: "stopReason" in result, plain("Hello.")),
    "image": (
        lambda result: "image/" in json.dumps(result["content"]),
        {"type": "image", "mimeType": media.images()[0][0], "data": media.images()[0][1]},
    ),
    "tool": (
        lambda result: '"tool_use"' in json.dumps(result["content"]),
        {"type": "tool_use", "id": "call_0", "name": "get_weather", "input": {}},
    ),
}


@pytest.mark.parametrize("what", SOUGHT)
def test_what_breaks_most_is_found_soon_and_shrinks_to_a_simple_result_in_few_trials(what: str) -> None:
    is_it, content = SOUGHT[what]
    trials: set[str] = set()
    found_after = 0

    def seek(result: Any) -> bool:
        nonlocal found_after
        trials.add(json.dumps(result))
        found_after = found_after or (len(trials) if is_it(result) else 0)
        return is_it(result)

    how = settings(max_examples=500, database=None, suppress_health_check=list(HealthCheck))
    result = find(strategies.create_message_results(), seek, settings=how, random=Random(1))
    assert result["content"] == content
    assert result.keys() <= {"role", "content", "model", "stopReason"}
    assert found_after < 150
    assert len(trials) - found_after < 100


def test_inputs_for_a_schema_of_ones_own() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "integer", "minimum": 5}}, "required": ["city"]}
    inputs = strategies.tool_inputs({"name": "a", "inputSchema": schema})
    check(inputs, lambda given: jsonschema.validate(given, schema), 10)


@pytest.mark.parametrize("revision", WITH_TOOLS)
def test_calls_in_params_are_calls_of_the_tools_that_are_offered(revision: str) -> None:
    seen = set()

    def test(params: Any) -> None:
        schemas = {tool["name"]: tool["inputSchema"] for tool in params.get("tools", ())}
        for message in params["messages"]:
            content = message["content"]
            for block in content if isinstance(content, list) else [content]:
                if block["type"] == "tool_use" and schemas:
                    jsonschema.validate(block["input"], schemas[block["name"]])
                    seen.add(len(json.dumps(content)))

    check(strategies.create_message_params(revision=revision), test, 100)
    assert len(seen) > 2  # parallel ones too


def test_images_and_sounds_are_what_they_say() -> None:
    magic = {
        "image/png": b"\x89PNG\r\n\x1a\n",
        "image/jpeg": b"\xff\xd8\xff",
        "image/gif": b"GIF89a",
        "image/webp": b"RIFF",
        "audio/wav": b"RIFF",
        "audio/x-wav": b"RIFF",
        "audio/mpeg": b"\xff\xfb",
        "audio/mp3": b"\xff\xfb",
    }
    files = [*media.images(), *media.sounds()]
    assert {mime for mime, _ in files} == magic.keys()
    for mime, text in files:
        data = b64decode(text, validate=True)
        assert data.startswith(magic[mime])
        if mime.endswith("wav"):
            with wave.open(BytesIO(data)) as sound:
                assert sound.getnframes() > 0


def test_texts_are_nasty_and_survive_utf_8() -> None:
    found: list[str] = []
    check(strategies.texts(), found.append, 300)
    assert [text.encode().decode() for text in found] == found
    assert any(len(text.encode()) > 2**16 for text in found)
    assert any("\0" in text for text in found)
    assert any(max(text, default="") > "\uffff" for text in found)


MODELS = [
    "SamplingMessage",
    "TextContent",
    "ImageContent",
    "AudioContent",
    "ToolUseContent",
    "ToolResultContent",
    "EmbeddedResource",
    "ResourceLink",
    "ModelPreferences",
    "Tool",
    "ToolChoice",
    "CreateMessageRequestParams",
    "CreateMessageRequest",
    "CreateMessageResult",
    "CreateMessageResultWithTools",
    "ErrorData",
    "InputRequiredResult",
]


def sdk_model(name: str) -> Any:
    """A model of the SDK, of which version 1 has fewer."""
    import mcp.types

    return getattr(mcp.types, name, None) or pytest.skip(f"this version of the SDK has no {name}")


@pytest.mark.parametrize("name", MODELS)
def test_types_of_the_sdk_have_their_strategy(name: str) -> None:
    hypothesis_hook.register()
    model = sdk_model(name)
    check(st.from_type(model), lambda value: isinstance(value, model) or pytest.fail(repr(value)), 10)


ONE = {
    "sampling_messages": "SamplingMessage",
    "model_preferences": "ModelPreferences",
    "model_hints": "ModelHint",
    "tools": "Tool",
    "tool_choices": "ToolChoice",
    "create_message_params": "CreateMessageRequestParams",
    "errors": "ErrorData",
    "input_required_results": "InputRequiredResult",
}


@pytest.mark.parametrize("name", ONE)
def test_models_on_request(name: str) -> None:
    model = sdk_model(ONE[name])
    values = getattr(strategies, name)(as_model=True)
    check(values, lambda value: isinstance(value, model) or pytest.fail(repr(value)), 10)


def test_models_of_several_types_on_request() -> None:
    from mcp.types import CreateMessageResult, CreateMessageResultWithTools, SamplingMessage

    seen = set()
    check(strategies.create_message_results(as_model=True), lambda result: seen.add(type(result)), 50)
    assert seen == {CreateMessageResult, CreateMessageResultWithTools}
    seen.clear()
    check(strategies.content_blocks(as_model=True), lambda block: seen.add(block.type), 100)
    assert seen == REVISIONS[strategies.NEWEST].content_types
    check(strategies.conversations(as_model=True, min_size=1), lambda turns: seen.update(map(type, turns)), 10)
    assert SamplingMessage in seen


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_the_sdk_is_not_imported_until_it_is_needed() -> None:
    code = """
import sys
from mcp_sampling_conformance.hypothesis_hook import register
register()
register()
print(len([f for f in sys.meta_path if "hypothesis_hook" in type(f).__module__]))
import hypothesis.strategies as st
print({"mcp", "pydantic", "mcp_sampling_conformance.strategies"} & sys.modules.keys())
from mcp_sampling_conformance import hypothesis_hook, strategies
print({"mcp", "pydantic"} & sys.modules.keys())
import mcp.types
print(len([f for f in sys.meta_path if "hypothesis_hook" in type(f).__module__]))
print(mcp.types.__spec__.loader is mcp.types.__loader__, "hypothesis_hook" in type(mcp.types.__loader__).__module__)
"""
    assert python(code).splitlines() == ["1", "set()", "set()", "0", "True False"]


def test_types_are_known_as_soon_as_hypothesis_is_imported() -> None:
    hook = entry_points(group="hypothesis")["mcp_sampling_conformance"]
    assert hook.load() is hypothesis_hook.register
    for first, then in (("hypothesis", "mcp.types"), ("mcp.types", "hypothesis")):
        code = f"import {first}, {then}; from hypothesis.strategies._internal.types import _global_type_lookup as known"
        assert python(f"{code}; print(mcp.types.SamplingMessage in known)") == "True\n"
