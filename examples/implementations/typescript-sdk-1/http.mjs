// One tool that samples, over Streamable HTTP: a transport and a server a session. The argument is the port.
import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { z } from "zod";

function server() {
  const mcp = new McpServer({ name: "typescript-sdk-1", version: "1" });
  mcp.registerTool("ask", { description: "Ask the client's model.", inputSchema: { question: z.string() } }, async ({ question }, extra) => {
    const messages = [{ role: "user", content: { type: "text", text: question } }];
    const answer = await mcp.server.createMessage({ messages, maxTokens: 100 }, { relatedRequestId: extra.requestId });
    const text = answer.content.type === "text" ? answer.content.text : JSON.stringify(answer.content);
    return { content: [{ type: "text", text }] };
  });
  return mcp;
}

const sessions = new Map();
const app = express().use(express.json({ limit: "8mb" }));
app.all("/mcp", async (request, response) => {
  let transport = sessions.get(request.headers["mcp-session-id"]);
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
      onsessionclosed: (id) => sessions.delete(id),
    });
    await server().connect(transport);
  }
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.argv[2]), "127.0.0.1");
