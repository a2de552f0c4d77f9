//! How loud, how often through zero, and how much of it at a few frequencies.

use crate::BLOCK_SAMPLES;
use crate::law::mean_square;

/// One block's level and zero crossings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// Sum of squares.
    pub energy: f32,
    /// Sign changes between neighbours.
    pub crossings: u32,
}

impl Level {
    pub(super) fn of(block: &[i16; BLOCK_SAMPLES]) -> Self {
        let energy: i64 = block.iter().map(|s| i64::from(i32::from(*s) * i32::from(*s))).sum();
        let crossings = block.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0)).count() as u32;
        Self { energy: energy as f32, crossings }
    }

    /// Whether the sum of squares is at least `threshold`, see [`block_energy`].
    pub(super) fn reaches(&self, threshold: f32) -> bool {
        self.energy >= threshold
    }
}

/// The sum of squares of a block at `level_dbm0`.
pub(super) fn block_energy(level_dbm0: f32) -> f32 {
    mean_square(level_dbm0) * BLOCK_SAMPLES as f32
}

/// Goertzel filters side by side over a window of blocks.
#[derive(Clone, Debug)]
pub(super) struct Bank<const N: usize> {
    coefficients: [f32; N],
    one: [f32; N],
    two: [f32; N],
    energy: f32,
    samples: usize,
}

impl<const N: usize> Bank<N> {
    pub(super) fn new(hertz: [f32; N]) -> Self {
        let coefficients = hertz.map(|f| 2.0 * (2.0 * std::f32::consts::PI * f / 8000.0).cos());
        Self { coefficients, one: [0.0; N], two: [0.0; N], energy: 0.0, samples: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.one = [0.0; N];
        self.two = [0.0; N];
        self.energy = 0.0;
        self.samples = 0;
    }

    pub(super) fn add(&mut self, block: &[i16; BLOCK_SAMPLES], energy: f32) {
        for sample in block {
            let x = f32::from(*sample);
            for i in 0..N {
                let y = x + self.coefficients[i] * self.one[i] - self.two[i];
                self.two[i] = self.one[i];
                self.one[i] = y;
            }
        }
        self.energy += energy;
        self.samples += block.len();
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    pub(super) fn energy(&self) -> f32 {
        self.energy
    }

    /// The share of the window's energy at each frequency; a pure tone has 1.
    pub(super) fn shares(&self) -> [f32; N] {
        let scale = 2.0 / (self.samples as f32 * self.energy).max(1.0);
        std::array::from_fn(|i| {
            let (a, b) = (self.one[i], self.two[i]);
            (a * a + b * b - self.coefficients[i] * a * b) * scale
        })
    }
}
