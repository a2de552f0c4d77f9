//! The caller's side until the call is answered.

use tipring_core::Instant;

use super::exchange::Role;
use super::forks::remote_tag;
use super::login::is_challenge;
use super::modify::{Modify, Owed, SDP};
use super::party::Party;
use super::redirect::untried;
use super::{
    EndedBy, Failure, Hangup, Invite, Login, Purpose, Session, SessionId, SessionOutput, State,
    contact_user,
};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{CSeq, HeaderName, Headers, Method, Request, Response, Status, Uri};
use crate::transaction::cancel_for;

/// The INVITE is sent and has no final response.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) invite: Request,
    tried: Vec<Uri>,
    /// The early dialogs.
    pub(super) parties: Vec<Party>,
    pub(super) next_fork: usize,
    /// The INVITE has got as far as somebody who rings: a server asks before it passes a call on.
    pub(super) heard: bool,
    /// Tags of forks that have said BYE.
    pub(super) left: Vec<String>,
    /// Timer C, once a provisional response came; before, the transaction's timer B runs.
    c: Option<Instant>,
    cancel: Cancel,
    /// How often the session interval was raised.
    raised: u8,
}

#[derive(Debug)]
enum Cancel {
    Unwanted,
    /// It must not be sent before a provisional response (RFC 3261 §9.1).
    Withheld(Hangup),
    Sent {
        hangup: Hangup,
        until: Instant,
    },
}

impl Calling {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let own = match &self.cancel {
            Cancel::Sent { until, .. } => Some(*until),
            Cancel::Unwanted => self.c,
            Cancel::Withheld(_) => None,
        };
        let wanted = self.is_wanted();
        let parties = self.parties.iter().filter(|_| wanted);
        parties.filter_map(|party| party.deadline(true)).chain(own).min()
    }

    /// Whether nobody has hung up yet.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(self.cancel, Cancel::Unwanted)
    }
}

impl Session {
    /// Calls.
    pub(crate) fn call(
        id: SessionId,
        mut endpoint: Endpoint,
        login: Login,
        invite: Invite,
    ) -> Self {
        endpoint.user = contact_user(&invite.from);
        endpoint.secure = invite.target.is_secure();
        let local_tag = endpoint.tag();
        let mut tried = invite.tried.clone();
        tried.push(invite.target.clone());
        let mut session = Self::new(id, endpoint, local_tag, login, true);
        let request = session.initial_invite(invite);
        let mut calling = Calling {
            invite: request,
            tried,
            parties: Vec::new(),
            next_fork: 0,
            heard: false,
            left: Vec::new(),
            c: None,
            cancel: Cancel::Unwanted,
            raised: 0,
        };
        session.send_invite(&mut calling);
        session.state = State::Calling(Box::new(calling));
        session
    }

    fn initial_invite(&mut self, invite: Invite) -> Request {
        let mut request = Request::new(Method::Invite, invite.target);
        let number = self.endpoint.first_cseq();
        let call_id = invite.call_id.unwrap_or_else(|| self.endpoint.call_id());
        let headers = &mut request.headers;
        for route in &invite.route {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, invite.max_forwards);
        headers.push(HeaderName::From, invite.from.with_tag(&self.local_tag));
        headers.push(HeaderName::To, invite.to);
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method: Method::Invite });
        self.endpoint.introduce(headers);
        if self.endpoint.config.requires_reliability() {
            headers.push(HeaderName::Require, "100rel");
        }
        self.propose_timer(None, headers);
        for header in &invite.headers {
            headers.push(header.name().clone(), header.value());
        }
        request.set_body(SDP, invite.body);
        request
    }

    fn send_invite(&mut self, calling: &mut Calling) {
        let path = self.endpoint.path.clone();
        self.endpoint.renew_via(&mut calling.invite, &path);
        self.login.sign(&mut calling.invite, path.remote);
        self.keep_authorization(&calling.invite.headers);
        self.invite_cseq = calling.invite.headers.cseq().map_or(0, |cseq| cseq.number);
        self.send(Purpose::Invite, 0, path, calling.invite.clone());
    }

    /// Sends the INVITE once more, by another number (RFC 3261 §22.2): the Call-ID and the tag of From stay.
    fn send_invite_again(&mut self, mut calling: Calling) -> State {
        let number = self.invite_cseq.wrapping_add(1);
        calling.invite.headers.set(HeaderName::CSeq, CSeq { number, method: Method::Invite });
        self.drop_parties(&mut calling.parties);
        (calling.c, calling.heard) = (None, false);
        self.send_invite(&mut calling);
        State::Calling(Box::new(calling))
    }

    pub(super) fn keep_authorization(&mut self, headers: &Headers) {
        self.authorization = Headers::new();
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            self.authorization.copy_from(headers, &name);
        }
    }

    /// A response to our INVITE.
    pub(super) fn in_calling(
        &mut self,
        now: Instant,
        calling: Box<Calling>,
        response: Response,
    ) -> State {
        match response.status.code() {
            ..200 => self.calling_progress(now, calling, response),
            200..300 => self.calling_answered(now, *calling, response),
            300.. => self.calling_failed(*calling, &response),
        }
    }

    fn calling_progress(
        &mut self,
        now: Instant,
        mut calling: Box<Calling>,
        response: Response,
    ) -> State {
        let c = now + self.endpoint.config.timers.c;
        // RFC 3261 §16.6 item 11: every provisional response but 100 starts it again.
        if calling.c.is_none() || response.status != Status::TRYING {
            calling.c = Some(c);
        }
        if let Cancel::Withheld(hangup) = &calling.cancel {
            let hangup = hangup.clone();
            self.send_cancel(now, &mut calling, hangup);
        }
        if response.status != Status::TRYING {
            calling.heard = true;
            self.fork_progress(now, &mut calling, response);
        }
        State::Calling(calling)
    }

    fn calling_answered(
        &mut self,
        now: Instant,
        mut calling: Calling,
        response: Response,
    ) -> State {
        let tag = remote_tag(&response);
        let winner = calling.parties.iter().position(|party| party.dialog.remote_tag() == tag);
        let known = winner.map(|at| calling.parties.swap_remove(at));
        self.drop_parties(&mut calling.parties);
        let party = match known {
            Some(mut party) => party.dialog.learn(&response).map(|()| party),
            None => Dialog::of_caller(&calling.invite, &response).map(|d| calling.new_party(d)),
        };
        let Ok(mut party) = party else {
            // A 2xx without a usable To or Record-Route makes no dialog that a BYE could name.
            let hangup = Hangup::new(EndedBy::Remote, Vec::new()).with_status(Status::BAD_REQUEST);
            return self.finish(hangup);
        };
        if calling.left.contains(&tag) {
            return self.fork_answers_after_bye(&party);
        }
        let cseq = self.invite_cseq;
        match calling.cancel {
            Cancel::Unwanted => {}
            // The answer crossed our CANCEL (RFC 3261 §9.1, §15).
            Cancel::Withheld(hangup) | Cancel::Sent { hangup, .. } => {
                self.drop_offered(&party);
                self.send_ack(&party.dialog, cseq, Vec::new());
                return self.leave(party.dialog, Hangup { status: None, ..hangup });
            }
        }
        party.abilities.learn(&response.headers);
        self.learn_timer(now, &mut party, &response.headers);
        let mut body = response.session_description().to_vec();
        let role = party.exchange.receive(&body);
        let headers = response.headers;
        if role == Role::Offer {
            let until = now + self.endpoint.config.timers.timeout();
            party.modify = Modify::Answering { owed: Owed::Ack(cseq), until, then: None };
        } else {
            self.send_ack(&party.dialog, cseq, Vec::new());
        }
        if role == Role::Repeated {
            body.clear();
        }
        self.say(Output::Answered { session: self.id, fork: party.fork, headers, body });
        State::Confirmed(Box::new(party))
    }

    fn calling_failed(&mut self, mut calling: Calling, response: &Response) -> State {
        if calling.is_wanted() {
            let asks = is_challenge(response.status) && !calling.heard;
            if asks && self.login.challenged(response) {
                return self.send_invite_again(calling);
            }
            if self.raise_interval(response, &mut calling.raised) {
                return self.propose_longer_interval(calling);
            }
        }
        // No 2xx of another fork can follow: the transaction has its one final response.
        self.invite_client = None;
        self.drop_parties(&mut calling.parties);
        match calling.cancel {
            Cancel::Unwanted => {}
            Cancel::Withheld(hangup) | Cancel::Sent { hangup, .. } => {
                return self.finish(hangup.cancelled(response.status));
            }
        }
        if response.status.is_redirect() {
            let contacts = untried(response, &calling.tried);
            let (session, status) = (self.id, response.status);
            self.say(Output::Redirected { session, status, contacts, tried: calling.tried });
        }
        self.finish(Hangup::of_response(response))
    }

    /// After a 422 (RFC 4028 §7.3).
    fn propose_longer_interval(&mut self, mut calling: Calling) -> State {
        self.propose_timer(None, &mut calling.invite.headers);
        self.send_invite_again(calling)
    }

    /// No final response will come.
    pub(super) fn unanswered(&mut self, mut calling: Calling, failure: Failure) -> State {
        self.invite_client = None;
        self.drop_parties(&mut calling.parties);
        self.finish(match calling.cancel {
            Cancel::Unwanted => {
                Hangup::new(failure.ended_by(), Vec::new()).with_status(failure.status())
            }
            Cancel::Withheld(hangup) | Cancel::Sent { hangup, .. } => {
                hangup.cancelled(Status::REQUEST_TERMINATED)
            }
        })
    }

    /// Whether the INVITE may still be sent to another server.
    pub(super) fn invite_may_move(&self) -> bool {
        matches!(&self.state, State::Calling(calling) if calling.is_wanted())
    }

    /// The INVITE was sent to another server, as `invite`.
    pub(super) fn invite_moved(&mut self, invite: &Request) {
        if let State::Calling(calling) = &mut self.state {
            calling.invite = invite.clone();
            // RFC 3261 §9.1: nothing has come from there yet, so a CANCEL would have to wait.
            (calling.c, calling.heard) = (None, false);
            let mut left = core::mem::take(&mut calling.parties);
            self.drop_parties(&mut left);
        }
    }

    /// Gives the call up, by CANCEL as soon as that may be sent.
    pub(super) fn cancel(
        &mut self,
        now: Instant,
        mut calling: Box<Calling>,
        hangup: Hangup,
    ) -> State {
        if calling.is_wanted() {
            for party in &mut calling.parties {
                self.default_on(now, party);
            }
            if calling.c.is_some() {
                self.send_cancel(now, &mut calling, hangup);
            } else {
                calling.cancel = Cancel::Withheld(hangup);
            }
        }
        State::Calling(calling)
    }

    fn send_cancel(&mut self, now: Instant, calling: &mut Calling, hangup: Hangup) {
        let mut cancel = cancel_for(&calling.invite);
        for reason in &hangup.reasons {
            cancel.headers.push(HeaderName::Reason, reason);
        }
        self.send(Purpose::Cancel, 0, self.endpoint.path.clone(), cancel);
        let until = now + self.endpoint.config.timers.timeout();
        calling.cancel = Cancel::Sent { hangup, until };
    }

    pub(super) fn calling_timeout(&mut self, now: Instant, calling: Box<Calling>) -> State {
        match calling.cancel {
            Cancel::Unwanted if calling.c.is_some_and(|c| c <= now) => {
                let hangup = Hangup::new(EndedBy::Timeout, Vec::new());
                self.cancel(now, calling, hangup)
            }
            // RFC 3261 §9.1, last paragraph: the peer is too old to answer with 487.
            Cancel::Sent { until, .. } if until <= now => {
                if let Some(client) = self.invite_client {
                    self.output.push_back(SessionOutput::Abandon(client));
                }
                self.unanswered(*calling, Failure::TimedOut)
            }
            Cancel::Unwanted | Cancel::Sent { .. } | Cancel::Withheld(_) => State::Calling(calling),
        }
    }
}
