//! What goes into subscriptions and comes out of them.

use core::fmt;

use tipring_core::Duration;

use crate::agent::Output;
use crate::digest::Account;
use crate::message::{
    Event, EventReason, Header, NameAddr, Request, Response, Status, Substate, Uri,
};
use crate::transaction::{Path, ServerId};

/// A subscription of ours. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// A subscription of a peer's to us. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatcherId(pub u64);

/// A body and its type; nothing when the body is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Content-Type.
    pub kind: String,
    /// The octets.
    pub body: Vec<u8>,
}

impl Content {
    /// A body of the type `kind`.
    pub fn new(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { kind: kind.to_owned(), body: body.into() }
    }
}

/// What becomes of the second and further dialogs when a proxy has forked our SUBSCRIBE (RFC 6665 §4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forks {
    /// Each is kept, as presence needs it.
    Accept,
    /// They are refused with 481, as a message summary needs it.
    Refuse,
}

/// What to subscribe to, and where.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The request URI.
    pub target: Uri,
    /// How, from which socket and where it is sent.
    pub path: Path,
    /// Where the first SUBSCRIBE is sent when nothing comes from there, one after the other (RFC 3263 §4.3).
    pub others: Vec<Path>,
    /// Who subscribes; a tag is added.
    pub from: NameAddr,
    /// Whose state.
    pub to: NameAddr,
    /// The proxies to pass, first first.
    pub route: Vec<NameAddr>,
    /// The user part of our Contact.
    pub contact_user: String,
    /// The package.
    pub event: Event,
    /// The body types that we take, `Accept`; none takes any. Others are refused with 415.
    pub accept: Vec<String>,
    /// How long to ask for, seconds; 0 fetches the state once.
    pub expires: u32,
    /// What becomes of forks.
    pub forks: Forks,
    /// Whether to subscribe again when it ends against our will; if not, it ends for good.
    pub keep: bool,
    /// Further fields.
    pub headers: Vec<Header>,
    /// A filter, or nothing.
    pub content: Content,
    /// What answers challenges.
    pub credentials: Option<Account>,
}

/// An event package that we notify of, and how long subscriptions to it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name: `presence`.
    pub name: String,
    /// Shorter is answered with 423, seconds.
    pub min_expires: u32,
    /// When the subscriber does not say, seconds.
    pub default_expires: u32,
    /// Longer is cut to this, seconds.
    pub max_expires: u32,
    /// The least time between two NOTIFYs of which none is owed at once: changes within it are told together, so
    /// bodies must hold the whole state.
    pub min_interval: Duration,
}

impl Package {
    /// A package with subscriptions of a minute to a day, an hour unless asked otherwise, without throttling.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            min_expires: 60,
            default_expires: 3600,
            max_expires: 86_400,
            min_interval: Duration::ZERO,
        }
    }
}

/// How a subscription of ours is, beside what NOTIFYs tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// It has ended, and is made anew.
    Retrying {
        /// Why it ended.
        why: SubscriptionEnd,
        /// When the next SUBSCRIBE goes out.
        retry_in: Duration,
    },
    /// It has ended; nothing more is heard of it.
    Ended(SubscriptionEnd),
}

/// Why a subscription of ours ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionEnd {
    /// We unsubscribed, or fetched once.
    Left,
    /// SUBSCRIBE was refused with this, 408 for silence, 503 for a network that refused it.
    Refused(Status),
    /// SUBSCRIBE was accepted, but no NOTIFY came (Timer N).
    Unnotified,
    /// It was not refreshed in time.
    Expired,
    /// The notifier ended it.
    Terminated(Option<EventReason>),
}

/// How a peer's subscription is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatcherStatus {
    /// It was refreshed; the last state was told again.
    Refreshed {
        /// Seconds that it lasts now.
        expires: u32,
    },
    /// It is over; its id means nothing any more.
    Ended(WatcherEnd),
}

/// Why a peer's subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatcherEnd {
    /// The peer unsubscribed, or fetched once.
    Left,
    /// The peer did not refresh it.
    Expired,
    /// We ended it, or refused it.
    Local,
    /// NOTIFY was refused with this, 408 for silence, 503 for a network that refused it.
    Lost(Status),
}

/// A request of a subscription or publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Which dialog; `None` for a request outside any.
    pub(crate) fork: Option<usize>,
    pub(crate) cseq: u32,
}

/// What a subscription or publication wants done.
#[derive(Debug)]
pub(crate) enum UsageOutput {
    /// Send a request in a client transaction, along `path` or one of `others` when that fails; it has its Via for
    /// `path`.
    Request { sent: Sent, path: Path, others: Vec<Path>, request: Box<Request> },
    /// Answer in a server transaction.
    Respond { server: ServerId, response: Box<Response> },
    /// Tell the application.
    Say(Box<Output>),
}

/// Of several ways `chosen` is the first now, and `left` the last of the others.
pub(crate) fn put_last(others: &mut Vec<Path>, chosen: &Path, left: Path) {
    others.retain(|other| other != chosen);
    others.push(left);
}

/// Whether a subscription in this state has ended.
pub(crate) fn is_terminated(state: &Substate) -> bool {
    *state == Substate::Terminated
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subscription-{}", self.0)
    }
}

impl fmt::Display for WatcherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "watcher-{}", self.0)
    }
}

impl fmt::Display for SubscriptionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("unsubscribed"),
            Self::Refused(status) => write!(f, "refused: {status}"),
            Self::Unnotified => f.write_str("no notification"),
            Self::Expired => f.write_str("expired"),
            Self::Terminated(Some(reason)) => write!(f, "terminated: {reason}"),
            Self::Terminated(None) => f.write_str("terminated"),
        }
    }
}
