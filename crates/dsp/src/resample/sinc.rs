//! Between the samples: what a sound was at any time, and how far along the input an output is.

use std::f64::consts::PI;

/// Parts of the time between two samples, each with its parabola for each tap: the error is below -90 dB.
pub(super) const CELLS: usize = 16;

/// Taps for each sample of the slower rate: the pass band ends at 0.85 of half its rate, and from 1.15 on all is 75 dB
/// below. Half of them are the delay.
pub(super) const TAPS: usize = 32;

/// Of Kaiser's window, for 75 dB.
const BETA: f64 = 7.4;

/// For each cell, what each tap is at its middle, how steep, and how bent: `[middle, slope, bend]` in a place from -1 to
/// 1 within the cell.
pub(super) type Cell = [Box<[f32]>; 3];

/// Kaiser's windowed sinc of `taps` taps, even, that ends at `cutoff` of half the input's rate.
pub(super) fn cells(taps: usize, cutoff: f64) -> Box<[Cell]> {
    (0..CELLS)
        .map(|cell| {
            let at =
                |place: f64| filter(taps, cutoff, (cell as f64 + 0.5 + 0.5 * place) / CELLS as f64);
            // At Chebyshev's nodes of a parabola.
            let node = 0.75f64.sqrt();
            let (before, middle, after) = (at(-node), at(0.0), at(node));
            let each = |part: &dyn Fn(usize) -> f64| (0..taps).map(|k| part(k) as f32).collect();
            [
                each(&|k| middle[k]),
                each(&|k| (after[k] - before[k]) / (2.0 * node)),
                each(&|k| ((after[k] + before[k]) / 2.0 - middle[k]) / (node * node)),
            ]
        })
        .collect()
}

/// The taps for a time that is `part` of a sample after the middle one's; they add up to 1.
fn filter(taps: usize, cutoff: f64, part: f64) -> Vec<f64> {
    let half = taps as f64 / 2.0;
    let mut filter: Vec<f64> = (0..taps)
        .map(|k| {
            let t = part + half - 1.0 - k as f64;
            let sinc = if t == 0.0 { 1.0 } else { (PI * cutoff * t).sin() / (PI * cutoff * t) };
            sinc * bessel_i0(BETA * (1.0 - (t / half).powi(2)).max(0.0).sqrt())
        })
        .collect();
    let sum: f64 = filter.iter().sum();
    filter.iter_mut().for_each(|tap| *tap /= sum);
    filter
}

/// The modified Bessel function of the first kind and order 0.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..40 {
        term *= (x / (2.0 * f64::from(n))).powi(2);
        sum += term;
    }
    sum
}

/// Where the next output is. An output hears the last inputs that were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Inputs that must still be read before the next output.
    due: usize,
    /// The next output's part of the time between two inputs, in `unit`s.
    part: u64,
    /// From one output to the next, in units.
    pub(super) step: u64,
    /// Units between two inputs, 2^32 at the most.
    unit: u64,
}

impl Place {
    /// Begins with the first input.
    pub(super) const fn new(step: u64, unit: u64) -> Place {
        Place { due: 1, part: 0, step, unit }
    }

    /// Outputs that this many inputs are enough for, at most `most`.
    pub(super) fn outputs(self, inputs: usize, most: usize) -> usize {
        let Some(more) = inputs.checked_sub(self.due) else { return 0 };
        let last = (more as u64 + 1).saturating_mul(self.unit) - 1 - self.part;
        usize::try_from(last / self.step + 1).unwrap_or(usize::MAX).min(most)
    }

    /// Inputs that must be read for this many outputs.
    pub(super) fn inputs(self, outputs: usize) -> usize {
        match outputs.checked_sub(1) {
            None => 0,
            Some(before) => self.first(before),
        }
    }

    /// Inputs that must be read before the `n`th output, from 0 on.
    pub(super) fn first(self, n: usize) -> usize {
        let units = self.part.saturating_add(self.step.saturating_mul(n as u64));
        self.due.saturating_add((units / self.unit) as usize)
    }

    /// The `n`th output's part of the time between two inputs, in 2^-32.
    pub(super) fn part(self, n: usize) -> u32 {
        let part = (self.part + self.step * n as u64) % self.unit;
        ((part << 32) / self.unit) as u32
    }

    /// After so many outputs, and inputs that were read.
    pub(super) fn advance(&mut self, outputs: usize, inputs: usize) {
        let due = self.first(outputs) - inputs;
        self.part = (self.part + self.step * outputs as u64) % self.unit;
        self.due = due;
    }
}
