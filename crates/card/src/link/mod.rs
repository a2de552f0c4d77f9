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
mod machine;
mod receive;
mod session;

use std::fmt;

use tipring_bridge_proto::{Decoder, Descriptor, Fault, LineCommand, LineEvent, PcmBlock};
use tipring_core::{Instant, PortNumber, Rng};

use counters::LinkCounters;
use machine::{Machine, State};
use session::{Flow, SUSPECT};

/// The host end of one card's byte stream.
pub struct Link {
    decoder: Decoder,
    machine: Machine,
}

/// How a link is set up.
#[derive(Debug)]
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
        Self { decoder: Decoder::new(), machine: Machine::new(config.rng, config.watchdog_ms) }
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
