//! The messages of both directions and their frame types.
//!
//! | type | host → card | type | card → host |
//! |------|-------------|------|-------------|
//! | 0x01 | `Hello` | 0x81 | `HelloAck` |
//! | 0x02 | `Start` | | |
//! | 0x03 | `Stop` | | |
//! | 0x04 | `Command` | 0x84 | `Event` |
//! | 0x05 | `Ack` (of events) | 0x85 | `Ack` (of commands) |
//! | 0x06 | `Ping` | 0x86 | `Pong` |
//! | 0x07 | `StatsRequest` | 0x87 | `Stats` |
//! | 0x08 | `Reset` | 0x8F | `Fault` |
//! | 0x10 | `Pcm` (down) | 0x90 | `Pcm` (up) |
//!
//! 0x20–0x2F and 0xA0–0xAF (D channel), 0x30–0x3F and 0xB0–0xBF (firmware update) are reserved.

use crate::frame::{Frame, FrameWriter, Reader};
use crate::{Descriptor, LineCommand, LineEvent, Pcm};

/// From the host to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMessage<'a> {
    /// Opens the session, or asks whether it still runs.
    Hello(Hello),
    /// Asks for PCM; does nothing when it flows already.
    Start,
    /// Ends PCM.
    Stop,
    /// A command to a port.
    Command {
        /// The session it belongs to.
        session: u32,
        /// Its place in the session, wrapping; the first is 0.
        seq: u8,
        /// 1-based port number.
        port: u8,
        /// What to do.
        command: LineCommand,
    },
    /// All events before `next` have arrived.
    Ack {
        /// The session.
        session: u32,
        /// Sequence number that is expected next.
        next: u8,
    },
    /// Heartbeat; the card answers `Pong` with the same token.
    Ping {
        /// Any number.
        token: u32,
    },
    /// Asks for `Stats`.
    StatsRequest,
    /// Restarts the card's software: lines safe, new boot id, waiting for `Hello`.
    Reset,
    /// 5 ms for every channel.
    Pcm {
        /// Counts the blocks of this direction, wrapping.
        seq: u8,
        /// The samples.
        pcm: Pcm<'a>,
    },
}

/// From the card to the host.
#[allow(clippy::large_enum_variant)] // No alloc to box the descriptor with; it lives on the stack for one handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardMessage<'a> {
    /// The answer to `Hello`.
    HelloAck(Descriptor),
    /// An event of a port.
    Event {
        /// The session it belongs to.
        session: u32,
        /// Its place in the session, wrapping; the first is 0.
        seq: u8,
        /// The card's 8 kHz clock when it happened.
        clock: u32,
        /// 1-based port number.
        port: u8,
        /// What happened.
        event: LineEvent,
    },
    /// All commands before `next` have arrived.
    Ack {
        /// The session.
        session: u32,
        /// Sequence number that is expected next.
        next: u8,
    },
    /// The answer to `Ping`.
    Pong {
        /// Token of the `Ping`.
        token: u32,
        /// The card's 8 kHz clock when it answered.
        clock: u32,
    },
    /// The card's counters.
    Stats(Stats),
    /// Something is wrong with the card as a whole.
    Fault(Fault),
    /// 5 ms of every channel.
    Pcm {
        /// Counts the blocks of this direction, wrapping.
        seq: u8,
        /// The samples.
        pcm: Pcm<'a>,
    },
}

/// Content of `Hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Protocol version of the host.
    pub major: u8,
    /// See `major`.
    pub minor: u8,
    /// Random number of the session. One that differs from the running one ends it: all lines are
    /// reset.
    pub session: u32,
    /// The card ends the session after so long without a valid frame, ms.
    pub watchdog_ms: u16,
}

/// The card's counters since it booted, wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Time since boot, ms.
    pub uptime_ms: u32,
    /// Whole frames received.
    pub rx_frames: u32,
    /// Frames received with a wrong CRC.
    pub crc_errors: u32,
    /// Frames received cut, too short or too long.
    pub framing_errors: u32,
    /// Whole frames that were not understood.
    pub unknown: u32,
    /// Octets lost because the receive ring was full.
    pub rx_overruns: u32,
    /// Frames not sent because the transmit ring was full.
    pub tx_dropped: u32,
    /// Blocks of silence played for want of a downlink block.
    pub underruns: u32,
    /// Downlink blocks thrown away because the buffer was full.
    pub overruns: u32,
    /// Events sent again.
    pub retransmissions: u32,
    /// Events lost because their queue was full.
    pub events_dropped: u32,
    /// Longest time around the firmware's main loop, µs.
    pub max_loop_us: u32,
}

/// What is wrong with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message came that needs a session, and none runs (after a restart, or the watchdog). Sent
    /// at most every 20 ms.
    NoSession,
    /// The host's major version is not the card's; the card stays safe and silent.
    Version {
        /// The card's version.
        major: u8,
        /// See `major`.
        minor: u8,
    },
    /// No valid frame came for the watchdog time: lines were made safe, the session has ended.
    Watchdog,
    /// An event was not acknowledged in five retransmissions; the session has ended.
    Undelivered,
    /// A supply is out of range.
    Power {
        /// Millivolts measured.
        millivolts: u16,
    },
    /// The card is too hot.
    Temperature {
        /// Degrees Celsius.
        celsius: i16,
    },
    /// A code of a later version.
    Unknown(u8),
}

/// Why a whole frame is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A type of a later version, or of the other direction: to be counted and skipped.
    UnknownType(u8),
    /// The payload is too short for its type, or holds an impossible value.
    Malformed(u8),
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownType(kind) => write!(f, "frame type {kind:#04x} is not known"),
            Self::Malformed(kind) => write!(f, "payload of frame type {kind:#04x} is malformed"),
        }
    }
}

impl core::error::Error for DecodeError {}

impl<'a> HostMessage<'a> {
    /// Writes the message as a frame; `None` when `out` is too small ([`crate::MAX_FRAME`] always
    /// suffices).
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer;
        match self {
            Self::Hello(hello) => {
                writer = FrameWriter::new(HELLO, 0, out);
                writer.bytes(&MAGIC);
                writer.u8(hello.major);
                writer.u8(hello.minor);
                writer.u32(hello.session);
                writer.u16(hello.watchdog_ms);
            }
            Self::Start => writer = FrameWriter::new(START, 0, out),
            Self::Stop => writer = FrameWriter::new(STOP, 0, out),
            Self::Command { session, seq, port, command } => {
                writer = FrameWriter::new(COMMAND, *seq, out);
                writer.u32(*session);
                writer.u8(*port);
                command.encode(&mut writer);
            }
            Self::Ack { session, next } => {
                writer = FrameWriter::new(ACK, *next, out);
                writer.u32(*session);
            }
            Self::Ping { token } => {
                writer = FrameWriter::new(PING, 0, out);
                writer.u32(*token);
            }
            Self::StatsRequest => writer = FrameWriter::new(STATS_REQUEST, 0, out),
            Self::Reset => writer = FrameWriter::new(RESET, 0, out),
            Self::Pcm { seq, pcm } => {
                writer = FrameWriter::new(PCM_DOWN, *seq, out);
                pcm.encode(&mut writer);
            }
        }
        writer.finish()
    }

    /// Reads a message from a frame.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let mut from = Reader(frame.payload);
        let message = match frame.kind {
            HELLO => Hello::decode(from).map(Self::Hello),
            START => Some(Self::Start),
            STOP => Some(Self::Stop),
            COMMAND => (|| {
                let (session, port) = (from.u32()?, from.u8()?);
                let command = LineCommand::decode(from)?;
                Some(Self::Command { session, seq: frame.seq, port, command })
            })(),
            ACK => from.u32().map(|session| Self::Ack { session, next: frame.seq }),
            PING => from.u32().map(|token| Self::Ping { token }),
            STATS_REQUEST => Some(Self::StatsRequest),
            RESET => Some(Self::Reset),
            PCM_DOWN => Pcm::decode(from).map(|pcm| Self::Pcm { seq: frame.seq, pcm }),
            kind => return Err(DecodeError::UnknownType(kind)),
        };
        message.ok_or(DecodeError::Malformed(frame.kind))
    }
}

impl<'a> CardMessage<'a> {
    /// Writes the message as a frame; `None` when `out` is too small ([`crate::MAX_FRAME`] always
    /// suffices).
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer;
        match self {
            Self::HelloAck(descriptor) => {
                writer = FrameWriter::new(HELLO_ACK, 0, out);
                descriptor.encode(&mut writer);
            }
            Self::Event { session, seq, clock, port, event } => {
                writer = FrameWriter::new(EVENT, *seq, out);
                writer.u32(*session);
                writer.u32(*clock);
                writer.u8(*port);
                event.encode(&mut writer);
            }
            Self::Ack { session, next } => {
                writer = FrameWriter::new(CARD_ACK, *next, out);
                writer.u32(*session);
            }
            Self::Pong { token, clock } => {
                writer = FrameWriter::new(PONG, 0, out);
                writer.u32(*token);
                writer.u32(*clock);
            }
            Self::Stats(stats) => {
                writer = FrameWriter::new(STATS, 0, out);
                stats.encode(&mut writer);
            }
            Self::Fault(fault) => {
                writer = FrameWriter::new(FAULT, 0, out);
                fault.encode(&mut writer);
            }
            Self::Pcm { seq, pcm } => {
                writer = FrameWriter::new(PCM_UP, *seq, out);
                pcm.encode(&mut writer);
            }
        }
        writer.finish()
    }

    /// Reads a message from a frame.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let mut from = Reader(frame.payload);
        let message = match frame.kind {
            HELLO_ACK => Descriptor::decode(from).map(Self::HelloAck),
            EVENT => (|| {
                let (session, clock, port) = (from.u32()?, from.u32()?, from.u8()?);
                let event = LineEvent::decode(from)?;
                Some(Self::Event { session, seq: frame.seq, clock, port, event })
            })(),
            CARD_ACK => from.u32().map(|session| Self::Ack { session, next: frame.seq }),
            PONG => (|| Some(Self::Pong { token: from.u32()?, clock: from.u32()? }))(),
            STATS => Stats::decode(from).map(Self::Stats),
            FAULT => Fault::decode(from).map(Self::Fault),
            PCM_UP => Pcm::decode(from).map(|pcm| Self::Pcm { seq: frame.seq, pcm }),
            kind => return Err(DecodeError::UnknownType(kind)),
        };
        message.ok_or(DecodeError::Malformed(frame.kind))
    }
}

impl Hello {
    fn decode(mut from: Reader<'_>) -> Option<Self> {
        if from.array()? != MAGIC {
            return None;
        }
        Some(Self {
            major: from.u8()?,
            minor: from.u8()?,
            session: from.u32()?,
            watchdog_ms: from.u16()?,
        })
    }
}

impl Stats {
    fn encode(&self, out: &mut FrameWriter<'_>) {
        for value in [
            self.uptime_ms,
            self.rx_frames,
            self.crc_errors,
            self.framing_errors,
            self.unknown,
            self.rx_overruns,
            self.tx_dropped,
            self.underruns,
            self.overruns,
            self.retransmissions,
            self.events_dropped,
            self.max_loop_us,
        ] {
            out.u32(value);
        }
    }

    fn decode(mut from: Reader<'_>) -> Option<Self> {
        Some(Self {
            uptime_ms: from.u32()?,
            rx_frames: from.u32()?,
            crc_errors: from.u32()?,
            framing_errors: from.u32()?,
            unknown: from.u32()?,
            rx_overruns: from.u32()?,
            tx_dropped: from.u32()?,
            underruns: from.u32()?,
            overruns: from.u32()?,
            retransmissions: from.u32()?,
            events_dropped: from.u32()?,
            max_loop_us: from.u32()?,
        })
    }
}

impl Fault {
    fn encode(&self, out: &mut FrameWriter<'_>) {
        let (code, a, b) = match self {
            Self::NoSession => (1, 0, 0),
            Self::Version { major, minor } => (2, *major, *minor),
            Self::Watchdog => (3, 0, 0),
            Self::Undelivered => (4, 0, 0),
            Self::Power { millivolts } => {
                let [a, b] = millivolts.to_le_bytes();
                (5, a, b)
            }
            Self::Temperature { celsius } => {
                let [a, b] = celsius.to_le_bytes();
                (6, a, b)
            }
            Self::Unknown(code) => (*code, 0, 0),
        };
        out.bytes(&[code, a, b]);
    }

    fn decode(mut from: Reader<'_>) -> Option<Self> {
        let [code, a, b] = from.array()?;
        Some(match code {
            1 => Self::NoSession,
            2 => Self::Version { major: a, minor: b },
            3 => Self::Watchdog,
            4 => Self::Undelivered,
            5 => Self::Power { millivolts: u16::from_le_bytes([a, b]) },
            6 => Self::Temperature { celsius: i16::from_le_bytes([a, b]) },
            code => Self::Unknown(code),
        })
    }
}

/// First octets of `Hello`: a card never takes line noise for a host.
const MAGIC: [u8; 4] = *b"TPRG";

const HELLO: u8 = 0x01;
const START: u8 = 0x02;
const STOP: u8 = 0x03;
const COMMAND: u8 = 0x04;
const ACK: u8 = 0x05;
const PING: u8 = 0x06;
const STATS_REQUEST: u8 = 0x07;
const RESET: u8 = 0x08;
const PCM_DOWN: u8 = 0x10;
const HELLO_ACK: u8 = 0x81;
const EVENT: u8 = 0x84;
const CARD_ACK: u8 = 0x85;
const PONG: u8 = 0x86;
const STATS: u8 = 0x87;
const FAULT: u8 = 0x8F;
const PCM_UP: u8 = 0x90;
