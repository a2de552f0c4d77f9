//! What goes into a session and comes out of it.

use core::fmt;
use std::sync::Arc;

use crate::agent::Output;
use crate::digest::Account;
use crate::message::{Header, NameAddr, Reason, Request, Response, Status, Uri, Warning};
use crate::transaction::{ClientId, Path, ServerId};

/// An INVITE session. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A call to place.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The request URI.
    pub target: Uri,
    /// How, from which socket and where the INVITE is sent: `target` or the first of `route`, resolved.
    pub path: Path,
    /// Where it is sent when nothing comes from there, one after the other (RFC 3263 §4.3).
    pub others: Vec<Path>,
    /// There are still other servers, which need another offer: the call ends with 408 as soon as all of these have been
    /// silent for their time, 1.75 s each.
    pub impatient: bool,
    /// Our Contact, when it is not the address of our socket: a GRUU (RFC 5627 §4.4).
    pub contact: Option<Uri>,
    /// Who calls; a tag is added.
    pub from: NameAddr,
    /// Who is called.
    pub to: NameAddr,
    /// The proxies to pass, first first.
    pub route: Vec<NameAddr>,
    /// Further fields: P-Asserted-Identity, Privacy, Diversion, Subject.
    pub headers: Vec<Header>,
    /// The offer, `application/sdp`; empty to ask the callee for one.
    pub body: Vec<u8>,
    /// The Call-ID; `None` draws one.
    pub call_id: Option<String>,
    /// What answers challenges; none answers none.
    pub credentials: Option<Account>,
    /// Hops left: 70, or one less than what came in when the call is passed on.
    pub max_forwards: u8,
    /// Targets that were tried before this one in the same call (from
    /// [`Output::Redirected`](crate::agent::Output::Redirected)).
    pub tried: Vec<Uri>,
}

/// Who or what ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndedBy {
    /// The application hung up or rejected.
    Local,
    /// The peer.
    Remote,
    /// A timer: no answer, no ACK, or too long a wait.
    Timeout,
    /// The network refused to carry a message, or a table was full.
    Network,
}

/// The session's state does not allow what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongState;

impl fmt::Display for WrongState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session's state does not allow it")
    }
}

impl std::error::Error for WrongState {}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session-{}", self.0)
    }
}

/// What a session wants done.
#[derive(Debug)]
pub(crate) enum SessionOutput {
    /// Send a request in a client transaction; it has its Via.
    Request { sent: Sent, path: Path, request: Box<Request> },
    /// Send an ACK for a 2xx; it has its Via.
    Ack { path: Path, request: Arc<Request> },
    /// Answer in a server transaction.
    Respond { server: ServerId, response: Arc<Response> },
    /// Forget a client transaction.
    Abandon(ClientId),
    /// This session was answered in the place of that one, which ends now (RFC 3891).
    Replaced(SessionId),
    /// Tell the application.
    Say(Box<Output>),
}

/// A request that a session sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) purpose: Purpose,
    /// In which of our call's dialogs.
    pub(crate) fork: usize,
    pub(crate) cseq: u32,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Invite,
    Cancel,
    /// A re-INVITE, an UPDATE, or a PRACK with an offer.
    Change,
    /// A PRACK without one.
    Prack,
    Info,
    Refer,
    Notify,
    Bye,
    /// A BYE to a fork that answered too late; nobody waits for its end.
    StrayBye,
}

/// Why no response comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    TimedOut,
    Network,
}

impl Purpose {
    /// Whether the request belongs to a dialog, whose route set and target say where it goes.
    pub(crate) const fn is_in_dialog(self) -> bool {
        !matches!(self, Self::Invite | Self::Cancel)
    }
}

impl Failure {
    /// The response it stands for (RFC 3261 §8.1.3.1).
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::TimedOut => Status::REQUEST_TIMEOUT,
            Self::Network => Status::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) const fn ended_by(self) -> EndedBy {
        match self {
            Self::TimedOut => EndedBy::Timeout,
            Self::Network => EndedBy::Network,
        }
    }
}

/// How a session ends: what Ended will say.
#[derive(Clone, Debug)]
pub(crate) struct Hangup {
    pub(crate) by: EndedBy,
    pub(crate) status: Option<Status>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) retry_after: Option<u32>,
    pub(crate) warnings: Vec<Warning>,
}

/// What becomes of a session after something happened in one of its dialogs.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Stays,
    Ends(Hangup),
}

impl Hangup {
    pub(crate) fn new(by: EndedBy, reasons: Vec<Reason>) -> Self {
        Self { by, status: None, reasons, retry_after: None, warnings: Vec::new() }
    }

    pub(crate) fn with_status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The end of a cancelled call, which `status` answered: 408 when it was cancelled for taking too long.
    pub(crate) fn cancelled(self, status: Status) -> Self {
        let timed_out = self.by == EndedBy::Timeout;
        self.with_status(if timed_out { Status::REQUEST_TIMEOUT } else { status })
    }

    /// The peer's final response.
    pub(crate) fn of_response(response: &Response) -> Self {
        Self {
            by: EndedBy::Remote,
            status: Some(response.status),
            reasons: response.headers.reasons(),
            retry_after: response.headers.retry_after().map(|retry| retry.seconds),
            warnings: response.headers.warnings().unwrap_or_default(),
        }
    }
}
