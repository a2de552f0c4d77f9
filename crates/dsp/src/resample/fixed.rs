//! 8 kHz to its multiples and back.
//!
//! ```text
//!  x₀ x₁ x₂ … each times     ┌ row 0: what x₀ adds to each output of the block ┐
//!  its row, all rows summed  │ row 1: what x₁ adds …                           │ = 16 outputs a bank
//!                            └ …                                               ┘
//! ```
//! A block of outputs is a matrix times the inputs that it hears. A row is a vector, an input a number: nothing is moved
//! between lanes, whatever the ratio. Of the products a fifth (up) to two fifths (down) are with zeros; that is cheaper than to sort
//! samples by phase. Several blocks go through the matrix together, so that each row is loaded once for all of them.

use std::sync::LazyLock;

use super::{Progress, taps};
use crate::{
    level::saturate_f32,
    simd::{LANES, Lanes, Vector, per_processor},
};

/// Which way, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ratio {
    /// 8 kHz to 16 kHz.
    Up2,
    /// 16 kHz to 8 kHz.
    Down2,
    /// 8 kHz to 48 kHz.
    Up6,
    /// 48 kHz to 8 kHz.
    Down6,
}

impl Ratio {
    /// All of them.
    pub const ALL: [Ratio; 4] = [Ratio::Up2, Ratio::Down2, Ratio::Up6, Ratio::Down6];

    /// Samples a second of the input and of the output.
    pub const fn rates_hz(self) -> (u32, u32) {
        match self {
            Ratio::Up2 => (8000, 16_000),
            Ratio::Down2 => (16_000, 8000),
            Ratio::Up6 => (8000, 48_000),
            Ratio::Down6 => (48_000, 8000),
        }
    }

    /// Outputs for `out of` inputs.
    const fn factors(self) -> (usize, usize) {
        match self {
            Ratio::Up2 => (2, 1),
            Ratio::Down2 => (1, 2),
            Ratio::Up6 => (6, 1),
            Ratio::Down6 => (1, 6),
        }
    }

    /// Inputs before the newest that an output hears.
    const fn memory(self) -> usize {
        match self {
            Ratio::Up2 | Ratio::Up6 => PHASE_TAPS - 1,
            Ratio::Down2 => 2 * PHASE_TAPS - 1,
            Ratio::Down6 => 6 * PHASE_TAPS - 1,
        }
    }

    /// Inputs from one block to the next.
    const fn advance(self) -> usize {
        let (up, down) = self.factors();
        self.banks() * LANES * down / up
    }

    /// Inputs that a block hears.
    const fn rows(self) -> usize {
        self.memory() + 1 + self.advance() - self.factors().1
    }

    /// Inputs that so many blocks hear.
    const fn span(self, blocks: usize) -> usize {
        (blocks - 1) * self.advance() + self.rows()
    }

    /// Vectors of outputs in a block.
    const fn banks(self) -> usize {
        match self {
            Ratio::Up2 | Ratio::Down2 | Ratio::Down6 => 1,
            Ratio::Up6 => 3,
        }
    }

    fn matrix(self) -> &'static [Row] {
        static MATRICES: [LazyLock<Box<[Row]>>; 4] = [
            LazyLock::new(|| matrix(Ratio::Up2, &taps::AT_16_KHZ)),
            LazyLock::new(|| matrix(Ratio::Down2, &taps::AT_16_KHZ)),
            LazyLock::new(|| matrix(Ratio::Up6, &taps::AT_48_KHZ)),
            LazyLock::new(|| matrix(Ratio::Down6, &taps::AT_48_KHZ)),
        ];
        match self {
            Ratio::Up2 => &MATRICES[0],
            Ratio::Down2 => &MATRICES[1],
            Ratio::Up6 => &MATRICES[2],
            Ratio::Down6 => &MATRICES[3],
        }
    }
}

/// Taps that one sample at 8 kHz hears, or is heard through.
const PHASE_TAPS: usize = 24;

/// Outputs that are made at once at the most, in blocks; the buffer has room for their input.
const PASS: usize = 20;

/// One lane for each output of a bank.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row(Lanes);

/// From one rate to another that is two or six times as high or as low.
///
/// Pass band to 3400 Hz within 0.05 dB; from 4600 Hz on, images and aliases below -82 dB. The delay is 1.5 ms less what
/// [`Resampler::delay`] says.
///
/// ```
/// use tipring_dsp::resample::{Ratio, Resampler};
///
/// let mut up = Resampler::new(Ratio::Up2);
/// let mut wide = [0; 320];
/// let progress = up.process(&[1000; 160], &mut wide);
/// assert_eq!((progress.read, progress.written), (160, 320));
/// assert!((wide[300] - 1000).abs() < 8);
/// ```
#[derive(Clone, Debug)]
pub struct Resampler {
    ratio: Ratio,
    matrix: &'static [Row],
    /// What was heard before, then room for the input of a pass.
    buffer: Box<[f32]>,
    /// Inputs still to come before the newest that the next output hears; 0 going up.
    skip: usize,
}

impl Resampler {
    /// A resampler that has heard silence. Allocates; nothing else does.
    pub fn new(ratio: Ratio) -> Resampler {
        // A pass may end within blocks that go through the matrix together.
        let room = ratio.memory() + 1 + (PASS + TOGETHER) * ratio.advance();
        Resampler {
            ratio,
            matrix: ratio.matrix(),
            buffer: vec![0.0; room].into(),
            skip: ratio.factors().1 - 1,
        }
    }

    /// Which way it goes.
    pub const fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// Samples of the output by which a sound comes later than the samples of the input that carried it.
    pub const fn delay(&self) -> f32 {
        let (up, down) = self.ratio.factors();
        match self.ratio {
            Ratio::Up2 | Ratio::Up6 => (PHASE_TAPS * up - 1) as f32 / 2.0,
            // The newest sample that an output hears is the last of the two or six that it stands for.
            Ratio::Down2 | Ratio::Down6 => {
                ((PHASE_TAPS * down - 1) as f32 / 2.0 - (down - 1) as f32) / down as f32
            }
        }
    }

    /// Samples that the next `input` samples will give.
    pub const fn output_len(&self, input: usize) -> usize {
        let (up, down) = self.ratio.factors();
        (input + down - 1 - self.skip) / down * up
    }

    /// Takes the input as far as the output has room for what it gives.
    pub fn process(&mut self, mut input: &[i16], mut output: &mut [i16]) -> Progress {
        let mut progress = Progress::default();
        let (up, down) = self.ratio.factors();
        while !input.is_empty() {
            // Beyond what fills the output, inputs can be taken until the next output would be due.
            let room = (output.len() / up).saturating_mul(down).saturating_add(self.skip);
            let read = input.len().min(room).min(PASS * self.ratio.advance() - down);
            if read == 0 {
                break;
            }
            let (now, later) = input.split_at(read);
            let written = self.output_len(read);
            let (made, free) = output.split_at_mut(written);
            self.pass(now, made);
            progress.read += read;
            progress.written += written;
            (input, output) = (later, free);
        }
        progress
    }

    fn pass(&mut self, input: &[i16], output: &mut [i16]) {
        let memory = self.ratio.memory();
        let from = self.skip;
        convert(input, &mut self.buffer[memory..][..input.len()]);
        match self.ratio {
            Ratio::Up2 => up2(self.matrix, &self.buffer[from..], output),
            Ratio::Up6 => up6(self.matrix, &self.buffer[from..], output),
            Ratio::Down2 => down2(self.matrix, &self.buffer[from..], output),
            Ratio::Down6 => down6(self.matrix, &self.buffer[from..], output),
        }
        let (up, down) = self.ratio.factors();
        self.skip = from + output.len() / up * down - input.len();
        self.buffer.copy_within(input.len()..input.len() + memory, 0);
    }
}

/// What each of a block's inputs, the oldest first, adds to each of its outputs.
fn matrix(ratio: Ratio, half: &[f32]) -> Box<[Row]> {
    let ((up, down), banks) = (ratio.factors(), ratio.banks());
    let tap = |n: usize| match n {
        n if n < half.len() => half[n],
        n if n < 2 * half.len() => half[2 * half.len() - 1 - n],
        _ => 0.0,
    };
    let entry = |input: usize, output: usize| {
        // The newest input that this output hears.
        let newest = ratio.memory() + output / up * down;
        newest.checked_sub(input).map_or(0.0, |age| up as f32 * tap(age * up + output % up))
    };
    (0..ratio.rows() * banks)
        .map(|n| Row(std::array::from_fn(|lane| entry(n / banks, n % banks * LANES + lane))))
        .collect()
}

/// Blocks that go through the matrix together: as many as have room in registers, of one bank; what is left over; and
/// blocks of three banks.
const TOGETHER: usize = 5;
const LEFT_OVER: usize = 3;
const OF_THREE: usize = 2;

per_processor! {
    /// To `f32`, of the same scale.
    fn convert(from: &[i16], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from);
        }
    }

    fn up2(matrix: &[Row], input: &[f32], output: &mut [i16]) {
        const RATIO: Ratio = Ratio::Up2;
        const ROWS: usize = RATIO.rows();
        const ADVANCE: usize = RATIO.advance();
        blocks::<V, 1, ROWS, ADVANCE, TOGETHER, { RATIO.span(TOGETHER) }>(matrix, input, output);
    }

    fn up6(matrix: &[Row], input: &[f32], output: &mut [i16]) {
        const RATIO: Ratio = Ratio::Up6;
        const ROWS: usize = RATIO.rows();
        const ADVANCE: usize = RATIO.advance();
        blocks::<V, 3, ROWS, ADVANCE, OF_THREE, { RATIO.span(OF_THREE) }>(matrix, input, output);
    }

    fn down2(matrix: &[Row], input: &[f32], output: &mut [i16]) {
        const RATIO: Ratio = Ratio::Down2;
        const ROWS: usize = RATIO.rows();
        const ADVANCE: usize = RATIO.advance();
        let (all, rest) = output.split_at_mut(together(output.len()));
        let left = &input[all.len() / LANES * ADVANCE..];
        blocks::<V, 1, ROWS, ADVANCE, TOGETHER, { RATIO.span(TOGETHER) }>(matrix, input, all);
        blocks::<V, 1, ROWS, ADVANCE, LEFT_OVER, { RATIO.span(LEFT_OVER) }>(matrix, left, rest);
    }

    fn down6(matrix: &[Row], input: &[f32], output: &mut [i16]) {
        const RATIO: Ratio = Ratio::Down6;
        const ROWS: usize = RATIO.rows();
        const ADVANCE: usize = RATIO.advance();
        let (all, rest) = output.split_at_mut(together(output.len()));
        let left = &input[all.len() / LANES * ADVANCE..];
        blocks::<V, 1, ROWS, ADVANCE, TOGETHER, { RATIO.span(TOGETHER) }>(matrix, input, all);
        blocks::<V, 1, ROWS, ADVANCE, LEFT_OVER, { RATIO.span(LEFT_OVER) }>(matrix, left, rest);
    }
}

/// Outputs of one bank to make with all sums in use; fewer may be left over.
const fn together(outputs: usize) -> usize {
    let whole = outputs - outputs % (TOGETHER * LANES);
    if outputs - whole > LEFT_OVER * LANES { outputs } else { whole }
}

/// All blocks of a pass. The sum for an output is in the order of its inputs, wherever it stands in a block: how the
/// stream was cut changes no bit. All sizes are constants, so that the sums stay in registers.
#[inline(always)]
fn blocks<
    V: Vector,
    const BANKS: usize,
    const ROWS: usize,
    const ADVANCE: usize,
    const BLOCKS: usize,
    const SPAN: usize,
>(
    matrix: &[Row],
    input: &[f32],
    output: &mut [i16],
) {
    let Some(rows) = matrix.as_chunks::<BANKS>().0.first_chunk::<ROWS>() else { return };
    for (n, output) in output.chunks_mut(BLOCKS * BANKS * LANES).enumerate() {
        let Some(heard) = input[n * BLOCKS * ADVANCE..].first_chunk::<SPAN>() else { return };
        let mut sums = [[V::splat(0.0); BANKS]; BLOCKS];
        for i in 0..ROWS {
            for bank in 0..BANKS {
                let factors = V::load(&rows[i][bank].0);
                for block in 0..BLOCKS {
                    sums[block][bank] =
                        V::splat(heard[block * ADVANCE + i]).mul_add(factors, sums[block][bank]);
                }
            }
        }
        let (whole, rest) = output.as_chunks_mut::<LANES>();
        let mut sums = sums.iter().flatten();
        for (output, sum) in whole.iter_mut().zip(sums.by_ref()) {
            *output = samples(*sum);
        }
        if let Some(sum) = sums.next() {
            rest.copy_from_slice(&samples(*sum)[..rest.len()]);
        }
    }
}

#[inline(always)]
fn samples<V: Vector>(sum: V) -> [i16; LANES] {
    let mut lanes = [0.0; LANES];
    sum.store(&mut lanes);
    lanes.map(saturate_f32)
}
