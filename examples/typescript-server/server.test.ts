// Tests of its own, over the SDK's in-memory transport.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { summaries } from "./server.js";

async function called(sampling: boolean) {
  const asked: unknown[] = [];
  const client = new Client({ name: "test", version: "1" }, { capabilities: sampling ? { sampling: {} } : {} });
  if (sampling) {
    client.setRequestHandler(CreateMessageRequestSchema, async (request) => {
      asked.push(request.params);
      return { role: "assistant", content: { type: "text", text: "A king dies." }, model: "test" };
    });
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([summaries().connect(theirs), client.connect(ours)]);
  const result = await client.callTool({ name: "summarize", arguments: { text: "Once upon a time" } });
  await client.close();
  return { result, asked };
}

test("the text is summarized", async () => {
  const { result, asked } = await called(true);
  assert.deepEqual(result.content, [{ type: "text", text: "A king dies." }]);
  assert.equal(asked.length, 1);
});

test("a client that does not sample is told so", async () => {
  const { result } = await called(false);
  assert.equal(result.isError, true);
});
