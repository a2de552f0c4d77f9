//! Caller ID as a telephone receives it: messages of Bellcore GR-30 / GR-31 / GR-1188 and ETSI EN
//! 300 659-3, and the bursts of FSK that carry them.
//!
//! ```text
//!   Message ──to_mdmf──► octets ──burst──► samples ═══ line ═══►
//!           fsk::Demodulator ──octets──► Receiver ──parse──► Presentation ──► Message
//! ```
//!
//! Where another call waits, [`Alert`] comes first and the telephone answers with a key. Some countries send keys only: [`Form`].

mod alert;
mod digits;
mod message;
mod presentation;
mod receiver;

pub use alert::{ACKNOWLEDGEMENTS, ALERT_DBM0, ALERT_HZ, Alert, AlertDetector, Alerted};
pub use digits::{Dialled, DigitReceiver, FORMS, Form};
pub use message::{Date, Error, Field, Message, parse};
pub use presentation::{MessageType, Parameter, Presentation};
pub use receiver::{Failure, Received, Receiver, read};

use crate::fsk::{Modulator, Standard};

/// Level of a burst where nobody says otherwise, dBm0 (GR-30: -13.5 dBm at the exchange).
pub const LEVEL_DBM0: f32 = -13.5;

/// What precedes the octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadIn {
    /// Alternating bits, a zero first: the channel seizure signal.
    pub seizure_bits: u16,
    /// Ones: the mark signal.
    pub mark_bits: u16,
}

impl LeadIn {
    /// On-hook, between or before rings (GR-30 §2.3.1, EN 300 659-1 §6.1.1).
    pub const ON_HOOK: LeadIn = LeadIn { seizure_bits: 300, mark_bits: 180 };
    /// Off-hook, after the acknowledged alert of a waiting call (EN 300 659-2): no seizure, 80
    /// marks.
    pub const OFF_HOOK: LeadIn = LeadIn { seizure_bits: 0, mark_bits: 80 };
}

/// Marks after the checksum, so that the last stop bit is whole for any receiver.
const MARK_OUT_BITS: u16 = 10;

/// The whole on-hook transmission of a message in its multiple data format, at [`LEVEL_DBM0`].
pub fn burst(message: &Message, standard: Standard) -> Vec<i16> {
    transmission(&message.to_mdmf(), &mut Modulator::new(standard, LEVEL_DBM0), LeadIn::ON_HOOK)
}

/// The whole transmission of octets (a message with its type, length and checksum) by any
/// modulator.
pub fn transmission(octets: &[u8], modulator: &mut Modulator, lead_in: LeadIn) -> Vec<i16> {
    let bits = usize::from(lead_in.seizure_bits)
        + usize::from(lead_in.mark_bits)
        + octets.len() * 10
        + usize::from(MARK_OUT_BITS);
    let mut samples = Vec::with_capacity(bits * 7);
    for i in 0..lead_in.seizure_bits {
        modulator.bit(i % 2 == 1, |s| samples.push(s));
    }
    for _ in 0..lead_in.mark_bits {
        modulator.bit(true, |s| samples.push(s));
    }
    for octet in octets {
        modulator.octet(*octet, |s| samples.push(s));
    }
    for _ in 0..MARK_OUT_BITS {
        modulator.bit(true, |s| samples.push(s));
    }
    samples
}
