//! Levels in dBm0, meters, gain, mixing.
//!
//! ```text
//!   Meter      mean and peak since a reset            energy, Follower   what the automatic blocks use
//!   Follower   fast or slow, as a needle moves
//!   Gain       a factor, saturating                   mix, Sum           two voices; all but one's own
//! ```
//!
//! G.711 says that a sine that just reaches overload has +3.17 dBm0 in µ-law and +3.14 dBm0 in
//! A-law. In the linear domain this crate lets a sine of peak 32,768 have +3.17 dBm0: the digital
//! milliwatt of G.711 table 5 (A) and 6 (µ) then reads within 0.04 dB of 0 dBm0 in both laws.

mod gain;
mod meter;
mod mixing;

pub use gain::Gain;
pub use meter::{FAST_MS, Follower, Meter, SLOW_MS, energy};
pub use mixing::{Sum, mix};

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
