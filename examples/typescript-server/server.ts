// A server with one tool, which has the client's model summarize a text.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

export function summaries(): McpServer {
  const mcp = new McpServer({ name: "summaries", version: "1" });
  const about = { description: "Summarize a text in one sentence.", inputSchema: { text: z.string() } };
  mcp.registerTool("summarize", about, async ({ text }) => {
    if (!mcp.server.getClientCapabilities()?.sampling) throw new Error("This tool needs a client that samples.");
    const prompt = { type: "text" as const, text: `Summarize in one sentence:\n\n${text}` };
    const answer = await mcp.server.createMessage({ messages: [{ role: "user", content: prompt }], maxTokens: 200 });
    if (Array.isArray(answer.content) || answer.content.type !== "text") throw new Error("The model's answer is no text.");
    return { content: [answer.content] };
  });
  return mcp;
}

if (process.argv[1] === import.meta.filename) {
  process.stdin.once("end", () => process.exit()); // the SDK would go on for as long as a question is open
  await summaries().connect(new StdioServerTransport());
}
