//! The callee's side until its answer is acknowledged.

use std::sync::Arc;

use tipring_core::{Duration, Instant};

use super::ack::Due;
use super::exchange::{Exchange, Role};
use super::modify::SDP;
use super::party::Party;
use super::reliable::Reliable;
use super::{EndedBy, Hangup, Login, Session, SessionId, SessionOutput, State, Unacked};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{HeaderError, HeaderName, Request, Response, Status};
use crate::transaction::ServerId;

/// RFC 3261 §13.3.1.1: a proxy's timer C is kept from firing by a provisional response each minute.
const REPEAT: Duration = Duration::from_secs(60);

/// An INVITE is here and has no final response.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) server: ServerId,
    pub(super) invite: Arc<Request>,
    pub(super) party: Party,
    pub(super) reliable: Reliable,
    /// The answer, while it waits for a PRACK.
    pub(super) answer: Option<Vec<u8>>,
    progress: Option<(Status, Vec<u8>)>,
    repeat: Instant,
    until: Instant,
    /// What ends it at `until`: timer C, or the INVITE's own Expires.
    expired: Status,
}

/// The 2xx is sent; its ACK is awaited.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) party: Party,
    pub(super) unacked: Unacked,
    /// A provisional response whose PRACK may still come.
    pub(super) reliable: Reliable,
    /// A BYE must wait for the ACK (RFC 3261 §15).
    pub(super) hangup: Option<Hangup>,
}

impl Ringing {
    pub(super) fn deadline(&self) -> Instant {
        let own = if self.progress.is_some() { self.repeat.min(self.until) } else { self.until };
        let open = !self.reliable.is_waiting();
        let others = [self.reliable.deadline(), self.party.deadline(open)];
        others.into_iter().flatten().fold(own, Instant::min)
    }

    /// Whether the caller knows our tag.
    pub(super) fn has_dialog(&self) -> bool {
        self.progress.is_some()
    }

    /// Keeps a provisional response for its repetition.
    pub(super) fn remember(&mut self, now: Instant, status: Status, body: &[u8]) {
        self.progress = Some((status, body.to_vec()));
        self.repeat = now + REPEAT;
    }
}

impl Answered {
    pub(super) fn deadline(&self) -> Instant {
        let party = self.party.deadline(false);
        party.into_iter().fold(self.unacked.deadline(), Instant::min)
    }
}

impl Session {
    /// Is called. `replaces` is the session that ends when this one is answered (RFC 3891).
    pub(crate) fn ring(
        now: Instant,
        id: SessionId,
        mut endpoint: Endpoint,
        login: Login,
        server: ServerId,
        invite: Arc<Request>,
        replaces: Option<SessionId>,
    ) -> Result<Self, HeaderError> {
        let local_tag = endpoint.tag();
        endpoint.user = invite.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned);
        endpoint.secure = invite.uri.is_secure();
        let first = endpoint.first_cseq();
        let reliable = Reliable::new(endpoint.first_rseq());
        let dialog = Dialog::of_callee(&invite, &local_tag, first)?;
        let c = endpoint.config.timers.c;
        // RFC 3261 §13.3.1, item 1.
        let expires = invite.headers.expires().map(|s| Duration::from_secs(u64::from(s)));
        let (wait, expired) = match expires.filter(|expires| *expires < c) {
            Some(expires) => (expires, Status::REQUEST_TERMINATED),
            None => (c, Status::TEMPORARILY_UNAVAILABLE),
        };
        let mut exchange = Exchange::default();
        exchange.receive(invite.session_description());
        let mut party = Party::new(0, dialog, exchange);
        party.abilities.learn(&invite.headers);
        let ringing = Ringing {
            server,
            invite,
            party,
            reliable,
            answer: None,
            progress: None,
            repeat: now + REPEAT,
            until: now + wait,
            expired,
        };
        let mut session = Self::new(id, endpoint, local_tag, login, false);
        session.replaces = replaces;
        session.state = State::Ringing(Box::new(ringing));
        Ok(session)
    }

    pub(super) fn send_answer(&mut self, now: Instant, ringing: Ringing, body: Vec<u8>) -> State {
        let Ringing { server, invite, mut party, reliable, .. } = ringing;
        party.dialog.confirm();
        let role = party.exchange.send(&body);
        // RFC 6337 §2.1: what a reliable response said is not said again.
        let body = if role == Role::Repeated { Vec::new() } else { body };
        party.describe(&body);
        let unacked = self.send_2xx(now, &mut party, server, &invite, body);
        if let Some(replaced) = self.replaces.take() {
            self.output.push_back(SessionOutput::Replaced(replaced));
        }
        State::Answered(Box::new(Answered { party, unacked, reliable, hangup: None }))
    }

    /// Sends a 200 to an INVITE, which is then sent again until its ACK comes.
    pub(super) fn send_2xx(
        &mut self,
        now: Instant,
        party: &mut Party,
        server: ServerId,
        invite: &Request,
        body: Vec<u8>,
    ) -> Unacked {
        let mut response = self.dialog_response(invite, Status::OK);
        self.grant_timer(now, party, &invite.headers, &mut response.headers);
        let is_offer = invite.session_description().is_empty() && !body.is_empty();
        response.set_body(SDP, body);
        let response = Arc::new(response);
        self.respond(server, Arc::clone(&response));
        Unacked::new(now, &self.endpoint.config.timers, server, response, is_offer)
    }

    /// A response that makes or keeps a dialog: it repeats Record-Route and has our Contact (RFC 3261 §12.1.1).
    pub(super) fn dialog_response(&self, invite: &Request, status: Status) -> Response {
        let mut response = self.endpoint.response(invite, status, &self.local_tag);
        response.headers.copy_from(&invite.headers, &HeaderName::RecordRoute);
        self.endpoint.introduce(&mut response.headers);
        response
    }

    /// Sends a final response that ends the session.
    pub(super) fn refuse(
        &mut self,
        ringing: &Ringing,
        hangup: Hangup,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> State {
        self.refuse_as(ringing, hangup, status, headers, None)
    }

    /// The same, with another tag than ours.
    pub(super) fn refuse_as(
        &mut self,
        ringing: &Ringing,
        hangup: Hangup,
        status: Status,
        headers: &[(HeaderName, String)],
        tag: Option<&str>,
    ) -> State {
        let tag = tag.unwrap_or(&self.local_tag);
        let mut response = self.endpoint.response(&ringing.invite, status, tag);
        for reason in &hangup.reasons {
            response.headers.push(HeaderName::Reason, reason);
        }
        for (name, value) in headers {
            response.headers.push(name.clone(), value);
        }
        self.drop_offered(&ringing.party);
        self.respond(ringing.server, response);
        self.finish(hangup.with_status(status))
    }

    /// The caller's CANCEL of the INVITE in `server`, which its own transaction has answered (RFC 3261 §9.2). Without
    /// effect when that INVITE has its final response.
    pub(crate) fn handle_cancel(&mut self, now: Instant, server: ServerId, cancel: &Request) {
        self.state = match self.take_state() {
            State::Ringing(ringing) if ringing.server == server => {
                // The reasons are the caller's: they are told, not sent back.
                let reasons = cancel.headers.reasons();
                self.terminate_ringing(&ringing, Hangup::new(EndedBy::Remote, reasons))
            }
            state => state,
        };
        self.withdraw_offer(now, server);
        self.advance(now);
    }

    /// 487 to the INVITE; Ended.
    pub(super) fn terminate_ringing(&mut self, ringing: &Ringing, hangup: Hangup) -> State {
        self.drop_offered(&ringing.party);
        self.respond_status(ringing.server, &ringing.invite, Status::REQUEST_TERMINATED);
        self.finish(hangup.with_status(Status::REQUEST_TERMINATED))
    }

    pub(super) fn ringing_timeout(&mut self, now: Instant, mut ringing: Box<Ringing>) -> State {
        if ringing.until <= now {
            let hangup = Hangup::new(EndedBy::Timeout, Vec::new());
            return self.refuse(&ringing, hangup, ringing.expired, &[]);
        }
        if !self.reliable_timeout(now, &mut ringing) {
            return self.unacknowledged(&ringing);
        }
        if ringing.repeat <= now {
            ringing.repeat = now + REPEAT;
            if let Some((status, body)) = ringing.progress.clone() {
                self.send_progress(now, &mut ringing, status, body);
            }
        }
        State::Ringing(ringing)
    }

    pub(super) fn answered_timeout(&mut self, now: Instant, mut answered: Box<Answered>) -> State {
        match answered.unacked.due(now, &self.endpoint.config.timers) {
            Due::Nothing => State::Answered(answered),
            Due::Resend => {
                self.respond(answered.unacked.server, Arc::clone(&answered.unacked.response));
                State::Answered(answered)
            }
            // RFC 3261 §13.3.1.4: the dialog is confirmed, but the session is terminated with a BYE.
            Due::GiveUp => {
                let Answered { party, hangup, .. } = *answered;
                let no_ack = Hangup::new(EndedBy::Timeout, Vec::new());
                self.leave_confirmed(now, party, hangup.unwrap_or(no_ack))
            }
        }
    }

    /// The ACK for our answer came.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        answered: Answered,
        body: Vec<u8>,
    ) -> State {
        let Answered { mut party, hangup, unacked, reliable } = answered;
        if unacked.is_offer {
            party.exchange.receive(&body);
        }
        match hangup {
            Some(hangup) => self.leave_confirmed(now, party, hangup),
            None => {
                party.late_prack = reliable.into_late().map(Box::new);
                self.say(Output::Confirmed { session: self.id, body });
                State::Confirmed(Box::new(party))
            }
        }
    }
}
