import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpSyncServerExchange;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.server.transport.StdioServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema.*;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;

/** One tool that samples: over stdio, or with a port over Streamable HTTP. */
public class Server {
    static final Map<String, Object> QUESTION = Map.of(
        "type", "object", "properties", Map.of("question", Map.of("type", "string")), "required", List.of("question"));
    static final Tool ASK = Tool.builder("ask", QUESTION).description("Ask the client's model.").build();

    static CallToolResult ask(McpSyncServerExchange exchange, CallToolRequest call) {
        var question = new TextContent((String) call.arguments().get("question"));
        var message = new SamplingMessage(Role.USER, question);
        var answer = exchange.createMessage(CreateMessageRequest.builder(List.of(message), 100).build());
        return CallToolResult.builder().content(List.of(answer.content())).build();
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            McpServer.sync(new StdioServerTransportProvider(McpJsonDefaults.getMapper()))
                .serverInfo("java-sdk", "1").toolCall(ASK, Server::ask).build();
            return;
        }
        var transport = HttpServletStreamableServerTransportProvider.builder().mcpEndpoint("/mcp").build();
        McpServer.sync(transport).serverInfo("java-sdk", "1").toolCall(ASK, Server::ask).build();
        var servlet = new ServletHolder(transport);
        servlet.setAsyncSupported(true);
        var handler = new ServletContextHandler();
        handler.addServlet(servlet, "/*");
        var jetty = new org.eclipse.jetty.server.Server(Integer.parseInt(args[0]));
        jetty.setHandler(handler);
        jetty.start();
    }
}
