"""A FastMCP server with one tool, which has the client's model summarize a text, in both eras of sampling."""

from __future__ import annotations

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    InputRequiredResult,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)

mcp = FastMCP("summaries")
SAMPLING = ClientCapabilities(sampling=SamplingCapability())


@mcp.tool
async def summarize(text: str, context: Context) -> str | InputRequiredResult:
    """Summarize a text in one sentence."""
    prompt = TextContent(type="text", text=f"Summarize in one sentence:\n\n{text}")
    params = CreateMessageRequestParams(messages=[SamplingMessage(role="user", content=prompt)], max_tokens=200)
    samples = context.session.check_client_capability(SAMPLING)
    if context.request_context.protocol_version < "2026-07-28":
        if not samples:
            raise ToolError("This tool needs a client that samples.")
        answer = await context.session.create_message(
            params.messages, max_tokens=params.max_tokens, related_request_id=context.request_id
        )
    elif not samples:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs a client that samples.", needed)
    elif (answer := (context.input_responses or {}).get("summary")) is None:
        return InputRequiredResult(input_requests={"summary": CreateMessageRequest(params=params)})
    if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
        return answer.content.text
    raise ToolError("The model's answer is no text.")


if __name__ == "__main__":
    mcp.run(show_banner=False)
