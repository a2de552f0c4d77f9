//! The spectrum that the detectors of tones share: amplitude and phase at 32 frequencies, 200 to 3300 Hz, every 8 ms.
//!
//! ```text
//!   samples ─► Hann window of 20 ms ─► folded three times ─► 16 even and 16 odd multiples of 100 Hz, a lane each
//! ```
//!
//! A window of two periods of 100 Hz folds about its middle, which parts cosines from sines, then about a quarter, as
//! all frequencies repeat after 10 ms, then about an eighth, which parts even from odd multiples. What is left of 160
//! samples are 4 × 20 sums, and a vector operation for each. A frame is 80 such operations for 64 samples.
//!
//! A sine between two frequencies shows in both, by 6 dB less in the middle; one 100 Hz away does not show, farther ones by less
//! than -31 dB. From frame to frame its phase turns by its frequency, to be told but for multiples of 125 Hz.

use crate::{
    oscillator::{Phase, cosine, sine},
    simd::{LANES, Lanes, Vector, per_processor},
};

/// Samples in a window.
pub(crate) const WINDOW: usize = 160;

/// Samples from one window to the next.
pub(crate) const HOP: usize = 64;

/// Hz between neighbours.
pub(crate) const SPACING_HZ: f32 = 100.0;

/// Hz by which frequencies differ that look alike from frame to frame.
pub(crate) const ALIAS_HZ: f32 = 125.0;

/// What one window holds. Frequencies are named by their number of spacings, 2 to 33.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Even frequencies, then odd ones.
    re: [Lanes; 2],
    im: [Lanes; 2],
    /// Squared amplitude of a single sine that would have all the energy.
    pub total: f32,
}

/// A complex amplitude: that of a sine in the middle of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Complex {
    pub re: f32,
    pub im: f32,
}

impl Complex {
    pub const ZERO: Complex = Complex { re: 0.0, im: 0.0 };

    /// A unit at this phase in turns.
    pub fn turned(turns: f32) -> Complex {
        let (im, re) = (turns * std::f32::consts::TAU).sin_cos();
        Complex { re, im }
    }

    pub fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    /// The product.
    pub fn times(self, other: Complex) -> Complex {
        Complex {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    /// The product with the conjugate of another: its phase is by how much this one is ahead.
    pub fn against(self, other: Complex) -> Complex {
        Complex {
            re: self.re * other.re + self.im * other.im,
            im: self.im * other.re - self.re * other.im,
        }
    }

    pub fn plus(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    pub fn scaled(self, factor: f32) -> Complex {
        Complex { re: self.re * factor, im: self.im * factor }
    }

    /// Phase in turns, -0.5 to 0.5.
    pub fn turns(self) -> f32 {
        self.im.atan2(self.re) / std::f32::consts::TAU
    }
}

impl Frame {
    pub const SILENCE: Frame = Frame { re: [[0.0; LANES]; 2], im: [[0.0; LANES]; 2], total: 0.0 };

    /// The amplitude at a frequency in spacings.
    pub fn at(&self, spacings: usize) -> Complex {
        let (parity, lane) = (spacings % 2, spacings / 2 - 1);
        Complex { re: self.re[parity][lane], im: self.im[parity][lane] }
    }

    /// The squared amplitude at a frequency in spacings.
    pub fn power(&self, spacings: usize) -> f32 {
        self.at(spacings).power()
    }
}

/// The frequency in Hz nearest to `near` whose phase turns by this from frame to frame.
pub(crate) fn hz_of_turns(turns: f32, near: f32) -> f32 {
    let hz = turns * ALIAS_HZ;
    hz + ((near - hz) / ALIAS_HZ).round() * ALIAS_HZ
}

/// What is left of the amplitude of a sine that is so many Hz away.
pub(crate) fn response(hz: f32) -> f32 {
    let x = (hz * WINDOW as f32 / crate::SAMPLE_RATE as f32).abs();
    let turned = std::f32::consts::PI * x;
    match x {
        x if x < 1e-3 => 1.0,
        x if (x - 1.0).abs() < 1e-3 => 0.5,
        x => turned.sin() / (turned * (1.0 - x * x)),
    }
}

/// How many samples of a window a steady sine fills, from its beginning or its end, if it shows with this share of its amplitude.
pub(crate) fn filled(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    let (mut least, mut most) = (0.0, 1.0);
    for _ in 0..12 {
        let middle: f32 = (least + most) / 2.0;
        let turned = std::f32::consts::TAU * middle;
        let is_below = middle - turned.sin() / std::f32::consts::TAU < share;
        (least, most) = if is_below { (middle, most) } else { (least, middle) };
    }
    least * WINDOW as f32
}

/// Frames that are kept, a power of two: 256 ms.
pub(crate) const KEPT: usize = 32;

/// Cuts a stream into frames and keeps the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    /// The window before, as far as the next overlaps it, and then `filled` of the next hop.
    buffer: [i16; WINDOW],
    filled: usize,
    heard: u64,
    frames: [Frame; KEPT],
}

/// Samples that a window shares with the one before.
const OVERLAP: usize = WINDOW - HOP;

impl Bank {
    /// A bank that has heard nothing; before the stream there was silence.
    pub const fn new() -> Bank {
        Bank { buffer: [0; WINDOW], filled: 0, heard: 0, frames: [Frame::SILENCE; KEPT] }
    }

    /// Takes samples up to the end of the next window: whether they reached it, and the rest.
    pub fn take<'a>(&mut self, samples: &'a [i16]) -> (bool, &'a [i16]) {
        let (taken, rest) = samples.split_at(samples.len().min(HOP - self.filled));
        let at = OVERLAP + self.filled;
        self.buffer[at..at + taken.len()].copy_from_slice(taken);
        self.filled += taken.len();
        if self.filled < HOP {
            return (false, rest);
        }
        analyse(&self.buffer, &mut self.frames[self.heard as usize % KEPT]);
        self.buffer.copy_within(HOP.., 0);
        self.filled = 0;
        self.heard += 1;
        (true, rest)
    }

    /// The frame so many before the newest; before the stream there was silence.
    pub fn frame(&self, back: usize) -> &Frame {
        debug_assert!(back < KEPT);
        &self.frames[(self.heard as usize).wrapping_sub(1 + back) % KEPT]
    }

    /// Frames heard so far.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Samples heard so far. Where `take` reached the end of a window, that end.
    pub fn position(&self) -> u64 {
        self.heard * HOP as u64 + self.filled as u64
    }

    /// The newest samples of the newest frame, until more are taken.
    pub fn last_hop(&self) -> &[i16; HOP] {
        self.buffer[..OVERLAP].last_chunk().expect("a hop is shorter than the overlap")
    }
}

/// Samples on either side of the middle.
const MIDDLE: usize = WINDOW / 2;

/// Sums for even and for odd frequencies.
const HALF: usize = WINDOW / 8;

struct Tables {
    /// Hann, from the middle outwards; a sine then has its own amplitude.
    window: [f32; MIDDLE],
    /// For each sum: 16 frequencies.
    cosines: [[Lanes; HALF]; 2],
    sines: [[Lanes; HALF]; 2],
}

/// Sum of the squares of the window over half of the square of its sum, inverted: from energy to squared amplitude.
const ENERGY: f32 = (WINDOW as f32) / 3.0;

static TABLES: Tables = {
    let mut tables = Tables {
        window: [0.0; MIDDLE],
        cosines: [[[0.0; LANES]; HALF]; 2],
        sines: [[[0.0; LANES]; HALF]; 2],
    };
    let mut i = 0;
    while i < MIDDLE {
        // Half a turn over half the window; the sum of the Hann window is half its length.
        let phase = turns(2 * i as u64 + 1, 2 * WINDOW as u64);
        tables.window[i] = (0.5 + 0.5 * cosine(phase)) * 4.0 / WINDOW as f32;
        i += 1;
    }
    let mut i = 0;
    while i < HALF * LANES * 2 {
        let (sum, lane, parity) = (i / LANES % HALF, i % LANES, i / LANES / HALF);
        let spacings = 2 * (lane as u64 + 1) + parity as u64;
        let phase = turns(spacings * (2 * sum as u64 + 1), WINDOW as u64);
        tables.cosines[parity][sum][lane] = cosine(phase);
        tables.sines[parity][sum][lane] = -sine(phase);
        i += 1;
    }
    tables
};

/// A fraction of a turn.
const fn turns(numerator: u64, denominator: u64) -> Phase {
    (((numerator % denominator) << 32) / denominator) as Phase
}

per_processor! {
    /// The frame of a window.
    fn analyse(window: &[i16; WINDOW], frame: &mut Frame) {
        let (even, odd) = part::<V>(window);
        frame.total = energy::<V>(&even, &odd) * ENERGY;
        let (cosines, sines) = fold(&even, &odd);
        for parity in 0..2 {
            project::<V>(&cosines[parity], &TABLES.cosines[parity], &mut frame.re[parity]);
            project::<V>(&sines[parity], &TABLES.sines[parity], &mut frame.im[parity]);
        }
    }
}

/// The windowed signal, folded about the middle for cosines and for sines.
#[inline(always)]
fn part<V: Vector>(window: &[i16; WINDOW]) -> ([f32; MIDDLE], [f32; MIDDLE]) {
    let (mut before, mut after) = ([0.0; MIDDLE], [0.0; MIDDLE]);
    for (before, x) in before.iter_mut().zip(window[..MIDDLE].iter().rev()) {
        *before = f32::from(*x);
    }
    for (after, x) in after.iter_mut().zip(&window[MIDDLE..]) {
        *after = f32::from(*x);
    }
    let (mut even, mut odd) = ([0.0; MIDDLE], [0.0; MIDDLE]);
    let weights = TABLES.window.as_chunks::<LANES>().0;
    let halves = before.as_chunks::<LANES>().0.iter().zip(after.as_chunks::<LANES>().0);
    let parts = even.as_chunks_mut::<LANES>().0.iter_mut().zip(odd.as_chunks_mut::<LANES>().0);
    for (((even, odd), (before, after)), weight) in parts.zip(halves).zip(weights) {
        let (weight, before, after) = (V::load(weight), V::load(before), V::load(after));
        after.add(before).mul(weight).store(even);
        after.sub(before).mul(weight).store(odd);
    }
    (even, odd)
}

#[inline(always)]
fn energy<V: Vector>(even: &[f32; MIDDLE], odd: &[f32; MIDDLE]) -> f32 {
    let mut sums = [V::splat(0.0); 2];
    for (even, odd) in even.as_chunks::<LANES>().0.iter().zip(odd.as_chunks::<LANES>().0) {
        sums[0] = V::load(even).mul_add(V::load(even), sums[0]);
        sums[1] = V::load(odd).mul_add(V::load(odd), sums[1]);
    }
    sums[0].add(sums[1]).sum() / 2.0
}

/// Folded about a quarter and an eighth of the window: for cosines and for sines, each for even and odd frequencies.
#[inline(always)]
fn fold(even: &[f32; MIDDLE], odd: &[f32; MIDDLE]) -> ([[f32; HALF]; 2], [[f32; HALF]; 2]) {
    let (mut even_ends, mut odd_ends) = ([0.0; 2 * HALF], [0.0; 2 * HALF]);
    for (ends, (a, b)) in even_ends.iter_mut().zip(even.iter().zip(even[2 * HALF..].iter().rev())) {
        *ends = a + b;
    }
    for (ends, (a, b)) in odd_ends.iter_mut().zip(odd.iter().zip(odd[2 * HALF..].iter().rev())) {
        *ends = a - b;
    }
    let (mut cosines, mut sines) = ([[0.0; HALF]; 2], [[0.0; HALF]; 2]);
    for i in 0..HALF {
        let (near, far) = (even_ends[i], even_ends[2 * HALF - 1 - i]);
        cosines[0][i] = near + far;
        cosines[1][i] = near - far;
    }
    for i in 0..HALF {
        let (near, far) = (odd_ends[i], odd_ends[2 * HALF - 1 - i]);
        sines[0][i] = near - far;
        sines[1][i] = near + far;
    }
    (cosines, sines)
}

/// Sums of `x[n]` × `rows[n]`, in sixteen lanes.
#[inline(always)]
fn project<V: Vector>(x: &[f32; HALF], rows: &[Lanes; HALF], out: &mut Lanes) {
    let mut sums = [V::splat(0.0); 4];
    for (x, rows) in x.as_chunks::<4>().0.iter().zip(rows.as_chunks::<4>().0) {
        sums = std::array::from_fn(|i| V::load(&rows[i]).mul_add(V::splat(x[i]), sums[i]));
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).store(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(hz: f64, phase: f64) -> [i16; WINDOW] {
        std::array::from_fn(|n| {
            let turns = hz * (n as f64 - 79.5) / 8000.0 + phase;
            (10_000.0 * (std::f64::consts::TAU * turns).cos()).round() as i16
        })
    }

    #[test]
    fn a_sine_has_its_amplitude_and_phase_at_its_frequency_and_the_response_elsewhere() {
        for tenth in 20..330 {
            let hz = f64::from(tenth) * 10.0;
            let phase = f64::from(tenth) * 0.013;
            let mut frame = Frame::SILENCE;
            analyse(&window(hz, phase), &mut frame);
            assert!(
                (frame.total.sqrt() / 10_000.0 - 1.0).abs() < 0.05,
                "{hz}: {}",
                frame.total.sqrt()
            );
            for spacings in 2..34 {
                let away = hz as f32 - spacings as f32 * SPACING_HZ;
                let expected = Complex::turned(phase as f32).scaled(10_000.0 * response(away));
                let error = frame.at(spacings).plus(expected.scaled(-1.0)).power().sqrt();
                // The image at the negative frequency is 400 Hz away or more.
                assert!(error < 35.0, "{hz} Hz at {spacings}: {error}");
            }
        }
    }

    #[test]
    fn a_sine_that_fills_a_part_of_the_window_tells_how_much() {
        for part in [10, 40, 80, 130, 150] {
            let mut samples = window(1100.0, 0.2);
            samples[part..].fill(0);
            let mut frame = Frame::SILENCE;
            analyse(&samples, &mut frame);
            let seen = filled(frame.power(11).sqrt() / 10_000.0);
            assert!((seen - part as f32).abs() < 4.0, "{part}: {seen}");
        }
    }

    #[test]
    fn frequency_follows_from_the_turn_of_the_phase() {
        for hz in [350.0, 425.0, 1099.0, 1850.0, 2149.0] {
            let near = (hz / SPACING_HZ).round() * SPACING_HZ;
            let turns = hz * HOP as f32 / 8000.0;
            assert!((hz_of_turns(turns - turns.round(), near) - hz).abs() < 0.01);
        }
    }
}
