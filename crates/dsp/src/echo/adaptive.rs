//! The background filter: a Kalman filter for each bin of a partitioned spectrum.
//!
//! The echo path is cut into partitions of [`BLOCK`] taps; a block's echo is the sum over partitions
//! of far-end spectrum times partition, by overlap-save. Each bin of each partition carries, beside
//! its estimate W, how far it is thought to be off (P, a variance). From the error spectrum E:
//!
//! ```text
//! D = ½ Σ P|X|² + Ψ          what the error should be: misalignment and near end
//! W ← W + µ P X* E / D       P ← P − ½ t P²|X|² / D + q|W|²
//! Ŝ = E Ψ / D                Ψ ← smoothed |Ŝ|² + ½ Σ P|X|² Ψ / D
//! ```
//!
//! (G. Enzner and P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control",
//! Signal Processing 86, 2006; partitions as F. Kuech, E. Mabande and G. Enzner, ICASSP 2014.) The
//! step is thus large where the far end is strong against what the near end says, bin by bin: speech
//! converges like noise, a tone moves only its own bins, and double talk slows by itself. The step is
//! halved (µ = [`STEP`]), as overlap-save sees only half a frame and full steps can ring; P shrinks by
//! less than theory says (t, "trust") where speech makes neighbouring bins anything but independent.

use super::BLOCK;
use super::fourier::{FRAME, Spectrum, WIDTH, forward, inverse};
use super::wide::fma;

/// A value for each bin.
#[repr(align(32))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins(pub [f32; WIDTH]);

/// Variance of a tap's bin before anything is known: an echo path of 6 dB loss, and then some.
const UNKNOWN: f32 = 0.25;

/// Growth of the variance a block, of |W|²: echo paths of lines hardly move.
const DRIFT: f32 = 1e-6;

/// Share of the optimal step that is taken.
const STEP: f32 = 0.5;

/// Least variance of |E|² that is taken for near end: the rounding of samples.
const ROUNDING: f32 = BLOCK as f32 / 12.0;

/// Share of the last estimate that Ψ keeps from block to block.
const NEAR_MEMORY: f32 = 0.8;

/// What was heard of the far end.
#[derive(Clone, Debug)]
pub(super) struct Far {
    /// Spectra of the last frames, a ring with the newest at `head`.
    spectra: Box<[Spectrum]>,
    head: usize,
    /// The block before, then the running block as far as it was heard.
    pub samples: [f32; FRAME],
}

impl Far {
    pub fn new(partitions: usize) -> Far {
        Far {
            spectra: vec![Spectrum::ZERO; partitions].into_boxed_slice(),
            head: 0,
            samples: [0.0; FRAME],
        }
    }

    /// Spectra from the newest frame to the oldest.
    #[inline(always)]
    pub fn newest_first(&self) -> impl Iterator<Item = &Spectrum> {
        let (older, newer) = self.spectra.split_at(self.head);
        newer.iter().chain(older)
    }

    /// The running block.
    pub fn block(&self) -> &[f32; BLOCK] {
        self.samples.last_chunk().expect("a frame is two blocks")
    }

    /// Spectrum of the newest frame.
    pub fn newest(&self) -> &Spectrum {
        &self.spectra[self.head]
    }
}

#[inline(always)]
pub(super) fn push<const F: bool>(far: &mut Far) {
    far.head = if far.head == 0 { far.spectra.len() - 1 } else { far.head - 1 };
    forward::<F>(&far.samples, &mut far.spectra[far.head]);
    far.samples.copy_within(BLOCK.., 0);
}

/// The background filter.
#[derive(Clone, Debug)]
pub(super) struct Adaptive {
    /// W, by partition.
    pub weights: Box<[Spectrum]>,
    /// P, by partition.
    pub variance: Box<[Bins]>,
    /// Ψ.
    pub near: Bins,
    /// Spectrum of the last error: zeros, then the block.
    pub error: Spectrum,
    /// How far a block's gain in knowledge is believed, 0 to 1.
    pub trust: f32,
    /// Whether the wrap-around is taken out of all partitions, or of two in turn.
    pub constrain_all: bool,
    /// The partition whose wrap-around is taken out next.
    turn: usize,
}

impl Adaptive {
    pub fn new(partitions: usize) -> Adaptive {
        Adaptive {
            weights: vec![Spectrum::ZERO; partitions].into_boxed_slice(),
            variance: vec![Bins([UNKNOWN; WIDTH]); partitions].into_boxed_slice(),
            near: Bins([ROUNDING; WIDTH]),
            error: Spectrum::ZERO,
            turn: 0,
            trust: 0.5,
            constrain_all: true,
        }
    }

    /// Knows nothing again, but of the near end.
    pub fn forget(&mut self) {
        self.weights.fill(Spectrum::ZERO);
        self.doubt();
    }

    /// Trusts the estimate no more than at the start.
    pub fn doubt(&mut self) {
        self.variance.fill(Bins([UNKNOWN; WIDTH]));
    }
}

/// Σ of far-end spectra times partitions.
#[inline(always)]
pub(super) fn convolve<'a, const F: bool>(
    far: impl Iterator<Item = &'a Spectrum>,
    weights: &[Spectrum],
) -> Spectrum {
    let mut sum = Spectrum::ZERO;
    for (x, w) in far.zip(weights) {
        for k in 0..WIDTH {
            sum.re[k] = fma::<F>(x.re[k], w.re[k], fma::<F>(-x.im[k], w.im[k], sum.re[k]));
            sum.im[k] = fma::<F>(x.re[k], w.im[k], fma::<F>(x.im[k], w.re[k], sum.im[k]));
        }
    }
    sum
}

#[inline(always)]
pub(super) fn predict<const F: bool>(
    adaptive: &Adaptive,
    far: &Far,
    near: &[f32; BLOCK],
    error: &mut [f32; BLOCK],
) {
    let echo = convolve::<F>(far.newest_first(), &adaptive.weights);
    let mut frame = [0.0; FRAME];
    inverse::<F>(&echo, &mut frame);
    for i in 0..BLOCK {
        error[i] = near[i] - frame[BLOCK + i];
    }
}

#[inline(always)]
pub(super) fn learn<const F: bool>(adaptive: &mut Adaptive, far: &Far, error: &[f32; BLOCK]) {
    let mut frame = [0.0; FRAME];
    frame[BLOCK..].copy_from_slice(error);
    let mut e = Spectrum::ZERO;
    forward::<F>(&frame, &mut e);
    adaptive.error = e;
    let mut doubt = [0.0f32; WIDTH];
    for (x, p) in far.newest_first().zip(&adaptive.variance) {
        for k in 0..WIDTH {
            let power = fma::<F>(x.re[k], x.re[k], x.im[k] * x.im[k]);
            doubt[k] = fma::<F>(0.5 * p.0[k], power, doubt[k]);
        }
    }
    // E / D, and Ψ for the next block.
    let mut scale = [0.0f32; WIDTH];
    for k in 0..WIDTH {
        let near = adaptive.near.0[k];
        scale[k] = 1.0 / (doubt[k] + near);
        let share = near * scale[k];
        let power = fma::<F>(e.re[k], e.re[k], e.im[k] * e.im[k]);
        let seen = fma::<F>(power * share, share, doubt[k] * share);
        adaptive.near.0[k] = fma::<F>(NEAR_MEMORY, near - seen, seen).max(ROUNDING);
        e.re[k] *= STEP * scale[k];
        e.im[k] *= STEP * scale[k];
    }
    let partitions = far.newest_first().zip(&mut adaptive.weights).zip(&mut adaptive.variance);
    for ((x, w), p) in partitions {
        for k in 0..WIDTH {
            let (x_re, x_im, p) = (x.re[k], x.im[k], &mut p.0[k]);
            w.re[k] = fma::<F>(*p, fma::<F>(x_re, e.re[k], x_im * e.im[k]), w.re[k]);
            w.im[k] = fma::<F>(*p, fma::<F>(x_re, e.im[k], -(x_im * e.re[k])), w.im[k]);
            let power = fma::<F>(x_re, x_re, x_im * x_im);
            let kept = fma::<F>(-0.5 * adaptive.trust * *p * power, scale[k], 1.0);
            let size = fma::<F>(w.re[k], w.re[k], w.im[k] * w.im[k]);
            *p = fma::<F>(*p, kept, DRIFT * size);
        }
    }
    let count = adaptive.weights.len();
    for _ in 0..if adaptive.constrain_all { count } else { count.min(2) } {
        constrain::<F>(&mut adaptive.weights[adaptive.turn]);
        adaptive.turn = if adaptive.turn + 1 < count { adaptive.turn + 1 } else { 0 };
    }
}

/// Zeroes the second half of a partition's taps, which overlap-save leaves free; returns the first.
#[inline(always)]
fn constrain<const F: bool>(weights: &mut Spectrum) -> [f32; BLOCK] {
    let mut taps = [0.0; FRAME];
    inverse::<F>(weights, &mut taps);
    taps[BLOCK..].fill(0.0);
    forward::<F>(&taps, weights);
    *taps.first_chunk().expect("a frame is two blocks")
}

#[inline(always)]
pub(super) fn constrain_first<const F: bool>(adaptive: &mut Adaptive, taps: &mut [f32; BLOCK]) {
    *taps = constrain::<F>(&mut adaptive.weights[0]);
}
