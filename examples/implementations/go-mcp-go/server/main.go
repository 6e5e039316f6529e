// One tool that samples, in both eras: over stdio, or with a port over Streamable HTTP.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func ask(_ context.Context, call mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	question, err := call.RequireString("question")
	if err != nil {
		return mcp.NewToolResultError(err.Error()), nil
	}
	answer := server.SamplingResponse(call.Params.InputResponses, "answer")
	if answer == nil {
		message := mcp.SamplingMessage{Role: mcp.RoleUser, Content: mcp.TextContent{Type: "text", Text: question}}
		params := mcp.CreateMessageParams{Messages: []mcp.SamplingMessage{message}, MaxTokens: 100}
		return server.NewInputRequestBuilder("").Sample("answer", params).ToolResult(), nil
	}
	if text, ok := answer.Content.(mcp.TextContent); ok {
		return mcp.NewToolResultText(text.Text), nil
	}
	return mcp.NewToolResultText(fmt.Sprint(answer.Content)), nil
}

func main() {
	mcpServer := server.NewMCPServer("go-mcp-go", "1")
	mcpServer.EnableSampling()
	mcpServer.AddTool(mcp.NewTool("ask",
		mcp.WithDescription("Ask the client's model."),
		mcp.WithDestructiveHintAnnotation(false), // mcp-go says otherwise of each tool, and the harness calls no destructive one
		mcp.WithString("question", mcp.Required()),
	), ask)
	if len(os.Args) > 1 {
		log.Fatal(server.NewStreamableHTTPServer(mcpServer).Start("127.0.0.1:" + os.Args[1]))
	}
	if err := server.ServeStdio(mcpServer); err != nil {
		log.Fatal(err)
	}
}
