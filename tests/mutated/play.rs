//! The gateway between two trunks, a user, two telephones and strangers, on virtual time.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use tipring_bridge_proto::{
    Abilities, Descriptor, Law, LineCommand, LineEvent, MAX_PORTS, Port, PortKind,
};
use tipring_call::Target;
use tipring_core::{CardId, Duration, Instant, PortNumber, Rng, TerminationId};
use tipring_gateway::config::Transport;
use tipring_gateway::{Audit, CardInput, Datagram, FlowId, FlowInput, FlowOrder, Gateway, Output};
use tipring_media::control::{Command, Event};
use tipring_sim::Site;
use tipring_sip::locate::Answer;

/// Where the gateway listens, and where trunks, a user and a stranger are.
pub const OURS: &str = "10.0.0.1:5060";
pub const PEERS: [&str; 4] =
    ["10.0.1.1:5060", "10.0.2.2:5060", "10.0.3.3:5060", "198.51.100.7:5060"];

/// Messages of the gateway's that nobody has looked at; the oldest are forgotten.
const HEARD: usize = 64;

pub struct Play {
    pub gateway: Gateway,
    pub now: Instant,
    pub chance: Rng,
    /// What the gateway said, and to whom.
    pub heard: VecDeque<(SocketAddr, String)>,
    /// A connection that a stranger has made.
    flow: Option<FlowId>,
    pub messages: u64,
    /// Calls that are over.
    pub calls: u64,
    /// The audio streams with SIP peers.
    streams: BTreeSet<TerminationId>,
}

impl Play {
    pub fn new(seed: u64) -> Self {
        let mut site = Site::new("us", seed)
            .card(&[("kitchen", "101"), ("hall", "102")])
            .user("2001", "secret")
            .trunk("in", "sip:10.0.1.1", None)
            .trunk("out", "sip:10.0.2.2", Some(("gateway", "secret")))
            .route("9X.", Target::Trunk("out".to_owned()), 1);
        site.config.sip.listen.push((Transport::Tcp, address(OURS)));
        let now = Instant::from_millis(1000);
        let gateway = Gateway::new(now, site.config, Rng::new(seed));
        let (chance, heard) = (Rng::new(!seed), VecDeque::with_capacity(HEARD));
        let streams = BTreeSet::new();
        let mut play =
            Self { gateway, now, chance, heard, flow: None, messages: 0, calls: 0, streams };
        play.gateway.handle_card(now, CardId(0), CardInput::Up(Box::new(card())));
        play.obey();
        play
    }

    /// A message arrives, and everything happens that follows at once.
    pub fn give(&mut self, remote: SocketAddr, bytes: &[u8]) {
        self.messages += 1;
        if self.chance.chance(0.1) {
            self.stream(bytes);
        } else {
            let (transport, local) = (Transport::Udp, address(OURS));
            self.gateway.handle_datagram(self.now, Datagram { transport, local, remote, bytes });
        }
        self.obey();
    }

    /// The same in a stream, in pieces.
    fn stream(&mut self, bytes: &[u8]) {
        let now = self.now;
        let flow = self.flow.take().or_else(|| {
            let remote = SocketAddr::from(([198, 51, 100, 7], 40_000));
            let flow = self.gateway.accept(now, Transport::Tcp, address(OURS), remote)?;
            self.gateway.handle_flow(now, flow, FlowInput::Established(Vec::new()));
            Some(flow)
        });
        let Some(flow) = flow else { return };
        self.flow = Some(flow);
        let cut = super::damage::below(&mut self.chance, bytes.len());
        for piece in [&bytes[..cut], &bytes[cut..]] {
            self.gateway.handle_flow(now, flow, FlowInput::Bytes(piece));
        }
        if self.chance.chance(0.1) && self.flow.is_some() {
            self.gateway.handle_flow(now, flow, FlowInput::Ended);
            self.flow = None;
        }
    }

    /// A telephone does something.
    pub fn person(&mut self, event: LineEvent) {
        let port = PortNumber(1 + u8::from(self.chance.chance(0.5)));
        self.gateway.handle_card(self.now, CardId(0), CardInput::Event { port, event });
        self.obey();
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.gateway.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.gateway.handle_timeout(self.now);
            self.obey();
        }
        self.now = end;
    }

    /// Nobody says a word any more, until everything is over that ends by itself.
    pub fn settle(&mut self) -> Audit {
        for _ in 0..2 {
            for port in [1, 2].map(PortNumber) {
                let event = LineEvent::Hook { off: false };
                self.gateway.handle_card(self.now, CardId(0), CardInput::Event { port, event });
            }
            self.obey();
            // Where a damaged field has left no session timer, it is silence that ends a call.
            for termination in self.streams.clone() {
                let silent = Event::RtpSilent { termination, ms: 300_000 };
                self.gateway.handle_media(self.now, silent);
            }
            self.obey();
            self.wait(Duration::from_secs(4000));
        }
        self.heard.clear();
        self.gateway.audit()
    }

    fn obey(&mut self) {
        let now = self.now;
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Datagram { remote, bytes, .. } => self.hear(remote, bytes),
                Output::Flow(order) => self.connection(order),
                Output::Ask(question) => {
                    let nothing = Answer::NoName { ttl: None };
                    self.gateway.handle_dns_answer(now, &question, &nothing);
                }
                // Half of those who ring are answered at once.
                Output::Card { card, port, command: LineCommand::Ring(_) }
                    if self.chance.chance(0.5) =>
                {
                    let event = LineEvent::RingTrip;
                    self.gateway.handle_card(now, card, CardInput::Event { port, event });
                }
                Output::Media(Command::Remove { termination }) => {
                    self.gateway.handle_media(now, Event::Removed { termination, stats: None });
                }
                Output::Media(Command::PlaySamples { termination, .. }) => {
                    self.gateway.handle_media(now, Event::BurstDone { termination });
                }
                Output::Ended(_) => self.calls += 1,
                Output::OpenRtp { termination, .. } => {
                    self.streams.insert(termination);
                }
                Output::CloseRtp { termination } => {
                    self.streams.remove(&termination);
                }
                Output::Card { .. } | Output::Media(_) | Output::RtpPeer { .. } => {}
            }
        }
    }

    /// Whom the gateway connects to is not there.
    fn connection(&mut self, order: FlowOrder) {
        let now = self.now;
        match order {
            FlowOrder::Connect { flow, .. } => {
                self.gateway.handle_flow(now, flow, FlowInput::Failed);
            }
            FlowOrder::Send { flow, bytes } => {
                self.gateway.handle_flow(now, flow, FlowInput::Sent(bytes.len()));
                self.hear(address(PEERS[3]), bytes);
            }
            FlowOrder::Close { flow, .. } => {
                self.flow.take_if(|ours| *ours == flow);
                self.gateway.handle_flow(now, flow, FlowInput::Ended);
            }
            FlowOrder::Abort { flow, .. } => drop(self.flow.take_if(|ours| *ours == flow)),
            FlowOrder::Ping { .. } => {}
        }
    }

    fn hear(&mut self, remote: SocketAddr, bytes: Vec<u8>) {
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back((remote, String::from_utf8_lossy(&bytes).into_owned()));
    }
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A card with two telephones.
fn card() -> Descriptor {
    let mut ports = [Port::NONE; MAX_PORTS];
    for (port, first_channel) in ports.iter_mut().zip(0..2) {
        let abilities = Abilities::FLASH.with(Abilities::OPEN_LOOP);
        *port = Port { kind: PortKind::Fxs, law: Law::Mu, first_channel, channels: 1, abilities };
    }
    Descriptor {
        major: 1,
        minor: 0,
        session: 1,
        boot: 1,
        began: 0,
        serial: *b"CARD000000000001",
        build: [0; 24],
        channels: 2,
        port_count: 2,
        ports,
    }
}
