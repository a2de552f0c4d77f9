//! Noise of a level and a spectrum.
//!
//! Sparse random pulses (velvet noise: in every four samples one, of random place and sign; above 1,500 a second it
//! sounds as smooth as white noise, Karjalainen and Järveläinen, AES 2007) through the recursive filter 1/A(z). A recursion waits for itself, so
//! it is solved for 32 samples at a time: each is the sum of what the last ten samples become when nothing is
//! added, and of the impulse responses of the pulses.

use super::{Description, MAX_ORDER, prediction};
use crate::simd::{LANES, Vector, per_processor};

/// Samples that are made at once.
const BLOCK: usize = 2 * LANES;

/// Samples of which one is a pulse.
const GRID: usize = 4;

/// Makes the noise of a [`Description`], which may change at any time.
#[derive(Clone, Debug)]
pub struct Generator {
    filter: Filter,
    random: u64,
    /// The last samples that were given, and then those that were made and not given yet.
    made: [f32; LANES + BLOCK],
    /// Samples that were made and not given.
    left: usize,
}

#[derive(Clone, Debug)]
struct Filter {
    /// The response to a pulse after as many zeros, then the same to a negative one; and some that are never read.
    pulses: [f32; 4 * BLOCK + LANES],
    /// What becomes of the last sample, of the one before it, …
    echoes: [[[f32; LANES]; 2]; MAX_ORDER],
}

impl Generator {
    /// A generator of this noise. Other seeds give other noise of the same sound.
    pub fn new(description: &Description, seed: u64) -> Generator {
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let filter = Filter::new(description);
        Generator { filter, random, made: [0.0; LANES + BLOCK], left: 0 }
    }

    /// Goes over to another noise with the next sample, without a click.
    pub fn set(&mut self, description: &Description) {
        self.filter = Filter::new(description);
        // What was made ahead is made anew.
        self.made.copy_within(BLOCK - self.left..BLOCK - self.left + LANES, BLOCK);
        self.left = 0;
    }

    /// Writes noise.
    pub fn process(&mut self, samples: &mut [i16]) {
        let (first, rest) = samples.split_at_mut(samples.len().min(self.left));
        self.give(first);
        let whole = rest.len() - rest.len() % BLOCK;
        let (blocks, last) = rest.split_at_mut(whole);
        make(&self.filter, &mut self.random, &mut self.made, blocks);
        if !last.is_empty() {
            let mut block = [0; BLOCK];
            make(&self.filter, &mut self.random, &mut self.made, &mut block);
            self.left = BLOCK;
            self.give(last);
        }
    }

    /// Hands samples out that were made.
    fn give(&mut self, samples: &mut [i16]) {
        let from = LANES + BLOCK - self.left;
        for (sample, made) in samples.iter_mut().zip(&self.made[from..]) {
            *sample = nearest(*made);
        }
        self.left -= samples.len();
    }
}

impl Filter {
    fn new(description: &Description) -> Filter {
        let reflections = tame(description.reflections());
        let predictor = prediction::predictor(&reflections);
        let response = |history: [f64; MAX_ORDER], pulse: f64| {
            let mut past = history;
            let mut input = pulse;
            std::array::from_fn::<f32, BLOCK, _>(|_| {
                let output = input - predictor.iter().zip(&past).map(|(a, y)| a * y).sum::<f64>();
                input = 0.0;
                past.copy_within(..MAX_ORDER - 1, 1);
                past[0] = output;
                output as f32
            })
        };
        // The filter amplifies white noise by 1 / Π (1 - k²); a pulse has the power of the samples around it.
        let level = 10f64.powf(f64::from(description.level_dbm0() - super::OVERLOAD_DBM0) / 20.0);
        let amplifies = gain(&reflections);
        let pulse = 32768.0 * level * (amplifies * GRID as f64).sqrt();
        let mut pulses = [0.0; 4 * BLOCK + LANES];
        pulses[BLOCK..2 * BLOCK].copy_from_slice(&response([0.0; MAX_ORDER], pulse));
        pulses[3 * BLOCK..4 * BLOCK].copy_from_slice(&response([0.0; MAX_ORDER], -pulse));
        let echoes = std::array::from_fn(|back| {
            let mut history = [0.0; MAX_ORDER];
            history[back] = 1.0;
            let response = response(history, 0.0);
            let halves = response.as_chunks::<LANES>().0;
            [halves[0], halves[1]]
        });
        Filter { pulses, echoes }
    }
}

/// The least by which a filter may divide the power of white noise to get what excites it: no background has a spectrum
/// steeper than 40 dB, and the arithmetic of a resonance that is hardly damped any more would go astray.
const LEAST_GAIN: f64 = 1e-4;

/// Π (1 - k²).
fn gain(reflections: &[f64; MAX_ORDER]) -> f64 {
    reflections.iter().map(|k| 1.0 - k * k).product()
}

/// The same filter, damped until it is one that a background may have.
fn tame(mut reflections: [f64; MAX_ORDER]) -> [f64; MAX_ORDER] {
    while gain(&reflections) < LEAST_GAIN {
        reflections.iter_mut().for_each(|k| *k *= 0.99);
    }
    reflections
}

per_processor! {
    /// Makes whole blocks; the last one stays in `made`, with the end of the one before.
    fn make(filter: &Filter, random: &mut u64, made: &mut [f32; LANES + BLOCK], samples: &mut [i16]) {
        for samples in samples.as_chunks_mut::<BLOCK>().0 {
            let (past, block) = made.split_at_mut(LANES);
            past.copy_from_slice(&block[BLOCK - LANES..]);
            let (past, halves) = (&past.as_chunks().0[0], block.as_chunks_mut().0);
            let [first, second] = next_block::<V>(filter, random, past);
            first.store(&mut halves[0]);
            second.store(&mut halves[1]);
            for (sample, made) in samples.iter_mut().zip(block) {
                *sample = nearest(*made);
            }
        }
    }
}

/// The block after these samples.
#[inline(always)]
fn next_block<V: Vector>(filter: &Filter, random: &mut u64, past: &[f32; LANES]) -> [V; 2] {
    // xorshift64.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let mut bits = *random >> 16;
    let mut pulses = [V::splat(0.0); 2];
    for cell in (0..BLOCK).step_by(GRID) {
        // Two bits for the place, one for the sign.
        let response = (bits & 4) as usize * (2 * BLOCK / 4) + BLOCK - (bits & 3) as usize;
        bits >>= 3;
        if cell < LANES {
            pulses[0] = pulses[0].add(V::load(lanes(&filter.pulses, response - cell)));
        }
        pulses[1] = pulses[1].add(V::load(lanes(&filter.pulses, response + LANES - cell)));
    }
    let mut echoes = [V::splat(0.0); 2];
    for back in (0..MAX_ORDER).step_by(2) {
        let [echo, next] = [&filter.echoes[back], &filter.echoes[back + 1]];
        let (newer, older) = (V::splat(past[LANES - 1 - back]), V::splat(past[LANES - 2 - back]));
        for half in 0..2 {
            pulses[half] = V::load(&echo[half]).mul_add(newer, pulses[half]);
            echoes[half] = V::load(&next[half]).mul_add(older, echoes[half]);
        }
    }
    // Within 16 bits, also where a filter is at the edge of stability.
    let (least, most) = (V::splat(-32_767.0), V::splat(32_767.0));
    for half in 0..2 {
        pulses[half] = pulses[half].add(echoes[half]).max(least).min(most);
    }
    pulses
}

/// The nearest sample; of values within 16 bits.
#[inline(always)]
fn nearest(value: f32) -> i16 {
    // Adding 1.5 × 2^23 leaves the nearest integer in the low bits of the mantissa.
    (value + 12_582_912.0).to_bits() as i16
}

/// The lanes from a place on.
#[inline(always)]
fn lanes(values: &[f32; 4 * BLOCK + LANES], at: usize) -> &[f32; LANES] {
    // What the compiler then need not check.
    let at = at % (4 * BLOCK);
    values[at..at + LANES].first_chunk().expect("that many were taken")
}
