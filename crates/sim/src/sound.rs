//! Speech-like sound, and whether what was heard is what was said.

use tipring_core::{Duration, Instant, Rng};

/// Samples a second.
const RATE: usize = 8000;

/// Samples at 8 kHz, and when the first of them was.
#[derive(Clone, Debug)]
pub struct Sound {
    /// When the first sample was.
    pub at: Instant,
    /// 16 bit linear.
    pub samples: Vec<i16>,
}

/// How what was heard lies over what was said.
#[derive(Clone, Copy, Debug)]
pub struct Alignment {
    /// How much later it was heard, in samples.
    pub delay: i64,
    /// Normalised correlation over all that was said, −1 to 1.
    pub correlation: f64,
}

impl Alignment {
    /// The delay as time; zero where it is below.
    pub fn delay(self) -> Duration {
        Duration::from_micros(u64::try_from(self.delay).unwrap_or(0) * 125)
    }
}

/// `seconds` of sound like speech: syllables of a voice with changing pitch and formants, hisses,
/// short pauses.
pub fn speech(seed: u64, seconds: f64) -> Vec<i16> {
    let mut rng = Rng::new(seed);
    let wanted = (seconds * RATE as f64) as usize;
    let mut out = Vec::with_capacity(wanted + RATE);
    while out.len() < wanted {
        syllable(&mut rng, &mut out);
        let pause = rng.below(600) as usize;
        out.resize(out.len() + pause, 0);
    }
    out.truncate(wanted);
    out
}

/// `seconds` of these sines at once, each at a quarter of full scale.
pub fn tones(hz: &[f64], seconds: f64) -> Vec<i16> {
    let turn = |hz: f64, n: usize| 2.0 * std::f64::consts::PI * hz * n as f64 / RATE as f64;
    let at = |n| hz.iter().map(|hz| 8192.0 * turn(*hz, n).sin()).sum::<f64>() as i16;
    (0..(seconds * RATE as f64) as usize).map(at).collect()
}

fn syllable(rng: &mut Rng, out: &mut Vec<i16>) {
    let length = 700 + rng.below(1400) as usize;
    let voiced = !rng.chance(0.2);
    let mut pitch = 90.0 + 130.0 * rng.unit();
    let glide = 1.0 + (rng.unit() - 0.5) * 1e-4;
    let mut formants = [
        Resonator::new(300.0 + 500.0 * rng.unit(), 90.0),
        Resonator::new(900.0 + 1100.0 * rng.unit(), 120.0),
        Resonator::new(2200.0 + 900.0 * rng.unit(), 180.0),
    ];
    let (mut phase, mut made) = (0.0, Vec::with_capacity(length));
    for _ in 0..length {
        pitch *= glide;
        phase += pitch / RATE as f64;
        let mut source = (rng.unit() - 0.5) * if voiced { 0.05 } else { 0.6 };
        if voiced && phase >= 1.0 {
            source += 1.0;
        }
        phase -= phase.floor();
        made.push(formants.iter_mut().map(|formant| formant.step(source)).sum::<f64>());
    }
    let peak = made.iter().fold(1e-9f64, |peak, sample| peak.max(sample.abs()));
    let level = 3000.0 + 7000.0 * rng.unit();
    for (at, sample) in made.iter().enumerate() {
        let edge = (at.min(length - at) as f64 / 160.0).min(1.0);
        out.push((sample / peak * level * edge) as i16);
    }
}

struct Resonator {
    a1: f64,
    a2: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn new(hz: f64, width_hz: f64) -> Self {
        let r = (-std::f64::consts::PI * width_hz / RATE as f64).exp();
        let a1 = 2.0 * r * (2.0 * std::f64::consts::PI * hz / RATE as f64).cos();
        Self { a1, a2: -r * r, y1: 0.0, y2: 0.0 }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = x + self.a1 * self.y1 + self.a2 * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

impl Sound {
    /// Where `heard` lies over this, up to half a second late. A delay of half a sample, as between
    /// two clocks, is found too and does not count against the correlation.
    pub fn align(&self, heard: &Self) -> Alignment {
        let base = samples_between(self.at, heard.at);
        // The loudest half second says where.
        let probe = (RATE / 2).min(self.samples.len());
        let starts = (0..=self.samples.len() - probe).step_by(RATE / 10);
        let loudest = starts.max_by_key(|at| energy(&self.samples[*at..*at + probe])).unwrap_or(0);
        let part = &self.samples[loudest..loudest + probe];
        let score = |delay: i64| correlation(part, loudest as i64 + delay - base, &heard.samples);
        let best = (0..(RATE / 2) as i64)
            .map(|delay| (delay, score(delay)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |(delay, _)| delay);
        let whole = correlation(&self.samples, best - base, &heard.samples);
        let mut found = Alignment { delay: best, correlation: whole };
        if whole < 0.995 {
            for quarters in [-2, -1, 1, 2] {
                let shifted = advanced(&heard.samples, f64::from(quarters) / 4.0);
                let correlation = correlation(&self.samples, best - base, &shifted);
                found.correlation = found.correlation.max(correlation);
            }
        }
        found
    }

    /// The delay of each second, in samples, as far as it can be told: seconds of silence are left
    /// out.
    pub fn delays(&self, heard: &Self, near: Alignment) -> Vec<i64> {
        let base = samples_between(self.at, heard.at);
        let seconds = self.samples.chunks(RATE).enumerate();
        seconds
            .filter(|(_, part)| energy(part) > 1_000_000 * part.len() as u64 / 4)
            .map(|(second, part)| {
                let score = |delay: i64| {
                    let from = (second * RATE) as i64 + delay - base;
                    correlation(part, from, &heard.samples)
                };
                let around = near.delay - 200..=near.delay + 200;
                around
                    .map(|delay| (delay, score(delay)))
                    .max_by(|a, b| a.1.total_cmp(&b.1))
                    .map_or(near.delay, |(delay, _)| delay)
            })
            .collect()
    }

    /// How well it was heard where the delay may change slowly, as between two clocks: the mean
    /// correlation of its pieces of 200 ms, each at its own best delay within 25 ms of `near`;
    /// pieces near to silence are left out.
    pub fn likeness(&self, heard: &Self, near: Alignment) -> f64 {
        let base = samples_between(self.at, heard.at);
        let piece = RATE / 5;
        let loud = |part: &[i16]| energy(part) > 250_000 * part.len() as u64;
        let shifted: Vec<_> =
            (-1..=2).map(|quarters| advanced(&heard.samples, f64::from(quarters) / 4.0)).collect();
        let best = |(n, part): (usize, &[i16])| {
            let delays = near.delay - 200..=near.delay + 200;
            let from = |delay: i64| (n * piece) as i64 + delay - base;
            let score = |delay: i64, heard: &[i16]| correlation(part, from(delay), heard);
            let near = delays
                .max_by(|a, b| score(*a, &heard.samples).total_cmp(&score(*b, &heard.samples)));
            let near = near.unwrap_or_default();
            let around = (near - 1..=near + 1).flat_map(|d| shifted.iter().map(move |s| (d, s)));
            around.map(|(delay, heard)| score(delay, heard)).fold(0.0, f64::max)
        };
        let pieces = self.samples.chunks_exact(piece).enumerate().filter(|(_, part)| loud(part));
        let scores: Vec<f64> = pieces.map(best).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    /// Its level, RMS, in 16 bit units.
    pub fn rms(&self) -> f64 {
        (energy(&self.samples) as f64 / self.samples.len().max(1) as f64).sqrt()
    }
}

/// `samples` as they were `by` of a sample later (−1 to 1), by a windowed sinc of 32 taps.
fn advanced(samples: &[i16], by: f64) -> Vec<i16> {
    let taps: Vec<f64> = (-16..=16)
        .map(|n| {
            let x = std::f64::consts::PI * (f64::from(n) - by);
            let window = 0.5 + 0.5 * (x / 17.0).cos();
            window * if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
        })
        .collect();
    let at = |index: usize, tap: usize| {
        let place = (index + tap).checked_sub(16)?;
        samples.get(place).map(|sample| f64::from(*sample))
    };
    let value = |index: usize| -> f64 {
        taps.iter().enumerate().filter_map(|(tap, weight)| Some(weight * at(index, tap)?)).sum()
    };
    (0..samples.len()).map(|index| value(index).round() as i16).collect()
}

/// Normalised correlation of `said` with `heard` from sample `from` on, which may lie outside.
fn correlation(said: &[i16], from: i64, heard: &[i16]) -> f64 {
    let skip = usize::try_from(-from).unwrap_or(0).min(said.len());
    let begin = usize::try_from(from).unwrap_or(0).min(heard.len());
    let heard = &heard[begin..];
    let count = (said.len() - skip).min(heard.len());
    let (mut product, mut power) = (0i64, 0i64);
    for (a, b) in said[skip..skip + count].iter().zip(&heard[..count]) {
        product += i64::from(i32::from(*a) * i32::from(*b));
        power += i64::from(i32::from(*b) * i32::from(*b));
    }
    let own = energy(said) as f64;
    if power == 0 || own == 0.0 {
        return 0.0;
    }
    product as f64 / (own.sqrt() * (power as f64).sqrt())
}

fn energy(samples: &[i16]) -> u64 {
    samples.iter().map(|s| u64::from((i32::from(*s) * i32::from(*s)).unsigned_abs())).sum()
}

fn samples_between(from: Instant, to: Instant) -> i64 {
    (to.as_micros() as i64 - from.as_micros() as i64) / 125
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_copy_is_found_where_it_is() {
        let at = Instant::from_millis(100);
        let said = Sound { at, samples: speech(7, 3.0) };
        let mut samples = vec![0; 400];
        samples.extend(&said.samples);
        let heard = Sound { at: Instant::from_millis(90), samples };
        let found = said.align(&heard);
        assert_eq!(found.delay, 400 - 80);
        assert!(found.correlation > 0.9999, "{found:?}");
        assert_eq!(said.delays(&heard, found), vec![320; 3]);
    }

    #[test]
    fn a_slip_and_another_voice_are_noticed() {
        let said = Sound { at: Instant::ZERO, samples: speech(7, 4.0) };
        let mut heard = said.clone();
        heard.samples.remove(2 * RATE);
        let found = said.align(&heard);
        let delays = said.delays(&heard, found);
        assert!(delays.first() != delays.last(), "{delays:?}");
        let other = Sound { at: Instant::ZERO, samples: speech(8, 4.0) };
        assert!(other.align(&said).correlation < 0.5);
    }
}
