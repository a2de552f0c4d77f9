//! Trunks: where they are, and our registrations there.

use std::net::{IpAddr, SocketAddr};

use tipring_core::{Duration, Instant, LegId, Number};
use tipring_sip::digest::Account;
use tipring_sip::locate::{LookupId, Unlocated};
use tipring_sip::message::{Host, NameAddr, Status, Uri};
use tipring_sip::registration::{Registration, RegistrationId, RegistrationState};
use tipring_sip::transaction::Path;

use crate::gateway::{Gateway, Wake};
use crate::sip_place::Pending;

/// A trunk's name is looked up again after this long, so that its calls are known by the addresses of today.
const REFRESH: Duration = Duration::from_secs(300);
/// A name that led nowhere is looked up again after this long.
const RETRY: Duration = Duration::from_secs(10);

/// How long a registration is asked for, in seconds.
const EXPIRES: u32 = 3600;

/// What is known of a trunk now.
#[derive(Debug, Default)]
pub(crate) struct Trunk {
    /// The ways to its servers, best first, as its name gave them the last time that it gave any.
    paths: Vec<Path>,
    registration: Option<RegistrationId>,
    registered: bool,
    asking: bool,
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
            trunks.flat_map(|(at, trunk)| trunk.paths.iter().map(move |path| (at, path.remote)))
        };
        if let Some((at, _)) = known().find(|(_, address)| *address == remote) {
            return Some(at);
        }
        let mut same_host = known().filter(|(_, address)| address.ip() == remote.ip());
        let (at, _) = same_host.next().filter(|_| !remote.ip().is_loopback())?;
        same_host.all(|(other, _)| other == at).then_some(at)
    }

    /// The ways to a trunk that are known; none before its name was found.
    pub(crate) fn trunk_paths(&self, at: usize) -> &[Path] {
        self.trunks.get(at).map_or(&[], |trunk| &trunk.paths)
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

    /// Looks the trunk's name up, or again.
    pub(crate) fn trunk_timeout(&mut self, now: Instant, at: usize) {
        let Some(uri) = self.config.trunks.get(at).map(|trunk| trunk.uri.clone()) else { return };
        if !self.trunks[at].asking {
            self.trunks[at].asking = true;
            self.locate(now, &uri, Query::Trunk(at));
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
                    Ok(paths) => self.trunk_found(now, at, paths),
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
        self.config.trunks[at].uri.host().is_some_and(|host| host.address().is_some())
    }

    fn trunk_found(&mut self, now: Instant, at: usize, paths: Vec<Path>) {
        let Some(path) = paths.first().cloned() else { return };
        let in_use = self.trunks[at].paths.first().cloned();
        // A name service may turn its list round at every look-up: what serves, stays.
        let kept = in_use.clone().filter(|used| paths.contains(used)).unwrap_or(path);
        let mut paths = paths;
        paths.retain(|other| *other != kept);
        paths.insert(0, kept.clone());
        self.trunks[at].paths = paths;
        let Some(config) = self.config.trunks.get(at) else { return };
        if in_use == Some(kept.clone()) || !config.register {
            return;
        }
        let (uri, account) = (config.uri.clone(), config.account.clone());
        if let Some(old) = self.trunks[at].registration.take() {
            self.agent.unregister(now, old);
        }
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
            destination: kept.remote,
            local: kept.local,
            transport: kept.transport,
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
        if silent && let Some(next) = self.next_server(at) {
            tracing::warn!(trunk = self.config.trunks[at].name, address = %next, "no answer: trying its next address");
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

    /// The server after the one in use, where the trunk's name has several.
    fn next_server(&mut self, at: usize) -> Option<SocketAddr> {
        let trunk = self.trunks.get_mut(at).filter(|trunk| trunk.paths.len() > 1)?;
        trunk.paths.rotate_left(1);
        trunk.paths.first().map(|path| path.remote)
    }

    /// Whether the trunk is registered, where it should be.
    pub(crate) fn trunk_is_registered(&self, at: usize) -> bool {
        self.trunks.get(at).is_some_and(|trunk| trunk.registered)
    }
}

/// The address that a host is, unless it is a name.
pub(crate) fn ip_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(ip) => Some(IpAddr::V4(*ip)),
        Host::V6(ip) => Some(IpAddr::V6(*ip)),
        Host::Name(_) => None,
    }
}
