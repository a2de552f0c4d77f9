//! Automatic gain control for exchange lines (FXO): far and near subscribers come at one level.
//!
//! The level that is held is that of speech, not of a line: only what is above a gate counts, and of that what is within 15 dB of
//! the speech so far. The gain moves by no more than 10 dB in a second, by 0.1 dB a step of 10 ms. While nothing counts for
//! long, amplification goes back to 0 dB: the noise of an idle line is not raised.

use crate::{
    SAMPLE_RATE,
    level::{Gain, db_to_ratio, dbm0_to_peak, saturate},
    simd::per_processor,
};

/// Samples of a step, 10 ms.
const STEP: usize = 80;

/// The gain moves by this ratio a step: 0.1 dB, 10 dB in a second.
const UP: f32 = 1.0115795;
const DOWN: f32 = 1.0 / UP;

/// The level is held to this ratio of powers: 0.25 dB.
const TOLERANCE: f32 = 1.05925;

/// Steps over which speech is averaged at first and in the end: a tenth of a second and two seconds.
const AVERAGES: [f32; 2] = [10.0, 200.0];

/// Steps of pause after which amplification goes back, 3 s.
const PATIENCE: u32 = 3 * SAMPLE_RATE / STEP as u32;

/// Speech this far below its own mean is a pause: 15 dB, as power.
const PAUSE: f32 = 0.0316;

/// What to hold a line to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Level of speech, dBm0.
    pub target_dbm0: f32,
    /// What is quieter is no speech, dBm0.
    pub gate_dbm0: f32,
    /// The most amplification, dB; +18 at the most.
    pub most_db: f32,
    /// The most attenuation, dB, as a positive number.
    pub least_db: f32,
}

impl Default for Settings {
    /// -18 dBm0 with up to 15 dB of gain and 12 dB of loss, of what is above -42 dBm0.
    fn default() -> Settings {
        Settings { target_dbm0: -18.0, gate_dbm0: -42.0, most_db: 15.0, least_db: 12.0 }
    }
}

/// Holds the speech of one direction of a line at a level.
#[derive(Clone, Debug)]
pub struct GainControl {
    /// As powers: target, and gate.
    target: f32,
    gate: f32,
    /// As ratios of amplitudes: the most and the least gain, and the gain that is.
    most: f32,
    least: f32,
    ratio: f32,
    /// The same in Q12.
    gain: Gain,
    /// Power of speech, and how many steps it is the mean of.
    speech: f32,
    steps: f32,
    /// Steps of pause on end.
    pause: u32,
    /// [`STEP`], as a variable: loops over a constant are unrolled into scalars instead of vectors.
    length: usize,
    /// Of the step that is not complete.
    energy: u32,
    samples: usize,
}

impl GainControl {
    /// A control at 0 dB that has heard nothing.
    pub fn new(settings: Settings) -> GainControl {
        let power = |dbm0| dbm0_to_peak(dbm0).powi(2) / 2.0;
        GainControl {
            target: power(settings.target_dbm0),
            gate: power(settings.gate_dbm0),
            most: db_to_ratio(settings.most_db.clamp(0.0, 18.0)),
            least: db_to_ratio(-settings.least_db.max(0.0)),
            ratio: 1.0,
            gain: Gain::UNITY,
            speech: 0.0,
            steps: 0.0,
            pause: 0,
            length: STEP,
            energy: 0,
            samples: 0,
        }
    }

    /// The gain that is applied now.
    pub fn gain(&self) -> Gain {
        self.gain
    }

    /// Amplifies in place, each step of 10 ms by what the steps before it ask for.
    pub fn process(&mut self, samples: &mut [i16]) {
        let (first, rest) = samples.split_at_mut(samples.len().min((STEP - self.samples) % STEP));
        self.part(first);
        let (steps, last) = rest.split_at_mut(rest.len() - rest.len() % STEP);
        whole_steps(self, steps);
        self.part(last);
    }

    /// Amplifies within a step.
    fn part(&mut self, samples: &mut [i16]) {
        self.energy += amplify(samples, self.gain());
        self.samples += samples.len();
        if self.samples == STEP {
            self.step(self.energy);
            (self.energy, self.samples) = (0, 0);
        }
    }

    #[inline(always)]
    fn step(&mut self, energy: u32) {
        let power = energy as f32 * (64.0 / STEP as f32);
        if power < self.gate || power < PAUSE * self.speech {
            self.pause = self.pause.saturating_add(1);
            if self.pause > PATIENCE {
                self.speech = 0.0;
                self.steps = 0.0;
                self.set(self.ratio.min((self.ratio * DOWN).max(1.0)));
            }
            return;
        }
        self.pause = 0;
        self.steps = (self.steps + 1.0).min(AVERAGES[1]);
        self.speech += (power - self.speech) / self.steps;
        if self.steps < AVERAGES[0] {
            return;
        }
        let after = self.speech * self.ratio * self.ratio / self.target;
        if after > TOLERANCE {
            self.set((self.ratio * DOWN).max(self.least));
        } else if after < 1.0 / TOLERANCE {
            self.set((self.ratio * UP).min(self.most));
        }
    }

    fn set(&mut self, ratio: f32) {
        if ratio != self.ratio {
            (self.ratio, self.gain) = (ratio, Gain::from_ratio(ratio));
        }
    }
}

per_processor! {
    fn whole_steps(control: &mut GainControl, steps: &mut [i16]) {
        for samples in steps.chunks_exact_mut(control.length) {
            let energy = amplify(samples, control.gain());
            control.step(energy);
        }
    }
}

/// Amplifies no more than a step; gives the sum of squares before, in 1/64.
#[inline(always)]
fn amplify(samples: &mut [i16], gain: Gain) -> u32 {
    let mut energy = 0;
    for sample in samples.iter() {
        // 80 × 2^24 fits 32 bits.
        let eighth = i32::from(*sample >> 3);
        energy += (eighth * eighth) as u32;
    }
    let q12 = i32::from(gain.q12());
    if gain != Gain::UNITY {
        for sample in samples {
            *sample = saturate((i32::from(*sample) * q12 + 2048) >> 12);
        }
    }
    energy
}
