//! The exact look: what two-tone signal fits best, from which sample to which, and how well.
//!
//! Both tones are measured by the turn of their phase between two windows. The edges are the two places that make
//! "silence, then these two sines, then silence" most likely, which finds them to a few samples even in noise. What the
//! sines leave over is the measure against speech.

use super::{
    HIGH_HZ, LOW_HZ,
    spectrum::{Candidate, WINDOW},
};
use crate::{
    SAMPLE_RATE,
    oscillator::{Phase, cosine, sine, step_of_hz},
};

/// Samples that are looked at: 80 ms.
pub(super) const HISTORY: usize = 640;

/// Shortest tone, samples: 28.5 ms lies midway between what must be accepted and what must not (Q.24: 40 and 23 ms).
pub(super) const MIN_SAMPLES: usize = 228;

/// Largest deviation of a frequency (Q.24: accept 1.5 % + 2 Hz, reject 3.5 %).
const MAX_DEVIATION: f32 = 0.024;

/// Most that the low tone may exceed the high one, as power: 10.5 dB (Q.24 and GR-506: 8 dB must do).
const MAX_NORMAL_TWIST: f32 = 11.2;

/// Most that the high tone may exceed the low one, as power: 6.5 dB (GR-506: 4 dB must do).
const MAX_REVERSE_TWIST: f32 = 4.5;

/// Least squared amplitude of each tone: -50 dBm0, with both together at least -46 dBm0 a tone.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 4.8e-6;

/// Most that may be left over, of the two tones' power.
const MAX_RESIDUE: f32 = 0.30;

/// Most by which the tone may change within the burst, as power: 6 dB.
const MAX_CHANGE: f32 = 4.0;

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
    /// Whether all but the length is that of a digit.
    pub is_digit: bool,
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

/// Measures the burst of this key that sounds in the window that begins at `window`, maybe under a dial tone.
pub(super) fn measure(history: &[i16; HISTORY], window: usize, candidate: Candidate) -> Burst {
    let Candidate { row, column, dial_tone } = candidate;
    let mut x = history.map(f32::from);
    if dial_tone {
        subtract_dial_tone(&mut x, window);
    }
    let seen = window..window + WINDOW;
    let low = Partial::fit(&x[seen.clone()], LOW_HZ[row]).since(window);
    let high = Partial::fit(&x[seen], HIGH_HZ[column]).since(window);
    let (start, end) = edges(&x, window + WINDOW / 2, low, high);
    let mut burst = Burst {
        start,
        end,
        low: low.amplitude * low.amplitude,
        high: high.amplitude * high.amplitude,
        is_digit: false,
    };
    // Rough edges stay out; of a long burst its first 40 ms decide.
    let (from, to) = (start + 8, end.saturating_sub(8).min(start + 328));
    if to < from + WINDOW / 2 {
        return burst;
    }
    let inner = &mut x[from..to];
    let low = Partial::fit(inner, LOW_HZ[row]);
    let high = Partial::fit(inner, HIGH_HZ[column]);
    let total: f32 = inner.iter().map(|x| x * x).sum();
    low.subtract(inner);
    high.subtract(inner);
    let residue: f32 = inner.iter().map(|x| x * x).sum();
    burst.low = low.amplitude * low.amplitude;
    burst.high = high.amplitude * high.amplitude;
    let near = |tone: Partial, hz: f32| (tone.hz - hz).abs() <= MAX_DEVIATION * hz;
    let steady = |tone: Partial| tone.change < MAX_CHANGE && tone.change * MAX_CHANGE > 1.0;
    burst.is_digit = near(low, LOW_HZ[row])
        && near(high, HIGH_HZ[column])
        && burst.low <= MAX_NORMAL_TWIST * burst.high
        && burst.high <= MAX_REVERSE_TWIST * burst.low
        && burst.low.min(burst.high) >= MIN_POWER / 2.5
        && burst.low + burst.high >= 2.0 * MIN_POWER
        && residue <= MAX_RESIDUE * (total - residue)
        && steady(low)
        && steady(high);
    burst
}

/// The most likely first sample and the one after the last of the two tones, from a place where they sound.
fn edges(x: &[f32; HISTORY], inside: usize, low: Partial, high: Partial) -> (usize, usize) {
    // For each sample: how much more likely with the tones than without.
    let mut gain = [0.0; HISTORY];
    for (n, (gain, x)) in gain.iter_mut().zip(x).enumerate() {
        let model = low.at(n) + high.at(n);
        *gain = model * (2.0 * x - model);
    }
    let (mut start, mut best, mut sum) = (inside, 0.0, 0.0);
    for n in (0..inside).rev() {
        sum += gain[n];
        if sum > best {
            (start, best) = (n, sum);
        }
    }
    let (mut end, mut best, mut sum) = (inside, 0.0, 0.0);
    for (n, gain) in gain.iter().enumerate().skip(inside) {
        sum += gain;
        if sum > best {
            (end, best) = (n + 1, sum);
        }
    }
    (start, end)
}

/// Takes the dial tone out where it stands above a tenth of the window's energy.
fn subtract_dial_tone(x: &mut [f32; HISTORY], window: usize) {
    let from = window.saturating_sub(WINDOW / 2);
    let to = window + WINDOW;
    let energy: f32 = x[from..to].iter().map(|x| x * x).sum();
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

    /// The same sine with its phase counted from `samples` before where it was measured.
    fn since(mut self, samples: usize) -> Partial {
        self.phase = self.phase.wrapping_sub(self.step.wrapping_mul(samples as u32));
        self
    }

    #[inline(always)]
    fn at(&self, n: usize) -> f32 {
        self.amplitude * cosine(self.phase.wrapping_add(self.step.wrapping_mul(n as u32)))
    }

    fn subtract(&self, x: &mut [f32]) {
        for (n, x) in x.iter_mut().enumerate() {
            *x -= self.at(n);
        }
    }

    fn add(&self, x: &mut [f32]) {
        for (n, x) in x.iter_mut().enumerate() {
            *x += self.at(n);
        }
    }
}

/// A phase in turns, -0.5 to 0.5.
fn turns(phase: Phase) -> f32 {
    phase as i32 as f32 / 4_294_967_296.0
}

/// Sum of Hann-windowed `x[n]` × exp(-j n step).
fn correlate(x: &[f32], step: Phase) -> (f32, f32) {
    let window_step = (u32::MAX / x.len().max(1) as u32) as Phase;
    let mut re = [0.0; 8];
    let mut im = [0.0; 8];
    let (chunks, rest) = x.as_chunks::<8>();
    for (k, chunk) in chunks.iter().enumerate() {
        for i in 0..8 {
            let n = (8 * k + i) as u32;
            let w = 0.5 - 0.5 * cosine((window_step / 2).wrapping_add(window_step.wrapping_mul(n)));
            let phase = step.wrapping_mul(n);
            re[i] += w * chunk[i] * cosine(phase);
            im[i] -= w * chunk[i] * sine(phase);
        }
    }
    let (mut re, mut im) = (re.iter().sum::<f32>(), im.iter().sum::<f32>());
    for (i, x) in rest.iter().enumerate() {
        let n = (8 * chunks.len() + i) as u32;
        let w = 0.5 - 0.5 * cosine((window_step / 2).wrapping_add(window_step.wrapping_mul(n)));
        let phase = step.wrapping_mul(n);
        re += w * x * cosine(phase);
        im -= w * x * sine(phase);
    }
    (re, im)
}
