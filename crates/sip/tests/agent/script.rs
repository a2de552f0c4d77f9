//! One user agent against a peer that is written by hand: messages are texts, not made by the stack under test.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};
use tipring_sip::agent::{Datagram, Output, UaConfig, UserAgent};
use tipring_sip::message::{Transport, Uri};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;
use tipring_sip::transport::{StunMessage, is_stun};

pub const US: &str = "192.0.2.1:5060";
pub const PEER: &str = "198.51.100.9:5060";

pub struct Script {
    pub now: Instant,
    pub ua: UserAgent,
    /// What the user agent sent and the test has not looked at yet: where to, and the text.
    pub sent: VecDeque<(SocketAddr, String)>,
    /// The same of STUN.
    pub stun: VecDeque<(SocketAddr, StunMessage)>,
    /// The way that the last took.
    pub last_way: Option<Path>,
    pub said: Vec<Output>,
}

impl Script {
    pub fn new() -> Self {
        Self::with(UaConfig::default())
    }

    pub fn with(config: UaConfig) -> Self {
        Self {
            now: Instant::from_millis(5000),
            ua: UserAgent::new(config, Rng::new(42)),
            sent: VecDeque::new(),
            stun: VecDeque::new(),
            last_way: None,
            said: Vec::new(),
        }
    }

    /// The peer sends `text`; its line ends are made those of SIP.
    pub fn receive(&mut self, text: &str) {
        self.receive_from(PEER, text);
    }

    pub fn receive_from(&mut self, remote: &str, text: &str) {
        let bytes = text.trim_start().replace("\r\n", "\n").replace('\n', "\r\n");
        self.receive_octets(remote, bytes.as_bytes());
    }

    pub fn receive_octets(&mut self, remote: &str, bytes: &[u8]) {
        let datagram =
            Datagram { transport: Transport::Udp, local: at(US), remote: at(remote), bytes };
        self.ua.handle_datagram(self.now, datagram);
        self.drain();
    }

    pub fn act<T>(&mut self, act: impl FnOnce(&mut UserAgent, Instant) -> T) -> T {
        let result = act(&mut self.ua, self.now);
        self.drain();
        result
    }

    fn drain(&mut self) {
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Transmit { bytes, path } if is_stun(&bytes) => {
                    let message = StunMessage::parse(&bytes).expect("well-formed");
                    self.stun.push_back((path.remote, message));
                }
                Output::Transmit { bytes, path } => {
                    let text = String::from_utf8(bytes).expect("we send text");
                    self.sent.push_back((path.remote, text));
                    self.last_way = Some(path);
                }
                other => self.said.push(other),
            }
        }
    }

    pub fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.ua.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.ua.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    /// Waits up to `ms` milliseconds for the next text, which must begin with `start`.
    pub fn wait_for(&mut self, start: &str, ms: u64) -> String {
        let until = self.now + Duration::from_millis(ms);
        while self.sent.is_empty() && self.now < until {
            self.wait(10);
        }
        self.expect(start)
    }

    /// The next text that was sent.
    pub fn next(&mut self) -> String {
        self.next_to().1
    }

    pub fn next_to(&mut self) -> (SocketAddr, String) {
        self.sent.pop_front().expect("something was sent")
    }

    /// The next text, which must begin with `start`.
    pub fn expect(&mut self, start: &str) -> String {
        let text = self.next();
        assert!(text.starts_with(start), "{start} expected:\n{text}");
        text
    }

    pub fn expect_nothing(&self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
    }

    /// Forgets what was sent up to now.
    pub fn skip(&mut self) {
        self.sent.clear();
    }

    pub fn incoming(&self) -> SessionId {
        let mut all = self.said.iter().filter_map(|output| match output {
            Output::Incoming { session, .. } => Some(*session),
            _ => None,
        });
        all.next_back().expect("a call came in")
    }

    pub fn heard(&self, name: &str) -> bool {
        self.said.iter().any(|output| format!("{output:?}").starts_with(name))
    }

    /// `Ended` in a few words.
    pub fn ended(&self) -> String {
        let mut ends = self.said.iter().filter_map(|output| match output {
            Output::Ended { by, status, .. } => {
                Some(status.map_or(format!("{by:?}"), |status| format!("{by:?} {status}")))
            }
            _ => None,
        });
        ends.next_back().unwrap_or_else(|| "not ended".to_owned())
    }

    /// We call; gives the session and our INVITE.
    pub fn call(&mut self, change: impl FnOnce(&mut Invite)) -> (SessionId, String) {
        let mut invite = invite();
        change(&mut invite);
        let id = self.act(|ua, now| ua.invite(now, invite)).expect("there is room");
        let text = self.expect("INVITE ");
        (id, text)
    }
}

pub fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub fn uri(text: &str) -> Uri {
    text.parse().expect("a URI")
}

pub fn invite() -> Invite {
    Invite {
        target: uri("sip:bob@example.net"),
        path: Path::new(Transport::Udp, at(US), at(PEER)),
        others: Vec::new(),
        impatient: false,
        contact: None,
        from: "<sip:alice@example.org>".parse().expect("an address"),
        to: "<sip:bob@example.net>".parse().expect("an address"),
        route: Vec::new(),
        headers: Vec::new(),
        body: b"v=0 offer".to_vec(),
        call_id: None,
        credentials: None,
        max_forwards: 70,
        tried: Vec::new(),
    }
}

/// The value of a header field of `text`.
pub fn header<'a>(text: &'a str, name: &str) -> &'a str {
    find(text, name).unwrap_or_else(|| panic!("{name} in:\n{text}"))
}

pub fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next().unwrap_or(text);
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The value of `;name=` in a field.
pub fn param<'a>(field: &'a str, name: &str) -> &'a str {
    let at = field.find(&format!(";{name}=")).unwrap_or_else(|| panic!("{name} in {field}"));
    let rest = &field[at + name.len() + 2..];
    rest.split([';', ',', '>']).next().unwrap_or(rest)
}

/// The peer's response to `request`, as the hand of a peer would write it.
pub fn response(request: &str, status: &str, tag: &str, more: &str, body: &str) -> String {
    let to = header(request, "To");
    let tag =
        if tag.is_empty() || to.contains(";tag=") { String::new() } else { format!(";tag={tag}") };
    format!(
        "SIP/2.0 {status}\nv: {}\nf: {}\nt: {to}{tag}\ni: {}\nCSeq: {}\n{more}l: {}\n\n{body}",
        header(request, "Via"),
        header(request, "From"),
        header(request, "Call-ID"),
        header(request, "CSeq"),
        body.len(),
    )
}
