//! REFER that we send: we ask the peer to call somebody, and hear how that goes (RFC 3515, RFC 5589).
//!
//! ```text
//! state \ event   202           200, Refer-Sub: false   failure         NOTIFY           NOTIFY, terminated   deadline
//! Sent            ▸Watching     Done ▸end               Refused ▸end    200, Progress    200, Done ▸end       –
//!                                                                       ▸Watching
//! Watching        –             –                       –               200, Progress    200, Done ▸end       Done ▸end
//! ```
//!
//! A NOTIFY may come before the 202. Sent is bounded by its transaction.

use tipring_core::{Duration, Instant};

use super::modify::ends_dialog;
use super::refer::ReferId;
use super::{EndedBy, Hangup, Purpose, Session, State, WrongState};
use crate::agent::Output;
use crate::message::{HeaderName, Method, NameAddr, ReferTo, Request, Response, Status, Substate};
use crate::transaction::ServerId;

/// Whom the peer shall call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The target, with a Replaces in its URI for an attended transfer: see
    /// [`UserAgent::refer_to`](crate::agent::UserAgent::refer_to).
    pub target: ReferTo,
    /// Who asks (RFC 3892).
    pub referred_by: Option<NameAddr>,
    /// Whether to be told how the call goes; without, only whether the peer will try (RFC 4488).
    pub watch: bool,
}

/// How a transfer that we asked for goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferState {
    /// The peer will try.
    Accepted,
    /// The peer will not, or does not answer.
    Refused(Status),
    /// The peer's call makes progress, 100 to 199.
    Progress(Status),
    /// The peer's call has come to this final response; `None` when it never told, or we did not want to know.
    Done(Option<Status>),
}

/// How long we wait for the next word when the peer does not say: as long as a call may ring, and its end be told.
const PATIENCE: Duration = Duration::from_secs(220);

/// The longest that we wait for it whatever the peer says.
const MAX_PATIENCE: Duration = Duration::from_secs(3600);

/// A REFER of ours.
#[derive(Debug)]
pub(super) struct Referral {
    id: ReferId,
    request: Option<Request>,
    until: Option<Instant>,
    last: Option<Status>,
}

impl Referral {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.until
    }
}

impl Session {
    /// Asks the peer of a call that is up to call somebody else.
    pub(crate) fn send_refer(&mut self, transfer: Transfer) -> Result<ReferId, WrongState> {
        let path = self.endpoint.path.clone();
        let State::Confirmed(party) = &mut self.state else {
            return Err(WrongState);
        };
        if self.referrals.ours.len() >= MAX_OURS {
            return Err(WrongState);
        }
        let quiet = !transfer.watch && party.abilities.norefersub;
        let (mut request, path) =
            (party.dialog.request(Method::Refer), party.dialog.next_hop(&path));
        self.endpoint.introduce(&mut request.headers);
        request.headers.push(HeaderName::ReferTo, &transfer.target);
        if let Some(who) = &transfer.referred_by {
            request.headers.push(HeaderName::ReferredBy, who);
        }
        if quiet {
            request.headers.push(HeaderName::ReferSub, "false");
        }
        let kept = Some(request.clone());
        let id = ReferId(self.send_in_dialog(Purpose::Refer, 0, path, request));
        self.referrals.ours.push(Referral { id, request: kept, until: None, last: None });
        Ok(id)
    }

    /// A response to a REFER of ours.
    pub(super) fn refer_answered(&mut self, now: Instant, cseq: u32, response: &Response) {
        let status = response.status;
        let Some(at) = self.referral_at(cseq).filter(|_| status.is_final()) else {
            return;
        };
        if self.refer_again(at, response) {
            return;
        }
        let silent = response.headers.refer_sub() == Ok(Some(false));
        let referral = &mut self.referrals.ours[at];
        let state = match status.is_success() {
            true if silent => ReferState::Done(None),
            true => {
                referral.until.get_or_insert(now + PATIENCE);
                ReferState::Accepted
            }
            false => ReferState::Refused(status),
        };
        self.tell_referral(at, state);
        if ends_dialog(status) && matches!(self.state, State::Confirmed(_)) {
            self.end(now, Hangup::new(EndedBy::Remote, Vec::new()));
        }
    }

    /// Answers a challenge to a REFER.
    fn refer_again(&mut self, at: usize, response: &Response) -> bool {
        let base = self.endpoint.path.clone();
        let Some(mut request) = self.referrals.ours[at].request.take() else {
            return false;
        };
        if !self.is_worth_repeating(response) {
            return false;
        }
        let Some((path, number)) =
            self.shared_dialog().map(|dialog| (dialog.next_hop(&base), dialog.next_cseq()))
        else {
            return false;
        };
        // The application goes on to know it by its first number.
        self.repeat(Purpose::Refer, 0, path, number, &mut request);
        self.referrals.ours[at].request = Some(request);
        true
    }

    /// A REFER of ours gets no answer.
    pub(super) fn refer_unanswered(&mut self, cseq: u32, status: Status) {
        if let Some(at) = self.referral_at(cseq) {
            self.tell_referral(at, ReferState::Refused(status));
        }
    }

    fn referral_at(&self, cseq: u32) -> Option<usize> {
        let sent = |referral: &Referral| {
            let number = referral.request.as_ref().and_then(|request| request.headers.cseq().ok());
            number.map_or(referral.id.0, |cseq| cseq.number) == cseq
        };
        self.referrals.ours.iter().position(sent)
    }

    /// A NOTIFY of the subscription that a REFER of ours made.
    pub(super) fn peer_notifies(&mut self, now: Instant, server: ServerId, request: &Request) {
        let headers = &request.headers;
        let (Ok(Some(event)), Ok(Some(state))) = (headers.event(), headers.subscription_state())
        else {
            return self.respond_status(server, request, Status::BAD_REQUEST);
        };
        let at = match event.id.as_ref().map(|id| id.as_str().parse::<u32>()) {
            // RFC 3515 §2.4.6: the first REFER of a dialog needs no id.
            None => (!self.referrals.ours.is_empty()).then_some(0),
            Some(Ok(number)) => self.referral_at(number),
            Some(Err(_)) => None,
        };
        let Some(at) = at else {
            return self.respond_gone(server, request);
        };
        self.respond_status(server, request, Status::OK);
        let status = sipfrag_status(&request.body);
        let referral = &mut self.referrals.ours[at];
        referral.last = status.or(referral.last);
        if state.state == Substate::Terminated {
            let last = referral.last.filter(|status| status.is_final());
            return self.tell_referral(at, ReferState::Done(last));
        }
        let patience = state.expires.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let patience = patience.unwrap_or(PATIENCE).min(MAX_PATIENCE);
        // The last NOTIFY of a peer that counts as we do is on its way then.
        referral.until = Some(now + patience + self.endpoint.config.timers.timeout());
        if let Some(status) = status {
            let done = ReferState::Done(Some(status));
            // A final response ends it even where the peer forgets to say so.
            let told = if status.is_final() { done } else { ReferState::Progress(status) };
            self.tell_referral(at, told);
        }
    }

    pub(super) fn watch_timeout(&mut self, now: Instant) {
        let due = |referral: &Referral| referral.until.is_some_and(|until| until <= now);
        if let Some(at) = self.referrals.ours.iter().position(due) {
            let last = self.referrals.ours[at].last.filter(|status| status.is_final());
            self.tell_referral(at, ReferState::Done(last));
        }
    }

    fn tell_referral(&mut self, at: usize, state: ReferState) {
        let (session, refer) = (self.id, self.referrals.ours[at].id);
        self.say(Output::Referred { session, refer, state });
        match state {
            ReferState::Accepted | ReferState::Progress(_) => {}
            ReferState::Refused(_) | ReferState::Done(_) => {
                self.referrals.ours.remove(at);
                self.forget_finished();
            }
        }
    }
}

/// REFERs of ours in one dialog that may be under way.
const MAX_OURS: usize = 8;

/// The status line at the front of a `message/sipfrag` body (RFC 3420).
fn sipfrag_status(body: &[u8]) -> Option<Status> {
    let line = body.split(|octet| *octet == b'\r' || *octet == b'\n').next()?;
    let rest = line.strip_prefix(b"SIP/2.0 ")?;
    let code = std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()?;
    Status::new(code)
}
