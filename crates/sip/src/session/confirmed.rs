//! The session that is up, and its end.

use tipring_core::Instant;

use super::login::is_challenge;
use super::modify::{Modify, Retry};
use super::{EndedBy, Hangup, Purpose, Session, State};
use crate::agent::Output;
use crate::dialog::Dialog;
use crate::message::{HeaderName, Method, Request, Response, Status};
use crate::transaction::{Path, ServerId};

/// Answered and acknowledged.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) dialog: Dialog,
    pub(super) modify: Modify,
    pub(super) retry: Option<Retry>,
}

/// Our BYE is sent and has no final response.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) dialog: Dialog,
    pub(super) hangup: Hangup,
    path: Path,
}

impl Confirmed {
    pub(super) fn new(dialog: Dialog) -> Self {
        Self { dialog, modify: Modify::Idle, retry: None }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.modify {
            Modify::Idle => self.retry.as_ref().map(|retry| retry.at),
            _ => self.modify.deadline(),
        }
    }
}

impl Session {
    /// A request in a dialog of this session that [`admit`](Self::admit) found in order.
    pub(crate) fn handle_request(&mut self, now: Instant, server: ServerId, request: Request) {
        match request.method {
            Method::Bye => self.peer_leaves(server, &request),
            Method::Invite => self.peer_invites(now, server, request),
            Method::Update => self.peer_updates(now, server, request),
            Method::Info => self.peer_informs(server, request),
            Method::Options => {
                let mut response = self.endpoint.response(&request, Status::OK, &self.local_tag);
                self.endpoint.announce(&mut response.headers);
                let accept = self.endpoint.config.accept.join(", ");
                response.headers.push(HeaderName::Accept, accept);
                self.respond(server, response);
            }
            _ => self.respond_status(server, &request, Status::METHOD_NOT_ALLOWED),
        }
    }

    fn peer_leaves(&mut self, server: ServerId, request: &Request) {
        self.respond_status(server, request, Status::OK);
        let hangup = Hangup::new(EndedBy::Remote, request.headers.reasons());
        self.state = match self.take_state() {
            // RFC 3261 §15.1.2: a pending INVITE is answered with 487.
            State::Ringing(ringing) => self.terminate_ringing(&ringing, hangup),
            State::Confirmed(confirmed) => {
                self.drop_offered(&confirmed.modify);
                self.finish(hangup)
            }
            State::Answered(_) | State::Offered(_) => self.finish(hangup),
            State::Calling(mut calling) => {
                // A callee may not do this (RFC 3261 §15); the fork is forgotten and the INVITE's end awaited.
                let from = request.headers.from().ok();
                let tag = from.as_ref().and_then(|from| from.tag()).unwrap_or("");
                calling.forks.retain(|fork| fork.remote_tag() != tag);
                State::Calling(calling)
            }
            state @ (State::Leaving(_) | State::Over) => state,
        };
    }

    fn drop_offered(&mut self, modify: &Modify) {
        if let Modify::Offered { server, request, .. } = modify {
            self.respond_status(*server, request, Status::REQUEST_TERMINATED);
        }
    }

    fn peer_invites(&mut self, now: Instant, server: ServerId, request: Request) {
        self.state = match self.take_state() {
            State::Confirmed(confirmed) => self.peer_offers(now, confirmed, server, request),
            state => {
                match &state {
                    // RFC 3261 §14.2: two INVITEs of the peer at a time.
                    State::Ringing(_) => self.respond_busy(server, &request),
                    State::Leaving(_) | State::Over => {
                        let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                        self.respond_status(server, &request, gone);
                    }
                    State::Calling(_)
                    | State::Offered(_)
                    | State::Answered(_)
                    | State::Confirmed(_) => {
                        self.respond_status(server, &request, Status::REQUEST_PENDING);
                    }
                }
                state
            }
        };
    }

    fn peer_updates(&mut self, now: Instant, server: ServerId, request: Request) {
        if request.body.is_empty() && !matches!(self.state, State::Leaving(_) | State::Over) {
            let mut response = self.endpoint.response(&request, Status::OK, &self.local_tag);
            self.endpoint.introduce(&mut response.headers);
            self.respond(server, response);
            let tag = self.local_tag.clone();
            if let Some(dialog) = self.dialog_of(&request, &tag) {
                dialog.refresh_target(&request.headers);
            }
        } else {
            self.peer_invites(now, server, request);
        }
    }

    fn peer_informs(&mut self, server: ServerId, request: Request) {
        if matches!(self.state, State::Leaving(_) | State::Over) {
            let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.respond_status(server, &request, gone);
        }
        self.respond_status(server, &request, Status::OK);
        let Request { headers, body, .. } = request;
        self.say(Output::Info { session: self.id, headers, body });
    }

    pub(super) fn send_info(
        &mut self,
        mut confirmed: Box<Confirmed>,
        content_type: &str,
        body: Vec<u8>,
    ) -> State {
        let path = confirmed.dialog.next_hop(&self.endpoint.path);
        let mut info = confirmed.dialog.request(Method::Info);
        info.set_body(content_type, body);
        self.endpoint.add_via(&mut info, &path);
        self.login.sign(&mut info, path.remote);
        self.send(Purpose::Info, path, info);
        State::Confirmed(confirmed)
    }

    pub(super) fn info_answered(
        &mut self,
        confirmed: Box<Confirmed>,
        response: &Response,
    ) -> State {
        let status = response.status;
        if status.is_provisional() {
            return State::Confirmed(confirmed);
        }
        self.say(Output::InfoAnswered { session: self.id, status });
        // RFC 3261 §12.2.1.2: the peer has no such dialog any more.
        if status == Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST {
            return self.leave(confirmed.dialog, Hangup::new(EndedBy::Remote, Vec::new()));
        }
        State::Confirmed(confirmed)
    }

    pub(super) fn leave_confirmed(&mut self, confirmed: Confirmed, hangup: Hangup) -> State {
        self.drop_offered(&confirmed.modify);
        if let Modify::Answering { cseq, .. } = confirmed.modify {
            self.send_ack(&confirmed.dialog, cseq, Vec::new());
        }
        self.leave(confirmed.dialog, hangup)
    }

    /// Sends BYE.
    pub(super) fn leave(&mut self, dialog: Dialog, hangup: Hangup) -> State {
        let path = dialog.next_hop(&self.endpoint.path);
        let mut leaving = Leaving { dialog, hangup, path };
        self.send_bye(&mut leaving);
        State::Leaving(Box::new(leaving))
    }

    fn send_bye(&mut self, leaving: &mut Leaving) {
        let mut bye = leaving.dialog.request(Method::Bye);
        if leaving.hangup.by != EndedBy::Remote {
            for reason in &leaving.hangup.reasons {
                bye.headers.push(HeaderName::Reason, reason);
            }
        }
        self.endpoint.add_via(&mut bye, &leaving.path);
        self.login.sign(&mut bye, leaving.path.remote);
        self.send(Purpose::Bye, leaving.path.clone(), bye);
    }

    /// A response to our BYE.
    pub(super) fn in_leaving(&mut self, mut leaving: Box<Leaving>, response: &Response) -> State {
        if response.status.is_provisional() {
            return State::Leaving(leaving);
        }
        if is_challenge(response.status) && self.may_answer_challenge(response, &leaving.path) {
            self.send_bye(&mut leaving);
            return State::Leaving(leaving);
        }
        self.finish(leaving.hangup)
    }

    /// Whether a challenge inside the dialog is answered: never by the called party.
    pub(super) fn may_answer_challenge(&mut self, response: &Response, path: &Path) -> bool {
        self.is_caller && self.login.challenged_in_dialog(response, path.remote)
    }
}
