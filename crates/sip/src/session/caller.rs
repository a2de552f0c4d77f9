//! The caller's side until the call is answered.

use std::collections::VecDeque;

use tipring_core::Instant;

use super::login::is_challenge;
use super::modify::SDP;
use super::{
    Confirmed, EndedBy, Failure, Hangup, Invite, Login, Purpose, Session, SessionId, SessionOutput,
    State, contact_user,
};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{
    CSeq, Contact, HeaderName, Headers, Method, NameAddr, Request, Response, Status, Uri,
};

/// Early dialogs that one INVITE may make; further ones are not told apart.
const MAX_FORKS: usize = 16;

/// The INVITE is sent and has no final response.
#[derive(Debug)]
pub(super) struct Calling {
    invite: Request,
    tried: Vec<Uri>,
    pub(super) forks: Vec<Dialog>,
    /// Timer C, once a provisional response came; before, the transaction's timer B runs.
    c: Option<Instant>,
    cancel: Cancel,
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

/// A 2xx with the callee's offer is here; our ACK waits for the application's answer.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) dialog: Dialog,
    pub(super) cseq: u32,
    pub(super) until: Instant,
}

impl Calling {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.cancel {
            Cancel::Sent { until, .. } => Some(*until),
            Cancel::Unwanted => self.c,
            Cancel::Withheld(_) => None,
        }
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
        let local_tag = endpoint.tag();
        let mut tried = invite.tried.clone();
        tried.push(invite.target.clone());
        let request = initial_invite(&mut endpoint, &local_tag, invite);
        let mut session = Self {
            id,
            endpoint,
            is_caller: true,
            local_tag,
            login,
            authorization: Headers::new(),
            invite_cseq: 0,
            invite_client: None,
            acks: Vec::new(),
            state: State::Over,
            output: VecDeque::new(),
        };
        let mut calling = Calling {
            invite: request,
            tried,
            forks: Vec::new(),
            c: None,
            cancel: Cancel::Unwanted,
        };
        session.send_invite(&mut calling);
        session.state = State::Calling(Box::new(calling));
        session
    }

    fn send_invite(&mut self, calling: &mut Calling) {
        let path = self.endpoint.path.clone();
        self.endpoint.renew_via(&mut calling.invite, &path);
        self.login.sign(&mut calling.invite, path.remote);
        self.keep_authorization(&calling.invite.headers);
        self.invite_cseq = calling.invite.headers.cseq().map_or(0, |cseq| cseq.number);
        self.send(Purpose::Invite, path, calling.invite.clone());
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
        if response.status != Status::TRYING && matches!(calling.cancel, Cancel::Unwanted) {
            let fork = early_dialog(&mut calling, &response);
            let Response { status, headers, body, .. } = response;
            self.say(Output::Progress { session: self.id, fork, status, headers, body });
        }
        State::Calling(calling)
    }

    fn calling_answered(&mut self, now: Instant, calling: Calling, response: Response) -> State {
        let tag = remote_tag(&response);
        let known = calling.forks.into_iter().find(|fork| fork.remote_tag() == tag);
        let dialog = match known {
            Some(mut dialog) => dialog.learn(&response).map(|()| dialog),
            None => Dialog::of_caller(&calling.invite, &response),
        };
        self.login.accepted(&response);
        let Ok(dialog) = dialog else {
            // A 2xx without a usable To or Record-Route makes no dialog that a BYE could name.
            let hangup = Hangup::new(EndedBy::Remote, Vec::new()).with_status(Status::BAD_REQUEST);
            return self.finish(hangup);
        };
        let cseq = self.invite_cseq;
        match calling.cancel {
            Cancel::Unwanted => {}
            // The answer crossed our CANCEL (RFC 3261 §9.1, §15).
            Cancel::Withheld(hangup) | Cancel::Sent { hangup, .. } => {
                self.send_ack(&dialog, cseq, Vec::new());
                return self.leave(dialog, Hangup { status: None, ..hangup });
            }
        }
        let is_offer = calling.invite.body.is_empty() && !response.body.is_empty();
        let Response { headers, body, .. } = response;
        let state = if is_offer {
            let until = now + self.endpoint.config.timers.timeout();
            State::Offered(Box::new(Offered { dialog, cseq, until }))
        } else {
            self.send_ack(&dialog, cseq, Vec::new());
            State::Confirmed(Box::new(Confirmed::new(dialog)))
        };
        self.say(Output::Answered { session: self.id, headers, body });
        state
    }

    fn calling_failed(&mut self, mut calling: Calling, response: &Response) -> State {
        let wanted = matches!(calling.cancel, Cancel::Unwanted);
        if wanted && is_challenge(response.status) && self.login.challenged(response) {
            // RFC 3261 §22.2: the same Call-ID and From tag, the next CSeq.
            let number = self.invite_cseq.wrapping_add(1);
            calling.invite.headers.set(HeaderName::CSeq, CSeq { number, method: Method::Invite });
            calling.forks.clear();
            calling.c = None;
            self.send_invite(&mut calling);
            return State::Calling(Box::new(calling));
        }
        // No 2xx of another fork can follow: the transaction has its one final response.
        self.invite_client = None;
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

    /// No final response will come.
    pub(super) fn unanswered(&mut self, calling: Calling, failure: Failure) -> State {
        self.invite_client = None;
        self.finish(match calling.cancel {
            Cancel::Unwanted => {
                Hangup::new(failure.ended_by(), Vec::new()).with_status(failure.status())
            }
            Cancel::Withheld(hangup) | Cancel::Sent { hangup, .. } => {
                hangup.cancelled(Status::REQUEST_TERMINATED)
            }
        })
    }

    /// Gives the call up, by CANCEL as soon as that may be sent.
    pub(super) fn cancel(
        &mut self,
        now: Instant,
        mut calling: Box<Calling>,
        hangup: Hangup,
    ) -> State {
        if matches!(calling.cancel, Cancel::Unwanted) {
            if calling.c.is_some() {
                self.send_cancel(now, &mut calling, hangup);
            } else {
                calling.cancel = Cancel::Withheld(hangup);
            }
        }
        State::Calling(calling)
    }

    fn send_cancel(&mut self, now: Instant, calling: &mut Calling, hangup: Hangup) {
        let mut cancel = Request::new(Method::Cancel, calling.invite.uri.clone());
        // RFC 3261 §9.1: the Via, and so the branch, is the INVITE's.
        if let Some(via) = calling.invite.headers.first(&HeaderName::Via) {
            cancel.headers.push(HeaderName::Via, via);
        }
        for name in [
            HeaderName::Route,
            HeaderName::MaxForwards,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
        ] {
            cancel.headers.copy_from(&calling.invite.headers, &name);
        }
        let number = self.invite_cseq;
        cancel.headers.push(HeaderName::CSeq, CSeq { number, method: Method::Cancel });
        for reason in &hangup.reasons {
            cancel.headers.push(HeaderName::Reason, reason);
        }
        self.send(Purpose::Cancel, self.endpoint.path.clone(), cancel);
        let until = now + self.endpoint.config.timers.timeout();
        calling.cancel = Cancel::Sent { hangup, until };
    }

    pub(super) fn calling_timeout(&mut self, now: Instant, calling: Box<Calling>) -> State {
        match calling.cancel {
            Cancel::Unwanted => {
                let hangup = Hangup::new(EndedBy::Timeout, Vec::new());
                self.cancel(now, calling, hangup)
            }
            // RFC 3261 §9.1, last paragraph: the peer is too old to answer with 487.
            Cancel::Sent { .. } => {
                if let Some(client) = self.invite_client {
                    self.output.push_back(SessionOutput::Abandon(client));
                }
                self.unanswered(*calling, Failure::TimedOut)
            }
            Cancel::Withheld(_) => State::Calling(calling),
        }
    }

    /// The application gave no answer to the callee's offer.
    pub(super) fn offered_timeout(&mut self, offered: Offered) -> State {
        self.refuse_offered(offered, Hangup::new(EndedBy::Timeout, Vec::new()))
    }

    /// An offer in a 2xx cannot be rejected: it is acknowledged and the call ends.
    pub(super) fn refuse_offered(&mut self, offered: Offered, hangup: Hangup) -> State {
        self.send_ack(&offered.dialog, offered.cseq, Vec::new());
        self.leave(offered.dialog, hangup)
    }

    /// The answer to the callee's offer.
    pub(super) fn answer_offered(&mut self, offered: Offered, body: Vec<u8>) -> State {
        self.send_ack(&offered.dialog, offered.cseq, body);
        State::Confirmed(Box::new(Confirmed::new(offered.dialog)))
    }

    /// A response to our INVITE when that was answered already: the 2xx again, or that of another fork.
    pub(super) fn late_response(&mut self, response: &Response) {
        let tag = remote_tag(response);
        if !response.status.is_success() || self.repeat_ack(self.invite_cseq, &tag) {
            return;
        }
        if self.acks.len() > MAX_FORKS || self.dialogs().any(|dialog| dialog.remote_tag() == tag) {
            return;
        }
        // RFC 3261 §13.2.2.4: an answer we have no use for is acknowledged and ended.
        let Ok(mut dialog) = self.late_dialog(response) else {
            return;
        };
        self.send_ack(&dialog, self.invite_cseq, Vec::new());
        let path = dialog.next_hop(&self.endpoint.path);
        let mut bye = dialog.request(Method::Bye);
        self.endpoint.add_via(&mut bye, &path);
        self.login.sign(&mut bye, path.remote);
        self.send(Purpose::StrayBye, path, bye);
    }

    /// The dialog of a late 2xx, which repeats From, Call-ID and CSeq of our INVITE.
    fn late_dialog(&self, response: &Response) -> Result<Dialog, crate::message::HeaderError> {
        let to = response.headers.to()?;
        let mut invite = Request::new(Method::Invite, to.uri);
        for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            invite.headers.copy_from(&response.headers, &name);
        }
        Dialog::of_caller(&invite, response)
    }
}

fn initial_invite(endpoint: &mut Endpoint, tag: &str, invite: Invite) -> Request {
    let mut request = Request::new(Method::Invite, invite.target);
    let number = endpoint.first_cseq();
    let headers = &mut request.headers;
    for route in &invite.route {
        headers.push(HeaderName::Route, route);
    }
    headers.push(HeaderName::MaxForwards, invite.max_forwards);
    headers.push(HeaderName::From, invite.from.with_tag(tag));
    headers.push(HeaderName::To, invite.to);
    headers.push(HeaderName::CallId, invite.call_id.unwrap_or_else(|| endpoint.call_id()));
    headers.push(HeaderName::CSeq, CSeq { number, method: Method::Invite });
    endpoint.introduce(headers);
    for header in &invite.headers {
        headers.push(header.name().clone(), header.value());
    }
    request.set_body(SDP, invite.body);
    request
}

/// The place of the early dialog that a provisional response belongs to; made if it is new.
fn early_dialog(calling: &mut Calling, response: &Response) -> usize {
    let tag = remote_tag(response);
    let known = calling.forks.iter().position(|fork| fork.remote_tag() == tag);
    if let Some(at) = known {
        return at;
    }
    if tag.is_empty() || calling.forks.len() >= MAX_FORKS {
        return calling.forks.len().saturating_sub(1);
    }
    if let Ok(dialog) = Dialog::of_caller(&calling.invite, response) {
        calling.forks.push(dialog);
    }
    calling.forks.len().saturating_sub(1)
}

fn remote_tag(response: &Response) -> String {
    let to = response.headers.to().ok();
    to.as_ref().and_then(NameAddr::tag).unwrap_or("").to_owned()
}

/// The contacts of a redirection that were not tried yet, best first.
fn untried(response: &Response, tried: &[Uri]) -> Vec<NameAddr> {
    let contacts = response.headers.contacts().unwrap_or_default().into_iter();
    let mut addresses: Vec<_> = contacts
        .filter_map(|contact| match contact {
            Contact::Address(address) => Some(address),
            Contact::Any => None,
        })
        .filter(|address| !tried.iter().any(|uri| uri.is_equivalent(&address.uri)))
        .collect();
    addresses.sort_by_key(|address| core::cmp::Reverse(address.q_thousandths()));
    addresses
}
