//! Session timers: a session whose ends have lost each other ends by itself (RFC 4028).
//!
//! ```text
//! state \ event   2xx sent or received:            half the     the interval less
//!                 refresher is we    is the peer   interval     min(32 s, a third)
//! Off             ▸Ours              ▸Theirs       –            –
//! Ours            ▸Ours, anew        ▸Theirs       refresh      ▸Off, BYE
//! Theirs          ▸Ours              ▸Theirs, anew –            ▸Off, BYE
//! ```
//!
//! A 2xx without Session-Expires switches the timer off. We refresh by UPDATE where the peer allows it, else by a
//! re-INVITE with the description that we sent last (§7.4). Who refreshes, as the callee decides it (§9, table 2):
//!
//! ```text
//! the caller supports timers   it asks for   refresher
//! no                           –             uas
//! yes                          –             as configured
//! yes                          uac or uas    as asked
//! ```

use tipring_core::{Duration, Instant};

use super::modify::{Change, Kind};
use super::party::Party;
use super::{EndedBy, Fate, Hangup, Session};
use crate::message::{
    HeaderName, Headers, Reason, Refresher, Request, Response, SessionExpires, Status,
};

/// A session that must be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionTimer {
    /// We refresh.
    ours: bool,
    seconds: u32,
    refresh: Option<Instant>,
    expires: Instant,
}

impl SessionTimer {
    fn new(now: Instant, seconds: u32, ours: bool) -> Self {
        let interval = Duration::from_secs(u64::from(seconds));
        // RFC 4028 §10.
        let margin = (interval / 3).min(Duration::from_secs(32));
        let refresh = ours.then_some(now + interval / 2);
        Self { ours, seconds, refresh, expires: now + (interval - margin) }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.refresh.map_or(self.expires, |refresh| refresh.min(self.expires))
    }
}

impl Party {
    /// A change was rejected that would have refreshed the session as well, and took the place of a refresh that was due:
    /// that is due again after a third of what is left (RFC 4028 §10).
    pub(super) fn refresh_again(&mut self, now: Instant) {
        if let Some(timer) = self.timer.as_mut().filter(|timer| timer.ours) {
            let soon = now + timer.expires.since(now) / 3;
            timer.refresh.get_or_insert(soon);
        }
    }
}

impl Session {
    /// Session-Expires and Min-SE of a request of ours; `timer` is what runs already.
    pub(super) fn propose_timer(&self, timer: Option<SessionTimer>, headers: &mut Headers) {
        let Some(local) = self.endpoint.config.session_timer else {
            return;
        };
        let role = |timer: SessionTimer| if timer.ours { Refresher::Uac } else { Refresher::Uas };
        // RFC 4028 §7.4: a refresh asks for the interval that holds.
        let seconds = timer.map_or(local.expires_s, |timer| timer.seconds);
        let expires =
            SessionExpires { seconds: seconds.max(self.min_se), refresher: timer.map(role) };
        headers.set(HeaderName::SessionExpires, expires);
        if self.min_se > SessionExpires::MIN_SECONDS {
            headers.set(HeaderName::MinSe, self.min_se);
        }
    }

    /// Takes over what a 2xx to our request says (RFC 4028 §7.2).
    pub(super) fn learn_timer(&self, now: Instant, party: &mut Party, headers: &Headers) {
        party.timer = match (self.endpoint.config.session_timer, headers.session_expires()) {
            (Some(_), Ok(Some(expires))) => {
                let seconds = expires.seconds.max(SessionExpires::MIN_SECONDS);
                // A callee must say who refreshes; where it does not, somebody has to.
                let ours = expires.refresher != Some(Refresher::Uas);
                Some(SessionTimer::new(now, seconds, ours))
            }
            _ => None,
        };
    }

    /// Min-SE for a 422, when the peer's request asks for an interval that is too small (RFC 4028 §9).
    pub(crate) fn interval_too_small(
        config: &crate::agent::UaConfig,
        request: &Request,
    ) -> Option<u32> {
        let min = config.session_timer?.min_se_s.max(SessionExpires::MIN_SECONDS);
        let expires = request.headers.session_expires().ok()??;
        (knows_timers(&request.headers) && expires.seconds < min).then_some(min)
    }

    /// Answers the peer's request with what the session timer is from this 2xx on (RFC 4028 §9).
    pub(super) fn grant_timer(
        &self,
        now: Instant,
        party: &mut Party,
        request: &Headers,
        response: &mut Headers,
    ) {
        party.timer = None;
        let supported = knows_timers(request);
        let asked = request.session_expires().ok().flatten();
        let Some(local) = self.endpoint.config.session_timer else {
            return;
        };
        if asked.is_none() && !supported {
            return;
        }
        let least = request.min_se().ok().flatten().unwrap_or(SessionExpires::MIN_SECONDS);
        let wanted = local.expires_s.max(least).max(SessionExpires::MIN_SECONDS);
        // The callee may shorten the interval, but not prolong it, unless what was asked for by a proxy of a caller who
        // knows no timers, and so cannot be told 422, is no interval at all (§4).
        let seconds = asked.map_or(wanted, |asked| asked.seconds.min(wanted));
        let seconds = seconds.max(SessionExpires::MIN_SECONDS);
        let chosen = if local.refresh { Refresher::Uas } else { Refresher::Uac };
        let refresher = match asked.and_then(|asked| asked.refresher) {
            _ if !supported => Refresher::Uas,
            Some(refresher) => refresher,
            None => chosen,
        };
        let expires = SessionExpires { seconds, refresher: Some(refresher) };
        response.set(HeaderName::SessionExpires, expires);
        if refresher == Refresher::Uac {
            response.push(HeaderName::Require, "timer");
        }
        party.timer = Some(SessionTimer::new(now, seconds, refresher == Refresher::Uas));
    }

    /// Whether a timer runs in the call that is up.
    pub(crate) fn has_timer(&self) -> bool {
        let mut parties = self.state.parties();
        parties.any(|party| party.is_confirmed() && party.timer.is_some())
    }

    /// Fires what is due.
    pub(super) fn session_timeout(&mut self, now: Instant, party: &mut Party) -> Fate {
        let confirmed = party.is_confirmed();
        let Some(timer) = party.timer.as_mut().filter(|_| confirmed) else {
            return Fate::Stays;
        };
        if timer.expires <= now {
            // While the BYE waits for an ACK, this is not to happen again.
            party.timer = None;
            // Recovery on timer expiry.
            let expired = Reason::q850(102, "session timer");
            return Fate::Ends(Hangup::new(EndedBy::Timeout, vec![expired]));
        }
        if timer.refresh.is_some_and(|at| at <= now) {
            timer.refresh = None;
            // Any change of ours refreshes the session as well, unless it is rejected.
            party.waiting.get_or_insert(Change::new(now, Kind::Refresh, Vec::new()));
        }
        Fate::Stays
    }

    /// The peer found the interval of our request too small, which was raised `raised` times before: the next try asks for
    /// what it wants (RFC 4028 §7.3). False when it makes no sense.
    pub(super) fn raise_interval(&mut self, response: &Response, raised: &mut u8) -> bool {
        if response.status != Status::SESSION_INTERVAL_TOO_SMALL {
            return false;
        }
        let min = response.headers.min_se().ok().flatten().unwrap_or(0);
        let sensible = self.endpoint.config.session_timer.is_some()
            && (self.min_se + 1..=MAX_MIN_SE).contains(&min)
            && *raised < MAX_RAISED;
        if sensible {
            *raised += 1;
            self.min_se = min;
            self.login.go_on(response);
        }
        sensible
    }
}

/// Times that one request is sent again for a longer interval: each proxy on the way may want its own, but not for ever.
const MAX_RAISED: u8 = 2;

/// The longest interval that a peer makes us ask for, seconds: a day.
const MAX_MIN_SE: u32 = 86_400;

/// Whether whoever sent this can handle session timers; a proxy may ask for one without.
fn knows_timers(request: &Headers) -> bool {
    request.supports("timer") || request.requires("timer")
}
