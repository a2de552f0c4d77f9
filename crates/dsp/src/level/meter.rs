//! How loud it is.

use super::{SILENCE_DBM0, peak_to_dbm0, power_to_dbm0};
use crate::{SAMPLE_RATE, simd::per_processor};

/// Time constant of a fast needle, ms ("F" of IEC 61672-1).
pub const FAST_MS: f32 = 125.0;

/// Time constant of a slow needle, ms ("S" of IEC 61672-1).
pub const SLOW_MS: f32 = 1000.0;

/// Sum of squares of samples.
pub fn energy(samples: &[i16]) -> u64 {
    sum_of_squares(samples)
}

per_processor! {
    fn sum_of_squares(samples: &[i16]) -> u64 {
        let (pairs, last) = samples.as_chunks::<2>();
        let last = last.iter().map(|s| u64::from(i32::from(*s).unsigned_abs().pow(2)));
        // 2 × 2^30 fits 32 bits, so pairs may be added before they are widened.
        let pairs = pairs.iter().map(|[a, b]| {
            let (a, b) = (i32::from(*a), i32::from(*b));
            u64::from((a * a) as u32 + (b * b) as u32)
        });
        pairs.sum::<u64>() + last.sum::<u64>()
    }

    fn largest(samples: &[i16]) -> u16 {
        samples.iter().fold(0, |most, sample| most.max(sample.unsigned_abs()))
    }
}

/// Mean level and peak of all samples since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    energy: u64,
    samples: u64,
    peak: u16,
}

impl Meter {
    /// A meter that has heard nothing.
    pub const fn new() -> Meter {
        Meter { energy: 0, samples: 0, peak: 0 }
    }

    /// Listens.
    pub fn process(&mut self, samples: &[i16]) {
        self.energy = self.energy.saturating_add(energy(samples));
        self.samples += samples.len() as u64;
        self.peak = self.peak.max(largest(samples));
    }

    /// Mean level in dBm0 since the last reset; [`SILENCE_DBM0`] if nothing was heard.
    pub fn level_dbm0(&self) -> f32 {
        match self.samples {
            0 => SILENCE_DBM0,
            n => power_to_dbm0((self.energy as f64 / n as f64) as f32),
        }
    }

    /// Largest magnitude since the last reset.
    pub const fn peak(&self) -> u16 {
        self.peak
    }

    /// Level of a sine with the largest magnitude since the last reset, dBm0.
    pub fn peak_dbm0(&self) -> f32 {
        peak_to_dbm0(f32::from(self.peak))
    }

    /// Samples heard since the last reset.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Forgets.
    pub fn reset(&mut self) {
        *self = Meter::new();
    }
}

/// Level as a needle shows it: the past counts less and less.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Mean square, as far as whole steps of 5 ms went.
    power: f32,
    /// How much a step counts.
    weight: f32,
    /// Of the step that is not complete.
    energy: u64,
    samples: usize,
}

impl Follower {
    /// A needle at rest that takes so many milliseconds to come within 37 % of a new power: [`FAST_MS`], [`SLOW_MS`].
    pub fn new(time_ms: f32) -> Follower {
        let step_ms = STEP as f32 * 1000.0 / SAMPLE_RATE as f32;
        let weight = 1.0 - (-step_ms / time_ms.max(step_ms)).exp();
        Follower { power: 0.0, weight, energy: 0, samples: 0 }
    }

    /// Listens.
    pub fn process(&mut self, samples: &[i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(STEP - self.samples));
            rest = later;
            self.energy += energy(now);
            self.samples += now.len();
            if self.samples == STEP {
                self.power += self.weight * (self.energy as f32 / STEP as f32 - self.power);
                (self.energy, self.samples) = (0, 0);
            }
        }
    }

    /// Where the needle stands, dBm0.
    pub fn level_dbm0(&self) -> f32 {
        power_to_dbm0(self.power)
    }
}

/// Samples between two moves of a needle.
const STEP: usize = 40;
