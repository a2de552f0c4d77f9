//! The carrier of V.21 and what its bits begin with.
//!
//! ```text
//!   bank: a channel's band has most of the power ─► mixed with mark and space ─► sums over a bit ─► the stronger
//!     ─► clock set by each change ─► bits ─► 3 HDLC flags | ten ones, sync, first octet of V.8
//! ```

use super::{CallFunction, Event, MIN_POWER, Signal, dbm0_of_power};
use crate::{
    bank::{Frame, HOP, SPACING_HZ, WINDOW},
    oscillator::{Phase, cosine, sine, step_of_hz},
};

/// A channel of V.21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// The caller's: 980 Hz is 1, 1180 Hz is 0.
    One,
    /// The answerer's, and that of T.30: 1650 Hz is 1, 1850 Hz is 0.
    Two,
}

impl Channel {
    const fn mark_hz(self) -> f32 {
        match self {
            Channel::One => 980.0,
            Channel::Two => 1650.0,
        }
    }

    /// Frequencies of the bank that hold the channel, in spacings.
    const fn band(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Channel::One => 9..=13,
            Channel::Two => 15..=20,
        }
    }
}

/// Hz from mark to space.
const SHIFT_HZ: f32 = 200.0;

/// Samples of a bit, rounded.
const BIT: usize = 27;

/// Bits in a sample.
const BITS_PER_SAMPLE: f32 = 300.0 / 8000.0;

/// Share of the power that the band shows from which bits are looked for: 0.5 to 1 for V.21 alone, 0.15 for noise.
const MIN_SHARE: f32 = 0.3;

/// Frames without the band after which the carrier is gone.
const MAX_MISSED: u8 = 5;

/// HDLC flags on end that are a preamble (T.30 §5.3.1 sends them for a second).
const FLAGS: u32 = 0x7E_7E7E;

/// V.8 §5: what follows the ten ones, with its start and stop bit, oldest bit first.
const SYNC_CI: u64 = 0b00_0000_0001;
const SYNC_CM: u64 = 0b00_0000_1111;

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    channel: Channel,
    missed: u8,
    /// What sounds, since where, with the power of so many frames.
    sounding: Option<(u64, f32, u32)>,
    told: Option<Signal>,
    receiver: Receiver,
}

impl Carrier {
    pub fn new(channel: Channel) -> Carrier {
        let receiver = Receiver::new(channel);
        Carrier { channel, missed: 0, sounding: None, told: None, receiver }
    }

    /// Listens to the frame whose window ends at this position, and to its newest samples.
    pub fn hear(&mut self, frame: &Frame, end: u64, hop: &[i16], event: &mut impl FnMut(Event)) {
        let band: f32 = self.channel.band().map(|at| frame.power(at)).sum();
        let sounds = band >= MIN_SHARE * frame.total && frame.total >= MIN_POWER;
        match (&mut self.sounding, sounds) {
            (None, false) => return,
            (None, true) => {
                self.receiver = Receiver::new(self.channel);
                // The window's middle, as half of it was enough.
                let start = end.saturating_sub(WINDOW as u64 / 2);
                self.sounding = Some((start, frame.total, 1));
                self.missed = 0;
            }
            (Some((_, power, frames)), true) => {
                *power += frame.total;
                *frames += 1;
                self.missed = 0;
            }
            (Some(_), false) => self.missed += 1,
        }
        let Some((start, power, frames)) = self.sounding else { return };
        let level_dbm0 = dbm0_of_power(power / frames as f32);
        let hz = self.channel.mark_hz() + SHIFT_HZ / 2.0;
        if self.missed > MAX_MISSED {
            self.sounding = None;
            if let Some(signal) = self.told.take() {
                let silent = u64::from(self.missed) * HOP as u64;
                let samples = (end - silent).saturating_sub(start);
                event(Event::Ended { signal, start, samples, level_dbm0, hz });
            }
            return;
        }
        for sample in hop {
            let Some(signal) = self.receiver.hear(*sample) else { continue };
            let allowed = match signal {
                Signal::Preamble | Signal::JointMenu(_) => self.channel == Channel::Two,
                _ => self.channel == Channel::One,
            };
            if allowed && self.told != Some(signal) {
                self.told = Some(signal);
                event(Event::Began { signal, start, level_dbm0, hz });
            }
        }
    }
}

/// Takes bits out of samples.
#[derive(Clone, Debug)]
struct Receiver {
    channel: Channel,
    phases: [Phase; 2],
    steps: [Phase; 2],
    /// The last samples times both carriers, and the sums of all.
    mixed: [[f32; 4]; BIT],
    sums: [f32; 4],
    at: usize,
    /// Since the last bit was taken, in bits.
    clock: f32,
    was_mark: bool,
    /// The newest bit is the lowest.
    bits: u64,
}

impl Receiver {
    fn new(channel: Channel) -> Receiver {
        let mark = channel.mark_hz();
        Receiver {
            channel,
            phases: [0; 2],
            steps: [step_of_hz(mark), step_of_hz(mark + SHIFT_HZ)],
            mixed: [[0.0; 4]; BIT],
            sums: [0.0; 4],
            at: 0,
            clock: 0.0,
            was_mark: false,
            bits: 0,
        }
    }

    /// What the bits up to this sample have just said.
    fn hear(&mut self, sample: i16) -> Option<Signal> {
        let x = f32::from(sample);
        let [mark, space] = self.phases;
        let new = [x * cosine(mark), x * sine(mark), x * cosine(space), x * sine(space)];
        let old = std::mem::replace(&mut self.mixed[self.at], new);
        for ((sum, new), old) in self.sums.iter_mut().zip(new).zip(old) {
            *sum += new - old;
        }
        self.at = (self.at + 1) % BIT;
        for (phase, step) in self.phases.iter_mut().zip(self.steps) {
            *phase = phase.wrapping_add(step);
        }
        let [a, b, c, d] = self.sums;
        let is_mark = a * a + b * b > c * c + d * d;
        self.clock += BITS_PER_SAMPLE;
        if is_mark != self.was_mark {
            self.was_mark = is_mark;
            // Sums change over in the middle between the places where they hold one bit alone.
            self.clock += 0.4 * (0.5 - self.clock);
        }
        if self.clock < 1.0 {
            return None;
        }
        self.clock -= 1.0;
        self.bits = self.bits << 1 | u64::from(is_mark);
        self.says()
    }

    fn says(&self) -> Option<Signal> {
        if self.bits as u32 & 0xFF_FFFF == FLAGS {
            return Some(Signal::Preamble);
        }
        let ten = |back: u32| self.bits >> back & 0x3FF;
        if ten(20) != 0x3FF || ten(0) & 0x201 != 1 {
            return None;
        }
        // Start bit, eight bits from the lowest on, stop bit.
        let octet = (ten(0) >> 1) as u8;
        let function = call_function(octet.reverse_bits());
        match (ten(10), self.channel) {
            (SYNC_CI, Channel::One) => Some(Signal::CallIndicator(function)),
            (SYNC_CM, Channel::One) => Some(Signal::CallMenu(function)),
            (SYNC_CM, Channel::Two) => Some(Signal::JointMenu(function)),
            _ => None,
        }
    }
}

/// V.8 table 3.
fn call_function(octet: u8) -> CallFunction {
    if octet & 0x1F != 1 {
        return CallFunction::Unknown;
    }
    match octet >> 5 {
        0 => CallFunction::Unassigned,
        1 => CallFunction::H324,
        2 => CallFunction::V18,
        3 => CallFunction::T101,
        4 => CallFunction::T30Transmit,
        5 => CallFunction::T30Receive,
        6 => CallFunction::Data,
        _ => CallFunction::Extended,
    }
}

/// Both tones lie within the bank's band, a spacing from its ends.
const _: () = assert!(SHIFT_HZ == 2.0 * SPACING_HZ);
