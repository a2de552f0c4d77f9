//! REFER that the peer sends: it asks us to call somebody and wants to hear how that goes (RFC 3515, RFC 4488).
//!
//! ```text
//! state \ event   accept           reject          report 1xx   report final     NOTIFY answered   NOTIFY failed   deadline
//! Pending         202 ▸Active,     refused ▸end    –            –                –                 –               504 ▸end
//!                 NOTIFY 100
//! Active          –                –               NOTIFY       NOTIFY,          next NOTIFY       ▸end            NOTIFY, timeout
//!                                                               terminated                                         ▸Closing
//!                                                               ▸Closing
//! Closing         –                –               –            –                last NOTIFY       ▸end            ▸end
//!                                                               sent: ▸end
//! ```
//!
//! A SUBSCRIBE in Active makes it last as long as asked for, at most as long as at first, and is answered by 200 and NOTIFY
//! (RFC 3515 §2.4.4); one with `Expires: 0` is the same as the deadline. In other states there is nothing to subscribe to: 481.
//!
//! With `Refer-Sub: false` accepting is all there is. One NOTIFY is on its way at a time; of reports that wait for it the
//! latest is sent. The dialog outlives the call until the subscription is over (RFC 5057 §4.1).

use core::fmt;

use tipring_core::{Duration, Instant};

use super::referral::Referral;
use super::{Login, Purpose, Session, SessionId, State, WrongState};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{
    Event, EventReason, HeaderError, HeaderName, Method, Request, Status, SubscriptionState,
    Substate, Token,
};
use crate::transaction::ServerId;

/// A REFER in a dialog, by its CSeq number and sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferId(pub u32);

/// Transfers of one session that may be under way, in each direction.
const MAX_REFERRALS: usize = 8;

/// How long a subscription lasts that the call does not end: as long as a call may ring.
const EXPIRES: Duration = Duration::from_secs(180);

/// How the body of a NOTIFY is called (RFC 3420).
pub(super) const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// Transfers that were asked for in a dialog, either way.
#[derive(Debug, Default)]
pub(super) struct Referrals {
    asked: Vec<Asked>,
    /// The first REFER of the dialog, also when it is over.
    first: Option<ReferId>,
    pub(super) ours: Vec<Referral>,
}

/// A transfer that the peer asked for.
#[derive(Debug)]
struct Asked {
    id: ReferId,
    stage: Stage,
    until: Instant,
    /// The number of the NOTIFY that has no final response.
    outstanding: Option<u32>,
    /// What to tell next.
    next: Option<Report>,
    /// The latest word on the call.
    last: Status,
}

#[derive(Debug)]
enum Stage {
    Pending { server: ServerId, request: Box<Request> },
    Active,
    Closing,
}

#[derive(Debug)]
struct Report {
    status: Status,
    /// Why the subscription ends with this report.
    end: Option<EventReason>,
}

impl Referrals {
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.ours.is_empty()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let asked = self.asked.iter().map(|asked| asked.until);
        asked.chain(self.ours.iter().filter_map(Referral::deadline)).min()
    }

    fn position(&self, id: ReferId) -> Option<usize> {
        self.asked.iter().position(|asked| asked.id == id)
    }
}

impl Session {
    /// A REFER outside any dialog makes one of its own; `call` is the one that it means (RFC 4538).
    pub(crate) fn refer(
        now: Instant,
        id: SessionId,
        mut endpoint: Endpoint,
        login: Login,
        server: ServerId,
        request: Request,
        call: Option<SessionId>,
    ) -> Result<Self, HeaderError> {
        let local_tag = endpoint.tag();
        endpoint.user = request.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned);
        let first = endpoint.first_cseq();
        let mut dialog = Dialog::of_callee(&request, &local_tag, first)?;
        dialog.confirm();
        let mut session = Self::new(id, endpoint, local_tag, login, false);
        session.remains = Some(Box::new(dialog));
        session.take_refer(now, server, request, call);
        session.forget_finished();
        Ok(session)
    }

    /// A REFER in the dialog of a call.
    pub(super) fn peer_refers(&mut self, now: Instant, server: ServerId, request: Request) {
        match self.state {
            State::Confirmed(_) => self.take_refer(now, server, request, Some(self.id)),
            State::Calling(_) | State::Ringing(_) | State::Answered(_) => {
                self.respond_busy(server, &request);
            }
            State::Leaving(_) | State::Over => self.respond_gone(server, &request),
        }
    }

    fn take_refer(
        &mut self,
        now: Instant,
        server: ServerId,
        request: Request,
        call: Option<SessionId>,
    ) {
        let (Ok(cseq), Ok(Some(target))) = (request.headers.cseq(), request.headers.refer_to())
        else {
            // RFC 3515 §2.4.2: exactly one Refer-To.
            return self.respond_status(server, &request, Status::BAD_REQUEST);
        };
        if self.referrals.asked.len() >= MAX_REFERRALS {
            return self.respond_busy(server, &request);
        }
        let id = ReferId(cseq.number);
        self.referrals.first.get_or_insert(id);
        let (session, headers) = (self.id, request.headers.clone());
        self.say(Output::Refer { session, refer: id, call, target, headers });
        let values = &self.endpoint.config.timers;
        // Its transaction ends after 64·T1, answered or not.
        let until = now + values.timeout().saturating_sub(values.t2);
        let stage = Stage::Pending { server, request: Box::new(request) };
        let (outstanding, next, last) = (None, None, Status::TRYING);
        self.referrals.asked.push(Asked { id, stage, until, outstanding, next, last });
    }

    /// Accepts with 202; the subscription begins.
    pub(crate) fn accept_refer(&mut self, now: Instant, id: ReferId) -> Result<(), WrongState> {
        let at = self.referrals.position(id).ok_or(WrongState)?;
        let asked = &mut self.referrals.asked[at];
        let Stage::Pending { server, request } = &asked.stage else {
            return Err(WrongState);
        };
        let (server, request) = (*server, request.clone());
        asked.stage = Stage::Active;
        asked.until = now + EXPIRES;
        asked.next = Some(Report { status: Status::TRYING, end: None });
        let silent = request.headers.refer_sub() == Ok(Some(false));
        let status = if silent { Status::OK } else { Status::ACCEPTED };
        let mut response = self.dialog_response(&request, status);
        if silent {
            response.headers.push(HeaderName::ReferSub, "false");
            self.referrals.asked.remove(at);
        }
        self.respond(server, response);
        self.notify(now, id);
        self.forget_finished();
        Ok(())
    }

    /// Refuses with 300 to 699.
    pub(crate) fn reject_refer(&mut self, id: ReferId, status: Status) -> Result<(), WrongState> {
        let at = self.referrals.position(id).filter(|_| status.is_failure()).ok_or(WrongState)?;
        let Stage::Pending { server, request } = &self.referrals.asked[at].stage else {
            return Err(WrongState);
        };
        let (server, request) = (*server, request.clone());
        self.referrals.asked.remove(at);
        self.respond_status(server, &request, status);
        self.forget_finished();
        Ok(())
    }

    /// Tells how the call goes that the peer asked for; a final status ends the subscription.
    pub(crate) fn report_refer(
        &mut self,
        now: Instant,
        id: ReferId,
        status: Status,
    ) -> Result<(), WrongState> {
        let at = self.referrals.position(id).ok_or(WrongState)?;
        let asked = &mut self.referrals.asked[at];
        let Stage::Active = asked.stage else {
            return Err(WrongState);
        };
        asked.last = status;
        let end = status.is_final().then_some(EventReason::NoResource);
        if end.is_some() {
            asked.stage = Stage::Closing;
            asked.until = now + EXPIRES;
        }
        asked.next = Some(Report { status, end });
        self.notify(now, id);
        Ok(())
    }

    /// A SUBSCRIBE in the dialog of a REFER.
    pub(super) fn peer_subscribes(&mut self, now: Instant, server: ServerId, request: &Request) {
        let event = request.headers.event().ok().flatten();
        let at = match event.as_ref().map(|event| event.id.as_ref()) {
            // RFC 3515 §2.4.6: the first REFER of a dialog needs no id, and no other may go without.
            Some(None) => self.referrals.first.and_then(|id| self.referrals.position(id)),
            Some(Some(id)) => {
                let number = id.as_str().parse().ok();
                number.and_then(|number| self.referrals.position(ReferId(number)))
            }
            None => None,
        };
        let at = at.filter(|at| matches!(self.referrals.asked[*at].stage, Stage::Active));
        let Some(at) = at else {
            return self.respond_gone(server, request);
        };
        let longest = u32::try_from(EXPIRES.as_secs()).unwrap_or(u32::MAX);
        let seconds = request.headers.expires().unwrap_or(longest).min(longest);
        let mut response = self.dialog_response(request, Status::OK);
        response.headers.push(HeaderName::Expires, seconds);
        self.respond(server, response);
        if seconds == 0 {
            self.close_referral(now, at);
        } else {
            let asked = &mut self.referrals.asked[at];
            asked.until = now + Duration::from_secs(u64::from(seconds));
            let status = asked.last;
            asked.next.get_or_insert(Report { status, end: None });
            let id = asked.id;
            self.notify(now, id);
        }
    }

    /// Ends a subscription before the call has come to anything.
    fn close_referral(&mut self, now: Instant, at: usize) {
        let asked = &mut self.referrals.asked[at];
        asked.stage = Stage::Closing;
        asked.until = now + EXPIRES;
        asked.next = Some(Report { status: asked.last, end: Some(EventReason::Timeout) });
        let id = asked.id;
        self.notify(now, id);
    }

    /// Sends the next NOTIFY unless one is on its way.
    fn notify(&mut self, now: Instant, id: ReferId) {
        let Some(at) = self.referrals.position(id) else {
            return;
        };
        let asked = &mut self.referrals.asked[at];
        let left = asked.until.since(now).as_secs();
        let free = asked.outstanding.is_none();
        let Some(Report { status, end }) = asked.next.take_if(|_| free) else {
            return;
        };
        let state = match end {
            Some(reason) => SubscriptionState::terminated(reason),
            None => {
                let expires = u32::try_from(left).unwrap_or(u32::MAX);
                SubscriptionState::lasting(Substate::Active, expires)
            }
        };
        let base = self.endpoint.path.clone();
        let Some((mut request, path)) = self
            .shared_dialog()
            .map(|dialog| (dialog.request(Method::Notify), dialog.next_hop(&base)))
        else {
            self.referrals.asked.remove(at);
            return;
        };
        self.endpoint.introduce(&mut request.headers);
        request.headers.push(HeaderName::Event, event_of(id));
        request.headers.push(HeaderName::SubscriptionState, state);
        let line = format!("SIP/2.0 {} {}\r\n", status.code(), status.reason());
        request.set_body(SIPFRAG, line.into_bytes());
        let cseq = self.send_in_dialog(Purpose::Notify, 0, path, request);
        self.referrals.asked[at].outstanding = Some(cseq);
    }

    /// A response to a NOTIFY, or none.
    pub(super) fn notify_answered(&mut self, now: Instant, cseq: u32, answer: Option<Status>) {
        if answer.is_some_and(Status::is_provisional) {
            return;
        }
        let waits = |asked: &Asked| asked.outstanding == Some(cseq);
        let Some(at) = self.referrals.asked.iter().position(waits) else {
            return;
        };
        let asked = &mut self.referrals.asked[at];
        asked.outstanding = None;
        let told = matches!(asked.stage, Stage::Closing) && asked.next.is_none();
        let id = asked.id;
        // RFC 6665 §4.2.2: a failed NOTIFY ends the subscription.
        if told || answer.is_none_or(|status| !status.is_success()) {
            self.referrals.asked.remove(at);
        } else {
            self.notify(now, id);
        }
        self.forget_finished();
    }

    pub(super) fn referral_timeout(&mut self, now: Instant) {
        let due =
            self.referrals.asked.iter().find(|asked| asked.until <= now).map(|asked| asked.id);
        if let Some(id) = due
            && let Some(at) = self.referrals.position(id)
        {
            if matches!(self.referrals.asked[at].stage, Stage::Active) {
                self.close_referral(now, at);
            } else if let Stage::Pending { server, request } = self.referrals.asked.remove(at).stage
            {
                self.respond_status(server, &request, Status::SERVER_TIMEOUT);
            }
        }
        self.watch_timeout(now);
        self.forget_finished();
    }

    /// Lets go of the dialog that only transfers kept.
    pub(super) fn forget_finished(&mut self) {
        if self.referrals.is_empty() {
            self.remains = None;
        }
    }
}

/// `refer;id=7`
fn event_of(id: ReferId) -> Event {
    let package = Token::new("refer").expect("a token");
    Event { id: Token::new(&id.0.to_string()), ..Event::new(package.as_str()).expect("a token") }
}

impl fmt::Display for ReferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refer-{}", self.0)
    }
}
