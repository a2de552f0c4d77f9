//! The link machine.
//!
//! ```text
//!  opened ─► Greeting ──HelloAck──► Up ◄──any frame of the session──► Suspect
//!               ▲  │ ▲               │    250 ms silent, no session       │
//!               │  │ └────── Down ◄──┴──────────── 1 s silent ────────────┘
//!  other version│  ▼            └─► third reset in 60 s: Quarantined ──HelloAck──► Up
//!             Refused
//! ```
//!
//! | event \ state     | Closed   | Greeting, Refused, Quarantined | Up, Suspect |
//! |-------------------|----------|--------------------------------|-------------|
//! | opened            | Greeting | new session                    | Down Closed, Greeting |
//! | closed            | –        | Closed                         | Down Closed |
//! | HelloAck, ours    | –        | Up, Start                      | same life: Up; other boot: Down Restarted; other beginning: Down SessionLost; then Greeting |
//! | HelloAck or Fault, other version | – | Refused, said once    | stale, fault given out |
//! | Event             | –        | stale                          | given out once and in order, acknowledged; Up |
//! | Ack, Pong, Pcm    | –        | stale                          | taken; Up |
//! | Fault, no session | –        | stale                          | Suspect, Hello |
//! | Hello timer       | –        | Hello                          | Suspect: Hello of the same session |
//! | heartbeat         | –        | –                              | Ping; Start while no audio comes |
//! | 15 ms no audio    | –        | –                              | stall counted |
//! | 250 ms silent     | –        | –                              | Up: Suspect, Hello |
//! | 1 s silent        | –        | –                              | Down Silent or NoAudio, Reset, then Greeting or Quarantined |
//! | commands unheard  | –        | –                              | Down Undelivered, then Greeting or Quarantined |
//! | `send_command`    | refused  | refused                        | queued |
//!
//! Timers: Hello 200 ms (5 s when Refused or Quarantined), heartbeat 20 ms, stall 15 ms, suspicion
//! 250 ms, loss 1 s, statistics 1 s, retransmission 100 ms five times
//! (`tipring_bridge_proto::delivery`).

mod continuity;
pub mod counters;
mod receive;
mod session;

use std::collections::VecDeque;
use std::fmt;

use tipring_bridge_proto::{
    Arrival, DecodeError, Decoder, Delivery, Descriptor, Fault, HELLO_INTERVAL_MS, Hello,
    HostMessage, LineCommand, LineEvent, MAX_FRAME, PROTOCOL_MAJOR, PROTOCOL_MINOR, PcmBlock,
};
use tipring_core::{Duration, Instant, PortNumber, Rng};

use counters::LinkCounters;
use session::{Flow, HEARTBEAT, STATS, SUSPECT, Session};

/// The host end of one card's byte stream.
pub struct Link {
    decoder: Decoder,
    machine: Machine,
}

/// How a link is set up.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Draws the session numbers.
    pub rng: Rng,
    /// The card makes its lines safe after so long without a frame, ms
    /// ([`tipring_bridge_proto::WATCHDOG_MS`] unless there is a reason).
    pub watchdog_ms: u16,
}

/// What a link has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// A session runs with this card; its lines are at rest.
    Up(Box<Descriptor>),
    /// The session is gone and with it every state of every line.
    Down(DownReason),
    /// A port's event; each comes once, and in the order in which the card saw them.
    Event {
        /// A port that the descriptor has.
        port: PortNumber,
        /// The card's 8 kHz clock when it happened.
        clock: u32,
        /// What happened.
        event: LineEvent,
    },
    /// The card reports something wrong with itself.
    Fault(Fault),
    /// The card speaks another protocol version; it is asked again every 5 s.
    Refused {
        /// The card's version.
        major: u8,
        /// See `major`.
        minor: u8,
    },
    /// Third reset within 60 s: an alarm. The card is greeted only every 5 s until it answers.
    Quarantined,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The byte stream ended: unplugged.
    Closed,
    /// No valid frame for 1 s.
    Silent,
    /// It answers, but no audio came for 1 s.
    NoAudio,
    /// It has restarted by itself.
    Restarted,
    /// It ended the session by itself, as its watchdog does.
    SessionLost,
    /// It did not acknowledge a command five times.
    Undelivered,
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the device is gone",
            Self::Silent => "no valid frame for 1 s",
            Self::NoAudio => "no audio for 1 s",
            Self::Restarted => "the card has restarted",
            Self::SessionLost => "the card has ended the session",
            Self::Undelivered => "a command was not acknowledged",
        })
    }
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No session runs.
    Down,
    /// The card has no such port.
    NoSuchPort,
    /// Too many commands wait for the card.
    Full,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "the card is not in service",
            Self::NoSuchPort => "the card has no such port",
            Self::Full => "too many commands wait for the card",
        })
    }
}

impl std::error::Error for SendError {}

/// What [`Link::poll_transmit`] has handed over: a full transport may drop audio, and the rest too
/// if it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Everything but audio. What matters of it is sent again when it is lost.
    Control,
    /// Blocks of audio, useless when late.
    Audio,
}

impl Link {
    /// A link whose byte stream is not open.
    pub fn new(config: LinkConfig) -> Self {
        Self {
            decoder: Decoder::new(),
            machine: Machine {
                rng: config.rng,
                watchdog_ms: config.watchdog_ms,
                state: State::Closed,
                outputs: VecDeque::new(),
                audio_in: VecDeque::new(),
                control: Vec::new(),
                audio_out: Vec::new(),
                audio_out_blocks: 0,
                scratch: Box::new([0; MAX_FRAME]),
                recent_resets: VecDeque::new(),
                counters: LinkCounters::default(),
            },
        }
    }

    /// The byte stream is open, and nothing is known of what it says.
    pub fn handle_opened(&mut self, now: Instant) {
        self.handle_closed(now);
        self.decoder.clear();
        self.machine.recent_resets.clear();
        self.machine.greet(now);
    }

    /// Octets came from the card, in any portions.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        let Self { decoder, machine } = self;
        decoder.feed(bytes, |frame| machine.handle_frame(now, &frame));
        machine.acknowledge();
        machine.flush_commands(now);
    }

    /// The byte stream has ended.
    pub fn handle_closed(&mut self, now: Instant) {
        self.machine.down(now, DownReason::Closed);
        self.machine.state = State::Closed;
        self.machine.control.clear();
        self.machine.audio_out.clear();
        self.machine.audio_out_blocks = 0;
    }

    /// Queues a command; it arrives once and in order, or the session goes [`LinkOutput::Down`].
    pub fn send_command(
        &mut self,
        now: Instant,
        port: PortNumber,
        command: LineCommand,
    ) -> Result<(), SendError> {
        let session = self.machine.state.session_mut().ok_or(SendError::Down)?;
        session.card.port(port.0).ok_or(SendError::NoSuchPort)?;
        if session.commands.push((port.0, command)).is_err() {
            self.machine.counters.commands_refused += 1;
            return Err(SendError::Full);
        }
        self.machine.counters.commands += 1;
        self.machine.flush_commands(now);
        Ok(())
    }

    /// Sends a block of audio; thrown away and counted when no session runs.
    pub fn send_pcm(&mut self, _now: Instant, block: &PcmBlock) {
        self.machine.send_pcm(block);
    }

    /// Acts on every timer that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(due) = self.poll_timeout() else { return };
        if due <= now {
            self.machine.handle_timeout(now, now - due);
        }
    }

    /// When to call [`Link::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(match &self.machine.state {
            State::Closed => return None,
            State::Greeting(hello) | State::Refused(hello) | State::Quarantined(hello) => hello.at,
            State::Up(session) => session.poll_timeout().min(session.heard + SUSPECT),
            State::Suspect(session, hello_at) => session.poll_timeout().min(*hello_at),
        })
    }

    /// Appends what is to be written to `out`, control before audio; call until `None`.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let machine = &mut self.machine;
        if !machine.control.is_empty() {
            out.append(&mut machine.control);
            return Some(Transmit::Control);
        }
        if machine.audio_out.is_empty() {
            return None;
        }
        machine.audio_out_blocks = 0;
        out.append(&mut machine.audio_out);
        Some(Transmit::Audio)
    }

    /// What happened; call until `None`.
    pub fn poll_output(&mut self) -> Option<LinkOutput> {
        self.machine.outputs.pop_front()
    }

    /// The next block of audio; call until `None`. [`PcmBlock::missing`] says how many were lost
    /// before it.
    pub fn poll_pcm(&mut self) -> Option<PcmBlock> {
        self.machine.audio_in.pop_front()
    }

    /// The card, while a session runs.
    pub fn card(&self) -> Option<&Descriptor> {
        self.machine.state.session().map(|session| &session.card)
    }

    /// Counters up to now.
    pub fn counters(&self) -> LinkCounters {
        let mut counters = self.machine.counters;
        counters.frames = *self.decoder.counters();
        if let Some(session) = self.machine.state.session() {
            counters.command_retransmissions += session.commands.retransmissions();
            counters.event_duplicates += session.events.duplicates();
        }
        counters
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.machine.state {
            State::Closed => f.write_str("closed"),
            State::Greeting(hello) => write!(f, "greeting, session {:08x}", hello.session),
            State::Refused(_) => f.write_str("refused: other protocol version"),
            State::Quarantined(_) => f.write_str("quarantined"),
            State::Up(session) => write!(
                f,
                "up, session {:08x}, boot {:08x}, {} commands waiting, audio {}",
                session.card.session,
                session.card.boot,
                session.commands.len(),
                match session.flow {
                    Flow::Awaited => "awaited",
                    Flow::Running => "running",
                    Flow::Stalled => "stalled",
                }
            ),
            State::Suspect(session, _) => {
                write!(f, "suspect, session {:08x}", session.card.session)
            }
        }
    }
}

enum State {
    Closed,
    Greeting(Greeting),
    Refused(Greeting),
    Quarantined(Greeting),
    Up(Box<Session>),
    /// With the time of the next `Hello`.
    Suspect(Box<Session>, Instant),
}

/// The session that is offered, and when next.
#[derive(Clone, Copy)]
struct Greeting {
    session: u32,
    at: Instant,
}

impl State {
    fn session(&self) -> Option<&Session> {
        match self {
            Self::Up(session) | Self::Suspect(session, _) => Some(session),
            Self::Closed | Self::Greeting(_) | Self::Refused(_) | Self::Quarantined(_) => None,
        }
    }

    fn session_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Up(session) | Self::Suspect(session, _) => Some(session),
            Self::Closed | Self::Greeting(_) | Self::Refused(_) | Self::Quarantined(_) => None,
        }
    }
}

/// All of a link but the decoder, so that frames borrowed from that one can be acted on.
struct Machine {
    rng: Rng,
    watchdog_ms: u16,
    state: State,
    outputs: VecDeque<LinkOutput>,
    audio_in: VecDeque<PcmBlock>,
    control: Vec<u8>,
    audio_out: Vec<u8>,
    audio_out_blocks: u8,
    scratch: Box<[u8; MAX_FRAME]>,
    recent_resets: VecDeque<Instant>,
    counters: LinkCounters,
}

impl Machine {
    /// Begins a session: two delimiters to end whatever the card has heard so far, then `Hello`.
    fn greet(&mut self, now: Instant) {
        let greeting = Greeting { session: self.rng.next_u32(), at: now + HELLO };
        self.recent_resets.retain(|at| now.since(*at) <= QUARANTINE_WINDOW);
        self.state = if self.recent_resets.len() < QUARANTINE_RESETS {
            State::Greeting(greeting)
        } else {
            self.counters.quarantines += 1;
            self.outputs.push_back(LinkOutput::Quarantined);
            State::Quarantined(Greeting { at: now + SLOW_HELLO, ..greeting })
        };
        self.hello(greeting.session);
    }

    fn hello(&mut self, session: u32) {
        self.control.extend_from_slice(&[0, 0]);
        self.send(&HostMessage::Hello(Hello {
            major: PROTOCOL_MAJOR,
            minor: PROTOCOL_MINOR,
            session,
            watchdog_ms: self.watchdog_ms,
        }));
    }

    /// Ends the running session, if there is one. The caller sets the next state.
    fn down(&mut self, now: Instant, reason: DownReason) {
        let Some(session) = self.state.session() else { return };
        self.counters.command_retransmissions += session.commands.retransmissions();
        self.counters.event_duplicates += session.events.duplicates();
        self.counters.downs += 1;
        self.audio_in.clear();
        self.audio_out.clear();
        self.audio_out_blocks = 0;
        self.outputs.push_back(LinkOutput::Down(reason));
        match reason {
            DownReason::Closed | DownReason::Restarted | DownReason::SessionLost => return,
            DownReason::Undelivered => {}
            DownReason::Silent | DownReason::NoAudio => self.send(&HostMessage::Reset),
        }
        self.counters.resets += 1;
        if self.recent_resets.len() >= QUARANTINE_RESETS {
            self.recent_resets.pop_front();
        }
        self.recent_resets.push_back(now);
    }

    fn suspect(&mut self, now: Instant) {
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Up(session) => {
                self.counters.suspects += 1;
                self.hello(session.card.session);
                State::Suspect(session, now + HELLO)
            }
            state => state,
        };
    }

    /// `late`: how long ago it was due. Much means that this end was not run, so its silence proves nothing.
    fn handle_timeout(&mut self, now: Instant, late: Duration) {
        match &mut self.state {
            State::Closed => {}
            State::Greeting(greeting) => {
                greeting.at = now + HELLO;
                let session = greeting.session;
                self.hello(session);
            }
            State::Refused(greeting) | State::Quarantined(greeting) => {
                greeting.at = now + SLOW_HELLO;
                let session = greeting.session;
                self.hello(session);
            }
            State::Up(session) | State::Suspect(session, _) => {
                if late >= LATE {
                    self.counters.late_wakeups += 1;
                    session.heard += late;
                    session.audio += late;
                }
                self.session_timeout(now);
            }
        }
    }

    fn session_timeout(&mut self, now: Instant) {
        let Some(session) = self.state.session_mut() else { return };
        if session.lost_at() <= now {
            let silent = session.heard + session::LOST <= now;
            self.down(now, if silent { DownReason::Silent } else { DownReason::NoAudio });
            self.greet(now);
            return;
        }
        if session.stall_at().is_some_and(|at| at <= now) {
            session.flow = Flow::Stalled;
            self.counters.stalls += 1;
        }
        let (audio_due, heard) = (session.flow != Flow::Running, session.heard);
        let heartbeat = session.heartbeat_at <= now;
        let stats = session.stats_at <= now;
        if heartbeat {
            session.heartbeat_at = now + HEARTBEAT;
        }
        if stats {
            session.stats_at = now + STATS;
        }
        if heartbeat {
            self.send(&HostMessage::Ping { token: now.as_micros() as u32 });
            if audio_due {
                self.send(&HostMessage::Start);
            }
        }
        if stats {
            self.send(&HostMessage::StatsRequest);
        }
        match &mut self.state {
            State::Up(_) if heard + SUSPECT <= now => self.suspect(now),
            State::Suspect(session, hello_at) if *hello_at <= now => {
                *hello_at = now + HELLO;
                let id = session.card.session;
                self.hello(id);
            }
            _ => {}
        }
        self.flush_commands(now);
    }

    /// Puts on the wire what the delivery of commands asks for.
    fn flush_commands(&mut self, now: Instant) {
        while let Some(session) = self.state.session_mut() {
            let id = session.card.session;
            match session.commands.poll(now.as_micros()) {
                None => return,
                Some(Delivery::Transmit { seq, item: (port, command) }) => {
                    self.send(&HostMessage::Command { session: id, seq, port, command });
                }
                Some(Delivery::Failed) => {
                    self.down(now, DownReason::Undelivered);
                    self.greet(now);
                }
            }
        }
    }

    /// One acknowledgement for all events of a portion of octets.
    fn acknowledge(&mut self) {
        let Some(session) = self.state.session_mut() else { return };
        if std::mem::take(&mut session.ack_due) {
            let (session, next) = (session.card.session, session.events.next());
            self.send(&HostMessage::Ack { session, next });
        }
    }

    fn send_pcm(&mut self, block: &PcmBlock) {
        let Some(session) = self.state.session_mut() else {
            self.counters.pcm_out_dropped += 1;
            return;
        };
        let seq = session.pcm_seq;
        session.pcm_seq = seq.wrapping_add(1);
        if self.audio_out_blocks >= AUDIO_OUT_BLOCKS {
            // What waits is older than what comes: newest wins.
            self.counters.pcm_out_dropped += u64::from(self.audio_out_blocks);
            self.audio_out.clear();
            self.audio_out_blocks = 0;
        }
        let message = HostMessage::Pcm { seq, pcm: block.as_pcm() };
        if let Some(frame) =
            message.encode(self.scratch.as_mut_slice()).and_then(|len| self.scratch.get(..len))
        {
            self.audio_out.extend_from_slice(frame);
            self.audio_out_blocks += 1;
            self.counters.pcm_out += 1;
        }
    }

    fn send(&mut self, message: &HostMessage<'_>) {
        if self.control.len() >= CONTROL_BYTES {
            self.counters.control_dropped += 1;
            return;
        }
        if let Some(frame) =
            message.encode(self.scratch.as_mut_slice()).and_then(|len| self.scratch.get(..len))
        {
            self.control.extend_from_slice(frame);
        }
    }
}

const HELLO: Duration = Duration::from_millis(HELLO_INTERVAL_MS);
const SLOW_HELLO: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(100);
const QUARANTINE_WINDOW: Duration = Duration::from_secs(60);
const QUARANTINE_RESETS: usize = 3;
/// Outputs that may wait; events beyond are not taken and so sent again by the card.
const OUTPUTS: usize = 1024;
/// Blocks that may wait for [`Link::poll_pcm`].
const AUDIO_IN_BLOCKS: usize = 8;
/// Blocks that may wait for [`Link::poll_transmit`].
const AUDIO_OUT_BLOCKS: u8 = 4;
/// Octets of control that may wait for [`Link::poll_transmit`].
const CONTROL_BYTES: usize = 64 * 1024;
