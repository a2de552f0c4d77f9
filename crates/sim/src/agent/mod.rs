//! A simulated SIP phone, written from text templates.
//!
//! It shares nothing with `tipring-sip`: a stack that only talks to itself agrees with its own mistakes.
//!
//! ```text
//! datagrams in ─► Agent (one call at a time) ─► datagrams out
//!                   │ log of statuses and methods seen
//!                   └ AgentMedia: says and hears G.711 over RTP
//! ```

mod calls;
mod digest;
mod media;
mod text;

use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};

use crate::net::Parcel;
pub use media::AgentMedia;
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
    /// A final response at once: `486 Busy Here`.
    Refuse(u16, &'static str),
    /// 302 with this Contact.
    Redirect(String),
    /// Nothing at all, not even 100.
    Silent,
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

/// Which repeated message a response or an ACK stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeated {
    Request(u32),
    Final,
}

#[derive(Debug)]
struct Repeat {
    what: Repeated,
    text: String,
    next: Instant,
    interval: Duration,
    left: u8,
}

#[derive(Debug)]
struct Scheduled {
    at: Instant,
    status: u16,
    with_body: bool,
}

/// One SIP dialog as the agent sees it.
#[derive(Clone, Debug, Default)]
struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    invite: Option<Text>,
    branch: String,
    called: bool,
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
    /// How many ACKs to a 2xx it forgets to send.
    pub forget_acks: u32,
    /// The payload types that its descriptions offer, in order.
    pub codecs: Vec<u8>,
    /// Its credentials for 401 and 407, if any.
    pub password: Option<String>,
    /// Its audio.
    pub media: AgentMedia,
    phase: Phase,
    dialog: Dialog,
    scheduled: Vec<Scheduled>,
    repeats: Vec<Repeat>,
    outbox: Vec<Parcel>,
    log: Vec<String>,
    tries: u8,
    registering: bool,
}

const T1: Duration = Duration::from_millis(500);

impl Agent {
    /// An agent at `sip`, whose audio is at the same address and port `sip.port() + 10000`.
    pub fn new(name: &str, sip: SocketAddr, gateway: SocketAddr, mut rng: Rng) -> Self {
        let rtp = SocketAddr::new(sip.ip(), sip.port() + 10_000);
        Self {
            name: name.to_owned(),
            sip,
            rtp,
            gateway,
            answering: Answering::After {
                ring: Duration::from_millis(20),
                answer: Duration::from_millis(1500),
            },
            forget_acks: 0,
            codecs: vec![0, 8, 101],
            password: None,
            media: AgentMedia::new(rng.next_u32()),
            rng,
            phase: Phase::Idle,
            dialog: Dialog::default(),
            scheduled: Vec::new(),
            repeats: Vec::new(),
            outbox: Vec::new(),
            log: Vec::new(),
            tries: 0,
            registering: false,
        }
    }

    /// Its name, also the user part of its address.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its SIP address.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Its RTP address.
    pub fn rtp(&self) -> SocketAddr {
        self.rtp
    }

    /// Where its call stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Every method and status it has seen, in order: `INVITE`, `180 INVITE`, `BYE`.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// How often it has seen `entry`.
    pub fn saw(&self, entry: &str) -> usize {
        self.log.iter().filter(|line| line.as_str() == entry).count()
    }

    /// The last INVITE it received or sent, for a look at headers and body.
    pub fn invite(&self) -> Option<&Text> {
        self.dialog.invite.as_ref()
    }

    /// Takes a datagram for its SIP or RTP address.
    pub fn handle(&mut self, now: Instant, parcel: &Parcel) {
        if parcel.to == self.rtp {
            self.media.hear(&parcel.bytes);
        } else if let Some(text) = Text::parse(&parcel.bytes) {
            self.on_message(now, &text, parcel.from);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in (0..self.scheduled.len()).rev() {
            if self.scheduled[at].at <= now {
                let due = self.scheduled.remove(at);
                self.respond_to_invite(now, &due);
            }
        }
        let mut due = Vec::new();
        self.repeats.retain_mut(|repeat| {
            if repeat.next > now {
                return true;
            }
            due.push(repeat.text.clone());
            repeat.interval = (repeat.interval * 2).min(T1 * 8);
            repeat.next = now + repeat.interval;
            repeat.left -= 1;
            repeat.left > 0
        });
        due.into_iter().for_each(|text| self.post(text));
        if let Some(bytes) = self.media.speak(now) {
            self.outbox.push(Parcel { from: self.rtp, to: self.media.peer_or(self.gateway), bytes });
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
        if self.outbox.is_empty() { None } else { Some(self.outbox.remove(0)) }
    }

    fn post(&mut self, text: String) {
        self.outbox.push(Parcel { from: self.sip, to: self.gateway, bytes: text.into_bytes() });
    }

    fn post_to(&mut self, text: String, to: SocketAddr) {
        self.outbox.push(Parcel { from: self.sip, to, bytes: text.into_bytes() });
    }

    fn repeat(&mut self, now: Instant, what: Repeated, text: String) {
        self.repeats.push(Repeat { what, text, next: now + T1, interval: T1, left: 8 });
    }

    fn stop(&mut self, what: Repeated) {
        self.repeats.retain(|repeat| repeat.what != what);
    }

    fn token(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    fn sdp(&self, direction: &str) -> String {
        let ip = self.rtp.ip();
        let list: Vec<String> = self.codecs.iter().map(u8::to_string).collect();
        let mut body = format!(
            "v=0\r\no={} 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {} RTP/AVP {}\r\n",
            self.name,
            self.rtp.port(),
            list.join(" ")
        );
        if self.codecs.contains(&101) {
            body.push_str("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n");
        }
        body + &format!("a=ptime:20\r\na={direction}\r\n")
    }
}
