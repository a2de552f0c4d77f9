//! The Fourier transform of a frame of 128 real samples at the odd multiples of 31.25 Hz.
//!
//! Between the usual frequencies lie those of the "odd" transform, `X(k) = Σ x(n) exp(-iπ (2k + 1) n / 128)`. It has no
//! bins of its own kind at 0 and 4,000 Hz, and with `k` even it is a plain transform of 64 complex points, without
//! the pass that parts a real spectrum: `z(n) = (x(n) - i x(n + 64)) exp(-iπ n / 128)`. Products of such spectra wrap
//! around with the other sign; the half of a frame that overlap-save keeps is the same.
//!
//! The 64 points are four vectors of sixteen. Three radix-4 stages run over the vectors, and the transpositions between them
//! bring the next digit there. Bins stay in the order in which they come out, as every use takes all bins alike.

use crate::oscillator::{Phase, cosine, sine};
use crate::simd::{LANES, Lanes, Vector};

use super::BLOCK;

/// Samples of a frame: the block before, and the block.
pub(super) const FRAME: usize = 2 * BLOCK;

/// Vectors of a block.
pub(super) const VECTORS: usize = BLOCK / LANES;

/// A block of samples, or a value for each bin.
#[repr(align(64))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Row(pub [Lanes; VECTORS]);

impl Row {
    pub const ZERO: Row = Row::all(0.0);

    pub const fn all(value: f32) -> Row {
        Row([[value; LANES]; VECTORS])
    }

    pub fn samples(&self) -> &[f32; BLOCK] {
        self.0.as_flattened().try_into().expect("a row is a block")
    }

    pub fn samples_mut(&mut self) -> &mut [f32; BLOCK] {
        self.0.as_flattened_mut().try_into().expect("a row is a block")
    }

    #[inline(always)]
    pub fn load<V: Vector>(&self) -> [V; VECTORS] {
        [V::load(&self.0[0]), V::load(&self.0[1]), V::load(&self.0[2]), V::load(&self.0[3])]
    }

    #[inline(always)]
    pub fn store<V: Vector>(&mut self, vectors: [V; VECTORS]) {
        for (lanes, vector) in self.0.iter_mut().zip(vectors) {
            vector.store(lanes);
        }
    }
}

/// The spectrum of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spectrum {
    pub re: Row,
    pub im: Row,
}

impl Spectrum {
    pub const ZERO: Spectrum = Spectrum { re: Row::ZERO, im: Row::ZERO };

    #[inline(always)]
    pub fn load<V: Vector>(&self) -> Points<V> {
        join(self.re.load(), self.im.load())
    }
}

/// A vector of complex numbers.
#[derive(Clone, Copy)]
pub(super) struct Complex<V> {
    pub re: V,
    pub im: V,
}

/// All points of a transform.
pub(super) type Points<V> = [Complex<V>; VECTORS];

impl<V: Vector> Complex<V> {
    #[inline(always)]
    pub fn load(spectrum: &Spectrum, at: usize) -> Complex<V> {
        Complex { re: V::load(&spectrum.re.0[at]), im: V::load(&spectrum.im.0[at]) }
    }

    #[inline(always)]
    pub fn store(self, spectrum: &mut Spectrum, at: usize) {
        self.re.store(&mut spectrum.re.0[at]);
        self.im.store(&mut spectrum.im.0[at]);
    }

    #[inline(always)]
    pub fn zero() -> Complex<V> {
        Complex { re: V::splat(0.0), im: V::splat(0.0) }
    }

    /// `self × factor + addend`.
    #[inline(always)]
    pub fn mul_add(self, factor: Complex<V>, addend: Complex<V>) -> Complex<V> {
        Complex {
            re: self.im.mul_from(factor.im, self.re.mul_add(factor.re, addend.re)),
            im: self.im.mul_add(factor.re, self.re.mul_add(factor.im, addend.im)),
        }
    }

    /// `self* × factor + addend`.
    #[inline(always)]
    pub fn conjugate_mul_add(self, factor: Complex<V>, addend: Complex<V>) -> Complex<V> {
        Complex {
            re: self.im.mul_add(factor.im, self.re.mul_add(factor.re, addend.re)),
            im: self.im.mul_from(factor.re, self.re.mul_add(factor.im, addend.im)),
        }
    }

    /// |self|².
    #[inline(always)]
    pub fn power(self) -> V {
        self.re.mul_add(self.re, self.im.mul(self.im))
    }

    /// Times a real factor.
    #[inline(always)]
    pub fn scale(self, factor: V) -> Complex<V> {
        Complex { re: self.re.mul(factor), im: self.im.mul(factor) }
    }

    #[inline(always)]
    fn add(self, other: Complex<V>) -> Complex<V> {
        Complex { re: self.re.add(other.re), im: self.im.add(other.im) }
    }

    #[inline(always)]
    fn sub(self, other: Complex<V>) -> Complex<V> {
        Complex { re: self.re.sub(other.re), im: self.im.sub(other.im) }
    }

    /// `self + i × other`.
    #[inline(always)]
    fn add_turned(self, other: Complex<V>) -> Complex<V> {
        Complex { re: self.re.sub(other.im), im: self.im.add(other.re) }
    }

    /// `self - i × other`.
    #[inline(always)]
    fn sub_turned(self, other: Complex<V>) -> Complex<V> {
        Complex { re: self.re.add(other.im), im: self.im.sub(other.re) }
    }

    /// Times a factor.
    #[inline(always)]
    fn times(self, factor: Complex<V>) -> Complex<V> {
        let (re, im) = (factor.re, factor.im);
        Complex {
            re: self.im.mul_from(im, self.re.mul(re)),
            im: self.im.mul_add(re, self.re.mul(im)),
        }
    }

    /// Times a factor's conjugate.
    #[inline(always)]
    fn times_conjugate(self, factor: Complex<V>) -> Complex<V> {
        let (re, im) = (factor.re, factor.im);
        Complex {
            re: self.im.mul_add(im, self.re.mul(re)),
            im: self.re.mul_from(im, self.im.mul(re)),
        }
    }
}

/// Factors of sixteen lanes.
#[repr(align(64))]
struct Factors {
    re: Lanes,
    im: Lanes,
}

impl Factors {
    /// `exp(-2πi × numerator / denominator)` for each lane.
    const fn new(numerators: [usize; LANES], denominator: u64) -> Factors {
        let mut factors = Factors { re: [0.0; LANES], im: [0.0; LANES] };
        let mut lane = 0;
        while lane < LANES {
            let phase = (((numerators[lane] as u64) << 32) / denominator) as Phase;
            (factors.re[lane], factors.im[lane]) = (cosine(phase), -sine(phase));
            lane += 1;
        }
        factors
    }

    /// `exp(-2πi × step × (first + lane) / denominator)`.
    const fn along(first: usize, step: usize, denominator: u64) -> Factors {
        let mut numerators = [0; LANES];
        let mut lane = 0;
        while lane < LANES {
            numerators[lane] = step * (first + lane);
            lane += 1;
        }
        Factors::new(numerators, denominator)
    }

    /// The same for lanes within groups of four.
    const fn within_groups(step: usize, denominator: u64) -> Factors {
        let mut numerators = [0; LANES];
        let mut lane = 0;
        while lane < LANES {
            numerators[lane] = step * (lane % 4);
            lane += 1;
        }
        Factors::new(numerators, denominator)
    }

    #[inline(always)]
    fn load<V: Vector>(&self) -> Complex<V> {
        Complex { re: V::load(&self.re), im: V::load(&self.im) }
    }
}

/// `exp(-iπ n / 128)`, sample by sample.
static TWIST: [Factors; VECTORS] = [
    Factors::along(0, 1, 256),
    Factors::along(16, 1, 256),
    Factors::along(32, 1, 256),
    Factors::along(48, 1, 256),
];

/// Between the first stage and the second.
static FIRST: [Factors; 3] =
    [Factors::along(0, 1, 64), Factors::along(0, 2, 64), Factors::along(0, 3, 64)];

/// Between the second and the third.
static SECOND: [Factors; 3] =
    [Factors::within_groups(1, 16), Factors::within_groups(2, 16), Factors::within_groups(3, 16)];

/// Spectrum of a frame of two blocks; no scaling.
#[inline(always)]
pub(super) fn forward<V: Vector>(before: &[V; VECTORS], block: &[V; VECTORS]) -> Points<V> {
    let mut points = [Complex::zero(); VECTORS];
    for m in 0..VECTORS {
        let minus = V::splat(0.0).sub(block[m]);
        points[m] = Complex { re: before[m], im: minus }.times(TWIST[m].load());
    }
    transform(points)
}

/// Spectrum of a frame with nothing in its second half.
#[inline(always)]
pub(super) fn forward_first<V: Vector>(block: &[V; VECTORS]) -> Points<V> {
    let mut points = [Complex::zero(); VECTORS];
    for m in 0..VECTORS {
        points[m] = TWIST[m].load().scale(block[m]);
    }
    transform(points)
}

/// Spectrum of a frame with nothing in its first half.
#[inline(always)]
pub(super) fn forward_second<V: Vector>(block: &[V; VECTORS]) -> Points<V> {
    let mut points = [Complex::zero(); VECTORS];
    for m in 0..VECTORS {
        let turned: Complex<V> = TWIST[m].load();
        let minus = V::splat(0.0).sub(block[m]);
        points[m] = Complex { re: block[m].mul(turned.im), im: minus.mul(turned.re) };
    }
    transform(points)
}

/// First half of the frame of a spectrum.
#[inline(always)]
pub(super) fn inverse_first<V: Vector>(spectrum: Points<V>) -> [V; VECTORS] {
    inverse(spectrum).0
}

/// Second half of the frame of a spectrum.
#[inline(always)]
pub(super) fn inverse_second<V: Vector>(spectrum: Points<V>) -> [V; VECTORS] {
    inverse(spectrum).1
}

/// Both halves of the frame of a spectrum.
#[inline(always)]
pub(super) fn inverse<V: Vector>(spectrum: Points<V>) -> ([V; VECTORS], [V; VECTORS]) {
    let points = transform_back(spectrum);
    let mut halves = [[V::splat(0.0); VECTORS]; 2];
    for m in 0..VECTORS {
        let turned = points[m].times_conjugate(TWIST[m].load());
        halves[0][m] = turned.re.mul(V::splat(SCALE));
        halves[1][m] = turned.im.mul(V::splat(-SCALE));
    }
    (halves[0], halves[1])
}

/// What a transform and its inverse multiply by, undone.
const SCALE: f32 = 1.0 / BLOCK as f32;

#[inline(always)]
fn transform<V: Vector>(points: Points<V>) -> Points<V> {
    let points = transpose_groups(twiddle(butterfly(points), &FIRST));
    let points = transpose_lanes(twiddle(butterfly(points), &SECOND));
    butterfly(points)
}

#[inline(always)]
fn transform_back<V: Vector>(points: Points<V>) -> Points<V> {
    let points = transpose_lanes(butterfly_back(points));
    let points = transpose_groups(butterfly_back(twiddle_back(points, &SECOND)));
    butterfly_back(twiddle_back(points, &FIRST))
}

#[inline(always)]
fn butterfly<V: Vector>([a, b, c, d]: Points<V>) -> Points<V> {
    let (ac, a_c, bd, b_d) = (a.add(c), a.sub(c), b.add(d), b.sub(d));
    [ac.add(bd), a_c.sub_turned(b_d), ac.sub(bd), a_c.add_turned(b_d)]
}

#[inline(always)]
fn butterfly_back<V: Vector>([a, b, c, d]: Points<V>) -> Points<V> {
    let (ac, a_c, bd, b_d) = (a.add(c), a.sub(c), b.add(d), b.sub(d));
    [ac.add(bd), a_c.add_turned(b_d), ac.sub(bd), a_c.sub_turned(b_d)]
}

#[inline(always)]
fn twiddle<V: Vector>([a, b, c, d]: Points<V>, by: &[Factors; 3]) -> Points<V> {
    [a, b.times(by[0].load()), c.times(by[1].load()), d.times(by[2].load())]
}

#[inline(always)]
fn twiddle_back<V: Vector>([a, b, c, d]: Points<V>, by: &[Factors; 3]) -> Points<V> {
    let [x, y, z] = by;
    [a, b.times_conjugate(x.load()), c.times_conjugate(y.load()), d.times_conjugate(z.load())]
}

#[inline(always)]
fn transpose_groups<V: Vector>([a, b, c, d]: Points<V>) -> Points<V> {
    join(
        V::transpose_groups([a.re, b.re, c.re, d.re]),
        V::transpose_groups([a.im, b.im, c.im, d.im]),
    )
}

#[inline(always)]
fn transpose_lanes<V: Vector>([a, b, c, d]: Points<V>) -> Points<V> {
    join(V::transpose_lanes([a.re, b.re, c.re, d.re]), V::transpose_lanes([a.im, b.im, c.im, d.im]))
}

#[inline(always)]
fn join<V: Vector>(re: [V; VECTORS], im: [V; VECTORS]) -> Points<V> {
    let mut points = [Complex::zero(); VECTORS];
    for m in 0..VECTORS {
        points[m] = Complex { re: re[m], im: im[m] };
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::per_processor;

    per_processor! {
        /// There and back, on the best unit.
        fn there_and_back(frame: &[Row; 2], spectrum: &mut Spectrum, back: &mut [Row; 2]) {
            let there = forward::<V>(&frame[0].load(), &frame[1].load());
            for (m, z) in there.into_iter().enumerate() {
                z.store(spectrum, m);
            }
            let (first, second) = inverse(there);
            back[0].store(first);
            back[1].store(second);
        }
    }

    per_processor! {
        /// The sum of the spectra of a frame's halves.
        fn halves(frame: &[Row; 2], spectrum: &mut Spectrum) {
            let (a, b) = (forward_first::<V>(&frame[0].load()), forward_second::<V>(&frame[1].load()));
            for m in 0..VECTORS {
                a[m].add(b[m]).store(spectrum, m);
            }
        }
    }

    #[test]
    fn a_frame_has_the_spectrum_of_the_definition_and_comes_back() {
        let mut seed = 1u32;
        let mut frame = [Row::ZERO; 2];
        for x in frame.iter_mut().flat_map(|row| row.samples_mut()) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *x = f32::from((seed >> 16) as i16);
        }
        let (mut spectrum, mut parts, mut back) = (Spectrum::ZERO, Spectrum::ZERO, [Row::ZERO; 2]);
        there_and_back(&frame, &mut spectrum, &mut back);
        halves(&frame, &mut parts);
        for j in 0..BLOCK {
            let mut sum = (0.0f64, 0.0f64);
            for (n, x) in frame.iter().flat_map(|row| row.samples()).enumerate() {
                let angle = -std::f64::consts::PI * ((4 * j + 1) * n) as f64 / FRAME as f64;
                sum.0 += f64::from(*x) * angle.cos();
                sum.1 += f64::from(*x) * angle.sin();
            }
            // Bin 16a + 4b + c is in register a, lane 4c + b.
            let at = j / 16 * 16 + j % 4 * 4 + j / 4 % 4;
            for spectrum in [&spectrum, &parts] {
                assert!((sum.0 - f64::from(spectrum.re.samples()[at])).abs() < 2.0, "bin {j}");
                assert!((sum.1 - f64::from(spectrum.im.samples()[at])).abs() < 2.0, "bin {j}");
            }
        }
        for (a, b) in frame.iter().zip(&back).flat_map(|(a, b)| a.samples().iter().zip(b.samples()))
        {
            assert!((a - b).abs() < 0.1, "{a} came back as {b}");
        }
    }
}
