//! What the host asks of a port.
//!
//! Opcodes 0x01–0x1F are FXS; 0x20–0x3F (FXO) and 0x40–0x5F (ISDN) are reserved.

use crate::frame::{FrameWriter, Reader};

/// A command to one port. Delivered once and in order, see [`crate::delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineCommand {
    /// Feeds the loop so, until told otherwise. Ends ringing and an open-loop interval.
    Linefeed(Linefeed),
    /// Starts ringing; the card runs the cadence, reports each edge and stops by itself at ring
    /// trip.
    Ring(Ring),
    /// Ends ringing; the feed is [`Linefeed::Forward`] afterwards.
    StopRing,
    /// Opens the loop for so long (the disconnect signal), then feeds as before.
    OpenLoop {
        /// Duration, ms.
        ms: u16,
    },
    /// Swaps tip and ring of the active feed, keeping on-hook transmission as it is.
    Polarity {
        /// True: reversed battery.
        reversed: bool,
    },
    /// A loop break of this length is a hook flash; a longer one is on-hook, a shorter one a dial
    /// pulse or noise.
    FlashWindow {
        /// Shortest flash, ms.
        min_ms: u16,
        /// Longest flash, ms; 0 switches flash detection off.
        max_ms: u16,
    },
    /// Gain of both directions, in tenths of a dB; the card takes the nearest it has.
    Gain {
        /// From the phone to the host.
        tx_db10: i16,
        /// From the host to the phone.
        rx_db10: i16,
    },
    /// Two-wire impedance.
    Impedance(Impedance),
    /// An opcode that this side does not know (decoded only). A card acknowledges it and answers
    /// [`crate::LineEvent::Unsupported`].
    Unknown(u8),
}

/// Loop feed of an FXS port. The numbers are those of Si3210 register 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Linefeed {
    /// No current: out of service.
    Open = 0,
    /// Normal feed, tip positive; hook is watched.
    Forward = 1,
    /// Normal feed with speech path to an on-hook phone, for caller ID.
    ForwardOnHookTransmission = 2,
    /// Tip open (ground start).
    TipOpen = 3,
    /// Reversed feed.
    Reverse = 5,
    /// Reversed feed with speech path to an on-hook phone.
    ReverseOnHookTransmission = 6,
    /// Ring open.
    RingOpen = 7,
}

/// Nominal two-wire impedance. The numbers are those of Si3210 register 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Impedance {
    /// 600 Ω.
    Ohm600 = 0,
    /// 900 Ω.
    Ohm900 = 1,
    /// Japan: 600 Ω + 1 µF.
    Japan = 2,
    /// 900 Ω + 2.16 µF.
    Ohm900Capacitor = 3,
    /// CTR 21: 270 Ω + (750 Ω ‖ 150 nF).
    Ctr21 = 4,
    /// Australia and New Zealand: 220 Ω + (820 Ω ‖ 120 nF).
    Australia = 5,
    /// South Africa: 220 Ω + (820 Ω ‖ 115 nF).
    SouthAfrica = 6,
    /// China: 200 Ω + (680 Ω ‖ 100 nF).
    China = 7,
}

/// How to ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Bursts and pauses.
    pub cadence: Cadence,
    /// Frequency, tenths of Hz (200 = 20 Hz).
    pub frequency_dhz: u16,
}

/// Up to [`Cadence::MAX_PAIRS`] bursts with their pauses, then again from one of them for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// On and off time of each pair, ms; those past `len` are zero.
    pub pairs: [(u16, u16); Self::MAX_PAIRS],
    /// How many pairs count, 1 to [`Cadence::MAX_PAIRS`].
    pub len: u8,
    /// Index of the pair that follows the last; `len` means that ringing ends there.
    pub repeat_from: u8,
}

impl Cadence {
    /// Most pairs.
    pub const MAX_PAIRS: usize = 8;

    /// A cadence; `None` when there is no pair, there are too many, or `repeat_from` points past
    /// them.
    pub fn new(pairs: &[(u16, u16)], repeat_from: u8) -> Option<Self> {
        let mut cadence =
            Self { pairs: [(0, 0); Self::MAX_PAIRS], len: pairs.len() as u8, repeat_from };
        if pairs.is_empty() || usize::from(repeat_from) > pairs.len() {
            return None;
        }
        cadence.pairs.get_mut(..pairs.len())?.copy_from_slice(pairs);
        Some(cadence)
    }

    /// The pair at `index`, counted from the first burst of the call; `None` when ringing has ended
    /// by then.
    pub fn pair(&self, index: u32) -> Option<(u16, u16)> {
        let (len, from) = (u32::from(self.len), u32::from(self.repeat_from));
        let index = match index.checked_sub(len) {
            None => index,
            Some(past) => from + past.checked_rem(len.saturating_sub(from))?,
        };
        self.pairs.get(index as usize).copied()
    }

    /// The pairs that count.
    pub fn as_slice(&self) -> &[(u16, u16)] {
        self.pairs.get(..usize::from(self.len)).unwrap_or(&self.pairs)
    }
}

impl LineCommand {
    /// The opcode on the wire.
    pub const fn opcode(&self) -> u8 {
        match self {
            Self::Linefeed(_) => 0x01,
            Self::Ring(_) => 0x02,
            Self::StopRing => 0x03,
            Self::OpenLoop { .. } => 0x04,
            Self::Polarity { .. } => 0x05,
            Self::FlashWindow { .. } => 0x06,
            Self::Gain { .. } => 0x07,
            Self::Impedance(_) => 0x08,
            Self::Unknown(opcode) => *opcode,
        }
    }

    pub(crate) fn encode(&self, out: &mut FrameWriter<'_>) {
        out.u8(self.opcode());
        match self {
            Self::Linefeed(feed) => out.u8(*feed as u8),
            Self::Ring(ring) => {
                out.u16(ring.frequency_dhz);
                out.u8(ring.cadence.as_slice().len() as u8);
                out.u8(ring.cadence.repeat_from);
                for (on, off) in ring.cadence.as_slice() {
                    out.u16(*on);
                    out.u16(*off);
                }
            }
            Self::StopRing | Self::Unknown(_) => {}
            Self::OpenLoop { ms } => out.u16(*ms),
            Self::Polarity { reversed } => out.u8(u8::from(*reversed)),
            Self::FlashWindow { min_ms, max_ms } => {
                out.u16(*min_ms);
                out.u16(*max_ms);
            }
            Self::Gain { tx_db10, rx_db10 } => {
                out.i16(*tx_db10);
                out.i16(*rx_db10);
            }
            Self::Impedance(impedance) => out.u8(*impedance as u8),
        }
    }

    /// Octets past the known fields are ignored: a later minor version may add some. A known opcode
    /// with fields that this version cannot read is [`LineCommand::Unknown`] too, so that it is
    /// acknowledged and refused instead of sent for ever. `None`: not even an opcode.
    pub(crate) fn decode(mut from: Reader<'_>) -> Option<Self> {
        let opcode = from.u8()?;
        Some(Self::decode_fields(opcode, from).unwrap_or(Self::Unknown(opcode)))
    }

    fn decode_fields(opcode: u8, mut from: Reader<'_>) -> Option<Self> {
        Some(match opcode {
            0x01 => Self::Linefeed(Linefeed::from_wire(from.u8()?)?),
            0x02 => Self::Ring(Ring::decode(from)?),
            0x03 => Self::StopRing,
            0x04 => Self::OpenLoop { ms: from.u16()? },
            0x05 => Self::Polarity { reversed: from.u8()? != 0 },
            0x06 => Self::FlashWindow { min_ms: from.u16()?, max_ms: from.u16()? },
            0x07 => Self::Gain { tx_db10: from.i16()?, rx_db10: from.i16()? },
            0x08 => Self::Impedance(Impedance::from_wire(from.u8()?)?),
            _ => return None,
        })
    }
}

impl Ring {
    fn decode(mut from: Reader<'_>) -> Option<Self> {
        let frequency_dhz = from.u16()?;
        let (len, repeat_from) = (from.u8()?, from.u8()?);
        let mut pairs = [(0, 0); Cadence::MAX_PAIRS];
        let pairs = pairs.get_mut(..usize::from(len))?;
        for pair in pairs.iter_mut() {
            *pair = (from.u16()?, from.u16()?);
        }
        Some(Self { cadence: Cadence::new(pairs, repeat_from)?, frequency_dhz })
    }
}

impl Linefeed {
    /// The feed with this number.
    pub const fn from_wire(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Open,
            1 => Self::Forward,
            2 => Self::ForwardOnHookTransmission,
            3 => Self::TipOpen,
            5 => Self::Reverse,
            6 => Self::ReverseOnHookTransmission,
            7 => Self::RingOpen,
            _ => return None,
        })
    }
}

impl Impedance {
    /// The impedance with this number.
    pub const fn from_wire(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Ohm600,
            1 => Self::Ohm900,
            2 => Self::Japan,
            3 => Self::Ohm900Capacitor,
            4 => Self::Ctr21,
            5 => Self::Australia,
            6 => Self::SouthAfrica,
            7 => Self::China,
            _ => return None,
        })
    }
}
