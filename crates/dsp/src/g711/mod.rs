//! ITU-T G.711: companding in µ-law and A-law, and between the laws.
//!
//! The rule is that of the ITU-T G.191 software tool library: the magnitude of a negative sample is
//! its one's complement and the quantiser truncates, so that values exactly on a decision level
//! (which G.711 leaves open) are decided as the reference decides them. Between the laws the tables
//! 3 and 4 of G.711 apply.
//!
//! ```text
//!   encode, decode,    ──► Path: Avx512 (VBMI), Avx2 (both x86-64, chosen at run time), Neon, Table
//!   mu_to_a, a_to_mu       scalar: the reference that all are held to
//! ```
//!
//! Channels that lie one after the other in memory are one slice: a block of 128 channels of 40
//! samples is best coded by one call, or by [`encode_channels`] and [`decode_channels`] where the
//! laws differ.

use std::ops::Range;

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod octets;
pub mod scalar;
pub mod simd;
pub mod table;

pub use simd::Path;

/// A companding law of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law: North America, Japan; RTP payload type 0 (PCMU).
    Mu,
    /// A-law with even bits inverted: Europe and the rest; RTP payload type 8 (PCMA).
    A,
}

impl Law {
    /// The octet of silence (positive zero).
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xFF,
            Law::A => 0xD5,
        }
    }
}

/// Samples of a channel in a block of 5 ms.
pub const BLOCK_SAMPLES: usize = 40;

/// Encodes as many samples as both slices have.
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    Path::best().encode(law, samples, octets);
}

/// Decodes as many octets as both slices have.
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    Path::best().decode(law, octets, samples);
}

/// From µ-law to A-law by table 3 of G.711, as many octets as both slices have.
pub fn mu_to_a(mu: &[u8], a: &mut [u8]) {
    Path::best().map(Law::Mu, mu, a);
}

/// From A-law to µ-law by table 4 of G.711, as many octets as both slices have.
pub fn a_to_mu(a: &[u8], mu: &mut [u8]) {
    Path::best().map(Law::A, a, mu);
}

/// Encodes one block of each channel, channel `i` by `laws[i]`; neighbours of one law go through in
/// one pass.
pub fn encode_channels(
    laws: &[Law],
    samples: &[[i16; BLOCK_SAMPLES]],
    octets: &mut [[u8; BLOCK_SAMPLES]],
) {
    let n = laws.len().min(samples.len()).min(octets.len());
    for (law, run) in runs(&laws[..n]) {
        encode(law, samples[run.clone()].as_flattened(), octets[run].as_flattened_mut());
    }
}

/// Decodes one block of each channel, channel `i` by `laws[i]`; neighbours of one law go through in
/// one pass.
pub fn decode_channels(
    laws: &[Law],
    octets: &[[u8; BLOCK_SAMPLES]],
    samples: &mut [[i16; BLOCK_SAMPLES]],
) {
    let n = laws.len().min(samples.len()).min(octets.len());
    for (law, run) in runs(&laws[..n]) {
        decode(law, octets[run.clone()].as_flattened(), samples[run].as_flattened_mut());
    }
}

/// Encodes one sample.
pub fn encode_sample(law: Law, sample: i16) -> u8 {
    scalar::encode(law, sample)
}

/// Decodes one octet.
pub fn decode_sample(law: Law, octet: u8) -> i16 {
    table::DECODE[law as usize][usize::from(octet)]
}

/// The runs of equal laws in a list of channels.
fn runs(laws: &[Law]) -> impl Iterator<Item = (Law, Range<usize>)> {
    let mut at = 0;
    laws.chunk_by(|a, b| a == b).filter_map(move |run| {
        let start = at;
        at += run.len();
        Some((*run.first()?, start..at))
    })
}
