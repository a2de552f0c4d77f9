//! Which bits were sent: the most likely sequence, by the Viterbi algorithm.
//!
//! The phase of the sender goes on over the edges of bits, so a bit leaves its mark on all that come after. Eight
//! sequences that differ in the last three bits are followed at a time. Each keeps a phase of its own, led by what it
//! explains ("per-survivor processing"); the levels and frequencies of mark and space, the edges of bits and their length
//! are led by the best.

use super::{BAUD, Standard};
use crate::SAMPLE_RATE;
use crate::oscillator::{cosine, sine, turns};
use crate::simd::per_processor;

/// Samples of a bit.
pub(super) const BIT: f32 = SAMPLE_RATE as f32 / BAUD as f32;

/// How far a sender's tones and bits may be from its standard's, relative.
pub(super) const RANGE: f32 = 0.055;

/// Samples that a bit touches at most.
pub(super) const TAPS: usize = 8;

/// Sequences that are followed.
const STATES: usize = 8;

/// Pairs of them that become one by each bit.
const HALF: usize = STATES / 2;

/// Bits after which one is decided: by then all sequences have it.
pub(super) const DEPTH: u32 = 9;

/// How much of an error the best estimate takes over, by bit: phase, frequency (turns a sample per turn), edges, length of
/// bits, amplitudes, noise.
const PHASE_GAIN: f32 = 0.2;
const STEP_GAIN: f32 = 0.004;
const EDGE_GAIN: f32 = 0.1;
const BIT_GAIN: f32 = 0.006;
const AMPLITUDE_GAIN: f32 = 0.08;
const NOISE_GAIN: f32 = 0.03;
const STEADY_GAIN: f32 = 0.12;

/// In the first bits the level of space is a guess.
const EARLY: u32 = 14;
const EARLY_AMPLITUDE_GAIN: f32 = 0.2;

/// Most of a phase error that is believed, radians.
const MAX_ERROR: f32 = 0.6;

/// One of the two tones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    /// Peak amplitude.
    pub amplitude: f32,
    /// Turns a sample.
    pub step: f32,
}

/// What a bit's samples have in common with a tone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Match {
    /// Correlation with exp(-j`step`n), from the beginning of the bit.
    pub re: f32,
    pub im: f32,
    /// How the tone turns in a bit.
    on_re: f32,
    on_im: f32,
    /// Sum of exp(2j`step`n): what the energy of a real tone depends on its phase by.
    double: (f32, f32),
}

/// With both tones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Matches {
    pub mark: Match,
    pub space: Match,
    pub energy: f32,
}

/// The carriers of mark and space, and of twice their frequencies, tap by tap.
pub(super) type Carriers = [[f32; 8]; TAPS];

#[derive(Clone, Debug)]
pub(super) struct Trellis {
    pub mark: Tone,
    pub space: Tone,
    /// Where the next bit begins, samples.
    pub at: f32,
    /// Samples of a bit.
    pub bit: f32,
    /// Mean square of what no tone explains.
    pub noise: f32,
    /// How much of the expected amplitude was there of late: 1 is all.
    pub steady: f32,
    /// Bits taken.
    pub count: u32,
    standard: Standard,
    carriers: Carriers,
    /// The likeliest sequence.
    best: usize,
    /// By sequence, the last three bits its number (the last one highest): likelihood in units of energy, phase at
    /// the next bit, bits.
    metric: [f32; STATES],
    re: [f32; STATES],
    im: [f32; STATES],
    history: [u32; STATES],
    /// How far the sequence that was given up lay behind, by bit and sequence.
    margins: [[f32; STATES]; 16],
}

impl Trellis {
    /// After a long mark: a bit begins at sample `at`, where the phase is `phase` turns.
    pub fn new(
        standard: Standard,
        carriers: Carriers,
        [mark, space]: [Tone; 2],
        at: f32,
        phase: f32,
        bit: f32,
    ) -> Trellis {
        let mut metric = [f32::MIN / 4.0; STATES];
        metric[STATES - 1] = 0.0;
        let phase = turns(phase);
        let (mark_step, space_step) = steps(standard);
        let mark = Tone { step: near(mark.step, mark_step), ..mark };
        let space = Tone { step: near(space.step, space_step), ..space };
        Trellis {
            mark,
            space,
            at,
            bit,
            noise: 0.0,
            steady: 1.0,
            count: 0,
            standard,
            carriers,
            best: STATES - 1,
            metric,
            re: [cosine(phase); STATES],
            im: [sine(phase); STATES],
            history: [u32::MAX; STATES],
            margins: [[f32::MAX / 4.0; STATES]; 16],
        }
    }

    /// The first sample that the next bit does not need.
    pub fn end(&self) -> usize {
        (self.at + self.bit + 0.5) as usize + 1
    }

    /// How likely the best sequence is, relative to silence, in units of energy.
    pub fn likelihood(&self) -> f32 {
        self.metric[self.best]
    }

    /// The bits of the best sequence, the last one lowest.
    pub fn bits(&self) -> u32 {
        self.history[self.best]
    }

    /// Phase at the next bit, by the best sequence, turns.
    pub fn phase(&self) -> f32 {
        let best = self.best;
        self.im[best].atan2(self.re[best]) / std::f32::consts::TAU
    }

    /// By how much, in units of the noise, the best sequence is likelier than the one that was given up for another bit
    /// `back` bits ago (3 to 15, 0 is the last one).
    pub fn margin(&self, back: u32) -> f32 {
        // That one was given up three bits later.
        let state = state(self.bits() >> (back - 3));
        self.margins[((self.count - 1 - (back - 3)) & 15) as usize][state] / self.noise.max(1.0)
    }

    /// Only sequences that end in this bit go on.
    pub fn force(&mut self, bit: bool) {
        for state in 0..STATES {
            if (state >= HALF) != bit {
                self.metric[state] = f32::MIN / 4.0;
            }
        }
        self.find_best();
    }

    /// Takes the next bit.
    pub fn take(&mut self, samples: &[f32]) {
        take(self, samples);
    }

    #[inline(always)]
    fn take_bit(&mut self, samples: &[f32]) {
        let found =
            matches(&self.carriers, samples, self.at, self.bit, [self.mark.step, self.space.step]);
        let (re, im) = (self.re, self.im);
        let mark = self.branch(self.mark, found.mark);
        let space = self.branch(self.space, found.space);
        let margins = &mut self.margins[(self.count & 15) as usize];
        let history = split(&self.history);
        for (bit, branch) in [(0, &space), (1, &mark)] {
            // Two sequences become one: they differed in the bit three back.
            let metric = split(&branch.metric);
            let (re, im) = (split(&branch.re), split(&branch.im));
            let to = bit * HALF..(bit + 1) * HALF;
            let mut is_one = [false; HALF];
            for pair in 0..HALF {
                is_one[pair] = metric[1][pair] > metric[0][pair];
            }
            for (pair, margin) in margins[to.clone()].iter_mut().enumerate() {
                *margin = (metric[1][pair] - metric[0][pair]).abs();
            }
            choose(&mut self.metric[to.clone()], &is_one, &metric);
            choose(&mut self.re[to.clone()], &is_one, &re);
            choose(&mut self.im[to.clone()], &is_one, &im);
            choose(&mut self.history[to.clone()], &is_one, &history);
            for bits in &mut self.history[to] {
                *bits = *bits << 1 | bit as u32;
            }
        }
        self.count += 1;
        self.at += self.bit;
        self.find_best();
        let from = state(self.bits() >> 1);
        self.learn((re[from], im[from]), &found);
    }

    fn find_best(&mut self) {
        let mut best = 0;
        for state in 1..STATES {
            best = if self.metric[state] > self.metric[best] { state } else { best };
        }
        self.best = best;
    }

    /// What follows when each sequence goes on with this tone.
    #[inline(always)]
    fn branch(&self, tone: Tone, found: Match) -> Branch {
        let (a, t) = (tone.amplitude, self.bit);
        let scale = 2.0 / (a * t);
        let energy = 0.25 * a * a;
        let mut branch = Branch::default();
        for i in 0..STATES {
            let (re, im) = (self.re[i], self.im[i]);
            let along = found.re * re + found.im * im;
            let across = found.im * re - found.re * im;
            let double = (re * re - im * im) * found.double.0 - 2.0 * re * im * found.double.1;
            branch.metric[i] = self.metric[i] + a * along - energy * (t + double);
            let turn = PHASE_GAIN * (across * scale).clamp(-MAX_ERROR, MAX_ERROR);
            let (x, y) = (found.on_re - turn * found.on_im, found.on_im + turn * found.on_re);
            // Back to length 1, to first order.
            let length = 1.0 - 0.5 * turn * turn;
            branch.re[i] = (re * x - im * y) * length;
            branch.im[i] = (im * x + re * y) * length;
        }
        branch
    }

    /// What the best sequence says about the sender.
    #[inline(always)]
    fn learn(&mut self, (re, im): (f32, f32), found: &Matches) {
        if self.count & 15 == 0 {
            // Phases stay of length 1.
            for state in 0..STATES {
                let length =
                    1.5 - 0.5 * (self.re[state] * self.re[state] + self.im[state] * self.im[state]);
                self.re[state] *= length;
                self.im[state] *= length;
            }
        }
        let one = self.best >= HALF;
        // Never near 0, for each stays near its standard's.
        let apart = (self.space.step - self.mark.step) * std::f32::consts::TAU;
        let (mark, space) = steps(self.standard);
        let (tone, got, usual) = if one {
            (&mut self.mark, found.mark, mark)
        } else {
            (&mut self.space, found.space, space)
        };
        let scale = 2.0 / (tone.amplitude * self.bit);
        let error = (scale * (got.im * re - got.re * im)).clamp(-MAX_ERROR, MAX_ERROR);
        let steady = (scale * (got.re * re + got.im * im)).clamp(0.0, 2.0);
        self.steady += STEADY_GAIN * (steady - self.steady);
        if steady > 0.3 {
            let gain = if self.count < EARLY { EARLY_AMPLITUDE_GAIN } else { AMPLITUDE_GAIN };
            tone.amplitude += gain * (steady - 1.0) * tone.amplitude;
        }
        tone.step = near(tone.step + STEP_GAIN / std::f32::consts::TAU / BIT * error, usual);
        let explained = 2.0 / self.bit * (got.re * got.re + got.im * got.im);
        let left = ((found.energy - explained) * (1.0 / (BIT - 2.0))).max(0.0);
        self.noise += NOISE_GAIN * (left - self.noise);
        // An edge that is late shows as a phase that is late in space and early in mark. In a long run of either it is the
        // frequency that shows.
        if self.best != 0 && self.best != STATES - 1 {
            let late = if one { error } else { -error } / apart;
            let late = late.clamp(-BIT / 2.0, BIT / 2.0);
            self.at += EDGE_GAIN * late;
            self.bit = near(self.bit + BIT_GAIN * late, BIT);
        }
    }
}

/// The number of the sequence that ends in these bits, the last one lowest.
#[inline(always)]
fn state(bits: u32) -> usize {
    ((bits & 1) << 2 | bits & 2 | bits >> 2 & 1) as usize
}

/// Of each pair of neighbours the first, and the second.
#[inline(always)]
fn split<T: Copy>(all: &[T; STATES]) -> [[T; HALF]; 2] {
    [[all[0], all[2], all[4], all[6]], [all[1], all[3], all[5], all[7]]]
}

/// The second of each pair where that is wanted.
#[inline(always)]
fn choose<T: Copy>(to: &mut [T], is_second: &[bool; HALF], pairs: &[[T; HALF]; 2]) {
    for (n, to) in to.iter_mut().enumerate() {
        *to = if is_second[n] { pairs[1][n] } else { pairs[0][n] };
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Branch {
    metric: [f32; STATES],
    re: [f32; STATES],
    im: [f32; STATES],
}

per_processor! {
    fn take(trellis: &mut Trellis, samples: &[f32]) {
        trellis.take_bit(samples);
    }

    /// [`matches`] for a bit of the usual length.
    pub(super) fn matches_at(carriers: &Carriers, samples: &[f32], at: f32, steps: [f32; 2]) -> Matches {
        matches(carriers, samples, at, BIT, steps)
    }
}

/// Correlations of the bit that begins at `at` with both carriers, and its energy. A sample counts for the time half a
/// sample before it to half a sample after it.
#[inline(always)]
fn matches(carriers: &Carriers, samples: &[f32], at: f32, bit: f32, steps: [f32; 2]) -> Matches {
    let first = (at + 0.5) as usize;
    let Some(samples) = samples.get(first..).and_then(|rest| rest.first_chunk::<TAPS>()) else {
        return Matches::default();
    };
    let begin = at - first as f32;
    let end = begin + bit + 0.5;
    let mut x = [0.0; TAPS];
    let mut energies = [0.0; TAPS];
    let mut weights = [0.0; TAPS];
    for n in 0..TAPS {
        weights[n] = (end - COUNT[n]).clamp(0.0, 1.0);
    }
    weights[0] = 0.5 - begin;
    for n in 0..TAPS {
        x[n] = weights[n] * samples[n];
        energies[n] = x[n] * samples[n];
    }
    let mut sums = [0.0; 8];
    for n in 0..TAPS {
        for i in 0..4 {
            sums[i] += carriers[n][i] * x[n];
            sums[i + 4] += carriers[n][i + 4] * weights[n];
        }
    }
    for width in [4, 2, 1] {
        for i in 0..width {
            energies[i] += energies[i + width];
        }
    }
    // The tables count from the first sample, the bit began `begin` from it. The last two are a bit's turns.
    let [a, b] = steps;
    let phases = [
        a * begin,
        b * begin,
        a * bit,
        b * bit,
        a * begin + 0.25,
        b * begin + 0.25,
        a * bit + 0.25,
        b * bit + 0.25,
    ];
    let mut waves = [0.0; 8];
    for i in 0..8 {
        waves[i] = sine(turns(phases[i]));
    }
    let found = |i: usize| {
        let (s, c) = (waves[i], waves[i + 4]);
        let (re, im) = (sums[2 * i], sums[2 * i + 1]);
        let (double_re, double_im) = (sums[4 + 2 * i], sums[5 + 2 * i]);
        let (c2, s2) = (c * c - s * s, 2.0 * s * c);
        Match {
            re: re * c - im * s,
            im: im * c + re * s,
            on_re: waves[i + 6],
            on_im: waves[i + 2],
            double: (double_re * c2 + double_im * s2, double_im * c2 - double_re * s2),
        }
    };
    Matches { mark: found(0), space: found(1), energy: energies[0] }
}

/// 0 to 7.
const COUNT: [f32; TAPS] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

/// The table of [`matches`].
pub(super) fn carriers(mark: f32, space: f32) -> Carriers {
    std::array::from_fn(|n| {
        let (mark, space) = (turns(mark * n as f32), turns(space * n as f32));
        let (mark2, space2) = (mark.wrapping_mul(2), space.wrapping_mul(2));
        [
            cosine(mark),
            -sine(mark),
            cosine(space),
            -sine(space),
            cosine(mark2),
            sine(mark2),
            cosine(space2),
            sine(space2),
        ]
    })
}

/// Not farther from what is usual than a sender's may be.
#[inline(always)]
pub(super) fn near(value: f32, usual: f32) -> f32 {
    value.clamp(usual * (1.0 - RANGE), usual * (1.0 + RANGE))
}

/// Turns a sample of mark and space of a standard.
pub(super) fn steps(standard: Standard) -> (f32, f32) {
    let step = |hz: u32| hz as f32 / SAMPLE_RATE as f32;
    (step(standard.mark_hz()), step(standard.space_hz()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_it_hears_from_whatever_state_it_goes_on_by_about_a_bit(
            is_v23: bool, tones in prop::array::uniform2((1f32..30_000.0, 0f32..0.5)),
            begin in 0f32..32.0, phase in 0f32..1.0, stretch in -RANGE..RANGE,
            samples in prop::collection::vec(any::<i16>(), 512),
        ) {
            let standard = if is_v23 { Standard::V23 } else { Standard::Bell202 };
            let tones = tones.map(|(amplitude, step)| Tone { amplitude, step });
            let samples: Vec<f32> = samples.into_iter().map(f32::from).collect();
            let (mark, space) = steps(standard);
            let bit = BIT * (1.0 + stretch);
            let mut trellis =
                Trellis::new(standard, carriers(mark, space), tones, begin, phase, bit);
            while trellis.end() < samples.len() {
                let before = trellis.at;
                trellis.take(&samples);
                prop_assert!((0.85 * BIT..1.15 * BIT).contains(&(trellis.at - before)));
                for (tone, usual) in [(trellis.mark, mark), (trellis.space, space)] {
                    prop_assert!((tone.step / usual - 1.0).abs() < RANGE + 1e-4);
                    prop_assert!(tone.amplitude.is_finite() && tone.amplitude > 0.0);
                }
                prop_assert!(trellis.likelihood().is_finite() && trellis.noise.is_finite());
            }
        }
    }
}
