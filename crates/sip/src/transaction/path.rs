//! Where a message came from or goes to.

use core::fmt;
use std::net::SocketAddr;

use crate::message::Transport;

/// Both ends of a hop: our socket and the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// How it is carried.
    pub transport: Transport,
    /// Our own address, as the socket sees it.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

/// `UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}→{}", self.transport, self.local, self.remote)
    }
}
