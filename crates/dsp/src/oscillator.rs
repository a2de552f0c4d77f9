//! Sines by phase accumulator and polynomial: exact for ever, the same however the stream is cut,
//! and vectorised. And the sum of products that analysers share, in eight lanes.

use crate::SAMPLE_RATE;

/// A phase in units of 2^-32 turns; wraps as turns do.
pub(crate) type Phase = u32;

/// From a sine to a cosine.
pub(crate) const QUARTER_TURN: Phase = 1 << 30;

/// Phase step of a frequency in 0.1 Hz, to 1 µHz.
pub(crate) const fn step_of_decihertz(decihertz: u32) -> Phase {
    let per_second = SAMPLE_RATE as u64 * 10;
    ((((decihertz as u64) << 32) + per_second / 2) / per_second) as Phase
}

/// sin(2π × phase / 2^32); the error stays below 5e-7.
#[inline(always)]
pub(crate) const fn sine(phase: Phase) -> f32 {
    // Fold the signed half turn onto the quarter turn -1..=1, where the polynomial holds.
    let half = phase as i32;
    let folded = if half.wrapping_add(1 << 30) < 0 { i32::MIN.wrapping_sub(half) } else { half };
    let x = folded as f32 * (1.0 / (1u32 << 30) as f32);
    let y = x * x;
    // Minimax of sin(πx/2)/x in x² on -1..=1.
    let p = 1.514_841_9e-4 * y - 4.673_766e-3;
    let p = p * y + 7.968_968e-2;
    let p = p * y - 6.459_637e-1;
    x * (p * y + std::f32::consts::FRAC_PI_2)
}

/// cos(2π × phase / 2^32).
#[inline(always)]
pub(crate) const fn cosine(phase: Phase) -> f32 {
    sine(phase.wrapping_add(QUARTER_TURN))
}

/// Phase step of a frequency in Hz; negative ones turn backwards.
pub(crate) fn step_of_hz(hz: f32) -> Phase {
    // The factor is a power of two over 125: exact enough in f64, and the cast wraps negatives by
    // way of i64.
    (f64::from(hz) * (4_294_967_296.0 / f64::from(SAMPLE_RATE))).round() as i64 as Phase
}

/// Sum of products of two slices of one length.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// A phase of so many turns; whole turns count nothing.
#[inline(always)]
pub(crate) fn turns(turns: f32) -> Phase {
    (turns * 4_294_967_296.0) as i64 as Phase
}
