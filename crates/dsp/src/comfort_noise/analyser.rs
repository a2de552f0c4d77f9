//! What a background sounds like.

use std::{f32::consts::TAU, sync::LazyLock};

use super::{Description, MAX_ORDER, index, prediction, reflection};
use crate::{
    level::power_to_dbm0,
    simd::{dot, per_processor},
};

/// Samples that are looked at together, 64 ms: a shorter window widens what is narrow and low.
const WINDOW: usize = 512;

/// Samples from one look to the next.
const HOP: usize = WINDOW / 2;

/// How much of the mean a new look is, from the looks on that this is the inverse of: half a second.
const WEIGHT: f64 = 1.0 / 16.0;

/// Describes the background that it is given, and nothing but background: whoever knows that somebody speaks keeps it
/// away meanwhile (see [`crate::voice_activity`]).
#[derive(Clone, Debug)]
pub struct Analyser {
    window: &'static [f32; WINDOW],
    heard: [f32; WINDOW],
    /// Samples in `heard`.
    count: usize,
    correlation: [f64; MAX_ORDER + 1],
    looks: u32,
}

impl Analyser {
    /// An analyser that has heard nothing.
    pub fn new() -> Analyser {
        // Hann, so that windows on end add up to one; its power is 3/8.
        static HANN: LazyLock<[f32; WINDOW]> = LazyLock::new(|| {
            let turns = |n: usize| TAU * (n as f32 + 0.5) / WINDOW as f32;
            std::array::from_fn(|n| 0.5 - 0.5 * turns(n).cos())
        });
        let (heard, correlation) = ([0.0; WINDOW], [0.0; MAX_ORDER + 1]);
        Analyser { window: &HANN, heard, count: 0, correlation, looks: 0 }
    }

    /// Listens to background.
    pub fn process(&mut self, samples: &[i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(WINDOW - self.count));
            rest = later;
            for (heard, sample) in self.heard[self.count..].iter_mut().zip(now) {
                *heard = f32::from(*sample);
            }
            self.count += now.len();
            if self.count == WINDOW {
                self.look();
                self.heard.copy_within(HOP.., 0);
                self.count = HOP;
            }
        }
    }

    /// Level and spectrum of what was heard last, over about half a second; nothing before the first 64 ms.
    pub fn description(&self) -> Option<Description> {
        if self.looks == 0 {
            return None;
        }
        let power = self.correlation[0] / (0.375 * WINDOW as f64);
        let mut correlation = self.correlation;
        // A floor of white noise 50 dB below: quantised coefficients can say no more.
        correlation[0] = correlation[0] * 1.00001 + 1e-6;
        let quantised = |k| reflection(index(k));
        let reflections = prediction::reflections(&correlation, quantised);
        Some(Description::new(power_to_dbm0(power as f32), &reflections.map(index)))
    }

    /// Forgets.
    pub fn reset(&mut self) {
        (self.count, self.correlation, self.looks) = (0, [0.0; MAX_ORDER + 1], 0);
    }

    fn look(&mut self) {
        let mut windowed = [0.0; WINDOW];
        for ((windowed, heard), window) in windowed.iter_mut().zip(&self.heard).zip(self.window) {
            *windowed = heard * window;
        }
        let mut lags = [0.0; MAX_ORDER + 1];
        autocorrelate(&windowed, &mut lags);
        self.looks = self.looks.saturating_add(1);
        let weight = WEIGHT.max(1.0 / f64::from(self.looks));
        for (mean, lag) in self.correlation.iter_mut().zip(lags) {
            *mean += weight * (f64::from(lag) - *mean);
        }
    }
}

impl Default for Analyser {
    fn default() -> Analyser {
        Analyser::new()
    }
}

per_processor! {
    fn autocorrelate(samples: &[f32; WINDOW], lags: &mut [f32; MAX_ORDER + 1]) {
        for (lag, sum) in lags.iter_mut().enumerate() {
            *sum = dot::<V>(samples, &samples[lag..]);
        }
    }
}
