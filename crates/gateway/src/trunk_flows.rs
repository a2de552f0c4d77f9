//! The flows of a trunk: a registration by way of each of its proxies (RFC 5626 §4.2), so that calls come in and go out
//! while one of them is gone.
//!
//! ```text
//! flow n says            then
//! registered, outbound   all proxies get a flow of their own
//! registered, plain      this one is the only one: those after it are taken back
//! failed                 the next proxy is tried as well
//! connection gone        registers anew at once; calls go out over the next that is there
//! ```

use tipring_core::{Duration, Instant};
use tipring_sip::message::{NameAddr, Uri};
use tipring_sip::registration::{Binding, Registration, RegistrationId, RegistrationState};
use tipring_sip::transaction::Path;
use tipring_sip::transport::FlowId;

use crate::config::TrunkConfig;
use crate::gateway::Gateway;

/// How long a registration is asked for, in seconds.
const EXPIRES: u32 = 3600;

/// What is known of a flow now.
#[derive(Debug, Default)]
pub(crate) struct TrunkFlow {
    registration: Option<RegistrationId>,
    /// What its registrar granted, while that holds.
    pub(crate) binding: Option<Binding>,
    /// The connection that it is registered over.
    connection: Option<FlowId>,
    /// That connection is gone, and there is no other in its place yet.
    lost: bool,
}

impl TrunkFlow {
    fn is_live(&self) -> bool {
        self.binding.is_some() && !self.lost
    }
}

impl Gateway {
    pub(crate) fn stop_flows(&mut self, now: Instant, at: usize) {
        for flow in 0..self.trunks[at].flows.len() {
            if let Some(id) = self.trunks[at].flows[flow].registration.take() {
                self.agent.unregister(now, id);
            }
        }
    }

    /// Registers by way of a trunk's `flow`th proxy, unless that goes on already.
    pub(crate) fn start_flow(&mut self, now: Instant, at: usize, flow: usize) {
        let flows = &mut self.trunks[at].flows;
        if flows.len() <= flow {
            flows.resize_with(flow + 1, TrunkFlow::default);
        }
        if flows[flow].registration.is_some() {
            return;
        }
        let TrunkConfig { uri, proxies, account, instance, keep_alive, .. } =
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
            route: proxy_route(proxies.get(flow)),
            contact_user: user.to_owned(),
            aor: NameAddr::new(aor),
            credentials: account,
            expires: EXPIRES,
            instance,
            reg_id: u32::try_from(flow + 1).unwrap_or(1),
            keep_alive,
        };
        let id = self.agent.register(now, registration);
        self.trunks[at].flows[flow].registration = Some(id);
    }

    pub(crate) fn trunk_registered(
        &mut self,
        now: Instant,
        id: RegistrationId,
        state: RegistrationState,
    ) {
        let found = self.trunks.iter().enumerate().find_map(|(at, trunk)| {
            let is_it = |flow: &TrunkFlow| flow.registration == Some(id);
            Some((at, trunk.flows.iter().position(is_it)?))
        });
        let Some((at, flow)) = found else {
            return;
        };
        self.log_registration(at, flow, &state);
        let trunk = &mut self.trunks[at];
        let known = &mut trunk.flows[flow];
        known.lost = false;
        match state {
            RegistrationState::Registered(binding) => {
                if !binding.realms.is_empty() {
                    trunk.realms.clone_from(&binding.realms);
                }
                let outbound = binding.outbound;
                known.binding = Some(*binding);
                self.keep_connection(now, at, flow);
                self.start_or_stop_others(now, at, flow, outbound);
            }
            RegistrationState::Failed { .. } => {
                known.binding = None;
                if flow + 1 < self.config.trunks[at].proxies.len() {
                    self.start_flow(now, at, flow + 1);
                }
            }
            RegistrationState::Unregistered => {
                *known = TrunkFlow::default();
                // Without outbound its binding was that of the flow which is there instead.
                let live = trunk.flows.iter().find(|flow| flow.is_live());
                if let Some(id) = live.and_then(|flow| flow.registration) {
                    self.agent.refresh(now, id);
                }
            }
        }
        self.note_flows(at);
    }

    /// RFC 5626 §4.2.1: with a registrar that does not know of flows there is one.
    fn start_or_stop_others(&mut self, now: Instant, at: usize, flow: usize, outbound: bool) {
        if outbound {
            for other in 0..self.config.trunks[at].proxies.len() {
                self.start_flow(now, at, other);
            }
            return;
        }
        let later = self.trunks[at].flows.iter().skip(flow + 1);
        let later: Vec<_> = later.filter_map(|flow| flow.registration).collect();
        for id in later {
            self.agent.unregister(now, id);
        }
    }

    fn log_registration(&self, at: usize, flow: usize, state: &RegistrationState) {
        let (known, name) = (&self.trunks[at].flows[flow], &self.config.trunks[at].name);
        let registered = matches!(state, RegistrationState::Registered(_));
        if registered == known.binding.is_some() {
            return;
        }
        match state {
            RegistrationState::Registered(binding) => {
                tracing::info!(trunk = name, path = %binding.path, "registered");
            }
            RegistrationState::Failed { status, retry_in } => {
                tracing::warn!(trunk = name, %status, ?retry_in, "not registered");
            }
            RegistrationState::Unregistered => tracing::info!(trunk = name, "unregistered"),
        }
    }

    /// How long a flow waits before it is tried again depends on the others (RFC 5626 §4.5).
    fn note_flows(&mut self, at: usize) {
        let flows = &self.trunks[at].flows;
        let live = flows.iter().filter(|flow| flow.is_live()).count();
        for flow in flows {
            if let Some(id) = flow.registration {
                self.agent.note_other_flows(id, live > usize::from(flow.is_live()));
            }
        }
    }

    /// The connection that we registered over is where calls come in (RFC 5626): it is kept alive.
    fn keep_connection(&mut self, now: Instant, at: usize, flow: usize) {
        let Some(binding) = &self.trunks[at].flows[flow].binding else { return };
        if binding.path.transport.is_reliable() {
            let until = now + Duration::from_secs(binding.expires.into());
            // RFC 5626 §4.4: between 80 and 100 % of what the server says.
            let share = u32::try_from(80 + self.rng.below(20)).unwrap_or(80);
            let every = binding.flow_timer.map(|s| Duration::from_secs(s.into()) * share / 100);
            let connection = self.flows.keep_alive(now, &binding.path, until, every);
            self.trunks[at].flows[flow].connection = connection;
        }
    }

    /// A connection is gone: who has registered over it registers anew at once (RFC 5626 §4.5).
    pub(crate) fn trunk_flow_gone(&mut self, now: Instant, connection: FlowId) {
        for at in 0..self.trunks.len() {
            let flows = self.trunks[at].flows.iter_mut();
            let mut gone = Vec::new();
            for flow in flows.filter(|flow| flow.connection == Some(connection)) {
                flow.connection = None;
                flow.lost = true;
                gone.extend(flow.registration);
            }
            self.note_flows(at);
            for id in gone {
                self.agent.refresh(now, id);
            }
        }
    }

    /// The trunk that we are registered with over a connection.
    pub(crate) fn trunk_over(&self, connection: Option<FlowId>) -> Option<usize> {
        let is_it = |flow: &TrunkFlow| flow.connection == connection;
        self.trunks.iter().position(|trunk| trunk.flows.iter().any(is_it))
    }

    /// The flow that calls on a trunk go out over now: the first that is there and whose server answers, else the first
    /// that is there.
    pub(crate) fn trunk_flow(&self, now: Instant, at: usize) -> usize {
        let flows = self.trunks.get(at).map_or(&[][..], |trunk| &trunk.flows);
        let live = || flows.iter().enumerate().filter(|(_, flow)| flow.is_live());
        let answers = |flow: &TrunkFlow| {
            flow.binding.as_ref().is_some_and(|b| !self.agent.is_parked(now, &b.path))
        };
        let best = live().find(|(_, flow)| answers(flow)).or_else(|| live().next());
        best.map_or(0, |(at, _)| at)
    }

    /// The flow after `flow` that a call goes over when nothing comes back over that one, and its way.
    pub(crate) fn next_trunk_flow(&self, at: usize, flow: usize) -> Option<(usize, Path)> {
        let flows = self.trunks.get(at)?.flows.iter().enumerate().skip(flow + 1);
        let mut live = flows.filter(|(_, flow)| flow.is_live());
        live.find_map(|(at, flow)| Some((at, flow.binding.as_ref()?.path.clone())))
    }

    /// Where requests to a trunk go first over a flow.
    pub(crate) fn trunk_hop(&self, at: usize, flow: usize) -> &Uri {
        let TrunkConfig { uri, proxies, .. } = &self.config.trunks[at];
        let service_route = self.trunk_binding(at, flow).and_then(|b| b.service_route.first());
        service_route.map(|route| &route.uri).or(proxies.get(flow)).unwrap_or(uri)
    }

    /// The proxies that a request to a trunk passes over a flow: those that its registrar has named, else the configured
    /// one.
    pub(crate) fn trunk_route(&self, at: usize, flow: usize) -> Vec<NameAddr> {
        match self.trunk_binding(at, flow) {
            Some(binding) if !binding.service_route.is_empty() => binding.service_route.clone(),
            Some(_) | None => proxy_route(self.config.trunks[at].proxies.get(flow)),
        }
    }

    /// Our Contact in calls on a trunk, where its registrar has given us one (RFC 5627), by whatever flow: for a caller
    /// who does not want to be known, one that says nothing.
    pub(crate) fn trunk_contact(&self, at: usize, anonymous: bool) -> Option<Uri> {
        let mut bindings = self.trunks.get(at)?.flows.iter().filter_map(|f| f.binding.as_ref());
        bindings.find_map(|b| if anonymous { b.temp_gruu.clone() } else { b.pub_gruu.clone() })
    }

    /// Whether the trunk is registered, where it should be.
    pub(crate) fn trunk_is_registered(&self, at: usize) -> bool {
        let trunk = self.trunks.get(at);
        trunk.is_some_and(|trunk| trunk.flows.iter().any(|flow| flow.binding.is_some()))
    }

    pub(crate) fn trunk_binding(&self, at: usize, flow: usize) -> Option<&Binding> {
        self.trunks.get(at)?.flows.get(flow)?.binding.as_ref()
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
