//! Changing a session that is up: re-INVITE both ways, UPDATE from the peer (RFC 3261 §14, RFC 3311).
//!
//! ```text
//! state \ event   we offer     2xx                 491            other failure    INVITE in       ACK            deadline
//! Idle            ▸Offering    –                   –              –                Offer ▸Offered  –              –
//! Offering        waits        ACK, OfferAnswered  ▸Idle, again   OfferRejected    491             –              408: BYE
//!                              ▸Idle; or Offer     after 0–4 s    ▸Idle
//!                              ▸Answering
//! Answering       waits        –                   –              –                491             –              ACK, BYE
//! Offered         waits        –                   –              –                500             –              480 ▸Idle;
//!                                                                                                                 CANCEL: 487
//! Accepted        waits        –                   –              –                491             OfferAnswered  2xx again;
//!                                                                                                  ▸Idle          64·T1: BYE
//! ```
//!
//! A change that waits, for Idle or for the random time after a 491, is kept beside the state.

use core::fmt;

use tipring_core::{Duration, Instant};

use super::ack::Due;
use super::login::is_challenge;
use super::{Confirmed, EndedBy, Failure, Hangup, Purpose, Session, State, Unacked};
use crate::agent::Output;
use crate::message::{CSeq, HeaderName, Method, Request, Response, Status};
use crate::transaction::{Path, ServerId};

/// The content type of offers and answers.
pub(super) const SDP: &str = "application/sdp";

/// Times an offer is made again after a 491.
const MAX_GLARES: u8 = 10;

/// Who owes whom what.
#[derive(Debug)]
pub(super) enum Modify {
    Idle,
    /// Our re-INVITE has no final response.
    Offering {
        request: Request,
        path: Path,
        cseq: u32,
        glares: u8,
        until: Instant,
    },
    /// The peer's offer came in the 2xx; our ACK waits for the application's answer.
    Answering {
        cseq: u32,
        until: Instant,
    },
    /// The peer's INVITE or UPDATE waits for the application.
    Offered {
        server: ServerId,
        request: Request,
        until: Instant,
    },
    /// Our 2xx waits for its ACK.
    Accepted {
        unacked: Unacked,
    },
}

/// A change of ours that waits.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) body: Vec<u8>,
    pub(super) at: Instant,
    pub(super) glares: u8,
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
    pub(super) fn offer_if_due(&mut self, now: Instant, mut confirmed: Box<Confirmed>) -> State {
        let due = matches!(confirmed.modify, Modify::Idle)
            && confirmed.retry.as_ref().is_some_and(|retry| retry.at <= now);
        if due && let Some(Retry { body, glares, .. }) = confirmed.retry.take() {
            let path = confirmed.dialog.next_hop(&self.endpoint.path);
            let mut request = confirmed.dialog.request(Method::Invite);
            self.endpoint.introduce(&mut request.headers);
            request.set_body(SDP, body);
            self.send_reinvite(now, &mut confirmed, request, path, glares);
        }
        State::Confirmed(confirmed)
    }

    fn send_reinvite(
        &mut self,
        now: Instant,
        confirmed: &mut Confirmed,
        mut request: Request,
        path: Path,
        glares: u8,
    ) {
        self.endpoint.renew_via(&mut request, &path);
        self.login.sign(&mut request, path.remote);
        self.keep_authorization(&request.headers);
        let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
        self.send(Purpose::Reinvite, path.clone(), request.clone());
        let until = now + self.endpoint.config.timers.c;
        confirmed.modify = Modify::Offering { request, path, cseq, glares, until };
    }

    /// A response to our re-INVITE `cseq`.
    pub(super) fn in_confirmed(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        cseq: u32,
        response: Response,
    ) -> State {
        let current =
            matches!(&confirmed.modify, Modify::Offering { cseq: ours, .. } if *ours == cseq);
        if !current {
            if response.status.is_success() {
                self.repeat_ack(cseq, confirmed.dialog.remote_tag());
            }
            return State::Confirmed(confirmed);
        }
        match response.status.code() {
            ..200 => State::Confirmed(confirmed),
            200..300 => {
                self.login.accepted(&response);
                confirmed.dialog.refresh_target(&response.headers);
                self.change_answered(now, confirmed, cseq, response)
            }
            300.. => self.change_failed(now, confirmed, &response),
        }
    }

    fn change_answered(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        cseq: u32,
        response: Response,
    ) -> State {
        let offerless = matches!(
            &confirmed.modify, Modify::Offering { request, .. } if request.body.is_empty());
        let session = self.id;
        if offerless && !response.body.is_empty() {
            let until = now + self.endpoint.config.timers.timeout();
            confirmed.modify = Modify::Answering { cseq, until };
            self.say(Output::Offer { session, body: response.body });
            return State::Confirmed(confirmed);
        }
        self.send_ack(&confirmed.dialog, cseq, Vec::new());
        confirmed.modify = Modify::Idle;
        self.say(Output::OfferAnswered { session, body: response.body });
        self.offer_if_due(now, confirmed)
    }

    fn change_failed(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        response: &Response,
    ) -> State {
        let Modify::Offering { mut request, path, cseq: _, glares, .. } =
            core::mem::replace(&mut confirmed.modify, Modify::Idle)
        else {
            return State::Confirmed(confirmed);
        };
        let status = response.status;
        if is_challenge(status) && self.may_answer_challenge(response, &path) {
            let number = confirmed.dialog.next_cseq();
            request.headers.set(HeaderName::CSeq, CSeq { number, method: Method::Invite });
            self.send_reinvite(now, &mut confirmed, request, path, glares);
            return State::Confirmed(confirmed);
        }
        self.login.accepted(response);
        // RFC 3261 §14.1: no such dialog any more, or nobody there.
        if matches!(status, Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT) {
            let hangup = Hangup { status: None, ..Hangup::of_response(response) };
            return self.leave(confirmed.dialog, hangup);
        }
        if status == Status::REQUEST_PENDING && glares < MAX_GLARES {
            let wait = self.glare_wait();
            if confirmed.retry.is_none() {
                let at = now + wait;
                confirmed.retry = Some(Retry { body: request.body, at, glares: glares + 1 });
            }
            return State::Confirmed(confirmed);
        }
        let retry_after = response.headers.retry_after().map(|retry| retry.seconds);
        self.say(Output::OfferRejected { session: self.id, status, retry_after });
        self.offer_if_due(now, confirmed)
    }

    /// RFC 3261 §14.1: who made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s.
    fn glare_wait(&mut self) -> Duration {
        let ms = Duration::from_millis;
        if self.is_caller {
            self.endpoint.random(ms(2100), ms(4000))
        } else {
            self.endpoint.random(ms(0), ms(2000))
        }
    }

    /// Our re-INVITE gets no final response.
    pub(super) fn reinvite_unanswered(
        &mut self,
        confirmed: Box<Confirmed>,
        cseq: u32,
        failure: Failure,
    ) -> State {
        match confirmed.modify {
            Modify::Offering { cseq: ours, .. } if ours == cseq => {
                self.leave(confirmed.dialog, Hangup::new(failure.ended_by(), Vec::new()))
            }
            _ => State::Confirmed(confirmed),
        }
    }

    /// The peer's re-INVITE, or its UPDATE with an offer.
    pub(super) fn peer_offers(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        server: ServerId,
        request: Request,
    ) -> State {
        match confirmed.modify {
            Modify::Idle => {
                confirmed.dialog.refresh_target(&request.headers);
                self.say(Output::Offer { session: self.id, body: request.body.clone() });
                let until = now + self.endpoint.config.timers.c;
                confirmed.modify = Modify::Offered { server, request, until };
            }
            Modify::Offering { .. } | Modify::Answering { .. } | Modify::Accepted { .. } => {
                self.respond_status(server, &request, Status::REQUEST_PENDING);
            }
            Modify::Offered { .. } => self.respond_busy(server, &request),
        }
        State::Confirmed(confirmed)
    }

    /// 500 while an earlier offer is undecided (RFC 3261 §14.2, RFC 3311 §5.2).
    pub(super) fn respond_busy(&mut self, server: ServerId, request: &Request) {
        let status = Status::SERVER_INTERNAL_ERROR;
        let mut response = self.endpoint.response(request, status, &self.local_tag);
        let wait = self.endpoint.random(Duration::ZERO, Duration::from_secs(10));
        response.headers.push(HeaderName::RetryAfter, wait.as_secs());
        self.respond(server, response);
    }

    /// The application accepts the peer's offer, or answers it in our ACK.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        body: Vec<u8>,
    ) -> (State, bool) {
        match core::mem::replace(&mut confirmed.modify, Modify::Idle) {
            Modify::Offered { server, request, .. } if request.method == Method::Invite => {
                let unacked = self.send_2xx(now, server, &request, body);
                confirmed.modify = Modify::Accepted { unacked };
                (State::Confirmed(confirmed), true)
            }
            Modify::Offered { server, request, .. } => {
                let mut response = self.endpoint.response(&request, Status::OK, &self.local_tag);
                self.endpoint.introduce(&mut response.headers);
                response.set_body(SDP, body);
                self.respond(server, response);
                (self.offer_if_due(now, confirmed), true)
            }
            Modify::Answering { cseq, .. } => {
                self.send_ack(&confirmed.dialog, cseq, body);
                (self.offer_if_due(now, confirmed), true)
            }
            modify @ (Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. }) => {
                confirmed.modify = modify;
                (State::Confirmed(confirmed), false)
            }
        }
    }

    /// The application rejects the peer's offer. One that came in a 2xx ends the session.
    pub(super) fn decline(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        status: Status,
    ) -> (State, bool) {
        match core::mem::replace(&mut confirmed.modify, Modify::Idle) {
            Modify::Offered { server, request, .. } => {
                self.respond_status(server, &request, status);
                (self.offer_if_due(now, confirmed), true)
            }
            Modify::Answering { cseq, .. } => {
                self.send_ack(&confirmed.dialog, cseq, Vec::new());
                let hangup = Hangup::new(EndedBy::Local, Vec::new());
                (self.leave(confirmed.dialog, hangup), true)
            }
            modify @ (Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. }) => {
                confirmed.modify = modify;
                (State::Confirmed(confirmed), false)
            }
        }
    }

    /// The peer cancels its re-INVITE; the application's verdict comes too late then.
    pub(super) fn withdraw_offer(
        &mut self,
        now: Instant,
        confirmed: Box<Confirmed>,
        cancelled: ServerId,
    ) -> State {
        match confirmed.modify {
            Modify::Offered { server, .. } if server == cancelled => {
                self.decline(now, confirmed, Status::REQUEST_TERMINATED).0
            }
            _ => State::Confirmed(confirmed),
        }
    }

    /// The ACK for our 2xx to the peer's re-INVITE.
    pub(super) fn change_acknowledged(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
        cseq: u32,
        body: Vec<u8>,
    ) -> State {
        match &confirmed.modify {
            Modify::Accepted { unacked } if unacked.cseq == cseq => {
                if unacked.is_offer {
                    self.say(Output::OfferAnswered { session: self.id, body });
                }
                confirmed.modify = Modify::Idle;
                self.offer_if_due(now, confirmed)
            }
            _ => State::Confirmed(confirmed),
        }
    }

    pub(super) fn confirmed_timeout(
        &mut self,
        now: Instant,
        mut confirmed: Box<Confirmed>,
    ) -> State {
        if confirmed.modify.deadline().is_none_or(|at| at > now) {
            return self.offer_if_due(now, confirmed);
        }
        let timeout = Hangup::new(EndedBy::Timeout, Vec::new());
        match &mut confirmed.modify {
            Modify::Idle => State::Confirmed(confirmed),
            Modify::Offering { .. } => self.leave(confirmed.dialog, timeout),
            Modify::Answering { cseq, .. } => {
                let cseq = *cseq;
                self.send_ack(&confirmed.dialog, cseq, Vec::new());
                self.leave(confirmed.dialog, timeout)
            }
            Modify::Offered { .. } => {
                self.decline(now, confirmed, Status::TEMPORARILY_UNAVAILABLE).0
            }
            Modify::Accepted { unacked } => match unacked.due(now, &self.endpoint.config.timers) {
                Due::Nothing => State::Confirmed(confirmed),
                Due::Resend => {
                    self.respond(unacked.server, unacked.response.clone());
                    State::Confirmed(confirmed)
                }
                Due::GiveUp => self.leave(confirmed.dialog, timeout),
            },
        }
    }
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
