//! One dialog of a subscription of ours.
//!
//! ```text
//! state \ event  NOTIFY       2xx             423            failure            refresh due  unsubscribe  Timer N   expiry
//! Held           –            –               –              –                  SUBSCRIBE    SUBSCRIBE 0  –         gone
//!                                                                               ▸Refreshing  ▸Leaving
//! Refreshing     noted        noted, ▸Held    longer, once   ▸Held till expiry, –            SUBSCRIBE 0  gone      gone
//!                             when notified                  or gone                         ▸Leaving
//! Leaving        –            –               –              gone               –            –            gone      –
//! ```
//!
//! A NOTIFY with `terminated` ends it in any state. Timer N (RFC 6665 §4.1.2) is 64·T1 from the SUBSCRIBE, in which a
//! NOTIFY must come. A refresh is due after 85 to 90 % of the time left.

use tipring_core::{Duration, Instant};

use crate::agent::Endpoint;
use crate::dialog::Dialog;
use crate::message::{Method, Request};
use crate::transaction::Path;

/// A dialog that a NOTIFY has made.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) number: usize,
    pub(super) dialog: Dialog,
    /// The way that the last NOTIFY came.
    pub(super) path: Path,
    /// [`NEVER`] until the first NOTIFY is worked off.
    pub(super) expires_at: Instant,
    /// A NOTIFY has told how long it lasts, which counts more than the 2xx to the first SUBSCRIBE.
    pub(super) told: bool,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    Held { refresh: Instant },
    Refreshing(Refresh),
    Leaving(Refresh),
}

/// A SUBSCRIBE in the dialog.
#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) cseq: u32,
    /// Timer N.
    pub(super) until: Instant,
    pub(super) answered: bool,
    pub(super) notified: bool,
    /// A 423 has been followed.
    pub(super) lengthened: bool,
}

impl Usage {
    /// The usage lasts for `seconds` more.
    pub(super) fn last(&mut self, now: Instant, endpoint: &mut Endpoint, seconds: u32) {
        let whole = Duration::from_secs(u64::from(seconds));
        self.expires_at = now + whole;
        if let Phase::Held { refresh } = &mut self.phase {
            *refresh = now + refresh_after(endpoint, whole);
        }
    }

    /// Both the answer and the NOTIFY of a refresh are there.
    pub(super) fn settle(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if let Phase::Refreshing(Refresh { answered: true, notified: true, .. }) = &self.phase {
            self.hold(now, endpoint);
        }
    }

    /// Waits for the next refresh, on the way to the expiry known.
    pub(super) fn hold(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let refresh = now + refresh_after(endpoint, self.expires_at.since(now));
        self.phase = Phase::Held { refresh };
    }

    /// The next SUBSCRIBE of the dialog, to be filled in.
    pub(super) fn request(&mut self) -> (Request, Path) {
        (self.dialog.request(Method::Subscribe), self.dialog.next_hop(&self.path))
    }

    /// The SUBSCRIBE under way.
    pub(super) fn sent(&mut self, cseq: u32) -> Option<&mut Refresh> {
        match &mut self.phase {
            Phase::Refreshing(sent) | Phase::Leaving(sent) if sent.cseq == cseq => Some(sent),
            Phase::Refreshing(_) | Phase::Leaving(_) | Phase::Held { .. } => None,
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving(_))
    }

    pub(super) fn deadline(&self) -> Instant {
        match &self.phase {
            Phase::Held { refresh } => (*refresh).min(self.expires_at),
            Phase::Refreshing(sent) => sent.until.min(self.expires_at),
            Phase::Leaving(sent) => sent.until,
        }
    }
}

fn refresh_after(endpoint: &mut Endpoint, whole: Duration) -> Duration {
    // A notifier that grants seconds does not get more than one SUBSCRIBE in one of them.
    endpoint.random(whole * 85 / 100, whole * 90 / 100).max(SHORTEST_REFRESH)
}

/// No deadline is known yet.
pub(super) const NEVER: Instant = Instant::from_micros(u64::MAX);

const SHORTEST_REFRESH: Duration = Duration::from_secs(1);
