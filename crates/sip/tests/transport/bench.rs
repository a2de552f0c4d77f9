//! A table of connections, and a shell whose peers read what is sent to them unless they are told not to.

use tipring_core::{Duration, Instant};
use tipring_sip::message::{Host, Transport};
use tipring_sip::transaction::Path;
use tipring_sip::transport::{
    CloseReason, Domain, FlowId, FlowInput, FlowLimits, FlowOrder, FlowOutput, Flows,
};

pub const US: &str = "192.0.2.1:5060";
pub const PEER: &str = "198.51.100.9:5060";

pub struct Bench {
    pub now: Instant,
    pub flows: Flows,
    /// Whether peers read.
    pub reads: bool,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(FlowLimits::default())
    }

    pub fn with(limits: FlowLimits) -> Self {
        Self { now: Instant::from_millis(5000), flows: Flows::new(limits), reads: true }
    }

    /// A peer connects over TCP.
    pub fn accept(&mut self, remote: &str) -> Option<FlowId> {
        self.flows.accept(self.now, Transport::Tcp, at(US), at(remote))
    }

    /// A peer connects and is established; `names` are those that its certificate proves.
    pub fn accept_over(&mut self, transport: Transport, remote: &str, names: &[&str]) -> FlowId {
        let flow =
            self.flows.accept(self.now, transport, at(US), at(remote)).expect("there is room");
        let names = names.iter().copied().map(domain).collect();
        self.say(flow, FlowInput::Established(names));
        flow
    }

    pub fn say(&mut self, flow: FlowId, input: FlowInput<'_>) {
        self.flows.handle(self.now, flow, input);
    }

    pub fn bytes(&mut self, flow: FlowId, bytes: &[u8]) {
        self.say(flow, FlowInput::Bytes(bytes));
    }

    pub fn send(&mut self, path: &Path, text: &str) {
        self.flows.send(self.now, path.clone(), text.as_bytes().to_vec());
    }

    /// Sends, and lets the shell connect at once.
    pub fn connect(&mut self, path: &Path) -> FlowId {
        self.send(path, "x");
        let flow = match self.outputs().as_slice() {
            [FlowOutput::Order(FlowOrder::Connect { flow, .. })] => *flow,
            other => panic!("{other:?}"),
        };
        self.say(flow, FlowInput::Established(Vec::new()));
        self.outputs();
        flow
    }

    pub fn outputs(&mut self) -> Vec<FlowOutput> {
        let mut outputs = Vec::new();
        while let Some(output) = self.flows.poll_output() {
            if let FlowOutput::Order(FlowOrder::Send { flow, bytes }) = &output
                && self.reads
            {
                self.flows.handle(self.now, *flow, FlowInput::Sent(bytes.len()));
            }
            outputs.push(output);
        }
        outputs
    }

    /// All that is said in this time.
    pub fn run(&mut self, time: Duration) -> Vec<FlowOutput> {
        let end = self.now + time;
        let mut outputs = self.outputs();
        while let Some(at) = self.flows.poll_timeout().filter(|at| *at <= end) {
            assert!(at >= self.now, "time runs forward");
            self.now = at;
            self.flows.handle_timeout(at);
            outputs.extend(self.outputs());
        }
        self.now = end;
        outputs
    }

    /// Why and when a connection is closed in this time.
    pub fn closed(&mut self, time: Duration) -> Option<(CloseReason, Duration)> {
        let end = self.now + time;
        let start = self.now;
        loop {
            for output in self.outputs() {
                if let FlowOutput::Order(FlowOrder::Close { reason, .. })
                | FlowOutput::Order(FlowOrder::Abort { reason, .. }) = output
                {
                    return Some((reason, self.now - start));
                }
            }
            let at = self.flows.poll_timeout().filter(|at| *at <= end);
            let Some(at) = at else {
                self.now = end;
                return None;
            };
            self.now = at;
            self.flows.handle_timeout(at);
        }
    }
}

pub fn at(text: &str) -> std::net::SocketAddr {
    text.parse().expect("an address")
}

pub fn domain(text: &str) -> Domain {
    Domain::of(&Host::parse(text.as_bytes()).expect("a host"))
}

pub fn tcp(remote: &str) -> Path {
    Path::new(Transport::Tcp, at(US), at(remote))
}

pub fn tls(remote: &str, name: &str) -> Path {
    Path { domain: Some(domain(name)), ..Path::new(Transport::Tls, at(US), at(remote)) }
}

pub const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A request whose Via has these parameters.
pub fn request(via: &str) -> String {
    format!(
        "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TLS peer.example:5071;branch=z9hG4bK1{via}\r\n\
         From: <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
