//! Backgrounds, and what their spectra are: for the tests of what sends, makes and recognises noise.
#![allow(dead_code)]

use tipring_dsp::level;

/// The same noise in every run.
pub struct Random(pub u64);

impl Random {
    /// -1 up to 1.
    pub fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Where noise is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// White.
    Line,
    /// A room after Hoth (ITU-T P.800 annex A): about -5 dB an octave.
    Room,
    /// Low and steep: 12 dB an octave above 120 Hz.
    Car,
    /// Hum of fans: two broad bands.
    Fans,
}

pub const PLACES: [Place; 4] = [Place::Line, Place::Room, Place::Car, Place::Fans];

/// Noise of a place at a level in dBm0.
pub fn background(place: Place, seed: u64, samples: usize, dbm0: f32) -> Vec<i16> {
    let mut random = Random(seed);
    let white: Vec<f32> = (0..samples + 1000).map(|_| random.next() + random.next()).collect();
    let coloured: Vec<f32> = match place {
        Place::Line => white,
        // Sums of one-pole filters an octave apart.
        Place::Room => {
            let mut states = [0.0f32; 3];
            let poles = [0.97, 0.85, 0.3];
            let gains = [0.10, 0.18, 0.25];
            let each = white.iter().map(|x| {
                let mut sum = 0.0;
                for ((state, pole), gain) in states.iter_mut().zip(poles).zip(gains) {
                    *state = pole * *state + gain * x;
                    sum += *state;
                }
                sum
            });
            each.collect()
        }
        Place::Car => resonate(&white, 120.0, 0.9),
        Place::Fans => {
            let (low, high) = (resonate(&white, 400.0, 0.9), resonate(&white, 1800.0, 0.92));
            low.iter().zip(high).map(|(a, b)| a + 0.5 * b).collect()
        }
    };
    let heard = &coloured[1000..];
    let power = heard.iter().map(|x| x * x).sum::<f32>() / heard.len() as f32;
    let scale = level::dbm0_to_peak(dbm0) / (2.0 * power).sqrt();
    heard.iter().map(|x| (x * scale).round().clamp(-32768.0, 32767.0) as i16).collect()
}

fn resonate(input: &[f32], hz: f32, radius: f32) -> Vec<f32> {
    let turn = 2.0 * radius * (std::f32::consts::TAU * hz / 8000.0).cos();
    let mut past = [0.0; 2];
    let each = input.iter().map(|x| {
        past = [x + turn * past[0] - radius * radius * past[1], past[0]];
        past[0]
    });
    each.collect()
}

/// Power in bands of 250 Hz, the first around 375 Hz and the last around 3,375 Hz, dBm0.
pub fn bands(samples: &[i16]) -> Vec<f32> {
    const N: usize = 256;
    let mut powers = vec![0f64; N / 2];
    let window: Vec<f32> = (0..N)
        .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * (n as f32 + 0.5) / N as f32).cos())
        .collect();
    let turns: Vec<(f32, f32)> =
        (0..N).map(|n| (std::f32::consts::TAU * n as f32 / N as f32).sin_cos()).collect();
    let looks = samples.chunks_exact(N);
    let count = looks.len() as f64;
    for look in looks {
        for (bin, power) in powers.iter_mut().enumerate().skip(8).take(105) {
            let (mut re, mut im) = (0f32, 0f32);
            for (n, sample) in look.iter().enumerate() {
                let x = f32::from(*sample) * window[n];
                let (sin, cos) = turns[bin * n % N];
                re += x * cos;
                im += x * sin;
            }
            *power += f64::from(re * re + im * im) / count;
        }
    }
    // A window of power 3/8, and two sides of the spectrum.
    let scale = 2.0 / (0.375 * (N * N) as f64);
    let band = |bins: &[f64]| level::power_to_dbm0((bins.iter().sum::<f64>() * scale) as f32);
    powers[8..112].chunks_exact(8).map(band).collect()
}

/// Mean level of samples, dBm0.
pub fn level_dbm0(samples: &[i16]) -> f32 {
    let mut meter = level::Meter::new();
    meter.process(samples);
    meter.level_dbm0()
}
