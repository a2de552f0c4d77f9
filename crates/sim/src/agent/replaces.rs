//! What the agent tells others of its dialog, so that they can take its place (RFC 3891).

use super::Agent;

impl Agent {
    /// Its call as a Replaces that the gateway understands: Call-ID, the gateway's tag, its own.
    pub fn replaces(&self) -> String {
        let tag = |address: &str| {
            let (_, tag) = address.split_once(";tag=").unwrap_or_default();
            tag.split(';').next().unwrap_or_default().to_owned()
        };
        let dialog = &self.dialog;
        format!("{};to-tag={};from-tag={}", dialog.call_id, tag(&dialog.remote), tag(&dialog.local))
    }

    /// The same as a header in a URI.
    pub fn replaces_in_uri(&self) -> String {
        let text = self.replaces();
        let escaped = text.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
        format!("Replaces={escaped}")
    }
}
