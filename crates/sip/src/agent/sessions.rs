//! What the application asks of its calls and registrations.

use core::fmt;
use std::sync::Arc;

use tipring_core::Instant;

use super::{Endpoint, UserAgent, Waiter};
use crate::message::{HeaderName, Reason, Status, Uri};
use crate::registration::{Registration, RegistrationClient, RegistrationId};
use crate::session::{Invite, Login, ReferId, Session, SessionId, WrongState};
use crate::transaction::Path;

/// Why a session does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// There is no such session (any more).
    Unknown,
    /// Its state does not allow it.
    WrongState,
    /// There are as many sessions as there may be.
    Full,
}

impl UserAgent {
    /// Places a call.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<SessionId, SessionError> {
        if !self.has_room_for_session() {
            self.counters.overflows += 1;
            return Err(SessionError::Full);
        }
        let id = SessionId(self.next_id());
        let login = match invite.credentials.clone() {
            Some(account) => Login::new(Some(account), invite.path.remote, self.rng.fork()),
            None => Login::without_account(invite.path.remote),
        };
        let mut endpoint = self.endpoint(invite.path.clone());
        endpoint.others.clone_from(&invite.others);
        endpoint.impatient = invite.impatient;
        endpoint.own_contact.clone_from(&invite.contact);
        let session = Session::call(id, endpoint, login, invite);
        self.adopt(now, id, session);
        Ok(id)
    }

    /// Whether a session timer runs in a call that is up, which ends it when its peer vanishes (RFC 4028).
    pub fn has_session_timer(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.has_timer())
    }

    /// Whether there may be one more. Those that are over keep nobody from calling.
    pub(super) fn has_room_for_session(&self) -> bool {
        self.sessions.len() - self.lingering.len() < self.config.max_sessions
    }

    pub(super) fn forget_session(&mut self, id: SessionId) {
        self.lingering.remove(&id);
        self.timers.cancel(&Waiter::Session(id));
        if let Some(session) = self.sessions.remove(&id) {
            self.tags.remove(session.local_tag());
        }
    }

    pub(super) fn adopt(&mut self, now: Instant, id: SessionId, session: Session) {
        self.tags.insert(session.local_tag().to_owned(), id);
        self.sessions.insert(id, Box::new(session));
        self.settle_session(now, id);
        self.pump(now);
    }

    pub(super) fn endpoint(&mut self, path: Path) -> Endpoint {
        Endpoint::new(Arc::clone(&self.config), path, self.rng.fork())
    }

    /// Sends a provisional response, 101 to 199, with early media's description or without; reliably where
    /// [`Reliability`](super::Reliability) says so. When the INVITE had no offer, `body` is ours, and sent only reliably.
    pub fn progress(
        &mut self,
        now: Instant,
        id: SessionId,
        status: Status,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.progress(now, status, body))
    }

    /// Whether the next provisional response must hold our offer: it is sent reliably, and the INVITE has none (RFC 3261
    /// §13.2.1, RFC 3262 §5).
    pub fn owes_first_offer(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.owes_first_offer())
    }

    /// Answers with 200; `body` is the answer, or our offer when the INVITE had none.
    pub fn answer(
        &mut self,
        now: Instant,
        id: SessionId,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.answer(now, body))
    }

    /// Refuses a call with 300 to 699 and further header fields.
    pub fn reject(
        &mut self,
        now: Instant,
        id: SessionId,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.reject(status, headers, None))
    }

    /// Rejects a call and keeps nothing of it (RFC 3261 §8.2.7): for challenges, which strangers ask for in masses and
    /// under the address of others. The response is sent once; a repeated INVITE is another call, and its response has the same
    /// tag.
    pub fn challenge(
        &mut self,
        now: Instant,
        id: SessionId,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), SessionError> {
        let invite = self.sessions.get(&id).and_then(|session| session.unanswered_invite());
        let challenged =
            invite.map(|(server, invite)| (server, self.stateless_tag(&invite.headers)));
        let (server, tag) = challenged.unzip();
        self.command(now, id, |session| session.reject(status, headers, tag))?;
        if let Some(server) = server {
            self.transactions.abandon_server(server);
        }
        self.pump(now);
        Ok(())
    }

    /// Ends a call with CANCEL, 480 or BYE, as its state asks. `Ended` comes when the peer has answered or will not.
    pub fn hang_up(
        &mut self,
        now: Instant,
        id: SessionId,
        reason: Option<Reason>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| {
            session.hang_up(now, reason);
            Ok(())
        })
    }

    /// Offers to change the session; an empty `body` asks the peer for an offer. It waits while another change is
    /// under way.
    pub fn reinvite(
        &mut self,
        now: Instant,
        id: SessionId,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.reinvite(now, body))
    }

    /// Answers the peer's offer, in a 2xx or in our ACK or PRACK; gives our offer when it asked for one. Of several forks
    /// it is the one whose offer waits longest.
    pub fn accept_offer(
        &mut self,
        now: Instant,
        id: SessionId,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.accept_offer(now, None, body))
    }

    /// The same for the offer of one fork.
    pub fn accept_fork_offer(
        &mut self,
        now: Instant,
        id: SessionId,
        fork: usize,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.accept_offer(now, Some(fork), body))
    }

    /// Rejects the peer's offer with 300 to 699 (488, with a Warning among `headers`); the session goes on. An offer that
    /// came in a response cannot be rejected: the session ends.
    pub fn reject_offer(
        &mut self,
        now: Instant,
        id: SessionId,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.reject_offer(now, None, status, headers))
    }

    /// The same for the offer of one fork.
    pub fn reject_fork_offer(
        &mut self,
        now: Instant,
        id: SessionId,
        fork: usize,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.reject_offer(now, Some(fork), status, headers))
    }

    /// Changes the session by UPDATE, or by re-INVITE where the peer does not allow that: with an offer, or with an empty
    /// `body` only to tell something of ourselves in `headers`. It waits while another change is under way. In a call of
    /// ours that is not answered `fork` tells in which dialog; there the first answer is waited for, and an offer goes
    /// in a PRACK where the peer does not allow UPDATE.
    pub fn update(
        &mut self,
        now: Instant,
        id: SessionId,
        fork: usize,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.update(now, fork, headers, body))
    }

    /// Sends an INFO of the old kind, without a package. In each dialog they go one after the other, each when the one
    /// before is answered; `WrongState` when too many wait for that.
    pub fn info(
        &mut self,
        now: Instant,
        id: SessionId,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.info(None, content_type, body))
    }

    /// Sends an INFO of a package, which the peer should have named in Recv-Info (RFC 6086).
    pub fn info_package(
        &mut self,
        now: Instant,
        id: SessionId,
        package: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), SessionError> {
        self.command(now, id, |session| session.info(Some(package), content_type, body))
    }

    /// Accepts a REFER with 202; how the call goes is to be told by [`report_refer`](Self::report_refer).
    pub fn accept_refer(
        &mut self,
        now: Instant,
        id: SessionId,
        refer: ReferId,
    ) -> Result<(), SessionError> {
        self.refer_command(now, id, |session| session.accept_refer(now, refer))
    }

    /// Refuses a REFER with 300 to 699 (603).
    pub fn reject_refer(
        &mut self,
        now: Instant,
        id: SessionId,
        refer: ReferId,
        status: Status,
    ) -> Result<(), SessionError> {
        self.refer_command(now, id, |session| session.reject_refer(refer, status))
    }

    /// Tells who sent a REFER how the call goes; the final status is the last.
    pub fn report_refer(
        &mut self,
        now: Instant,
        id: SessionId,
        refer: ReferId,
        status: Status,
    ) -> Result<(), SessionError> {
        self.refer_command(now, id, |session| session.report_refer(now, refer, status))
    }

    /// Transfers outlive the call that they were asked for in.
    fn refer_command(
        &mut self,
        now: Instant,
        id: SessionId,
        command: impl FnOnce(&mut Session) -> Result<(), WrongState>,
    ) -> Result<(), SessionError> {
        let done = command(self.sessions.get_mut(&id).ok_or(SessionError::Unknown)?);
        self.settle_session(now, id);
        self.pump(now);
        done.map_err(|WrongState| SessionError::WrongState)
    }

    pub(super) fn command(
        &mut self,
        now: Instant,
        id: SessionId,
        command: impl FnOnce(&mut Session) -> Result<(), WrongState>,
    ) -> Result<(), SessionError> {
        let session = self.sessions.get_mut(&id).filter(|session| !session.is_over());
        let done = command(session.ok_or(SessionError::Unknown)?);
        self.settle_session(now, id);
        self.pump(now);
        done.map_err(|WrongState| SessionError::WrongState)
    }

    /// The way that a session's messages go now: that of the server which took its INVITE, or the peer's own.
    pub fn session_path(&self, id: SessionId) -> Option<&Path> {
        self.sessions.get(&id).map(|session| session.path())
    }

    /// Gives a session another Contact than the address of our socket: a GRUU (RFC 5627 §4.4).
    pub fn set_contact(&mut self, id: SessionId, contact: Uri) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.set_contact(contact);
        }
    }

    /// Registers, and keeps registered until [`unregister`](Self::unregister).
    pub fn register(&mut self, now: Instant, registration: Registration) -> RegistrationId {
        let id = RegistrationId(self.next_id());
        let path = Path::nowhere();
        let login = Login::new(registration.credentials.clone(), path.remote, self.rng.fork());
        let client = RegistrationClient::new(now, self.endpoint(path), login, registration);
        self.registrations.insert(id, client);
        self.settle_registration(now, id);
        self.pump(now);
        id
    }

    /// Registers again at once: the link is back, or the connection that we registered over is gone.
    pub fn refresh(&mut self, now: Instant, id: RegistrationId) {
        if let Some(registration) = self.registrations.get_mut(&id) {
            registration.refresh(now);
        }
        self.settle_registration(now, id);
        self.pump(now);
    }

    /// Whether other flows of the same device are registered: a flow of a registrar with outbound that cannot be had takes
    /// more time then until it is tried again (RFC 5626 §4.5).
    pub fn note_other_flows(&mut self, id: RegistrationId, live: bool) {
        if let Some(registration) = self.registrations.get_mut(&id) {
            registration.note_others(live);
        }
    }

    /// Whether the server at the end of `path` did not answer the last time, or asks to be left alone.
    pub fn is_parked(&self, now: Instant, path: &Path) -> bool {
        self.locator.is_parked(now, path)
    }

    /// Takes a registration back. `Unregistered` is said when that is done or has failed.
    pub fn unregister(&mut self, now: Instant, id: RegistrationId) {
        if let Some(registration) = self.registrations.get_mut(&id) {
            registration.unregister();
        }
        self.settle_registration(now, id);
        self.pump(now);
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such session",
            Self::WrongState => "the session's state does not allow it",
            Self::Full => "too many sessions",
        })
    }
}

impl std::error::Error for SessionError {}
