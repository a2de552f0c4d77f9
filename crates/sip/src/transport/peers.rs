//! Who has how many connections.
//!
//! A stranger chooses the lower 64 bits of an IPv6 address at will (RFC 4291 §2.5.4), and who rents a site gets a /48
//! (RFC 6177), so connections are counted by networks: an IPv4 address; a /64 of IPv6, and the /48 around it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use super::FlowId;

/// The connections by the peer's network, those that peers made apart from ours: however many a peer makes, it keeps us
/// from making none.
#[derive(Debug, Default)]
pub(super) struct Peers {
    accepted: BTreeMap<Network, BTreeSet<FlowId>>,
    ours: BTreeMap<Network, BTreeSet<FlowId>>,
    accepted_in_all: usize,
}

/// Addresses that may well be one peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    prefix: IpAddr,
    width: Width,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    /// An IPv4 address, or a /64.
    Link,
    /// A /48.
    Site,
}

impl Network {
    /// Those that an address belongs to.
    pub(super) fn of(address: IpAddr) -> impl Iterator<Item = Self> {
        let address = address.to_canonical();
        let link = Self { prefix: truncated(address, 64), width: Width::Link };
        let site = Self { prefix: truncated(address, 48), width: Width::Site };
        core::iter::once(link).chain(address.is_ipv6().then_some(site))
    }

    /// How many connections it may have where an address may have `per_peer`.
    pub(super) fn bound(self, per_peer: usize) -> usize {
        match self.width {
            Width::Link => per_peer,
            Width::Site => per_peer.saturating_mul(2),
        }
    }
}

fn truncated(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> (128 - bits) << (128 - bits)).into(),
        IpAddr::V4(_) => address,
    }
}

impl Peers {
    pub(super) fn insert(&mut self, address: IpAddr, id: FlowId, is_ours: bool) {
        for network in Network::of(address) {
            self.side(is_ours).entry(network).or_default().insert(id);
        }
        self.accepted_in_all += usize::from(!is_ours);
    }

    pub(super) fn remove(&mut self, address: IpAddr, id: FlowId, is_ours: bool) {
        for network in Network::of(address) {
            let side = self.side(is_ours);
            if let Some(ids) = side.get_mut(&network) {
                ids.remove(&id);
                if ids.is_empty() {
                    side.remove(&network);
                }
            }
        }
        self.accepted_in_all -= usize::from(!is_ours);
    }

    /// The connections with a network that it has made, or that we have.
    pub(super) fn with(&self, network: Network, is_ours: bool) -> Option<&BTreeSet<FlowId>> {
        if is_ours { self.ours.get(&network) } else { self.accepted.get(&network) }
    }

    /// How many connections peers have made.
    pub(super) fn accepted(&self) -> usize {
        self.accepted_in_all
    }

    fn side(&mut self, is_ours: bool) -> &mut BTreeMap<Network, BTreeSet<FlowId>> {
        if is_ours { &mut self.ours } else { &mut self.accepted }
    }
}
