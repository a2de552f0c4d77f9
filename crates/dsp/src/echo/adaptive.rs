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

use crate::simd::Vector;

use super::BLOCK;
use super::fourier::{
    Complex, FRAME, Row, Spectrum, VECTORS, forward, forward_first, forward_second, inverse_first,
    inverse_second,
};

/// Variance of a tap's bin before anything is known: an echo path of 6 dB loss, and then some.
const UNKNOWN: f32 = 0.25;

/// Share of the optimal step that is taken.
const STEP: f32 = 0.5;

/// Least variance of |E|² that is taken for near end: the rounding of samples.
const ROUNDING: f32 = BLOCK as f32 / 12.0;

/// Share of the last estimate that Ψ keeps from block to block.
const NEAR_MEMORY: f32 = 0.8;

/// Partitions whose wrap-around is taken out each block, in turn.
const CONSTRAINED: usize = 2;

/// Samples that are read behind the running block and thrown away.
const SPARE: usize = 16;

/// What was heard of the far end.
#[derive(Clone, Debug)]
pub(super) struct Far {
    /// Spectra of the last frames, a ring with the newest at `head`.
    spectra: Box<[Spectrum]>,
    head: usize,
    /// The block before, then the running block as far as it was heard.
    pub samples: [f32; FRAME + SPARE],
}

impl Far {
    pub fn new(partitions: usize) -> Far {
        Far {
            spectra: vec![Spectrum::ZERO; partitions].into_boxed_slice(),
            head: 0,
            samples: [0.0; FRAME + SPARE],
        }
    }

    /// Has heard nothing.
    pub fn forget(&mut self) {
        self.spectra.fill(Spectrum::ZERO);
        self.head = 0;
        self.samples.fill(0.0);
    }

    /// Spectra from the newest frame to the oldest.
    #[inline(always)]
    pub fn newest_first(&self) -> impl Iterator<Item = &Spectrum> {
        let (older, newer) = self.spectra.split_at(self.head);
        newer.iter().chain(older)
    }

    /// The block before and the running block.
    #[inline(always)]
    pub fn frame<V: Vector>(&self) -> [[V; VECTORS]; 2] {
        let lanes = self.samples.as_chunks().0;
        std::array::from_fn(|half| std::array::from_fn(|m| V::load(&lanes[VECTORS * half + m])))
    }

    /// The running block becomes the block before.
    #[inline(always)]
    pub fn push<V: Vector>(&mut self) {
        self.head = if self.head == 0 { self.spectra.len() - 1 } else { self.head - 1 };
        let [before, block] = self.frame::<V>();
        for (m, x) in forward(&before, &block).into_iter().enumerate() {
            x.store(&mut self.spectra[self.head], m);
        }
        self.samples.copy_within(BLOCK..FRAME, 0);
    }
}

/// The background filter.
#[derive(Clone, Debug)]
pub(super) struct Adaptive {
    /// W, by partition.
    pub weights: Box<[Spectrum]>,
    /// P, by partition.
    pub variance: Box<[Row]>,
    /// Ψ.
    near: Row,
    /// ½ Σ P|X|² of this block.
    doubt: Row,
    /// How far a block's gain in knowledge is believed, 0 to 1.
    pub trust: f32,
    /// Growth of the variance a block, as a share of |W|².
    pub drift: f32,
    /// Whether the wrap-around is taken out of all partitions, or of some in turn.
    pub constrain_all: bool,
    /// The partition whose wrap-around is taken out next.
    turn: usize,
}

impl Adaptive {
    pub fn new(partitions: usize) -> Adaptive {
        Adaptive {
            weights: vec![Spectrum::ZERO; partitions].into_boxed_slice(),
            variance: vec![Row::all(UNKNOWN); partitions].into_boxed_slice(),
            near: Row::all(ROUNDING),
            doubt: Row::ZERO,
            trust: 0.5,
            drift: 0.0,
            constrain_all: true,
            turn: 0,
        }
    }

    /// Knows nothing again.
    pub fn forget(&mut self) {
        self.weights.fill(Spectrum::ZERO);
        (self.near, self.turn) = (Row::all(ROUNDING), 0);
        (self.trust, self.drift, self.constrain_all) = (0.5, 0.0, true);
        self.doubt();
    }

    /// Trusts the estimate no more than at the start.
    pub fn doubt(&mut self) {
        self.variance.fill(Row::all(UNKNOWN));
    }

    /// The filter's error over a block.
    #[inline(always)]
    pub fn predict<V: Vector>(&mut self, far: &Far, near: &[V; VECTORS]) -> [V; VECTORS] {
        let mut echo = [Complex::<V>::zero(); VECTORS];
        let mut doubt = [V::splat(0.0); VECTORS];
        for ((x, w), p) in far.newest_first().zip(&self.weights).zip(&self.variance) {
            for m in 0..VECTORS {
                let x = Complex::load(x, m);
                echo[m] = x.mul_add(Complex::load(w, m), echo[m]);
                doubt[m] = x.power().mul_add(V::load(&p.0[m]), doubt[m]);
            }
        }
        self.keep(doubt);
        let mut error = inverse_second(echo);
        for m in 0..VECTORS {
            error[m] = near[m].sub(error[m]);
        }
        error
    }

    /// How far off the filter may be, once more: it was changed since [`Self::predict`].
    #[inline(always)]
    pub fn weigh<V: Vector>(&mut self, far: &Far) {
        let mut doubt = [V::splat(0.0); VECTORS];
        for (x, p) in far.newest_first().zip(&self.variance) {
            for (m, doubt) in doubt.iter_mut().enumerate() {
                *doubt = Complex::<V>::load(x, m).power().mul_add(V::load(&p.0[m]), *doubt);
            }
        }
        self.keep(doubt);
    }

    #[inline(always)]
    fn keep<V: Vector>(&mut self, doubt: [V; VECTORS]) {
        for m in 0..VECTORS {
            doubt[m].mul(V::splat(0.5)).store(&mut self.doubt.0[m]);
        }
    }

    /// Learns from the error over a block; comes after [`Self::predict`].
    #[inline(always)]
    pub fn learn<V: Vector>(&mut self, far: &Far, error: &[V; VECTORS]) {
        let mut e = forward_second(error);
        let mut loss = [V::splat(0.0); VECTORS];
        for m in 0..VECTORS {
            // E / D, and Ψ for the next block.
            let (near, doubt) = (V::load(&self.near.0[m]), V::load(&self.doubt.0[m]));
            let scale = V::splat(1.0).div(doubt.add(near));
            let share = near.mul(scale);
            let seen = e[m].power().mul(share).mul_add(share, doubt.mul(share));
            near.sub(seen)
                .mul_add(V::splat(NEAR_MEMORY), seen)
                .max(V::splat(ROUNDING))
                .store(&mut self.near.0[m]);
            e[m] = e[m].scale(scale.mul(V::splat(STEP)));
            loss[m] = scale.mul(V::splat(0.5 * self.trust));
        }
        let partitions = far.newest_first().zip(&mut self.weights).zip(&mut self.variance);
        for ((x, w), p) in partitions {
            for m in 0..VECTORS {
                let (x, before) = (Complex::load(x, m), V::load(&p.0[m]));
                let gain = before.mul(loss[m]);
                let after = gain.mul(x.power()).mul_from(before, before);
                let moved = x.conjugate_mul_add(e[m].scale(before), Complex::load(w, m));
                moved.store(w, m);
                moved.power().mul_add(V::splat(self.drift), after).store(&mut p.0[m]);
            }
        }
        let count = self.weights.len();
        for _ in 0..if self.constrain_all { count } else { count.min(CONSTRAINED) } {
            constrain::<V>(&mut self.weights[self.turn]);
            self.turn = if self.turn + 1 < count { self.turn + 1 } else { 0 };
        }
    }
}

/// Zeroes the second half of a partition's taps, which overlap-save leaves free; returns the first.
#[inline(always)]
pub(super) fn constrain<V: Vector>(weights: &mut Spectrum) -> [V; VECTORS] {
    let taps = inverse_first(weights.load());
    for (m, w) in forward_first(&taps).into_iter().enumerate() {
        w.store(weights, m);
    }
    taps
}
