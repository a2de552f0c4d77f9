//! SIP messages in ladders.

use tipring_core::Instant;
use tipring_sip::message::wire::{Glance, Start};

use crate::gateway::Gateway;

impl Gateway {
    /// Adds a SIP message to the ladder of the call that it belongs to.
    pub(crate) fn note_sip(&mut self, now: Instant, bytes: &[u8], inwards: bool) {
        if self.sip_call_ids.is_empty() {
            return;
        }
        let Some(message) = Glance::parse(bytes) else { return };
        let Ok(call_id) = std::str::from_utf8(message.call_id) else { return };
        let Some(leg) = self.sip_call_ids.get(call_id).copied() else { return };
        self.note(now, leg, inwards, summary(&message));
    }
}

/// `INVITE`, `BYE`, or `180 Ringing`, `200 OK (BYE)`.
fn summary(message: &Glance<'_>) -> String {
    let text = |bytes| String::from_utf8_lossy(<[u8]>::get(bytes, ..40).unwrap_or(bytes));
    match message.start {
        Start::Request { method, .. } => text(method).into_owned(),
        Start::Response { status, reason, .. } if message.method == b"INVITE" => {
            [&text(status), " ", &text(reason)].concat()
        }
        Start::Response { status, reason, .. } => {
            [&text(status), " ", &text(reason), " (", &text(message.method), ")"].concat()
        }
    }
}
