//! All connections of a user agent: which message goes over which, who may have one, and when each ends.
//!
//! ```text
//! UserAgent ─ send(path) ─► the connection of path.flow, while it is open
//!                        └► else one to path.remote with path.domain proven at its far end
//!                        └► else one that path.remote asked to be used (RFC 5923), with path.domain proven
//!                        └► else a new one, if there is room; if it cannot be made, a response comes back Unsent
//! shell ─ octets ─► Framer ─► messages ─► UserAgent
//! ```
//!
//! A connection is closed by the rules of [`FlowLimits`]. When there is no room for a new one, the connection gives way
//! that has been of no use for longest; when none can, the new one is refused. One that we need ourselves always finds
//! room: peers may take seven eighths of it, and those that nobody has registered over give way to ours even in use.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use tipring_core::{Duration, Instant, Timers};

use super::flow::{Due, Flow, Sending};
use super::peers::{Network, Peers};
use super::{
    Broken, CloseReason, Domain, FlowCounters, FlowId, FlowInput, FlowLimits, FlowOrder,
    FlowOutput, Frame,
};
use crate::message::wire::{Rejected, View};
use crate::message::{MAX_MESSAGE, Transport};
use crate::transaction::Path;

/// The connections of a user agent.
#[derive(Debug)]
pub struct Flows {
    limits: FlowLimits,
    last_id: u64,
    flows: BTreeMap<FlowId, Flow>,
    by_address: BTreeMap<Address, Vec<FlowId>>,
    aliases: BTreeMap<Address, FlowId>,
    peers: Peers,
    timers: Timers<FlowId>,
    output: VecDeque<FlowOutput>,
    /// Streams that cannot be followed any further, until what they said before has been heard and answered.
    broken: VecDeque<(Instant, FlowId, Broken)>,
    counters: FlowCounters,
}

/// Transport, our address, the peer's.
type Address = (Transport, SocketAddr, SocketAddr);

/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";
/// So many times the connections that a network may have there may be with those that somebody has registered over.
const MOST_KEPT: usize = 4;

impl Flows {
    /// No connections yet.
    pub fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            last_id: 0,
            flows: BTreeMap::new(),
            by_address: BTreeMap::new(),
            aliases: BTreeMap::new(),
            peers: Peers::default(),
            timers: Timers::new(),
            output: VecDeque::new(),
            broken: VecDeque::new(),
            counters: FlowCounters::default(),
        }
    }

    /// A peer has connected to `local`. `None` refuses it: it is to be closed at once.
    ///
    /// TCP is established by this; TLS and WebSocket when [`FlowInput::Established`] says so.
    pub fn accept(
        &mut self,
        now: Instant,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<FlowId> {
        if !self.make_room(now, remote.ip(), false) {
            self.counters.refused += 1;
            return None;
        }
        self.counters.accepted += 1;
        Some(self.insert(Flow::accepted(now, transport, local, remote, &self.limits)))
    }

    /// The shell says something of a connection; what is no more has nothing to say.
    pub fn handle(&mut self, now: Instant, id: FlowId, input: FlowInput<'_>) {
        let Some(flow) = self.flows.get_mut(&id) else {
            return;
        };
        match input {
            FlowInput::Connected => flow.handle_connected(now, &self.limits),
            FlowInput::Established(names) => {
                for bytes in flow.handle_established(now, names, &self.limits) {
                    self.output.push_back(FlowOutput::Order(FlowOrder::Send { flow: id, bytes }));
                }
            }
            FlowInput::Bytes(bytes) => {
                flow.handle_bytes(bytes);
                self.take_frames(now, id);
            }
            FlowInput::Begun => flow.handle_begun(now, &self.limits),
            FlowInput::Message(bytes) => self.take_message(now, id, bytes),
            FlowInput::Pong => flow.handle_alive(now, false),
            FlowInput::Sent(octets) => flow.handle_sent(now, octets),
            // It keeps its place until what it is still answered has been sent.
            FlowInput::Finished if flow.is_open() => self.close(now, id, CloseReason::Ended),
            FlowInput::Finished => {}
            FlowInput::Ended => self.remove(id, CloseReason::Ended),
            FlowInput::Failed => self.remove(id, CloseReason::Failed),
        }
        self.settle(id);
    }

    /// Sends a message over a connection, a new one if need be; [`FlowOutput::Unsendable`] says when that fails.
    pub fn send(&mut self, now: Instant, path: Path, bytes: Vec<u8>) {
        let Some(id) = self.find(&path).or_else(|| self.connect(now, &path)) else {
            self.unsent(&path, vec![bytes]);
            self.output.push_back(FlowOutput::Unsendable { path, in_order: false });
            return;
        };
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.note_use(&path);
        }
        self.send_on(now, id, bytes);
        self.settle(id);
    }

    /// Somebody has registered over a connection: it stays for as long as that lasts.
    pub fn keep(&mut self, id: FlowId, until: Instant) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.keep(until);
        }
        self.settle(id);
    }

    /// We have registered along `path`: its connection stays for as long as that lasts, and is kept alive by pings
    /// (RFC 5626 §4.4.1), which must be answered once any has been: `every` so often, where the registrar has said how
    /// long it keeps a silent connection. Gives the connection.
    pub fn keep_alive(
        &mut self,
        now: Instant,
        path: &Path,
        until: Instant,
        every: Option<Duration>,
    ) -> Option<FlowId> {
        let id = self.find(path)?;
        let every = every.unwrap_or(self.limits.keep_alive + Duration::from_secs(id.0 % 25));
        self.flows.get_mut(&id)?.keep_alive(now, until, every);
        self.settle(id);
        Some(id)
    }

    /// Whether a connection is there and messages can be sent on it.
    pub fn is_open(&self, id: FlowId) -> bool {
        self.flows.get(&id).is_some_and(Flow::is_open)
    }

    /// Whether who is at the far end of a connection is `domain`: over TLS, has proven it. Over other transports nobody
    /// proves anything.
    pub fn reaches(&self, id: FlowId, domain: Option<&Domain>) -> bool {
        self.flows.get(&id).is_some_and(|flow| flow.is_open() && flow.reaches(domain))
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.timers.pop_expired(now) {
            let Some(flow) = self.flows.get_mut(&id) else {
                continue;
            };
            match flow.due(now, &self.limits) {
                Due::Nothing => {}
                Due::Ping if matches!(flow.transport, Transport::Ws | Transport::Wss) => {
                    self.output.push_back(FlowOutput::Order(FlowOrder::Ping { flow: id }));
                }
                Due::Ping => self.send_on(now, id, PING.to_vec()),
                Due::Close(reason) => self.close(now, id, reason),
            }
            self.settle(id);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<FlowOutput> {
        while self.output.is_empty() {
            let (now, id, broken) = self.broken.pop_front()?;
            self.break_off(now, id, broken);
            self.settle(id);
        }
        self.output.pop_front()
    }

    /// How many connections there are, those included that are being made and closed.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// What happened since the start.
    pub fn counters(&self) -> FlowCounters {
        self.counters
    }

    /// Each connection in a line.
    pub fn describe(&self) -> impl Iterator<Item = String> + '_ {
        self.flows.iter().map(|(id, flow)| format!("{id} {flow}"))
    }

    /// The connection that a message along `path` goes over, if there is one.
    fn find(&self, path: &Path) -> Option<FlowId> {
        let usable = |id: &FlowId| self.flows.get(id).filter(|flow| flow.is_usable());
        if let Some(id) = path.flow.filter(|id| usable(id).is_some()) {
            return Some(id);
        }
        let address = (path.transport, path.local, path.remote);
        let alias = self.aliases.get(&address);
        let known = self.by_address.get(&address).into_iter().flatten().chain(alias);
        let domain = path.domain.as_ref();
        known.copied().find(|id| usable(id).is_some_and(|flow| flow.reaches(domain)))
    }

    fn connect(&mut self, now: Instant, path: &Path) -> Option<FlowId> {
        // RFC 7118: the client of WebSocket connects, and we are none.
        let possible = matches!(path.transport, Transport::Tcp | Transport::Tls)
            && path.remote.port() != 0
            && !path.remote.ip().is_unspecified();
        if !possible {
            return None;
        }
        if !self.make_room(now, path.remote.ip(), true) {
            self.counters.refused += 1;
            return None;
        }
        self.counters.connected += 1;
        let id = self.insert(Flow::connecting(now, path, &self.limits));
        self.output.push_back(FlowOutput::Order(FlowOrder::Connect {
            flow: id,
            transport: path.transport,
            local: path.local,
            remote: path.remote,
            domain: path.domain.clone(),
        }));
        Some(id)
    }

    fn insert(&mut self, flow: Flow) -> FlowId {
        self.last_id += 1;
        let id = FlowId(self.last_id);
        let address = (flow.transport, flow.local, flow.remote);
        self.by_address.entry(address).or_default().push(id);
        self.peers.insert(flow.remote.ip(), id, flow.is_ours);
        self.flows.insert(id, flow);
        self.settle(id);
        id
    }

    /// Whether there is room for one more with `peer`, made by giving up an old one if need be.
    fn make_room(&mut self, now: Instant, peer: IpAddr, is_ours: bool) -> bool {
        let fits = Network::of(peer).all(|network| self.make_room_with(now, network, is_ours));
        if !fits {
            return false;
        }
        let FlowLimits { connections, .. } = self.limits;
        if !is_ours && self.peers.accepted() >= connections - connections / 8 {
            return self.displace(now, |_, flow| !flow.is_ours);
        }
        self.flows.len() < connections
            || self.displace(now, |_, _| true)
            || is_ours && self.displace_stranger(now)
    }

    /// Who is registered is no stranger, and whole offices share an address: only others count, up to four times as many.
    fn make_room_with(&mut self, now: Instant, network: Network, is_ours: bool) -> bool {
        let bound = network.bound(self.limits.per_peer);
        let empty = BTreeSet::new();
        let ids = self.peers.with(network, is_ours).unwrap_or(&empty);
        if ids.len() < bound {
            return true;
        }
        let is_kept = |id: &FlowId| self.flows.get(id).is_some_and(|flow| flow.is_kept(now));
        let others: BTreeSet<_> = ids.iter().copied().filter(|id| !is_kept(id)).collect();
        let has_room = others.len() < bound && ids.len() < bound.saturating_mul(MOST_KEPT);
        has_room || self.displace(now, |id, _| others.contains(id))
    }

    /// Gives up the connection, of those that may be, that has been of no use for longest.
    fn displace(&mut self, now: Instant, may_be: impl Fn(&FlowId, &Flow) -> bool) -> bool {
        let candidates = self.flows.iter().filter(|(id, flow)| may_be(id, flow));
        let oldest = candidates
            .filter_map(|(id, flow)| Some((flow.displaceable(now, &self.limits)?, *id)))
            .min();
        self.give_up(now, oldest)
    }

    /// Gives up the connection of a peer, though it is in use.
    fn displace_stranger(&mut self, now: Instant) -> bool {
        let strangers = self.flows.iter();
        let oldest = strangers.filter_map(|(id, flow)| Some((flow.expendable(now)?, *id))).min();
        self.give_up(now, oldest)
    }

    fn give_up(&mut self, now: Instant, oldest: Option<(Option<Instant>, FlowId)>) -> bool {
        let Some((_, id)) = oldest else {
            return false;
        };
        self.close(now, id, CloseReason::Displaced);
        true
    }

    fn take_frames(&mut self, now: Instant, id: FlowId) {
        while let Some(flow) = self.flows.get_mut(&id) {
            match flow.poll_frame(now) {
                Some(Frame::Message(bytes)) => self.receive(id, bytes),
                Some(Frame::LineEnd) => {}
                Some(Frame::Ping) => self.send_on(now, id, PONG.to_vec()),
                Some(Frame::Broken(broken)) => self.broken.push_back((now, id, broken)),
                None => return flow.handle_drained(now, &self.limits),
            }
        }
    }

    fn take_message(&mut self, now: Instant, id: FlowId, bytes: &[u8]) {
        if bytes.len() > MAX_MESSAGE {
            return self.close(now, id, CloseReason::Unframed);
        }
        let is_message = !bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n'));
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.handle_whole();
            flow.handle_alive(now, is_message);
        }
        if is_message {
            self.receive(id, bytes.to_vec());
        } else if bytes == PING {
            self.send_on(now, id, PONG.to_vec());
        }
    }

    fn receive(&mut self, id: FlowId, bytes: Vec<u8>) {
        let Some(flow) = self.flows.get_mut(&id).filter(|flow| flow.is_open()) else {
            return;
        };
        let path = Path { flow: Some(id), ..flow.path() };
        if flow.is_known_client()
            && flow.alias.is_none()
            && let Some(port) = alias_port(&bytes)
        {
            let sent_by = SocketAddr::new(flow.remote.ip(), port);
            flow.alias = Some(sent_by);
            self.aliases.insert((flow.transport, flow.local, sent_by), id);
        }
        self.output.push_back(FlowOutput::Received { path, bytes });
    }

    /// What follows in the stream cannot be told apart. What came before has been answered: the sender hears of it, if anything can be said, and no more
    /// is read.
    fn break_off(&mut self, now: Instant, id: FlowId, broken: Broken) {
        let reason = match broken {
            Broken::Garbage => CloseReason::Garbage,
            Broken::Message(rejected) => {
                self.refuse(now, id, rejected);
                CloseReason::Unframed
            }
        };
        self.close(now, id, reason);
    }

    fn refuse(&mut self, now: Instant, id: FlowId, rejected: Rejected) {
        let Some(flow) = self.flows.get(&id) else {
            return;
        };
        let Some(mut response) = rejected.response else {
            return;
        };
        response.headers.note_received_from(flow.remote);
        self.send_on(now, id, response.to_bytes());
    }

    fn send_on(&mut self, now: Instant, id: FlowId, bytes: Vec<u8>) {
        let Some(flow) = self.flows.get_mut(&id) else {
            return;
        };
        match flow.send(now, bytes, &self.limits) {
            Sending::Now(bytes) => {
                self.output.push_back(FlowOutput::Order(FlowOrder::Send { flow: id, bytes }));
            }
            Sending::Later => {}
            Sending::TooMuch => self.close(now, id, CloseReason::SlowReader),
        }
    }

    /// Ends a connection, at once or when everything is sent.
    fn close(&mut self, now: Instant, id: FlowId, reason: CloseReason) {
        let Some(flow) = self.flows.get_mut(&id) else {
            return;
        };
        if reason.is_at_once() {
            self.output.push_back(FlowOutput::Order(FlowOrder::Abort { flow: id, reason }));
            return self.remove(id, reason);
        }
        let used = flow.close(now, &self.limits);
        self.output.push_back(FlowOutput::Order(FlowOrder::Close { flow: id, reason }));
        self.count(reason, false);
        self.tell(id, used, true, reason);
        self.settle(id);
    }

    /// Forgets a connection, and tells whoever waits for something to come over it.
    fn remove(&mut self, id: FlowId, reason: CloseReason) {
        let Some(mut flow) = self.flows.remove(&id) else {
            return;
        };
        self.timers.cancel(&id);
        let address = (flow.transport, flow.local, flow.remote);
        if let Some(ids) = self.by_address.get_mut(&address) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_address.remove(&address);
            }
        }
        if let Some(sent_by) = flow.alias {
            let alias = (flow.transport, flow.local, sent_by);
            if self.aliases.get(&alias) == Some(&id) {
                self.aliases.remove(&alias);
            }
        }
        self.peers.remove(flow.remote.ip(), id, flow.is_ours);
        // When it was closing, all that has been said.
        if flow.is_usable() {
            self.count(reason, flow.is_ours && !flow.is_open());
            let was_open = flow.is_open();
            self.unsent(&flow.path(), flow.take_waiting());
            self.tell(id, flow.used, was_open, reason);
        }
    }

    /// Gives back the responses among messages that no connection was made for.
    fn unsent(&mut self, path: &Path, messages: Vec<Vec<u8>>) {
        for bytes in messages.into_iter().filter(|bytes| bytes.starts_with(b"SIP/")) {
            self.output.push_back(FlowOutput::Unsent { path: path.clone(), bytes });
        }
    }

    fn tell(&mut self, id: FlowId, used: Vec<Path>, was_open: bool, reason: CloseReason) {
        let in_order = was_open && reason.is_in_order();
        for path in used {
            self.output.push_back(FlowOutput::Unsendable { path, in_order });
        }
        // Last, so that what is sent anew because of it is not taken for what was on its way.
        if was_open {
            self.output.push_back(FlowOutput::Gone { flow: id });
        }
    }

    fn count(&mut self, reason: CloseReason, in_vain: bool) {
        let counters = &mut self.counters;
        if in_vain {
            counters.failed += 1;
        }
        match reason {
            CloseReason::HandshakeTimeout if in_vain => {}
            CloseReason::HandshakeTimeout | CloseReason::SlowSender | CloseReason::Silent => {
                counters.slow_senders += 1;
            }
            CloseReason::Garbage | CloseReason::Unframed => counters.garbage += 1,
            CloseReason::SlowReader => counters.slow_readers += 1,
            CloseReason::NoPong => counters.no_pong += 1,
            CloseReason::Displaced => counters.displaced += 1,
            CloseReason::Ended
            | CloseReason::Failed
            | CloseReason::ConnectTimeout
            | CloseReason::Idle
            | CloseReason::Unclosed => {}
        }
    }

    fn settle(&mut self, id: FlowId) {
        match self.flows.get(&id) {
            Some(flow) => self.timers.set(id, flow.deadline(&self.limits)),
            None => self.timers.cancel(&id),
        }
    }
}

/// The port that the sender of a request wants requests to be sent to and to come over this connection instead
/// (RFC 5923 §5): its Via has `alias`.
fn alias_port(bytes: &[u8]) -> Option<u16> {
    if bytes.starts_with(b"SIP/") {
        return None;
    }
    let via = View::parse(bytes).ok()?.top_via()?.ok()?;
    let has_alias = via.params.split(|octet| *octet == b';').any(|param| {
        let param = param.trim_ascii();
        param.eq_ignore_ascii_case(b"alias")
    });
    has_alias.then(|| via.port.unwrap_or(Transport::Tls.default_port()))
}
