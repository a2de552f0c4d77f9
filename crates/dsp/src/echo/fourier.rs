//! The Fourier transform of 128 real samples, by one of 64 complex ones in three radix-4 stages.
//!
//! Every stage reads its four inputs in order (Stockham's arrangement), and real and imaginary parts
//! lie apart, so that plain loops vectorise. Tables are made by the compiler.

use crate::oscillator::{Phase, cosine, sine};

use super::BLOCK;
use super::wide::fma;

/// Samples of a frame: the block before, and the block.
pub(super) const FRAME: usize = 2 * BLOCK;

/// Bins of a frame that are not mirror images of others.
pub(super) const BINS: usize = BLOCK + 1;

/// Bins, up to whole vectors of eight; those above [`BINS`] are zero.
pub(super) const WIDTH: usize = 72;

const QUARTER: usize = BLOCK / 4;

/// The spectrum of a frame.
#[repr(align(32))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Spectrum {
    pub re: [f32; WIDTH],
    pub im: [f32; WIDTH],
}

impl Spectrum {
    pub const ZERO: Spectrum = Spectrum { re: [0.0; WIDTH], im: [0.0; WIDTH] };
}

#[repr(align(32))]
struct Points {
    re: [f32; BLOCK],
    im: [f32; BLOCK],
}

/// `exp(-2πi × numerator / denominator)`.
const fn turn(numerator: usize, denominator: usize) -> (f32, f32) {
    let phase = ((numerator as u64) << 32) / denominator as u64;
    (cosine(phase as Phase), -sine(phase as Phase))
}

/// Factors of a stage over `length` points: for each butterfly three, real and imaginary.
const fn twiddles(length: usize) -> [[f32; QUARTER]; 6] {
    let stride = BLOCK / length;
    let mut table = [[0.0; QUARTER]; 6];
    let mut i = 0;
    while i < QUARTER {
        let mut power = 1;
        while power < 4 {
            let (re, im) = turn(power * (i / stride), length);
            table[2 * power - 2][i] = re;
            table[2 * power - 1][i] = im;
            power += 1;
        }
        i += 1;
    }
    table
}

static FIRST: [[f32; QUARTER]; 6] = twiddles(64);
static SECOND: [[f32; QUARTER]; 6] = twiddles(16);
static THIRD: [[f32; QUARTER]; 6] = twiddles(4);

/// Factors that part the two interleaved halves of a real frame.
static SPLIT: [[f32; BLOCK]; 2] = {
    let mut table = [[0.0; BLOCK]; 2];
    let mut k = 0;
    while k < BLOCK {
        (table[0][k], table[1][k]) = turn(k, FRAME);
        k += 1;
    }
    table
};

/// Spectrum of a frame; no scaling.
#[inline(always)]
pub(super) fn forward<const F: bool>(frame: &[f32; FRAME], out: &mut Spectrum) {
    let mut points = Points { re: [0.0; BLOCK], im: [0.0; BLOCK] };
    for (i, pair) in frame.as_chunks::<2>().0.iter().enumerate() {
        [points.re[i], points.im[i]] = *pair;
    }
    let z = transform::<F>(&points);
    // Mirror images, so that the loop below runs forwards on both.
    let mut mirror = Points { re: [0.0; BLOCK], im: [0.0; BLOCK] };
    for k in 1..BLOCK {
        mirror.re[k] = z.re[BLOCK - k];
        mirror.im[k] = z.im[BLOCK - k];
    }
    (mirror.re[0], mirror.im[0]) = (z.re[0], z.im[0]);
    for k in 0..BLOCK {
        let (even_re, even_im) = (0.5 * (z.re[k] + mirror.re[k]), 0.5 * (z.im[k] - mirror.im[k]));
        let (odd_re, odd_im) = (0.5 * (z.im[k] + mirror.im[k]), 0.5 * (mirror.re[k] - z.re[k]));
        let (c, s) = (SPLIT[0][k], SPLIT[1][k]);
        out.re[k] = fma::<F>(odd_re, c, fma::<F>(-odd_im, s, even_re));
        out.im[k] = fma::<F>(odd_re, s, fma::<F>(odd_im, c, even_im));
    }
    out.re[BLOCK] = z.re[0] - z.im[0];
    out.im[0] = 0.0;
    out.im[BLOCK] = 0.0;
}

/// Frame of a spectrum; undoes [`forward`].
#[inline(always)]
pub(super) fn inverse<const F: bool>(spectrum: &Spectrum, out: &mut [f32; FRAME]) {
    let mut mirror = Points { re: [0.0; BLOCK], im: [0.0; BLOCK] };
    for k in 0..BLOCK {
        mirror.re[k] = spectrum.re[BLOCK - k];
        mirror.im[k] = spectrum.im[BLOCK - k];
    }
    // Real and imaginary parts change places on the way in and out: that inverts the transform.
    let mut points = Points { re: [0.0; BLOCK], im: [0.0; BLOCK] };
    for k in 0..BLOCK {
        let (re, im) = (spectrum.re[k], spectrum.im[k]);
        let (even_re, even_im) = (re + mirror.re[k], im - mirror.im[k]);
        let (diff_re, diff_im) = (re - mirror.re[k], im + mirror.im[k]);
        let (c, s) = (SPLIT[0][k], SPLIT[1][k]);
        let odd_re = fma::<F>(diff_re, c, diff_im * s);
        let odd_im = fma::<F>(diff_im, c, -(diff_re * s));
        points.im[k] = even_re - odd_im;
        points.re[k] = even_im + odd_re;
    }
    let z = transform::<F>(&points);
    let scale = 1.0 / FRAME as f32;
    for (i, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        *pair = [z.im[i] * scale, z.re[i] * scale];
    }
}

#[inline(always)]
fn transform<const F: bool>(input: &Points) -> Points {
    let a = stage::<F, 1>(input, &FIRST);
    let b = stage::<F, 4>(&a, &SECOND);
    stage::<F, 16>(&b, &THIRD)
}

/// One radix-4 stage; `S` is Stockham's stride.
#[inline(always)]
fn stage<const F: bool, const S: usize>(x: &Points, w: &[[f32; QUARTER]; 6]) -> Points {
    let mut o = [[0.0f32; QUARTER]; 8];
    for i in 0..QUARTER {
        let (a_re, a_im) = (x.re[i], x.im[i]);
        let (b_re, b_im) = (x.re[i + QUARTER], x.im[i + QUARTER]);
        let (c_re, c_im) = (x.re[i + 2 * QUARTER], x.im[i + 2 * QUARTER]);
        let (d_re, d_im) = (x.re[i + 3 * QUARTER], x.im[i + 3 * QUARTER]);
        let (ac_re, ac_im, a_c_re, a_c_im) = (a_re + c_re, a_im + c_im, a_re - c_re, a_im - c_im);
        let (bd_re, bd_im, b_d_re, b_d_im) = (b_re + d_re, b_im + d_im, b_re - d_re, b_im - d_im);
        (o[0][i], o[1][i]) = (ac_re + bd_re, ac_im + bd_im);
        let (p_re, p_im) = (a_c_re + b_d_im, a_c_im - b_d_re);
        o[2][i] = fma::<F>(p_re, w[0][i], -(p_im * w[1][i]));
        o[3][i] = fma::<F>(p_re, w[1][i], p_im * w[0][i]);
        let (q_re, q_im) = (ac_re - bd_re, ac_im - bd_im);
        o[4][i] = fma::<F>(q_re, w[2][i], -(q_im * w[3][i]));
        o[5][i] = fma::<F>(q_re, w[3][i], q_im * w[2][i]);
        let (r_re, r_im) = (a_c_re - b_d_im, a_c_im + b_d_re);
        o[6][i] = fma::<F>(r_re, w[4][i], -(r_im * w[5][i]));
        o[7][i] = fma::<F>(r_re, w[5][i], r_im * w[4][i]);
    }
    let mut y = Points { re: [0.0; BLOCK], im: [0.0; BLOCK] };
    for i in 0..QUARTER {
        let at = i % S + 4 * S * (i / S);
        for q in 0..4 {
            y.re[at + q * S] = o[2 * q][i];
            y.im[at + q * S] = o[2 * q + 1][i];
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_spectrum_of_the_definition_and_comes_back() {
        let mut seed = 1u32;
        let frame: [f32; FRAME] = std::array::from_fn(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((seed >> 16) as i16)
        });
        let mut spectrum = Spectrum::ZERO;
        forward::<false>(&frame, &mut spectrum);
        for k in 0..BINS {
            let mut sum = (0.0f64, 0.0f64);
            for (n, x) in frame.iter().enumerate() {
                let angle = -std::f64::consts::TAU * (k * n) as f64 / FRAME as f64;
                sum.0 += f64::from(*x) * angle.cos();
                sum.1 += f64::from(*x) * angle.sin();
            }
            assert!((sum.0 - f64::from(spectrum.re[k])).abs() < 2.0, "bin {k}");
            assert!((sum.1 - f64::from(spectrum.im[k])).abs() < 2.0, "bin {k}");
        }
        let mut back = [0.0; FRAME];
        inverse::<false>(&spectrum, &mut back);
        for (a, b) in frame.iter().zip(back) {
            assert!((a - b).abs() < 0.1, "{a} came back as {b}");
        }
    }
}
