//! Signals that the quality tests make: exact in phase and level, with noise, through µ-law as on a
//! trunk.
#![allow(dead_code)]

use tipring_dsp::{g711, level};

/// xorshift64: the same signals in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// 0 up to 1.
    pub fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Mean 0, variance 1, nearly normal.
    pub fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.unit() - 0.5).sum::<f32>() * std::f32::consts::SQRT_2
    }
}

/// A signal under construction.
#[derive(Clone)]
pub struct Signal(pub Vec<f32>);

impl Signal {
    pub fn silence(samples: usize) -> Signal {
        Signal(vec![0.0; samples])
    }

    /// Adds a sine of random phase; frequency in Hz, level in dBm0.
    pub fn tone(&mut self, random: &mut Random, at: usize, samples: usize, hz: f32, dbm0: f32) {
        let phase = f64::from(random.unit());
        let peak = level::dbm0_to_peak(dbm0);
        for (n, x) in self.0[at..at + samples].iter_mut().enumerate() {
            let turns = f64::from(hz) * n as f64 / 8000.0 + phase;
            *x += peak * (std::f64::consts::TAU * turns).sin() as f32;
        }
    }

    /// Adds white noise of this level in 0-4 kHz, dBm0.
    pub fn noise(&mut self, random: &mut Random, dbm0: f32) {
        let deviation = level::dbm0_to_peak(dbm0) / std::f32::consts::SQRT_2;
        for x in &mut self.0 {
            *x += deviation * random.normal();
        }
    }

    /// What arrives at the other end of a µ-law channel.
    pub fn through_mu_law(&self) -> Vec<i16> {
        let mut samples: Vec<i16> =
            self.0.iter().map(|x| x.round().clamp(-32768.0, 32767.0) as i16).collect();
        let mut octets = vec![0; samples.len()];
        g711::encode(g711::Law::Mu, &samples, &mut octets);
        g711::decode(g711::Law::Mu, &octets, &mut samples);
        samples
    }
}
