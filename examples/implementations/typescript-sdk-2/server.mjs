// One tool that samples, in both eras: over stdio, or with a port over HTTP.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, inputRequired, inputResponse, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

function server() {
  const mcp = new McpServer({ name: "typescript-sdk-2", version: "1" });
  mcp.registerTool("ask", { description: "Ask the client's model.", inputSchema: z.object({ question: z.string() }) }, ({ question }, context) => {
    const answer = inputResponse(context.mcpReq.inputResponses, "answer");
    if (answer.kind !== "sampling") {
      const messages = [{ role: "user", content: { type: "text", text: question } }];
      return inputRequired({ inputRequests: { answer: inputRequired.createMessage({ messages, maxTokens: 100 }) } });
    }
    const { content } = answer.result;
    return { content: [{ type: "text", text: content.type === "text" ? content.text : JSON.stringify(content) }] };
  });
  return mcp;
}

const port = process.argv[2];
if (port) createServer(toNodeHandler(createMcpHandler(server))).listen(Number(port), "127.0.0.1");
else serveStdio(server);
