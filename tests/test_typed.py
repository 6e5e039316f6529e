"""A test module of a user who has types checked: what the package hands out has the types that its documentation says.

``mypy`` (strict) checks this module with the package, and ``assert_type`` fails there, not when the tests run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, assert_type

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mcp import types

from mcp_sampling_conformance import strategies
from mcp_sampling_conformance.mappers import PROPERTIES, Broken, Mapper, Property, check_mapper
from mcp_sampling_conformance.strategies import Invalid
from mcp_sampling_conformance.testing import ClientFixture, SamplingClient, SamplingServer, ServerFixture

Json = dict[str, Any]

FIXTURES = Path(__file__).parent.parent / "fixtures"
PARAMS: Json = {"messages": [{"role": "user", "content": {"type": "text", "text": "Hi."}}], "maxTokens": 9}


def test_a_server(mcp_sampling_client: ClientFixture) -> None:
    def answer(params: Json) -> str:
        return str(params["maxTokens"])

    server = [sys.executable, str(FIXTURES / "reference_server.py")]
    client = mcp_sampling_client(server, answers=["Sunny.", answer, {"error": {"code": -1, "message": "no"}}])
    assert_type(client, SamplingClient)
    assert_type(client.call_tool("ask", {"question": "?"}), Json)
    assert_type(client.requests, list[Json])


async def callback(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content = types.TextContent(type="text", text=f"{len(params.messages)} message")
    return types.CreateMessageResult(role="assistant", content=content, model="m")


def test_a_callback(mcp_sampling_server: ServerFixture) -> None:
    server = mcp_sampling_server(callback, revision="2025-11-25")
    assert_type(server, SamplingServer)
    assert_type(server.ask(PARAMS), Json)
    assert_type(server.ask_all([PARAMS]), list[Json])


@settings(max_examples=2)
@given(strategies.sampling_messages(as_model=True), strategies.sampling_messages(), st.from_type(types.SamplingMessage))
def test_messages(model: types.SamplingMessage, plain: Json, registered: types.SamplingMessage) -> None:
    assert isinstance(model, types.SamplingMessage)
    assert isinstance(plain["role"], str)
    assert isinstance(registered, types.SamplingMessage)


def test_each_strategy_says_what_it_yields() -> None:
    assert_type(strategies.sampling_messages(), SearchStrategy[Json])
    assert_type(strategies.conversations(min_size=1), SearchStrategy[list[Json]])
    assert_type(strategies.conversations(as_model=True), SearchStrategy[list[types.SamplingMessage]])
    assert_type(strategies.model_hints(as_model=True), SearchStrategy[types.ModelHint])
    assert_type(strategies.model_preferences(as_model=True), SearchStrategy[types.ModelPreferences])
    assert_type(strategies.tools(as_model=True), SearchStrategy[types.Tool])
    assert_type(strategies.tool_choices(as_model=True), SearchStrategy[types.ToolChoice])
    params = strategies.create_message_params(tools=False, as_model=True)
    assert_type(params, SearchStrategy[types.CreateMessageRequestParams])
    results = strategies.create_message_results(tools=False, as_model=True)
    assert_type(results, SearchStrategy[types.CreateMessageResult | types.CreateMessageResultWithTools])
    assert_type(strategies.errors(as_model=True), SearchStrategy[types.ErrorData])
    assert_type(strategies.input_required_results(), SearchStrategy[Json])
    assert_type(strategies.invalid_create_message_params(rules=["max-tokens/integer"]), SearchStrategy[Invalid])
    assert_type(strategies.texts(), SearchStrategy[str])


@settings(max_examples=2)
@given(strategies.content_blocks(kinds=["text", "image"], as_model=True))
def test_blocks(block: Any) -> None:
    assert isinstance(block, types.TextContent | types.ImageContent)


def to_provider(messages: list[types.SamplingMessage]) -> list[Json]:
    return [message.model_dump(mode="json", by_alias=True, exclude_none=True) for message in messages]


def refuse_nothing(messages: list[Json]) -> list[Json]:
    return messages


def test_a_mapper() -> None:
    check_mapper(refuse_nothing, takes="messages", rejects=(NotImplementedError, ValueError), examples=2)
    mapper = Mapper(to_provider, takes="messages", as_models=True, ignore=["id"])
    assert mapper.takes == "messages"
    assert_type([each.name for each in PROPERTIES], list[str])
    assert issubclass(Broken, Exception)
    assert all(isinstance(each, Property) for each in PROPERTIES)
