//! The 1200 Bd caller-ID modem: Bell 202 and ITU-T V.23.
//!
//! Sending is a phase that goes on. Receiving is in four parts: a cheap look for the mark signal, a loop that follows it, the
//! search for where it ends, and the most likely sequence of bits after that; [`Demodulator`] puts them together.

mod demodulator;
mod look;
mod start;
mod trellis;

pub(crate) use demodulator::Heard;
pub use demodulator::{Demodulator, Event};

use crate::level;
use crate::oscillator::{Phase, sine, step_of_decihertz};

/// Bits a second of both standards.
pub const BAUD: u32 = 1200;

/// Which frequencies carry the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standard {
    /// Mark 1200 Hz, space 2200 Hz (GR-30: North America and most of the world).
    Bell202,
    /// Mark 1300 Hz, space 2100 Hz (EN 300 659: Europe).
    V23,
}

impl Standard {
    /// Frequency of a one, Hz.
    pub const fn mark_hz(self) -> u32 {
        match self {
            Standard::Bell202 => 1200,
            Standard::V23 => 1300,
        }
    }

    /// Frequency of a zero, Hz.
    pub const fn space_hz(self) -> u32 {
        match self {
            Standard::Bell202 => 2200,
            Standard::V23 => 2100,
        }
    }
}

impl std::fmt::Display for Standard {
    /// `bell202` or `v23`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Standard::Bell202 => "bell202",
            Standard::V23 => "v23",
        })
    }
}

/// Sends bits: continuous phase, bit edges exact over any length (a bit is 6⅔ samples).
#[derive(Clone, Debug)]
pub struct Modulator {
    mark: Phase,
    space: Phase,
    mark_peak: f32,
    space_peak: f32,
    phase: Phase,
    /// Time to the next sample, in 1/`BAUD` of a sample: bits last `SAMPLE_RATE` of these, samples
    /// `BAUD`.
    until_sample: u32,
}

impl Modulator {
    /// A modulator that sends both frequencies at this level, dBm0.
    pub fn new(standard: Standard, level_dbm0: f32) -> Modulator {
        Modulator::with_twist(standard, level_dbm0, level_dbm0)
    }

    /// A modulator with another level for each frequency, as a line with slope makes them, dBm0.
    pub fn with_twist(standard: Standard, mark_dbm0: f32, space_dbm0: f32) -> Modulator {
        Modulator {
            mark: step_of_decihertz(standard.mark_hz() * 10),
            space: step_of_decihertz(standard.space_hz() * 10),
            mark_peak: level::dbm0_to_peak(mark_dbm0),
            space_peak: level::dbm0_to_peak(space_dbm0),
            phase: 0,
            until_sample: 0,
        }
    }

    /// Sends one bit: 6 or 7 samples.
    pub fn bit(&mut self, mark: bool, mut sample: impl FnMut(i16)) {
        let (step, peak) =
            if mark { (self.mark, self.mark_peak) } else { (self.space, self.space_peak) };
        let advance = |time: u32| (u64::from(step) * u64::from(time) / u64::from(BAUD)) as Phase;
        let mut left = crate::SAMPLE_RATE;
        while self.until_sample < left {
            left -= self.until_sample;
            self.phase = self.phase.wrapping_add(advance(self.until_sample));
            self.until_sample = BAUD;
            sample(level::saturate_f32(peak * sine(self.phase)));
        }
        self.until_sample -= left;
        self.phase = self.phase.wrapping_add(advance(left));
    }

    /// Sends one octet: start bit, eight data bits least significant first, stop bit.
    pub fn octet(&mut self, octet: u8, mut sample: impl FnMut(i16)) {
        self.bit(false, &mut sample);
        for i in 0..8 {
            self.bit(octet >> i & 1 == 1, &mut sample);
        }
        self.bit(true, &mut sample);
    }
}
