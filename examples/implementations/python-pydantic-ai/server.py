"""One tool whose agent thinks with the client's model: over stdio, or with a port over Streamable HTTP."""

import sys

from mcp.server.mcpserver import Context, MCPServer
from pydantic_ai import Agent
from pydantic_ai.models.mcp_sampling import MCPSamplingModel

server = MCPServer("pydantic-ai")
agent = Agent(instructions="Answer in one sentence.")


@server.tool()
async def ask(question: str, context: Context) -> str:
    """Ask the client's model."""
    return (await agent.run(question, model=MCPSamplingModel(context.session))).output


if ports := sys.argv[1:]:
    server.run("streamable-http", port=int(ports[0]))
else:
    server.run()
