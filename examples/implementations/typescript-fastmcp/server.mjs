// One tool that samples: over stdio, or with a port over Streamable HTTP.
import { FastMCP } from "fastmcp";
import { z } from "zod";

const server = new FastMCP({ name: "typescript-fastmcp", version: "1.0.0" });
server.addTool({
  name: "ask",
  description: "Ask the client's model.",
  parameters: z.object({ question: z.string() }),
  execute: async ({ question }, { sessionId }) => {
    const session = server.sessions.find((one) => one.sessionId === sessionId);
    const messages = [{ role: "user", content: { type: "text", text: question } }];
    const { content } = await session.requestSampling({ messages, maxTokens: 100 });
    return content.type === "text" ? content.text : JSON.stringify(content);
  },
});
const port = Number(process.argv[2]);
await server.start(port ? { transportType: "httpStream", httpStream: { port, host: "127.0.0.1" } } : { transportType: "stdio" });
