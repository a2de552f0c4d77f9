//! What a user agent says.

use core::fmt;
use std::sync::Arc;

use crate::locate::{LookupId, Question, Unlocated};
use crate::message::{
    Headers, NameAddr, Reason, ReferTo, Request, Response, Status, SubscriptionState, Uri, Warning,
};
use crate::publication::{PublicationId, PublicationStatus};
use crate::registration::{RegistrationId, RegistrationState};
use crate::session::{EndedBy, ReferId, ReferState, SessionId, Signal};
use crate::subscription::{SubscriptionId, SubscriptionStatus, WatcherId, WatcherStatus};
use crate::transaction::Path;

/// A request that the application must answer with [`UserAgent::respond`](super::UserAgent::respond). Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request that the application sent with [`UserAgent::request`](super::UserAgent::request). Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutgoingId(pub u64);

/// What to send, and what the application should know, in order.
///
/// Each call ends with exactly one [`Output::Ended`]; its id means nothing afterwards, but to transfers that go on.
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
        request: Arc<Request>,
        /// The call that ends when this one is answered (RFC 3891); refusing this one lets it go on. Whether this caller
        /// may have that call is the application's to judge (§7).
        replaces: Option<SessionId>,
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
        /// Which of the callees.
        fork: usize,
        /// The response's header.
        headers: Headers,
        /// The answer, or the callee's offer. Empty when a reliable provisional response had the answer already.
        body: Vec<u8>,
    },
    /// The caller acknowledged our answer.
    Confirmed {
        /// The call.
        session: SessionId,
        /// The answer to our offer when the INVITE had none.
        body: Vec<u8>,
    },
    /// The peer wants to change the session: accept or reject. Without a body it wants an offer of ours. In a call that is
    /// not answered yet it comes by UPDATE, PRACK, or in a reliable provisional response to an INVITE without an offer.
    Offer {
        /// The call.
        session: SessionId,
        /// Which of the callees of our call; 0 in a call that came in.
        fork: usize,
        /// The header of what it came in.
        headers: Headers,
        /// The offer, or nothing.
        body: Vec<u8>,
    },
    /// The peer answered an offer of ours, in a 2xx, its PRACK or its ACK; after an UPDATE without an offer the answer is
    /// empty.
    OfferAnswered {
        /// The call.
        session: SessionId,
        /// Which of the callees of our call; 0 in a call that came in.
        fork: usize,
        /// The answer.
        body: Vec<u8>,
    },
    /// The peer refused to change the session, which goes on as before.
    OfferRejected {
        /// The call.
        session: SessionId,
        /// Which of the callees of our call; 0 in a call that came in.
        fork: usize,
        /// Why.
        status: Status,
        /// When to try again, seconds.
        retry_after: Option<u32>,
        /// What was wrong with it.
        warnings: Vec<Warning>,
    },
    /// The session timer was refreshed by a re-INVITE or UPDATE of ours; nothing has changed on our side.
    Refreshed {
        /// The call.
        session: SessionId,
        /// The peer's description, when it was a re-INVITE.
        body: Vec<u8>,
    },
    /// An INFO came and was answered with 200.
    Info {
        /// The call.
        session: SessionId,
        /// The key or hook flash that it stands for, if any.
        signal: Option<Signal>,
        /// Its header: Content-Type, Info-Package.
        headers: Headers,
        /// Its body.
        body: Vec<u8>,
    },
    /// The peer answered our INFO, or nobody did, or one that waited for it would be refused like it. One word for each
    /// INFO, in the order of the commands, as long as the call lasts.
    InfoAnswered {
        /// The call.
        session: SessionId,
        /// How.
        status: Status,
        /// The key or hook flash that the INFO stood for, if any.
        signal: Option<Signal>,
    },
    /// Somebody asks us to call `target`: accept or reject, and report how the call goes.
    Refer {
        /// Where to answer: the session in whose dialog it came, or one that is made for it and has no call.
        session: SessionId,
        /// To name it in the answer.
        refer: ReferId,
        /// The call that is to be transferred; `None` for a REFER outside any.
        call: Option<SessionId>,
        /// Whom to call, with the call to replace in its URI for an attended transfer.
        target: ReferTo,
        /// The REFER's header: Referred-By.
        headers: Headers,
    },
    /// News of a transfer that we asked for.
    Referred {
        /// The call.
        session: SessionId,
        /// Which transfer.
        refer: ReferId,
        /// How it goes.
        state: ReferState,
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
        /// What was wrong with our offer (RFC 3261 §20.43).
        warnings: Vec<Warning>,
    },
    /// Ask the DNS, without waiting for it; the answer goes to
    /// [`UserAgent::handle_dns_answer`](super::UserAgent::handle_dns_answer).
    Ask(Question),
    /// What [`UserAgent::locate`](super::UserAgent::locate) found.
    Located {
        /// Which location.
        id: LookupId,
        /// The ways there, best first and at least one, or why there are none.
        paths: Result<Vec<Path>, Unlocated>,
    },
    /// A NOTIFY came in a subscription of ours, and was answered with 200.
    Notified {
        /// Which.
        subscription: SubscriptionId,
        /// Which of those that a forked SUBSCRIBE reached, counted from 0.
        fork: usize,
        /// Where the subscription stands.
        state: SubscriptionState,
        /// The NOTIFY's header.
        headers: Headers,
        /// The state.
        body: Vec<u8>,
    },
    /// A subscription of ours ended, for good or for a while.
    Subscription {
        /// Which.
        subscription: SubscriptionId,
        /// What becomes of it.
        state: SubscriptionStatus,
    },
    /// Somebody wants to subscribe: accept or refuse.
    Subscribe {
        /// The new subscription.
        watcher: WatcherId,
        /// The SUBSCRIBE.
        request: Box<Request>,
        /// How, to which of our sockets and from where it came.
        source: Path,
    },
    /// A peer's subscription changed.
    Watcher {
        /// Which.
        watcher: WatcherId,
        /// How it is.
        state: WatcherStatus,
    },
    /// A publication changed.
    Publication {
        /// Which.
        publication: PublicationId,
        /// How it is.
        state: PublicationStatus,
    },
    /// The server at the end of this path did not answer, or could not be reached: it is tried last for a while.
    /// [`UserAgent::probe`](super::UserAgent::probe) finds out when it is back.
    Parked(Path),
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
