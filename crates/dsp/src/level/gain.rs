//! A factor for every sample.
#![allow(unsafe_code)]

use super::{db_to_ratio, saturate};

/// A linear gain in Q12: 4096 is 0 dB, the most is +18 dB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain(i16);

impl Gain {
    /// 0 dB.
    pub const UNITY: Gain = Gain(4096);
    /// Nothing passes.
    pub const MUTE: Gain = Gain(0);

    /// The nearest gain; above +18 dB it is +18 dB.
    pub fn from_db(db: f32) -> Gain {
        Gain::from_ratio(db_to_ratio(db))
    }

    /// The nearest gain to a ratio of amplitudes, from nothing to +18 dB.
    pub fn from_ratio(ratio: f32) -> Gain {
        Gain((4096.0 * ratio).round().max(0.0) as i16)
    }

    /// The factor in 1/4096.
    pub const fn q12(self) -> i16 {
        self.0
    }

    /// Amplifies in place, rounding to nearest and saturating.
    pub fn apply(self, samples: &mut [i16]) {
        if self != Gain::UNITY {
            amplify(samples, self.0);
        }
    }
}

fn amplify(samples: &mut [i16], q12: i16) {
    #[cfg(target_arch = "x86_64")]
    let samples = match is_x86_feature_detected!("avx2") {
        // SAFETY: the feature was detected in this very arm.
        true => unsafe { avx2::amplify(samples, q12) },
        false => samples,
    };
    plain(samples, q12);
}

fn plain(samples: &mut [i16], q12: i16) {
    let q12 = i32::from(q12);
    for sample in samples {
        *sample = saturate((i32::from(*sample) * q12 + 2048) >> 12);
    }
}

/// Loops for the compiler to vectorise widen to 32 bits and multiply there, which takes half as long again as pairs of
/// (sample, 1) times (gain, half a unit), which is one instruction with the sum.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    /// Amplifies in steps of 16 and 8; gives the rest.
    #[target_feature(enable = "avx2")]
    pub(super) fn amplify(samples: &mut [i16], q12: i16) -> &mut [i16] {
        let pair = i32::from(q12) | 2048 << 16;
        let (gain, one) = (_mm256_set1_epi32(pair), _mm256_set1_epi16(1));
        let (steps, rest) = samples.as_chunks_mut::<16>();
        for step in steps {
            // SAFETY: the array has 32 octets; the load needs no alignment.
            let x = unsafe { _mm256_loadu_si256(step.as_ptr().cast()) };
            let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(x, one), gain);
            let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(x, one), gain);
            let (low, high) = (_mm256_srai_epi32::<12>(low), _mm256_srai_epi32::<12>(high));
            let amplified = _mm256_packs_epi32(low, high);
            // SAFETY: the array has 32 octets and is ours to write; the store needs no alignment.
            unsafe { _mm256_storeu_si256(step.as_mut_ptr().cast(), amplified) };
        }
        let (gain, one) = (_mm_set1_epi32(pair), _mm_set1_epi16(1));
        let (half, rest) = rest.as_chunks_mut::<8>();
        for step in half {
            // SAFETY: the array has 16 octets; the load needs no alignment.
            let x = unsafe { _mm_loadu_si128(step.as_ptr().cast()) };
            let low = _mm_srai_epi32::<12>(_mm_madd_epi16(_mm_unpacklo_epi16(x, one), gain));
            let high = _mm_srai_epi32::<12>(_mm_madd_epi16(_mm_unpackhi_epi16(x, one), gain));
            // SAFETY: the array has 16 octets and is ours to write; the store needs no alignment.
            unsafe { _mm_storeu_si128(step.as_mut_ptr().cast(), _mm_packs_epi32(low, high)) };
        }
        rest
    }
}
