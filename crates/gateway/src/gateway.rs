//! The value itself: what goes in, what comes out, and how its machines are kept in step.
//!
//! ```text
//!  datagrams ─► UserAgent ─┐                       ┌─► datagrams
//!  card events ─► FxsPort ─┼─► Call (two legs) ────┼─► card commands
//!  media events ───────────┤     ▲ RoutePlan       ├─► media commands, RTP sockets
//!  look-ups, time ─────────┘     └ Registrar       └─► call records
//! ```
//!
//! Every input is one mutation and then [`Gateway::settle`], which carries what the machines say to each other until
//! none has anything more to say. One thread, one order, no race.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;

use tipring_bridge_proto::{Descriptor, LineEvent};
use tipring_call::{Directory, RoutePlan, Target};
use tipring_core::{
    CallId, CardId, Instant, LegId, LineId, PortNumber, Rng, TerminationId, Timers,
};
use tipring_media::control;
use tipring_sip::agent::{Datagram, ReferPolicy, UaConfig, UserAgent};
use tipring_sip::locate::{Answer, LookupId, Question, Reach};
use tipring_sip::message::{Method, Transport, Uri};
use tipring_sip::session::SessionId;
use tipring_sip::transaction::Path;
use tipring_sip::transport::Flows;
use tipring_sip_server::{Registrar, User};

use crate::calls::{Closing, Leg, OpenCall};
use crate::config::{Config, SipConfig};
use crate::lines::Line;
use crate::output::Output;
use crate::rtp_ports::RtpPorts;
use crate::texts::Texts;
use crate::trunks::{Query, Trunk};

/// What a card says to the gateway.
#[derive(Clone, Debug)]
pub enum CardInput {
    /// It answered and is ready; also after a restart.
    Up(Box<Descriptor>),
    /// It is gone.
    Down {
        /// Why, for the log.
        reason: String,
    },
    /// Something happened at one of its ports.
    Event {
        /// Which.
        port: PortNumber,
        /// What.
        event: LineEvent,
    },
}

/// The whole of signalling.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) agent: UserAgent,
    pub(crate) flows: Flows,
    pub(crate) registrar: Registrar,
    pub(crate) texts: Texts,
    pub(crate) routes: RoutePlan,
    pub(crate) cards: Vec<Option<Box<Descriptor>>>,
    pub(crate) lines: Vec<Line>,
    pub(crate) trunks: Vec<Trunk>,
    pub(crate) calls: BTreeMap<CallId, OpenCall>,
    pub(crate) legs: BTreeMap<LegId, Leg>,
    pub(crate) sessions: BTreeMap<SessionId, LegId>,
    pub(crate) sip_call_ids: HashMap<String, LegId>,
    pub(crate) closing: BTreeMap<CallId, Closing>,
    pub(crate) owners: BTreeMap<TerminationId, Owner>,
    pub(crate) queries: BTreeMap<LookupId, Query>,
    pub(crate) ports: RtpPorts,
    pub(crate) timers: Timers<Wake>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) touched_lines: BTreeSet<LineId>,
    pub(crate) touched_calls: BTreeSet<CallId>,
    /// Calls whose record is complete once nothing more is to be sent.
    pub(crate) finished: BTreeSet<CallId>,
    pub(crate) draining: bool,
    pub(crate) unsettled: u64,
    last_call: u64,
    last_termination: u32,
}

/// Whose a termination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Line(LineId),
    Leg(LegId),
}

/// Who wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    Line(LineId),
    Call(CallId),
    Closing(CallId),
    Trunk(usize),
    Probe(usize),
    Silence(TerminationId),
    Parting(LegId),
}

/// Rounds of [`Gateway::settle`]; what is left after so many waits for the next input and is counted.
const MAX_ROUNDS: usize = 10_000;

impl Gateway {
    /// A gateway with no card yet.
    pub fn new(now: Instant, config: Config, mut rng: Rng) -> Self {
        let agent = UserAgent::new(ua_config(&config), rng.fork());
        let mut gateway = Self {
            agent,
            flows: Flows::new(config.sip.flows),
            registrar: registrar(&config, rng.fork()),
            texts: Texts::default(),
            routes: RoutePlan::new(config.rules.clone(), directory(&config)),
            cards: config.cards.iter().map(|_| None).collect(),
            lines: config.lines.iter().map(|line| Line::new(line.fxs.clone())).collect(),
            trunks: config.trunks.iter().map(|_| Trunk::default()).collect(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            sip_call_ids: HashMap::new(),
            closing: BTreeMap::new(),
            owners: BTreeMap::new(),
            queries: BTreeMap::new(),
            ports: RtpPorts::new(config.sip.rtp_ports.clone()),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            touched_lines: BTreeSet::new(),
            touched_calls: BTreeSet::new(),
            finished: BTreeSet::new(),
            draining: false,
            unsettled: 0,
            last_call: 0,
            last_termination: 0,
            rng,
            config,
        };
        gateway.start_trunks(now);
        gateway.settle(now);
        gateway
    }

    /// A SIP datagram, or one message of a stream.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.note_sip(now, datagram.bytes, true);
        self.agent.handle_datagram(now, datagram);
        self.settle(now);
    }

    /// A datagram could not be sent along this path: what waits for an answer there fails now instead of in 32 s.
    pub fn handle_send_error(
        &mut self,
        now: Instant,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        self.agent.handle_send_error(now, &Path::new(transport, local, remote));
        self.settle(now);
    }

    /// Something happened to a card.
    pub fn handle_card(&mut self, now: Instant, card: CardId, input: CardInput) {
        match input {
            CardInput::Up(descriptor) => self.card_up(now, card, descriptor),
            CardInput::Down { reason } => self.card_down(now, card, &reason),
            CardInput::Event { port, event } => self.card_event(now, card, port, event),
        }
        self.settle(now);
    }

    /// The media engine says something.
    pub fn handle_media(&mut self, now: Instant, event: control::Event) {
        self.media_event(now, event);
        self.settle(now);
    }

    /// The answer of the DNS to [`Output::Ask`]. One that comes late is remembered all the same.
    pub fn handle_dns_answer(&mut self, now: Instant, question: &Question, answer: &Answer) {
        self.agent.handle_dns_answer(now, question, answer);
        self.settle(now);
    }

    /// The sockets of [`Output::OpenRtp`] could not be had.
    pub fn handle_rtp_unavailable(&mut self, now: Instant, termination: TerminationId) {
        self.rtp_unavailable(now, termination);
        self.settle(now);
    }

    /// Takes over what can be changed while calls go on: routing rules, groups, numbers and names of lines, timers of
    /// calls. What else differs is logged and waits for a restart.
    pub fn reload(&mut self, config: Config) {
        let waiting = self.waits_for_restart(&config);
        if !waiting.is_empty() {
            tracing::warn!("these changes wait for a restart: {}", waiting.join(", "));
        }
        for line in &mut self.config.lines {
            if let Some(new) = config.lines.iter().find(|new| new.name == line.name) {
                line.number.clone_from(&new.number);
                line.caller_name.clone_from(&new.caller_name);
            }
        }
        self.config.rules = config.rules;
        self.config.groups = config.groups;
        self.config.call = config.call;
        self.routes = RoutePlan::new(self.config.rules.clone(), directory(&self.config));
        tracing::info!(rules = self.config.rules.len(), "configuration reloaded");
    }

    /// What differs from `new` and cannot be taken over, by name.
    fn waits_for_restart(&self, new: &Config) -> Vec<String> {
        let old = &self.config;
        let mut found = Vec::new();
        if old.cards != new.cards {
            found.push("cards".to_owned());
        }
        if old.country != new.country {
            found.push("country".to_owned());
        }
        // Port 0, and where connections are made from, are filled in at the start.
        let (listen, connect_from) = (old.sip.listen.clone(), old.sip.connect_from.clone());
        let as_listened = new.sip.listen.len() == listen.len();
        if !as_listened || (SipConfig { listen, connect_from, ..new.sip.clone() }) != old.sip {
            found.push("sip".to_owned());
        }
        let lines = |config: &Config| -> Vec<_> {
            let lines = config.lines.iter();
            lines
                .map(|line| (line.name.clone(), (line.card, line.port, line.fxs.clone())))
                .collect()
        };
        found.extend(changed("line", &lines(old), &lines(new)));
        let users = |config: &Config| -> Vec<_> {
            config.users.iter().map(|user| (user.name.clone(), user.clone())).collect()
        };
        found.extend(changed("user", &users(old), &users(new)));
        let trunks = |config: &Config| -> Vec<_> {
            config.trunks.iter().map(|trunk| (trunk.name.clone(), trunk.clone())).collect()
        };
        found.extend(changed("trunk", &trunks(old), &trunks(new)));
        found
    }

    /// From now on no new call is taken; those that there are go on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Ends all calls and registrations.
    pub fn shut_down(&mut self, now: Instant) {
        self.draining = true;
        self.end_all_calls(now);
        self.stop_trunks(now);
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(wake) = self.timers.pop_expired(now) {
            match wake {
                Wake::Line(line) => self.line_timeout(now, line),
                Wake::Call(call) => self.call_timeout(now, call),
                Wake::Closing(call) => self.finish_closing(call),
                Wake::Trunk(trunk) => self.trunk_timeout(now, trunk),
                Wake::Probe(trunk) => self.probe_trunk(now, trunk),
                Wake::Parting(leg) => self.parting_timeout(now, leg),
                Wake::Silence(termination) => self.stream_is_dead(now, termination),
            }
        }
        self.flows.handle_timeout(now);
        self.agent.handle_timeout(now);
        self.registrar.handle_timeout(now);
        self.settle(now);
    }

    /// When to call [`Gateway::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let agent = self.agent.poll_timeout();
        let (registrar, flows) = (self.registrar.poll_timeout(), self.flows.poll_timeout());
        [self.timers.next(), agent, registrar, flows].into_iter().flatten().min()
    }

    /// The next thing to do; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The routing plan.
    pub fn routes(&self) -> &RoutePlan {
        &self.routes
    }

    pub(crate) fn settle(&mut self, now: Instant) {
        for _ in 0..MAX_ROUNDS {
            if let Some(output) = self.agent.poll_output() {
                self.sip_output(now, output);
            } else if let Some(output) = self.flows.poll_output() {
                self.flow_output(now, output);
            } else if let Some(line) = self.touched_lines.pop_first() {
                self.drain_line(now, line);
            } else if let Some(call) = self.touched_calls.pop_first() {
                self.drain_call(now, call);
            } else if let Some(call) = self.finished.pop_first() {
                self.finish_closing(call);
            } else if let Some(output) = self.registrar.poll_output() {
                // The registrar has told the log in words.
                tracing::debug!(change = ?output, "registration");
            } else {
                return;
            }
        }
        self.unsettled += 1;
        tracing::error!(rounds = MAX_ROUNDS, "machines do not come to rest");
    }

    pub(crate) fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    pub(crate) fn next_termination(&mut self, owner: Owner) -> TerminationId {
        self.last_termination += 1;
        let termination = TerminationId(self.last_termination);
        self.owners.insert(termination, owner);
        termination
    }

    /// Finds the ways to `uri`; `query` says what for.
    pub(crate) fn locate(&mut self, now: Instant, uri: &Uri, query: Query) {
        let id = self.agent.locate(now, uri);
        self.queries.insert(id, query);
    }

    pub(crate) fn media(&mut self, command: control::Command) {
        self.outputs.push_back(Output::Media(command));
    }

    pub(crate) fn wake(&mut self, wake: Wake, at: Option<Instant>) {
        match at {
            Some(at) => self.timers.set(wake, at),
            None => self.timers.cancel(&wake),
        }
    }
}

/// The names of what was added, removed or changed between two lists.
fn changed<T: PartialEq>(kind: &str, old: &[(String, T)], new: &[(String, T)]) -> Vec<String> {
    let differs = |(name, thing): &&(String, T), other: &[(String, T)]| {
        !other.iter().any(|(other_name, other)| other_name == name && other == thing)
    };
    let gone = old.iter().filter(|one| differs(one, new));
    let come = new.iter().filter(|one| differs(one, old));
    let mut names: Vec<String> =
        gone.chain(come).map(|(name, _)| format!("{kind} {name}")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn ua_config(config: &Config) -> UaConfig {
    UaConfig {
        reach: Reach::new(config.sip.listen.iter().chain(&config.sip.connect_from).copied()),
        advertised: config.sip.advertise.clone(),
        allow: vec![Method::Options, Method::Register, Method::Message],
        refer: ReferPolicy::InDialog,
        replaces: true,
        session_timer: config.sip.session_timer,
        reliability: config.sip.reliability,
        ..UaConfig::default()
    }
}

fn directory(config: &Config) -> Directory {
    let lines = config
        .lines
        .iter()
        .filter_map(|line| Some((line.number.clone()?, Target::Line(line.name.clone()))));
    let users = config.users.iter().filter_map(|user| tipring_core::Number::new(&user.name).ok());
    Directory { lines: lines.collect(), users: users.collect() }
}

fn registrar(config: &Config, rng: Rng) -> Registrar {
    let users = config
        .users
        .iter()
        .map(|user| User { name: user.name.clone(), secret: user.secret.clone() });
    Registrar::new(config.sip.registrar.clone(), &config.sip.domain, users, rng)
}
