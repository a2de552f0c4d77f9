//! Any rate to any other, for files: each output has its own filter.

use std::fmt;

use super::{
    Progress,
    sinc::{CELLS, Cell, Place, TAPS, cells},
};
use crate::{
    level::saturate_f32,
    simd::{dot, per_processor},
};

/// The highest rate, in Hz.
const HIGHEST_HZ: u32 = 768_000;

/// The most that a rate may be divided by.
const STEEPEST: u32 = 128;

/// Inputs taken in a pass, and outputs made.
const PASS: usize = 512;

/// A rate is 0 or above 768 kHz, or is to be divided by more than 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedRates {
    /// Samples a second of the input.
    pub from_hz: u32,
    /// Samples a second of the output.
    pub to_hz: u32,
}

impl fmt::Display for UnsupportedRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot resample from {} Hz to {} Hz", self.from_hz, self.to_hz)
    }
}

impl std::error::Error for UnsupportedRates {}

/// From any rate to any other.
///
/// The pass band ends at 0.85 of half the lower rate; from 1.15 on, images and aliases are 75 dB below. The delay is 16
/// samples of the lower rate.
#[derive(Clone, Debug)]
pub struct Converter {
    place: Place,
    kernel: Box<[Cell]>,
    /// Taps of a filter, even.
    taps: usize,
    /// The last inputs, then room for those of a pass.
    buffer: Box<[f32]>,
}

impl Converter {
    /// A converter that has heard silence. Allocates; processing does not.
    ///
    /// # Errors
    ///
    /// When a rate is 0 or above 768 kHz, or is to be divided by more than 128.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Converter, UnsupportedRates> {
        let rates = 1..=HIGHEST_HZ;
        if !rates.contains(&from_hz) || !rates.contains(&to_hz) || from_hz / to_hz > STEEPEST {
            return Err(UnsupportedRates { from_hz, to_hz });
        }
        let ratio = f64::from(from_hz) / f64::from(to_hz);
        let taps = ((TAPS as f64 * ratio.max(1.0)).ceil() as usize).next_multiple_of(2);
        Ok(Converter {
            place: Place::new(u64::from(from_hz), u64::from(to_hz)),
            kernel: cells(taps, ratio.max(1.0).recip()),
            taps,
            buffer: vec![0.0; taps + PASS].into(),
        })
    }

    /// A whole sound at another rate, without the delay. Allocates.
    ///
    /// # Errors
    ///
    /// As [`Converter::new`].
    pub fn convert(
        samples: &[i16],
        from_hz: u32,
        to_hz: u32,
    ) -> Result<Vec<i16>, UnsupportedRates> {
        let mut converter = Converter::new(from_hz, to_hz)?;
        // An output is of the time half the taps before the newest input that it hears.
        let (head, tail) = samples.split_at(samples.len().min(converter.taps / 2));
        let silence = vec![0; converter.taps / 2];
        let mut lead: Vec<i16> = head.to_vec();
        lead.extend(&silence[head.len()..]);
        converter.prime(&lead);
        let length = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
        let mut output = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let done = converter.process(tail, &mut output);
        let _rest = converter.process(&silence, &mut output[done.written..]);
        Ok(output)
    }

    /// Samples of the input by which a sound comes later than it went in.
    pub const fn delay(&self) -> usize {
        self.taps / 2
    }

    /// Makes output as far as there is input for it; reads no more than that needs.
    pub fn process(&mut self, mut input: &[i16], mut output: &mut [i16]) -> Progress {
        let mut progress = Progress::default();
        while !output.is_empty() {
            let most = output.len().min(PASS);
            let written = self.place.outputs(input.len().min(PASS), most);
            let needed =
                if written == 0 { self.place.first(0) } else { self.place.inputs(written) };
            let read = needed.min(input.len()).min(PASS);
            if read == 0 && written == 0 {
                break;
            }
            let (now, later) = input.split_at(read);
            let (made, free) = output.split_at_mut(written);
            for (to, from) in self.buffer[self.taps..].iter_mut().zip(now) {
                *to = f32::from(*from);
            }
            filter(&self.buffer, &self.kernel, self.taps, self.place, made);
            self.place.advance(written, read);
            self.buffer.copy_within(read..read + self.taps, 0);
            progress.read += read;
            progress.written += written;
            (input, output) = (later, free);
        }
        progress
    }

    /// Hears half the taps without an output.
    fn prime(&mut self, lead: &[i16]) {
        self.buffer.copy_within(lead.len()..self.taps, 0);
        for (to, from) in self.buffer[self.taps - lead.len()..self.taps].iter_mut().zip(lead) {
            *to = f32::from(*from);
        }
    }
}

per_processor! {
    fn filter(buffer: &[f32], kernel: &[Cell], taps: usize, place: Place, output: &mut [i16]) {
        for (n, output) in output.iter_mut().enumerate() {
            let part = place.part(n);
            let bits = 32 - CELLS.ilog2();
            let cell = &kernel[(part >> bits) as usize];
            let within = (part & ((1 << bits) - 1)) as f32 * (2.0 / (1u32 << bits) as f32) - 1.0;
            let heard = &buffer[place.first(n)..][..taps];
            let [middle, slope, bend] = cell.each_ref().map(|part| dot::<V>(heard, part));
            *output = saturate_f32((bend * within + slope) * within + middle);
        }
    }
}
