//! The pitch period of what was heard last: at half the rate first, sixteen lags a time, then exactly.

use super::history::LENGTH;
use crate::simd::{LANES, Vector, dot, per_processor};

/// Shortest period, samples: 400 Hz.
pub(super) const SHORTEST: usize = 20;

/// Longest period, samples: 50 Hz.
pub(super) const LONGEST: usize = 160;

/// Samples that are compared with those a period before: 15 ms.
const WINDOW: usize = 120;

/// Vectors of lags at half the rate.
const BANKS: usize = (LONGEST / 2 - SHORTEST / 2 + 1).div_ceil(LANES);

/// Samples of half the rate that the search reads.
const HALF: usize = WINDOW / 2 + SHORTEST / 2 + BANKS * LANES;

per_processor! {
    /// The lag at which the end of the history repeats itself best, and how well: the normalised correlation, from 0 to 1.
    pub(super) fn period(history: &[f32; LENGTH]) -> (usize, f32) {
        let coarse = 2 * best_at_half_rate::<V>(history);
        let recent = &history[LENGTH - WINDOW..];
        let energy = dot::<V>(recent, recent);
        let mut best = (coarse.clamp(SHORTEST, LONGEST), 0.0);
        for lag in coarse.saturating_sub(2).max(SHORTEST)..=(coarse + 2).min(LONGEST) {
            let earlier = &history[LENGTH - WINDOW - lag..LENGTH - lag];
            let norm = (energy * dot::<V>(earlier, earlier)).sqrt();
            let correlation = dot::<V>(recent, earlier) / norm.max(1.0);
            if correlation > best.1 {
                best = (lag, correlation);
            }
        }
        best
    }
}

#[inline(always)]
fn best_at_half_rate<V: Vector>(history: &[f32; LENGTH]) -> usize {
    // The newest first: lags then go up in memory.
    let mut half = [0.0; HALF];
    for (half, pair) in half.iter_mut().zip(history.as_chunks::<2>().0.iter().rev()) {
        *half = pair[0] + pair[1];
    }
    let mut products = [V::splat(0.0); BANKS];
    for n in 0..WINDOW / 2 {
        let recent = V::splat(half[n]);
        for bank in 0..BANKS {
            let Some(earlier) = half[n + SHORTEST / 2 + bank * LANES..].first_chunk() else {
                continue;
            };
            products[bank] = V::load(earlier).mul_add(recent, products[bank]);
        }
    }
    // From a lag to the next, one sample leaves what is compared and one comes.
    let mut energies = [0.0; BANKS * LANES];
    let mut energy = dot::<V>(&half[SHORTEST / 2..][..WINDOW / 2], &half[SHORTEST / 2..]);
    for (lag, slot) in (SHORTEST / 2..).zip(&mut energies) {
        *slot = energy;
        energy += half[lag + WINDOW / 2] * half[lag + WINDOW / 2] - half[lag] * half[lag];
    }
    let mut scores = [[0.0; LANES]; BANKS];
    for bank in 0..BANKS {
        products[bank].store(&mut scores[bank]);
    }
    for (score, energy) in scores.as_flattened_mut().iter_mut().zip(&energies) {
        *score *= score.abs() / energy.max(1.0);
    }
    let lags = scores.as_flattened()[..LONGEST / 2 - SHORTEST / 2 + 1].iter().enumerate();
    let best = lags.fold((LONGEST / 2, 0.0), |best, (i, score)| match *score > best.1 {
        true => (SHORTEST / 2 + i, *score),
        false => best,
    });
    best.0
}
