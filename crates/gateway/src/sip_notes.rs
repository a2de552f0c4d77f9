//! SIP messages in ladders.

use tipring_core::Instant;
use tipring_sip::message::wire;

use crate::gateway::Gateway;

impl Gateway {
    /// Adds a SIP message to the ladder of the call that it belongs to.
    pub(crate) fn note_sip(&mut self, now: Instant, bytes: &[u8], inwards: bool) {
        if self.sip_call_ids.is_empty() {
            return;
        }
        let Ok(view) = wire::View::parse(bytes) else { return };
        let Some(call_id) = view.call_id().and_then(|id| std::str::from_utf8(id).ok()) else {
            return;
        };
        let Some(leg) = self.sip_call_ids.get(call_id).copied() else { return };
        let text = summary(&view);
        self.note(now, leg, inwards, &text);
    }
}

/// `INVITE`, `BYE`, or `180 Ringing`, `200 OK (BYE)`.
fn summary(view: &wire::View<'_>) -> String {
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)).into_owned();
    match view.start() {
        wire::Start::Request { method, .. } => text(method),
        wire::Start::Response { status, reason, .. } => {
            let line = format!("{} {}", text(status), text(reason));
            let method = view.cseq().and_then(Result::ok).map(|cseq| text(cseq.method));
            match method.filter(|method| method != "INVITE") {
                Some(method) => format!("{line} ({method})"),
                None => line,
            }
        }
    }
}
