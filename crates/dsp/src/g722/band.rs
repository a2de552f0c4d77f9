//! One band: adaptive quantiser and predictor (G.722 §3.2-3.6, §6.2). Blocks of the Recommendation
//! are named where they are done.

use super::{Mode, qmf::limit};
use crate::level::saturate;

/// The lower band, of six bits.
#[derive(Clone, Debug)]
pub(super) struct Lower {
    predictor: Predictor,
    scale: Scale,
}

impl Lower {
    pub(super) const fn new() -> Lower {
        Lower { predictor: Predictor::new(), scale: Scale { log: 0, step: 32 } }
    }

    #[inline(always)]
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        // SUBTRA, QUANTL.
        let error = clamp(sample - self.predictor.estimate);
        let magnitude = if error < 0 { !error } else { error };
        let mut level = 0;
        for least in &LEVELS {
            level += i32::from(magnitude >= (least * self.scale.step) >> 12);
        }
        // The codes fall as magnitudes rise; the two smallest of the negative half stand at its end.
        let code = match (error < 0, level) {
            (true, 0) => 63,
            (true, 1) => 62,
            (true, _) => 33 - level,
            (false, _) => 61 - level,
        } as u8;
        self.adapt(code >> 2);
        code
    }

    #[inline(always)]
    pub(super) fn decode(&mut self, mode: Mode, code: u8) -> i32 {
        // INVQBL, RECONS, LIMIT.
        let value = match mode {
            Mode::Kbit64 => VALUES_6[usize::from(code & 63)],
            Mode::Kbit56 => VALUES_5[usize::from(code >> 1 & 31)],
            Mode::Kbit48 => VALUES_4[usize::from(code >> 2 & 15)],
        };
        let sample = limit(self.predictor.estimate + ((self.scale.step * value) >> 15));
        self.adapt(code >> 2);
        sample
    }

    /// Follows the four bits that all modes have.
    #[inline(always)]
    fn adapt(&mut self, code: u8) {
        // INVQAL, LOGSCL, SCALEL.
        let code = usize::from(code & 15);
        let difference = (self.scale.step * VALUES_4[code]) >> 15;
        self.scale.adapt(LOG_STEPS_LOWER[code], 18_432, 8);
        self.predictor.adapt(difference);
    }
}

/// The upper band, of two bits.
#[derive(Clone, Debug)]
pub(super) struct Upper {
    predictor: Predictor,
    scale: Scale,
}

impl Upper {
    pub(super) const fn new() -> Upper {
        Upper { predictor: Predictor::new(), scale: Scale { log: 0, step: 8 } }
    }

    #[inline(always)]
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        // SUBTRA, QUANTH.
        let error = clamp(sample - self.predictor.estimate);
        let magnitude = if error < 0 { !error } else { error };
        let large = magnitude >= (564 * self.scale.step) >> 12;
        let code = u8::from(!large) | u8::from(error >= 0) << 1;
        self.adapt(code);
        code
    }

    #[inline(always)]
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        // RECONS, LIMIT.
        let difference = self.difference(code);
        let sample = limit(self.predictor.estimate + difference);
        self.adapt(code);
        sample
    }

    /// INVQAH.
    #[inline(always)]
    fn difference(&self, code: u8) -> i32 {
        (self.scale.step * VALUES_2[usize::from(code & 3)]) >> 15
    }

    #[inline(always)]
    fn adapt(&mut self, code: u8) {
        // LOGSCH, SCALEH.
        let difference = self.difference(code);
        self.scale.adapt(LOG_STEPS_UPPER[usize::from(code & 3)], 22_528, 10);
        self.predictor.adapt(difference);
    }
}

/// The quantiser's scale factor, as a logarithm and as a step.
#[derive(Clone, Debug)]
struct Scale {
    log: i32,
    step: i32,
}

impl Scale {
    #[inline(always)]
    fn adapt(&mut self, by: i32, most: i32, shift: i32) {
        self.log = (((self.log * 127) >> 7) + by).clamp(0, most);
        let power = INVERSE_LOG[(self.log >> 6 & 31) as usize];
        let shift = shift - (self.log >> 11);
        self.step = if shift < 0 { power << -shift } else { power >> shift } << 2;
    }
}

/// Two poles and six zeros, adapted by the signs of what came out.
#[derive(Clone, Debug)]
struct Predictor {
    /// Prediction of the next sample.
    estimate: i32,
    /// The part of it that the zeros made.
    from_zeros: i32,
    poles: [i32; 2],
    zeros: [i32; 6],
    /// The last quantised differences, newest first.
    differences: [i32; 6],
    /// The last reconstructed samples, newest first.
    reconstructed: [i32; 2],
    /// The last partially reconstructed samples, newest first.
    partial: [i32; 2],
}

impl Predictor {
    const fn new() -> Predictor {
        Predictor {
            estimate: 0,
            from_zeros: 0,
            poles: [0; 2],
            zeros: [0; 6],
            differences: [0; 6],
            reconstructed: [0; 2],
            partial: [0; 2],
        }
    }

    #[inline(always)]
    fn adapt(&mut self, difference: i32) {
        // RECONS, PARREC.
        let reconstructed = clamp(self.estimate + difference);
        let partial = clamp(self.from_zeros + difference);
        self.adapt_poles(partial);
        // UPZERO.
        let by = if difference == 0 { 0 } else { 128 };
        for (zero, earlier) in self.zeros.iter_mut().zip(&self.differences) {
            let by = if (earlier ^ difference) < 0 { -by } else { by };
            *zero = clamp(((*zero * 32_640) >> 15) + by);
        }
        // DELAYA.
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
        // FILTEP, FILTEZ, PREDIC.
        let [one, two] = self.poles;
        let from_poles = product(one, reconstructed) + product(two, self.reconstructed[1]);
        let mut from_zeros = 0;
        for (zero, difference) in self.zeros.iter().zip(&self.differences) {
            from_zeros += product(*zero, *difference);
        }
        self.from_zeros = clamp(from_zeros);
        self.estimate = clamp(clamp(from_poles) + self.from_zeros);
    }

    #[inline(always)]
    fn adapt_poles(&mut self, partial: i32) {
        let unlike = [(self.partial[0] ^ partial) < 0, (self.partial[1] ^ partial) < 0];
        let [one, two] = self.poles;
        // UPPOL2.
        let one_by_four = clamp(4 * one);
        let turned = if unlike[0] { one_by_four } else { (-one_by_four).min(32_767) };
        let by = (turned >> 7) + if unlike[1] { -128 } else { 128 };
        let two = (by + ((two * 32_512) >> 15)).clamp(-12_288, 12_288);
        // UPPOL1.
        let most = clamp(15_360 - two);
        let by = if unlike[0] { -192 } else { 192 };
        let one = clamp(by + ((one * 32_640) >> 15)).clamp(-most, most);
        self.poles = [one, two];
    }
}

/// A coefficient of 15 bits of fraction below 2 times a value.
#[inline(always)]
fn product(factor: i32, value: i32) -> i32 {
    (factor * clamp(2 * value)) >> 15
}

/// Into 16 bits.
#[inline(always)]
fn clamp(value: i32) -> i32 {
    i32::from(saturate(value))
}

/// Decision levels of the lower band, times the step (table 14, Q6), from the second.
const LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
    1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Output of the lower band's inverse quantiser by the first four bits (table 17, QM4).
const VALUES_4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];

/// By five bits (table 18, QM5).
const VALUES_5: [i32; 32] = [
    -280, -280, -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696, -3784, -2960,
    -2208, -1520, -880, 23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208,
    1520, 880, 280, -280,
];

/// By all six (table 19, QM6).
const VALUES_6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// Output of the upper band's inverse quantiser (QM2).
const VALUES_2: [i32; 4] = [-7408, -1616, 7408, 1616];

/// How each code of four bits moves the lower band's scale (RL42, WL).
const LOG_STEPS_LOWER: [i32; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];

/// How each code moves the upper band's scale (RH2, WH).
const LOG_STEPS_UPPER: [i32; 4] = [798, -214, 798, -214];

/// 2^(n/32) × 2^11 (table 15, ILB).
const INVERSE_LOG: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
