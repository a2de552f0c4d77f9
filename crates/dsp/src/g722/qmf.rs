//! The quadrature mirror filters that split 8 kHz into two bands and join them (G.722 §3.1, §4.4).

use crate::level::saturate;

/// Every second coefficient of the 24 (G.722 table 11, times 2^13); the others are these
/// backwards.
const COEFFICIENTS: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Pairs that a filter looks at.
const TAPS: usize = 12;

/// Pairs between two moves of the memory to its front.
const STRIDE: usize = 20;

/// The last pairs that came, oldest first.
#[derive(Clone, Debug)]
struct Memory {
    first: [i32; TAPS + STRIDE],
    second: [i32; TAPS + STRIDE],
    /// The oldest of those that still count.
    at: usize,
}

impl Memory {
    const fn new() -> Memory {
        Memory { first: [0; TAPS + STRIDE], second: [0; TAPS + STRIDE], at: 0 }
    }

    /// Takes the next pair; gives what both halves of the filter make of the last twelve.
    #[inline(always)]
    fn filter(&mut self, first: i32, second: i32) -> (i32, i32) {
        if self.at == STRIDE {
            self.first.copy_within(STRIDE.., 0);
            self.second.copy_within(STRIDE.., 0);
            self.at = 0;
        }
        self.at += 1;
        let end = self.at + TAPS;
        self.first[end - 1] = first;
        self.second[end - 1] = second;
        let (mut sum_first, mut sum_second) = (0, 0);
        let both = self.first[self.at..end].iter().zip(&self.second[self.at..end]);
        for (i, (a, b)) in both.enumerate().take(TAPS) {
            sum_first += a * COEFFICIENTS[i];
            sum_second += b * COEFFICIENTS[TAPS - 1 - i];
        }
        (sum_first, sum_second)
    }
}

/// Splits.
#[derive(Clone, Debug)]
pub(super) struct Analysis(Memory);

impl Analysis {
    pub(super) const fn new() -> Analysis {
        Analysis(Memory::new())
    }

    /// The lower and the upper band's next sample, each of 15 bits.
    #[inline(always)]
    pub(super) fn pair(&mut self, first: i16, second: i16) -> (i32, i32) {
        let (even, odd) = self.0.filter(i32::from(first), i32::from(second));
        (limit((even + odd) >> 14), limit((odd - even) >> 14))
    }
}

/// Joins.
#[derive(Clone, Debug)]
pub(super) struct Synthesis(Memory);

impl Synthesis {
    pub(super) const fn new() -> Synthesis {
        Synthesis(Memory::new())
    }

    /// The next two samples of both bands together.
    #[inline(always)]
    pub(super) fn pair(&mut self, lower: i32, upper: i32) -> [i16; 2] {
        let (second, first) = self.0.filter(lower + upper, lower - upper);
        [saturate(first >> 11), saturate(second >> 11)]
    }
}

/// Within what a band's sample may be (block LIMIT).
#[inline(always)]
pub(super) fn limit(sample: i32) -> i32 {
    sample.clamp(-16384, 16383)
}
