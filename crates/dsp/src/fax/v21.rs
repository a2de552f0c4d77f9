//! The carrier of V.21 and what its bits begin with.
//!
//! ```text
//!   bank: a channel's band has most of the power ─► mixed with mark and space ─► sums over a bit ─► the stronger
//!     ─► clock set by each change ─► bits ─► 3 HDLC flags | ten ones, sync, first octet of V.8
//! ```

use super::{CallFunction, Event, MIN_POWER, Signal, dbm0_of_power};
use crate::{
    SAMPLE_RATE,
    bank::{Bank, HOP, SPACING_HZ, WINDOW},
    oscillator::{Phase, cosine, sine, step_of_hz},
    simd::per_processor,
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

/// Samples that are summed before a decision.
const STEP: usize = 4;

/// Steps of a bit, rounded: 28 samples for 26 ⅔.
const BIT: usize = 7;

/// Bits in a step.
const BITS_PER_STEP: f32 = STEP as f32 * 300.0 / SAMPLE_RATE as f32;

/// Share of the power that the band shows from which bits are looked for: 0.5 to 1 for V.21 alone, 0.15 for noise.
const MIN_SHARE: f32 = 0.33;

/// Frames on end that have it first: speech has it in one or two every now and then.
const MIN_FRAMES: u8 = 3;

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
    /// Frames on end with the band's sound, and without it.
    met: u8,
    missed: u8,
    /// What sounds, since where, with the power of so many frames.
    sounding: Option<(u64, f32, u32)>,
    told: Option<Signal>,
    receiver: Receiver,
}

impl Carrier {
    pub fn new(channel: Channel) -> Carrier {
        let receiver = Receiver::new(channel);
        Carrier { channel, met: 0, missed: 0, sounding: None, told: None, receiver }
    }

    /// Listens to the newest frame and its newest samples.
    pub fn hear(&mut self, bank: &Bank, event: &mut impl FnMut(Event)) {
        let (frame, end) = (bank.frame(0), bank.position());
        let mut sounds = frame.total >= MIN_POWER;
        if sounds {
            let band: f32 = self.channel.band().map(|at| frame.power(at)).sum();
            sounds = band >= MIN_SHARE * frame.total;
        }
        match (&mut self.sounding, sounds) {
            (None, false) => {
                self.met = 0;
                return;
            }
            (None, true) => {
                self.met += 1;
                if self.met < MIN_FRAMES {
                    return;
                }
                self.receiver = Receiver::new(self.channel);
                // The middle of the first window, as half of it was enough.
                let since = usize::from(MIN_FRAMES - 1) * HOP + WINDOW / 2;
                self.sounding = Some((end.saturating_sub(since as u64), frame.total, 1));
                (self.met, self.missed) = (0, 0);
            }
            (Some((_, power, frames)), true) => {
                *power += frame.total;
                *frames += 1;
                self.missed = 0;
            }
            (Some(_), false) => self.missed += 1,
        }
        let Some((mut start, power, frames)) = self.sounding else { return };
        let mut level_dbm0 = dbm0_of_power(power / frames as f32);
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
        let mixed = self.receiver.mix(bank.last_hop());
        for step in mixed.as_chunks::<STEP>().0 {
            let Some(signal) = self.receiver.hear(step) else { continue };
            let allowed = match signal {
                Signal::Preamble | Signal::JointMenu(_) => self.channel == Channel::Two,
                Signal::CallIndicator(_) | Signal::CallMenu(_) => self.channel == Channel::One,
                Signal::Cng
                | Signal::CallingTone
                | Signal::Ans
                | Signal::AnsReversed
                | Signal::Ansam
                | Signal::AnsamReversed
                | Signal::BellAnswer => false,
            };
            if !allowed || self.told == Some(signal) {
                continue;
            }
            // One signal takes over from another where that is heard.
            if let Some(before) = self.told.replace(signal) {
                let samples = end.saturating_sub(start);
                event(Event::Ended { signal: before, start, samples, level_dbm0, hz });
                (start, level_dbm0) = (end, dbm0_of_power(frame.total));
                self.sounding = Some((end, frame.total, 1));
            }
            event(Event::Began { signal, start, level_dbm0, hz });
        }
    }
}

/// Takes bits out of samples.
#[derive(Clone, Debug)]
struct Receiver {
    channel: Channel,
    /// Of mark and space.
    phases: [Phase; 2],
    /// Cosine and sine of mark, then of space, in each of the last steps.
    steps: [[f32; 4]; BIT],
    at: usize,
    /// Since the last bit was taken, in bits.
    clock: f32,
    was_mark: bool,
    /// The newest bit is the lowest.
    bits: u64,
}

impl Receiver {
    fn new(channel: Channel) -> Receiver {
        Receiver {
            channel,
            phases: [0; 2],
            steps: [[0.0; 4]; BIT],
            at: 0,
            clock: 0.0,
            was_mark: false,
            bits: 0,
        }
    }

    /// The samples times the carriers.
    fn mix(&mut self, hop: &[i16; HOP]) -> [[f32; 4]; HOP] {
        let mut mixed = [[0.0; 4]; HOP];
        let mark = self.channel.mark_hz();
        for (carrier, hz) in [mark, mark + SHIFT_HZ].into_iter().enumerate() {
            let (phase, step) = (self.phases[carrier], step_of_hz(hz));
            let mut parts = [[0.0; HOP]; 2];
            multiply(hop, phase, step, &mut parts);
            for (mixed, (re, im)) in mixed.iter_mut().zip(parts[0].iter().zip(parts[1])) {
                (mixed[2 * carrier], mixed[2 * carrier + 1]) = (*re, im);
            }
            self.phases[carrier] = phase.wrapping_add(step.wrapping_mul(HOP as u32));
        }
        mixed
    }

    /// What the bits up to this step have just said.
    fn hear(&mut self, step: &[[f32; 4]; STEP]) -> Option<Signal> {
        let sum = |a: [f32; 4], b: &[f32; 4]| std::array::from_fn(|i| a[i] + b[i]);
        self.steps[self.at] = step.iter().fold([0.0; 4], sum);
        self.at = (self.at + 1) % BIT;
        let [a, b, c, d] = self.steps.iter().fold([0.0; 4], sum);
        let is_mark = a * a + b * b > c * c + d * d;
        self.clock += BITS_PER_STEP;
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

per_processor! {
    /// Samples times the cosine and the sine of a carrier.
    fn multiply(hop: &[i16; HOP], phase: Phase, step: Phase, out: &mut [[f32; HOP]; 2]) {
        let [re, im] = out;
        for (n, ((re, im), x)) in re.iter_mut().zip(im).zip(hop).enumerate() {
            let phase = phase.wrapping_add(step.wrapping_mul(n as u32));
            (*re, *im) = (f32::from(*x) * cosine(phase), f32::from(*x) * sine(phase));
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
