//! What a complete call costs (INVITE, 180, 200, ACK, BYE, 200), signalling alone and without sockets.
//!
//! `caller` and `callee` are the two ends of a call between two user agents in one process; each is charged only for
//! what it does itself: octets in, octets out, its timers. `gateway` is the whole gateway between two peers, as a
//! back-to-back user agent with an offer and an answer on each side: two calls of the above, routing, session
//! descriptions, call record. Its peers are written from text and are not charged.
//!
//! 200 calls come up and end a second; before anything is measured so many have passed that as many transactions end as
//! begin. What other software needs for the same is in `docs/BENCHMARKS.md`.

use std::collections::VecDeque;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use tipring_call::Target;
use tipring_core::{Instant, Rng};
use tipring_gateway::{Gateway, output};
use tipring_sim::Site;
use tipring_sip::agent::{Datagram, Output, UaConfig, UserAgent};
use tipring_sip::message::{Status, Transport};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4))
        .sample_size(20);
    targets = agents, gateway
}
criterion_main!(benches);

/// Between two calls, microseconds.
const GAP_US: u64 = 5_000;
/// Calls after which as many transactions end as begin: the longest lasts 32 s.
const SETTLED: u64 = 6_600;

const OFFER: &[u8] = b"v=0\r\n\
o=- 4711 1 IN IP4 10.0.1.1\r\n\
s=-\r\n\
c=IN IP4 10.0.1.1\r\n\
t=0 0\r\n\
m=audio 30000 RTP/AVP 0 8 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n";

const ANSWER: &[u8] = b"v=0\r\n\
o=- 4712 1 IN IP4 10.0.2.2\r\n\
s=-\r\n\
c=IN IP4 10.0.2.2\r\n\
t=0 0\r\n\
m=audio 30002 RTP/AVP 0 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n";

/// Adds up the time of what it is asked to watch.
#[derive(Default)]
struct Stopwatch(Duration);

impl Stopwatch {
    fn watch<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = WallTime.start();
        let done = work();
        self.0 += WallTime.end(start);
        done
    }
}

fn agents(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip_calls");
    let mut pair = Pair::new();
    for _ in 0..SETTLED {
        pair.call();
    }
    for (name, who) in [("caller", A), ("callee", B)] {
        group.bench_function(name, |bench| {
            bench.iter_custom(|calls| {
                pair.spent[who] = Stopwatch::default();
                for _ in 0..calls {
                    pair.call();
                }
                pair.spent[who].0
            });
        });
    }
    group.finish();
}

fn gateway(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip_calls");
    let mut between = Between::new();
    for _ in 0..SETTLED {
        between.call();
    }
    group.bench_function("gateway", |bench| {
        bench.iter_custom(|calls| {
            between.spent = Stopwatch::default();
            for _ in 0..calls {
                between.call();
            }
            between.spent.0
        });
    });
    group.finish();
}

const A: usize = 0;
const B: usize = 1;

/// Two user agents: A calls B.
struct Pair {
    agents: [UserAgent; 2],
    now: Instant,
    spent: [Stopwatch; 2],
    said: VecDeque<(usize, Output)>,
    ended: u64,
}

impl Pair {
    fn new() -> Self {
        let mut rng = Rng::from_key([1; 32]);
        let agents = [(); 2].map(|()| UserAgent::new(UaConfig::default(), rng.fork()));
        Self {
            agents,
            now: Instant::from_millis(1000),
            spent: Default::default(),
            said: VecDeque::new(),
            ended: 0,
        }
    }

    #[inline(never)]
    fn call(&mut self) {
        self.now = Instant::from_micros(self.now.as_micros() + GAP_US);
        for who in [A, B] {
            if self.agents[who].poll_timeout().is_some_and(|at| at <= self.now) {
                self.act(who, UserAgent::handle_timeout);
            }
        }
        let before = self.ended;
        self.act(A, |agent, now| agent.invite(now, invite()).map(drop).expect("there is room"));
        while let Some((who, output)) = self.said.pop_front() {
            self.say(who, output);
        }
        assert_eq!(self.ended, before + 2, "both ends have ended the call");
    }

    /// Lets `who` do something, and takes what it has to say.
    fn act(&mut self, who: usize, act: impl FnOnce(&mut UserAgent, Instant)) {
        let (agent, now, said) = (&mut self.agents[who], self.now, &mut self.said);
        self.spent[who].watch(|| {
            act(agent, now);
            said.extend(std::iter::from_fn(|| agent.poll_output()).map(|output| (who, output)));
        });
    }

    fn say(&mut self, who: usize, output: Output) {
        match output {
            Output::Transmit { path, bytes } => self.act(1 - who, |agent, now| {
                let Path { transport, local, remote, .. } = path;
                // Each end is where the other one sends to.
                agent.handle_datagram(
                    now,
                    Datagram { transport, local: remote, remote: local, bytes: &bytes },
                );
            }),
            Output::Incoming { session, .. } => {
                self.act(who, |agent, now| ring_and_answer(agent, now, session));
            }
            Output::Confirmed { .. } => {}
            Output::Answered { session, .. } => self.act(who, |agent, now| {
                agent.hang_up(now, session, None).expect("the call is up");
            }),
            Output::Ended { .. } => self.ended += 1,
            Output::Progress { status, .. } => assert_eq!(status, Status::RINGING),
            other => panic!("not part of a plain call: {other:?}"),
        }
    }
}

fn ring_and_answer(agent: &mut UserAgent, now: Instant, session: SessionId) {
    agent.progress(now, session, Status::RINGING, Vec::new()).expect("it rings");
    agent.answer(now, session, ANSWER.to_vec()).expect("it is answered");
}

fn invite() -> Invite {
    let (a, b) = ("192.0.2.1:5060", "192.0.2.2:5060");
    let address = |text: &str| text.parse().expect("an address");
    Invite {
        target: "sip:bob@192.0.2.2".parse().expect("a URI"),
        path: Path::new(Transport::Udp, address(a), address(b)),
        others: Vec::new(),
        impatient: false,
        contact: None,
        from: "Alice <sip:alice@192.0.2.1>".parse().expect("an address"),
        to: "<sip:bob@192.0.2.2>".parse().expect("an address"),
        route: Vec::new(),
        headers: Vec::new(),
        body: OFFER.to_vec(),
        call_id: None,
        credentials: None,
        max_forwards: 70,
        tried: Vec::new(),
    }
}

const CALLER: &str = "10.0.1.1:5060";
const CALLEE: &str = "10.0.2.2:5060";

/// The gateway between two peers, which it knows as trunks.
struct Between {
    gateway: Gateway,
    now: Instant,
    spent: Stopwatch,
    calls: u64,
    /// Calls that the callee was told are over.
    ended: u64,
}

impl Between {
    fn new() -> Self {
        let mut site = Site::new("us", 1)
            .trunk("in", "sip:10.0.1.1", None)
            .trunk("out", "sip:10.0.2.2", None)
            .route("X.", Target::Trunk("out".to_owned()), 0);
        site.config.sip.rtp_ports = 20_000..=60_000;
        let now = Instant::from_millis(1000);
        let gateway = Gateway::new(now, site.config, Rng::from_key([1; 32]));
        Self { gateway, now, spent: Stopwatch::default(), calls: 0, ended: 0 }
    }

    #[inline(never)]
    fn call(&mut self) {
        self.now = Instant::from_micros(self.now.as_micros() + GAP_US);
        let (gateway, now) = (&mut self.gateway, self.now);
        self.spent.watch(|| {
            if gateway.poll_timeout().is_some_and(|at| at <= now) {
                gateway.handle_timeout(now);
            }
        });
        self.carry_out();
        self.calls += 1;
        let text = self.request("INVITE", "sip:15551234567@10.0.0.1", "", OFFER);
        self.send(CALLER, &text);
        assert_eq!(self.ended, self.calls, "the call was made and has ended");
    }

    fn send(&mut self, from: &str, bytes: &[u8]) {
        let datagram = Datagram {
            transport: Transport::Udp,
            local: "10.0.0.1:5060".parse().expect("an address"),
            remote: from.parse().expect("an address"),
            bytes,
        };
        let (gateway, now) = (&mut self.gateway, self.now);
        self.spent.watch(|| gateway.handle_datagram(now, datagram));
        self.carry_out();
    }

    fn carry_out(&mut self) {
        loop {
            let gateway = &mut self.gateway;
            match self.spent.watch(|| gateway.poll_output()) {
                None => return,
                Some(output::Output::Datagram { remote, bytes, .. }) => {
                    let text = String::from_utf8(bytes).expect("text");
                    if remote.to_string() == CALLER {
                        self.caller_hears(&text);
                    } else {
                        self.callee_hears(&text);
                    }
                }
                // Media and its sockets; the record, which waits a while for the figures of the media.
                Some(_) => {}
            }
        }
    }

    fn caller_hears(&mut self, text: &str) {
        if text.starts_with("SIP/2.0 200") && text.contains("INVITE\r\n") {
            let to = field(text, "To");
            let contact = field(text, "Contact").trim_matches(['<', '>']);
            let ack = self.request("ACK", contact, to, b"");
            let bye = self.request("BYE", contact, to, b"");
            self.send(CALLER, &ack);
            self.send(CALLER, &bye);
        }
    }

    fn callee_hears(&mut self, text: &str) {
        if text.starts_with("INVITE") {
            self.send(CALLEE, &response(text, "180 Ringing", b""));
            self.send(CALLEE, &response(text, "200 OK", ANSWER));
        } else if text.starts_with("BYE") {
            self.ended += 1;
            self.send(CALLEE, &response(text, "200 OK", b""));
        }
    }

    /// A request of the caller in its present call.
    fn request(&self, method: &str, uri: &str, to: &str, body: &[u8]) -> Vec<u8> {
        let number = self.calls;
        let to = if to.is_empty() { "<sip:15551234567@10.0.0.1>" } else { to };
        let cseq = if method == "BYE" { 2 } else { 1 };
        let head = format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK-{method}-{number:016x};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Alice\" <sip:+15557654321@10.0.1.1>;tag={number:08x}\r\n\
             To: {to}\r\n\
             Call-ID: {number:016x}NzUxMzYwNDk5YmQ3MjA0ODc3\r\n\
             CSeq: {cseq} {method}\r\n\
             Contact: <sip:alice@10.0.1.1:5060>\r\n\
             Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n\
             User-Agent: Phone/1.0 rv1.2.3\r\n"
        );
        with_body(head, body)
    }
}

/// A response of the callee.
fn response(request: &str, status: &str, body: &[u8]) -> Vec<u8> {
    let vias: Vec<_> = request.lines().filter(|line| line.starts_with("Via:")).collect();
    let to = field(request, "To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=314159" };
    let head = format!(
        "SIP/2.0 {status}\r\n\
         {}\r\n\
         From: {}\r\n\
         To: {to}{tag}\r\n\
         Call-ID: {}\r\n\
         CSeq: {}\r\n\
         Contact: <sip:bob@10.0.2.2:5060>\r\n",
        vias.join("\r\n"),
        field(request, "From"),
        field(request, "Call-ID"),
        field(request, "CSeq"),
    );
    with_body(head, body)
}

fn with_body(mut head: String, body: &[u8]) -> Vec<u8> {
    if !body.is_empty() {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.expect("the field is there")
}
