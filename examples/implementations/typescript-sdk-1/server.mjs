// One tool that samples, over stdio.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const mcp = new McpServer({ name: "typescript-sdk-1", version: "1" });
mcp.registerTool("ask", { description: "Ask the client's model.", inputSchema: { question: z.string() } }, async ({ question }) => {
  const messages = [{ role: "user", content: { type: "text", text: question } }];
  const answer = await mcp.server.createMessage({ messages, maxTokens: 100 });
  const text = answer.content.type === "text" ? answer.content.text : JSON.stringify(answer.content);
  return { content: [{ type: "text", text }] };
});
await mcp.connect(new StdioServerTransport());
