//! Changing a session: what either side asks for and what it then owes (RFC 3261 §14, RFC 3311, RFC 6337).
//!
//! ```text
//! state \ event   we offer     2xx                 491, 500 with    other failure    offer in       ACK, PRACK     deadline
//!                                                  Retry-After
//! Idle            ▸Offering    –                   –                –                Offer ▸Offered –              –
//! Offering        waits        ACK, OfferAnswered  ▸Idle, again     OfferRejected    491            –              408: ends
//!                              ▸Idle; or Offer     later            ▸Idle
//!                              ▸Answering
//! Answering       waits        –                   PRACK, as in Offering            491            –              ACK or PRACK,
//!                                                                                                                  ends
//! Offered         waits        –                   –                –                500            –              480, 504
//!                                                                                                                  ▸Idle;
//!                                                                                                                  CANCEL: 487
//! Accepted        waits        –                   –                –                491            OfferAnswered  2xx again;
//!                                                                                                   ▸Idle          64·T1: ends
//! ```
//!
//! We offer by re-INVITE, UPDATE, or in a PRACK; the peer by any of these, in the 2xx to an INVITE without an offer, or in
//! a reliable provisional response to one. In an early dialog there are UPDATE and PRACK alone. A change that waits, for
//! Idle or for a time after a 491, is kept beside the state. After a 491 the caller waits 2.1 to 4 s, the callee 0 to 2 s.
//! The peer's INVITE waits for the application as long as a call may ring, UPDATE and PRACK as long as their transactions can.
//! A refresh is tried again after other failures too, while the session lasts, and after a rejected change that took its
//! place.

use core::fmt;

use tipring_core::{Duration, Instant};

use super::party::Party;
use super::{Failure, Fate, Hangup, Purpose, Session, Unacked};
use crate::agent::Output;
use crate::message::{Header, HeaderName, Method, RAck, Request, Response, Status};
use crate::transaction::{Path, ServerId};

/// The content type of offers and answers.
pub(super) const SDP: &str = "application/sdp";

/// Times a change is tried again after a 491, or a 500 that says when.
const MAX_TRIES: u8 = 10;

/// Times a refresh is tried again that is refused in any way: the same answer is not asked for for ever.
const MAX_REFRESHES: u8 = 4;

/// The longest Retry-After that is waited for, seconds: RFC 3261 §14.2 and RFC 3311 §5.2 allow no more.
const MAX_RETRY_AFTER: u32 = 10;

/// Who owes whom what.
#[derive(Debug)]
pub(super) enum Modify {
    Idle,
    /// Our re-INVITE, UPDATE or PRACK with an offer has no final response.
    Offering {
        change: Change,
        method: Method,
        path: Path,
        cseq: u32,
        until: Instant,
    },
    /// The peer's offer came in a response; the application's answer goes into what acknowledges that.
    Answering {
        owed: Owed,
        until: Instant,
        /// What goes on afterwards: the re-INVITE whose provisional response held the offer.
        then: Option<Box<Modify>>,
    },
    /// The peer's INVITE, UPDATE or PRACK waits for the application.
    Offered {
        server: ServerId,
        request: Request,
        until: Instant,
    },
    /// Our 2xx to the peer's INVITE waits for its ACK.
    Accepted {
        unacked: Unacked,
    },
}

/// What carries our answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// The ACK for the 2xx to our INVITE of this number.
    Ack(u32),
    /// The PRACK for a provisional response.
    Prack(RAck),
}

/// A change of ours.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// The offer; empty to ask for one (re-INVITE) or to offer nothing (UPDATE).
    pub(super) body: Vec<u8>,
    pub(super) headers: Vec<Header>,
    /// Not before.
    pub(super) at: Instant,
    tries: u8,
    /// How often the session interval was raised for it.
    raised: u8,
    /// Offer and answer were made in its provisional responses: what the 2xx says is no offer any more.
    pub(super) agreed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Reinvite,
    /// By UPDATE, or by re-INVITE where the peer does not allow that.
    Update,
    /// The same, to keep the session alive.
    Refresh,
}

impl Change {
    pub(super) fn new(at: Instant, kind: Kind, body: Vec<u8>) -> Self {
        Self { kind, body, headers: Vec::new(), at, tries: 0, raised: 0, agreed: false }
    }

    /// Whether the peer's offer is still to come.
    pub(super) fn asks_for_offer(&self) -> bool {
        self.body.is_empty() && !self.agreed
    }

    /// Whether UPDATE can carry it.
    pub(super) fn is_update(&self) -> bool {
        match self.kind {
            Kind::Update | Kind::Refresh => true,
            Kind::Reinvite => false,
        }
    }
}

impl Modify {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Offering { until, .. }
            | Self::Answering { until, .. }
            | Self::Offered { until, .. } => Some(*until),
            Self::Accepted { unacked } => Some(unacked.deadline()),
        }
    }

    /// Whether our change `cseq` waits for its final response.
    fn is_offering(&self, cseq: u32) -> bool {
        match self {
            Self::Offering { cseq: ours, .. } => *ours == cseq,
            Self::Answering { then: Some(then), .. } => then.is_offering(cseq),
            Self::Idle
            | Self::Answering { then: None, .. }
            | Self::Offered { .. }
            | Self::Accepted { .. } => false,
        }
    }

    /// The peer's request in `server`, while it waits for the application.
    pub(super) fn pending(&self, server: ServerId) -> Option<&Request> {
        match self {
            Self::Offered { server: offered, request, .. } if *offered == server => Some(request),
            _ => None,
        }
    }
}

impl Session {
    /// Sends the waiting change if it may go now.
    pub(super) fn start_change(&mut self, now: Instant, party: &mut Party) {
        let idle = matches!(party.modify, Modify::Idle);
        let waiting = party.waiting.take();
        match waiting {
            Some(change) if idle && change.at <= now && party.may_send(&change) => {
                let by_update = change.is_update() && party.abilities.update;
                let method = if by_update { Method::Update } else { Method::Invite };
                self.send_change(now, party, change, method);
            }
            waiting => party.waiting = waiting,
        }
    }

    fn send_change(&mut self, now: Instant, party: &mut Party, mut change: Change, method: Method) {
        let path = party.dialog.next_hop(&self.endpoint.path);
        let mut request = party.dialog.request(method.clone());
        self.endpoint.introduce(&mut request.headers);
        if party.is_confirmed() {
            self.propose_timer(party.timer, &mut request.headers);
        }
        for header in &change.headers {
            request.headers.push(header.name().clone(), header.value());
        }
        if change.is_update() && method == Method::Invite && change.body.is_empty() {
            change.kind = Kind::Refresh;
        }
        if change.kind == Kind::Refresh {
            // RFC 4028 §7.4: a re-INVITE that changes nothing offers what there is.
            let unchanged = if method == Method::Invite { &*party.described } else { &[] };
            change.body = unchanged.to_vec();
        }
        change.agreed = false;
        request.set_body(SDP, change.body.clone());
        let cseq = self.send_in_dialog(Purpose::Change, party.fork, path.clone(), request);
        party.describe(&change.body);
        if method == Method::Invite {
            // Each INVITE counts its provisional responses anew (RFC 3262 §3).
            party.rseq = None;
        }
        let until = now + self.endpoint.config.timers.c;
        party.modify = Modify::Offering { change, method, path, cseq, until };
    }

    /// Signs and sends a request of a dialog; gives its number.
    pub(super) fn send_in_dialog(
        &mut self,
        purpose: Purpose,
        fork: usize,
        path: Path,
        mut request: Request,
    ) -> u32 {
        self.endpoint.add_via(&mut request, &path);
        self.login.sign(&mut request, path.remote);
        if request.method == Method::Invite {
            self.keep_authorization(&request.headers);
        }
        let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
        self.send(purpose, fork, path, request);
        cseq
    }

    /// A response to our change `cseq`.
    pub(super) fn change_response(
        &mut self,
        now: Instant,
        party: &mut Party,
        cseq: u32,
        response: Response,
    ) -> Fate {
        if response.status.is_failure() && party.modify.is_offering(cseq) {
            self.void_offer(now, party);
            return self.change_failed(now, party, &response);
        }
        if !matches!(&party.modify, Modify::Offering { cseq: ours, .. } if *ours == cseq) {
            if response.status.is_success() {
                self.repeat_ack(cseq, party.dialog.remote_tag());
            }
            return Fate::Stays;
        }
        if response.status.is_provisional() {
            self.change_progress(now, party, &response);
        } else {
            self.change_answered(now, party, cseq, response);
        }
        Fate::Stays
    }

    fn change_answered(&mut self, now: Instant, party: &mut Party, cseq: u32, response: Response) {
        let Modify::Offering { change, method, .. } =
            core::mem::replace(&mut party.modify, Modify::Idle)
        else {
            return;
        };
        party.refresh_target(&response.headers);
        if party.is_confirmed() && method != Method::Prack {
            self.learn_timer(now, party, &response.headers);
        }
        let (session, fork) = (self.id, party.fork);
        let body = response.session_description().to_vec();
        let invited = method == Method::Invite;
        if method == Method::Prack {
            party.forget_prack(cseq);
        }
        if invited && change.asks_for_offer() && !body.is_empty() {
            let until = now + self.endpoint.config.timers.timeout();
            party.modify = Modify::Answering { owed: Owed::Ack(cseq), until, then: None };
            self.say(Output::Offer { session, fork, headers: response.headers, body });
            return;
        }
        if invited {
            self.send_ack(&party.dialog, cseq, Vec::new());
        }
        self.say(match change.kind {
            Kind::Refresh => Output::Refreshed { session, body },
            Kind::Reinvite | Kind::Update => Output::OfferAnswered { session, fork, body },
        });
    }

    fn change_failed(&mut self, now: Instant, party: &mut Party, response: &Response) -> Fate {
        let Modify::Offering { mut change, method, until, .. } =
            core::mem::replace(&mut party.modify, Modify::Idle)
        else {
            return Fate::Stays;
        };
        let status = response.status;
        if method == Method::Prack {
            if let Some((path, cseq)) = self.prack_repeated(party, Purpose::Change, response) {
                party.modify = Modify::Offering { change, method, path, cseq, until };
                return Fate::Stays;
            }
        } else if self.is_worth_repeating(response)
            || self.raise_interval(response, &mut change.raised)
        {
            self.send_change(now, party, change, method);
            return Fate::Stays;
        }
        if party.is_confirmed() && ends_dialog(status) {
            return Fate::Ends(Hangup { status: None, ..Hangup::of_response(response) });
        }
        let unknown = matches!(status, Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED);
        if method == Method::Update && unknown {
            party.abilities.update = false;
            if party.is_confirmed() {
                self.send_change(now, party, change, Method::Invite);
                return Fate::Stays;
            }
        }
        let wait = self.wait_before_retry(response).filter(|_| method != Method::Prack);
        let wait = wait.filter(|_| change.tries < MAX_TRIES);
        if let Some(wait) = wait.or_else(|| wait_before_refresh(now, party, &change, response)) {
            change.at = now + wait;
            change.tries += 1;
            // What the application wants by now, if it asked again, goes before.
            party.waiting.get_or_insert(change);
            return Fate::Stays;
        }
        if change.kind != Kind::Refresh {
            let retry_after = response.headers.retry_after().map(|retry| retry.seconds);
            let warnings = response.headers.warnings().unwrap_or_default();
            let (session, fork) = (self.id, party.fork);
            self.say(Output::OfferRejected { session, fork, status, retry_after, warnings });
            party.refresh_again(now);
        }
        Fate::Stays
    }

    /// How long to wait before a change that met another one is tried again; `None` when it was refused for good.
    fn wait_before_retry(&mut self, response: &Response) -> Option<Duration> {
        let ms = Duration::from_millis;
        match (response.status, response.headers.retry_after()) {
            // RFC 3261 §14.1: who made the Call-ID waits longer.
            (Status::REQUEST_PENDING, _) if self.is_caller => {
                Some(self.endpoint.random(ms(2100), ms(4000)))
            }
            (Status::REQUEST_PENDING, _) => Some(self.endpoint.random(ms(0), ms(2000))),
            (Status::SERVER_INTERNAL_ERROR, Some(after)) if after.seconds <= MAX_RETRY_AFTER => {
                Some(Duration::from_secs(u64::from(after.seconds)))
            }
            _ => None,
        }
    }

    /// Our change gets no final response.
    pub(super) fn change_unanswered(
        &mut self,
        party: &mut Party,
        cseq: u32,
        failure: Failure,
    ) -> Fate {
        if !party.modify.is_offering(cseq) {
            return Fate::Stays;
        }
        if party.is_confirmed() {
            return Fate::Ends(Hangup::new(failure.ended_by(), Vec::new()));
        }
        // The INVITE's own end is awaited.
        party.modify = Modify::Idle;
        let (session, fork, status) = (self.id, party.fork, failure.status());
        let (retry_after, warnings) = (None, Vec::new());
        self.say(Output::OfferRejected { session, fork, status, retry_after, warnings });
        Fate::Stays
    }
}

/// How long to wait before a refresh that was refused is tried again, while the session lasts (RFC 4028 §10): a third of
/// what is left, or what the peer asks for; `None` when it is refused for good.
fn wait_before_refresh(
    now: Instant,
    party: &Party,
    change: &Change,
    response: &Response,
) -> Option<Duration> {
    let timer = party.timer.as_ref().filter(|_| change.kind == Kind::Refresh)?;
    let left = timer.deadline().since(now);
    let asked = response.headers.retry_after().map(|after| u64::from(after.seconds));
    let wait = asked.map_or(left / 3, Duration::from_secs);
    (change.tries < MAX_REFRESHES && wait < left).then_some(wait)
}

/// Whether a failure of any request inside a dialog tells that the dialog is no more: nobody there, or nobody who knows it
/// (RFC 3261 §12.2.1.2, RFC 5057 §5.1).
pub(super) fn ends_dialog(status: Status) -> bool {
    matches!(
        status,
        Status::NOT_FOUND
            | Status::REQUEST_TIMEOUT
            | Status::GONE
            | Status::UNSUPPORTED_URI_SCHEME
            | Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST
            | Status::LOOP_DETECTED
            | Status::TOO_MANY_HOPS
            | Status::ADDRESS_INCOMPLETE
            | Status::AMBIGUOUS
            | Status::BAD_GATEWAY
            | Status::DOES_NOT_EXIST_ANYWHERE
    )
}

/// `Idle`
impl fmt::Display for Modify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Offering { .. } => "Offering",
            Self::Answering { .. } => "Answering",
            Self::Offered { .. } => "Offered",
            Self::Accepted { .. } => "Accepted",
        })
    }
}

/// The header of a change, from what the application gave.
pub(super) fn owned(headers: &[(HeaderName, String)]) -> Vec<Header> {
    let mut all = crate::message::Headers::new();
    for (name, value) in headers {
        all.push(name.clone(), value);
    }
    all.iter().map(Header::from).collect()
}
