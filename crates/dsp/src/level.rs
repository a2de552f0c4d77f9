//! Levels in dBm0, gain, mixing.
//!
//! G.711 says that a sine that just reaches overload has +3.17 dBm0 in µ-law and +3.14 dBm0 in
//! A-law. In the linear domain this crate lets a sine of peak 32,768 have +3.17 dBm0: the digital
//! milliwatt of G.711 table 5 (A) and 6 (µ) then reads within 0.04 dB of 0 dBm0 in both laws.

/// Level of a sine that fills the 16-bit range, in dBm0.
pub const FULL_SCALE_SINE_DBM0: f32 = 3.17;

/// What [`Meter`] and [`power_to_dbm0`] say about digital silence, in dBm0.
pub const SILENCE_DBM0: f32 = -100.0;

/// Peak amplitude of a sine of this level.
pub fn dbm0_to_peak(level_dbm0: f32) -> f32 {
    32768.0 * db_to_ratio(level_dbm0 - FULL_SCALE_SINE_DBM0)
}

/// Level of a sine of this peak amplitude; never below [`SILENCE_DBM0`].
pub fn peak_to_dbm0(peak: f32) -> f32 {
    power_to_dbm0(peak * peak / 2.0)
}

/// Level of a signal of this mean square, in dBm0; never below [`SILENCE_DBM0`].
pub fn power_to_dbm0(mean_square: f32) -> f32 {
    let full_scale = 32768.0 * 32768.0 / 2.0;
    (10.0 * (mean_square / full_scale).max(1e-30).log10() + FULL_SCALE_SINE_DBM0).max(SILENCE_DBM0)
}

/// Amplitude ratio of a gain in dB.
pub fn db_to_ratio(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// Sum of squares of samples.
pub fn energy(samples: &[i16]) -> u64 {
    // 2 × 2^30 fits 32 bits, so pairs may be added before they are widened (one instruction on most
    // machines).
    let pairs = samples.chunks_exact(2);
    let last = pairs.remainder().iter().map(|s| i32::from(*s).unsigned_abs().pow(2));
    let pairs = pairs.map(|p| {
        let (a, b) = (i32::from(p[0]), i32::from(p[1]));
        (a * a) as u32 + (b * b) as u32
    });
    pairs.chain(last).map(u64::from).sum()
}

/// Mean level and peak of all samples since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    energy: u64,
    samples: u64,
    peak: u16,
}

impl Meter {
    /// A meter that has heard nothing.
    pub const fn new() -> Meter {
        Meter { energy: 0, samples: 0, peak: 0 }
    }

    /// Listens.
    pub fn process(&mut self, samples: &[i16]) {
        self.energy = self.energy.saturating_add(energy(samples));
        self.samples += samples.len() as u64;
        self.peak = samples.iter().fold(self.peak, |peak, s| peak.max(s.unsigned_abs()));
    }

    /// Mean level in dBm0 since the last reset; [`SILENCE_DBM0`] if nothing was heard.
    pub fn level_dbm0(&self) -> f32 {
        match self.samples {
            0 => SILENCE_DBM0,
            n => power_to_dbm0((self.energy as f64 / n as f64) as f32),
        }
    }

    /// Largest magnitude since the last reset.
    pub const fn peak(&self) -> u16 {
        self.peak
    }

    /// Samples heard since the last reset.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Forgets.
    pub fn reset(&mut self) {
        *self = Meter::new();
    }
}

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
        Gain((4096.0 * db_to_ratio(db)).round() as i16)
    }

    /// The factor in 1/4096.
    pub const fn q12(self) -> i16 {
        self.0
    }

    /// Amplifies in place, rounding to nearest and saturating.
    pub fn apply(self, samples: &mut [i16]) {
        if self == Gain::UNITY {
            return;
        }
        let gain = i32::from(self.0);
        for sample in samples {
            *sample = saturate((i32::from(*sample) * gain + 2048) >> 12);
        }
    }
}

/// Adds `other` onto `samples`, saturating, as far as both go.
pub fn mix(samples: &mut [i16], other: &[i16]) {
    for (sample, other) in samples.iter_mut().zip(other) {
        *sample = sample.saturating_add(*other);
    }
}

/// The nearest 16-bit sample.
#[inline(always)]
pub const fn saturate(value: i32) -> i16 {
    if value > 32767 {
        32767
    } else if value < -32768 {
        -32768
    } else {
        value as i16
    }
}

/// The nearest 16-bit sample; for |value| below 2^22 (else some sample).
#[inline(always)]
pub(crate) fn saturate_f32(value: f32) -> i16 {
    // Adding 1.5 × 2^23 leaves the nearest integer in the low bits of the mantissa: vectorises
    // without SSE4.1.
    const MAGIC: f32 = 12_582_912.0;
    saturate(((value + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32))
}
