//! One tool that samples, in both eras: over stdio, or with a port over Streamable HTTP.
#![allow(deprecated)] // since 2026-07-28 sampling is

use std::sync::Arc;

use rmcp::handler::server::{tool::InputResponses, wrapper::Parameters};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt, model::*, schemars, tool, tool_handler, tool_router, transport};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Question {
    question: String,
}

#[derive(Clone)]
struct Asker;

fn told(answer: &CreateMessageResult) -> CallToolResponse {
    let text = match &answer.message.content {
        SamplingContent::Single(SamplingMessageContentBlock::Text(block)) => block.text.clone(),
        content => format!("{content:?}"),
    };
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

#[tool_router]
impl Asker {
    #[tool(description = "Ask the client's model.")]
    async fn ask(
        &self,
        Parameters(asked): Parameters<Question>,
        InputResponses(responses): InputResponses,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(asked.question)], 100);
        if context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28) {
            let answer = context.peer.create_message(params).await;
            return answer.map(|answer| told(&answer)).map_err(|error| ErrorData::internal_error(error.to_string(), None));
        }
        if let Some(answer) = responses.as_ref().and_then(|responses| responses.get("answer")) {
            let answer = serde_json::from_value(answer.clone());
            return answer.map(|answer| told(&answer)).map_err(|error| ErrorData::invalid_params(error.to_string(), None));
        }
        let request = InputRequest::CreateMessage(CreateMessageRequest::new(params));
        Ok(InputRequiredResult::from_input_requests([("answer".to_owned(), request)].into()).into())
    }
}

#[tool_handler]
impl ServerHandler for Asker {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(port) = std::env::args().nth(1) else {
        Asker.serve(transport::stdio()).await?.waiting().await?;
        return Ok(());
    };
    let service = StreamableHttpService::new(|| Ok(Asker), Arc::new(LocalSessionManager::default()), Default::default());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
