//! From a URI to the servers that are tried, one after the other (RFC 3263, RFC 2782, RFC 7118 §5).
//!
//! ```text
//! URI ─► Destination ─► Lookup ─► questions ─► cache ─► Output::Ask ─► the shell's resolver
//!                         │                      ▲                        │
//!                         ▼                      └──── handle_answer ◄────┘
//!           targets in order ─► those parked last ─► Output::Located
//! ```
//!
//! The [`Locator`] asks nobody itself: the shell carries its questions to the DNS and brings the answers. It remembers
//! answers for their time, and the last good ones for as long as the DNS is silent (RFC 8767): a question without an
//! answer delays a location by half a second, once in 30 s, and no longer. Targets that did not answer, or said 503 with
//! Retry-After, are parked: they come last.
//!
//! ```text
//! question \ event  asked for       answer               failure              500 ms, stale     3 s
//! not asked         Ask ▸asked      remembered           remembered           –                 –
//! asked             joins           remembered, given    stale, else failed,  stale given;      as a timeout
//!                                   ▸not asked           given ▸not asked     stays asked       ▸not asked
//! ```
//!
//! What never enters: sockets, and the decision when a target is dead; whoever sends says so.

mod cache;
mod destination;
mod dns;
mod locator;
mod lookup;
mod parking;
mod reach;
mod srv;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use self::destination::{Destination, Unlocated};
pub use self::dns::{Answer, DomainName, Failure, Naptr, Question, Record, RecordType, Srv};
pub use self::locator::{Located, Locator, LocatorCounts, LookupId, Output};
pub use self::reach::Reach;
use crate::message::Transport;
use crate::transport::Domain;

/// A server to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// The domain that its certificate must name over TLS (RFC 5922 §4): the URI's, whatever the DNS said on the way.
    pub domain: Domain,
}
