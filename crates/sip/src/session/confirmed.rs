//! What the peer asks for in a dialog, and the end of a session.

use tipring_core::Instant;

use super::login::is_challenge;
use super::modify::Modify;
use super::party::Party;
use super::{EndedBy, Hangup, Purpose, Session, State};
use crate::dialog::Dialog;
use crate::message::{CSeq, HeaderName, Method, Request, Response, Status};
use crate::transaction::{Path, ServerId};

/// Our BYE is sent and has no final response.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) dialog: Dialog,
    pub(super) hangup: Hangup,
    path: Path,
}

impl Session {
    /// A request in a dialog of this session that [`admit`](Self::admit) found in order.
    pub(crate) fn handle_request(&mut self, now: Instant, server: ServerId, request: Request) {
        match request.method {
            // Only a transfer is left of the session.
            _ if self.is_over()
                && !matches!(request.method, Method::Notify | Method::Subscribe) =>
            {
                self.respond_gone(server, &request);
            }
            Method::Bye => self.peer_leaves(server, &request),
            Method::Invite => self.peer_invites(now, server, request),
            Method::Update => self.peer_updates(now, server, request),
            Method::Prack => self.peer_acknowledges(now, server, request),
            Method::Info => self.peer_informs(server, request),
            Method::Refer => self.peer_refers(now, server, request),
            Method::Notify => self.peer_notifies(now, server, &request),
            Method::Subscribe => self.peer_subscribes(now, server, &request),
            Method::Options => {
                let mut response = self.endpoint.response(&request, Status::OK, &self.local_tag);
                self.endpoint.config.tell_capabilities(&mut response.headers);
                self.respond(server, response);
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Message
            | Method::Publish
            | Method::Extension(_) => {
                self.respond_status(server, &request, Status::METHOD_NOT_ALLOWED);
            }
        }
        self.advance(now);
    }

    fn peer_leaves(&mut self, server: ServerId, request: &Request) {
        self.respond_status(server, request, Status::OK);
        let hangup = Hangup::new(EndedBy::Remote, request.headers.reasons());
        self.state = match self.take_state() {
            // RFC 3261 §15.1.2: a pending INVITE is answered with 487.
            State::Ringing(ringing) => self.terminate_ringing(&ringing, hangup),
            State::Confirmed(party) => {
                self.drop_offered(&party);
                self.finish_with(party.dialog, hangup)
            }
            State::Answered(answered) => {
                self.drop_offered(&answered.party);
                self.finish_with(answered.party.dialog, hangup)
            }
            State::Calling(mut calling) => {
                let tag = request.headers.from_tag().unwrap_or_default();
                self.fork_leaves(&mut calling, &tag);
                State::Calling(calling)
            }
            state @ (State::Leaving(_) | State::Over) => state,
        };
    }

    /// Answers the peer's request that nobody will decide about any more.
    pub(super) fn drop_offered(&mut self, party: &Party) {
        if let Modify::Offered { server, request, .. } = &party.modify {
            self.respond_status(*server, request, Status::REQUEST_TERMINATED);
        }
    }

    /// Lets go of early dialogs.
    pub(super) fn drop_parties(&mut self, parties: &mut Vec<Party>) {
        for party in parties.drain(..) {
            self.drop_offered(&party);
        }
    }

    fn peer_invites(&mut self, now: Instant, server: ServerId, request: Request) {
        match &self.state {
            State::Confirmed(party) => {
                let fork = party.fork;
                self.with_party(fork, |session, party| {
                    session.peer_offers(now, party, server, request);
                });
            }
            // RFC 3261 §14.2: two INVITEs of the peer at a time.
            State::Ringing(_) => self.respond_busy(server, &request),
            State::Calling(_) | State::Answered(_) => {
                self.respond_status(server, &request, Status::REQUEST_PENDING);
            }
            State::Leaving(_) | State::Over => self.respond_gone(server, &request),
        }
    }

    fn peer_updates(&mut self, now: Instant, server: ServerId, request: Request) {
        let fork = self.fork_of(&request);
        let answered = matches!(self.state, State::Answered(_));
        let cancelled = matches!(&self.state, State::Calling(calling) if !calling.is_wanted());
        let Some(fork) = fork else {
            return self.respond_gone(server, &request);
        };
        self.with_party(fork, |session, party| {
            if request.session_description().is_empty() {
                session.peer_refreshes(now, party, server, &request);
            } else if cancelled {
                // Nobody is there any more who could answer.
                session.respond_status(server, &request, Status::REQUEST_TERMINATED);
            } else if answered {
                // Our 2xx, and with it our answer, may not have arrived.
                session.respond_status(server, &request, Status::REQUEST_PENDING);
            } else {
                session.peer_offers(now, party, server, request);
            }
        });
    }

    pub(super) fn respond_gone(&mut self, server: ServerId, request: &Request) {
        self.respond_status(server, request, Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
    }

    /// Ends the session that is up.
    pub(super) fn leave_confirmed(
        &mut self,
        now: Instant,
        mut party: Party,
        hangup: Hangup,
    ) -> State {
        self.default_on(now, &mut party);
        self.leave(party.dialog, hangup)
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
        self.send_in_dialog(Purpose::Bye, 0, leaving.path.clone(), bye);
    }

    /// A response to our BYE.
    pub(super) fn in_leaving(&mut self, mut leaving: Box<Leaving>, response: &Response) -> State {
        if response.status.is_provisional() {
            return State::Leaving(leaving);
        }
        if self.is_worth_repeating(response) {
            self.send_bye(&mut leaving);
            return State::Leaving(leaving);
        }
        self.finish_with(leaving.dialog, leaving.hangup)
    }

    /// Whether a response is a challenge inside a dialog that is answered, never by the called party: the request is to
    /// be sent again.
    pub(super) fn is_worth_repeating(&mut self, response: &Response) -> bool {
        is_challenge(response.status) && self.is_caller && self.login.challenged_in_dialog(response)
    }

    /// Sends a request of the dialog `fork` again, by the next number of the dialog and with the credentials that were
    /// asked for.
    pub(super) fn repeat(
        &mut self,
        purpose: Purpose,
        fork: usize,
        path: Path,
        number: u32,
        request: &mut Request,
    ) {
        let method = request.method.clone();
        request.headers.set(HeaderName::CSeq, CSeq { number, method });
        self.send_in_dialog(purpose, fork, path, request.clone());
    }

    /// Says Ended; the dialog lives on as long as a transfer that was asked for in it has something to tell
    /// (RFC 5057 §4.1).
    pub(super) fn finish_with(&mut self, dialog: Dialog, hangup: Hangup) -> State {
        if !self.referrals.is_empty() {
            self.remains = Some(Box::new(dialog));
        }
        self.finish(hangup)
    }
}
