//! The foreground filter: makes the echo that is taken out, without delay.
//!
//! It never adapts; it is copied from the background filter when that is clearly better. The first
//! partition works in the time domain, sample by sample; what the others contribute to a block is
//! known before the block begins.

use crate::simd::{LANES, Lanes, Vector};

use super::BLOCK;
use super::adaptive::{Adaptive, Far, constrain};
use super::fourier::{Complex, Row, Spectrum, VECTORS, inverse_second};

/// The foreground filter.
#[derive(Clone, Debug)]
pub(super) struct Foreground {
    /// Partition 0, in taps.
    taps: Row,
    /// All partitions.
    weights: Box<[Spectrum]>,
    /// How well they were known when they were copied.
    variance: Box<[Row]>,
    /// The later partitions' echo in the running block, and room for a vector that begins in it.
    late: [f32; BLOCK + LANES],
}

impl Foreground {
    pub fn new(adaptive: &Adaptive) -> Foreground {
        Foreground {
            taps: Row::ZERO,
            weights: adaptive.weights.clone(),
            variance: adaptive.variance.clone(),
            late: [0.0; BLOCK + LANES],
        }
    }

    /// Takes nothing for echo.
    pub fn forget(&mut self) {
        self.taps = Row::ZERO;
        self.weights.fill(Spectrum::ZERO);
        self.late.fill(0.0);
    }

    /// Becomes the background filter.
    #[inline(always)]
    pub fn copy_from<V: Vector>(&mut self, adaptive: &mut Adaptive) {
        self.taps.store(constrain::<V>(&mut adaptive.weights[0]));
        self.weights.copy_from_slice(&adaptive.weights);
        self.variance.copy_from_slice(&adaptive.variance);
    }

    /// Makes the background filter what this one is.
    pub fn copy_to(&self, adaptive: &mut Adaptive) {
        adaptive.weights.copy_from_slice(&self.weights);
        adaptive.variance.copy_from_slice(&self.variance);
    }

    /// What all but the first partition will contribute to the block that begins.
    #[inline(always)]
    pub fn prepare<V: Vector>(&mut self, far: &Far) {
        if self.weights.len() == 1 {
            return;
        }
        let mut echo = [Complex::<V>::zero(); VECTORS];
        for (x, w) in far.newest_first().zip(&self.weights[1..]) {
            for (m, echo) in echo.iter_mut().enumerate() {
                *echo = Complex::load(x, m).mul_add(Complex::load(w, m), *echo);
            }
        }
        for (lanes, echo) in self.late.as_chunks_mut().0.iter_mut().zip(inverse_second(echo)) {
            echo.store(lanes);
        }
    }

    /// Echo of the running block's samples from `from` on, in whole vectors: what comes after the far end that is known
    /// is of no worth.
    #[inline(always)]
    pub fn estimate<V: Vector>(&self, far: &Far, from: usize, count: usize) -> [V; VECTORS] {
        match count.div_ceil(LANES) {
            0 | 1 => self.vectors::<V, 1>(far, from),
            2 => self.vectors::<V, 2>(far, from),
            3 => self.vectors::<V, 3>(far, from),
            _ => self.vectors::<V, 4>(far, from),
        }
    }

    /// `N` vectors from `from` on. Each sample is the same sum in the same order whatever `N` is, so that it matters not
    /// how the stream was cut.
    #[inline(always)]
    fn vectors<V: Vector, const N: usize>(&self, far: &Far, from: usize) -> [V; VECTORS] {
        let mut sums = [[V::splat(0.0); 2]; N];
        for (v, sum) in sums.iter_mut().enumerate() {
            let late: &Lanes =
                self.late[from..][LANES * v..].first_chunk().expect("a vector begins in the block");
            sum[0] = V::load(late);
        }
        let taps = self.taps.samples();
        for j in 0..LANES {
            // Far-end vectors that are a whole number of vectors apart serve several taps and sums.
            let first = from + LANES - j;
            let window = far.samples[first..first + LANES * (N + VECTORS - 1)].as_chunks().0;
            let mut x = [V::splat(0.0); 2 * VECTORS - 1];
            for (x, lanes) in x.iter_mut().zip(window) {
                *x = V::load(lanes);
            }
            for q in 0..VECTORS {
                let tap = V::splat(taps[j + LANES * q]);
                for (v, sum) in sums.iter_mut().enumerate() {
                    sum[q % 2] = tap.mul_add(x[VECTORS - 1 + v - q], sum[q % 2]);
                }
            }
        }
        let mut echo = [V::splat(0.0); VECTORS];
        for (echo, [a, b]) in echo.iter_mut().zip(sums) {
            *echo = a.add(b);
        }
        echo
    }
}
