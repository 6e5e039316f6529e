// Answers sampling with a fixed text. Its arguments are the server's command, or its URL.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

type sampler struct{}

func (sampler) CreateMessage(context.Context, mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	answer := mcp.SamplingMessage{Role: mcp.RoleAssistant, Content: mcp.TextContent{Type: "text", Text: "Paris"}}
	return &mcp.CreateMessageResult{SamplingMessage: answer, Model: "my-model"}, nil
}

func connect() (transport.Interface, error) {
	if strings.HasPrefix(os.Args[1], "http") {
		return transport.NewStreamableHTTP(os.Args[1])
	}
	return transport.NewStdio(os.Args[1], nil, os.Args[2:]...), nil
}

func main() {
	ctx := context.Background()
	server, err := connect()
	if err != nil {
		log.Fatal(err)
	}
	c := client.NewClient(server, client.WithSamplingHandler(sampler{}))
	defer c.Close()
	if err := c.Start(ctx); err != nil {
		log.Fatal(err)
	}
	start := mcp.InitializeRequest{Params: mcp.InitializeParams{
		ProtocolVersion: mcp.LATEST_PROTOCOL_VERSION, ClientInfo: mcp.Implementation{Name: "go-mcp-go", Version: "1"},
	}}
	if _, err := c.Initialize(ctx, start); err != nil {
		log.Fatal(err)
	}
	tools, err := c.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		log.Fatal(err)
	}
	for _, tool := range tools.Tools {
		c.CallTool(ctx, mcp.CallToolRequest{Params: mcp.CallToolParams{Name: tool.Name}})
	}
}
