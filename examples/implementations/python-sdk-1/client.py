"""Answers sampling with a fixed text. Its arguments are the server's command, or its URL."""

import sys
from contextlib import suppress

import anyio
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageResult, TextContent


async def sample(context, params):
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="my-model")


def connect(command, *arguments):
    if command.startswith("http"):
        return streamable_http_client(command)
    return stdio_client(StdioServerParameters(command=command, args=list(arguments)))


async def main():
    async with connect(*sys.argv[1:]) as streams, ClientSession(*streams[:2], sampling_callback=sample) as session:
        await session.initialize()
        for tool in (await session.list_tools()).tools:
            with suppress(Exception):
                await session.call_tool(tool.name, {})


anyio.run(main)
