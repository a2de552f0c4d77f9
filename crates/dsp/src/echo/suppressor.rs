//! The non-linear processor: what is left of the echo gives way to the background's own noise
//! (G.168 §6: NLP and comfort noise).
//!
//! Once a millisecond the peak of what is left is held against the peak of the echo that was taken
//! out, times the share that the filter has been seen to leave. Below that it is echo and is faded
//! out within a millisecond; above it somebody speaks at the near end, and the gate opens as fast.

use std::ops::Range;

use crate::simd::{LANES, Vector};

use super::comfort::Comfort;
use super::fourier::{Row, VECTORS};
use super::{BLOCK, Running};

/// Samples between two decisions: 1 ms.
const STEP: usize = 8;

/// What is kept of an echo's peak each step: it is gone by 6 dB in 8 ms, as hybrids ring.
const ECHO_KEPT: f32 = 0.92;

/// What is kept of the peak of what is left each step.
const REST_KEPT: f32 = 0.7;

/// Peaks of what is left may be above the mean share by this: 13 dB.
const MARGIN: f32 = 4.5;

/// The far end counts as echo of this size: taps that should be zero are not quite, and what they
/// make may come before the echo does.
const FAR_SHARE: f32 = 0.25;

/// The share of echo that is looked for at most: a filter that cancels less than 12 dB knows nothing.
const MOST_LEFT: f32 = 0.06;

/// Steps that the gate stays open after the last sound of the near end.
const HANG: u32 = 30;

/// A limit that is not worth holding to: rounding alone comes that high.
const LEAST_LIMIT: f32 = 2.0;

/// Peaks of noise above its mean: 9 dB.
const NOISE_PEAK: f32 = 3.0;

/// How far each sample of a step is along in it.
const ALONG: [f32; STEP] = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0];

/// What is known of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Share of the echo's power that the filter leaves.
    pub left: f32,
    /// Root of the mean square of the near end's noise.
    pub noise: f32,
    /// Whether noise fills what is held back.
    pub comfort: bool,
}

/// The processor.
#[derive(Clone, Debug)]
pub(super) struct Suppressor {
    /// Falling peaks of the echo and of what is left.
    echo: f32,
    rest: f32,
    /// Steps until the gate may close.
    hang: u32,
    /// Gains at the begin and end of this step.
    from: f32,
    to: f32,
    noise: Comfort,
}

impl Suppressor {
    pub fn new() -> Suppressor {
        Suppressor { echo: 0.0, rest: 0.0, hang: 0, from: 1.0, to: 1.0, noise: Comfort::new() }
    }

    /// Whether echo is being held back.
    pub fn closed(&self) -> bool {
        self.to < 0.5
    }

    /// Samples `from..to` of the block; `out` is what the filter left of them. Steps are the same however the
    /// block was cut, as each is looked at from its begin.
    #[inline(always)]
    pub fn process<V: Vector>(
        &mut self,
        far: &[V; VECTORS],
        block: &Running,
        part: Range<usize>,
        out: &mut Row,
        line: Line,
    ) {
        let share = MARGIN * line.left.min(MOST_LEFT).sqrt();
        let (echo, rest) = peaks(far, block);
        let mut gains = [(1.0, 1.0); BLOCK / STEP];
        for step in part.start / STEP..part.end.div_ceil(STEP) {
            gains[step] = (self.from, self.to);
            if self.hang == 0 && self.to == 1.0 && share * echo[step].max(self.echo) > 0.5 {
                self.hold_back(step, block, out, share);
            }
            if STEP * (step + 1) <= part.end {
                self.decide(echo[step], rest[step], share, line.noise);
            }
        }
        if gains.iter().all(|(from, to)| *from == 1.0 && *to == 1.0) {
            return;
        }
        let noise = if line.comfort { self.noise.samples::<V>() } else { &Row::ZERO };
        for m in 0..VECTORS {
            let mut gain = [0.0; LANES];
            for (lanes, (from, to)) in
                gain.as_chunks_mut::<STEP>().0.iter_mut().zip(&gains[LANES / STEP * m..])
            {
                for (lane, along) in lanes.iter_mut().zip(ALONG) {
                    *lane = from + (to - from) * along;
                }
            }
            // Unlike voices add in power; half way they are 3 dB down, for 1 ms.
            let (gain, noise) = (V::load(&gain), V::load(&noise.0[m]));
            V::load(&out.0[m]).sub(noise).mul_add(gain, noise).store(&mut out.0[m]);
        }
    }

    /// Open for want of echo: what begins in a step is held back before the step is over.
    fn hold_back(&self, step: usize, block: &Running, out: &mut Row, share: f32) {
        let part = STEP * step..STEP * (step + 1);
        let mut loudest = self.echo;
        for (x, echo) in out.samples_mut()[part.clone()].iter_mut().zip(&block.echo[part]) {
            loudest = loudest.max(echo.abs());
            if x.abs() < share * loudest {
                *x = 0.0;
            }
        }
    }

    /// A step with these peaks is over.
    fn decide(&mut self, echo: f32, rest: f32, share: f32, noise: f32) {
        self.echo = echo.max(self.echo * ECHO_KEPT);
        self.rest = rest.max(self.rest * REST_KEPT);
        let limit = share * self.echo;
        // What is no louder than the noise is no voice.
        let voice = limit.max(NOISE_PEAK * noise).max(LEAST_LIMIT);
        self.hang = if self.rest > 2.0 * voice {
            HANG
        } else {
            self.hang.saturating_sub(1).max(u32::from(self.rest > voice))
        };
        // Without echo there is nothing to hold back: the line is let through as it is.
        let open = self.hang > 0 || limit < noise.max(LEAST_LIMIT);
        (self.from, self.to) = (self.to, if open { 1.0 } else { 0.0 });
    }

    /// The block is over; `idle` is what was left of it if it was background noise alone.
    #[inline(always)]
    pub fn end_block<V: Vector>(&mut self, idle: Option<[V; VECTORS]>) {
        self.noise.end_block(idle);
    }
}

/// Largest magnitudes of the echo and of what is left in each step.
#[inline(always)]
fn peaks<V: Vector>(far: &[V; VECTORS], block: &Running) -> ([f32; 8], [f32; 8]) {
    let mut rows = [[V::splat(0.0); VECTORS]; 2];
    let (echo, error) = (Running::load::<V>(&block.echo), Running::load(&block.error));
    for m in 0..VECTORS {
        let far = magnitude(far[m]).mul(V::splat(FAR_SHARE));
        rows[0][m] = magnitude(echo[m]).max(far);
        rows[1][m] = magnitude(error[m]);
    }
    (step_peaks(rows[0]), step_peaks(rows[1]))
}

#[inline(always)]
fn magnitude<V: Vector>(x: V) -> V {
    x.max(V::splat(0.0).sub(x))
}

/// The greatest of each eight samples.
#[inline(always)]
fn step_peaks<V: Vector>(row: [V; VECTORS]) -> [f32; BLOCK / STEP] {
    let [a, b, c, d] = V::transpose_lanes(row);
    let mut fours = [0.0; LANES];
    a.max(b).max(c.max(d)).store(&mut fours);
    let mut peaks = [0.0; BLOCK / STEP];
    for (step, peak) in peaks.iter_mut().enumerate() {
        // Four samples of vector v and group g are in lane 4g + v.
        let first = 8 * (step % 2) + step / 2;
        *peak = if fours[first] > fours[first + 4] { fours[first] } else { fours[first + 4] };
    }
    peaks
}
