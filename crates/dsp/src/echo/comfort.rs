//! Comfort noise: noise with the level and the spectrum of the near end's background.

use crate::oscillator::{Phase, sine};
use crate::simd::{LANES, Lanes, Vector};

use super::BLOCK;
use super::fourier::{Complex, FRAME, Row, VECTORS, forward_second, inverse};

/// Share of a new block in the picture of the background's spectrum.
const NEW_NOISE: f32 = 0.04;

/// After so many blocks of background (0.5 s) one in [`LISTENED`] is listened to.
const WELL_KNOWN: u32 = 64;

/// See [`WELL_KNOWN`].
const LISTENED: u32 = 4;

/// The generator.
#[derive(Clone, Debug)]
pub(super) struct Comfort {
    /// Power by bin of a block of the background, and its root.
    power: Row,
    amplitude: Row,
    heard: u32,
    seed: u64,
    /// The running block, whether it was made, and the frame's half that the next block gets.
    block: Row,
    fresh: bool,
    rest: Row,
}

impl Comfort {
    pub fn new() -> Comfort {
        Comfort {
            power: Row::ZERO,
            amplitude: Row::ZERO,
            heard: 0,
            seed: 0x9E37_79B9_7F4A_7C15,
            block: Row::ZERO,
            fresh: false,
            rest: Row::ZERO,
        }
    }

    /// The block is over; `idle` is what was left of it if it was background noise alone.
    #[inline(always)]
    pub fn end_block<V: Vector>(&mut self, idle: Option<[V; VECTORS]>) {
        self.fresh = false;
        let Some(block) = idle else { return };
        // Counts up to a block that is listened to, then round from there: a line may be idle for a year.
        let last = WELL_KNOWN + LISTENED;
        self.heard = if self.heard < last { self.heard + 1 } else { WELL_KNOWN + 1 };
        if self.heard > WELL_KNOWN && self.heard < last {
            return;
        }
        let share = V::splat(NEW_NOISE.max(1.0 / self.heard as f32));
        for (m, x) in forward_second(&block).into_iter().enumerate() {
            let before = V::load(&self.power.0[m]);
            x.power().sub(before).mul_add(share, before).store(&mut self.power.0[m]);
            for (amplitude, power) in self.amplitude.0[m].iter_mut().zip(&self.power.0[m]) {
                *amplitude = power.sqrt();
            }
        }
    }

    /// Noise for the running block.
    #[inline(always)]
    pub fn samples<V: Vector>(&mut self) -> &Row {
        if !self.fresh {
            self.fresh = true;
            self.make::<V>();
        }
        &self.block
    }

    /// One frame of the spectrum with random phases, half over the last: windows' squares add to one. A frame has
    /// twice the samples of the block that was heard, so twice the power of a bin: real and imaginary part.
    #[inline(always)]
    fn make<V: Vector>(&mut self) {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let mut draw = self.seed >> 8;
        let mut points = [Complex::<V>::zero(); VECTORS];
        for (point, amplitude) in points.iter_mut().zip(&self.amplitude.0) {
            let amplitude = V::load(amplitude);
            for part in [&mut point.re, &mut point.im] {
                *part = amplitude.mul(V::load(&SIGNS[draw as usize % PATTERNS]));
                draw /= PATTERNS as u64;
            }
        }
        let (first, second) = inverse(points);
        for m in 0..VECTORS {
            let rest = V::load(&self.rest.0[m]);
            first[m].mul_add(V::load(&WINDOW[0].0[m]), rest).store(&mut self.block.0[m]);
            second[m].mul(V::load(&WINDOW[1].0[m])).store(&mut self.rest.0[m]);
        }
    }
}

/// Patterns of signs for sixteen bins, to draw from.
const PATTERNS: usize = 64;

/// Half of them random, the others their opposites.
static SIGNS: [Lanes; PATTERNS] = {
    let mut signs = [[0.0; LANES]; PATTERNS];
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    let mut n = 0;
    while n < PATTERNS / 2 * LANES {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let sign = if seed >> 63 == 0 { 1.0 } else { -1.0 };
        signs[n / LANES][n % LANES] = sign;
        signs[PATTERNS / 2 + n / LANES][n % LANES] = -sign;
        n += 1;
    }
    signs
};

/// A half sine over a frame.
static WINDOW: [Row; 2] = {
    let mut window = [Row::ZERO; 2];
    let mut n = 0;
    while n < FRAME {
        let phase = (((2 * n as u64 + 1) << 30) / FRAME as u64) as Phase;
        window[n / BLOCK].0[n % BLOCK / LANES][n % LANES] = sine(phase);
        n += 1;
    }
    window
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::per_processor;

    per_processor! {
        fn hear(comfort: &mut Comfort, blocks: u32) {
            for _ in 0..blocks {
                comfort.end_block::<V>(Some([V::splat(2.0); VECTORS]));
            }
        }
    }

    #[test]
    fn a_line_that_is_idle_for_a_year_is_still_listened_to() {
        let mut comfort = Comfort::new();
        comfort.heard = u32::MAX - 2;
        hear(&mut comfort, 8);
        assert!(comfort.heard > 0 && comfort.heard <= WELL_KNOWN + LISTENED);
        let power: f32 = comfort.power.samples().iter().sum();
        assert!(power.is_finite() && power > 0.0, "{power}");
    }
}
