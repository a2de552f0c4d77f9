//! The callee's side of reliable provisional responses (RFC 3262 §3).
//!
//! ```text
//! state \ event   reliable response   PRACK, matching      PRACK, other   T1, doubling   64·T1
//! Quiet           send ▸Waiting       481                  481            –              –
//! Waiting         queued              200 ▸Quiet, next     481            send again     500 to the INVITE
//! Answered        –                   200 ▸Quiet           481            –              ▸Quiet
//! ```
//!
//! One is outstanding at a time. A 2xx waits for the PRACK of a response that holds a description, and for the peer's offer
//! in that PRACK to be decided. One without a description is not sent again once the call is answered, and its PRACK still
//! gets 200, before the ACK and after it: a 481 might end the call (RFC 5057 §5.1). Whether a response is sent reliably is [`Reliability`](crate::agent::Reliability)'s to say.

use std::collections::VecDeque;

use tipring_core::Instant;

use super::callee::Ringing;
use super::exchange::{Exchange, Role};
use super::modify::{Modify, SDP};
use super::party::Party;
use super::{EndedBy, Hangup, Session, State};
use crate::agent::{Output, Reliability};
use crate::message::{HeaderName, Method, RAck, RSeq, Request, Response, Status};
use crate::transaction::{Resend, ServerId, Timer, TimerValues};

/// Responses that wait for the PRACK of another; a further one takes the place of the last.
const MAX_QUEUED: usize = 8;

/// The reliable provisional responses to one INVITE.
#[derive(Debug)]
pub(super) struct Reliable {
    next: RSeq,
    sent: Option<Unpracked>,
    queue: VecDeque<(Status, Vec<u8>)>,
}

/// A response that waits for its PRACK.
#[derive(Debug)]
struct Unpracked {
    rack: RAck,
    response: Response,
    role: Role,
    resend: Resend,
    until: Instant,
}

/// The PRACK for a response without a description, which may come when the call is up.
#[derive(Debug)]
pub(super) struct LatePrack {
    rack: RAck,
    until: Instant,
}

impl Reliable {
    pub(super) fn new(first: RSeq) -> Self {
        Self { next: first, sent: None, queue: VecDeque::new() }
    }

    /// Whether a response waits for its PRACK.
    pub(super) fn is_waiting(&self) -> bool {
        self.sent.is_some()
    }

    /// Whether a 2xx must wait for a PRACK.
    pub(super) fn holds_answer(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| matches!(sent.role, Role::Offer | Role::Answer))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.sent.as_ref().map(|sent| Resend::before(Some(sent.resend), sent.until))
    }

    fn number(&mut self, values: &TimerValues, now: Instant, response: &Response, role: Role) {
        let cseq = response.headers.cseq().map_or(0, |cseq| cseq.number);
        let rack = RAck { rseq: self.next, cseq, method: Method::Invite };
        // 2³¹ responses to one INVITE do not happen.
        self.next = self.next.next().unwrap_or(self.next);
        let (resend, until) = (Resend::always(now, values), now + values.timeout());
        self.sent = Some(Unpracked { rack, response: response.clone(), role, resend, until });
    }

    /// What is left to be acknowledged when the INVITE is over.
    pub(super) fn into_late(self) -> Option<LatePrack> {
        self.sent.map(|Unpracked { rack, until, .. }| LatePrack { rack, until })
    }

    /// Takes the response that a PRACK acknowledges.
    fn acknowledge(&mut self, rack: &RAck) -> Option<Unpracked> {
        self.sent.take_if(|sent| sent.rack == *rack)
    }
}

impl Session {
    /// Sends a provisional response, reliably where that is agreed; `body` is the answer, or our offer when the INVITE has
    /// none.
    pub(super) fn send_progress(
        &mut self,
        now: Instant,
        ringing: &mut Ringing,
        status: Status,
        body: Vec<u8>,
    ) {
        ringing.remember(now, status, &body);
        // A 100 is never reliable (RFC 3262 §3).
        if status == Status::TRYING || !self.is_reliable(&ringing.invite, &body) {
            let preview = ringing.party.exchange.previews_answer();
            let body = if preview { body } else { Vec::new() };
            ringing.party.describe(&body);
            let mut response = self.dialog_response(&ringing.invite, status);
            response.set_body(SDP, body);
            return self.respond(ringing.server, response);
        }
        if !ringing.reliable.is_waiting() {
            return self.send_reliable(now, ringing, status, body);
        }
        if ringing.reliable.queue.len() >= MAX_QUEUED {
            ringing.reliable.queue.pop_back();
        }
        ringing.reliable.queue.push_back((status, body));
    }

    /// Whether the next provisional response must hold our offer.
    pub(crate) fn owes_first_offer(&self) -> bool {
        let State::Ringing(ringing) = &self.state else { return false };
        ringing.party.exchange == Exchange::Nothing && self.is_reliable(&ringing.invite, &[])
    }

    fn is_reliable(&self, invite: &Request, body: &[u8]) -> bool {
        let headers = &invite.headers;
        let required = headers.requires("100rel");
        let possible = required || headers.supports("100rel");
        match self.endpoint.config.reliability {
            Reliability::Off => false,
            Reliability::Supported => required || (possible && !body.is_empty()),
            Reliability::Required => possible,
        }
    }

    fn send_reliable(
        &mut self,
        now: Instant,
        ringing: &mut Ringing,
        status: Status,
        body: Vec<u8>,
    ) {
        let role = ringing.party.exchange.send(&body);
        let body = if role == Role::Repeated { Vec::new() } else { body };
        ringing.party.describe(&body);
        let mut response = self.dialog_response(&ringing.invite, status);
        response.headers.push(HeaderName::Require, "100rel");
        response.headers.push(HeaderName::RSeq, ringing.reliable.next);
        response.set_body(SDP, body);
        let values = &self.endpoint.config.timers;
        ringing.reliable.number(values, now, &response, role);
        self.respond(ringing.server, response);
    }

    /// Sends what waited for a PRACK and may go now: the next provisional response, or the answer.
    pub(super) fn advance_ringing(&mut self, now: Instant, mut ringing: Box<Ringing>) -> State {
        let settled = matches!(ringing.party.modify, Modify::Idle);
        if settled
            && !ringing.reliable.holds_answer()
            && let Some(body) = ringing.answer.take()
        {
            return self.send_answer(now, *ringing, body);
        }
        if !ringing.reliable.is_waiting()
            && let Some((status, body)) = ringing.reliable.queue.pop_front()
        {
            self.send_reliable(now, &mut ringing, status, body);
        }
        if !ringing.reliable.is_waiting() {
            self.start_change(now, &mut ringing.party);
        }
        State::Ringing(ringing)
    }

    /// A PRACK.
    pub(super) fn peer_acknowledges(&mut self, now: Instant, server: ServerId, request: Request) {
        let mut state = self.take_state();
        match &mut state {
            State::Ringing(ringing) => {
                let Ringing { party, reliable, .. } = &mut **ringing;
                self.match_prack(now, party, reliable, server, request);
            }
            State::Answered(answered) if answered.hangup.is_some() => {
                let rack = request.headers.rack().ok().flatten();
                let known = rack.and_then(|rack| answered.reliable.acknowledge(&rack));
                let status = match known {
                    None => Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
                    Some(_) if request.session_description().is_empty() => Status::OK,
                    // Nobody is there any more who could answer.
                    Some(_) => Status::REQUEST_TERMINATED,
                };
                self.respond_status(server, &request, status);
            }
            State::Answered(answered) => {
                let (party, reliable) = (&mut answered.party, &mut answered.reliable);
                self.match_prack(now, party, reliable, server, request);
            }
            State::Confirmed(party) => self.match_late_prack(now, party, server, request),
            State::Calling(_) | State::Leaving(_) | State::Over => {
                self.respond_gone(server, &request);
            }
        }
        self.state = state;
    }

    fn match_late_prack(
        &mut self,
        now: Instant,
        party: &mut Party,
        server: ServerId,
        request: Request,
    ) {
        let Ok(Some(rack)) = request.headers.rack() else {
            return self.respond_status(server, &request, Status::BAD_REQUEST);
        };
        let late = party.late_prack.take_if(|late| late.rack == rack || late.until <= now);
        if late.is_none_or(|late| late.until <= now) {
            return self.respond_gone(server, &request);
        }
        self.prack_received(now, party, Role::None, server, request);
    }

    fn match_prack(
        &mut self,
        now: Instant,
        party: &mut Party,
        reliable: &mut Reliable,
        server: ServerId,
        request: Request,
    ) {
        let Ok(Some(rack)) = request.headers.rack() else {
            return self.respond_status(server, &request, Status::BAD_REQUEST);
        };
        let Some(sent) = reliable.acknowledge(&rack) else {
            return self.respond_gone(server, &request);
        };
        self.prack_received(now, party, sent.role, server, request);
    }

    /// The PRACK for a response whose description was `role`.
    fn prack_received(
        &mut self,
        now: Instant,
        party: &mut Party,
        role: Role,
        server: ServerId,
        request: Request,
    ) {
        let body = request.session_description().to_vec();
        if role != Role::Offer && !body.is_empty() {
            return self.peer_offers(now, party, server, request);
        }
        self.respond_status(server, &request, Status::OK);
        if role == Role::Offer {
            party.exchange.receive(&body);
            let (session, fork) = (self.id, party.fork);
            self.say(Output::OfferAnswered { session, fork, body });
        }
    }

    /// Sends an unacknowledged response again, or gives up; false then.
    pub(super) fn reliable_timeout(&mut self, now: Instant, ringing: &mut Ringing) -> bool {
        let values = self.endpoint.config.timers;
        let server = ringing.server;
        let Some(sent) = &mut ringing.reliable.sent else {
            return true;
        };
        if sent.until <= now {
            return false;
        }
        // The interval doubles without a bound, unlike a 2xx's.
        if sent.resend.is_due(now, &values, Timer::A) {
            let response = sent.response.clone();
            self.respond(server, response);
        }
        true
    }

    /// RFC 3262 §3: nobody acknowledges, so the INVITE is refused.
    pub(super) fn unacknowledged(&mut self, ringing: &Ringing) -> State {
        let hangup = Hangup::new(EndedBy::Timeout, Vec::new());
        self.refuse(ringing, hangup, Status::SERVER_INTERNAL_ERROR, &[])
    }
}
