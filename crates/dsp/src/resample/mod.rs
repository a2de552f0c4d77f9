//! From one sample rate to another, and along a clock that drifts.
//!
//! | | for | by |
//! |---|---|---|
//! | [`Resampler`] | calls: 8 kHz to 16 and 48 kHz and back | equiripple low pass in phases, linear phase, 1.5 ms |
//! | [`Drift`] | two clocks that should be one: ±10,000 ppm, adjustable between any two samples | fractional delay |
//! | [`Converter`] | files: any rate to any other | windowed sinc, made for the two rates |
//!
//! All take slices of any length, and the result does not depend on how the stream was cut. They take what fits:
//! [`Progress`] says how much that was.
//!
//! *Where to start*: [`Resampler::process`].

mod convert;
mod drift;
mod fixed;
mod sinc;
mod taps;

pub use convert::{Converter, UnsupportedRates};
pub use drift::Drift;
pub use fixed::{Ratio, Resampler};

/// How far a call came: to the end of its input, or until its output was full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// Samples of the input that were taken.
    pub read: usize,
    /// Samples of the output that were written.
    pub written: usize,
}
