"""The fixtures for users' own tests, used as the README shows: sync, under pytest-asyncio, under anyio."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.types import CreateMessageRequestParams, CreateMessageResult, TextContent

from mcp_sampling_conformance.testing import CallFailed

FIXTURES = Path(__file__).parent.parent / "fixtures"
SERVER = [sys.executable, "-S", str(FIXTURES / "reference_server.py")]
CLIENT = [sys.executable, "-S", str(FIXTURES / "reference_client.py"), "{server}"]


async def my_callback(context: Any, params: CreateMessageRequestParams) -> CreateMessageResult:
    """A callback as a user would write it: it says back what it was told last."""
    await anyio.sleep(0)
    content = params.messages[-1].content
    said = content.text if isinstance(content, TextContent) else "nothing"
    answer = TextContent(type="text", text=said.upper())
    return CreateMessageResult(role="assistant", content=answer, model="echo-1")


def hello(words: str = "Hello.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": {"type": "text", "text": words}}], "maxTokens": 10}


def test_what_a_tool_asked_for(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client(SERVER, answers=["Sunny.", {"error": {"code": -1, "message": "no"}}])
    assert client.call_tool("ask", {"question": "Weather?"})["content"][0]["text"] == "Sunny."
    assert client.requests[0]["messages"][0]["content"]["text"] == "Weather?"
    assert client.requests[0]["maxTokens"] == 100
    assert client.call_tool("ask", {"question": "Again?"})["isError"]
    assert client.call_tool("ask", {"question": "Beyond the script?"})["content"][0]["text"]


def test_answers_may_be_computed(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client(SERVER, answers=[lambda params: f"{len(params['messages'])} message"])
    assert client.get_prompt("summary", {"topic": "x"})["messages"][0]["content"]["text"] == "1 message"
    assert client.read_resource("sampled://answer")["contents"][0]["text"]


def test_a_client_without_sampling(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client(SERVER, sampling=None, revision="2025-06-18")
    assert "needs a client with sampling" in client.call_tool("ask", {"question": "?"})["content"][0]["text"]
    assert client.requests == []


def test_a_failed_call_says_why(mcp_sampling_client: Any) -> None:
    client = mcp_sampling_client([sys.executable, "-S", str(FIXTURES / "server_mutants.py"), "dies-on-image"])
    with pytest.raises(CallFailed, match="does not open in"):
        mcp_sampling_client([sys.executable, "-c", ""]).call_tool("ask")
    with pytest.raises(CallFailed, match="no server to connect to"):
        mcp_sampling_client()
    assert client.call_tool("ask", {"question": "Still there?"})


@pytest.mark.parametrize("client", [my_callback, CLIENT], ids=["callback", "command"])
def test_what_a_client_answers(mcp_sampling_server: Any, client: Any) -> None:
    server = mcp_sampling_server(client)
    first, second = server.ask_all([hello(), hello("Goodbye.")])
    assert first["result"]["content"]["text"].lower() == "hello."
    assert second["result"]["role"] == "assistant"
    assert server.ask({**hello(), "maxTokens": "many"})["error"]["code"] == -32602


@pytest.mark.asyncio
async def test_under_pytest_asyncio(mcp_sampling_client: Any, mcp_sampling_server: Any) -> None:
    await anyio.sleep(0)
    assert mcp_sampling_client(SERVER).call_tool("ask", {"question": "?"})
    assert mcp_sampling_server(my_callback).ask(hello())["result"]["model"] == "echo-1"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_under_anyio(anyio_backend: str, mcp_sampling_client: Any, mcp_sampling_server: Any) -> None:
    await anyio.sleep(0)
    assert mcp_sampling_client(SERVER).call_tool("ask", {"question": "?"})
    assert mcp_sampling_server(my_callback).ask(hello())["result"]["model"] == "echo-1"
