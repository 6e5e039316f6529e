"""Answers sampling with a fixed text. Its arguments are the server's command, or its URL."""

import asyncio
import sys
from contextlib import suppress

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport


async def sample(messages, params, context):
    return "Paris"


def server(command, *arguments):
    return StreamableHttpTransport(command) if command.startswith("http") else StdioTransport(command, list(arguments))


async def main():
    async with Client(server(*sys.argv[1:]), sampling_handler=sample) as client:
        for tool in await client.list_tools():
            with suppress(Exception):
                await client.call_tool(tool.name)


asyncio.run(main())
