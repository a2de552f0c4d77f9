//! A factor for every sample.

use super::{db_to_ratio, saturate};
use crate::simd::per_processor;

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

per_processor! {
    fn amplify(samples: &mut [i16], q12: i16) {
        let q12 = i32::from(q12);
        for sample in samples {
            *sample = saturate((i32::from(*sample) * q12 + 2048) >> 12);
        }
    }
}
