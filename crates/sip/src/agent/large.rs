//! Requests that are too large for a datagram go over TCP (RFC 3261 §18.1.1).
//!
//! Fragments of datagrams get lost, and many routers drop them. A request of more than 1300 octets that would go by UDP
//! takes TCP to the same address instead, when we listen on TCP in that family; Via and Contact say so. A peer that
//! cannot be reached over TCP gets it by UDP after all, and is not asked again for as long as it is parked.

use tipring_core::Instant;

use super::UserAgent;
use crate::message::{Request, Transport};
use crate::transaction::Path;

/// The largest request that goes by UDP where the MTU of the way is not known, in octets.
pub const MAX_DATAGRAM: usize = 1300;

impl UserAgent {
    /// The way over TCP for `request`, which would go along `path`, when it is too large for that.
    pub(super) fn large_way(&self, now: Instant, path: &Path, request: &Request) -> Option<Path> {
        if path.transport != Transport::Udp {
            return None;
        }
        let local = self.config.reach.socket(Transport::Tcp, path.remote.ip());
        let local = local.filter(|local| local.port() != 0)?;
        let way = Path::new(Transport::Tcp, local, path.remote);
        // Most are so small that they need not be printed for it.
        let longest = request.longest() + request.uri.to_string().len();
        let fits = longest <= MAX_DATAGRAM || request.to_bytes().len() <= MAX_DATAGRAM;
        if fits || self.locator.is_parked(now, &way) {
            return None;
        }
        Some(way)
    }
}
