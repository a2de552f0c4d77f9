//! Where responses go (RFC 3261 §18.2.2, RFC 3263 §5, RFC 3581 §4).

use std::net::SocketAddr;

use super::Destination;
use crate::message::{Transport, Via};

/// A way for a response, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyWay {
    /// The connection that the request came by, or the address that it came from.
    Source(SocketAddr),
    /// A new connection to where the request came from, at the port that its Via names.
    Address(SocketAddr),
    /// The server that stands in for one that failed: locate it, and try its targets in order.
    Located(Destination),
}

impl ReplyWay {
    /// The ways of a response to a request that came from `source` by `transport` with `via` on top.
    ///
    /// `maddr` is not followed: it would let a stranger aim our responses at a third party.
    pub fn all(via: &Via, transport: Transport, source: SocketAddr) -> Vec<Self> {
        let at_port = SocketAddr::new(source.ip(), via.port_or_default());
        if !transport.is_reliable() {
            // RFC 3581 §4; nothing tells whether a datagram arrived, so there is one way only.
            return vec![if via.rport().is_some() {
                Self::Source(source)
            } else {
                Self::Address(at_port)
            }];
        }
        let mut ways = vec![Self::Source(source)];
        if at_port != source {
            ways.push(Self::Address(at_port));
        }
        if let Ok(destination) = Destination::of_sent_by(via)
            && destination.transport == Some(transport)
        {
            ways.push(Self::Located(destination));
        }
        ways
    }
}
