//! Trunks: where they are, and our registrations there.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{Event, Release};
use tipring_core::{Cause, Duration, Instant, LegId, Number};
use tipring_sip::digest::Account;
use tipring_sip::message::{Host, NameAddr, Status, Transport, Uri};
use tipring_sip::registration::{Registration, RegistrationId, RegistrationState};

use crate::gateway::{Gateway, Wake};
use crate::output::{Output, QueryId};
use crate::sip_place::Pending;

/// A known address is looked up again after this long.
const REFRESH: Duration = Duration::from_secs(300);
/// An unknown one after this long.
const RETRY: Duration = Duration::from_secs(10);

/// Addresses of one trunk that calls are taken from.
const MAX_ADDRESSES: usize = 32;

/// How long a registration is asked for, in seconds.
const EXPIRES: u32 = 3600;

/// What is known of a trunk now.
#[derive(Debug, Default)]
pub(crate) struct Trunk {
    /// The one in use.
    address: Option<SocketAddr>,
    /// All that its name has.
    addresses: Vec<SocketAddr>,
    registration: Option<RegistrationId>,
    registered: bool,
    asking: Option<QueryId>,
}

/// What a look-up is for.
#[derive(Debug)]
pub(crate) enum Query {
    Trunk(usize),
    Leg(LegId, Box<Pending>),
}

impl Gateway {
    pub(crate) fn start_trunks(&mut self, now: Instant) {
        for at in 0..self.trunks.len() {
            self.trunk_timeout(now, at);
        }
    }

    pub(crate) fn stop_trunks(&mut self, now: Instant) {
        for at in 0..self.trunks.len() {
            if let Some(id) = self.trunks[at].registration.take() {
                self.agent.unregister(now, id);
            }
        }
    }

    pub(crate) fn trunk_by_name(&self, name: &str) -> Option<usize> {
        self.config.trunks.iter().position(|trunk| trunk.name == name)
    }

    /// The trunk that a request comes from: that of the very address, or the only one of that host. On loopback
    /// everybody has the same host, so there the port must be right too.
    pub(crate) fn trunk_at(&self, remote: SocketAddr) -> Option<usize> {
        let known = || {
            let trunks = self.trunks.iter().enumerate();
            trunks.flat_map(|(at, trunk)| trunk.addresses.iter().map(move |address| (at, *address)))
        };
        if let Some((at, _)) = known().find(|(_, address)| *address == remote) {
            return Some(at);
        }
        let mut same_host = known().filter(|(_, address)| address.ip() == remote.ip());
        let (at, _) = same_host.next().filter(|_| !remote.ip().is_loopback())?;
        same_host.all(|(other, _)| other == at).then_some(at)
    }

    pub(crate) fn trunk_address(&self, at: usize) -> Option<SocketAddr> {
        self.trunks.get(at)?.address
    }

    pub(crate) fn trunk_account(&self, at: usize) -> Option<Account> {
        self.config.trunks.get(at)?.account.clone()
    }

    /// The request URI of a number at a trunk.
    pub(crate) fn trunk_target(&self, at: usize, number: &Number) -> Uri {
        let mut uri = self.config.trunks[at].uri.clone();
        if let Some(sip) = uri.as_sip_mut() {
            sip.set_user(number);
        }
        uri
    }

    /// Looks the trunk's address up, or again.
    pub(crate) fn trunk_timeout(&mut self, now: Instant, at: usize) {
        let Some(uri) = self.config.trunks.get(at).map(|trunk| trunk.uri.clone()) else { return };
        if let Some(address) = literal_address(&uri) {
            return self.trunk_found(now, at, &[address]);
        }
        let Some(host) = uri.host().map(ToString::to_string) else { return };
        if self.trunks[at].asking.is_none() {
            let query = self.next_query(Query::Trunk(at));
            self.trunks[at].asking = Some(query);
            let (port, transport) = (uri.port(), uri.transport());
            self.outputs.push_back(Output::Resolve { query, host, port, transport });
        }
        self.timers.set(Wake::Trunk(at), now + RETRY);
    }

    pub(crate) fn resolved(&mut self, now: Instant, query: QueryId, addresses: &[SocketAddr]) {
        match self.queries.remove(&query) {
            Some(Query::Trunk(at)) => {
                self.trunks[at].asking = None;
                // Where nothing is found, the last address that was known stays in use.
                let wait = if addresses.is_empty() { RETRY } else { REFRESH };
                self.timers.set(Wake::Trunk(at), now + wait);
                if !addresses.is_empty() {
                    self.trunk_found(now, at, addresses);
                }
            }
            Some(Query::Leg(leg, pending)) if self.legs.contains_key(&leg) => {
                let unknown = || Release::new(Cause::NO_ROUTE_TO_DESTINATION, "host not found");
                let transport = pending.target.transport().unwrap_or(Transport::Udp);
                let address = self.reachable(transport, addresses).ok_or_else(unknown);
                if let Err(release) = address.and_then(|to| self.invite(now, leg, *pending, to)) {
                    self.leg_says(now, leg, Event::Release(release));
                    self.forget_leg(now, leg);
                }
            }
            Some(Query::Leg(..)) | None => {}
        }
    }

    /// The first address that one of our sockets reaches; the first at all where none does.
    fn reachable(&self, transport: Transport, addresses: &[SocketAddr]) -> Option<SocketAddr> {
        let reached = |address: &&SocketAddr| self.local_socket(transport, **address).is_some();
        addresses.iter().find(reached).or(addresses.first()).copied()
    }

    fn trunk_found(&mut self, now: Instant, at: usize, addresses: &[SocketAddr]) {
        let Some(config) = self.config.trunks.get(at) else { return };
        let (uri, account, register) =
            (config.uri.clone(), config.account.clone(), config.register);
        let transport = uri.transport().unwrap_or(Transport::Udp);
        // A name service may turn its list round at every look-up: what serves, stays.
        let in_use = self.trunks[at].address.filter(|address| addresses.contains(address));
        let Some(address) = in_use.or_else(|| self.reachable(transport, addresses)) else { return };
        self.trunks[at].addresses = addresses.iter().copied().take(MAX_ADDRESSES).collect();
        let known = self.trunks[at].address.replace(address);
        if known == Some(address) || !register {
            return;
        }
        if let Some(old) = self.trunks[at].registration.take() {
            self.agent.unregister(now, old);
        }
        let Some(local) = self.local_socket(transport, address) else {
            return tracing::error!(trunk = config.name, "no socket of its transport and family");
        };
        let user = account.as_ref().map_or("", |account| account.username.as_str());
        let (mut registrar, mut aor) = (uri.clone(), uri);
        if let Some(sip) = registrar.as_sip_mut() {
            sip.set_user("");
        }
        if let Some(sip) = aor.as_sip_mut() {
            sip.set_user(user);
        }
        let registration = Registration {
            registrar,
            contact_user: user.to_owned(),
            aor: NameAddr::new(aor),
            destination: address,
            local,
            transport,
            credentials: account.clone(),
            expires: EXPIRES,
        };
        let id = self.agent.register(now, registration);
        self.trunks[at].registration = Some(id);
    }

    pub(crate) fn trunk_registered(
        &mut self,
        now: Instant,
        id: RegistrationId,
        state: &RegistrationState,
    ) {
        let Some(at) = self.trunks.iter().position(|trunk| trunk.registration == Some(id)) else {
            return;
        };
        let silent =
            matches!(state, RegistrationState::Failed { status: Status::REQUEST_TIMEOUT, .. });
        if let Some(next) = self.next_address(at).filter(|_| silent) {
            tracing::warn!(trunk = self.config.trunks[at].name, address = %next, "no answer: trying its next address");
            self.trunks[at].address = Some(next);
            self.agent.refresh(now, id, next);
        }
        let registered = matches!(state, RegistrationState::Registered { .. });
        if self.trunks[at].registered != registered {
            self.trunks[at].registered = registered;
            let name = &self.config.trunks[at].name;
            if registered {
                tracing::info!(trunk = name, "registered");
            } else {
                tracing::warn!(trunk = name, ?state, "not registered");
            }
        }
    }

    /// The address after the one in use, where the trunk's name has several that we reach.
    fn next_address(&self, at: usize) -> Option<SocketAddr> {
        let trunk = self.trunks.get(at)?;
        let transport = self.config.trunks.get(at)?.uri.transport().unwrap_or(Transport::Udp);
        let here = trunk.addresses.iter().position(|address| Some(*address) == trunk.address)?;
        let others = trunk.addresses.iter().cycle().skip(here + 1).take(trunk.addresses.len() - 1);
        others.copied().find(|address| self.local_socket(transport, *address).is_some())
    }

    /// Whether the trunk is registered, where it should be.
    pub(crate) fn trunk_is_registered(&self, at: usize) -> bool {
        self.trunks.get(at).is_some_and(|trunk| trunk.registered)
    }
}

/// The address of a URI whose host is one, with the default port of its transport.
pub(crate) fn literal_address(uri: &Uri) -> Option<SocketAddr> {
    let ip = ip_of(uri.host()?)?;
    let transport = uri.transport().unwrap_or(Transport::Udp);
    Some(SocketAddr::new(ip, uri.port().unwrap_or(transport.default_port())))
}

/// The address that a host is, unless it is a name.
pub(crate) fn ip_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(ip) => Some(IpAddr::V4(*ip)),
        Host::V6(ip) => Some(IpAddr::V6(*ip)),
        Host::Name(_) => None,
    }
}
