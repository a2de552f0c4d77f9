//! Connections between the gateway and agents on virtual time: octets in order, cut anywhere.
//!
//! ```text
//!  gateway ─ FlowOrder ─► pipe ─ octets, in pieces ─► Text::take ─► agent
//!          ◄─ FlowInput ─      ◄─ pieces of a text ──────────────
//! ```
//!
//! TLS is who proves to be whom: nothing is encrypted. Nothing is lost, but a pipe may be cut.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};
use tipring_gateway::config::Transport;
use tipring_gateway::{Domain, FlowId, FlowOrder};

/// One way.
const DELAY: Duration = Duration::from_millis(1);

/// What arrives at the gateway.
#[derive(Clone, Debug)]
pub(crate) enum ToGateway {
    /// The connection that it asked for is there; who has proven to be at the far end.
    Established(Vec<Domain>),
    /// Octets, or over WebSocket a message.
    Bytes(Vec<u8>),
    /// The answer to a ping of WebSocket.
    Pong,
    /// So many octets have been read.
    Read(usize),
    /// The agent has closed it.
    Ended,
    /// It was refused or reset.
    Failed,
}

#[derive(Debug)]
enum Flight {
    ToGateway(ToGateway),
    ToAgent(Vec<u8>),
}

/// What has arrived.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// At the gateway.
    Gateway(FlowId, ToGateway),
    /// A whole message at the agent of this name, and where it came from.
    Agent(String, Vec<u8>),
}

#[derive(Debug)]
struct Pipe {
    agent: String,
    transport: Transport,
    /// What an agent has received of a message.
    received: Vec<u8>,
    /// When the last piece arrives at either end; nothing overtakes it.
    last: Instant,
}

/// All connections.
pub(crate) struct Streams {
    rng: Rng,
    pipes: BTreeMap<FlowId, Pipe>,
    flying: BTreeMap<(Instant, u64), (FlowId, Flight)>,
    count: u64,
}

impl Streams {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, pipes: BTreeMap::new(), flying: BTreeMap::new(), count: 0 }
    }

    /// A connection with an agent: `proven` when the gateway asked for it and hears whether it has it.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        flow: FlowId,
        transport: Transport,
        agent: &str,
        proven: Option<Vec<Domain>>,
    ) {
        let agent = agent.to_owned();
        self.pipes.insert(flow, Pipe { agent, transport, received: Vec::new(), last: now });
        if let Some(names) = proven {
            self.fly(now, flow, Flight::ToGateway(ToGateway::Established(names)));
        }
    }

    /// Nobody takes the connection that the gateway asked for.
    pub(crate) fn refuse(&mut self, now: Instant, flow: FlowId) {
        self.fly(now, flow, Flight::ToGateway(ToGateway::Failed));
    }

    /// A new address for an agent that connects.
    pub(crate) fn address(&mut self, agent: SocketAddr) -> SocketAddr {
        self.count += 1;
        SocketAddr::new(agent.ip(), 40_000 + u16::try_from(self.count % 20_000).expect("below"))
    }

    /// The connection that an agent has.
    pub(crate) fn of(&self, agent: &str) -> Option<FlowId> {
        self.pipes.iter().find(|(_, pipe)| pipe.agent == agent).map(|(flow, _)| *flow)
    }

    pub(crate) fn is_web_socket(&self, flow: FlowId) -> bool {
        let is = |pipe: &Pipe| matches!(pipe.transport, Transport::Ws | Transport::Wss);
        self.pipes.get(&flow).is_some_and(is)
    }

    /// An agent sends a message.
    pub(crate) fn send(&mut self, now: Instant, flow: FlowId, bytes: Vec<u8>) {
        for piece in self.pieces(flow, bytes) {
            self.fly(now, flow, Flight::ToGateway(ToGateway::Bytes(piece)));
        }
    }

    /// Does what the gateway wants; connecting is the world's.
    pub(crate) fn obey(&mut self, now: Instant, order: FlowOrder) {
        match order {
            FlowOrder::Connect { .. } => {}
            FlowOrder::Ping { flow } => self.fly(now, flow, Flight::ToGateway(ToGateway::Pong)),
            FlowOrder::Send { flow, bytes } => {
                for piece in self.pieces(flow, bytes) {
                    let length = piece.len();
                    self.fly(now, flow, Flight::ToAgent(piece));
                    self.fly(now, flow, Flight::ToGateway(ToGateway::Read(length)));
                }
            }
            FlowOrder::Close { flow, .. } => {
                self.fly(now, flow, Flight::ToGateway(ToGateway::Ended));
            }
            FlowOrder::Abort { flow, .. } => self.forget(flow),
        }
    }

    /// The connections of an agent break; the gateway hears of it.
    pub(crate) fn cut(&mut self, now: Instant, agent: &str, in_order: bool) {
        while let Some(flow) = self.of(agent) {
            self.forget(flow);
            let last = if in_order { ToGateway::Ended } else { ToGateway::Failed };
            self.fly(now, flow, Flight::ToGateway(last));
        }
    }

    fn forget(&mut self, flow: FlowId) {
        self.pipes.remove(&flow);
        self.flying.retain(|_, (other, _)| *other != flow);
    }

    /// The next that has arrived.
    pub(crate) fn arrive(&mut self, now: Instant) -> Option<Arrival> {
        loop {
            let entry = self.flying.first_entry()?;
            if entry.key().0 > now {
                return None;
            }
            let (flow, flight) = entry.remove();
            match flight {
                Flight::ToGateway(what) => {
                    if matches!(what, ToGateway::Ended | ToGateway::Failed) {
                        self.forget(flow);
                    }
                    return Some(Arrival::Gateway(flow, what));
                }
                Flight::ToAgent(piece) => {
                    if let Some(arrival) = self.assemble(flow, &piece) {
                        return Some(arrival);
                    }
                }
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// What a piece completes. A piece never ends one message and begins another.
    fn assemble(&mut self, flow: FlowId, piece: &[u8]) -> Option<Arrival> {
        let pipe = self.pipes.get_mut(&flow)?;
        pipe.received.extend_from_slice(piece);
        if pipe.received.iter().all(u8::is_ascii_whitespace) {
            pipe.received.clear();
            return None;
        }
        let end = end_of_message(&pipe.received)?;
        let message = pipe.received.drain(..end).collect();
        Some(Arrival::Agent(pipe.agent.clone(), message))
    }

    fn pieces(&mut self, flow: FlowId, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        if self.is_web_socket(flow) {
            return vec![bytes];
        }
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let length = 1 + usize::try_from(self.rng.below(600)).expect("small");
            let (piece, after) = rest.split_at(length.min(rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces
    }

    fn fly(&mut self, now: Instant, flow: FlowId, flight: Flight) {
        let jitter = Duration::from_micros(self.rng.below(2000));
        let mut at = now + DELAY + jitter;
        if let Some(pipe) = self.pipes.get_mut(&flow) {
            at = at.max(pipe.last);
            pipe.last = at;
        }
        self.count += 1;
        self.flying.insert((at, self.count), (flow, flight));
    }
}

/// Where the message at the front of `bytes` ends, by its Content-Length.
fn end_of_message(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (header, _) = text.split_once("\r\n\r\n")?;
    let length = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = ["content-length", "l"].contains(&name.trim().to_lowercase().as_str());
        is_length.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let end = header.len() + 4 + length.unwrap_or(0);
    (bytes.len() >= end).then_some(end)
}
