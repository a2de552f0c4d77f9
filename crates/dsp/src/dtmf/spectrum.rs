//! The cheap look: power at the eight frequencies, in windows of 20 ms every 10 ms.
//!
//! A Hann window keeps what is 200 Hz or more away out by 40 dB and dial tone by 60 dB. Folding the window about its
//! middle separates cosines from sines and halves the work; the eight frequencies are the lanes.

use super::{HIGH_HZ, LOW_HZ};
use crate::{
    SAMPLE_RATE,
    oscillator::{cosine, sine, step_of_decihertz},
};

/// Samples in a window.
pub(super) const WINDOW: usize = 160;

/// Samples from one window to the next.
pub(super) const HOP: usize = WINDOW / 2;

/// Least squared amplitude of either tone, -52 dBm0, where a window may be half full.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 3.0e-6;

/// By how much a tone stands above the others of its group, as power: 4 dB.
const DOMINANCE: f32 = 2.5;

/// Most that the low tone may exceed the high one, as power: 13 dB.
const MAX_NORMAL_TWIST: f32 = 20.0;

/// Most that the high tone may exceed the low one, as power: 9 dB.
const MAX_REVERSE_TWIST: f32 = 8.0;

/// Share of the energy that the two tones have if nothing else sounds.
const CLEAN: f32 = 0.75;

/// Least share that they have in noise.
const NOISY: f32 = 0.5;

/// Least share that they and dial tone have together.
const WITH_DIAL_TONE: f32 = 0.85;

/// A key that may be what a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Row on the keypad.
    pub row: usize,
    /// Column on the keypad.
    pub column: usize,
    /// Whether dial tone sounds, too.
    pub dial_tone: bool,
}

/// The key that a window may hold.
pub(super) fn candidate(samples: &[i16; WINDOW]) -> Option<Candidate> {
    let Spectrum { low, high, total } = Spectrum::of(samples);
    let (row, low) = dominant(&low)?;
    let (column, high) = dominant(&high)?;
    if low > MAX_NORMAL_TWIST * high || high > MAX_REVERSE_TWIST * low {
        return None;
    }
    let tones = low + high;
    if tones >= CLEAN * total {
        return Some(Candidate { row, column, dial_tone: false });
    }
    let dial_tone = power_at(samples, 350) + power_at(samples, 440);
    if dial_tone > 0.1 * total && tones + dial_tone >= WITH_DIAL_TONE * total {
        return Some(Candidate { row, column, dial_tone: true });
    }
    (tones >= NOISY * total).then_some(Candidate { row, column, dial_tone: false })
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

/// What a window holds.
#[derive(Clone, Copy, Debug)]
struct Spectrum {
    /// Squared amplitudes at the four low frequencies.
    low: [f32; 4],
    /// Squared amplitudes at the four high frequencies.
    high: [f32; 4],
    /// Squared amplitude of a single sine that would have all the energy.
    total: f32,
}

struct Coefficients {
    window: [f32; HOP],
    cosines: [[f32; 8]; HOP],
    sines: [[f32; 8]; HOP],
}

static COEFFICIENTS: Coefficients = coefficients();

/// By the distance from the middle, which lies between two samples.
const fn coefficients() -> Coefficients {
    let mut c =
        Coefficients { window: [0.0; HOP], cosines: [[0.0; 8]; HOP], sines: [[0.0; 8]; HOP] };
    let mut n = 0;
    while n < HOP {
        let odd = 2 * n as u32 + 1;
        // Half a turn over half the window; phases in steps of half a sample.
        c.window[n] = 0.5 + 0.5 * cosine((1u32 << 31) / WINDOW as u32 * odd);
        let mut i = 0;
        while i < 8 {
            let hz = if i < 4 { LOW_HZ[i] } else { HIGH_HZ[i - 4] };
            let phase = (step_of_decihertz(hz as u32 * 10) / 2).wrapping_mul(odd);
            c.cosines[n][i] = cosine(phase);
            c.sines[n][i] = sine(phase);
            i += 1;
        }
        n += 1;
    }
    c
}

impl Spectrum {
    /// Looks at a window.
    fn of(samples: &[i16; WINDOW]) -> Spectrum {
        let Coefficients { window, cosines, sines } = &COEFFICIENTS;
        let (before, after) = samples.split_at(HOP);
        let mut even = [0.0; HOP];
        let mut odd = [0.0; HOP];
        for n in 0..HOP {
            let (a, b) = (f32::from(after[n]), f32::from(before[HOP - 1 - n]));
            even[n] = window[n] * (a + b);
            odd[n] = window[n] * (a - b);
        }
        let mut c = [0.0; 8];
        let mut s = [0.0; 8];
        let mut e = [0.0; 8];
        for n in 0..HOP {
            for i in 0..8 {
                c[i] += even[n] * cosines[n][i];
                s[i] += odd[n] * sines[n][i];
            }
        }
        for (a, b) in even.as_chunks::<8>().0.iter().zip(odd.as_chunks::<8>().0) {
            for i in 0..8 {
                e[i] += a[i] * a[i] + b[i] * b[i];
            }
        }
        // A sine of amplitude A gives |c + js| = A × WINDOW / 4, and squares that sum to A²/2 × 3/8 × WINDOW.
        let scale = 16.0 / (WINDOW * WINDOW) as f32;
        let power: [f32; 8] = std::array::from_fn(|i| scale * (c[i] * c[i] + s[i] * s[i]));
        let [l0, l1, l2, l3, h0, h1, h2, h3] = power;
        let energy = 0.5 * e.iter().sum::<f32>();
        Spectrum {
            low: [l0, l1, l2, l3],
            high: [h0, h1, h2, h3],
            total: energy * 16.0 / (3.0 * WINDOW as f32),
        }
    }
}

/// Squared amplitude at any frequency (Hz), by the same window.
fn power_at(samples: &[i16; WINDOW], hz: u32) -> f32 {
    let step = ((u64::from(hz) << 32) / u64::from(SAMPLE_RATE)) as u32;
    let (mut c, mut s) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let from_middle = if n < HOP { HOP - 1 - n } else { n - HOP };
        let x = COEFFICIENTS.window[from_middle] * f32::from(*sample);
        let phase = step.wrapping_mul(n as u32);
        c += x * cosine(phase);
        s += x * sine(phase);
    }
    (c * c + s * s) * 16.0 / (WINDOW * WINDOW) as f32
}
