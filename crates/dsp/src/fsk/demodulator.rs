//! The receiving half.
//!
//! ```text
//!   samples ─► equaliser ─► least squares: amplitudes of mark and space in a window of one bit
//!                 ▲               │ ─► their difference: its zero crossings set the bit clock
//!                 └─ both alike ◄─┘ ─► a look at the middle of each bit ─► characters
//!
//!              carrier    80 marks  falling edge    middle of bit              carrier lost
//!   Silent     → Waiting  -         -               -                          -
//!   Waiting    -          Idle      → Character     -                          CarrierLost,
//!   Character  -          -         (clock is set)  start, one: → Waiting      → Silent
//!                                                   stop: Octet or
//!                                                   FramingError, → Waiting
//! ```
//!
//! Fitting both frequencies at once keeps a strong one from showing as the weak other, and the
//! equaliser undoes the slope of a line, so that 10 dB between mark and space do not matter; a
//! window of one bit has no memory of the bit before at the middle of a bit.

use super::{BAUD, Standard};
use crate::{SAMPLE_RATE, level};

/// What the demodulator heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Ones for 12 bit times, more than any character has: told once in each pause.
    Idle,
    /// A character.
    Octet(u8),
    /// A character whose stop bit was a zero.
    FramingError,
    /// The carrier went away.
    CarrierLost,
}

/// Samples of a bit.
const BIT: f32 = SAMPLE_RATE as f32 / BAUD as f32;

/// Samples in the window: a bit, the outer two counting in part.
const TAPS: usize = 7;

/// Samples that are equalised and fitted in one go.
const GROUP: usize = 8;

/// Marks that make the line idle, samples.
const IDLE_SAMPLES: u32 = 80;

/// Carrier that is taken up, and that is given up, dBm0.
const CARRIER_ON_DBM0: f32 = -46.0;
const CARRIER_OFF_DBM0: f32 = -49.0;

/// How much of a bit clock's error a zero crossing corrects.
const CLOCK_GAIN: f32 = 0.3;

/// How fast the gains of mark and space are learned, by bit; while the line is idle, by sample.
const BIT_GAIN: f32 = 0.25;
const IDLE_GAIN: f32 = 1.0 / 32.0;

/// Most that the equaliser makes of a slope: 16 dB.
const MAX_SLOPE: f32 = 6.3;

/// Receives characters: 8 data bits, no parity, at least one stop bit.
#[derive(Clone, Debug)]
pub struct Demodulator {
    standard: Standard,
    /// For each tap its part in the cosine and sine of mark and of space.
    fit: [[f32; 4]; TAPS],
    /// What waits for the group to be full.
    group: [f32; GROUP],
    filled: usize,
    /// Equalised samples: the end of the groups before, and room for one.
    equal: [f32; TAPS - 1 + GROUP],
    equaliser: Equaliser,
    /// Smoothed amplitude of what is received.
    carrier: f32,
    carrier_on: f32,
    carrier_off: f32,
    /// The last difference: positive is mark.
    difference: f32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Silent,
    /// For a start bit, after so many samples of mark.
    Waiting {
        marks: u32,
    },
    /// In a character; `wait` samples from the middle of bit number `bit` (0 is the start bit, 9
    /// the stop bit).
    Character {
        wait: f32,
        bit: u8,
        octet: u8,
    },
}

impl Demodulator {
    /// A demodulator that has heard nothing.
    pub fn new(standard: Standard) -> Demodulator {
        Demodulator {
            standard,
            fit: fit(standard),
            group: [0.0; GROUP],
            filled: 0,
            equal: [0.0; TAPS - 1 + GROUP],
            equaliser: Equaliser::new(standard),
            carrier: 0.0,
            carrier_on: level::dbm0_to_peak(CARRIER_ON_DBM0),
            carrier_off: level::dbm0_to_peak(CARRIER_OFF_DBM0),
            difference: 0.0,
            state: State::Silent,
        }
    }

    /// What it listens for.
    pub fn standard(&self) -> Standard {
        self.standard
    }

    /// Listens. `event` hears of at most one thing a sample.
    pub fn process(&mut self, samples: &[i16], mut event: impl FnMut(Event)) {
        for sample in samples {
            self.group[self.filled] = f32::from(*sample);
            self.filled += 1;
            if self.filled < GROUP {
                continue;
            }
            self.filled = 0;
            let (mark, space) = self.amplitudes();
            // What was equalised now keeps its gains, though those may change from bit to bit.
            let scale = (1.0 / self.equaliser.mark, 1.0 / self.equaliser.space);
            for (mark, space) in mark.into_iter().zip(space) {
                self.carrier += ((mark * scale.0).max(space * scale.1) - self.carrier) / 16.0;
                if let Some(heard) = self.step(mark, space) {
                    event(heard);
                }
            }
        }
    }

    /// Amplitudes of mark and space in the windows that end with each sample of the group,
    /// equalised.
    fn amplitudes(&mut self) -> ([f32; GROUP], [f32; GROUP]) {
        self.equal.copy_within(GROUP.., 0);
        for (equal, x) in self.equal[TAPS - 1..].iter_mut().zip(&self.group) {
            *equal = self.equaliser.process(*x);
        }
        let mut sums = [[0.0; GROUP]; 4];
        for (tap, row) in self.fit.iter().enumerate() {
            let window: &[f32; GROUP] =
                self.equal[tap..].first_chunk().expect("a group after each tap");
            for (sums, coefficient) in sums.iter_mut().zip(row) {
                for (sum, x) in sums.iter_mut().zip(window) {
                    *sum += x * coefficient;
                }
            }
        }
        let [mark_cos, mark_sin, space_cos, space_sin] = sums;
        let amplitude = |c: [f32; GROUP], s: [f32; GROUP]| {
            std::array::from_fn(|i| (c[i] * c[i] + s[i] * s[i]).sqrt())
        };
        (amplitude(mark_cos, mark_sin), amplitude(space_cos, space_sin))
    }

    /// One sample on.
    fn step(&mut self, mark: f32, space: f32) -> Option<Event> {
        let before = self.difference;
        self.difference = mark - space;
        if self.state == State::Silent {
            if self.carrier >= self.carrier_on {
                self.equaliser.set(1.0 / self.carrier, 1.0 / self.carrier);
                self.state = State::Waiting { marks: 0 };
            }
            return None;
        }
        if self.carrier < self.carrier_off {
            self.state = State::Silent;
            self.equaliser.set(1.0, 1.0);
            return Some(Event::CarrierLost);
        }
        // How long ago the difference was 0, if it was since the last sample.
        let crossed = (before > 0.0) != (self.difference > 0.0);
        let ago = crossed.then(|| self.difference / (self.difference - before));
        match self.state {
            State::Silent => None,
            State::Waiting { marks } => {
                if self.difference > 0.0 {
                    self.equaliser.learn(true, mark, IDLE_GAIN);
                }
                self.waiting(marks, ago)
            }
            State::Character { wait, bit, octet } => {
                let mut wait = wait - 1.0;
                if let Some(ago) = ago {
                    // Bits change half a bit before the middle of the next.
                    wait -= CLOCK_GAIN * (wait + ago - BIT / 2.0);
                }
                self.state = State::Character { wait, bit, octet };
                if wait > 0.0 {
                    return None;
                }
                let one = self.difference + (before - self.difference) * (-wait).min(1.0) > 0.0;
                self.equaliser.learn(one, if one { mark } else { space }, BIT_GAIN);
                self.decided(one, wait, bit, octet)
            }
        }
    }

    fn waiting(&mut self, marks: u32, crossed_ago: Option<f32>) -> Option<Event> {
        if self.difference > 0.0 {
            let marks = marks.saturating_add(1);
            self.state = State::Waiting { marks };
            return (marks == IDLE_SAMPLES).then_some(Event::Idle);
        }
        if let Some(ago) = crossed_ago {
            // `octet` keeps the marks for the case of a false start; below 255 they are told
            // already or few.
            let marks = u8::try_from(marks).unwrap_or(u8::MAX);
            self.state = State::Character { wait: BIT / 2.0 - ago, bit: 0, octet: marks };
        }
        None
    }

    /// A look at the middle of a bit, `-wait` samples ago.
    fn decided(&mut self, one: bool, wait: f32, bit: u8, octet: u8) -> Option<Event> {
        let next = |octet| State::Character { wait: wait + BIT, bit: bit + 1, octet };
        match bit {
            0 if one => {
                self.state = State::Waiting { marks: u32::from(octet) };
                None
            }
            0 => {
                self.state = next(0);
                None
            }
            1..9 => {
                self.state = next(octet >> 1 | u8::from(one) << 7);
                None
            }
            _ => {
                self.state = State::Waiting { marks: 0 };
                Some(if one { Event::Octet(octet) } else { Event::FramingError })
            }
        }
    }
}

/// A symmetric filter of three taps that brings mark and space to amplitude 1.
#[derive(Clone, Debug)]
struct Equaliser {
    /// Gain at mark.
    mark: f32,
    /// Gain at space.
    space: f32,
    /// Twice the cosines of mark and of space per sample.
    turns: (f32, f32),
    outer: f32,
    middle: f32,
    recent: (f32, f32),
}

impl Equaliser {
    fn new(standard: Standard) -> Equaliser {
        let turn = |hz: u32| 2.0 * (std::f32::consts::TAU * hz as f32 / SAMPLE_RATE as f32).cos();
        Equaliser {
            mark: 1.0,
            space: 1.0,
            turns: (turn(standard.mark_hz()), turn(standard.space_hz())),
            outer: 0.0,
            middle: 1.0,
            recent: (0.0, 0.0),
        }
    }

    #[inline(always)]
    fn process(&mut self, x: f32) -> f32 {
        let y = self.outer * (x + self.recent.1) + self.middle * self.recent.0;
        self.recent = (x, self.recent.0);
        y
    }

    fn set(&mut self, mark: f32, space: f32) {
        (self.mark, self.space) = (mark, space);
        // middle + outer × turn is the gain at each of the two frequencies.
        self.outer = (mark - space) / (self.turns.0 - self.turns.1);
        self.middle = mark - self.outer * self.turns.0;
    }

    /// A one or a zero was heard with this amplitude, equalised.
    fn learn(&mut self, one: bool, heard: f32, rate: f32) {
        let change = 1.0 + rate * (1.0 - heard.min(2.0));
        // The other follows where the slope would become too great.
        let (mark, space) = if one {
            let mark = self.mark * change;
            (mark, self.space.clamp(mark / MAX_SLOPE, mark * MAX_SLOPE))
        } else {
            let space = self.space * change;
            (self.mark.clamp(space / MAX_SLOPE, space * MAX_SLOPE), space)
        };
        // Full scale and far below the carrier threshold.
        self.set(mark.clamp(1e-5, 1.0), space.clamp(1e-5, 1.0));
    }
}

/// The least-squares fit of two sines to the window, as a matrix.
///
/// About the middle of the window cosines are even and sines are odd, so that they part into two
/// systems of two.
fn fit(standard: Standard) -> [[f32; 4]; TAPS] {
    /// Added to the diagonal: a little less exact, a little less noise.
    const RIDGE: f64 = 0.3;
    let turn = |hz: u32, n: usize| {
        std::f64::consts::TAU * f64::from(hz) / f64::from(SAMPLE_RATE)
            * (n as f64 - (TAPS - 1) as f64 / 2.0)
    };
    let weight = |n: usize| {
        let outer = (f64::from(BIT) - (TAPS - 2) as f64) / 2.0;
        if n == 0 || n == TAPS - 1 { outer } else { 1.0 }
    };
    let (mark, space) = (standard.mark_hz(), standard.space_hz());
    let mut fit = [[0.0; 4]; TAPS];
    for (column, wave) in [f64::cos as fn(f64) -> f64, f64::sin].into_iter().enumerate() {
        let product = |a: u32, b: u32| -> f64 {
            (0..TAPS).map(|n| weight(n) * wave(turn(a, n)) * wave(turn(b, n))).sum()
        };
        let (mm, ms, ss) =
            (product(mark, mark) + RIDGE, product(mark, space), product(space, space) + RIDGE);
        let determinant = mm * ss - ms * ms;
        for (n, row) in fit.iter_mut().enumerate() {
            let (m, s) = (wave(turn(mark, n)), wave(turn(space, n)));
            row[column] = (weight(n) * (ss * m - ms * s) / determinant) as f32;
            row[column + 2] = (weight(n) * (mm * s - ms * m) / determinant) as f32;
        }
    }
    fit
}
