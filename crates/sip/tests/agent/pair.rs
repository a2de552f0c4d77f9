//! Two user agents, A and B, joined by a pipe on virtual time that loses, doubles and reorders as its seed says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};
use tipring_sip::agent::{Counts, Datagram, Output, UaConfig, UserAgent};
use tipring_sip::message::{Message, Method, Transport, Uri, wire::View};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;

pub const A: usize = 0;
pub const B: usize = 1;

/// An offer and an answer; the stack takes them for octets.
pub const OFFER: &[u8] = b"v=0 offer";
pub const ANSWER: &[u8] = b"v=0 answer";

/// Whether to lose what a sender sends, by its first line.
pub type Cut = Box<dyn FnMut(usize, &str) -> bool>;

pub struct Pair {
    pub now: Instant,
    pub agents: [UserAgent; 2],
    /// What each has said, datagrams aside.
    pub said: [Vec<Output>; 2],
    /// First lines of all datagrams that were sent: time, sender, text, whether it arrived.
    pub ladder: Vec<(Instant, usize, String, bool)>,
    /// Share of datagrams lost and doubled.
    pub loss: f64,
    pub doubled: f64,
    /// Longest delay; datagrams overtake each other within it.
    pub delay: Duration,
    /// Loses a datagram whose sender and first line it says yes to.
    pub cut: Cut,
    /// The INVITEs that arrived, by whom they reached and by branch, and the final responses to each.
    invites: BTreeMap<(usize, String), BTreeSet<u16>>,
    rng: Rng,
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
}

impl Pair {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, UaConfig::default())
    }

    pub fn with(seed: u64, config: UaConfig) -> Self {
        let mut rng = Rng::new(seed);
        let agents = [(); 2].map(|()| UserAgent::new(config.clone(), rng.fork()));
        Self {
            now: Instant::from_millis(1000),
            agents,
            said: [Vec::new(), Vec::new()],
            ladder: Vec::new(),
            loss: 0.0,
            doubled: 0.0,
            delay: Duration::ZERO,
            cut: Box::new(|_, _| false),
            invites: BTreeMap::new(),
            rng,
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    /// A calls B.
    pub fn call(&mut self) -> SessionId {
        self.call_with(OFFER)
    }

    pub fn call_with(&mut self, body: &[u8]) -> SessionId {
        let id = self.agents[A].invite(self.now, invite(body)).expect("there is room");
        self.drain(A);
        id
    }

    /// Lets `who` do something, and takes what it has to say.
    pub fn act<T>(&mut self, who: usize, act: impl FnOnce(&mut UserAgent, Instant) -> T) -> T {
        let result = act(&mut self.agents[who], self.now);
        self.drain(who);
        result
    }

    fn drain(&mut self, who: usize) {
        while let Some(output) = self.agents[who].poll_output() {
            match output {
                Output::Transmit { bytes, path: Path { remote, .. } } => {
                    assert_eq!(remote, address(1 - who), "sent to the other end");
                    self.send(who, bytes);
                }
                other => self.said[who].push(other),
            }
        }
    }

    fn send(&mut self, who: usize, bytes: Vec<u8>) {
        if let Some((branch, Some(code))) = invite_of(&bytes)
            && code >= 200
        {
            self.invites.entry((who, branch)).or_default().insert(code);
        }
        let line = first_line(&bytes);
        let lost = (self.cut)(who, &line) || self.rng.chance(self.loss);
        self.ladder.push((self.now, who, line, !lost));
        if lost {
            return;
        }
        let copies = if self.rng.chance(self.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let most = u64::try_from(self.delay.as_micros()).expect("a short delay");
            let at = self.now + Duration::from_micros(1000 + self.rng.below(most + 1));
            self.sent += 1;
            self.flying.insert((at, self.sent), (1 - who, bytes.clone()));
        }
    }

    /// Does the next thing that is due up to `until`; false when there is none.
    fn step(&mut self, until: Instant) -> bool {
        let timeout = |agent: &UserAgent| agent.poll_timeout();
        let timer = self.agents.iter().filter_map(timeout).min();
        let flight = self.flying.keys().next().map(|(at, _)| *at);
        let Some(next) = timer.into_iter().chain(flight).min().filter(|at| *at <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        if flight.is_some_and(|at| at <= next)
            && let Some((_, (to, bytes))) = self.flying.pop_first()
        {
            if let Some((branch, None)) = invite_of(&bytes) {
                self.invites.entry((to, branch)).or_default();
            }
            let datagram = Datagram {
                transport: Transport::Udp,
                local: address(to),
                remote: address(1 - to),
                bytes: &bytes,
            };
            self.agents[to].handle_datagram(self.now, datagram);
            self.drain(to);
        }
        for who in [A, B] {
            if self.agents[who].poll_timeout().is_some_and(|at| at <= self.now) {
                self.agents[who].handle_timeout(self.now);
                self.drain(who);
            }
        }
        true
    }

    /// Runs for `ms` milliseconds.
    pub fn run(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while self.step(until) {}
    }

    /// Runs for `ms` milliseconds and lets `react` act on what is said as it is said.
    pub fn run_with(&mut self, ms: u64, mut react: impl FnMut(&mut Self, usize, &Output)) {
        let until = self.now + Duration::from_millis(ms);
        let mut seen = [self.said[A].len(), self.said[B].len()];
        while self.step(until) {
            for who in [A, B] {
                while let Some(output) = self.said[who].get(seen[who]).cloned() {
                    seen[who] += 1;
                    react(self, who, &output);
                }
            }
        }
    }

    /// The session that B was called in.
    pub fn incoming(&self) -> SessionId {
        let incoming = self.said[B].iter().find_map(|output| match output {
            Output::Incoming { session, .. } => Some(*session),
            _ => None,
        });
        incoming.expect("B was called")
    }

    /// Brings a call up: A's and B's sessions.
    pub fn connect(&mut self) -> (SessionId, SessionId) {
        let a = self.call();
        self.run(20);
        let b = self.incoming();
        self.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("B rings");
        self.run(20);
        assert!(self.heard(A, "Answered"), "A heard the answer: {:?}", self.said[A]);
        assert!(self.heard(B, "Confirmed"), "B got the ACK: {:?}", self.said[B]);
        (a, b)
    }

    /// Whether `who` said something whose name begins with `name`.
    pub fn heard(&self, who: usize, name: &str) -> bool {
        self.count(who, name) > 0
    }

    pub fn count(&self, who: usize, name: &str) -> usize {
        self.said[who].iter().filter(|output| format!("{output:?}").starts_with(name)).count()
    }

    /// How many datagrams of `who` began with `line`.
    pub fn sent(&self, who: usize, line: &str) -> usize {
        self.ladder
            .iter()
            .filter(|(_, from, text, _)| *from == who && text.starts_with(line))
            .count()
    }

    /// How `who`'s one session ended: by whom and with which status.
    pub fn ended(&self, who: usize) -> String {
        let mut ends = self.said[who].iter().filter_map(|output| match output {
            Output::Ended { by, status, .. } => {
                Some(status.map_or(format!("{by:?}"), |status| format!("{by:?} {status}")))
            }
            _ => None,
        });
        let end = ends.next().unwrap_or_else(|| "not ended".to_owned());
        assert_eq!(ends.next(), None, "a session ends once");
        end
    }

    /// Every INVITE that arrived has one final response.
    pub fn assert_each_invite_ended_once(&self) {
        assert!(!self.invites.is_empty(), "somebody called");
        for ((who, branch), codes) in &self.invites {
            assert_eq!(codes.len(), 1, "INVITE {branch} at {who}: {codes:?}");
        }
    }

    /// Runs past the longest timer and finds nothing left.
    pub fn assert_quiet(&mut self) {
        self.run(40_000);
        for who in [A, B] {
            let left: Vec<_> = self.agents[who].describe().collect();
            assert_eq!(self.agents[who].counts(), Counts::default(), "{left:?}");
        }
    }
}

/// The branch of an INVITE, or of a response to one with its code.
fn invite_of(bytes: &[u8]) -> Option<(String, Option<u16>)> {
    let message = View::parse(bytes).ok()?.to_message().ok()?;
    let branch = message.headers().top_via().ok()?.branch()?.to_owned();
    match message {
        Message::Request(request) => (request.method == Method::Invite).then_some((branch, None)),
        Message::Response(response) => {
            let invite = response.headers.cseq().ok()?.method == Method::Invite;
            invite.then_some((branch, Some(response.status.code())))
        }
    }
}

pub fn address(who: usize) -> SocketAddr {
    ["192.0.2.1:5060", "192.0.2.2:5060"][who].parse().expect("an address")
}

pub fn uri(text: &str) -> Uri {
    text.parse().expect("a URI")
}

/// A's call to B.
pub fn invite(body: &[u8]) -> Invite {
    Invite {
        target: uri("sip:bob@192.0.2.2"),
        path: Path::new(Transport::Udp, address(A), address(B)),
        others: Vec::new(),
        impatient: false,
        contact: None,
        from: "Alice <sip:alice@192.0.2.1>".parse().expect("an address"),
        to: "<sip:bob@192.0.2.2>".parse().expect("an address"),
        route: Vec::new(),
        headers: Vec::new(),
        body: body.to_vec(),
        call_id: None,
        credentials: None,
        max_forwards: 70,
        tried: Vec::new(),
    }
}

pub fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or("").to_owned();
    match View::parse(bytes).map(|view| view.to_message()) {
        // "200 OK" alone does not tell what it answers.
        Ok(Ok(Message::Response(response))) => {
            let method = response.headers.cseq().map(|cseq| cseq.method.to_string());
            let status = line.trim_start_matches("SIP/2.0 ");
            format!("{status} ({})", method.unwrap_or_default())
        }
        _ => line.split(' ').next().unwrap_or("").to_owned(),
    }
}
