// Answers sampling with a fixed text. Its arguments are the server's command, or its URL.
package main

import (
	"context"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func sample(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	answer := &mcp.TextContent{Text: "Paris"}
	return &mcp.CreateMessageResult{Role: "assistant", Content: answer, Model: "my-model"}, nil
}

func main() {
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, &mcp.ClientOptions{CreateMessageHandler: sample})
	var server mcp.Transport = &mcp.CommandTransport{Command: exec.Command(os.Args[1], os.Args[2:]...)}
	if strings.HasPrefix(os.Args[1], "http") {
		server = &mcp.StreamableClientTransport{Endpoint: os.Args[1]}
	}
	session, err := client.Connect(ctx, server, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	for tool, err := range session.Tools(ctx, nil) {
		if err == nil {
			session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name})
		}
	}
}
