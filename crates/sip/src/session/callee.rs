//! The callee's side until its answer is acknowledged.

use std::collections::VecDeque;

use tipring_core::{Duration, Instant};

use super::ack::Due;
use super::modify::SDP;
use super::{Confirmed, EndedBy, Hangup, Login, Session, SessionId, State, Unacked};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{HeaderError, HeaderName, Headers, Request, Response, Status};
use crate::transaction::ServerId;

/// RFC 3261 §13.3.1.1: a proxy's timer C is kept from firing by a provisional response each minute.
const REPEAT: Duration = Duration::from_secs(60);

/// An INVITE is here and has no final response.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) server: ServerId,
    pub(super) invite: Request,
    pub(super) dialog: Dialog,
    progress: Option<Response>,
    repeat: Instant,
    until: Instant,
    /// What ends it at `until`: timer C, or the INVITE's own Expires.
    expired: Status,
}

/// The 2xx is sent; its ACK is awaited.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) dialog: Dialog,
    pub(super) unacked: Unacked,
    /// A BYE must wait for the ACK (RFC 3261 §15).
    pub(super) hangup: Option<Hangup>,
}

impl Ringing {
    pub(super) fn deadline(&self) -> Instant {
        if self.progress.is_some() { self.repeat.min(self.until) } else { self.until }
    }
}

impl Session {
    /// Is called.
    pub(crate) fn ring(
        now: Instant,
        id: SessionId,
        mut endpoint: Endpoint,
        login: Login,
        server: ServerId,
        invite: &Request,
    ) -> Result<Self, HeaderError> {
        let local_tag = endpoint.tag();
        endpoint.user = invite.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned);
        let first = endpoint.first_cseq();
        let dialog = Dialog::of_callee(invite, &local_tag, first)?;
        let c = endpoint.config.timers.c;
        // RFC 3261 §13.3.1, item 1.
        let expires = invite.headers.expires().map(|s| Duration::from_secs(u64::from(s)));
        let (wait, expired) = match expires.filter(|expires| *expires < c) {
            Some(expires) => (expires, Status::REQUEST_TERMINATED),
            None => (c, Status::TEMPORARILY_UNAVAILABLE),
        };
        let ringing = Ringing {
            server,
            invite: invite.clone(),
            dialog,
            progress: None,
            repeat: now + REPEAT,
            until: now + wait,
            expired,
        };
        Ok(Self {
            id,
            endpoint,
            is_caller: false,
            local_tag,
            login,
            authorization: Headers::new(),
            invite_cseq: 0,
            invite_client: None,
            acks: Vec::new(),
            state: State::Ringing(Box::new(ringing)),
            output: VecDeque::new(),
        })
    }

    pub(super) fn send_progress(
        &mut self,
        now: Instant,
        mut ringing: Box<Ringing>,
        status: Status,
        body: Vec<u8>,
    ) -> State {
        let mut response = self.dialog_response(&ringing.invite, status);
        response.set_body(SDP, body);
        ringing.progress = Some(response.clone());
        ringing.repeat = now + REPEAT;
        self.respond(ringing.server, response);
        State::Ringing(ringing)
    }

    pub(super) fn send_answer(&mut self, now: Instant, ringing: Ringing, body: Vec<u8>) -> State {
        let Ringing { server, invite, mut dialog, .. } = ringing;
        dialog.confirm();
        let unacked = self.send_2xx(now, server, &invite, body);
        State::Answered(Box::new(Answered { dialog, unacked, hangup: None }))
    }

    /// Sends a 200 to an INVITE, which is then sent again until its ACK comes.
    pub(super) fn send_2xx(
        &mut self,
        now: Instant,
        server: ServerId,
        invite: &Request,
        body: Vec<u8>,
    ) -> Unacked {
        let mut response = self.dialog_response(invite, Status::OK);
        let is_offer = invite.body.is_empty() && !body.is_empty();
        response.set_body(SDP, body);
        self.respond(server, response.clone());
        Unacked::new(now, &self.endpoint.config.timers, server, response, is_offer)
    }

    /// A response that makes or keeps a dialog: it repeats Record-Route and has our Contact (RFC 3261 §12.1.1).
    fn dialog_response(&self, invite: &Request, status: Status) -> Response {
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
        let mut response = self.endpoint.response(&ringing.invite, status, &self.local_tag);
        for reason in &hangup.reasons {
            response.headers.push(HeaderName::Reason, reason);
        }
        for (name, value) in headers {
            response.headers.push(name.clone(), value);
        }
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
            State::Confirmed(confirmed) => self.withdraw_offer(now, confirmed, server),
            state => state,
        };
    }

    /// 487 to the INVITE; Ended.
    pub(super) fn terminate_ringing(&mut self, ringing: &Ringing, hangup: Hangup) -> State {
        self.respond_status(ringing.server, &ringing.invite, Status::REQUEST_TERMINATED);
        self.finish(hangup.with_status(Status::REQUEST_TERMINATED))
    }

    pub(super) fn ringing_timeout(&mut self, now: Instant, mut ringing: Box<Ringing>) -> State {
        if ringing.until <= now {
            let hangup = Hangup::new(EndedBy::Timeout, Vec::new());
            return self.refuse(&ringing, hangup, ringing.expired, &[]);
        }
        if let Some(response) = &ringing.progress {
            let response = response.clone();
            self.respond(ringing.server, response);
        }
        ringing.repeat = now + REPEAT;
        State::Ringing(ringing)
    }

    pub(super) fn answered_timeout(&mut self, now: Instant, mut answered: Box<Answered>) -> State {
        match answered.unacked.due(now, &self.endpoint.config.timers) {
            Due::Nothing => State::Answered(answered),
            Due::Resend => {
                self.respond(answered.unacked.server, answered.unacked.response.clone());
                State::Answered(answered)
            }
            // RFC 3261 §13.3.1.4: the dialog is confirmed, but the session is terminated with a BYE.
            Due::GiveUp => {
                let Answered { dialog, hangup, .. } = *answered;
                let no_ack = Hangup::new(EndedBy::Timeout, Vec::new());
                self.leave(dialog, hangup.unwrap_or(no_ack))
            }
        }
    }

    /// The ACK for our answer came.
    pub(super) fn acknowledged(&mut self, answered: Answered, body: Vec<u8>) -> State {
        let Answered { dialog, hangup, .. } = answered;
        match hangup {
            Some(hangup) => self.leave(dialog, hangup),
            None => {
                self.say(Output::Confirmed { session: self.id, body });
                State::Confirmed(Box::new(Confirmed::new(dialog)))
            }
        }
    }
}
