//! The two ends of a 2xx's three-way handshake, which is the session's and not the transaction's
//! (RFC 3261 §13.2.2.4, §13.3.1.4).

use std::sync::Arc;

use tipring_core::Instant;

use super::{Session, SessionOutput};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Request, Response};
use crate::transaction::{Path, Resend, ServerId, Timer, TimerValues};

/// An ACK that was sent, to be sent again when its 2xx comes again.
#[derive(Debug)]
pub(super) struct SentAck {
    pub(super) cseq: u32,
    pub(super) remote_tag: String,
    pub(super) path: Path,
    pub(super) request: Arc<Request>,
}

/// A 2xx that was sent and waits for its ACK.
#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) server: ServerId,
    pub(super) response: Arc<Response>,
    pub(super) cseq: u32,
    /// The 2xx holds our offer, so the ACK must hold the answer.
    pub(super) is_offer: bool,
    resend: Resend,
    until: Instant,
}

/// What a deadline of [`Unacked`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Resend,
    GiveUp,
}

impl Unacked {
    pub(super) fn new(
        now: Instant,
        values: &TimerValues,
        server: ServerId,
        response: Arc<Response>,
        is_offer: bool,
    ) -> Self {
        let cseq = response.headers.cseq().map_or(0, |cseq| cseq.number);
        let (resend, until) = (Resend::always(now, values), now + values.timeout());
        Self { server, response, cseq, is_offer, resend, until }
    }

    /// T1, doubling to T2, for 64·T1 (RFC 3261 §13.3.1.4): the values of timers G and H, on any transport.
    pub(super) fn due(&mut self, now: Instant, values: &TimerValues) -> Due {
        if self.until <= now {
            return Due::GiveUp;
        }
        if self.resend.is_due(now, values, Timer::G) { Due::Resend } else { Due::Nothing }
    }

    pub(super) fn deadline(&self) -> Instant {
        Resend::before(Some(self.resend), self.until)
    }
}

impl Session {
    /// Sends the ACK for a 2xx to the INVITE with `cseq`, and keeps it.
    pub(super) fn send_ack(&mut self, dialog: &Dialog, cseq: u32, body: Vec<u8>) {
        let path = dialog.next_hop(&self.endpoint.path);
        let mut ack = dialog.ack(cseq);
        self.endpoint.add_via(&mut ack, &path);
        self.endpoint.sign_request(&mut ack);
        // RFC 3261 §22.1, where it goes to the server that asked. The target of the dialog is the callee's to choose.
        if self.login.is_for(path.remote) {
            for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
                ack.headers.copy_from(&self.authorization, &name);
            }
        }
        ack.set_body(super::modify::SDP, body);
        let request = Arc::new(ack);
        let remote_tag = dialog.remote_tag().to_owned();
        self.acks.retain(|sent| sent.cseq != cseq || sent.remote_tag != remote_tag);
        let kept = Arc::clone(&request);
        self.acks.push(SentAck { cseq, remote_tag, path: path.clone(), request: kept });
        self.output.push_back(SessionOutput::Ack { path, request });
    }

    /// Sends the kept ACK again; false when there is none.
    pub(super) fn repeat_ack(&mut self, cseq: u32, remote_tag: &str) -> bool {
        let sent = self.acks.iter().find(|ack| ack.cseq == cseq && ack.remote_tag == remote_tag);
        let Some(SentAck { path, request, .. }) = sent else {
            return false;
        };
        let (path, request) = (path.clone(), Arc::clone(request));
        self.output.push_back(SessionOutput::Ack { path, request });
        true
    }
}
