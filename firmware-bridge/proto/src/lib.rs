//! The host↔card contract: framing and messages, no_std, no alloc.
//!
//! What: the [`frame`] codec (COBS and CRC-32C over any byte stream), [`HostMessage`] and
//! [`CardMessage`] with all they carry, [`PcmBlock`] and [`delivery`], the acknowledged in-order
//! transport that commands and events share. Why: gateway and firmware compile the same file, so
//! they cannot disagree about a byte. Start at [`message`]; `docs/CARD-PROTOCOL.md` is the same
//! contract in prose, for cards written elsewhere. What never enters: std, alloc, a clock, a
//! driver, any decision about a call.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod command;
mod crc;
pub mod delivery;
pub mod descriptor;
pub mod event;
pub mod frame;
pub mod message;
pub mod pcm;

pub use command::{Cadence, Impedance, LineCommand, Linefeed, Ring};
pub use crc::crc32c;
pub use delivery::{Arrival, Delivery, Receiver, Sender};
pub use descriptor::{Abilities, Descriptor, Law, Port, PortKind};
pub use event::LineEvent;
pub use frame::{Decoder, Frame, FrameCounters};
pub use message::{CardMessage, DecodeError, Fault, Hello, HostMessage, Stats};
pub use pcm::{Pcm, PcmBlock};

/// Protocol version this crate speaks: another major is refused, minors only add.
pub const PROTOCOL_MAJOR: u8 = 1;
/// See [`PROTOCOL_MAJOR`].
pub const PROTOCOL_MINOR: u8 = 0;

/// Samples of a channel in one PCM block: 5 ms at 8 kHz.
pub const BLOCK_SAMPLES: usize = 40;
/// Duration of a PCM block in microseconds of the card's clock.
pub const BLOCK_MICROS: u64 = 5_000;
/// Most PCM channels of a card.
pub const MAX_CHANNELS: usize = 128;
/// Most ports of a card.
pub const MAX_PORTS: usize = 128;

/// Most octets of a frame's payload: a PCM block of [`MAX_CHANNELS`].
pub const MAX_PAYLOAD: usize = pcm::HEADER_LEN + MAX_CHANNELS * BLOCK_SAMPLES;
/// Most octets of a frame before COBS: type, sequence number, payload, CRC.
pub const MAX_BODY: usize = 2 + MAX_PAYLOAD + 4;
/// Most octets of a frame on the wire: COBS adds one octet for each 254 begun, and a delimiter
/// stands on each side.
pub const MAX_FRAME: usize = MAX_BODY + MAX_BODY / 254 + 1 + 2;

/// The host repeats `Hello` this often until it is answered, ms.
pub const HELLO_INTERVAL_MS: u64 = 200;
/// The host sends `Ping` this often while a session runs, ms.
pub const HEARTBEAT_MS: u64 = 20;
/// Watchdog that the host asks for unless configured otherwise, ms: a card that heard no valid
/// frame for so long ends the session and makes its lines safe.
pub const WATCHDOG_MS: u16 = 2_000;
/// A card that heard no valid frame for so long mutes its lines, ms.
pub const MUTE_MS: u64 = 500;
