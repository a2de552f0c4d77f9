//! A simulated SIP phone, written from text templates.
//!
//! It shares nothing with `tipring-sip`: a stack that only talks to itself agrees with its own
//! mistakes.
//!
//! ```text
//! datagrams in ─► Agent ─► datagrams out
//!                   ├ caller, called: one call at a time
//!                   ├ errands: REGISTER, OPTIONS; and, as a provider, a registrar
//!                   ├ or another box than a phone: a proxy, a router with a SIP gateway
//!                   ├ log of statuses and methods seen, and everything received
//!                   └ AgentMedia: says and hears G.711 over RTP
//! ```

mod alg;
mod called;
mod caller;
pub mod digest;
mod media;
mod provider;
mod proxy;
mod replaces;
mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use tipring_core::{Duration, Instant, Rng};
use tipring_gateway::config::Transport;

use crate::net::Parcel;
pub use alg::Alg;
pub use media::AgentMedia;
pub use provider::{Account, Provider};
pub use proxy::Proxy;
pub use text::{Text, sdp_address};

/// What an agent does with an INVITE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answering {
    /// 180 after `ring`, 200 after `answer`, both counted from the INVITE.
    After {
        /// Delay of the 180.
        ring: Duration,
        /// Delay of the 200.
        answer: Duration,
    },
    /// 180 at once, never a final response.
    RingForever,
    /// 183 with a session description at once, then 200 after the time.
    EarlyMedia {
        /// Delay of the 200.
        answer: Duration,
    },
    /// This provisional response with a session description, reliably (RFC 3262), and 200 so long
    /// after its PRACK has come.
    Reliable {
        /// 180 or 183.
        status: u16,
        /// Delay of the 200.
        answer: Duration,
    },
    /// A final response at once: `486 Busy Here`.
    Refuse(u16, &'static str),
    /// 302 with this Contact.
    Redirect(String),
    /// 301 with this Contact.
    Moved(String),
    /// Any other redirection with this Contact.
    Elsewhere(u16, String),
    /// Nothing at all, not even 100.
    Silent,
    /// What the test recites; there is no call for the agent itself.
    Recited,
}

/// Where the agent's one call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No call.
    Idle,
    /// It has called and waits.
    Calling,
    /// It is called and has not answered.
    Ringing,
    /// Both sides are connected.
    Talking,
}

/// A message that is sent again until something stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Repeated {
    /// A request, by its branch; any response that RFC 3261 §17.1 takes for one stops it.
    Request(String),
    /// A reliable provisional response to the INVITE of this Call-ID; PRACK stops it.
    Provisional(String),
    /// A final response to the INVITE of this Call-ID; ACK stops it.
    Final(String),
}

#[derive(Debug)]
struct Repeat {
    what: Repeated,
    text: String,
    to: SocketAddr,
    next: Instant,
    interval: Duration,
    until: Instant,
}

#[derive(Debug)]
struct Scheduled {
    at: Instant,
    status: u16,
    with_body: bool,
}

/// One SIP dialog as the agent sees it, or the Call-ID of errands outside of dialogs.
#[derive(Clone, Debug, Default)]
struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    /// The route set, in the order that requests name it.
    routes: Vec<String>,
    cseq: u32,
    /// The last request sent: method, extra headers, body.
    sent: (String, String, String),
    /// The branch of the last INVITE sent.
    invite_branch: String,
    tries: u8,
}

/// A simulated SIP phone or peer.
#[derive(Debug)]
pub struct Agent {
    name: String,
    sip: SocketAddr,
    rtp: SocketAddr,
    gateway: SocketAddr,
    rng: Rng,
    /// What it does when called.
    pub answering: Answering,
    /// How its SIP messages travel; over UDP unless it is told otherwise.
    pub transport: Transport,
    /// Over TLS, who it proves to be.
    pub proves: Vec<String>,
    /// The address that its Contacts and descriptions name instead of its own: it is behind a NAT.
    pub private: Option<IpAddr>,
    /// The place that it registers, where somebody else answers for its user.
    pub registers: Option<SocketAddr>,
    /// Where its requests go instead of to the gateway: its outbound proxy.
    pub outbound: Option<SocketAddr>,
    /// It is no phone but a proxy.
    pub proxy: Option<Proxy>,
    /// It is no phone but a router that rewrites the SIP messages that pass.
    pub alg: Option<Alg>,
    /// It calls without an offer and answers ours in the ACK.
    pub late_offer: bool,
    /// The domain of its own address; the gateway's when there is none.
    pub domain: Option<String>,
    /// The status that it refuses a MESSAGE with.
    pub refuses_texts: Option<u16>,
    /// The status that it refuses an INFO in a call with.
    pub refuses_infos: Option<u16>,
    /// How many ACKs to a 2xx it forgets to send.
    pub forget_acks: u32,
    /// What it sends beside its descriptions, as parts of one body: their fields, an empty line, their content.
    pub beside: Vec<String>,
    /// The payload types that its descriptions offer, in order.
    pub codecs: Vec<u8>,
    /// Its password for 401 and 407, if any.
    pub password: Option<String>,
    /// What it asks of others when it plays a provider.
    pub provider: Provider,
    /// It hears nothing and says nothing.
    pub switched_off: bool,
    /// Its audio.
    pub media: AgentMedia,
    phase: Phase,
    cancelled: bool,
    /// It is in a call that it recites.
    joined: bool,
    /// It will send BYE when the ACK has come.
    leaving: bool,
    dialog: Dialog,
    errand: Dialog,
    invite: Option<Text>,
    /// Who sent it: its responses go there.
    invite_from: SocketAddr,
    /// The tag that it answers the current INVITE with, and its last answer to it.
    tag: String,
    answer: Option<String>,
    version: u32,
    scheduled: Vec<Scheduled>,
    repeats: Vec<Repeat>,
    outbox: VecDeque<Parcel>,
    log: Vec<String>,
    received: Vec<Text>,
    /// As a proxy: the branches of the INVITEs that it has refused, whose ACKs end here.
    refused: BTreeSet<String>,
    requests: BTreeMap<String, Text>,
}

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

impl Agent {
    /// An agent at `sip`, whose audio is at the same address and a port from 10000 on.
    pub fn new(name: &str, sip: SocketAddr, gateway: SocketAddr, mut rng: Rng) -> Self {
        let rtp = SocketAddr::new(sip.ip(), sip.port() % 10_000 + 10_000);
        Self {
            name: name.to_owned(),
            sip,
            rtp,
            gateway,
            answering: Answering::After {
                ring: Duration::from_millis(20),
                answer: Duration::from_millis(1500),
            },
            transport: Transport::Udp,
            proves: Vec::new(),
            private: None,
            registers: None,
            outbound: None,
            proxy: None,
            alg: None,
            late_offer: false,
            domain: None,
            refuses_texts: None,
            refuses_infos: None,
            forget_acks: 0,
            beside: Vec::new(),
            codecs: vec![0, 8, 101],
            password: None,
            provider: Provider::default(),
            switched_off: false,
            media: AgentMedia::new(rng.next_u32()),
            rng,
            phase: Phase::Idle,
            cancelled: false,
            joined: false,
            leaving: false,
            dialog: Dialog::default(),
            errand: Dialog::default(),
            invite: None,
            invite_from: gateway,
            tag: String::new(),
            answer: None,
            version: 0,
            scheduled: Vec::new(),
            repeats: Vec::new(),
            outbox: VecDeque::new(),
            log: Vec::new(),
            received: Vec::new(),
            refused: BTreeSet::new(),
            requests: BTreeMap::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user part of its address: its name up to an `@`, so that `alice@desk` and `alice@home`
    /// are one user.
    pub fn user(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }

    /// Its SIP address.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Moves its audio to another address: a media server beside a call server.
    pub fn set_rtp(&mut self, rtp: &str) {
        self.rtp = rtp.parse().expect("an address and a port");
    }

    /// Its RTP address.
    pub fn rtp(&self) -> SocketAddr {
        self.rtp
    }

    /// Where it sends its audio.
    pub fn audio_peer(&self) -> Option<SocketAddr> {
        self.media.peer()
    }

    /// The address that its Contact names.
    fn contact(&self) -> SocketAddr {
        self.private.map_or(self.sip, |ip| SocketAddr::new(ip, self.sip.port()))
    }

    /// The URI that its Contact names.
    fn contact_uri(&self, address: SocketAddr) -> String {
        let transport = match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
            // RFC 7118: nobody could connect to a browser.
            Transport::Ws | Transport::Wss => {
                return format!("sip:{}@sim.invalid;transport=ws", self.user());
            }
        };
        format!("sip:{}@{address}{transport}", self.user())
    }

    /// Where its call stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Every method and status it has seen, in order and with repetitions: `INVITE`, `180 INVITE`,
    /// `BYE`.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// How often it has seen `entry`.
    pub fn saw(&self, entry: &str) -> usize {
        self.log.iter().filter(|line| line.as_str() == entry).count()
    }

    /// The last INVITE it received, for a look at headers and body.
    pub fn invite(&self) -> Option<&Text> {
        self.invite.as_ref()
    }

    /// The last request of this method that it received.
    pub fn last(&self, method: &str) -> Option<&Text> {
        self.requests.get(method)
    }

    /// Every SIP message that it received, in order.
    pub fn received(&self) -> &[Text] {
        &self.received
    }

    /// The last response that it received with this status and method: `200 INVITE`.
    pub fn response(&self, entry: &str) -> Option<&Text> {
        let is = |text: &&Text| {
            text.status().is_some_and(|status| format!("{status} {}", text.method()) == entry)
        };
        self.received.iter().rev().find(is)
    }

    /// Whether it waits for nothing: no call, nothing to send again.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && self.repeats.is_empty() && self.scheduled.is_empty()
    }

    /// Takes a datagram for its SIP or RTP address.
    pub fn handle(&mut self, now: Instant, parcel: &Parcel) {
        if self.switched_off {
        } else if self.alg.is_some() {
            self.pass_through(parcel);
        } else if parcel.to == self.rtp {
            self.media.hear(now, &parcel.bytes);
        } else if parcel.to != self.sip {
            // RTCP.
        } else if self.provider.hears_stun && parcel.bytes.first() == Some(&0) {
            self.log.push("Binding".to_owned());
            if let Some(bytes) = provider::binding_answer(&parcel.bytes, parcel.from) {
                self.outbox.push_back(Parcel { from: self.sip, to: parcel.from, bytes });
            }
        } else if let Some(text) = Text::parse(&parcel.bytes) {
            self.received.push(text.clone());
            match text.status() {
                _ if self.proxy.is_some() => self.pass_on(&text, parcel.from),
                Some(status) => self.on_response(now, &text, status),
                None => self.on_request(now, &text, parcel.from),
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in (0..self.scheduled.len()).rev() {
            if self.scheduled.get(at).is_some_and(|due| due.at <= now) {
                let due = self.scheduled.remove(at);
                self.respond_to_invite(now, &due);
            }
        }
        let mut due = Vec::new();
        let mut given_up = Vec::new();
        self.repeats.retain_mut(|repeat| {
            if repeat.next > now {
                return true;
            }
            if now >= repeat.until {
                given_up.push(std::mem::take(&mut repeat.text));
                return false;
            }
            due.push((repeat.text.clone(), repeat.to));
            repeat.interval = match repeat.text.starts_with("INVITE") {
                true => repeat.interval * 2,
                false => (repeat.interval * 2).min(T2),
            };
            repeat.next = now + repeat.interval;
            true
        });
        due.into_iter().for_each(|(text, to)| self.post_to(text, to));
        given_up.iter().for_each(|text| self.give_up(now, text));
        if let Some(bytes) = self.media.speak(now) {
            let to = self.media.peer_or(self.gateway);
            self.send(Parcel { from: self.rtp, to, bytes });
        }
    }

    /// When it wants [`Agent::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let scheduled = self.scheduled.iter().map(|s| s.at);
        let repeats = self.repeats.iter().map(|r| r.next);
        scheduled.chain(repeats).chain(self.media.poll_timeout()).min()
    }

    /// The next datagram it sends.
    pub fn poll_transmit(&mut self) -> Option<Parcel> {
        self.outbox.pop_front()
    }

    /// Sends raw bytes from its SIP address, as an attacker or a broken phone would.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.send(Parcel { from: self.sip, to: self.gateway, bytes: bytes.to_vec() });
    }

    /// Sends these lines as a SIP message, each ended with CR LF.
    pub fn recite(&mut self, lines: &str) {
        self.raw(lines.replace("\r\n", "\n").replace('\n', "\r\n").as_bytes());
    }

    /// Speaks to where this session description says, and hears, until BYE: for a call that it
    /// recites.
    pub fn join(&mut self, description: &str) {
        self.joined = true;
        self.media.set_peer(sdp_address(description));
        self.media.set_payload_type(text::sdp_payload_type(description));
    }

    /// Speaks no more, and hears no more.
    pub fn leave(&mut self) {
        self.joined = false;
        self.media.set_peer(None);
    }

    /// Sends raw bytes from its RTP address to where its audio goes.
    pub fn raw_rtp(&mut self, bytes: &[u8]) {
        let to = self.media.peer_or(self.gateway);
        self.send(Parcel { from: self.rtp, to, bytes: bytes.to_vec() });
    }

    /// Nobody has answered this message.
    fn give_up(&mut self, now: Instant, text: &str) {
        self.log.push("timeout".to_owned());
        let method = text.split(' ').next().unwrap_or_default();
        match (method, self.phase) {
            ("REGISTER" | "OPTIONS", _) | (_, Phase::Idle) => {}
            // RFC 3261 §13.3.1.4, §14.1: what cannot be agreed on ends the call.
            ("INVITE" | "SIP/2.0", Phase::Talking) => self.hang_up(now),
            _ => self.end(),
        }
    }

    fn send(&mut self, parcel: Parcel) {
        if !self.switched_off {
            self.outbox.push_back(parcel);
        }
    }

    fn post(&mut self, text: String) {
        self.post_to(text, self.outbound.unwrap_or(self.gateway));
    }

    fn post_to(&mut self, text: String, to: SocketAddr) {
        self.send(Parcel { from: self.sip, to, bytes: text.into_bytes() });
    }

    fn repeat(&mut self, now: Instant, what: Repeated, text: String) {
        let until = now + T1 * 64;
        let to = match what {
            Repeated::Request(_) => self.outbound.unwrap_or(self.gateway),
            Repeated::Provisional(_) | Repeated::Final(_) => self.invite_from,
        };
        // A stream sends again by itself; what is left is giving up. The 2xx goes from end to end (RFC 3261 §13.3.1.4).
        let by_stream = self.transport != Transport::Udp && !text.starts_with("SIP/2.0 2");
        let next = if by_stream { until } else { now + T1 };
        self.repeats.push(Repeat { what, text, to, next, interval: T1, until });
    }

    fn stop(&mut self, what: &Repeated) {
        self.repeats.retain(|repeat| repeat.what != *what);
    }

    fn end(&mut self) {
        self.phase = Phase::Idle;
        self.leaving = false;
        self.scheduled.clear();
        self.media.set_peer(None);
    }

    fn token(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    fn sdp(&mut self, direction: &str) -> String {
        self.version += 1;
        let ip = self.private.unwrap_or_else(|| self.rtp.ip());
        let list: Vec<String> = self.codecs.iter().map(u8::to_string).collect();
        let mut body = format!(
            "v=0\r\no={} 1 {} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/AVP {}\r\n",
            self.user(),
            self.version,
            self.rtp.port(),
            list.join(" ")
        );
        if self.codecs.contains(&101) {
            body.push_str("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n");
        }
        if self.codecs.contains(&18) {
            body.push_str("a=rtpmap:18 G729/8000\r\n");
        }
        let body = body + &format!("a=ptime:20\r\na={direction}\r\n");
        if self.beside.is_empty() { body } else { text::parts(&body, &self.beside) }
    }
}
