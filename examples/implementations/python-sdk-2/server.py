"""One tool that samples, in both eras: over stdio, or with a port over Streamable HTTP."""

import sys
from typing import Annotated

from mcp.server.mcpserver import MCPServer, Resolve, Sample
from mcp.types import CreateMessageResult, SamplingMessage, TextContent

server = MCPServer("python-sdk-2")


def answered(question: str) -> Sample:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    return Sample([message], max_tokens=100)


@server.tool()
async def ask(question: str, answer: Annotated[CreateMessageResult, Resolve(answered)]) -> str:
    """Ask the client's model."""
    return answer.content.text if isinstance(answer.content, TextContent) else str(answer.content)


if ports := sys.argv[1:]:
    server.run("streamable-http", port=int(ports[0]))
else:
    server.run()
