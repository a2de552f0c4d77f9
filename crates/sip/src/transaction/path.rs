//! Where a message came from or goes to.

use core::fmt;
use std::net::SocketAddr;

use crate::message::Transport;
use crate::transport::{Domain, FlowId};

/// Both ends of a hop: our socket and the peer's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// How it is carried.
    pub transport: Transport,
    /// Our own address, as the listening socket sees it.
    pub local: SocketAddr,
    /// The peer's address: the one to connect to when `flow` is gone.
    pub remote: SocketAddr,
    /// The connection a message came over, or goes over as long as it is open.
    pub flow: Option<FlowId>,
    /// Who must be at the far end of a TLS connection; `None` for whoever proves to be at the address `remote`.
    pub domain: Option<Domain>,
}

impl Path {
    /// A hop on whatever connection there is or will be.
    pub fn new(transport: Transport, local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport, local, remote, flow: None, domain: None }
    }

    /// No hop yet: what stands there before the first one is located.
    pub(crate) fn nowhere() -> Self {
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        Self::new(Transport::Udp, none, none)
    }
}

/// `UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}→{}", self.transport, self.local, self.remote)
    }
}
