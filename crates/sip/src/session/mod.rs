//! INVITE sessions: calls, from the first INVITE to the last BYE (RFC 3261 §9, §13–§15).
//!
//! ```text
//! state \ event   provisional   2xx               failure         ACK          BYE in         hang up          timer
//! Calling         Progress,     ACK ▸Confirmed    Ended           –            fork forgotten CANCEL (waits    C: CANCEL
//!                 CANCEL sent   or ▸Offered;                                                  for a 1xx)
//!                 if it waits   CANCEL sent:
//!                               ACK, BYE ▸Leaving
//! Offered         –             –                 –               –            200, Ended     ACK, BYE         ACK, BYE
//! Ringing         –             –                 –               –            200, 487,      480, Ended       C: 480, Ended;
//!                                                                              Ended                           1 min: 1xx again
//! Answered        –             –                 –               Confirmed    200, Ended     waits for ACK    G: 2xx again;
//!                                                                 ▸Confirmed                                   H: BYE
//! Confirmed       –             further 2xx:      –               –            200, Ended     BYE ▸Leaving     see `modify`
//!                               ACK again, or
//!                               ACK and BYE
//! Leaving         –             ACK               –               –            200            –                –
//! Over            –             ACK and BYE       –               –            481            –                –
//! ```
//!
//! Calling and Offered are the caller's, Ringing and Answered the callee's. Leaving ends (Ended) with any final
//! response to our BYE, or none. CANCEL in Ringing: 487, Ended. Over outlives Ended in a caller as long as the INVITE
//! transaction may bring the 2xx of another fork.

mod ack;
mod callee;
mod caller;
mod commands;
mod confirmed;
mod login;
mod modify;
mod values;

use core::fmt;
use std::collections::VecDeque;

use tipring_core::Instant;

use self::ack::{SentAck, Unacked};
use self::callee::{Answered, Ringing};
use self::caller::{Calling, Offered};
use self::confirmed::{Confirmed, Leaving};
pub(crate) use self::login::{Login, is_challenge};
pub use self::values::{EndedBy, Invite, SessionId, WrongState};
pub(crate) use self::values::{Failure, Hangup, Purpose, Sent, SessionOutput};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{Headers, NameAddr, Request, Response, Status};
use crate::transaction::{ClientId, Path, ServerId};

/// One call of ours, as its caller or as its callee.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    endpoint: Endpoint,
    is_caller: bool,
    local_tag: String,
    login: Login,
    /// The Authorization fields of our last INVITE, which its ACK repeats (RFC 3261 §22.1).
    authorization: Headers,
    /// The last initial INVITE's number, and its transaction as long as that lives.
    invite_cseq: u32,
    invite_client: Option<ClientId>,
    acks: Vec<SentAck>,
    state: State,
    output: VecDeque<SessionOutput>,
}

#[derive(Debug)]
enum State {
    Calling(Box<Calling>),
    Offered(Box<Offered>),
    Ringing(Box<Ringing>),
    Answered(Box<Answered>),
    Confirmed(Box<Confirmed>),
    Leaving(Box<Leaving>),
    Over,
}

impl Session {
    /// A response to a request of this session.
    pub(crate) fn handle_response(&mut self, now: Instant, sent: Sent, response: Response) {
        match (sent.purpose, self.take_state()) {
            (Purpose::Invite, state) if sent.cseq != self.invite_cseq => self.state = state,
            (Purpose::Invite, State::Calling(calling)) => {
                self.state = self.in_calling(now, calling, response);
            }
            (Purpose::Invite, state) => {
                self.state = state;
                self.late_response(&response);
            }
            (Purpose::Reinvite, State::Confirmed(confirmed)) => {
                self.state = self.in_confirmed(now, confirmed, sent.cseq, response);
            }
            (Purpose::Reinvite, State::Leaving(leaving)) => {
                if response.status.is_success() {
                    self.send_ack(&leaving.dialog, sent.cseq, Vec::new());
                }
                self.state = State::Leaving(leaving);
            }
            (Purpose::Bye, State::Leaving(leaving)) => {
                self.state = self.in_leaving(leaving, &response);
            }
            (Purpose::Info, State::Confirmed(confirmed)) => {
                self.state = self.info_answered(confirmed, &response);
            }
            (_, state) => self.state = state,
        }
    }

    /// No response will come to a request of this session.
    pub(crate) fn handle_failure(&mut self, sent: Sent, failure: Failure) {
        match (sent.purpose, self.take_state()) {
            (Purpose::Invite, State::Calling(calling)) if sent.cseq == self.invite_cseq => {
                self.state = self.unanswered(*calling, failure);
            }
            (Purpose::Reinvite, State::Confirmed(confirmed)) => {
                self.state = self.reinvite_unanswered(confirmed, sent.cseq, failure);
            }
            (Purpose::Bye, State::Leaving(leaving)) => self.state = self.finish(leaving.hangup),
            (Purpose::Info, State::Confirmed(confirmed)) => {
                let status = failure.status();
                self.say(Output::InfoAnswered { session: self.id, status });
                self.state = State::Confirmed(confirmed);
            }
            (_, state) => self.state = state,
        }
    }

    /// The transaction of a request was opened.
    pub(crate) fn handle_opened(&mut self, sent: Sent, client: ClientId) {
        if sent.purpose == Purpose::Invite {
            self.invite_client = Some(client);
        }
    }

    /// The transaction of a request is over.
    pub(crate) fn handle_terminated(&mut self, sent: Sent, client: ClientId) {
        if self.invite_client == Some(client) {
            self.invite_client = None;
        }
        if matches!(sent.purpose, Purpose::Invite | Purpose::Reinvite) {
            self.acks.retain(|ack| ack.cseq != sent.cseq);
        }
    }

    /// Whether a request belongs to a dialog of this session and is in order; else the status owed.
    pub(crate) fn admit(&mut self, request: &Request) -> Result<(), Status> {
        let tag = self.local_tag.clone();
        let is_over = matches!(self.state, State::Over);
        let dialog = self.dialog_of(request, &tag).filter(|_| !is_over);
        let dialog = dialog.ok_or(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST)?;
        let cseq = request.headers.cseq().map_err(|_| Status::BAD_REQUEST)?;
        // RFC 3261 §12.2.2.
        dialog.check_cseq(cseq.number).map_err(|_| Status::SERVER_INTERNAL_ERROR)
    }

    /// An ACK in a dialog of this session.
    pub(crate) fn handle_ack(&mut self, now: Instant, request: Request) {
        let tag = self.local_tag.clone();
        if self.dialog_of(&request, &tag).is_none() {
            return;
        }
        let Ok(cseq) = request.headers.cseq() else {
            return;
        };
        match self.take_state() {
            State::Answered(answered) if answered.unacked.cseq == cseq.number => {
                self.state = self.acknowledged(*answered, request.body);
            }
            State::Confirmed(confirmed) => {
                self.state = self.change_acknowledged(now, confirmed, cseq.number, request.body);
            }
            state => self.state = state,
        }
    }

    fn dialog_of(&mut self, request: &Request, local_tag: &str) -> Option<&mut Dialog> {
        let from = request.headers.from().ok()?;
        let remote_tag = from.tag().unwrap_or("");
        let call_id = request.headers.call_id().ok()?;
        self.dialogs().find(|dialog| dialog.matches(call_id, local_tag, remote_tag))
    }

    fn dialogs(&mut self) -> impl Iterator<Item = &mut Dialog> {
        let (several, one) = match &mut self.state {
            State::Calling(calling) => (calling.forks.as_mut_slice(), None),
            State::Offered(offered) => (Default::default(), Some(&mut offered.dialog)),
            State::Ringing(ringing) => (Default::default(), Some(&mut ringing.dialog)),
            State::Answered(answered) => (Default::default(), Some(&mut answered.dialog)),
            State::Confirmed(confirmed) => (Default::default(), Some(&mut confirmed.dialog)),
            State::Leaving(leaving) => (Default::default(), Some(&mut leaving.dialog)),
            State::Over => (Default::default(), None),
        };
        several.iter_mut().chain(one)
    }

    /// Fires what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        self.state = match self.take_state() {
            State::Calling(calling) => self.calling_timeout(now, calling),
            State::Offered(offered) => self.offered_timeout(*offered),
            State::Ringing(ringing) => self.ringing_timeout(now, ringing),
            State::Answered(answered) => self.answered_timeout(now, answered),
            State::Confirmed(confirmed) => self.confirmed_timeout(now, confirmed),
            state @ (State::Leaving(_) | State::Over) => state,
        };
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Calling(calling) => calling.deadline(),
            State::Offered(offered) => Some(offered.until),
            State::Ringing(ringing) => Some(ringing.deadline()),
            State::Answered(answered) => Some(answered.unacked.deadline()),
            State::Confirmed(confirmed) => confirmed.deadline(),
            // The BYE's own transaction bounds Leaving.
            State::Leaving(_) | State::Over => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<SessionOutput> {
        self.output.pop_front()
    }

    /// Whether nothing can happen to it any more.
    pub(crate) fn is_forgotten(&self) -> bool {
        matches!(self.state, State::Over) && self.invite_client.is_none()
    }

    /// Whether Ended was said.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Our tag in all its dialogs.
    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// How many dialogs it has.
    pub(crate) fn dialog_count(&self) -> usize {
        match &self.state {
            State::Calling(calling) => calling.forks.len(),
            State::Over => 0,
            State::Offered(_)
            | State::Ringing(_)
            | State::Answered(_)
            | State::Confirmed(_)
            | State::Leaving(_) => 1,
        }
    }

    /// The 100 that the INVITE in `server` gets when nobody has answered it yet.
    pub(crate) fn trying(&self, server: ServerId) -> Option<Response> {
        let invite = match &self.state {
            State::Ringing(ringing) if ringing.server == server => &ringing.invite,
            State::Confirmed(confirmed) => confirmed.modify.pending(server)?,
            _ => return None,
        };
        Some(self.endpoint.response(invite, Status::TRYING, &self.local_tag))
    }

    fn take_state(&mut self) -> State {
        core::mem::replace(&mut self.state, State::Over)
    }

    fn say(&mut self, output: Output) {
        self.output.push_back(SessionOutput::Say(Box::new(output)));
    }

    fn respond(&mut self, server: ServerId, response: Response) {
        self.output.push_back(SessionOutput::Respond { server, response: Box::new(response) });
    }

    /// Answers a request in a dialog with a status alone.
    fn respond_status(&mut self, server: ServerId, request: &Request, status: Status) {
        let response = self.endpoint.response(request, status, &self.local_tag);
        self.respond(server, response);
    }

    fn send(&mut self, purpose: Purpose, path: Path, mut request: Request) {
        let Ok(cseq) = request.headers.cseq() else {
            return;
        };
        self.endpoint.sign_request(&mut request);
        let sent = Sent { purpose, cseq: cseq.number };
        self.output.push_back(SessionOutput::Request { sent, path, request: Box::new(request) });
    }

    /// Says Ended; the session is over.
    fn finish(&mut self, hangup: Hangup) -> State {
        let Hangup { by, status, reasons, retry_after } = hangup;
        self.say(Output::Ended { session: self.id, by, status, reasons, retry_after });
        State::Over
    }
}

/// `session-7 caller Confirmed UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.is_caller { "caller" } else { "callee" };
        let state = match &self.state {
            State::Calling(_) => "Calling",
            State::Offered(_) => "Offered",
            State::Ringing(_) => "Ringing",
            State::Answered(_) => "Answered",
            State::Confirmed(_) => "Confirmed",
            State::Leaving(_) => "Leaving",
            State::Over => "Over",
        };
        write!(f, "{} {role} {state}", self.id)?;
        if let State::Confirmed(confirmed) = &self.state {
            write!(f, " ({})", confirmed.modify)?;
        }
        write!(f, " {}", self.endpoint.path)
    }
}

/// The user part that our Contact gets: that of our own address.
fn contact_user(address: &NameAddr) -> String {
    address.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned)
}
