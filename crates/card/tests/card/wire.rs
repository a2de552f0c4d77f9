//! A wire that damages what it carries.

use std::collections::VecDeque;

use tipring_core::Rng;

/// A wire that hits each octet with probability `rate`: a flipped bit, a drop, a doubling, a
/// splice.
pub struct Wire {
    pub hits: u64,
    rate: f64,
    rng: Rng,
    passed: VecDeque<u8>,
}

impl Wire {
    pub fn new(seed: u64, rate: f64) -> Self {
        Self { rate, hits: 0, rng: Rng::new(seed), passed: VecDeque::new() }
    }

    pub fn carry(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(octets.len());
        let mut skip = 0;
        for octet in octets {
            self.passed.push_back(*octet);
            if self.passed.len() > 24 {
                self.passed.pop_front();
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if !self.rng.chance(self.rate) {
                out.push(*octet);
                continue;
            }
            self.hits += 1;
            match self.rng.below(5) {
                0 => out.push(octet ^ (1 << self.rng.below(8))),
                1 => {}
                2 => out.extend_from_slice(&[*octet, *octet]),
                3 => skip = self.rng.below(24),
                _ => out.extend(&self.passed),
            }
        }
        out
    }
}
