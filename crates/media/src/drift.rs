//! Two clocks that should be one: blocks come by the one and go by the other.
//!
//! ```text
//!  push 40 ──► ring ──► rubato (ratio) ──► pull 40
//!               └── fill, averaged ──► ratio
//! ```
//! The ratio follows the ring's mean fill: 100 ppm hold it 10 samples off its aim, which takes 13 s to settle.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Adjustable, Async, FixedAsync, PolynomialDegree, Resampler};

use crate::block::BLOCK_SAMPLES;

/// Samples in the ring before a pull, on average: 15 ms, as the other card's blocks come unevenly.
const AIM: usize = 120;
/// Samples beyond which the oldest are dropped.
const MOST: usize = 400;
/// What one sample of fill changes in the ratio.
const GAIN: f64 = 1e-5;
/// The most the ratio leaves 1: crystals are within 100 ppm, sound cards within 500.
const REACH: f64 = 1e-3;
/// Pulls over which the fill is averaged.
const MEAN: f32 = 256.0;
/// Input that one pull may ask for.
const INPUT: usize = 2 * BLOCK_SAMPLES;

/// One direction of one channel.
pub(crate) struct Drift {
    ring: Box<[f32; MOST + BLOCK_SAMPLES]>,
    len: usize,
    /// Whether the ring was filled to its aim since it last ran dry.
    primed: bool,
    /// Mean fill above the aim, in samples.
    excess: f32,
    resampler: Async<f32>,
    output: [f32; BLOCK_SAMPLES],
}

/// Both directions of one channel of a card whose clock is not the engine's.
pub(crate) struct CardDrift {
    /// From the card.
    pub(crate) up: Drift,
    /// To the card.
    pub(crate) down: Drift,
}

impl CardDrift {
    pub(crate) fn new() -> Self {
        Self { up: Drift::new(), down: Drift::new() }
    }
}

impl Drift {
    pub(crate) fn new() -> Self {
        let resampler = Async::new_poly(
            1.0,
            1.0 + 2.0 * REACH,
            PolynomialDegree::Septic,
            BLOCK_SAMPLES,
            1,
            FixedAsync::Output,
        );
        Self {
            ring: Box::new([0.0; MOST + BLOCK_SAMPLES]),
            len: 0,
            primed: false,
            excess: 0.0,
            resampler: resampler.expect("constant parameters that rubato takes"),
            output: [0.0; BLOCK_SAMPLES],
        }
    }

    /// Puts 5 ms in, by the one clock.
    pub(crate) fn push(&mut self, block: &[i16; BLOCK_SAMPLES]) {
        if self.len > MOST - BLOCK_SAMPLES {
            // The other clock has stopped: keep the newest.
            self.discard(self.len - AIM);
        }
        for (slot, sample) in self.ring[self.len..].iter_mut().zip(block) {
            *slot = f32::from(*sample);
        }
        self.len += BLOCK_SAMPLES;
    }

    /// Takes 5 ms out, by the other. False where there is too little; `out` is left as it was.
    pub(crate) fn pull(&mut self, out: &mut [i16; BLOCK_SAMPLES]) -> bool {
        let needed = self.resampler.input_frames_next();
        self.primed = self.len >= if self.primed { needed } else { AIM };
        if !self.primed || needed > INPUT {
            return false;
        }
        self.excess += (self.len as f32 - AIM as f32 - self.excess) / MEAN;
        let ratio = (1.0 - f64::from(self.excess) * GAIN).clamp(1.0 - REACH, 1.0 + REACH);
        // Out of reach is clamped already; a ratio that is refused leaves the one before.
        let _ = self.resampler.set_resample_ratio(ratio, true);
        let needed = self.resampler.input_frames_next().min(self.len);
        let done = match (
            SequentialSlice::new(&self.ring[..needed], 1, needed),
            SequentialSlice::new_mut(&mut self.output[..], 1, BLOCK_SAMPLES),
        ) {
            (Ok(input), Ok(mut output)) => {
                self.resampler.process_into_buffer(&input, &mut output, None).is_ok()
            }
            _ => false,
        };
        self.discard(needed);
        if done {
            for (sample, value) in out.iter_mut().zip(&self.output) {
                // `as` saturates.
                *sample = value.round_ties_even() as i16;
            }
        }
        done
    }

    fn discard(&mut self, samples: usize) {
        self.ring.copy_within(samples..self.len, 0);
        self.len -= samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `seconds` of a sine through clocks that differ by `ppm`; output, and the fill at each pull.
    fn run(seconds: u64, ppm: i64) -> (Vec<i16>, Vec<usize>) {
        let mut drift = Drift::new();
        let (mut out, mut fills) = (Vec::new(), Vec::new());
        let mut pushed = 0u64;
        for tick in 0..seconds * 200 {
            let due = (tick * 1_000_000).saturating_add_signed(tick as i64 * ppm) / 1_000_000;
            while pushed < due {
                let block = std::array::from_fn(|i| {
                    let t = (pushed * 40 + i as u64) as f64 / 8000.0;
                    ((t * 1000.0 * std::f64::consts::TAU).sin() * 10_000.0) as i16
                });
                drift.push(&block);
                pushed += 1;
            }
            fills.push(drift.len);
            let mut block = [0; BLOCK_SAMPLES];
            if drift.pull(&mut block) {
                out.extend(block);
            }
        }
        (out, fills)
    }

    #[test]
    fn a_card_with_another_clock_is_heard_without_a_gap() {
        for ppm in [-300, 0, 300] {
            let (out, fills) = run(60, ppm);
            assert!(out.len() >= 60 * 8000 - 400, "{} at {ppm} ppm", out.len());
            let settled = &fills[fills.len() / 2..];
            assert!(settled.iter().all(|f| (60..260).contains(f)), "{ppm} ppm");
            // A click would be a step that no 1 kHz sine of this level makes (7,654 at most).
            let step = out[400..].windows(2).map(|w| (w[1] - w[0]).unsigned_abs()).max();
            assert!(step.is_some_and(|s| s < 7_800), "{step:?} at {ppm} ppm");
        }
    }

    #[test]
    fn a_clock_that_stops_leaves_no_backlog() {
        let mut drift = Drift::new();
        (0..1000).for_each(|_| drift.push(&[1; BLOCK_SAMPLES]));
        assert!(drift.len <= MOST);
        let mut block = [0; BLOCK_SAMPLES];
        let pulls = (0..100).filter(|_| drift.pull(&mut block)).count();
        assert!((2..=10).contains(&pulls), "{pulls}");
    }
}
