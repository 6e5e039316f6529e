// Answers sampling with a fixed text. Its arguments are the server's command, or its URL.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "typescript-sdk-1", version: "1" }, { capabilities: { sampling: {} } });
client.setRequestHandler(CreateMessageRequestSchema, async () => ({
  role: "assistant", content: { type: "text", text: "Paris" }, model: "my-model",
}));
const url = command.startsWith("http");
await client.connect(url ? new StreamableHTTPClientTransport(new URL(command)) : new StdioClientTransport({ command, args }));
for (const tool of (await client.listTools()).tools) await client.callTool({ name: tool.name }).catch(() => {});
await client.close();
