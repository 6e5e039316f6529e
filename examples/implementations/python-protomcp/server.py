"""One tool that samples, behind the bridge: pmcp dev server.py, with --transport http over Streamable HTTP."""

from protomcp import ToolContext, ToolResult, tool
from protomcp.runner import run


@tool("Ask the client's model.")
def ask(ctx: ToolContext, question: str) -> ToolResult:
    message = {"role": "user", "content": {"type": "text", "text": question}}
    answer = ctx.sample([message], max_tokens=100)
    if error := answer.get("error"):
        return ToolResult(result=error, is_error=True)
    return ToolResult(result=str(answer["content"]))


if __name__ == "__main__":
    run()
