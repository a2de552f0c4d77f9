//! A telephone line with a hybrid that leaks, and what people and machines say into it.

use std::f32::consts::{PI, TAU};

use tipring_dsp::echo::EchoCanceller;
use tipring_dsp::{g711, level};

use crate::common::Random;

/// An echo path.
#[derive(Clone)]
pub struct Hybrid {
    pub taps: Vec<f32>,
}

impl Hybrid {
    /// A hybrid of 300-3400 Hz with about 6 ms of dispersion; the seed draws its shape.
    pub fn new(seed: u64, delay_ms: f32, erl_db: f32) -> Hybrid {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 7);
        for _ in 0..8 {
            random.unit();
        }
        // A few decaying resonances and a sparse early part, then the band.
        let mut taps = vec![0.0f32; 96];
        for _ in 0..4 {
            let hz = 350.0 + 2900.0 * random.unit();
            let decay = 1.0 / (4.0 + 8.0 * random.unit());
            let (phase, gain) = (TAU * random.unit(), random.unit() - 0.3);
            for (n, tap) in taps[8..].iter_mut().enumerate() {
                let n = n as f32;
                *tap += gain * (-n * decay).exp() * (TAU * hz / 8000.0 * n + phase).cos();
            }
        }
        taps[8] += 1.0;
        let taps = band(&taps);
        let delay = (delay_ms * 8.0) as usize;
        let power: f32 = taps.iter().map(|t| t * t).sum();
        let gain = level::db_to_ratio(-erl_db) / power.sqrt();
        let mut all = vec![0.0; delay];
        all.extend(taps[..64].iter().map(|t| t * gain));
        Hybrid { taps: all }
    }

    pub fn open() -> Hybrid {
        Hybrid { taps: vec![0.0] }
    }

    /// The echo of what was received.
    pub fn echo(&self, far: &[i16]) -> Vec<f32> {
        (0..far.len())
            .map(|n| {
                let count = self.taps.len().min(n + 1);
                self.taps[..count]
                    .iter()
                    .zip(far[..=n].iter().rev())
                    .map(|(t, x)| t * f32::from(*x))
                    .sum()
            })
            .collect()
    }
}

/// 300-3400 Hz, linear phase of 33 taps is too blunt at 300 Hz: a high-pass of second order and a window.
fn band(taps: &[f32]) -> Vec<f32> {
    let lowpass: Vec<f32> = (-8..=8)
        .map(|n: i32| {
            let x = n as f32;
            let sinc = if n == 0 {
                2.0 * 3400.0 / 8000.0
            } else {
                (TAU * 3400.0 / 8000.0 * x).sin() / (PI * x)
            };
            sinc * (0.54 + 0.46 * (PI * x / 9.0).cos())
        })
        .collect();
    let mut low = vec![0.0; taps.len()];
    for n in 0..taps.len() {
        for (k, h) in lowpass.iter().enumerate() {
            if n >= k {
                low[n] += h * taps[n - k];
            }
        }
    }
    // Butterworth high-pass, 250 Hz.
    let w = (PI * 250.0 / 8000.0).tan();
    let norm = 1.0 / (1.0 + 2f32.sqrt() * w + w * w);
    let (a1, a2) = (2.0 * (w * w - 1.0) * norm, (1.0 - 2f32.sqrt() * w + w * w) * norm);
    let mut out = vec![0.0; low.len()];
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for (y, x) in out.iter_mut().zip(low) {
        *y = norm * (x - 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
        (x2, x1, y2, y1) = (x1, x, y1, *y);
    }
    out
}

/// Brings a signal to a mean level.
pub fn level_to(signal: &mut [f32], dbm0: f32) {
    let power = signal.iter().map(|x| x * x).sum::<f32>() / signal.len() as f32;
    let gain = level::dbm0_to_peak(dbm0) / (2.0 * power).sqrt();
    signal.iter_mut().for_each(|x| *x *= gain);
}

/// A composite source signal in the manner of P.501: voiced 48.62 ms, noise 200 ms, pause 101.38 ms,
/// every second one upside down; falling 5 dB an octave if `shaped`.
pub fn composite(seed: u64, samples: usize, dbm0: f32, shaped: bool) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut out = vec![0.0; samples];
    let mut sign = 1.0;
    let mut state = 0.0;
    for period in out.chunks_mut(2800) {
        for (n, x) in period.iter_mut().enumerate().take(1989) {
            let raw = if n < 389 {
                (1..=14)
                    .map(|h| {
                        (TAU * 234.0 * h as f32 / 8000.0 * n as f32 + (h * h) as f32).sin()
                            / (h as f32).sqrt()
                    })
                    .sum::<f32>()
                    * 0.6
            } else {
                1.4 * random.normal()
            };
            state = 0.6 * state + raw;
            *x = sign * if shaped { state } else { raw };
        }
        sign = -sign;
    }
    level_to(&mut out, dbm0);
    out
}

/// Something like speech: voiced and unvoiced syllables of changing formants, with pauses.
pub fn speech(seed: u64, samples: usize, dbm0: f32) -> Vec<f32> {
    let mut random = Random::new(seed.wrapping_mul(77) + 3);
    let mut out = Vec::with_capacity(samples);
    let mut y = [[0.0f32; 2]; 3];
    let mut phase = 0.0;
    while out.len() < samples {
        let length = 600 + (1800.0 * random.unit()) as usize;
        let voiced = random.unit() < 0.7;
        let pause = random.unit() < 0.2;
        let mut pitch = 90.0 + 150.0 * random.unit();
        let formants = [
            300.0 + 500.0 * random.unit(),
            900.0 + 1300.0 * random.unit(),
            2300.0 + 900.0 * random.unit(),
        ];
        for n in 0..length {
            pitch *= 1.0 + 0.0004 * (random.unit() - 0.5);
            phase += pitch / 8000.0;
            let pulse = if phase >= 1.0 {
                phase -= 1.0;
                8.0
            } else {
                0.0
            };
            let source =
                if voiced { pulse + 0.05 * random.normal() } else { 0.5 * random.normal() };
            let envelope = (PI * n as f32 / length as f32).sin();
            let source = if pause { 0.0 } else { source * envelope };
            let mut sum = 0.0;
            for (state, hz) in y.iter_mut().zip(formants) {
                let r = 1.0 - 60.0 * PI / 8000.0;
                let next =
                    source + 2.0 * r * (TAU * hz / 8000.0).cos() * state[0] - r * r * state[1];
                *state = [next, state[0]];
                sum += next;
            }
            out.push(sum);
        }
    }
    out.truncate(samples);
    let mut out = band(&out);
    level_to(&mut out, dbm0);
    out
}

/// Through µ-law and back.
pub fn mu(signal: &[f32]) -> Vec<i16> {
    let samples: Vec<i16> =
        signal.iter().map(|x| x.round().clamp(-32768.0, 32767.0) as i16).collect();
    let mut octets = vec![0; samples.len()];
    g711::encode(g711::Law::Mu, &samples, &mut octets);
    let mut out = vec![0; samples.len()];
    g711::decode(g711::Law::Mu, &octets, &mut out);
    out
}

/// A call so far: what was sent to the line and what came of it.
#[derive(Clone)]
pub struct Run {
    pub canceller: EchoCanceller,
    history: Vec<i16>,
    /// Of the last stretch: the echo, what came out, and that without what the near end said.
    pub echo: Vec<f32>,
    pub out: Vec<f32>,
    pub rest: Vec<f32>,
    /// What quantisation made of the echo, less the echo: what the best filter would leave.
    pub oracle: Vec<f32>,
}

impl Run {
    pub fn new(canceller: EchoCanceller) -> Run {
        let (echo, out, rest, oracle) = (vec![], vec![], vec![], vec![]);
        Run { canceller, history: vec![], echo, out, rest, oracle }
    }

    /// A stretch of call through µ-law both ways, in blocks of 5 ms; `near` may be shorter.
    pub fn go(&mut self, hybrid: &Hybrid, far: &[f32], near: &[f32]) -> &mut Run {
        let before = self.history.len();
        self.history.extend(mu(far));
        let echo = hybrid.echo(&self.history);
        self.echo = echo[before..].to_vec();
        let said = |n: usize| near.get(n).copied().unwrap_or(0.0);
        let sent: Vec<f32> = self.echo.iter().enumerate().map(|(n, x)| x + said(n)).collect();
        let mut line = mu(&sent);
        let floats = |line: &[i16]| -> Vec<f32> { line.iter().map(|x| f32::from(*x)).collect() };
        self.oracle = floats(&line).iter().zip(&sent).map(|(a, b)| a - b).collect();
        for (far, line) in self.history[before..].chunks(40).zip(line.chunks_mut(40)) {
            self.canceller.process(far, line);
        }
        self.out = floats(&line);
        self.rest = self.out.iter().enumerate().map(|(n, x)| x - said(n)).collect();
        self.history.drain(..self.history.len().saturating_sub(1100));
        self
    }

    /// Echo over what is left of it between two times of the last stretch, dB.
    pub fn erle_db(&self, from_s: f32, to_s: f32) -> f32 {
        let part = (from_s * 8000.0) as usize..(to_s * 8000.0) as usize;
        erle_db(&self.echo[part.clone()], &self.rest[part])
    }

    /// The same of the best filter.
    pub fn oracle_db(&self, from_s: f32, to_s: f32) -> f32 {
        let part = (from_s * 8000.0) as usize..(to_s * 8000.0) as usize;
        erle_db(&self.echo[part.clone()], &self.oracle[part])
    }

    /// Begin of the first 40 ms of the last stretch with an ERLE of 20 dB, s.
    pub fn time_to_20_db(&self) -> f32 {
        let window = 320;
        let loud = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>() > 100.0 * window as f32;
        let mut starts = (0..self.echo.len() - window).step_by(40);
        let found = starts.find(|at| {
            let part = *at..at + window;
            loud(&self.echo[part.clone()])
                && erle_db(&self.echo[part.clone()], &self.rest[part]) >= 20.0
        });
        found.map_or(f32::INFINITY, |at| at as f32 / 8000.0)
    }

    /// Peak of the last stretch from a time on, as the level of a sine of that peak, dBm0.
    pub fn peak_dbm0(&self, from_s: f32) -> f32 {
        let part = &self.out[(from_s * 8000.0) as usize..];
        level::peak_to_dbm0(part.iter().fold(0.0, |peak, x| peak.max(x.abs())))
    }

    /// Mean level of the last stretch between two times, dBm0.
    pub fn level_dbm0(&self, from_s: f32, to_s: f32) -> f32 {
        let part = &self.out[(from_s * 8000.0) as usize..(to_s * 8000.0) as usize];
        level::power_to_dbm0(part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32)
    }
}

/// A sine, dBm0.
pub fn sine(hz: f32, samples: usize, dbm0: f32) -> Vec<f32> {
    let peak = level::dbm0_to_peak(dbm0);
    let turns = |n: usize| f64::from(hz) * n as f64 / 8000.0;
    (0..samples).map(|n| peak * (std::f64::consts::TAU * turns(n)).sin() as f32).collect()
}

/// Two tones at once, one key after another, 100 ms on and 100 ms off, dBm0 a tone.
pub fn keys(samples: usize, dbm0: f32) -> Vec<f32> {
    let (low, high) = ([697.0, 770.0, 852.0, 941.0], [1209.0, 1336.0, 1477.0, 1633.0]);
    (0..samples.div_ceil(1600))
        .flat_map(|key| {
            let [a, b] = [low[key % 4], high[(key / 4) % 4]].map(|hz| sine(hz, 800, dbm0));
            let on: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            on.into_iter().chain(std::iter::repeat_n(0.0, 800))
        })
        .take(samples)
        .collect()
}

/// V.21 channel 2 with random bits: 1650 and 1850 Hz, 300 Bd.
pub fn v21(seed: u64, samples: usize, dbm0: f32) -> Vec<f32> {
    let mut random = Random::new(seed);
    let peak = level::dbm0_to_peak(dbm0);
    let (mut phase, mut bit, mut hz) = (0.0f32, 0.0, 1650.0);
    (0..samples)
        .map(|_| {
            bit += 300.0 / 8000.0;
            if bit >= 1.0 {
                bit -= 1.0;
                hz = if random.unit() < 0.5 { 1650.0 } else { 1850.0 };
            }
            phase = (phase + hz / 8000.0).fract();
            peak * (TAU * phase).sin()
        })
        .collect()
}

/// An answer tone of 2100 Hz (or near), its phase reversed each 450 ms if `reversals`.
pub fn answer_tone(hz: f32, samples: usize, dbm0: f32, reversals: bool) -> Vec<f32> {
    let sign = |n: usize| if reversals && (n / 3600) % 2 == 1 { -1.0 } else { 1.0 };
    sine(hz, samples, dbm0).iter().enumerate().map(|(n, x)| x * sign(n)).collect()
}

/// White noise, dBm0.
pub fn noise(seed: u64, samples: usize, dbm0: f32) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut out: Vec<f32> = (0..samples).map(|_| random.normal()).collect();
    level_to(&mut out, dbm0);
    out
}

/// Power of echo over power of what is left, dB.
pub fn erle_db(echo: &[f32], left: &[f32]) -> f32 {
    let power = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() + 1e-9;
    (10.0 * (power(echo) / power(left)).log10()) as f32
}
