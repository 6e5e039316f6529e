"""One tool that samples: over stdio, or with a port over Streamable HTTP."""

import sys

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import SamplingMessage, TextContent

server = FastMCP("python-sdk-1")


@server.tool()
async def ask(question: str, context: Context) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    answer = await context.session.create_message([message], max_tokens=100, related_request_id=context.request_id)
    return answer.content.text if isinstance(answer.content, TextContent) else str(answer.content)


if ports := sys.argv[1:]:
    server.settings.port = int(ports[0])
    server.run("streamable-http")
else:
    server.run()
