//! ITU-T G.726: adaptive differential PCM of 8 kHz audio in 16, 24, 32 or 40 kbit/s.
//!
//! ```text
//!   samples or law octets ─► state::State ─► codes of 2 to 5 bits ─► packing ─► octets
//! ```
//!
//! The arithmetic is the Recommendation's, bit for bit. [`Encoder`] and [`Decoder`] work on samples and packed
//! octets, as a gateway does; [`Encoder::code`], [`Decoder::sample`] and [`Decoder::law_octet`] on single codes. An octet of
//! G.711 is encoded by decoding it first: that is what block EXPAND does.
//!
//! Who sends what: `G726-32` and its kin pack the first code into the lowest bits (RFC 3551 §4.5.4), `AAL2-G726-32` into
//! the highest (ITU-T I.366.2, RFC 3551 too). Both are called `G726-32` by some peers, and there is no telling
//! them apart but by ear.

mod packing;
mod state;

use packing::Bits;
pub use packing::Packing;
use state::State;

use crate::{
    g711::{self, Law},
    level::saturate,
    simd::per_processor,
};

/// Bits a second, and so bits a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// 16 kbit/s, two bits a sample.
    Kbit16,
    /// 24 kbit/s, three bits a sample.
    Kbit24,
    /// 32 kbit/s, four bits a sample.
    Kbit32,
    /// 40 kbit/s, five bits a sample.
    Kbit40,
}

impl Rate {
    /// All of them.
    pub const ALL: [Rate; 4] = [Rate::Kbit16, Rate::Kbit24, Rate::Kbit32, Rate::Kbit40];

    /// Bits of a sample's code, 2 to 5.
    pub const fn bits(self) -> u32 {
        match self {
            Rate::Kbit16 => 2,
            Rate::Kbit24 => 3,
            Rate::Kbit32 => 4,
            Rate::Kbit40 => 5,
        }
    }
}

/// Makes packed codes of samples.
#[derive(Clone, Debug)]
pub struct Encoder {
    state: State,
    bits: Bits,
}

impl Encoder {
    /// An encoder in the state of G.726 after a reset.
    pub const fn new(rate: Rate, packing: Packing) -> Encoder {
        Encoder { state: State::new(rate), bits: Bits::new(packing, rate.bits()) }
    }

    /// Encodes, and says how many octets it wrote. Bits short of an octet wait for the next call; eight samples are
    /// always whole octets. Samples for which there is no room are passed over.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        encode(self, samples, octets)
    }

    /// The code of the next sample, without packing.
    pub fn code(&mut self, sample: i16) -> u8 {
        self.state.encode(sample)
    }
}

/// Makes samples of packed codes.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    bits: Bits,
}

impl Decoder {
    /// A decoder in the state of G.726 after a reset.
    pub const fn new(rate: Rate, packing: Packing) -> Decoder {
        Decoder { state: State::new(rate), bits: Bits::new(packing, rate.bits()) }
    }

    /// Decodes, and says how many samples it wrote. Bits short of a code wait for the next call. Octets for which
    /// there is no room are passed over.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        decode(self, octets, samples)
    }

    /// The sample of a code; bits above those of the rate are ignored.
    #[inline(always)]
    pub fn sample(&mut self, code: u8) -> i16 {
        saturate(4 * i32::from(self.state.decode(code).reconstructed))
    }

    /// The octet of a code in a law, adjusted so that coders one behind the other over G.711 do not add up their
    /// distortion (blocks COMPRESS and SYNC, G.726 §4.2.8).
    pub fn law_octet(&mut self, code: u8, law: Law) -> u8 {
        let decoded = self.state.decode(code);
        let octet = compress(decoded.reconstructed, law);
        let again = decoded.requantise(g711::decode_sample(law, octet));
        match again.cmp(&decoded.rank) {
            std::cmp::Ordering::Equal => octet,
            std::cmp::Ordering::Greater => step_down(octet, law),
            std::cmp::Ordering::Less => step_up(octet, law),
        }
    }
}

per_processor! {
    fn encode(encoder: &mut Encoder, samples: &[i16], octets: &mut [u8]) -> usize {
        let takes = encoder.bits.codes_until(octets.len());
        let mut written = 0;
        for sample in samples.iter().take(takes) {
            let code = encoder.state.encode(*sample);
            if let (Some(octet), Some(room)) = (encoder.bits.push(code), octets.get_mut(written)) {
                *room = octet;
                written += 1;
            }
        }
        written
    }

    fn decode(decoder: &mut Decoder, octets: &[u8], samples: &mut [i16]) -> usize {
        let mut octets = octets.iter();
        let mut written = 0;
        for sample in samples {
            let code = loop {
                match decoder.bits.pull() {
                    Some(code) => break code,
                    None => match octets.next() {
                        Some(octet) => decoder.bits.refill(*octet),
                        None => return written,
                    },
                }
            };
            *sample = decoder.sample(code);
            written += 1;
        }
        written
    }
}

/// The law's octet of a sample of 14 bits. µ-law decides ties by the magnitude of both signs here, A-law does not.
fn compress(sample: i16, law: Law) -> u8 {
    let negative = sample < 0;
    // The magnitude has 15 bits: that of -32,768 is nothing.
    let magnitude = sample.wrapping_abs() & 0x7FFF;
    let magnitude = match law {
        Law::A if negative => (magnitude - 1).max(0),
        Law::A | Law::Mu => magnitude,
    };
    let octet = g711::encode_sample(law, saturate(4 * i32::from(magnitude)));
    if negative { octet & 0x7F } else { octet }
}

/// The octet of the next lower value; µ-law's two zeros are one on the way down.
fn step_down(octet: u8, law: Law) -> u8 {
    match law {
        Law::Mu => match octet {
            0xFF => 0x7E,
            0x80.. => octet + 1,
            0x00 => 0x00,
            _ => octet - 1,
        },
        Law::A => match octet ^ 0x55 {
            0x80 => 0x55,
            0x7F => 0x7F ^ 0x55,
            code @ 0x81.. => (code - 1) ^ 0x55,
            code => (code + 1) ^ 0x55,
        },
    }
}

/// The octet of the next higher value.
fn step_up(octet: u8, law: Law) -> u8 {
    match law {
        Law::Mu => match octet {
            0x7F => 0xFF,
            0x80 => 0x80,
            0x81.. => octet - 1,
            _ => octet + 1,
        },
        Law::A => match octet ^ 0x55 {
            0x00 => 0x80 ^ 0x55,
            0xFF => 0xFF ^ 0x55,
            code @ 0x80.. => (code + 1) ^ 0x55,
            code => (code - 1) ^ 0x55,
        },
    }
}
