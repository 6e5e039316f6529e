import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.client.transport.ServerParameters;
import io.modelcontextprotocol.client.transport.StdioClientTransport;
import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema.*;
import java.net.URI;
import java.util.Arrays;

/** Answers sampling with a fixed text. Its arguments are the server's command, or its URL. */
public class Client {
    static McpClientTransport connect(String[] args) {
        if (args[0].startsWith("http")) {
            var url = URI.create(args[0]);
            return HttpClientStreamableHttpTransport.builder(url.resolve("/").toString()).endpoint(url.getPath()).build();
        }
        var command = ServerParameters.builder(args[0]).args(Arrays.asList(args).subList(1, args.length)).build();
        return new StdioClientTransport(command, McpJsonDefaults.getMapper());
    }

    public static void main(String[] args) {
        var client = McpClient.sync(connect(args))
            .capabilities(ClientCapabilities.builder().sampling().build())
            .sampling(request -> CreateMessageResult.builder(Role.ASSISTANT, "Paris", "my-model").build())
            .build();
        client.initialize();
        for (var tool : client.listTools().tools()) {
            try {
                client.callTool(CallToolRequest.builder(tool.name()).build());
            } catch (RuntimeException error) {
                // What the server makes of the answer is its own affair.
            }
        }
        client.closeGracefully();
    }
}
