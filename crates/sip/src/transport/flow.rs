//! One connection.
//!
//! ```text
//! state \ event   connected     established     octets      sent         finished  ended, failed  send      deadline
//! Connecting      ▸Securing     flush ▸Open     –           –            –         ▸gone          kept      connect: ▸gone
//! Securing        –             flush ▸Open     –           –            –         ▸gone          kept      handshake: ▸gone
//! Open            –             –               ↑frames     less unsent  ▸Closing  ▸gone          send      stall, no pong: ▸gone
//!                                                                                                           message, first, idle: ▸Closing
//!                                                                                                           ping
//! Closing         –             –               –           –            –         ▸gone          –         linger: ▸gone
//! ```
//!
//! ▸gone is the table's to do, and so is ▸Closing when the peer has finished or the frames say that the stream is broken. More unsent octets
//! than [`FlowLimits::unsent`] are ▸gone as well.

use core::fmt;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use super::{CloseReason, Domain, FlowLimits, Frame, Framer};
use crate::message::Transport;
use crate::transaction::Path;

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// We connected.
    pub(super) is_ours: bool,
    /// Whom we asked for.
    asked: Option<Domain>,
    /// Whom the peer's certificate proves it to be.
    names: Vec<Domain>,
    state: State,
    /// Along which paths messages were sent here, so that those who wait for answers are told.
    pub(super) used: Vec<Path>,
    /// The address that the peer wants requests for to come this way (RFC 5923).
    pub(super) alias: Option<SocketAddr>,
}

#[derive(Debug)]
enum State {
    Connecting { waiting: Waiting, until: Instant },
    Securing { waiting: Waiting, until: Instant },
    Open(Box<Open>),
    Closing { until: Instant },
}

/// What is to be sent once the connection is there.
#[derive(Debug, Default)]
struct Waiting {
    messages: Vec<Vec<u8>>,
    octets: usize,
}

#[derive(Debug)]
struct Open {
    framer: Framer,
    /// When the message that is being received must be complete.
    message: Option<Instant>,
    unsent: usize,
    /// When the peer last read anything, or had nothing to read.
    read: Instant,
    /// Whether anything good ever came.
    proven: bool,
    /// When the peer last showed that it is there, or anything was sent to it.
    active: Instant,
    /// When a message last came or went.
    used: Option<Instant>,
    /// Until when somebody is registered over it.
    kept: Instant,
    ping: Option<Ping>,
}

#[derive(Debug)]
struct Ping {
    every: Duration,
    next: Instant,
    /// A pong may come.
    sent: bool,
    /// The peer is known to answer pings; before the last line end, it was.
    answered: (bool, bool),
    /// When a pong must have come.
    pong: Option<Instant>,
}

/// What a deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    Close(CloseReason),
}

/// What becomes of a message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Now(Vec<u8>),
    /// When the connection is established.
    Later,
    /// Too much waits already.
    TooMuch,
}

/// Paths that are remembered; the oldest gives way, and whoever waits on it waits for its timer.
const MAX_USED: usize = 32;

impl Flow {
    pub(super) fn connecting(now: Instant, path: &Path, limits: &FlowLimits) -> Self {
        let until = now + limits.connect;
        Self {
            transport: path.transport,
            local: path.local,
            remote: path.remote,
            is_ours: true,
            asked: path.domain.clone(),
            names: Vec::new(),
            state: State::Connecting { waiting: Waiting::default(), until },
            used: Vec::new(),
            alias: None,
        }
    }

    pub(super) fn accepted(
        now: Instant,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        limits: &FlowLimits,
    ) -> Self {
        let until = now + limits.handshake;
        let securing = State::Securing { waiting: Waiting::default(), until };
        let mut flow = Self {
            transport,
            local,
            remote,
            is_ours: false,
            asked: None,
            names: Vec::new(),
            state: securing,
            used: Vec::new(),
            alias: None,
        };
        if transport == Transport::Tcp {
            flow.state = flow.open(now, limits);
        }
        flow
    }

    fn open(&self, now: Instant, limits: &FlowLimits) -> State {
        let ping = match self.transport {
            Transport::Ws | Transport::Wss => {
                Some(Ping::new(now, limits.web_socket_ping).obliging())
            }
            Transport::Udp | Transport::Tcp | Transport::Tls => None,
        };
        State::Open(Box::new(Open {
            framer: Framer::new(),
            message: None,
            unsent: 0,
            read: now,
            // Who speaks the protocol of WebSocket has said something.
            proven: ping.is_some(),
            active: now,
            used: None,
            kept: now,
            ping,
        }))
    }

    /// TCP is there.
    pub(super) fn handle_connected(&mut self, now: Instant, limits: &FlowLimits) {
        if let State::Connecting { waiting, .. } = &mut self.state {
            let (waiting, until) = (core::mem::take(waiting), now + limits.handshake);
            self.state = State::Securing { waiting, until };
        }
    }

    /// What waits for a connection that will not be made.
    pub(super) fn take_waiting(&mut self) -> Vec<Vec<u8>> {
        match &mut self.state {
            State::Connecting { waiting, .. } | State::Securing { waiting, .. } => {
                core::mem::take(&mut waiting.messages)
            }
            State::Open(_) | State::Closing { .. } => Vec::new(),
        }
    }

    /// Messages can be sent: gives those that waited.
    pub(super) fn handle_established(
        &mut self,
        now: Instant,
        names: Vec<Domain>,
        limits: &FlowLimits,
    ) -> Vec<Vec<u8>> {
        let (State::Connecting { waiting, .. } | State::Securing { waiting, .. }) = &mut self.state
        else {
            return Vec::new();
        };
        let Waiting { messages, octets } = core::mem::take(waiting);
        self.names = names;
        self.state = self.open(now, limits);
        if let State::Open(open) = &mut self.state {
            open.unsent = octets;
            open.used = (octets > 0).then_some(now);
        }
        messages
    }

    /// Takes octets; [`poll_frame`](Self::poll_frame) gives what is in them.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) {
        if let State::Open(open) = &mut self.state {
            open.framer.handle_bytes(bytes);
        }
    }

    pub(super) fn poll_frame(&mut self, now: Instant) -> Option<Frame> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        let frame = open.framer.poll_frame()?;
        // A new message begins to count when the one before is complete.
        open.message = None;
        match &frame {
            Frame::Message(_) => {
                open.heard(now);
                open.used = Some(now);
            }
            Frame::LineEnd => {
                open.heard(now);
                open.ping.iter_mut().for_each(Ping::answered_perhaps);
            }
            Frame::Ping => open.ping.iter_mut().for_each(Ping::not_answered),
            Frame::Broken(_) => {}
        }
        Some(frame)
    }

    /// Everything that came has been looked at.
    pub(super) fn handle_drained(&mut self, now: Instant, limits: &FlowLimits) {
        if let State::Open(open) = &mut self.state {
            let since = open.message.unwrap_or(now + limits.message);
            open.message = open.framer.is_mid_message().then_some(since);
        }
    }

    /// A message of WebSocket has begun.
    pub(super) fn handle_begun(&mut self, now: Instant, limits: &FlowLimits) {
        if let State::Open(open) = &mut self.state {
            open.message.get_or_insert(now + limits.message);
        }
    }

    /// A message of WebSocket is there, whole.
    pub(super) fn handle_whole(&mut self) {
        if let State::Open(open) = &mut self.state {
            open.message = None;
        }
    }

    /// The peer has shown that it is there, by a message or by less.
    pub(super) fn handle_alive(&mut self, now: Instant, by_message: bool) {
        if let State::Open(open) = &mut self.state {
            open.heard(now);
            open.used = if by_message { Some(now) } else { open.used };
        }
    }

    /// A message, or line ends, to be sent along `path`.
    pub(super) fn send(&mut self, now: Instant, bytes: Vec<u8>, limits: &FlowLimits) -> Sending {
        match &mut self.state {
            State::Connecting { waiting, .. } | State::Securing { waiting, .. } => {
                waiting.octets += bytes.len();
                waiting.messages.push(bytes);
                if waiting.octets > limits.unsent { Sending::TooMuch } else { Sending::Later }
            }
            State::Open(open) => {
                if open.unsent == 0 {
                    open.read = now;
                }
                open.active = now;
                if !bytes.iter().all(u8::is_ascii_whitespace) {
                    open.used = Some(now);
                }
                open.unsent += bytes.len();
                if open.unsent > limits.unsent { Sending::TooMuch } else { Sending::Now(bytes) }
            }
            State::Closing { .. } => Sending::TooMuch,
        }
    }

    /// Remembers who waits for answers here.
    pub(super) fn note_use(&mut self, path: &Path) {
        if !self.used.contains(path) {
            if self.used.len() >= MAX_USED {
                self.used.remove(0);
            }
            self.used.push(path.clone());
        }
    }

    pub(super) fn handle_sent(&mut self, now: Instant, octets: usize) {
        if let State::Open(open) = &mut self.state {
            open.unsent = open.unsent.saturating_sub(octets);
            open.read = now;
        }
    }

    /// Somebody is registered over it until then.
    pub(super) fn keep(&mut self, until: Instant) {
        if let State::Open(open) = &mut self.state {
            open.kept = open.kept.max(until);
        }
    }

    /// Keeps it alive by pings from our side as well.
    pub(super) fn keep_alive(&mut self, now: Instant, until: Instant, every: Duration) {
        self.keep(until);
        if let State::Open(open) = &mut self.state {
            open.ping.get_or_insert_with(|| Ping::new(now, every));
        }
    }

    /// It is closed once everything is sent.
    /// Gives the paths along which messages were sent.
    pub(super) fn close(&mut self, now: Instant, limits: &FlowLimits) -> Vec<Path> {
        self.state = State::Closing { until: now + limits.linger };
        core::mem::take(&mut self.used)
    }

    /// What is due; a ping is sent by the caller.
    pub(super) fn due(&mut self, now: Instant, limits: &FlowLimits) -> Due {
        match &mut self.state {
            State::Connecting { until, .. } if *until <= now => {
                Due::Close(CloseReason::ConnectTimeout)
            }
            State::Securing { until, .. } if *until <= now => {
                Due::Close(CloseReason::HandshakeTimeout)
            }
            State::Closing { until } if *until <= now => Due::Close(CloseReason::Unclosed),
            State::Open(open) => open.due(now, self.is_ours, limits),
            State::Connecting { .. } | State::Securing { .. } | State::Closing { .. } => {
                Due::Nothing
            }
        }
    }

    pub(super) fn deadline(&self, limits: &FlowLimits) -> Instant {
        match &self.state {
            State::Connecting { until, .. }
            | State::Securing { until, .. }
            | State::Closing { until } => *until,
            State::Open(open) => open.deadline(self.is_ours, limits),
        }
    }

    /// Whether anything can be sent on it, now or when it is there.
    pub(super) fn is_usable(&self) -> bool {
        !matches!(self.state, State::Closing { .. })
    }

    /// Whether it has been established and not closed.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Whether who is asked for is at the far end, or will be once it is established.
    pub(super) fn reaches(&self, domain: Option<&Domain>) -> bool {
        if !self.transport.is_secure() {
            return true;
        }
        match domain {
            Some(domain) => self.asked.as_ref() == Some(domain) || self.names.contains(domain),
            None => self.is_ours && self.asked.is_none(),
        }
    }

    /// Whether the peer has proven who it is by a certificate of its own.
    pub(super) fn is_known_client(&self) -> bool {
        !self.is_ours && !self.names.is_empty()
    }

    /// When it was last of use, if ever, when it could give way to a new connection; `None` when it cannot.
    pub(super) fn displaceable(
        &self,
        now: Instant,
        limits: &FlowLimits,
    ) -> Option<Option<Instant>> {
        match &self.state {
            State::Securing { .. } if !self.is_ours => Some(None),
            State::Open(open) if open.kept <= now && open.unsent == 0 && open.message.is_none() => {
                let quiet = open.used.is_none_or(|used| used + limits.quiet <= now);
                quiet.then_some(open.used)
            }
            State::Connecting { .. }
            | State::Securing { .. }
            | State::Open(_)
            | State::Closing { .. } => None,
        }
    }

    /// When it was last of use, if ever, where it is a peer's that nobody has registered over: it gives way to one that
    /// we need ourselves.
    pub(super) fn expendable(&self, now: Instant) -> Option<Option<Instant>> {
        match &self.state {
            _ if self.is_ours => None,
            State::Securing { .. } | State::Closing { .. } => Some(None),
            State::Open(open) => (open.kept <= now).then_some(open.used),
            State::Connecting { .. } => None,
        }
    }

    /// Whether somebody is registered over it.
    pub(super) fn is_kept(&self, now: Instant) -> bool {
        matches!(&self.state, State::Open(open) if open.kept > now)
    }

    /// Where its messages come from.
    pub(super) fn path(&self) -> Path {
        let domain = self.asked.clone().or_else(|| self.names.first().cloned());
        Path { domain, ..Path::new(self.transport, self.local, self.remote) }
    }
}

impl Open {
    fn heard(&mut self, now: Instant) {
        self.proven = true;
        self.active = now;
        if let Some(ping) = &mut self.ping {
            ping.pong = None;
        }
    }

    fn due(&mut self, now: Instant, is_ours: bool, limits: &FlowLimits) -> Due {
        if self.unsent > 0 && self.read + limits.stall <= now {
            return Due::Close(CloseReason::SlowReader);
        }
        if self.message.is_some_and(|at| at <= now) {
            return Due::Close(CloseReason::SlowSender);
        }
        if self.ping.as_ref().and_then(|ping| ping.pong).is_some_and(|at| at <= now) {
            return Due::Close(CloseReason::NoPong);
        }
        if self.rest(is_ours, limits) <= now {
            let silent = !self.proven && !is_ours;
            return Due::Close(if silent { CloseReason::Silent } else { CloseReason::Idle });
        }
        match &mut self.ping {
            Some(ping) if ping.next <= now => {
                ping.next = now + ping.every;
                ping.sent = true;
                ping.pong = ping.answered.0.then_some(now + limits.pong);
                Due::Ping
            }
            Some(_) | None => Due::Nothing,
        }
    }

    fn deadline(&self, is_ours: bool, limits: &FlowLimits) -> Instant {
        let stall = (self.unsent > 0).then_some(self.read + limits.stall);
        let ping = self.ping.as_ref();
        let pings = ping.map(|ping| ping.next).into_iter().chain(ping.and_then(|ping| ping.pong));
        let rest = self.rest(is_ours, limits);
        pings.chain(stall).chain(self.message).fold(rest, Instant::min)
    }

    /// When it ends if nothing happens.
    fn rest(&self, is_ours: bool, limits: &FlowLimits) -> Instant {
        let patience = if self.proven || is_ours { limits.idle } else { limits.first };
        self.kept.max(self.active + patience)
    }
}

impl Ping {
    fn new(now: Instant, every: Duration) -> Self {
        Self { every, next: now + every, sent: false, answered: (false, false), pong: None }
    }

    /// The standard obliges the peer to answer (RFC 6455 §5.5.2).
    fn obliging(self) -> Self {
        Self { answered: (true, true), ..self }
    }

    /// A line end is a pong, unless another follows.
    fn answered_perhaps(&mut self) {
        let (now, _) = self.answered;
        self.answered = (now || self.sent, now);
    }

    fn not_answered(&mut self) {
        self.answered.0 = self.answered.1;
    }
}

/// `TLS 192.0.2.1:5061→192.0.2.2:40112 accepted Open`
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Connecting { .. } => "Connecting",
            State::Securing { .. } => "Securing",
            State::Open(_) => "Open",
            State::Closing { .. } => "Closing",
        };
        let side = if self.is_ours { "ours" } else { "accepted" };
        write!(f, "{} {}→{} {side} {state}", self.transport, self.local, self.remote)?;
        for name in self.asked.iter().chain(&self.names) {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}
