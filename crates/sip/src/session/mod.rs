//! INVITE sessions: calls, from the first INVITE to the last BYE (RFC 3261 §9, §13–§15).
//!
//! ```text
//! state \ event   provisional   2xx               failure         ACK          BYE in         hang up          timer
//! Calling         Progress,     ACK ▸Confirmed;   Ended; 401,     –            fork given up  CANCEL (waits    C: CANCEL
//!                 CANCEL sent   CANCEL sent or    407, 422:                                   for a 1xx)
//!                 if it waits   fork given up:    INVITE again
//!                               ACK, BYE ▸Leaving
//! Ringing         –             –                 –               –            200, 487,      480, Ended       C: 480, Ended;
//!                                                                              Ended                           1 min: 1xx again
//! Answered        –             –                 –               Confirmed    200, Ended     waits for ACK    G: 2xx again;
//!                                                                 ▸Confirmed                                   H: BYE;
//!                                                                                                              expired: waits
//!                                                                                                              for ACK
//! Confirmed       –             further 2xx:      –               –            200, Ended     BYE ▸Leaving     expired: BYE
//!                               ACK again, or
//!                               ACK and BYE
//! Leaving         –             ACK               –               –            200            –                –
//! Over            –             ACK and BYE       –               –            481            –                –
//! ```
//!
//! Calling is the caller's, Ringing and Answered the callee's. Leaving ends (Ended) with any final response to our BYE, or
//! none. CANCEL in Ringing: 487, Ended. Over outlives Ended in a caller as long as the INVITE transaction may bring the
//! 2xx of another fork, and in both as long as a transfer that was asked for in the dialog goes on.
//!
//! What goes on in a dialog is told where it is done: offers and answers in `exchange` and `modify`, reliable
//! provisional responses in `reliable` and `prack`, session timers in `refresh`, transfers in `refer` and `referral`.

mod ack;
mod callee;
mod caller;
mod commands;
mod confirmed;
mod exchange;
mod forks;
mod info;
mod login;
mod modify;
mod offered;
mod party;
mod prack;
mod redirect;
mod refer;
mod referral;
mod refresh;
mod reliable;
mod values;

use core::fmt;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use tipring_core::Instant;

use self::ack::{SentAck, Unacked};
use self::callee::{Answered, Ringing};
use self::caller::Calling;
use self::confirmed::Leaving;
pub use self::info::Signal;
pub(crate) use self::login::{Login, calls_somebody, is_challenge};
use self::party::Party;
pub use self::redirect::{MAX_TRIED, Redirection, is_within, through, uri_and_headers};
pub use self::refer::ReferId;
use self::refer::Referrals;
pub use self::referral::{ReferState, Transfer};
pub use self::values::{EndedBy, Invite, SessionId, WrongState};
pub(crate) use self::values::{Failure, Fate, Hangup, Purpose, Sent, SessionOutput};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{Headers, Method, NameAddr, Request, Response, SessionExpires, Status, Uri};
use crate::transaction::{ClientId, Path, ServerId, next_output};

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
    /// The transactions of our changes.
    change_clients: Vec<ClientId>,
    acks: Vec<SentAck>,
    /// The smallest session interval that the peers took, seconds.
    min_se: u32,
    /// The session that ends when this one is answered.
    replaces: Option<SessionId>,
    referrals: Referrals,
    /// The dialog of a call that is over, or of none, as long as `referrals` need it.
    remains: Option<Box<Dialog>>,
    state: State,
    output: VecDeque<SessionOutput>,
}

#[derive(Debug)]
enum State {
    Calling(Box<Calling>),
    Ringing(Box<Ringing>),
    Answered(Box<Answered>),
    Confirmed(Box<Party>),
    Leaving(Box<Leaving>),
    Over,
}

impl Session {
    fn new(
        id: SessionId,
        endpoint: Endpoint,
        local_tag: String,
        login: Login,
        is_caller: bool,
    ) -> Self {
        Self {
            id,
            endpoint,
            is_caller,
            local_tag,
            login,
            authorization: Headers::new(),
            invite_cseq: 0,
            invite_client: None,
            change_clients: Vec::new(),
            acks: Vec::new(),
            min_se: SessionExpires::MIN_SECONDS,
            replaces: None,
            referrals: Referrals::default(),
            remains: None,
            state: State::Over,
            output: VecDeque::new(),
        }
    }

    /// A response to a request of this session, which had gone to `from`.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        sent: Sent,
        from: SocketAddr,
        response: Response,
    ) {
        let Sent { purpose, fork, cseq } = sent;
        self.login.hear(from);
        let status = response.status;
        // A 422 is the request's own to judge: it may go out again.
        let settles = status.is_final() && status != Status::SESSION_INTERVAL_TOO_SMALL;
        if settles && !is_challenge(status) {
            self.login.accepted(&response);
        }
        match purpose {
            Purpose::Invite if cseq == self.invite_cseq => match self.take_state() {
                State::Calling(calling) => self.state = self.in_calling(now, calling, response),
                state => {
                    self.state = state;
                    self.late_response(&response);
                }
            },
            Purpose::Change => self.handle_change_response(now, fork, cseq, response),
            Purpose::Prack => {
                self.with_party(fork, |session, party| {
                    session.prack_repeated(party, Purpose::Prack, &response)
                });
            }
            Purpose::Bye => {
                self.state = match self.take_state() {
                    State::Leaving(leaving) => self.in_leaving(leaving, &response),
                    state => state,
                };
            }
            Purpose::Info => self.info_answered(now, fork, &response),
            Purpose::Refer => self.refer_answered(now, cseq, &response),
            Purpose::Notify => self.notify_answered(now, cseq, Some(response.status)),
            Purpose::Invite | Purpose::Cancel | Purpose::StrayBye => {}
        }
        self.advance(now);
    }

    fn handle_change_response(&mut self, now: Instant, fork: usize, cseq: u32, response: Response) {
        if let State::Leaving(leaving) = &self.state {
            let invited = response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
            if invited && response.status.is_success() {
                let dialog = leaving.dialog.clone();
                self.send_ack(&dialog, cseq, Vec::new());
            }
            return;
        }
        let fate = self
            .with_party(fork, |session, party| session.change_response(now, party, cseq, response));
        self.settle_fate(now, fate.unwrap_or(Fate::Stays));
    }

    /// No response will come to a request of this session.
    pub(crate) fn handle_failure(&mut self, now: Instant, sent: Sent, failure: Failure) {
        let Sent { purpose, fork, cseq } = sent;
        match purpose {
            Purpose::Invite if cseq == self.invite_cseq => {
                self.state = match self.take_state() {
                    State::Calling(calling) => self.unanswered(*calling, failure),
                    state => state,
                };
            }
            Purpose::Change => {
                let fate = self.with_party(fork, |session, party| {
                    session.change_unanswered(party, cseq, failure)
                });
                self.settle_fate(now, fate.unwrap_or(Fate::Stays));
            }
            Purpose::Bye => {
                self.state = match self.take_state() {
                    State::Leaving(leaving) => self.finish_with(leaving.dialog, leaving.hangup),
                    state => state,
                };
            }
            Purpose::Info => self.info_unanswered(now, fork, failure),
            Purpose::Refer => self.refer_unanswered(cseq, failure.status()),
            Purpose::Notify => self.notify_answered(now, cseq, None),
            Purpose::Invite | Purpose::Prack | Purpose::Cancel | Purpose::StrayBye => {}
        }
        self.advance(now);
    }

    /// The transaction of a request was opened.
    pub(crate) fn handle_opened(&mut self, sent: Sent, client: ClientId) {
        match sent.purpose {
            Purpose::Invite => self.invite_client = Some(client),
            Purpose::Change => self.change_clients.push(client),
            Purpose::Prack
            | Purpose::Info
            | Purpose::Refer
            | Purpose::Notify
            | Purpose::Bye
            | Purpose::Cancel
            | Purpose::StrayBye => {}
        }
    }

    /// Whether a request may be sent to another server when the first one does not answer.
    pub(crate) fn may_move(&self, sent: Sent) -> bool {
        if sent.purpose == Purpose::Invite {
            return sent.cseq == self.invite_cseq && self.invite_may_move();
        }
        // A CANCEL must go where its INVITE went.
        sent.purpose.is_in_dialog()
    }

    /// A request was sent to another server, along `path` and as `request`.
    pub(crate) fn handle_moved(&mut self, sent: Sent, path: &Path, request: &Request) {
        if sent.purpose == Purpose::Invite && sent.cseq == self.invite_cseq {
            self.endpoint.move_to(path);
            self.login.set_peer(path.remote);
            self.invite_moved(request);
        }
    }

    /// Whether the application has other servers for an INVITE, beside those that the session knows.
    pub(crate) fn is_impatient(&self, sent: Sent) -> bool {
        sent.purpose == Purpose::Invite && self.endpoint.impatient
    }

    /// Where a request that `sent` names goes when its first server does not answer.
    pub(crate) fn other_paths(&self, sent: Sent) -> Vec<Path> {
        if sent.purpose == Purpose::Invite { self.endpoint.others.clone() } else { Vec::new() }
    }

    /// The transaction of a request is over.
    pub(crate) fn handle_terminated(&mut self, sent: Sent, client: ClientId) {
        if self.invite_client == Some(client) {
            self.invite_client = None;
        }
        self.change_clients.retain(|known| *known != client);
        if matches!(sent.purpose, Purpose::Invite | Purpose::Change) {
            self.acks.retain(|ack| ack.cseq != sent.cseq);
        }
    }

    /// Whether a request belongs to a dialog of this session and is in order; else the status owed.
    pub(crate) fn admit(&mut self, request: &Request) -> Result<(), Status> {
        let tag = self.local_tag.clone();
        let dialog = self.dialog_of(request, &tag);
        let dialog = dialog.ok_or(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST)?;
        let cseq = request.headers.cseq().map_err(|_| Status::BAD_REQUEST)?;
        // RFC 3261 §12.2.2.
        dialog.check_cseq(cseq.number).map_err(|_| Status::SERVER_INTERNAL_ERROR)
    }

    /// An ACK in a dialog of this session.
    pub(crate) fn handle_ack(&mut self, now: Instant, request: Request) {
        let (Some(fork), Ok(cseq)) = (self.fork_of(&request), request.headers.cseq()) else {
            return;
        };
        match self.take_state() {
            State::Answered(answered) if answered.unacked.cseq == cseq.number => {
                let description = request.session_description().to_vec();
                self.state = self.acknowledged(now, *answered, description);
            }
            state => {
                self.state = state;
                self.with_party(fork, |session, party| {
                    let description = request.session_description().to_vec();
                    session.change_acknowledged(party, cseq.number, description);
                });
            }
        }
        self.advance(now);
    }

    /// Sends what waited for something that has happened.
    fn advance(&mut self, now: Instant) {
        self.state = match self.take_state() {
            State::Calling(mut calling) if calling.is_wanted() => {
                for party in &mut calling.parties {
                    self.start_change(now, party);
                }
                State::Calling(calling)
            }
            State::Ringing(ringing) => self.advance_ringing(now, ringing),
            State::Confirmed(mut party) => {
                self.start_change(now, &mut party);
                State::Confirmed(party)
            }
            state @ (State::Calling(_) | State::Answered(_) | State::Leaving(_) | State::Over) => {
                state
            }
        };
    }

    /// The fork in whose dialog a request came.
    fn fork_of(&self, request: &Request) -> Option<usize> {
        let remote = request.headers.from_tag().unwrap_or_default();
        let call_id = request.headers.call_id().ok()?;
        let mut parties = self.state.parties();
        let ours = |party: &&Party| party.dialog.matches(call_id, &self.local_tag, &remote);
        parties.find(ours).map(|party| party.fork)
    }

    fn dialog_of(&mut self, request: &Request, local_tag: &str) -> Option<&mut Dialog> {
        let remote_tag = request.headers.from_tag().unwrap_or_default();
        let call_id = request.headers.call_id().ok()?;
        self.dialogs().find(|dialog| dialog.matches(call_id, local_tag, &remote_tag))
    }

    fn dialogs(&mut self) -> impl Iterator<Item = &mut Dialog> {
        let (leaving, parties) = match &mut self.state {
            State::Leaving(leaving) => (Some(&mut leaving.dialog), None),
            state => (None, Some(state.parties_mut())),
        };
        let parties = parties.into_iter().flatten().map(|party| &mut party.dialog);
        parties.chain(leaving).chain(self.remains.as_deref_mut())
    }

    /// Whether one of the dialogs is with the peer of this tag.
    fn has_dialog(&mut self, remote_tag: &str) -> bool {
        self.dialogs().any(|dialog| dialog.remote_tag() == remote_tag)
    }

    /// The dialog that a transfer was asked for in.
    fn shared_dialog(&mut self) -> Option<&mut Dialog> {
        self.dialogs().next()
    }

    /// Whether this is the dialog of these tags and Call-ID, seen from us.
    pub(crate) fn is_dialog(&mut self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.dialogs().any(|dialog| dialog.matches(call_id, local_tag, remote_tag))
    }

    /// The dialog of a call that is up.
    pub(crate) fn confirmed_dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Confirmed(party) => Some(&party.dialog),
            State::Calling(_)
            | State::Ringing(_)
            | State::Answered(_)
            | State::Leaving(_)
            | State::Over => None,
        }
    }

    /// How far it is, for a Replaces that names it.
    pub(crate) fn standing(&self) -> Standing {
        match &self.state {
            State::Calling(calling) if calling.is_wanted() => Standing::Calling,
            State::Ringing(_) => Standing::Ringing,
            State::Answered(_) | State::Confirmed(_) => Standing::Up,
            State::Calling(_) | State::Leaving(_) | State::Over => Standing::Ended,
        }
    }

    /// Fires what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        self.state = match self.take_state() {
            State::Calling(calling) => self.calling_timeout(now, calling),
            State::Ringing(ringing) => self.ringing_timeout(now, ringing),
            State::Answered(answered) => self.answered_timeout(now, answered),
            state @ (State::Confirmed(_) | State::Leaving(_) | State::Over) => state,
        };
        let forks: Vec<_> = self.state.parties().map(|party| party.fork).collect();
        for fork in forks {
            let fate = self.with_party(fork, |session, party| session.party_timeout(now, party));
            self.settle_fate(now, fate.unwrap_or(Fate::Stays));
        }
        if self.referrals.deadline().is_some_and(|at| at <= now) {
            self.referral_timeout(now);
        }
        self.advance(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Calling(calling) => calling.deadline(),
            State::Ringing(ringing) => Some(ringing.deadline()),
            State::Answered(answered) => Some(answered.deadline()),
            State::Confirmed(party) => party.deadline(true),
            // The BYE's own transaction bounds Leaving.
            State::Leaving(_) | State::Over => None,
        };
        [state, self.referrals.deadline()].into_iter().flatten().min()
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<SessionOutput> {
        next_output(&mut self.output)
    }

    /// Whether nothing can happen to it any more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.is_over() && self.invite_client.is_none() && self.remains.is_none()
    }

    /// Whether it is over, and waits only for answers that come again.
    pub(crate) fn is_lingering(&self) -> bool {
        self.is_over() && self.invite_client.is_some() && self.remains.is_none()
    }

    /// Whether Ended was said.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Our Contact from now on.
    pub(crate) fn set_contact(&mut self, contact: Uri) {
        self.endpoint.own_contact = Some(contact);
    }

    /// The hop in use.
    pub(crate) fn path(&self) -> &Path {
        &self.endpoint.path
    }

    /// The INVITE that it has not answered yet, and its transaction.
    pub(crate) fn unanswered_invite(&self) -> Option<(ServerId, &Request)> {
        match &self.state {
            State::Ringing(ringing) => Some((ringing.server, &ringing.invite)),
            State::Calling(_)
            | State::Answered(_)
            | State::Confirmed(_)
            | State::Leaving(_)
            | State::Over => None,
        }
    }

    /// Our tag in all its dialogs.
    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// How many dialogs it has.
    pub(crate) fn dialog_count(&self) -> usize {
        let leaving = usize::from(matches!(self.state, State::Leaving(_)));
        self.state.parties().count() + leaving + usize::from(self.remains.is_some())
    }

    /// The 100 that the INVITE in `server` gets when nobody has answered it yet.
    pub(crate) fn trying(&self, server: ServerId) -> Option<Response> {
        let invite = match &self.state {
            State::Ringing(ringing) if ringing.server == server => &ringing.invite,
            state => state.parties().find_map(|party| party.modify.pending(server))?,
        };
        Some(self.endpoint.response(invite, Status::TRYING, &self.local_tag))
    }

    fn take_state(&mut self) -> State {
        core::mem::replace(&mut self.state, State::Over)
    }

    fn say(&mut self, output: Output) {
        self.output.push_back(SessionOutput::Say(Box::new(output)));
    }

    fn respond(&mut self, server: ServerId, response: impl Into<Arc<Response>>) {
        self.output.push_back(SessionOutput::Respond { server, response: response.into() });
    }

    /// Answers a request in a dialog with a status alone.
    fn respond_status(&mut self, server: ServerId, request: &Request, status: Status) {
        let response = self.endpoint.response(request, status, &self.local_tag);
        self.respond(server, response);
    }

    fn send(&mut self, purpose: Purpose, fork: usize, path: Path, mut request: Request) {
        let Ok(cseq) = request.headers.cseq() else {
            return;
        };
        self.endpoint.sign_request(&mut request);
        let sent = Sent { purpose, fork, cseq: cseq.number };
        self.output.push_back(SessionOutput::Request { sent, path, request: Box::new(request) });
    }

    /// Says Ended; the session is over. Nobody waits for what a change of ours would have brought.
    fn finish(&mut self, hangup: Hangup) -> State {
        let Hangup { by, status, reasons, retry_after, warnings } = hangup;
        let session = self.id;
        self.say(Output::Ended { session, by, status, reasons, retry_after, warnings });
        for client in core::mem::take(&mut self.change_clients) {
            self.output.push_back(SessionOutput::Abandon(client));
        }
        State::Over
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Calling,
    Ringing,
    Up,
    Ended,
}

/// `session-7 caller Confirmed UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.is_caller { "caller" } else { "callee" };
        let state = match &self.state {
            State::Calling(_) => "Calling",
            State::Ringing(_) => "Ringing",
            State::Answered(_) => "Answered",
            State::Confirmed(_) => "Confirmed",
            State::Leaving(_) => "Leaving",
            State::Over => "Over",
        };
        write!(f, "{} {role} {state}", self.id)?;
        for party in self.state.parties() {
            match (&self.state, &party.modify) {
                (State::Confirmed(_), modify) => write!(f, " ({modify})")?,
                (_, modify::Modify::Idle) => {}
                (_, modify) => write!(f, " ({} {modify})", party.fork)?,
            }
        }
        write!(f, " {}", self.endpoint.path)
    }
}

/// The user part that our Contact gets: that of our own address.
fn contact_user(address: &NameAddr) -> String {
    address.uri.user().map_or_else(String::new, std::borrow::Cow::into_owned)
}
