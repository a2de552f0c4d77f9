//! The sums over samples that the exact look consists of, for each vector unit.

use crate::{
    oscillator::{Phase, cosine, sine},
    simd::per_processor,
};

/// Samples for which the carriers are made at a time.
const BLOCK: usize = 32;

/// Lags of [`autocorrelation`].
pub(super) const LAGS: usize = 32;

/// Most samples that [`autocorrelation`] takes.
const MOST: usize = 448;

per_processor! {
    /// Sum of `x[n]` × exp(-j n `step`) under a Hann window as long as `x`; the sum of the window is half its length.
    pub(super) fn correlate(x: &[f32], step: Phase) -> (f32, f32) {
        let window_step = Phase::MAX / x.len().max(1) as Phase;
        let mut sums = [[0.0; 8]; 2];
        let mut phase: Phase = 0;
        let mut window_phase = window_step / 2;
        for block in x.chunks(BLOCK) {
            let mut windowed = [0.0; BLOCK];
            windowed[..block.len()].copy_from_slice(block);
            for (n, x) in windowed.iter_mut().enumerate() {
                let at = window_phase.wrapping_add(window_step.wrapping_mul(n as Phase));
                *x *= 0.5 - 0.5 * cosine(at);
            }
            add_block(&windowed, phase, step, &mut sums);
            phase = phase.wrapping_add(step.wrapping_mul(BLOCK as Phase));
            window_phase = window_phase.wrapping_add(window_step.wrapping_mul(BLOCK as Phase));
        }
        (sums[0].iter().sum(), -sums[1].iter().sum::<f32>())
    }

    /// Sum of `x[n]` × exp(-j n `step`).
    pub(super) fn project(x: &[f32], step: Phase) -> (f32, f32) {
        let mut sums = [[0.0; 8]; 2];
        let mut phase: Phase = 0;
        for block in x.chunks(BLOCK) {
            let mut padded = [0.0; BLOCK];
            padded[..block.len()].copy_from_slice(block);
            add_block(&padded, phase, step, &mut sums);
            phase = phase.wrapping_add(step.wrapping_mul(BLOCK as Phase));
        }
        (sums[0].iter().sum(), -sums[1].iter().sum::<f32>())
    }

    /// Adds `amplitude` × sin of `phase` + n × `step` to `out[n]`.
    pub(super) fn add_sine(out: &mut [f32], phase: Phase, step: Phase, amplitude: f32) {
        for (n, x) in out.iter_mut().enumerate() {
            *x += amplitude * sine(phase.wrapping_add(step.wrapping_mul(n as Phase)));
        }
    }

    /// Sum of products of two slices of one length.
    pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
        crate::simd::dot::<V>(a, b)
    }

    /// Sums of `x[n]` × exp(-j n `step`) over steps of `STRIDE` samples.
    pub(super) fn strides(x: &[f32], step: Phase, sums: &mut [(f32, f32)]) {
        let mut phase: Phase = 0;
        for (block, sums) in x.chunks(BLOCK).zip(sums.chunks_mut(BLOCK / STRIDE)) {
            let mut products = [[0.0; BLOCK]; 2];
            let [re, im] = &mut products;
            for (n, x) in block.iter().enumerate() {
                let at = phase.wrapping_add(step.wrapping_mul(n as Phase));
                (re[n], im[n]) = (x * cosine(at), -x * sine(at));
            }
            let strides = re.as_chunks::<STRIDE>().0.iter().zip(im.as_chunks::<STRIDE>().0);
            for (sum, (re, im)) in sums.iter_mut().zip(strides) {
                *sum = (re.iter().sum(), im.iter().sum());
            }
            phase = phase.wrapping_add(step.wrapping_mul(BLOCK as Phase));
        }
    }

    /// Sums of `x[n]` × `x[n - lag]`, of no more samples than `MOST`.
    pub(super) fn autocorrelation(x: &[f32]) -> [f32; LAGS] {
        let x = &x[..x.len().min(MOST)];
        let mut behind = [0.0; MOST + LAGS];
        behind[LAGS..LAGS + x.len()].copy_from_slice(x);
        let mut sums = [0.0; LAGS];
        for (n, x) in x.iter().enumerate() {
            // From the sample itself backwards.
            let past: &[f32; LAGS] = behind[n + 1..].first_chunk().expect("as many stand before");
            for (sum, past) in sums.iter_mut().zip(past) {
                *sum += x * past;
            }
        }
        sums.reverse();
        sums
    }
}

#[inline(always)]
fn add_block(x: &[f32; BLOCK], phase: Phase, step: Phase, sums: &mut [[f32; 8]; 2]) {
    let (mut cosines, mut sines) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (n, (c, s)) in cosines.iter_mut().zip(&mut sines).enumerate() {
        let at = phase.wrapping_add(step.wrapping_mul(n as Phase));
        (*c, *s) = (cosine(at), sine(at));
    }
    for (sums, carrier) in sums.iter_mut().zip([&cosines, &sines]) {
        for (x, c) in x.as_chunks::<8>().0.iter().zip(carrier.as_chunks::<8>().0) {
            for i in 0..8 {
                sums[i] += x[i] * c[i];
            }
        }
    }
}

/// Samples from one place where a jump is looked for to the next.
pub(super) const STRIDE: usize = 4;
