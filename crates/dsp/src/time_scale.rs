//! Sound made shorter or longer by one pitch period, at the same pitch.
//!
//! ```text
//!  shorten:   | A | B | C …   →   | A fades into B | C …
//!  lengthen:  | A | B | C …   →   | A | B fades into A | B | C …
//! ```
//! Where one period is like the next, or all is quiet, that is not heard. A jitter buffer changes its delay with it:
//! [`shorten`] and [`lengthen`] decline where it would be heard, and one waits for a better place. Both begin with the first
//! sample and end with the last one that they were given: the sound goes on smoothly before and after.

use crate::{
    level::{energy, saturate_f32},
    simd::{LANES, Vector, dot, per_processor},
};

/// Shortest period, samples: 400 Hz.
pub const SHORTEST: usize = 20;

/// Longest period, samples: 50 Hz. With two of them to look at, every voice is found.
pub const LONGEST: usize = 160;

/// From this correlation of a period with the next on they are alike.
const ALIKE: f32 = 0.85;

/// Mean square below which nothing is heard of a blend: -45 dBm0.
const QUIET: u64 = 8000;

/// Vectors of lags.
const BANKS: usize = (LONGEST - SHORTEST + 1).div_ceil(LANES);

/// Takes one period out of the beginning. The result is at the beginning of `samples`: its length, which is 20 to 160
/// samples less, and by half at the most; `None` where it would be heard, and nothing is changed.
///
/// The more samples, up to 320, the more voices can be shortened: 160 do for those above 100 Hz.
pub fn shorten(samples: &mut [i16]) -> Option<usize> {
    let period = period(samples)?;
    for n in 0..period {
        samples[n] = blend(samples[n], samples[period + n], n, period);
    }
    samples.copy_within(2 * period.., period);
    Some(samples.len() - period)
}

/// Writes the samples with one period more to `output`. The length of that, which is 20 to 160 samples more, and by half
/// at the most; `None` where it would be heard, or where `output` is too short, and nothing is written.
pub fn lengthen(samples: &[i16], output: &mut [i16]) -> Option<usize> {
    let period = period(samples)?;
    let output = output.get_mut(..samples.len() + period)?;
    output[..period].copy_from_slice(&samples[..period]);
    for n in 0..period {
        output[period + n] = blend(samples[period + n], samples[n], n, period);
    }
    output[2 * period..].copy_from_slice(&samples[period..]);
    Some(output.len())
}

/// From the one to the other, `n` of `length` samples on.
fn blend(from: i16, to: i16, n: usize, length: usize) -> i16 {
    let share = (n as f32 + 0.5) / length as f32;
    saturate_f32((1.0 - share) * f32::from(from) + share * f32::from(to))
}

/// The period with which a sound begins, if it may be taken out or put in.
fn period(samples: &[i16]) -> Option<usize> {
    let samples = &samples[..samples.len().min(2 * LONGEST)];
    let longest = samples.len() / 2;
    if longest < SHORTEST {
        return None;
    }
    let (period, correlation) = search(samples, longest);
    let quiet = energy(samples) < QUIET * samples.len() as u64;
    (correlation >= ALIKE || quiet).then_some(period)
}

per_processor! {
    /// The lag up to `longest` at which the beginning repeats itself best, and the normalised correlation there.
    fn search(samples: &[i16], longest: usize) -> (usize, f32) {
        let mut sound = [0.0; 2 * LONGEST + (BANKS + 1) * LANES];
        for (to, from) in sound.iter_mut().zip(samples) {
            *to = f32::from(*from);
        }
        let window = samples.len() - longest;
        let mut products = [[0.0; LANES]; BANKS];
        for (bank, products) in products.iter_mut().enumerate() {
            sums::<V>(&sound, window, SHORTEST + bank * LANES).store(products);
        }
        let first = dot::<V>(&sound[..window], &sound);
        let mut energy = dot::<V>(&sound[SHORTEST..SHORTEST + window], &sound[SHORTEST..]);
        let mut best = (longest, 0.0);
        for (lag, product) in (SHORTEST..=longest).zip(products.as_flattened()) {
            let correlation = product / (first * energy).max(1.0).sqrt();
            if correlation > best.1 {
                best = (lag, correlation);
            }
            energy += sound[lag + window].powi(2) - sound[lag].powi(2);
        }
        best
    }
}

/// Products of the first samples with those that are sixteen lags later, from `lag` on.
#[inline(always)]
fn sums<V: Vector>(sound: &[f32], window: usize, lag: usize) -> V {
    let mut sums = [V::splat(0.0); 2];
    let later = sound[lag..].windows(LANES);
    for (n, (x, later)) in sound[..window].iter().zip(later).enumerate() {
        let Some(later) = later.first_chunk() else { break };
        sums[n % 2] = V::splat(*x).mul_add(V::load(later), sums[n % 2]);
    }
    sums[0].add(sums[1])
}
