//! What a port tells the host.
//!
//! Codes 0x01–0x1F are FXS and common to all; 0x20–0x3F (FXO) and 0x40–0x5F (ISDN) are reserved.

use crate::frame::{FrameWriter, Reader};

/// An event of one port. Delivered once and in order, see [`crate::delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEvent {
    /// The debounced hook changed and it was neither a flash nor a dial pulse. Also sent for every
    /// FXS port when a session begins, so that the host knows where it stands.
    Hook {
        /// True: off-hook.
        off: bool,
    },
    /// The loop was broken for a time inside the flash window.
    Flash {
        /// Length of the break, ms.
        ms: u16,
    },
    /// A digit was dialled with a rotary dial or pulse key pad.
    PulseDigit {
        /// 0 to 9; ten pulses are 0.
        digit: u8,
        /// Mean rate, tenths of pulses per second (100 = 10 pps).
        pps_x10: u16,
        /// Mean share of the break in a pulse, percent.
        break_percent: u8,
    },
    /// An edge of the ringing cadence: caller ID is timed by it.
    Ringing {
        /// True: a burst begins. False: it ends.
        on: bool,
    },
    /// The phone went off-hook while rung; ringing has stopped by itself. `Hook { off: true }` does
    /// not follow.
    RingTrip,
    /// Loop current, sent when it settles after off-hook and when it changes by more than 2 mA.
    LoopCurrent {
        /// Tenths of mA, negative when reversed.
        ma_x10: i16,
    },
    /// The chip cut the feed to protect itself; the card feeds the line again by itself after 1 s.
    PowerAlarm {
        /// Bit n: transistor Qn+1 overloaded (Si3210 register 19, bits 7:2).
        transistors: u8,
    },
    /// The port is out of order.
    Fault {
        /// 1 no chip, 2 chip lost its settings, 3 no battery, 4 calibration failed; others are for
        /// logs.
        code: u8,
    },
    /// The card does not know a command, or not with this value.
    Unsupported {
        /// Opcode of the command.
        opcode: u8,
    },
    /// A code that this side does not know (decoded only). It is acknowledged and counted.
    Unknown(u8),
}

impl LineEvent {
    /// The code on the wire.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Hook { .. } => 0x01,
            Self::Flash { .. } => 0x02,
            Self::PulseDigit { .. } => 0x03,
            Self::Ringing { .. } => 0x04,
            Self::RingTrip => 0x05,
            Self::LoopCurrent { .. } => 0x06,
            Self::PowerAlarm { .. } => 0x07,
            Self::Fault { .. } => 0x08,
            Self::Unsupported { .. } => 0x09,
            Self::Unknown(code) => *code,
        }
    }

    pub(crate) fn encode(&self, out: &mut FrameWriter<'_>) {
        out.u8(self.code());
        match self {
            Self::Hook { off } => out.u8(u8::from(*off)),
            Self::Flash { ms } => out.u16(*ms),
            Self::PulseDigit { digit, pps_x10, break_percent } => {
                out.u8(*digit);
                out.u16(*pps_x10);
                out.u8(*break_percent);
            }
            Self::Ringing { on } => out.u8(u8::from(*on)),
            Self::RingTrip | Self::Unknown(_) => {}
            Self::LoopCurrent { ma_x10 } => out.i16(*ma_x10),
            Self::PowerAlarm { transistors } => out.u8(*transistors),
            Self::Fault { code } => out.u8(*code),
            Self::Unsupported { opcode } => out.u8(*opcode),
        }
    }

    /// Octets past the known fields are ignored: a later minor version may add some. A known code
    /// with fields that this version cannot read is [`LineEvent::Unknown`] too, so that it is
    /// acknowledged and counted instead of sent for ever. `None`: not even a code.
    pub(crate) fn decode(mut from: Reader<'_>) -> Option<Self> {
        let code = from.u8()?;
        Some(Self::decode_fields(code, from).unwrap_or(Self::Unknown(code)))
    }

    fn decode_fields(code: u8, mut from: Reader<'_>) -> Option<Self> {
        Some(match code {
            0x01 => Self::Hook { off: from.u8()? != 0 },
            0x02 => Self::Flash { ms: from.u16()? },
            0x03 => Self::PulseDigit {
                digit: from.u8().filter(|digit| *digit <= 9)?,
                pps_x10: from.u16()?,
                break_percent: from.u8()?,
            },
            0x04 => Self::Ringing { on: from.u8()? != 0 },
            0x05 => Self::RingTrip,
            0x06 => Self::LoopCurrent { ma_x10: from.i16()? },
            0x07 => Self::PowerAlarm { transistors: from.u8()? },
            0x08 => Self::Fault { code: from.u8()? },
            0x09 => Self::Unsupported { opcode: from.u8()? },
            _ => return None,
        })
    }
}
