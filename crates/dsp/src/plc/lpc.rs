//! Linear prediction: the vocal tract as a filter, how it rings, and noise through it.

use std::{f32::consts::PI, sync::LazyLock};

use crate::simd::{LANES, Vector, per_processor};

/// Predictor taps: four resonances and the slope.
pub(super) const ORDER: usize = 10;

/// Samples that are analysed: 25 ms.
pub(super) const WINDOW: usize = 200;

/// Samples that a ringing lasts: 5 ms.
pub(super) const RINGING: usize = 40;

/// Resonances are damped by this, each round of a sample.
const DAMPING: f32 = 0.98;

/// What each sample is weighed with, and each lag.
struct Weights {
    window: [f32; WINDOW],
    lags: [f32; ORDER + 1],
    /// Of the window.
    energy: f32,
}

static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| {
    // Half a Hann window up to 85 %, then a quarter of a cosine: the newest samples count most.
    let window: [f32; WINDOW] = std::array::from_fn(|n| {
        let at = (n as f32 + 0.5) / WINDOW as f32;
        match at < 0.85 {
            true => 0.5 - 0.5 * (PI * at / 0.85).cos(),
            false => (PI / 2.0 * (at - 0.85) / 0.15).cos(),
        }
    });
    // Resonances are at least 40 Hz wide; the floor is at -40 dB.
    let lags = std::array::from_fn(|lag| {
        let turn = 2.0 * PI * 40.0 / 8000.0 * lag as f32;
        if lag == 0 { 1.0001 } else { (-0.5 * turn * turn).exp() }
    });
    Weights { window, lags, energy: window.iter().map(|w| w * w).sum() }
});

/// Makes the tables, so that the first gap need not.
pub(super) fn prepare() {
    LazyLock::force(&WEIGHTS);
}

/// `x(n) = -Σ taps(k) x(n - 1 - k)` and what is new in a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Predictor {
    taps: [f32; ORDER],
    /// What is new, mean square.
    pub(super) innovation: f32,
}

impl Predictor {
    /// Predicts nothing.
    pub(super) const NONE: Predictor = Predictor { taps: [0.0; ORDER], innovation: 0.0 };

    /// By autocorrelation (Levinson and Durbin), of samples as [`WINDOW`] weighs them.
    pub(super) fn of(samples: &[f32; WINDOW]) -> Predictor {
        let weights = &*WEIGHTS;
        let mut lags = autocorrelation(samples, &weights.window);
        for (lag, weight) in lags.iter_mut().zip(&weights.lags) {
            *lag *= weight;
        }
        // A thousandth of a step: nothing divides by zero.
        lags[0] += 1e-3;
        let (taps, left) = levinson(&lags);
        Predictor { taps, innovation: left / weights.energy }
    }

    /// How the filter goes on by itself after these samples, the newest first; it fades out at the end.
    pub(super) fn ringing(&self, after: &[f32; ORDER]) -> [f32; RINGING] {
        ring(&self.taps, after)
    }

    /// As a filter at rest.
    pub(super) const fn filter(&self) -> Filter {
        Filter { taps: self.taps, state: [0.0; ORDER] }
    }
}

/// All-pole, in the transposed form: one product from a sample to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    taps: [f32; ORDER],
    state: [f32; ORDER],
}

impl Filter {
    #[inline(always)]
    pub(super) fn next(&mut self, input: f32) -> f32 {
        let output = input + self.state[0];
        for i in 0..ORDER - 1 {
            self.state[i] = self.state[i + 1] - self.taps[i] * output;
        }
        self.state[ORDER - 1] = -self.taps[ORDER - 1] * output;
        output
    }
}

per_processor! {
    fn autocorrelation(samples: &[f32; WINDOW], window: &[f32; WINDOW]) -> [f32; LANES] {
        // Silence after the end; a lane is a lag.
        let mut weighed = [0.0; WINDOW + LANES];
        for ((to, x), w) in weighed.iter_mut().zip(samples).zip(window) {
            *to = x * w;
        }
        let mut sums = [V::splat(0.0); 4];
        for n in (0..WINDOW).step_by(4) {
            sums = std::array::from_fn(|i| product(&weighed, n + i, sums[i]));
        }
        let mut lags = [0.0; LANES];
        sums[0].add(sums[1]).add(sums[2].add(sums[3])).store(&mut lags);
        lags
    }
}

per_processor! {
    fn ring(taps: &[f32; ORDER], after: &[f32; ORDER]) -> [f32; RINGING] {
        let mut damping = 1.0;
        let mut filter = Filter { taps: *taps, state: [0.0; ORDER] };
        for tap in &mut filter.taps {
            damping *= DAMPING;
            *tap *= damping;
        }
        for i in 0..ORDER {
            for k in i..ORDER {
                filter.state[i] -= filter.taps[k] * after[k - i];
            }
        }
        let mut ringing = [0.0; RINGING];
        for (n, sample) in ringing.iter_mut().enumerate() {
            let fade = ((RINGING - n) as f32 / (RINGING / 2) as f32).min(1.0);
            *sample = filter.next(0.0) * fade;
        }
        ringing
    }
}

/// The predictor for these lags, and the power that it leaves.
fn levinson(lags: &[f32; LANES]) -> ([f32; ORDER], f32) {
    let mut taps = [0.0; ORDER];
    let mut left = lags[0];
    step::<0>(lags, &mut taps, &mut left);
    step::<1>(lags, &mut taps, &mut left);
    step::<2>(lags, &mut taps, &mut left);
    step::<3>(lags, &mut taps, &mut left);
    step::<4>(lags, &mut taps, &mut left);
    step::<5>(lags, &mut taps, &mut left);
    step::<6>(lags, &mut taps, &mut left);
    step::<7>(lags, &mut taps, &mut left);
    step::<8>(lags, &mut taps, &mut left);
    step::<9>(lags, &mut taps, &mut left);
    (taps, left)
}

/// One tap more: each count is a constant, so that all loops are unrolled.
#[inline(always)]
fn step<const TAPS: usize>(lags: &[f32; LANES], taps: &mut [f32; ORDER], left: &mut f32) {
    let mut sum = lags[TAPS + 1];
    for j in 0..TAPS {
        sum += taps[j] * lags[TAPS - j];
    }
    let reflection = -sum / *left;
    // Rounding alone can leave nothing; the predictor then stays as it is.
    if reflection.abs() < 1.0 {
        let before = *taps;
        for j in 0..TAPS {
            taps[j] += reflection * before[TAPS - 1 - j];
        }
        taps[TAPS] = reflection;
        *left *= 1.0 - reflection * reflection;
    }
}

/// Adds a sample times itself and each of those after it.
#[inline(always)]
fn product<V: Vector>(samples: &[f32; WINDOW + LANES], at: usize, sum: V) -> V {
    let Some(later) = samples[at..].first_chunk() else { return sum };
    V::splat(samples[at]).mul_add(V::load(later), sum)
}
