//! The cheap look: power at the eight frequencies, in windows of 20 ms every 10 ms.
//!
//! A Hann window keeps what is 200 Hz or more away out by 40 dB and dial tone by 60 dB. Folding the
//! window about its middle separates cosines from sines and halves the work; the eight frequencies
//! are the lanes.

use super::{HIGH_HZ, LOW_HZ};
use crate::{
    oscillator::{cosine, sine, step_of_decihertz},
    simd::per_processor,
};

/// Samples in a window.
pub(super) const WINDOW: usize = 160;

/// Samples from one window to the next.
pub(super) const HOP: usize = WINDOW / 2;

/// Least squared amplitude of either tone, -52 dBm0, where a window may be half full.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 3.0e-6;

/// By how much a tone stands above the others of its group, as power: 2 dB. A weaker digit may go on below it.
const DOMINANCE: f32 = 1.6;

/// Most that the low tone may exceed the high one, as power: 13 dB.
const MAX_NORMAL_TWIST: f32 = 20.0;

/// Most that the high tone may exceed the low one, as power: 9 dB.
const MAX_REVERSE_TWIST: f32 = 8.0;

/// Share of the energy that the two tones have where an echo, a jump or a weaker digit may be the rest.
const CLEAN: f32 = 0.75;

/// Share that they have if nothing else sounds.
const PURE: f32 = 0.93;

/// Least share that they have in noise.
const NOISY: f32 = 0.42;

/// Least share that they and low tones have together.
const WITH_LOW_TONES: f32 = 0.75;

/// Frequencies that low tones are found at, Hz: one line of the window's spectrum apart, up to where 697 Hz hardly
/// is. The last fills the lanes.
const LOWER_HZ: [f32; 8] = [25.0, 75.0, 125.0, 175.0, 225.0, 275.0, 325.0, 375.0];
const UPPER_HZ: [f32; 8] = [425.0, 475.0, 525.0, 575.0, 625.0, 625.0, 625.0, 625.0];

/// From one line of the window's spectrum to the next, Hz.
const LINE_HZ: f32 = 50.0;

/// Frequencies above the keys', Hz, where speech is weak and noise is not.
const ABOVE_HZ: [f32; 8] = [1900.0, 2100.0, 2300.0, 2500.0, 2700.0, 2900.0, 3100.0, 3300.0];

/// Least power at these, of what white noise would have: the sum of eight is hardly ever less.
const WHITE: f32 = 0.3;

/// Least energy of the samples of a window that may hold a key: what two tones of the least power have.
pub(super) const LEAST_ENERGY: u64 = (2.0 * MIN_POWER * (3 * WINDOW) as f32 / 16.0) as u64;

/// A key that may be what a window holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Row on the keypad.
    pub row: usize,
    /// Column on the keypad.
    pub column: usize,
    /// What sounds besides its tones.
    pub beside: Beside,
    /// Squared amplitudes of both tones; less where they fill only a part of the window.
    pub power: f32,
    /// Their share of all that sounds, 0 to 1.
    pub share: f32,
}

/// What sounds besides the two tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Next to nothing.
    Nothing,
    /// Hum, dial tone or the like.
    LowTone,
    /// Something else.
    Noise,
}

/// The key that a window may hold.
pub(super) fn candidate(samples: &[i16; WINDOW]) -> Option<Candidate> {
    let folded = Folded::of(samples);
    let (low, high) = folded.powers(&COEFFICIENTS.keys);
    let (row, low) = dominant(&low)?;
    let (column, high) = dominant(&high)?;
    if low > MAX_NORMAL_TWIST * high || high > MAX_REVERSE_TWIST * low {
        return None;
    }
    let total = folded.total();
    let power = low + high;
    let share = power / total;
    let found = |beside| Some(Candidate { row, column, beside, power, share });
    if power >= PURE * total {
        return found(Beside::Nothing);
    }
    // A tone is in three lines or four, with 1.5 times its power in all.
    let (first, second) = folded.powers(&COEFFICIENTS.lower);
    let (third, [last, ..]) = folded.powers(&COEFFICIENTS.upper);
    let lines = first.iter().chain(&second).chain(&third);
    let low_tones = (lines.sum::<f32>() + last) / 1.5;
    if low_tones > 0.1 * total && power + low_tones >= WITH_LOW_TONES * total {
        return found(Beside::LowTone);
    }
    if power < NOISY * total {
        return None;
    }
    // What a tone off its frequency has is in the three nearest lines of the window's spectrum.
    let sides = [&COEFFICIENTS.line_below, &COEFFICIENTS.line_above].map(|line| {
        let (low, high) = folded.powers(line);
        low[row] + high[column]
    });
    let power = (power + sides[0] + sides[1]) / 1.5;
    if power >= PURE * total {
        return found(Beside::Nothing);
    }
    let may_be = share >= CLEAN || folded.is_noise_above(total - power);
    if may_be { found(Beside::Noise) } else { None }
}

/// The strongest of a group, if it stands above the others.
fn dominant(powers: &[f32; 4]) -> Option<(usize, f32)> {
    let (mut at, mut best, mut second) = (0, 0.0, 0.0f32);
    for (i, power) in powers.iter().enumerate() {
        if *power > best {
            second = best;
            (at, best) = (i, *power);
        } else {
            second = second.max(*power);
        }
    }
    (best >= MIN_POWER && best >= DOMINANCE * second).then_some((at, best))
}

/// A windowed stretch of signal, taken apart about its middle.
struct Folded {
    even: [f32; HOP],
    odd: [f32; HOP],
    /// Of the windowed samples.
    energy: f32,
}

impl Folded {
    fn of(samples: &[i16; WINDOW]) -> Folded {
        let mut folded = Folded { even: [0.0; HOP], odd: [0.0; HOP], energy: 0.0 };
        fold(samples, &mut folded);
        folded
    }

    /// Squared amplitudes at eight frequencies.
    fn powers(&self, carriers: &Carriers) -> ([f32; 4], [f32; 4]) {
        let powers = powers(&self.even, &self.odd, carriers);
        (std::array::from_fn(|i| powers[i]), std::array::from_fn(|i| powers[i + 4]))
    }

    /// Squared amplitude of a single sine that would have all the energy.
    fn total(&self) -> f32 {
        // The squares of such a sine sum to A²/2 × 3/8 × WINDOW.
        self.energy * 16.0 / (3 * WINDOW) as f32
    }

    /// Whether the rest, the square of an amplitude, may be noise, which is as strong above the keys.
    fn is_noise_above(&self, rest: f32) -> bool {
        let (lower, upper) = self.powers(&COEFFICIENTS.above);
        let above: f32 = lower.iter().chain(&upper).sum();
        // One frequency of a Hann window sees 3 / WINDOW of white noise.
        above >= WHITE * 8.0 * 3.0 / WINDOW as f32 * rest
    }
}

per_processor! {
    /// Windows and takes apart.
    fn fold(samples: &[i16; WINDOW], folded: &mut Folded) {
        let (before, after) = samples.split_at(HOP);
        let Folded { even, odd, energy } = folded;
        let mut backwards = [0.0; HOP];
        for (n, x) in before.iter().enumerate() {
            backwards[HOP - 1 - n] = f32::from(*x);
        }
        for n in 0..HOP {
            let (w, a, b) = (COEFFICIENTS.window[n], f32::from(after[n]), backwards[n]);
            even[n] = w * (a + b);
            odd[n] = w * (a - b);
        }
        let dot = crate::simd::dot::<V>;
        *energy = 0.5 * (dot(&even[..], &even[..]) + dot(&odd[..], &odd[..]));
    }

    /// Squared amplitudes at the frequencies of the carriers.
    fn powers(even: &[f32; HOP], odd: &[f32; HOP], carriers: &Carriers) -> [f32; 8] {
        let c = project(even, &carriers.cosines);
        let s = project(odd, &carriers.sines);
        // A sine of amplitude A gives |c + js| = A × WINDOW / 4.
        let scale = 16.0 / (WINDOW * WINDOW) as f32;
        std::array::from_fn(|i| scale * (c[i] * c[i] + s[i] * s[i]))
    }
}

/// Sums of `x[n]` × `rows[n]`, in eight lanes.
#[inline(always)]
fn project(x: &[f32; HOP], rows: &[[f32; 8]; HOP]) -> [f32; 8] {
    // Four rows a step, so that the additions do not wait for each other.
    let mut sums = [[0.0; 8]; 4];
    for (x, rows) in x.as_chunks::<4>().0.iter().zip(rows.as_chunks::<4>().0) {
        for ((sums, x), row) in sums.iter_mut().zip(x).zip(rows) {
            for (sum, coefficient) in sums.iter_mut().zip(row) {
                *sum += x * coefficient;
            }
        }
    }
    std::array::from_fn(|i| (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]))
}

/// Eight frequencies, by the distance from the middle of the window, which lies between two
/// samples.
struct Carriers {
    cosines: [[f32; 8]; HOP],
    sines: [[f32; 8]; HOP],
}

struct Coefficients {
    window: [f32; HOP],
    keys: Carriers,
    lower: Carriers,
    upper: Carriers,
    above: Carriers,
    /// The keys' frequencies one line lower and higher.
    line_below: Carriers,
    line_above: Carriers,
}

static COEFFICIENTS: Coefficients = {
    let [l0, l1, l2, l3] = LOW_HZ;
    let [h0, h1, h2, h3] = HIGH_HZ;
    let keys = [l0, l1, l2, l3, h0, h1, h2, h3];
    let (mut below, mut above) = (keys, keys);
    let mut i = 0;
    while i < 8 {
        below[i] -= LINE_HZ;
        above[i] += LINE_HZ;
        i += 1;
    }
    Coefficients {
        window: hann(),
        keys: carriers(keys),
        line_below: carriers(below),
        line_above: carriers(above),
        lower: carriers(LOWER_HZ),
        upper: carriers(UPPER_HZ),
        above: carriers(ABOVE_HZ),
    }
};

const fn hann() -> [f32; HOP] {
    let mut window = [0.0; HOP];
    let mut n = 0;
    while n < HOP {
        // Half a turn over half the window.
        window[n] = 0.5 + 0.5 * cosine((1u32 << 31) / WINDOW as u32 * (2 * n as u32 + 1));
        n += 1;
    }
    window
}

const fn carriers(hz: [f32; 8]) -> Carriers {
    let mut carriers = Carriers { cosines: [[0.0; 8]; HOP], sines: [[0.0; 8]; HOP] };
    let mut n = 0;
    while n < HOP {
        let mut i = 0;
        while i < 8 {
            let half_step = step_of_decihertz(hz[i] as u32 * 10) / 2;
            let phase = half_step.wrapping_mul(2 * n as u32 + 1);
            carriers.cosines[n][i] = cosine(phase);
            carriers.sines[n][i] = sine(phase);
            i += 1;
        }
        n += 1;
    }
    carriers
}
