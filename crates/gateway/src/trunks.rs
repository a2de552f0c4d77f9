//! Trunks: where they are, and our registrations there.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{LegTarget, Target};
use tipring_core::{Duration, Instant, LegId, Number};
use tipring_sip::digest::Account;
use tipring_sip::locate::{LookupId, Unlocated};
use tipring_sip::message::{Host, NameAddr, Transport, Uri};
use tipring_sip::registration::{Binding, Registration, RegistrationId, RegistrationState};
use tipring_sip::session::is_within;
use tipring_sip::transaction::Path;
use tipring_sip::transport::FlowId;
use tipring_sip_server::Source;

use crate::config::TrunkConfig;
use crate::gateway::{Gateway, Wake};
use crate::identity::number_of;
use crate::redirected::Redirected;
use crate::sip_place::Pending;

/// A trunk's name is looked up again after this long, so that its calls are known by the addresses of today.
const REFRESH: Duration = Duration::from_secs(300);
/// A name that led nowhere is looked up again after this long.
const RETRY: Duration = Duration::from_secs(10);

/// No Retry-After keeps a trunk out of use for longer: one of its servers may speak for itself alone, and whoever passes
/// responses on may pass on that of somebody else.
const MOST_REST: Duration = Duration::from_secs(60);

/// How long a registration is asked for, in seconds.
const EXPIRES: u32 = 3600;

/// What is known of a trunk now.
#[derive(Debug, Default)]
pub(crate) struct Trunk {
    /// The ways to its servers, best first, as its name gave them the last time that it gave any.
    paths: Vec<Path>,
    registration: Option<RegistrationId>,
    registered: bool,
    /// What its registrar granted, while that holds.
    binding: Option<Binding>,
    /// The realms that its registrar has asked for the password of, once it has.
    realms: Vec<String>,
    /// The connection that it is registered over.
    flow: Option<FlowId>,
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
                self.register_trunk(now, at);
            }
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

    /// The trunk that a request comes from: the one that we are registered with over that connection, else that of the
    /// very address, or the only one of that host. On loopback everybody has the same host, so there the port must be
    /// right too.
    ///
    /// An address is worth what it costs to have it: anybody can send a datagram from it, so who is reached over TCP
    /// does not call by datagrams, and who is reached over TLS proves the name that we would ask for (RFC 5923 §6).
    pub(crate) fn trunk_of(&self, source: &Source) -> Option<usize> {
        if source.flow.is_some()
            && let Some(at) = self.trunks.iter().position(|trunk| trunk.flow == source.flow)
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
            let registrar = trunk.binding.iter().map(|binding| &binding.path);
            trunk.paths.iter().chain(registrar).map(move |path| (at, path))
        })
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
    /// and nobody else.
    pub(crate) fn same_trunk(&self, from: &LegTarget, to: &Redirected) -> Option<Target> {
        let Target::Trunk(name) = &from.target else { return None };
        let domain = &self.config.trunks.get(self.trunk_by_name(name)?)?.uri;
        let next = to.proxy.as_ref().unwrap_or(&to.target);
        let same = number_of(&to.target).as_ref() == Some(&from.number);
        (same && is_within(next, domain)).then(|| from.target.clone())
    }

    /// Where a request to `target` on a trunk goes first.
    pub(crate) fn trunk_next_hop(&self, at: usize, target: &Uri) -> Uri {
        self.trunk_route(at).first().map_or(target, |route| &route.uri).clone()
    }

    /// The ways to a trunk that are known; none before its name was found.
    pub(crate) fn trunk_paths(&self, at: usize) -> &[Path] {
        self.trunks.get(at).map_or(&[], |trunk| &trunk.paths)
    }

    /// What answers the challenges of a trunk to a call. Whoever is called may send one too, in a realm of its own, and
    /// would get to see a hash of the password: where no realms are configured, those that the registrar has asked for
    /// are the only ones.
    pub(crate) fn trunk_account(&self, at: usize) -> Option<Account> {
        let mut account = self.config.trunks.get(at)?.account.clone()?;
        if account.realms.is_empty() {
            account.realms.clone_from(&self.trunks.get(at)?.realms);
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
            let hop = self.trunk_hop(at).clone();
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
        self.trunk_hop(at).host().is_some_and(|host| host.address().is_some())
    }

    /// Where requests to a trunk go first.
    pub(crate) fn trunk_hop(&self, at: usize) -> &Uri {
        let TrunkConfig { uri, proxy, .. } = &self.config.trunks[at];
        let service_route = self.trunks[at].binding.as_ref().and_then(|b| b.service_route.first());
        service_route.map(|route| &route.uri).or(proxy.as_ref()).unwrap_or(uri)
    }

    /// The proxies that a request to a trunk passes: those that its registrar has named, else the configured one.
    pub(crate) fn trunk_route(&self, at: usize) -> Vec<NameAddr> {
        match &self.trunks[at].binding {
            Some(binding) if !binding.service_route.is_empty() => binding.service_route.clone(),
            Some(_) | None => proxy_route(self.config.trunks[at].proxy.as_ref()),
        }
    }

    /// Our Contact in calls on a trunk, where its registrar has given us one (RFC 5627): for a caller who does not want
    /// to be known, one that says nothing.
    pub(crate) fn trunk_contact(&self, at: usize, anonymous: bool) -> Option<Uri> {
        let binding = self.trunks.get(at)?.binding.as_ref()?;
        let gruu = if anonymous { &binding.temp_gruu } else { &binding.pub_gruu };
        gruu.clone()
    }

    fn register_trunk(&mut self, now: Instant, at: usize) {
        let TrunkConfig { uri, proxy, account, instance, keep_alive, .. } =
            self.config.trunks[at].clone();
        let user = account.as_ref().map_or("", |account| account.username.as_str());
        let (mut registrar, mut aor) = (uri.clone(), uri);
        if let Some(sip) = registrar.as_sip_mut() {
            sip.set_user("");
        }
        if let Some(sip) = aor.as_sip_mut() {
            sip.set_user(user);
            // How it is reached is no part of who is registered.
            sip.remove_param("transport");
        }
        let registration = Registration {
            registrar,
            route: proxy_route(proxy.as_ref()),
            contact_user: user.to_owned(),
            aor: NameAddr::new(aor),
            credentials: account,
            expires: EXPIRES,
            instance,
            keep_alive,
        };
        let id = self.agent.register(now, registration);
        self.trunks[at].registration = Some(id);
    }

    pub(crate) fn trunk_registered(
        &mut self,
        now: Instant,
        id: RegistrationId,
        state: RegistrationState,
    ) {
        let Some(at) = self.trunks.iter().position(|trunk| trunk.registration == Some(id)) else {
            return;
        };
        let (trunk, name) = (&mut self.trunks[at], &self.config.trunks[at].name);
        let registered = matches!(state, RegistrationState::Registered(_));
        if trunk.registered != registered {
            trunk.registered = registered;
            match &state {
                RegistrationState::Registered(binding) => {
                    tracing::info!(trunk = name, path = %binding.path, "registered");
                }
                RegistrationState::Failed { status, retry_in } => {
                    tracing::warn!(trunk = name, %status, ?retry_in, "not registered");
                }
                RegistrationState::Unregistered => tracing::info!(trunk = name, "unregistered"),
            }
        }
        trunk.binding = match state {
            RegistrationState::Registered(binding) => {
                if !binding.realms.is_empty() {
                    trunk.realms.clone_from(&binding.realms);
                }
                Some(*binding)
            }
            RegistrationState::Failed { .. } | RegistrationState::Unregistered => None,
        };
        self.keep_trunk_flow(now, at);
    }

    /// The connection that we registered over is where calls come in (RFC 5626): it is kept alive.
    fn keep_trunk_flow(&mut self, now: Instant, at: usize) {
        let Some(binding) = &self.trunks[at].binding else { return };
        if binding.path.transport.is_reliable() {
            let until = now + Duration::from_secs(binding.expires.into());
            // RFC 5626 §4.4: between 80 and 100 % of what the server says.
            let share = u32::try_from(80 + self.rng.below(20)).unwrap_or(80);
            let every = binding.flow_timer.map(|s| Duration::from_secs(s.into()) * share / 100);
            self.trunks[at].flow = self.flows.keep_alive(now, &binding.path, until, every);
        }
    }

    /// A connection is gone: who has registered over it registers anew at once (RFC 5626 §4.5).
    pub(crate) fn trunk_flow_gone(&mut self, now: Instant, flow: FlowId) {
        let Some(trunk) = self.trunks.iter_mut().find(|trunk| trunk.flow == Some(flow)) else {
            return;
        };
        trunk.flow = None;
        if let Some(id) = trunk.registration {
            self.agent.refresh(now, id);
        }
    }

    /// Whether the trunk is registered, where it should be.
    pub(crate) fn trunk_is_registered(&self, at: usize) -> bool {
        self.trunks.get(at).is_some_and(|trunk| trunk.registered)
    }
}

/// A configured proxy as a route: a loose router, as all are since RFC 3261.
fn proxy_route(proxy: Option<&Uri>) -> Vec<NameAddr> {
    let mut proxy = proxy.cloned();
    if let Some(sip) = proxy.as_mut().and_then(Uri::as_sip_mut) {
        sip.set_param("lr", None);
    }
    proxy.into_iter().map(NameAddr::new).collect()
}

/// The address that a host is, unless it is a name.
pub(crate) fn ip_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(ip) => Some(IpAddr::V4(*ip)),
        Host::V6(ip) => Some(IpAddr::V6(*ip)),
        Host::Name(_) => None,
    }
}
