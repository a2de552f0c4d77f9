//! Two clocks that should be one: a delay that grows or shrinks by a fraction of a sample, again and again.
//!
//! Outputs that are consecutive are so of consecutive inputs, but for one in a thousand or more: lanes are outputs, a
//! tap is one number for all of them, and where in its cell each stands is a parabola at the end (Farrow's structure).

use std::sync::LazyLock;

use super::{
    Progress,
    sinc::{CELLS, Cell, Place, TAPS, cells},
};
use crate::{
    level::saturate_f32,
    simd::{LANES, Lanes, Vector, per_processor},
};

/// The most that the clocks may differ, in parts per million.
const MOST_PPM: f64 = 10_000.0;

/// One input in a [`Place`].
const UNIT: u64 = 1 << 32;

/// Bits of a part within its cell.
const CELL_BITS: u32 = 32 - CELLS.ilog2();

/// Inputs taken in a pass.
const PASS: usize = 240;

/// Follows a clock: as many samples come out as go in, but for parts per million.
///
/// The delay is 2 ms at 8 kHz: 16 samples of any rate. Tones up to 0.85 of half the rate keep 75 dB over what the
/// interpolation adds.
///
/// ```
/// use tipring_dsp::resample::Drift;
///
/// let mut drift = Drift::new();
/// // The input's clock is 200 ppm fast: of 1,000,000 samples of input, 999,800 of output are made.
/// drift.set_ppm(200.0);
/// let mut block = [0; 40];
/// let input = vec![0; drift.input_len(block.len())];
/// let progress = drift.process(&input, &mut block);
/// assert_eq!((progress.read, progress.written), (input.len(), 40));
/// ```
#[derive(Clone, Debug)]
pub struct Drift {
    place: Place,
    /// The last inputs, then room for those of a pass and for lanes that are not used.
    buffer: [f32; TAPS + PASS + TAPS + LANES],
}

impl Default for Drift {
    fn default() -> Drift {
        Drift::new()
    }
}

impl Drift {
    /// For clocks that agree. The first one made in the process computes the taps.
    pub fn new() -> Drift {
        kernel();
        Drift { place: Place::new(UNIT, UNIT), buffer: [0.0; TAPS + PASS + TAPS + LANES] }
    }

    /// By how much the input's clock is faster than the output's, in parts per million, from the next sample on. Beyond
    /// ±10,000 it is that; what is not a number changes nothing.
    pub fn set_ppm(&mut self, ppm: f64) {
        if !ppm.is_nan() {
            let ratio = 1.0 + ppm.clamp(-MOST_PPM, MOST_PPM) * 1e-6;
            self.place.step = (ratio * UNIT as f64).round() as u64;
        }
    }

    /// Samples of input that the next `output` samples need.
    pub fn input_len(&self, output: usize) -> usize {
        self.place.inputs(output)
    }

    /// Makes output as far as there is input for it; reads no more than that needs.
    pub fn process(&mut self, mut input: &[i16], mut output: &mut [i16]) -> Progress {
        let mut progress = Progress::default();
        while !output.is_empty() {
            let written = self.place.outputs(input.len().min(PASS), output.len().min(PASS));
            // Without an output, the input is too short for the next one.
            let read = if written == 0 { input.len() } else { self.place.inputs(written) };
            if read == 0 && written == 0 {
                break;
            }
            let (now, later) = input.split_at(read);
            let (made, free) = output.split_at_mut(written);
            for (to, from) in self.buffer[TAPS..].iter_mut().zip(now) {
                *to = f32::from(*from);
            }
            let part = self.place.part(0);
            let from = self.place.first(0);
            interpolate(&self.buffer[from..], part, self.place.step, made);
            self.place.advance(written, read);
            self.buffer.copy_within(read..read + TAPS, 0);
            progress.read += read;
            progress.written += written;
            (input, output) = (later, free);
        }
        progress
    }
}

fn kernel() -> &'static [Cell] {
    static KERNEL: LazyLock<Box<[Cell]>> = LazyLock::new(|| cells(TAPS, 1.0));
    &KERNEL
}

/// Outputs that stand in one cell, from this part on: as long as each is an input and `excess` further than the last.
fn run(part: u32, excess: i64) -> usize {
    let within = i64::from(part & ((1 << CELL_BITS) - 1));
    let outputs = match excess {
        0 => return usize::MAX,
        1.. => ((1 << CELL_BITS) - within + excess - 1) / excess,
        _ => within / -excess + 1,
    };
    outputs as usize
}

per_processor! {
    fn interpolate(input: &[f32], part: u32, step: u64, output: &mut [i16]) {
        let kernel = kernel();
        let excess = step as i64 - UNIT as i64;
        let mut at = u64::from(part);
        let mut output = output;
        while !output.is_empty() {
            let part = at as u32;
            let cell = &kernel[(part >> CELL_BITS) as usize];
            let length = run(part, excess).min(LANES).min(output.len());
            let (now, later) = output.split_at_mut(length);
            let from = (at >> 32) as usize;
            let Some(heard) = input[from..].first_chunk() else { return };
            let samples = sixteen::<V>(heard, cell, part, excess as i32);
            match now.as_mut_array::<LANES>() {
                Some(now) => *now = samples,
                None => now.copy_from_slice(&samples[..length]),
            }
            at += step * length as u64;
            output = later;
        }
    }
}

/// Sixteen outputs in one cell, the first at `part`.
#[inline(always)]
fn sixteen<V: Vector>(
    heard: &[f32; TAPS + LANES],
    cell: &Cell,
    part: u32,
    excess: i32,
) -> [i16; LANES] {
    let [middle, slope, bend] = cell;
    let (Some(middle), Some(slope), Some(bend)) =
        (middle.as_array::<TAPS>(), slope.as_array::<TAPS>(), bend.as_array::<TAPS>())
    else {
        return [0; LANES];
    };
    // Even and odd taps apart: six sums at once.
    let mut even = [V::splat(0.0); 3];
    let mut odd = even;
    for tap in (0..TAPS).step_by(2) {
        even = add_tap(heard, [middle, slope, bend], tap, even);
        odd = add_tap(heard, [middle, slope, bend], tap + 1, odd);
    }
    let [middles, slopes, bends] = std::array::from_fn(|i| even[i].add(odd[i]));
    let within = (part & ((1 << CELL_BITS) - 1)) as i32;
    let scale = 2.0 / (1u32 << CELL_BITS) as f32;
    let places: Lanes = std::array::from_fn(|lane| {
        within.wrapping_add(excess.wrapping_mul(lane as i32)) as f32 * scale - 1.0
    });
    let place = V::load(&places);
    let mut lanes = [0.0; LANES];
    bends.mul_add(place, slopes).mul_add(place, middles).store(&mut lanes);
    lanes.map(saturate_f32)
}

#[inline(always)]
fn add_tap<V: Vector>(
    heard: &[f32; TAPS + LANES],
    parts: [&[f32; TAPS]; 3],
    tap: usize,
    sums: [V; 3],
) -> [V; 3] {
    let Some(samples) = heard[tap..].first_chunk() else { return sums };
    let samples = V::load(samples);
    std::array::from_fn(|i| V::splat(parts[i][tap]).mul_add(samples, sums[i]))
}
