//! Names to addresses, off the signalling task.

use std::net::SocketAddr;

use tipring_gateway::QueryId;
use tipring_sip::message::Transport;
use tokio::sync::mpsc;

/// What a look-up found, best first; nothing when it failed.
pub struct Answer {
    /// Which look-up.
    pub query: QueryId,
    /// The addresses.
    pub addresses: Vec<SocketAddr>,
}

/// A look-up that takes longer has failed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Starts a look-up by the operating system's resolver; the answer comes to `answers`.
pub fn resolve(
    query: QueryId,
    host: String,
    port: Option<u16>,
    transport: Option<Transport>,
    answers: mpsc::Sender<Answer>,
) {
    let port = port.unwrap_or_else(|| transport.unwrap_or(Transport::Udp).default_port());
    tokio::task::spawn_local(async move {
        let look_up = tokio::net::lookup_host((host.as_str(), port));
        let addresses = match tokio::time::timeout(PATIENCE, look_up).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(error)) => {
                tracing::warn!(host, %error, "name not found");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(host, "no answer from the name service");
                Vec::new()
            }
        };
        let _ = answers.send(Answer { query, addresses }).await;
    });
}
