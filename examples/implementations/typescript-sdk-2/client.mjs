// Answers sampling with a fixed text, in both eras. Its arguments are the server's command, or its URL.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [command, ...args] = process.argv.slice(2);
const options = { capabilities: { sampling: {} }, versionNegotiation: { mode: "auto" } };
const client = new Client({ name: "typescript-sdk-2", version: "1" }, options);
client.setRequestHandler("sampling/createMessage", async () => ({
  role: "assistant", content: { type: "text", text: "Paris" }, model: "my-model",
}));
const url = command.startsWith("http");
await client.connect(url ? new StreamableHTTPClientTransport(new URL(command)) : new StdioClientTransport({ command, args }));
for (const tool of (await client.listTools()).tools) await client.callTool({ name: tool.name }).catch(() => {});
await client.close();
