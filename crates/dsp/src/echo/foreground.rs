//! The foreground filter: makes the echo that is taken out, without delay.
//!
//! It never adapts; it is copied from the background filter when that is clearly better. The first
//! partition works in the time domain, sample by sample; what the others contribute to a block is
//! known before the block begins.

use super::BLOCK;
use super::adaptive::{Adaptive, Bins, Far, convolve};
use super::fourier::{FRAME, Spectrum, inverse};
use super::wide::{self, fma};

/// The foreground filter.
#[derive(Clone, Debug)]
pub(super) struct Foreground {
    /// Partition 0, in taps.
    taps: [f32; BLOCK],
    /// All partitions.
    pub weights: Box<[Spectrum]>,
    /// How well they were known when they were copied.
    pub variance: Box<[Bins]>,
    /// The later partitions' echo in the running block.
    late: [f32; BLOCK],
}

impl Foreground {
    pub fn new(adaptive: &Adaptive) -> Foreground {
        Foreground {
            taps: [0.0; BLOCK],
            weights: adaptive.weights.clone(),
            variance: adaptive.variance.clone(),
            late: [0.0; BLOCK],
        }
    }

    /// Becomes the background filter.
    pub fn copy_from(&mut self, adaptive: &mut Adaptive) {
        wide::constrain_first(adaptive, &mut self.taps);
        self.weights.copy_from_slice(&adaptive.weights);
        self.variance.copy_from_slice(&adaptive.variance);
    }

    /// Makes the background filter what this one is.
    pub fn copy_to(&self, adaptive: &mut Adaptive) {
        adaptive.weights.copy_from_slice(&self.weights);
        adaptive.variance.copy_from_slice(&self.variance);
    }
}

#[inline(always)]
pub(super) fn prepare<const F: bool>(foreground: &mut Foreground, far: &Far) {
    if foreground.weights.len() == 1 {
        return;
    }
    let echo = convolve::<F>(far.newest_first(), &foreground.weights[1..]);
    let mut frame = [0.0; FRAME];
    inverse::<F>(&echo, &mut frame);
    foreground.late.copy_from_slice(&frame[BLOCK..]);
}

/// Echo of the samples `from..` of the running block; `far` is the block before and the running one.
#[inline(always)]
pub(super) fn estimate<const F: bool>(
    foreground: &Foreground,
    far: &[f32; FRAME],
    from: usize,
    out: &mut [f32],
) {
    let mut done = 0;
    while done < out.len() {
        // Whole vectors, of which some samples may be known already or not yet: those are not used.
        let start = (from + done).min(BLOCK - LANES);
        let skip = from + done - start;
        let mut sum: [f32; LANES] = *foreground.late[start..].first_chunk().expect("in the block");
        for (k, tap) in foreground.taps.iter().enumerate() {
            let x: &[f32; LANES] = far[BLOCK + start - k..].first_chunk().expect("in the frame");
            for i in 0..LANES {
                sum[i] = fma::<F>(*tap, x[i], sum[i]);
            }
        }
        let count = (out.len() - done).min(LANES - skip);
        out[done..done + count].copy_from_slice(&sum[skip..skip + count]);
        done += count;
    }
}

/// Samples made at a time: a call of 5 ms.
const LANES: usize = 40;
