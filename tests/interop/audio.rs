//! Speech to say and the comparison of what was heard with it.

use std::f64::consts::{PI, TAU};

/// Samples a second.
pub const RATE: usize = 8000;

/// Speech-shaped noise: syllables of 120 to 250 ms with two formants each and pauses between, the same for a seed each
/// time. It never repeats, so that it can be aligned in one place only.
pub fn speech(seconds: usize, seed: u32) -> Vec<i16> {
    let mut chance = Chance(seed);
    let mut samples = Vec::with_capacity(seconds * RATE);
    while samples.len() < seconds * RATE {
        let length = 960 + chance.below(1040);
        let mut formants = [
            Resonator::new(300.0 + f64::from(chance.below(500))),
            Resonator::new(900.0 + f64::from(chance.below(1400))),
        ];
        let loud = 0.4 + 0.6 * chance.unit();
        for at in 0..length {
            let envelope = (PI * f64::from(at) / f64::from(length)).sin();
            let breath = chance.unit() * 2.0 - 1.0;
            let voice: f64 = formants.iter_mut().map(|formant| formant.next(breath)).sum();
            samples.push((voice * envelope * loud * 2200.0).clamp(-12_000.0, 12_000.0) as i16);
        }
        samples.resize(samples.len() + 200 + chance.below(600) as usize, 0);
    }
    samples.truncate(seconds * RATE);
    samples
}

/// Silences every second second, as people do who let each other finish; `first` speaks in the first one.
pub fn turns(mut samples: Vec<i16>, first: bool) -> Vec<i16> {
    for (second, part) in samples.chunks_mut(RATE).enumerate() {
        if second.is_multiple_of(2) != first {
            part.fill(0);
        }
    }
    samples
}

/// Where `said` is in `heard`.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// The place in `heard` of its first sample.
    pub at: usize,
    /// Normalised cross-correlation there.
    pub correlation: f64,
}

/// The place in `range` of `heard` where `said` fits best.
pub fn find(said: &[i16], heard: &[i16], range: std::ops::Range<usize>) -> Match {
    let mut best = Match { at: 0, correlation: -1.0 };
    for at in range {
        let Some(part) = heard.get(at..at + said.len()) else { break };
        let correlation = correlation(said, part);
        if correlation > best.correlation {
            best = Match { at, correlation };
        }
    }
    best
}

/// Normalised cross-correlation of two sounds of equal length.
pub fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let sum = |x: &[i16], y: &[i16]| -> f64 {
        let products = x.iter().zip(y).map(|(x, y)| i64::from(*x) * i64::from(*y));
        products.sum::<i64>() as f64
    };
    let energy = (sum(a, a) * sum(b, b)).sqrt();
    if energy == 0.0 { 0.0 } else { sum(a, b) / energy }
}

/// Root mean square.
pub fn level(samples: &[i16]) -> f64 {
    let squares: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (squares / samples.len().max(1) as f64).sqrt()
}

struct Chance(u32);

impl Chance {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.next()) / f64::from(1u32 << 24)
    }

    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }
}

/// A resonance of 120 Hz bandwidth.
struct Resonator {
    a1: f64,
    a2: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn new(hz: f64) -> Self {
        let radius = (-PI * 120.0 / RATE as f64).exp();
        let a1 = 2.0 * radius * (TAU * hz / RATE as f64).cos();
        Self { a1, a2: -radius * radius, y1: 0.0, y2: 0.0 }
    }

    fn next(&mut self, input: f64) -> f64 {
        let y = input + self.a1 * self.y1 + self.a2 * self.y2;
        (self.y1, self.y2) = (y, self.y1);
        y
    }
}

#[test]
fn speech_is_found_where_it_was_put() {
    let said = speech(1, 3);
    let mut heard = vec![0; 777];
    heard.extend(said.iter().map(|sample| sample / 2));
    heard.extend(speech(1, 4));
    let found = find(&said, &heard, 0..2000);
    assert_eq!(found.at, 777);
    assert!(found.correlation > 0.999, "{found:?}");
    let rms = level(&said);
    assert!((1000.0..6000.0).contains(&rms), "{rms}");
}
