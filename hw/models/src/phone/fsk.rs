//! The modem of a caller-ID display: 1200 Bd FSK to octets.
//!
//! ```text
//!  samples ─► two quadrature correlators, one bit long ─► which is stronger ─► bit clock ─► octets
//!               1250 Hz and 2150 Hz, halfway between        (fractional edge)
//!               Bell 202 (1200/2200) and V.23 (1300/2100)
//! ```
//!
//! Fifty hertz off centre cost nothing in a window of one bit; which of the two standards is sent shows in the way the
//! mark correlator's vector turns.

use crate::BLOCK_SAMPLES;

/// Something the demodulator found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An octet between a start and a stop bit.
    Octet {
        value: u8,
        /// Bits of mark before its start bit.
        mark_bits: u32,
    },
    /// A stop bit was missing.
    BadStop,
}

#[derive(Clone, Debug)]
pub(super) struct Demodulator {
    mark: Correlator,
    space: Correlator,
    /// Mark less space of the last sample.
    last: f32,
    /// Samples since the last change to mark, in 1/256.
    mark_time: u32,
    /// Turning of the mark vector, summed over the mark that lasts.
    turn: f32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Waiting for a start bit.
    Mark,
    /// In an octet: time to the next sampling point in 1/256 sample, bits seen, value so far.
    Octet { next: i32, bits: u8, value: u8, mark_bits: u32 },
}

impl Default for Demodulator {
    fn default() -> Self {
        Self {
            mark: Correlator::new(1250.0),
            space: Correlator::new(2150.0),
            last: 0.0,
            mark_time: 0,
            turn: 0.0,
            state: State::Mark,
        }
    }
}

impl Demodulator {
    /// Whether the mark that was heard last turned towards 1300 Hz (V.23) rather than 1200 Hz (Bell 202).
    pub(super) fn is_v23(&self) -> bool {
        self.turn > 0.0
    }

    /// Takes a block; calls `found` for each thing found in it.
    pub(super) fn demodulate(
        &mut self,
        block: &[i16; BLOCK_SAMPLES],
        mut found: impl FnMut(&Self, Found),
    ) {
        for sample in block {
            let x = f32::from(*sample);
            let (mark, turn) = self.mark.push(x);
            let (space, _) = self.space.push(x);
            let difference = mark - space;
            if let Some(thing) = self.clock(difference, turn) {
                found(self, thing);
            }
            self.last = difference;
        }
    }

    fn clock(&mut self, difference: f32, turn: f32) -> Option<Found> {
        let (is_mark, was_mark) = (difference > 0.0, self.last > 0.0);
        // How long ago in this sample the line crossed zero, in 1/256.
        let since = (difference / (difference - self.last) * 256.0) as i32;
        match self.state {
            State::Mark if is_mark => {
                if was_mark {
                    self.mark_time = self.mark_time.saturating_add(256);
                    self.turn += turn;
                } else {
                    self.mark_time = 0;
                    self.turn = 0.0;
                }
            }
            State::Mark if was_mark => {
                let mark_bits = self.mark_time * 100 / BIT_X100;
                self.state =
                    State::Octet { next: BIT + BIT / 2 - since, bits: 0, value: 0, mark_bits };
            }
            State::Mark => {}
            State::Octet { next, bits, value, mark_bits } => {
                let next = next - 256;
                if next > 0 {
                    self.state = State::Octet { next, bits, value, mark_bits };
                    return None;
                }
                if bits == 8 {
                    self.state = State::Mark;
                    // The stop bit's middle: half a bit of mark has passed.
                    self.mark_time = if is_mark { BIT as u32 / 2 } else { 0 };
                    return Some(if is_mark {
                        Found::Octet { value, mark_bits }
                    } else {
                        Found::BadStop
                    });
                }
                let value = value >> 1 | u8::from(is_mark) << 7;
                self.state = State::Octet { next: next + BIT, bits: bits + 1, value, mark_bits };
            }
        }
        None
    }
}

/// Energy at one frequency over the last bit, and the way its vector turns.
#[derive(Clone, Debug)]
struct Correlator {
    step: u32,
    phase: u32,
    window: [(f32, f32); WINDOW],
    at: usize,
    last: (f32, f32),
}

impl Correlator {
    fn new(hertz: f64) -> Self {
        Self {
            step: (hertz / 8000.0 * 4_294_967_296.0) as u32,
            phase: 0,
            window: [(0.0, 0.0); WINDOW],
            at: 0,
            last: (0.0, 0.0),
        }
    }

    fn push(&mut self, x: f32) -> (f32, f32) {
        let place = (self.phase >> 26) as usize;
        self.phase = self.phase.wrapping_add(self.step);
        self.window[self.at] = (x * SINE[(place + 16) % 64], -x * SINE[place]);
        self.at = if self.at + 1 == WINDOW { 0 } else { self.at + 1 };
        let (re, im) = self.window.iter().fold((0.0, 0.0), |(re, im), (a, b)| (re + a, im + b));
        let (was_re, was_im) = std::mem::replace(&mut self.last, (re, im));
        (re * re + im * im, im * was_re - re * was_im)
    }
}

/// A bit at 1200 Bd, in samples, rounded.
const WINDOW: usize = 7;
/// A bit at 1200 Bd: 6.667 samples, in 1/256.
const BIT: i32 = 1707;
/// The same in hundredths of 1/256.
const BIT_X100: u32 = 170_667;

/// sin(2πn/64).
const SINE: [f32; 64] = sine();

const fn sine() -> [f32; 64] {
    // sin and cos are not const; turning a vector by 2π/64 is, and 64 turns in f64 lose nothing that f32 keeps.
    let (c, s) = (0.995_184_726_672_196_9, 0.098_017_140_329_560_6);
    let (mut x, mut y, mut out, mut i) = (1.0f64, 0.0f64, [0.0; 64], 0);
    while i < 64 {
        out[i] = y as f32;
        (x, y) = (x * c - y * s, x * s + y * c);
        i += 1;
    }
    out
}
