//! Chance: for the network, where nobody may foresee it, and for tests, where it must come again.

use alloc::boxed::Box;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

/// A generator of random numbers.
///
/// The shell makes one [from a key](Self::from_key) that it has from the operating system; tags, branches, Call-IDs,
/// nonces and SSRCs are made with it and what is forked from it, and whoever has seen any number of them foresees none
/// (RFC 3261 §19.3). A test makes one [from a number](Self::new) that it prints when it fails.
#[derive(Debug)]
pub struct Rng(Source);

#[derive(Debug)]
enum Source {
    /// ChaCha with twelve rounds.
    Keyed(Box<ChaCha12Rng>),
    /// xoshiro256++, which can be reckoned backwards.
    Seeded([u64; 4]),
}

impl Rng {
    /// A generator that nobody foresees who does not know `key`.
    pub fn from_key(key: [u8; 32]) -> Self {
        Self(Source::Keyed(Box::new(ChaCha12Rng::from_seed(key))))
    }

    /// A generator that depends on all 64 bits of `seed`; for simulations and for what is no secret.
    pub fn new(seed: u64) -> Self {
        // SplitMix64 fills the state.
        let mut state = seed;
        Self(Source::Seeded(core::array::from_fn(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        })))
    }

    /// A generator of its own stream and of the same kind, for a part of a machine.
    pub fn fork(&mut self) -> Self {
        match &mut self.0 {
            Source::Keyed(keyed) => {
                let mut key = [0; 32];
                keyed.fill_bytes(&mut key);
                Self::from_key(key)
            }
            Source::Seeded(_) => Self::new(self.next_u64()),
        }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        match &mut self.0 {
            Source::Keyed(keyed) => keyed.next_u64(),
            Source::Seeded(state) => xoshiro(state),
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// 16 random bits.
    pub fn next_u16(&mut self) -> u16 {
        (self.next_u64() >> 48) as u16
    }

    /// A number below `bound`; 0 when `bound` is 0. The bias is below 2⁻³² for bounds below 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with probability `p` (0 to 1).
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A number in 0.0 ≤ x < 1.0.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn xoshiro(s: &mut [u64; 4]) -> u64 {
    let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_stream_and_bounds_hold() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        for _ in 0..1000 {
            assert_eq!(a.next_u64(), b.next_u64());
            assert!(a.below(10) < 10 && b.below(10) < 10);
            let x = a.unit();
            assert!((0.0..1.0).contains(&x) && b.unit() == x);
        }
        assert_eq!(a.below(0), 0);
    }

    #[test]
    fn forks_differ_from_their_parent() {
        for mut a in [Rng::new(1), Rng::from_key([1; 32])] {
            let (mut f, mut g) = (a.fork(), a.fork());
            let next = [a.next_u64(), f.next_u64(), g.next_u64()];
            assert!(next[0] != next[1] && next[1] != next[2] && next[0] != next[2], "{next:?}");
        }
    }

    #[test]
    fn a_key_makes_the_key_stream_of_chacha() {
        // draft-strombergson-chacha-test-vectors-01, TC1: 256 bits of key, 12 rounds, all zero.
        let mut rng = Rng::from_key([0; 32]);
        let first = [0x9b, 0xf4, 0x9a, 0x6a, 0x07, 0x55, 0xf9, 0x53];
        assert_eq!(rng.next_u64().to_le_bytes(), first);
        assert_ne!(Rng::from_key([1; 32]).next_u64().to_le_bytes(), first);
    }
}
