//! Steady tones below the keys': hum, dial tone, ringing, busy. The two strongest are found and taken out.

use super::{
    burst::HISTORY,
    partial::{Pair, Partial},
    sums::{correlate, dot},
};
use crate::oscillator::step_of_hz;

/// Where they are looked for, each 25 Hz, and where they may be found, Hz.
const FIRST_HZ: f32 = 50.0;
const STEP_HZ: f32 = 25.0;
const PLACES: u16 = 24;
const RANGE_HZ: std::ops::Range<f32> = 30.0..665.0;

/// Least mean square of a tone that is taken out, of the keys' tones.
const LEAST: f32 = 0.001;

/// Least share of what the keys' tones leave over that one low tone has, for it to be worth a look.
const WORTH: f32 = 0.2;

/// How often each tone is measured without the others.
const ROUNDS: usize = 3;

/// The tones in a stretch.
type Tones = [Option<Partial>; 2];

/// Takes out of the history the tones in the samples from `from` to `to` that have this mean square.
pub(super) fn take_out(x: &mut [f32; HISTORY], from: usize, to: usize, least: f32) {
    let mut found: Tones = [None; 2];
    for _ in 0..ROUNDS {
        refine(x, (from, to), &mut found, least);
    }
}

/// The history without the low tones that sound with a burst of this pair from `start` to `end`; `None` if there are
/// none that stand out.
pub(super) fn without(
    x: &[f32; HISTORY],
    pair: Pair,
    (start, end): (usize, usize),
) -> Option<[f32; HISTORY]> {
    let mut rest = *x;
    let rest = &mut rest[start..end];
    pair.take_out(rest);
    let strongest = Partial::fit(rest, strongest(rest));
    if strongest.power() * rest.len() as f32 <= WORTH * dot(rest, rest) {
        return None;
    }
    let least = LEAST * pair.power();
    // They go on, or ended or began with it. What sounds just as long as the burst is a part of speech.
    let stretches = [(0, HISTORY), (0, end), (start, HISTORY)];
    let cleaned = stretches.map(|stretch| {
        let mut clean = *x;
        let mut found: Tones = [None; 2];
        let mut left = f32::MAX;
        for _ in 0..ROUNDS {
            let mut rest = clean;
            pair.take_out(&mut rest[start..end]);
            let before = rest;
            refine(&mut rest, stretch, &mut found, least);
            left = dot(&rest[start..end], &rest[start..end]);
            for ((clean, rest), before) in clean.iter_mut().zip(&rest).zip(&before) {
                *clean += rest - before;
            }
        }
        (left, clean)
    });
    let best = cleaned.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, clean)| clean)
}

/// Measures each tone without the other, and takes it out.
fn refine(x: &mut [f32; HISTORY], (from, to): (usize, usize), found: &mut Tones, least: f32) {
    for slot in found {
        let before = slot.take();
        if let Some(partial) = before {
            partial.add(x);
        }
        let seen = &x[from..to];
        let near = before.map_or_else(|| strongest(seen), |partial| partial.hz);
        // The second look corrects for what the window's slope bent.
        let partial =
            Partial::fit(seen, Partial::fit(seen, near).hz.clamp(RANGE_HZ.start, RANGE_HZ.end));
        if partial.power() > least && RANGE_HZ.contains(&partial.hz) {
            let partial = partial.since(from);
            partial.subtract(x);
            *slot = Some(partial);
        }
    }
}

/// Where most power is.
fn strongest(x: &[f32]) -> f32 {
    let places = (0..PLACES).map(|n| FIRST_HZ + STEP_HZ * f32::from(n));
    let power = |hz: f32| {
        let (re, im) = correlate(x, step_of_hz(hz));
        re * re + im * im
    };
    let strongest = places.map(|hz| (power(hz), hz)).max_by(|a, b| a.0.total_cmp(&b.0));
    strongest.map_or(FIRST_HZ, |(_, hz)| hz)
}
