"""What depends on the version of the Python SDK: each test takes the code of a user of that which is installed.

CI runs this module with version 1 and with version 2.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mcp_sampling_conformance.scenarios.client.callback  # noqa: F401  (else each run in this process imports the SDK again)
from mcp_sampling_conformance import hypothesis_hook, strategies
from mcp_sampling_conformance.mappers import check_mapper
from mcp_sampling_conformance.testing import NotSpoken

MAJOR = int(version("mcp").partition(".")[0])
NEWEST_LEGACY, MODERN = "2025-11-25", "2026-07-28"
#: version 1 is asked for the modern era too, which it does not speak; how version 2 speaks it is for other tests
REVISIONS = (NEWEST_LEGACY, MODERN) if MAJOR == 1 else (NEWEST_LEGACY,)
OPTIONS = (*(f"--mcp-spec-version={name}" for name in REVISIONS), "--mcp-examples=0")

#: a callback, and one that answers nothing
CALLBACK = {
    1: """
    import anyio
    from mcp.client.session import ClientSession
    from mcp.shared.context import RequestContext
    from mcp.types import CreateMessageRequestParams, CreateMessageResult, ErrorData, TextContent


    async def echo(
        context: RequestContext[ClientSession, None], params: CreateMessageRequestParams
    ) -> CreateMessageResult | ErrorData:
        if params.tools is not None or params.toolChoice is not None or "tool_use" in str(params.messages):
            return ErrorData(code=-32602, message="this client did not declare sampling.tools")
        content = params.messages[-1].content
        words = content.text.split() if isinstance(content, TextContent) else ["Interesting."]
        return CreateMessageResult(
            role="assistant",
            content=TextContent(type="text", text=" ".join(words[: params.maxTokens])),
            model="echo-1",
            stopReason="maxTokens" if len(words) > params.maxTokens else "endTurn",
        )


    async def hangs(context, params):
        await anyio.sleep_forever()
    """,
    2: """
    import anyio
    from mcp.types import CreateMessageResult, ErrorData, TextContent


    async def echo(context, params):
        if params.tools is not None or params.tool_choice is not None or "tool_use" in str(params.messages):
            return ErrorData(code=-32602, message="this client did not declare sampling.tools")
        content = params.messages[-1].content
        words = content.text.split() if isinstance(content, TextContent) else ["Interesting."]
        return CreateMessageResult(
            role="assistant",
            content=TextContent(type="text", text=" ".join(words[: params.max_tokens])),
            model="echo-1",
            stop_reason="maxTokens" if len(words) > params.max_tokens else "endTurn",
        )


    async def hangs(context, params):
        await anyio.sleep_forever()
    """,
}

#: a server object of each of the two sorts
SERVERS = {
    1: """
    from mcp.server.fastmcp import Context, FastMCP
    from mcp.server.lowlevel import Server
    from mcp.types import SamplingMessage, TextContent, Tool

    high, low = FastMCP("high"), Server("low")


    async def answer(session) -> str:
        question = SamplingMessage(role="user", content=TextContent(type="text", text="What now?"))
        result = await session.create_message(messages=[question], max_tokens=100)
        return result.content.text if isinstance(result.content, TextContent) else "no words"


    @high.tool()
    async def ask(context: Context) -> str:
        return await answer(context.session)


    @low.list_tools()
    async def tools() -> list[Tool]:
        return [Tool(name="ask", inputSchema={"type": "object"})]


    @low.call_tool()
    async def call(name: str, arguments: dict) -> list[TextContent]:
        return [TextContent(type="text", text=await answer(low.request_context.session))]
    """,
    2: """
    from mcp.server.lowlevel import Server
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.types import CallToolResult, ListToolsResult, SamplingMessage, TextContent, Tool


    async def answer(session) -> str:
        question = SamplingMessage(role="user", content=TextContent(type="text", text="What now?"))
        result = await session.create_message(messages=[question], max_tokens=100)
        return result.content.text if isinstance(result.content, TextContent) else "no words"


    async def tools(context, params):
        return ListToolsResult(tools=[Tool(name="ask", input_schema={"type": "object"})])


    async def call(context, params):
        return CallToolResult(content=[TextContent(type="text", text=await answer(context.session))])


    high, low = MCPServer("high"), Server("low", on_list_tools=tools, on_call_tool=call)


    @high.tool()
    async def ask(context: Context) -> str:
        return await answer(context.session)
    """,
}

#: a mapper of models
MAPPER = {
    1: """
    from mcp.types import SamplingMessage


    def to_provider(messages: list[SamplingMessage]) -> list[dict]:
        return [message.model_dump(mode="json", by_alias=True, exclude_none=True) for message in messages]
    """,
    2: """
    from mcp.types import SamplingMessage


    def to_provider(messages: list[SamplingMessage]) -> list[dict]:
        return [message.model_dump(mode="json", by_alias=True, exclude_unset=True) for message in messages]
    """,
}

Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def judge(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Run pytest with options and give the JSON report."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def judged(*options: str) -> dict[str, Any]:
        plugin = ("-p", "mcp_sampling_conformance.plugin", "mcp-sampling")
        pytester.runpytest_inprocess(*plugin, *options, "--mcp-report", "r.json")
        report: dict[str, Any] = json.loads((pytester.path / "r.json").read_text(encoding="utf-8"))
        return report

    return judged


def user_module(pytester: pytest.Pytester, sources: dict[int, str], name: str) -> None:
    pytester.makepyfile(**{name: textwrap.dedent(sources[MAJOR])})


def modern(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The results on the rules in the modern era, without that on the run."""
    return [r for r in report["results"] if r["revision"] == MODERN and r["rule"] != "sampling-reached"]


def test_a_callback(pytester: pytest.Pytester, judge: Judge) -> None:
    user_module(pytester, CALLBACK, "mine")
    report = judge("--mcp-callback", "mine:echo", *OPTIONS)
    bad = [r for r in report["results"] if r["verdict"] in ("fail", "warn", "error")]
    assert bad == []
    works = {status["revision"]: status["works"] for status in report["sampling"]}
    assert works == {name: name == NEWEST_LEGACY for name in REVISIONS}
    if MAJOR == 1:
        assert {result["verdict"] for result in modern(report)} == {"not-applicable"}
        assert "speaks no revision of the modern era; install mcp 2" in modern(report)[0]["message"]


def test_a_callback_that_hangs_holds_up_nothing_else(pytester: pytest.Pytester, judge: Judge) -> None:
    user_module(pytester, CALLBACK, "mine")
    one = ("--mcp-spec-version", "2025-06-18", "--mcp-examples=0", "--mcp-timeout=0.05")
    report = judge("--mcp-callback", "mine:hangs", *one)
    results = {result["rule"]: result for result in report["results"]}
    failed = {rule for rule, result in results.items() if result["verdict"] in ("fail", "warn", "error")}
    assert failed == {"single-response/exactly-one", "sampling-reached"}
    assert "did not return within 0.05 s" in results["sampling-reached"]["message"]


@pytest.mark.parametrize("name", ["high", "low"])
def test_a_server_in_memory(pytester: pytest.Pytester, judge: Judge, name: str) -> None:
    user_module(pytester, SERVERS, "mine")
    report = judge("--mcp-server", f"mine:{name}", "--mcp-tool", "ask", *OPTIONS)
    assert report["target"]["transport"] == "memory"
    works = {status["revision"]: status["works"] for status in report["sampling"]}
    assert works == {name: name == NEWEST_LEGACY for name in REVISIONS}
    broken = {r["rule"] for r in report["results"] if r["verdict"] in ("fail", "error") and r["revision"] != MODERN}
    assert broken == {"capability/undeclared-not-used"}  # the SDK asks whomever it is told to
    if MAJOR == 1:
        assert {result["verdict"] for result in modern(report)} == {"not-applicable"}


def test_the_fixture_server_for_a_callback(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mcp_sampling_server: Any
) -> None:
    user_module(pytester, CALLBACK, "mine")
    monkeypatch.syspath_prepend(str(pytester.path))
    import mine  # type: ignore[import-not-found]

    hello = {"messages": [{"role": "user", "content": {"type": "text", "text": "Hi."}}], "maxTokens": 9}
    assert mcp_sampling_server(mine.echo).ask(hello)["result"]["content"]["text"] == "Hi."
    newest = mcp_sampling_server(mine.echo, revision=MODERN)
    if MAJOR == 1:
        with pytest.raises(NotSpoken, match="install mcp 2"):
            newest.ask(hello)
    else:
        assert newest.ask(hello)["result"]["model"] == "echo-1"


MODELS = {
    "SamplingMessage": strategies.sampling_messages,
    "Tool": strategies.tools,
    "CreateMessageRequestParams": strategies.create_message_params,
    "ErrorData": strategies.errors,
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str) -> None:
    from mcp import types

    hypothesis_hook.register()
    model = getattr(types, name)

    @settings(max_examples=10)
    @given(MODELS[name](as_model=True), st.from_type(model))
    def check(asked: Any, known: Any) -> None:
        assert isinstance(asked, model)
        assert isinstance(known, model)

    check()


def test_a_model_that_this_version_does_not_have() -> None:
    expected = pytest.raises(ValueError, match="has no InputRequiredResult") if MAJOR == 1 else nullcontext()
    with expected:
        strategies.input_required_results(as_model=True)


def test_a_mapper_of_models(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    user_module(pytester, MAPPER, "mine")
    monkeypatch.syspath_prepend(str(pytester.path))
    import mine

    check_mapper(mine.to_provider, takes="messages", as_models=True, examples=5)


def test_a_message_is_written_as_over_stdio() -> None:
    """With the members that the SDK's own transports write, no more and no fewer."""
    from mcp.shared.message import SessionMessage
    from mcp.types import JSONRPCNotification

    from mcp_sampling_conformance.transports.sdk_messages import from_sdk, to_sdk

    text = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    message = to_sdk(text)
    assert message is not None
    assert json.loads(from_sdk(message)) == json.loads(text)
    assert to_sdk(b'{"jsonrpc": "1.0"}') is None
    assert from_sdk(SessionMessage(getattr(message.message, "root", message.message)))
    assert isinstance(getattr(message.message, "root", message.message), JSONRPCNotification)
