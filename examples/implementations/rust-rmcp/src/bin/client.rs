//! Answers sampling with a fixed text. Its arguments are the server's command, or its URL.
#![allow(deprecated)] // since 2026-07-28 sampling is

use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RequestContext};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ErrorData, RoleClient, model::*};
use tokio::process::Command;

struct Sampler;

impl ClientHandler for Sampler {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_sampling().build();
        ClientConfig::new(capabilities, Implementation::new("rust-rmcp", "1"))
    }

    async fn create_message(
        &self,
        _params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        Ok(CreateMessageResult::new(SamplingMessage::assistant_text("Paris"), "my-model".into()))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let era = ClientLifecycleMode::Auto { preferred_versions, legacy_version: None };
    let client = if arguments[0].starts_with("http") {
        Sampler.serve_with_lifecycle(StreamableHttpClientTransport::from_uri(arguments[0].clone()), era).await?
    } else {
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]);
        Sampler.serve_with_lifecycle(TokioChildProcess::new(command)?, era).await?
    };
    for tool in client.list_all_tools().await? {
        let _ = client.call_tool(CallToolRequestParams::new(tool.name)).await;
    }
    client.cancel().await?;
    Ok(())
}
