//! Sines by phase accumulator and polynomial: exact for ever, the same however the stream is cut,
//! and vectorised. And the sums over samples that the analysers share, in eight lanes.

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

/// Adds `amplitude` × sin of `phase` + n × `step` to `out[n]`.
pub(crate) fn add_sine(out: &mut [f32], phase: Phase, step: Phase, amplitude: f32) {
    let mut lane = phase;
    for x in out {
        *x += amplitude * sine(lane);
        lane = lane.wrapping_add(step);
    }
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

/// Sum of `x[n]` × exp(-j n `step`) under a Hann window as long as `x`; the sum of the window is
/// half its length.
pub(crate) fn correlate(x: &[f32], step: Phase) -> (f32, f32) {
    const BLOCK: usize = 32;
    let window_step = Phase::MAX / x.len().max(1) as Phase;
    let mut sums = [[0.0; 8]; 2];
    let mut phase = 0;
    let mut window_phase = window_step / 2;
    for block in x.chunks(BLOCK) {
        // First the products of signal and window, then the two carriers: each loop vectorises.
        let mut windowed = [0.0; BLOCK];
        for (windowed, x) in windowed.iter_mut().zip(block) {
            *windowed = x * (0.5 - 0.5 * cosine(window_phase));
            window_phase = window_phase.wrapping_add(window_step);
        }
        let mut carriers = [[0.0; BLOCK]; 2];
        let [cosines, sines] = &mut carriers;
        for (c, s) in cosines.iter_mut().zip(sines) {
            (*c, *s) = (cosine(phase), sine(phase));
            phase = phase.wrapping_add(step);
        }
        for (sums, carrier) in sums.iter_mut().zip(&carriers) {
            for (w, c) in windowed.as_chunks::<8>().0.iter().zip(carrier.as_chunks::<8>().0) {
                for i in 0..8 {
                    sums[i] += w[i] * c[i];
                }
            }
        }
    }
    (sums[0].iter().sum(), -sums[1].iter().sum::<f32>())
}

/// A phase of so many turns; whole turns count nothing.
#[inline(always)]
pub(crate) fn turns(turns: f32) -> Phase {
    (turns * 4_294_967_296.0) as i64 as Phase
}
