// One tool that samples, in both eras: over stdio, or with a port over Streamable HTTP. There the SDK speaks the modern era
// in its stateless mode only, which any second argument chooses.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type question struct {
	Question string `json:"question"`
}

func ask(ctx context.Context, request *mcp.CallToolRequest, in question) (*mcp.CallToolResult, any, error) {
	answer, answered := request.Params.InputResponses["answer"].(*mcp.CreateMessageWithToolsResult)
	if !answered {
		message := &mcp.SamplingMessage{Role: "user", Content: &mcp.TextContent{Text: in.Question}}
		params := &mcp.CreateMessageParams{Messages: []*mcp.SamplingMessage{message}, MaxTokens: 100}
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"answer": params}}, nil, nil
	}
	return &mcp.CallToolResult{Content: answer.Content}, nil, nil
}

func main() {
	server := mcp.NewServer(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "ask", Description: "Ask the client's model."}, ask)
	if len(os.Args) > 1 {
		options := &mcp.StreamableHTTPOptions{Stateless: len(os.Args) > 2}
		handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)
		log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], handler))
	}
	if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		log.Fatal(err)
	}
}
