//! What a user agent says.

use core::fmt;

use crate::message::{Headers, NameAddr, Reason, Request, Response, Status, Uri};
use crate::registration::{RegistrationId, RegistrationState};
use crate::session::{EndedBy, SessionId};
use crate::transaction::Path;

/// A request that the application must answer with [`UserAgent::respond`](super::UserAgent::respond). Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request that the application sent with [`UserAgent::request`](super::UserAgent::request). Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutgoingId(pub u64);

/// What to send, and what the application should know, in order.
///
/// Each session ends with exactly one [`Output::Ended`]; its id means nothing afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these octets.
    Transmit {
        /// How, from which socket, to which address and on which connection.
        path: Path,
        /// One message.
        bytes: Vec<u8>,
    },
    /// A request that is no session's business: answer it.
    Request {
        /// To name it in the answer.
        id: RequestId,
        /// The session in whose dialog it came, if any.
        session: Option<SessionId>,
        /// The request.
        request: Box<Request>,
        /// How it came, to which of our sockets and from where.
        source: Path,
    },
    /// The answer to a request that the application sent; provisional ones too. 408 also stands for none in time,
    /// 503 for a network that refused it (RFC 3261 §8.1.3.1).
    Response {
        /// Which request.
        id: OutgoingId,
        /// The answer.
        response: Box<Response>,
    },
    /// Somebody calls: progress, answer or reject.
    Incoming {
        /// The new session.
        session: SessionId,
        /// The INVITE.
        request: Box<Request>,
        /// How it came, to which of our sockets and from where.
        source: Path,
    },
    /// The callee, or one of several, makes progress (101 to 199).
    Progress {
        /// Our call.
        session: SessionId,
        /// Which of the callees, counted from 0; each has an early dialog of its own.
        fork: usize,
        /// 101 to 199.
        status: Status,
        /// The response's header.
        headers: Headers,
        /// The response's body: early media when it is a session description.
        body: Vec<u8>,
    },
    /// The callee answered and our ACK is sent; the callee's ACK waits for [`UserAgent::accept_offer`] when our INVITE
    /// had no body and this one has.
    ///
    /// [`UserAgent::accept_offer`]: super::UserAgent::accept_offer
    Answered {
        /// Our call.
        session: SessionId,
        /// The response's header.
        headers: Headers,
        /// The answer, or the callee's offer.
        body: Vec<u8>,
    },
    /// The caller acknowledged our answer.
    Confirmed {
        /// The call.
        session: SessionId,
        /// The answer to our offer when the INVITE had none.
        body: Vec<u8>,
    },
    /// The peer wants to change the session: accept or reject. Without a body it wants an offer of ours.
    Offer {
        /// The call.
        session: SessionId,
        /// The offer, or nothing.
        body: Vec<u8>,
    },
    /// The peer answered an offer of ours, in a 2xx or in its ACK.
    OfferAnswered {
        /// The call.
        session: SessionId,
        /// The answer.
        body: Vec<u8>,
    },
    /// The peer refused to change the session, which goes on as before.
    OfferRejected {
        /// The call.
        session: SessionId,
        /// Why.
        status: Status,
        /// When to try again, seconds.
        retry_after: Option<u32>,
    },
    /// An INFO came and was answered with 200.
    Info {
        /// The call.
        session: SessionId,
        /// Its header: Content-Type, Info-Package.
        headers: Headers,
        /// Its body.
        body: Vec<u8>,
    },
    /// The peer answered our INFO.
    InfoAnswered {
        /// The call.
        session: SessionId,
        /// How.
        status: Status,
    },
    /// The call is redirected; `Ended` with the same status follows. Following it is the caller's decision.
    Redirected {
        /// Our call.
        session: SessionId,
        /// 300 to 399.
        status: Status,
        /// The contacts that were not tried before, best first.
        contacts: Vec<NameAddr>,
        /// Everything that was tried, this call's target included: hand it to the next
        /// [`Invite::tried`](crate::session::Invite::tried).
        tried: Vec<Uri>,
    },
    /// The session is over.
    Ended {
        /// Which.
        session: SessionId,
        /// Who ended it.
        by: EndedBy,
        /// The final response to its INVITE; `None` when it had been answered.
        status: Option<Status>,
        /// Why, as far as BYE, CANCEL or the response said (RFC 3326).
        reasons: Vec<Reason>,
        /// When to try again, seconds.
        retry_after: Option<u32>,
    },
    /// A registration changed.
    Registration {
        /// Which.
        id: RegistrationId,
        /// What it is now.
        state: RegistrationState,
    },
}

impl Output {
    pub(crate) fn transmit(path: Path, bytes: Vec<u8>) -> Self {
        Self::Transmit { path, bytes }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request-{}", self.0)
    }
}

impl fmt::Display for OutgoingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outgoing-{}", self.0)
    }
}
