"""A Pydantic AI client: the model of its MCP toolset answers the server's sampling requests.

Run as ``python client.py SERVER-COMMAND…`` it fulfils the contract of a client under test.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from fastmcp.client.transports import StdioTransport
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


def think(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """In place of a provider's model, which would cost money and answer differently each time."""
    return ModelResponse(parts=[TextPart("Paris")])


async def main(command: str, *args: str) -> None:
    model = FunctionModel(think, model_name="thinker")
    async with MCPToolset(StdioTransport(command, list(args)), sampling_model=model) as toolset:
        for tool in await toolset.list_tools():
            with suppress(Exception):  # what the server makes of the answer is its own affair
                await toolset.direct_call_tool(tool.name, {})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
