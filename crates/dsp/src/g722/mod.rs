//! ITU-T G.722: 7 kHz of audio, sampled at 16 kHz, in 64 kbit/s.
//!
//! Two bands of 4 kHz, each predicted and quantised by itself: six bits for the lower, two for the
//! upper, one octet for two samples.
//!
//! ```text
//!   16 kHz ─► qmf::Analysis ─┬─ lower ─► band::Lower ─► 6 bits ─┬─► octet
//!                            └─ upper ─► band::Upper ─► 2 bits ─┘
//!   octet ─┬─ 6, 5 or 4 bits ─► band::Lower ─► lower ─┬─► qmf::Synthesis ─► 16 kHz
//!          └─ 2 bits ─────────► band::Upper ─► upper ─┘
//! ```
//!
//! All arithmetic is the Recommendation's, bit for bit; samples use the whole 16 bits. The RTP
//! payload (type 9) is the octets in order, with a clock of 8,000 Hz although there are 16,000
//! samples a second (RFC 3551 §4.5.2).

mod band;
mod qmf;

use band::{Lower, Upper};
use qmf::{Analysis, Synthesis};

use crate::simd::per_processor;

/// Samples a second of the audio side.
pub const SAMPLE_RATE: u32 = 16_000;

/// How many of an octet's bits are audio (G.722 §1.1); the rest, at the low end, is another's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Mode 1, 64 kbit/s: all eight. What RTP carries.
    #[default]
    Kbit64,
    /// Mode 2, 56 kbit/s: seven.
    Kbit56,
    /// Mode 3, 48 kbit/s: six.
    Kbit48,
}

/// Makes octets of samples, in mode 1: whoever puts data into the lowest bits has modes 2 and 3.
#[derive(Clone, Debug)]
pub struct Encoder {
    split: Analysis,
    lower: Lower,
    upper: Upper,
    /// The first sample of a pair whose second is to come.
    first: Option<i16>,
}

impl Encoder {
    /// An encoder in the state of G.722 after a reset.
    pub const fn new() -> Encoder {
        let (split, lower, upper) = (Analysis::new(), Lower::new(), Upper::new());
        Encoder { split, lower, upper, first: None }
    }

    /// Encodes, and says how many octets it wrote: one for every two samples, with one that was
    /// left over from the call before. Samples for which there is no room are passed over.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        encode(self, samples, octets)
    }

    #[inline(always)]
    fn pair(&mut self, first: i16, second: i16) -> u8 {
        let (lower, upper) = self.split.pair(first, second);
        self.upper.encode(upper) << 6 | self.lower.encode(lower)
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

/// Makes samples of octets.
#[derive(Clone, Debug)]
pub struct Decoder {
    mode: Mode,
    lower: Lower,
    upper: Upper,
    join: Synthesis,
}

impl Decoder {
    /// A decoder in the state of G.722 after a reset.
    pub const fn new(mode: Mode) -> Decoder {
        Decoder { mode, lower: Lower::new(), upper: Upper::new(), join: Synthesis::new() }
    }

    /// The mode may change from octet to octet (G.722 §1.1).
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Decodes as many octets as there are pairs of samples to write, and says how many samples it
    /// wrote.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        decode(self, octets, samples)
    }
}

per_processor! {
    fn encode(encoder: &mut Encoder, samples: &[i16], octets: &mut [u8]) -> usize {
        let mut samples = samples.iter();
        let mut written = 0;
        for octet in octets {
            let Some(first) = encoder.first.take().or_else(|| samples.next().copied()) else {
                return written;
            };
            let Some(second) = samples.next() else {
                encoder.first = Some(first);
                return written;
            };
            *octet = encoder.pair(first, *second);
            written += 1;
        }
        if encoder.first.is_none() {
            encoder.first = samples.next().copied().filter(|_| samples.len() == 0);
        }
        written
    }

    fn decode(decoder: &mut Decoder, octets: &[u8], samples: &mut [i16]) -> usize {
        let pairs = samples.as_chunks_mut::<2>().0;
        let written = 2 * pairs.len().min(octets.len());
        for (octet, pair) in octets.iter().zip(pairs) {
            let lower = decoder.lower.decode(decoder.mode, octet & 0x3F);
            let upper = decoder.upper.decode(octet >> 6);
            *pair = decoder.join.pair(lower, upper);
        }
        written
    }
}
