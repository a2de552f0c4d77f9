//! The exact look: what two-tone signal fits best, from which sample to which, and how well.
//!
//! Both tones are measured by the turn of their phase between two windows. The edges are the two
//! places that make "silence, then these two sines, then silence" most likely, which finds them to
//! a few samples even in noise. What the sines leave over is the measure against speech.

use super::{
    HIGH_HZ, LOW_HZ,
    spectrum::{Beside, Candidate, WINDOW},
};
use crate::{
    SAMPLE_RATE,
    oscillator::{Phase, QUARTER_TURN, add_sine, correlate, dot, step_of_hz},
};

/// Samples that are looked at: 80 ms.
pub(super) const HISTORY: usize = 640;

/// Shortest tone, samples: 28.5 ms lies midway between what must be accepted and what must not
/// (Q.24: 40 and 23 ms).
pub(super) const MIN_SAMPLES: usize = 228;

/// A pause that splits a digit in two, samples: 18 ms lies between what must and what must not
/// (Q.24: 40 and 10 ms).
pub(super) const MIN_PAUSE: usize = 144;

/// Largest deviation of a frequency (Q.24: accept 1.5 % + 2 Hz, reject 3.5 %).
const MAX_DEVIATION: f32 = 0.024;

/// Most that the low tone may exceed the high one, as power: 10.5 dB (Q.24 and GR-506: 8 dB must
/// do).
const MAX_NORMAL_TWIST: f32 = 11.2;

/// Most that the high tone may exceed the low one, as power: 6.5 dB (GR-506: 4 dB must do).
const MAX_REVERSE_TWIST: f32 = 4.5;

/// Least mean squared amplitude of the two tones, -46 dBm0; each may be 4 dB below.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 1.21e-5;

/// Most that may be left over, of the two tones' power: white noise 5 dB below.
const MAX_RESIDUE: f32 = 0.32;

/// Most of it below 1800 Hz, where speech has its power and noise hardly half of it, by what was
/// looked at, samples. The longer a sound is like a digit the less likely it is speech.
const MAX_LOW_RESIDUE: [(usize, f32); 3] = [(376, 0.13), (296, 0.075), (0, 0.022)];

/// Most by which the tone may change within the burst, as power: 5.3 dB.
const MAX_CHANGE: f32 = 3.4;

/// Most samples of a burst that are looked at.
const LONGEST: usize = 416;

/// Half of a symmetric low-pass filter, the (halved) middle first: -6 dB at 1800 Hz, Hamming
/// window.
#[rustfmt::skip]
const LOW_PASS: [f32; 16] = [
    0.224478, 0.310508, 0.047116, -0.086033, -0.039563, 0.034582, 0.029210, -0.012112,
    -0.018572, 0.002196, 0.009845, 0.001049, -0.004225, -0.001328, 0.001653, 0.001198,
];

/// Frequencies of dial tones, Hz, that may sound together with a digit.
const DIAL_HZ: [f32; 3] = [350.0, 440.0, 425.0];

/// Two tones that sound together. Positions count samples of the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    /// First sample.
    pub start: usize,
    /// One after the last.
    pub end: usize,
    /// Squared amplitude of the low tone.
    pub low: f32,
    /// Squared amplitude of the high tone.
    pub high: f32,
    /// Whether all but the length is that of a digit, as far as it was heard.
    pub is_digit: bool,
    /// Whether hearing more of it cannot change that.
    pub is_final: bool,
}

/// One sine: amplitude × cos of `phase` + n × `step`.
#[derive(Clone, Copy, Debug)]
struct Partial {
    amplitude: f32,
    phase: Phase,
    step: Phase,
    hz: f32,
    /// Power of the later part over that of the earlier.
    change: f32,
}

/// Measures the burst of this key that sounds in the window that begins at `window`. `None` if
/// other frequencies do.
pub(super) fn measure(
    history: &[i16; HISTORY],
    window: usize,
    candidate: Candidate,
) -> Option<Burst> {
    let Candidate { row, column, beside, .. } = candidate;
    let mut x = history.map(f32::from);
    if beside == Beside::DialTone {
        subtract_dial_tone(&mut x, window);
    }
    let seen = &x[window..window + WINDOW];
    let low = Partial::fit(seen, LOW_HZ[row]).since(window);
    let high = Partial::fit(seen, HIGH_HZ[column]).since(window);
    if !low.is_near(LOW_HZ[row], 0.035) || !high.is_near(HIGH_HZ[column], 0.035) {
        return None;
    }
    let (start, end) = edges(&x, window + WINDOW / 2, low, high);
    let mut burst = Burst {
        start,
        end,
        low: 0.0,
        high: 0.0,
        is_digit: false,
        is_final: end >= start + 16 + LONGEST,
    };
    // Rough edges stay out; of a long burst its first 52 ms decide.
    let (from, to) = (start + 8, end.saturating_sub(8).min(start + 8 + LONGEST));
    if to >= from + WINDOW {
        burst.judge(&mut x[from..to], LOW_HZ[row], HIGH_HZ[column]);
    }
    Some(burst)
}

impl Burst {
    /// Measures the tones in their full length and decides.
    fn judge(&mut self, x: &mut [f32], low_hz: f32, high_hz: f32) {
        let low = Partial::fit(x, low_hz);
        let high = Partial::fit(x, high_hz);
        let total = dot(x, x);
        low.subtract(x);
        high.subtract(x);
        let residue = dot(x, x);
        self.low = low.amplitude * low.amplitude;
        self.high = high.amplitude * high.amplitude;
        self.is_digit = low.is_near(low_hz, MAX_DEVIATION)
            && high.is_near(high_hz, MAX_DEVIATION)
            && low.is_steady()
            && high.is_steady()
            && self.low <= MAX_NORMAL_TWIST * self.high
            && self.high <= MAX_REVERSE_TWIST * self.low
            && self.low.min(self.high) >= MIN_POWER / 2.5
            && self.low + self.high >= 2.0 * MIN_POWER
            && residue <= MAX_RESIDUE * (total - residue)
            && low_passed(x) <= max_low_residue(x.len()) * (total - residue);
    }
}

/// The most likely first sample and the one after the last of the two tones, from a place where
/// they sound.
fn edges(x: &[f32; HISTORY], inside: usize, low: Partial, high: Partial) -> (usize, usize) {
    // For each sample: how much more likely with the tones than without.
    let mut gain = [0.0; HISTORY];
    low.add(&mut gain);
    high.add(&mut gain);
    for (gain, x) in gain.iter_mut().zip(x) {
        *gain *= 2.0 * x - *gain;
    }
    // A pause that splits digits is not bridged, however well the next one fits.
    let power = (low.amplitude * low.amplitude + high.amplitude * high.amplitude) / 2.0;
    let bridge = power * MIN_PAUSE as f32;
    let before = longest(gain[..inside].iter().rev(), bridge);
    let after = longest(gain[inside..].iter(), bridge);
    (inside - before, inside + after)
}

/// How many gains from the first on have the greatest sum; the search ends where the sum is
/// `bridge` below it.
fn longest<'a>(gains: impl Iterator<Item = &'a f32>, bridge: f32) -> usize {
    let (mut length, mut best, mut sum) = (0, 0.0, 0.0);
    for (n, gain) in gains.enumerate() {
        sum += gain;
        if sum > best {
            (length, best) = (n + 1, sum);
        } else if sum < best - bridge {
            break;
        }
    }
    length
}

fn max_low_residue(samples: usize) -> f32 {
    let step = MAX_LOW_RESIDUE.iter().find(|(least, _)| samples >= *least);
    step.map_or(0.0, |(_, most)| *most)
}

/// Energy below 1800 Hz of at most `LONGEST` samples.
fn low_passed(x: &[f32]) -> f32 {
    let mut sum = [0.0; LONGEST];
    let ends = LOW_PASS.len() - 1;
    let Some(inner) = x.len().checked_sub(2 * ends) else { return 0.0 };
    let sum = &mut sum[..inner.min(LONGEST)];
    for (i, tap) in LOW_PASS.iter().enumerate() {
        for ((sum, a), b) in sum.iter_mut().zip(&x[ends - i..]).zip(&x[ends + i..]) {
            *sum += tap * (a + b);
        }
    }
    // The ends count as the middle does.
    dot(sum, sum) * x.len() as f32 / inner.max(1) as f32
}

/// Takes the dial tone out where it stands above a tenth of the window's energy.
fn subtract_dial_tone(x: &mut [f32; HISTORY], window: usize) {
    let from = window.saturating_sub(WINDOW / 2);
    let to = window + WINDOW;
    let energy = dot(&x[from..to], &x[from..to]);
    let floor = 0.1 * 2.0 * energy / (to - from) as f32;
    let mut found: [Option<Partial>; 2] = [None; 2];
    // Twice, so that each is measured without the other.
    for round in 0..4 {
        let slot = round % 2;
        if let Some(partial) = found[slot].take() {
            partial.add(x);
        }
        let seen = &x[from..to];
        let strongest = DIAL_HZ
            .map(|hz| Partial::fit(seen, hz))
            .into_iter()
            .max_by(|a, b| a.amplitude.total_cmp(&b.amplitude))
            .filter(|p| p.amplitude * p.amplitude > floor && (330.0..470.0).contains(&p.hz));
        let Some(partial) = strongest else { return };
        let partial = partial.since(from);
        partial.subtract(x);
        found[slot] = Some(partial);
    }
}

impl Partial {
    /// The sine near `hz` (by 60 Hz at the most) in `x`, which has at least 80 samples.
    fn fit(x: &[f32], hz: f32) -> Partial {
        let step = step_of_hz(hz);
        let apart = x.len() / 4;
        let length = x.len() - apart;
        let early = correlate(&x[..length], step);
        let late = correlate(&x[apart..], step);
        // The phase that `late` has beyond what `step` explains.
        let (re, im) = (late.0 * early.0 + late.1 * early.1, late.1 * early.0 - late.0 * early.1);
        let turned = im.atan2(re) / std::f32::consts::TAU - turns(step.wrapping_mul(apart as u32));
        let turned = turned - turned.round();
        let hz = hz + turned * SAMPLE_RATE as f32 / apart as f32;
        let step = step_of_hz(hz);
        let (re, im) = correlate(x, step);
        // The sum of a Hann window is half its length.
        let amplitude = (re * re + im * im).sqrt() * 4.0 / x.len() as f32;
        let phase = (im.atan2(re) / std::f32::consts::TAU * 4_294_967_296.0) as i64 as Phase;
        let power = |(re, im): (f32, f32)| re * re + im * im;
        let change = power(late) / power(early).max(1e-9);
        Partial { amplitude, phase, step, hz, change }
    }

    fn is_near(&self, hz: f32, deviation: f32) -> bool {
        (self.hz - hz).abs() <= deviation * hz
    }

    fn is_steady(&self) -> bool {
        self.change < MAX_CHANGE && self.change * MAX_CHANGE > 1.0
    }

    /// The same sine with its phase counted from `samples` before where it was measured.
    fn since(mut self, samples: usize) -> Partial {
        self.phase = self.phase.wrapping_sub(self.step.wrapping_mul(samples as u32));
        self
    }

    fn add(&self, x: &mut [f32]) {
        add_sine(x, self.phase.wrapping_add(QUARTER_TURN), self.step, self.amplitude);
    }

    fn subtract(&self, x: &mut [f32]) {
        add_sine(x, self.phase.wrapping_add(QUARTER_TURN), self.step, -self.amplitude);
    }
}

/// A phase in turns, -0.5 to 0.5.
fn turns(phase: Phase) -> f32 {
    phase as i32 as f32 / 4_294_967_296.0
}
