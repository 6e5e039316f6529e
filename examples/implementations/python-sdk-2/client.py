"""Answers sampling with a fixed text. Its arguments are the server's command, or its URL."""

import sys
from contextlib import suppress

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import CreateMessageResult, TextContent


async def sample(context, params):
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="my-model")


async def main(command, *arguments):
    server = command if command.startswith("http") else StdioServerParameters(command=command, args=list(arguments))
    async with Client(server, sampling_callback=sample) as client:
        for tool in (await client.list_tools()).tools:
            with suppress(Exception):
                await client.call_tool(tool.name, {})


anyio.run(main, *sys.argv[1:])
