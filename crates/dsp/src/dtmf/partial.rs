//! Single sines: fitted, taken out, put back.

use super::sums::{add_sine, correlate, project};
use crate::{
    SAMPLE_RATE,
    oscillator::{Phase, QUARTER_TURN, cosine, sine, step_of_hz},
};

/// One sine: amplitude × cos of `phase` + n × `step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub amplitude: f32,
    pub phase: Phase,
    pub step: Phase,
    pub hz: f32,
}

impl Partial {
    /// The sine near `hz` (by 60 Hz at the most) in `x`, which has at least 80 samples.
    pub(super) fn fit(x: &[f32], hz: f32) -> Partial {
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
        // The sum of a Hann window is half its length.
        Partial::from_sum(correlate(x, step), 4.0 / x.len() as f32, step, hz)
    }

    /// The sine of just this frequency in `x`, without a window.
    pub(super) fn fit_exactly(self, x: &[f32]) -> Partial {
        let sum = project(x, self.step);
        Partial::from_sum(sum, 2.0 / x.len() as f32, self.step, self.hz)
    }

    fn from_sum((re, im): (f32, f32), scale: f32, step: Phase, hz: f32) -> Partial {
        let amplitude = (re * re + im * im).sqrt() * scale;
        let phase = (im.atan2(re) / std::f32::consts::TAU * 4_294_967_296.0) as i64 as Phase;
        Partial { amplitude, phase, step, hz }
    }

    pub(super) fn is_near(&self, hz: f32, deviation: f32) -> bool {
        (self.hz - hz).abs() <= deviation * hz
    }

    /// The mean square.
    pub(super) fn power(&self) -> f32 {
        self.amplitude * self.amplitude / 2.0
    }

    /// The same sine with its phase counted from `samples` before where it was measured.
    pub(super) fn since(mut self, samples: usize) -> Partial {
        self.phase = self.phase.wrapping_sub(self.step.wrapping_mul(samples as u32));
        self
    }

    pub(super) fn add(&self, x: &mut [f32]) {
        add_sine(x, self.phase.wrapping_add(QUARTER_TURN), self.step, self.amplitude);
    }

    pub(super) fn subtract(&self, x: &mut [f32]) {
        add_sine(x, self.phase.wrapping_add(QUARTER_TURN), self.step, -self.amplitude);
    }

    /// By how much another sine of the same frequency differs, of this one's amplitude.
    pub(super) fn differs(&self, other: &Partial) -> f32 {
        let turned = other.phase.wrapping_sub(self.phase);
        let ratio = other.amplitude / self.amplitude.max(1e-9);
        let (re, im) = (ratio * cosine(turned) - 1.0, ratio * sine(turned));
        (re * re + im * im).sqrt()
    }

    /// What of this sine is left in the part of `x` that begins at `from`: along with it and a quarter turn ahead, of
    /// its amplitude.
    pub(super) fn left_over(&self, x: &[f32], from: usize) -> (f32, f32) {
        let (re, im) = project(x, self.step);
        let phase = self.phase.wrapping_add(self.step.wrapping_mul(from as u32));
        let (c, s) = (cosine(phase), sine(phase));
        let scale = 2.0 / (x.len() as f32 * self.amplitude.max(1e-9));
        ((re * c + im * s) * scale, (im * c - re * s) * scale)
    }
}

/// Two sines that sound together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub low: Partial,
    pub high: Partial,
}

impl Pair {
    /// Takes the best sines of these two frequencies out of `x`. They must lie apart by more than one turn in its
    /// length.
    pub(super) fn take_out(self, x: &mut [f32]) -> Pair {
        let low = self.low.fit_exactly(x);
        low.subtract(x);
        let high = self.high.fit_exactly(x);
        high.subtract(x);
        // What each took of the other.
        for partial in [low, high, low] {
            partial.fit_exactly(x).subtract(x);
        }
        Pair { low, high }
    }

    /// The mean square.
    pub(super) fn power(&self) -> f32 {
        self.low.power() + self.high.power()
    }

    pub(super) fn since(self, samples: usize) -> Pair {
        Pair { low: self.low.since(samples), high: self.high.since(samples) }
    }

    pub(super) fn add(&self, x: &mut [f32]) {
        self.low.add(x);
        self.high.add(x);
    }
}

/// A phase in turns, -0.5 to 0.5.
fn turns(phase: Phase) -> f32 {
    phase as i32 as f32 / 4_294_967_296.0
}
