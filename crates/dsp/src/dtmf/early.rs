//! The first look: whether a key has just set in, 5 ms after it did.
//!
//! Out of quiet two sines begin at once at their full strength. Speech begins with the damped swings of a formant,
//! and more of them. That is not certain enough to tell a digit, but to mute it until more was heard.

use super::{
    HIGH_HZ, LOW_HZ,
    partial::{Pair, Partial},
    sums::dot,
};
use crate::oscillator::step_of_hz;

/// Samples of a first look: 5 ms.
const FIRST: usize = 40;

/// Most energy of the 5 ms that ended 15 ms ago, of that of the last 5 ms.
const MAX_BEFORE: f32 = 0.05;

/// Most that may be left over of the first 5 ms: phones are hardly off their frequencies.
const MAX_FIRST_RESIDUE: f32 = 0.02;

/// Most that may be left over of 10 ms.
const MAX_RESIDUE: f32 = 0.05;

/// Most that either tone may exceed the other, as amplitude: 8 dB.
const MAX_TWIST: f32 = 2.5;

/// Least mean square: both tones at -40 dBm0.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 4.8e-5;

/// The key (row and column) that seems to have set in within the last 5 to 15 of these 20 ms; or one that did before
/// and still sounds.
pub(super) fn key(
    last: &[i16; 4 * FIRST],
    before: Option<(usize, usize)>,
) -> Option<(usize, usize)> {
    let x = last.map(f32::from);
    let [oldest, second, _, latest] = std::array::from_fn(|n| {
        let part = &x[n * FIRST..][..FIRST];
        dot(part, part)
    });
    if latest < MIN_POWER * FIRST as f32 {
        return None;
    }
    if let Some((row, column)) = before {
        return fits(&x[2 * FIRST..], row, column, MAX_RESIDUE).then_some((row, column));
    }
    if oldest > MAX_BEFORE * latest {
        return None;
    }
    let tail = &x[3 * FIRST..];
    let row = strongest(tail, &LOW_HZ);
    let column = strongest(tail, &HIGH_HZ);
    // Neighbours are not told apart in so short a time.
    let near = |at: usize| [Some(at), at.checked_sub(1), Some(at + 1).filter(|at| *at < 4)];
    let keys = near(row).into_iter().flatten();
    let mut keys = keys.flat_map(|row| near(column).into_iter().flatten().map(move |c| (row, c)));
    keys.find(|(row, column)| {
        fits(tail, *row, *column, MAX_FIRST_RESIDUE)
            // If 10 ms are full they must fit as well.
            && (second < MAX_BEFORE * latest || fits(&x[2 * FIRST..], *row, *column, MAX_RESIDUE))
    })
}

/// Where in its group the strongest frequency is.
fn strongest(x: &[f32], group: &[f32; 4]) -> usize {
    let power = |at: usize| sine(group[at]).fit_exactly(x).power();
    (0..4).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap_or(0)
}

fn fits(x: &[f32], row: usize, column: usize, most: f32) -> bool {
    let mut buffer = [0.0; 2 * FIRST];
    let rest = &mut buffer[..x.len()];
    rest.copy_from_slice(x);
    let all = dot(x, x);
    let pair = Pair { low: sine(LOW_HZ[row]), high: sine(HIGH_HZ[column]) }.take_out(rest);
    let (low, high) = (pair.low.amplitude, pair.high.amplitude);
    dot(rest, rest) <= most * all && low <= MAX_TWIST * high && high <= MAX_TWIST * low
}

fn sine(hz: f32) -> Partial {
    Partial { amplitude: 0.0, phase: 0, step: step_of_hz(hz), hz }
}
