//! Trunks: where they are, and our registrations there.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{LegTarget, Target};
use tipring_core::{Duration, Instant, LegId, Number};
use tipring_sip::digest::Account;
use tipring_sip::locate::{LookupId, Unlocated};
use tipring_sip::message::{Host, SipUri, Transport, Uri};
use tipring_sip::session::{Redirection, is_within};
use tipring_sip::transaction::Path;
use tipring_sip_server::Source;

use crate::gateway::{Gateway, Wake};
use crate::identity::number_of;
use crate::sip_place::Pending;
use crate::trunk_flows::TrunkFlow;

/// A trunk's name is looked up again after this long, so that its calls are known by the addresses of today.
const REFRESH: Duration = Duration::from_secs(300);
/// A name that led nowhere is looked up again after this long.
const RETRY: Duration = Duration::from_secs(10);

/// A server of a trunk that did not answer is asked this often whether it is back.
const PROBE: Duration = Duration::from_secs(20);

/// No Retry-After keeps a trunk out of use for longer: one of its servers may speak for itself alone, and whoever passes
/// responses on may pass on that of somebody else.
const MOST_REST: Duration = Duration::from_secs(60);

/// What is known of a trunk now.
#[derive(Debug, Default)]
pub(crate) struct Trunk {
    /// The ways to its servers, best first, as its name gave them the last time that it gave any.
    paths: Vec<Path>,
    /// Our registrations there, by the proxies that they go by.
    pub(crate) flows: Vec<TrunkFlow>,
    /// The realms that its registrar has asked for the password of, once it has.
    pub(crate) realms: Vec<String>,
    asking: bool,
    /// It asks to be left alone until then.
    rests: Option<Instant>,
}

/// What a location is for.
#[derive(Debug)]
pub(crate) enum Query {
    Trunk(usize),
    Leg(LegId, Box<Pending>),
}

impl Gateway {
    pub(crate) fn start_trunks(&mut self, now: Instant) {
        for at in 0..self.trunks.len() {
            self.trunk_timeout(now, at);
            if self.config.trunks[at].register {
                self.start_flow(now, at, 0);
            }
        }
    }

    pub(crate) fn stop_trunks(&mut self, now: Instant) {
        for at in 0..self.trunks.len() {
            self.stop_flows(now, at);
        }
    }

    pub(crate) fn trunk_by_name(&self, name: &str) -> Option<usize> {
        self.config.trunks.iter().position(|trunk| trunk.name == name)
    }

    /// The trunk that a request comes from: the one that we are registered with over that connection, else that of the
    /// very address, or the only one of that host. On loopback everybody has the same host, so there the port must be
    /// right too.
    ///
    /// An address is worth what it costs to have it: anybody can send a datagram from it, so who is reached over TCP
    /// does not call by datagrams, and who is reached over TLS proves the name that we would ask for (RFC 5923 §6).
    pub(crate) fn trunk_of(&self, source: &Source) -> Option<usize> {
        if source.flow.is_some()
            && let Some(at) = self.trunk_over(source.flow)
        {
            return Some(at);
        }
        let remote = source.remote;
        let known = || self.known_paths().filter(|(_, path)| self.may_be_from(source, path));
        if let Some((at, _)) = known().find(|(_, path)| path.remote == remote) {
            return Some(at);
        }
        let mut same_host = known().filter(|(_, path)| path.remote.ip() == remote.ip());
        let (at, _) = same_host.next().filter(|_| !remote.ip().is_loopback())?;
        same_host.all(|(other, _)| other == at).then_some(at)
    }

    /// The trunks that are at the host of `remote`, whatever speaks for it.
    pub(crate) fn trunks_near(&self, remote: SocketAddr) -> impl Iterator<Item = usize> {
        let near = move |path: &Path| match remote.ip().is_loopback() {
            true => path.remote == remote,
            false => path.remote.ip() == remote.ip(),
        };
        self.known_paths().filter(move |(_, path)| near(path)).map(|(at, _)| at)
    }

    /// The ways to all trunks, by their names and by their registrations.
    fn known_paths(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.trunks.iter().enumerate().flat_map(|(at, trunk)| {
            let bindings = trunk.flows.iter().filter_map(|flow| flow.binding.as_ref());
            let registrar = bindings.map(|binding| &binding.path);
            trunk.paths.iter().chain(registrar).map(move |path| (at, path))
        })
    }

    /// A server did not answer. Those of trunks are asked now and then whether they are back, so that no call has to.
    pub(crate) fn server_parked(&mut self, now: Instant, path: &Path) {
        let is_it = |known: &Path| (known.transport, known.remote) == (path.transport, path.remote);
        let trunk = self.known_paths().find(|(_, known)| is_it(known)).map(|(at, _)| at);
        if let Some(at) = trunk
            && self.timers.deadline(&Wake::Probe(at)).is_none()
        {
            self.timers.set(Wake::Probe(at), now + PROBE);
        }
    }

    /// Asks the servers of a trunk that are parked, and comes again while any is.
    pub(crate) fn probe_trunk(&mut self, now: Instant, at: usize) {
        let mut known: Vec<Path> = Vec::new();
        for (_, path) in self.known_paths().filter(|(trunk, _)| *trunk == at) {
            let is_it =
                |other: &Path| (other.transport, other.remote) == (path.transport, path.remote);
            if !known.iter().any(is_it) {
                known.push(path.clone());
            }
        }
        let parked = known.iter().filter(|path| self.agent.probe(now, path)).count();
        if parked > 0 {
            self.timers.set(Wake::Probe(at), now + PROBE);
        }
    }

    /// Whether what comes from `source` can be believed to come from where `path` leads.
    fn may_be_from(&self, source: &Source, path: &Path) -> bool {
        let proven = || {
            let domain = path.domain.as_ref();
            source.flow.is_some_and(|flow| self.flows.reaches(flow, domain))
        };
        match (path.transport, source.transport) {
            (Transport::Udp, Transport::Udp | Transport::Tcp | Transport::Tls)
            | (Transport::Tcp, Transport::Tcp | Transport::Tls) => true,
            (Transport::Tls, Transport::Tls) => proven(),
            (Transport::Tcp | Transport::Tls, Transport::Udp)
            | (Transport::Tls, Transport::Tcp)
            // No trunk is a browser.
            | (Transport::Ws | Transport::Wss, _)
            | (_, Transport::Ws | Transport::Wss) => false,
        }
    }

    /// Whether `target` is a trunk that asks for rest (RFC 3261 §21.5.4): calls take another way, where there is one.
    pub(crate) fn rests(&self, now: Instant, target: &Target) -> bool {
        let Target::Trunk(name) = target else { return false };
        let trunk = self.trunk_by_name(name).and_then(|at| self.trunks.get(at));
        trunk.and_then(|trunk| trunk.rests).is_some_and(|until| until > now)
    }

    /// A trunk has said 503 before anything of who was called was heard: Retry-After is for how long it cannot serve
    /// anybody. What others say speaks of who was called (RFC 3261 §20.33).
    pub(crate) fn trunk_asks_for_rest(&mut self, now: Instant, at: usize, seconds: u32) {
        let time = Duration::from_secs(u64::from(seconds)).min(MOST_REST);
        if let Some(trunk) = self.trunks.get_mut(at) {
            trunk.rests = Some(now + time);
            let name = &self.config.trunks[at].name;
            tracing::warn!(trunk = name, seconds = time.as_secs(), "trunk asks for rest");
        }
    }

    /// The trunk that `to` is another server or another proxy of, for the party that was called at `from`: a way to it,
    /// and nobody else. Whoever is called may have written `to`, and what goes there goes with the trunk's account.
    pub(crate) fn same_trunk(&self, from: &LegTarget, to: &Redirection) -> Option<Target> {
        let Target::Trunk(name) = &from.target else { return None };
        let at = self.trunk_by_name(name)?;
        let (hop, domain) = (to.next_hop().as_sip()?, &self.config.trunks.get(at)?.uri);
        // `maddr` leads anywhere, whatever the host says.
        let leads_there = hop.param("maddr").is_none()
            && (is_private(to.next_hop()) || !is_private(domain))
            && (is_within(to.next_hop(), domain) || self.is_known_server(at, hop));
        let same = number_of(&to.target).as_ref() == Some(&from.number);
        (same && leads_there).then(|| from.target.clone())
    }

    /// Whether `uri` is the very address of a server of the trunk.
    fn is_known_server(&self, at: usize, uri: &SipUri) -> bool {
        let port = uri.port.unwrap_or(if uri.secure { 5061 } else { 5060 });
        let address = uri.host.address().map(|ip| SocketAddr::new(ip, port));
        self.known_paths().any(|(trunk, path)| trunk == at && Some(path.remote) == address)
    }

    /// Whether every request to a trunk goes over TLS.
    pub(crate) fn trunk_is_private(&self, at: usize) -> bool {
        let flows = self.config.trunks[at].proxies.len().max(1);
        (0..flows).all(|flow| is_private(self.trunk_hop(at, flow)))
    }

    /// Where a request to `target` on a trunk goes first over a flow.
    pub(crate) fn trunk_next_hop(&self, at: usize, flow: usize, target: &Uri) -> Uri {
        self.trunk_route(at, flow).first().map_or(target, |route| &route.uri).clone()
    }

    /// The ways to a trunk over a flow that are known; none before its name was found.
    pub(crate) fn trunk_paths(&self, at: usize, flow: usize) -> Vec<Path> {
        match self.trunk_binding(at, flow) {
            Some(binding) if flow > 0 => vec![binding.path.clone()],
            Some(_) | None => self.trunks.get(at).map_or_else(Vec::new, |t| t.paths.clone()),
        }
    }

    /// What answers the challenges of a trunk to a call. Whoever is called may send one too, in a realm of its own, and
    /// would get to see a hash of the password: where no realms are configured, those that the registrar has asked for
    /// are the only ones.
    pub(crate) fn trunk_account(&self, at: usize) -> Option<Account> {
        let mut account = self.config.trunks.get(at)?.account.clone()?;
        if account.realms.is_empty() {
            // Each of its servers may have one of its own.
            let trunk = self.trunks.get(at)?;
            let bindings = trunk.flows.iter().filter_map(|flow| flow.binding.as_ref());
            for realm in bindings.flat_map(|binding| &binding.realms).chain(&trunk.realms) {
                if !account.realms.contains(realm) {
                    account.realms.push(realm.clone());
                }
            }
        }
        Some(account)
    }

    /// The request URI of a number at a trunk.
    pub(crate) fn trunk_target(&self, at: usize, number: &Number) -> Uri {
        let mut uri = self.config.trunks[at].uri.clone();
        if let Some(sip) = uri.as_sip_mut() {
            sip.set_user(number);
        }
        uri
    }

    /// Looks the trunk's name up, or again.
    pub(crate) fn trunk_timeout(&mut self, now: Instant, at: usize) {
        if !self.trunks[at].asking {
            self.trunks[at].asking = true;
            let hop = self.trunk_hop(at, 0).clone();
            self.locate(now, &hop, Query::Trunk(at));
        }
    }

    pub(crate) fn located(
        &mut self,
        now: Instant,
        id: LookupId,
        paths: Result<Vec<Path>, Unlocated>,
    ) {
        match self.queries.remove(&id) {
            Some(Query::Trunk(at)) => {
                self.trunks[at].asking = false;
                let wait = if paths.is_ok() { REFRESH } else { RETRY };
                if !self.trunk_is_literal(at) {
                    self.timers.set(Wake::Trunk(at), now + wait);
                }
                match paths {
                    Ok(paths) => self.trunks[at].paths = paths,
                    // The servers that were known stay in use.
                    Err(reason) => {
                        let trunk = &self.config.trunks[at].name;
                        tracing::warn!(trunk, %reason, "trunk not found");
                    }
                }
            }
            Some(Query::Leg(leg, pending)) => self.leg_located(now, leg, *pending, paths),
            None => {}
        }
    }

    fn trunk_is_literal(&self, at: usize) -> bool {
        self.trunk_hop(at, 0).host().is_some_and(|host| host.address().is_some())
    }
}

/// Whether a request to `uri` goes over TLS.
fn is_private(uri: &Uri) -> bool {
    uri.is_secure() || uri.transport().is_some_and(Transport::is_secure)
}

/// The address that a host is, unless it is a name.
pub(crate) fn ip_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(ip) => Some(IpAddr::V4(*ip)),
        Host::V6(ip) => Some(IpAddr::V6(*ip)),
        Host::Name(_) => None,
    }
}
