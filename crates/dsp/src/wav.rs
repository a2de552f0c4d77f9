//! RIFF/WAVE files: 16-bit PCM, µ-law and A-law.
//!
//! The reader takes any sample rate and any number of channels (the first is kept), skips chunks it
//! does not know, and reads on where a file was cut off or its lengths were never filled in, as
//! streaming recorders leave them.

use std::fmt;

use crate::g711::{self, Law};

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 16-bit linear.
    Pcm16,
    /// G.711, one octet a sample.
    G711(Law),
}

impl Format {
    const fn tag(self) -> u16 {
        match self {
            Format::Pcm16 => 1,
            Format::G711(Law::A) => 6,
            Format::G711(Law::Mu) => 7,
        }
    }

    const fn octets(self) -> u16 {
        match self {
            Format::Pcm16 => 2,
            Format::G711(_) => 1,
        }
    }
}

/// A sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// How it was stored.
    pub format: Format,
    /// Samples a second.
    pub rate: u32,
    /// Channels of the file; only the first one is in `samples`.
    pub channels: u16,
    /// The first channel, linear.
    pub samples: Vec<i16>,
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin as a RIFF/WAVE file.
    NotWave,
    /// There is no format chunk before the samples, or it is too short or contradicts itself.
    BadFormat,
    /// The format tag and sample size are none of PCM 16, µ-law 8, A-law 8.
    Unsupported {
        /// The format tag.
        tag: u16,
        /// Bits a sample.
        bits: u16,
    },
    /// There are no samples.
    NoData,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotWave => f.write_str("this is not a RIFF/WAVE file"),
            Error::BadFormat => f.write_str("the format chunk is missing or makes no sense"),
            Error::Unsupported { tag, bits } => {
                write!(f, "format {tag} with {bits} bits is not 16-bit PCM, µ-law or A-law")
            }
            Error::NoData => f.write_str("there is no data chunk"),
        }
    }
}

impl std::error::Error for Error {}

/// WAVE_FORMAT_EXTENSIBLE: the true tag begins the sub-format GUID.
const EXTENSIBLE: u16 = 0xFFFE;

/// Reads a file.
pub fn parse(file: &[u8]) -> Result<Wav, Error> {
    let (head, mut rest) = file.split_at_checked(12).ok_or(Error::NotWave)?;
    if !head.starts_with(b"RIFF") || !head.ends_with(b"WAVE") {
        return Err(Error::NotWave);
    }
    let mut format = None;
    while let Some((id, body, next)) = chunk(rest) {
        match id {
            b"fmt " => format = Some(parse_format(body)?),
            b"data" => {
                let (format, rate, channels) = format.ok_or(Error::BadFormat)?;
                let samples = first_channel(format, channels, body);
                return Ok(Wav { format, rate, channels, samples });
            }
            _ => {}
        }
        rest = next;
    }
    Err(if format.is_some() { Error::NoData } else { Error::BadFormat })
}

/// Writes a mono file.
///
/// Lengths beyond the 4 GiB of RIFF are written as far as the field goes.
pub fn print(format: Format, rate: u32, samples: &[i16]) -> Vec<u8> {
    let size = samples.len() * usize::from(format.octets());
    let data = u32::try_from(size).unwrap_or(u32::MAX);
    // Other formats than PCM carry an extension size and a fact chunk.
    let extra: u32 = if format == Format::Pcm16 { 0 } else { 2 + 12 };
    let mut file = Vec::with_capacity(size + 60);
    file.extend(b"RIFF");
    file.extend(data.saturating_add(36 + extra + (data & 1)).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(if format == Format::Pcm16 { 16u32 } else { 18 }.to_le_bytes());
    file.extend(format.tag().to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(rate.saturating_mul(u32::from(format.octets())).to_le_bytes());
    file.extend(format.octets().to_le_bytes());
    file.extend((format.octets() * 8).to_le_bytes());
    if format != Format::Pcm16 {
        file.extend(0u16.to_le_bytes());
        file.extend(b"fact");
        file.extend(4u32.to_le_bytes());
        file.extend(u32::try_from(samples.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    file.extend(b"data");
    file.extend(data.to_le_bytes());
    match format {
        Format::Pcm16 => file.extend(samples.iter().flat_map(|s| s.to_le_bytes())),
        Format::G711(law) => {
            let at = file.len();
            file.resize(at + samples.len(), 0);
            g711::encode(law, samples, &mut file[at..]);
        }
    }
    if size % 2 == 1 {
        file.push(0);
    }
    file
}

/// The chunk at the beginning, as far as it is there, and what follows it.
fn chunk(file: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (id, rest) = file.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (body, next) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    // Chunks are padded to an even length.
    let next = if length % 2 == 1 { next.get(1..).unwrap_or(&[]) } else { next };
    Some((id, body, next))
}

fn parse_format(body: &[u8]) -> Result<(Format, u32, u16), Error> {
    let field = |at: usize| {
        let octets = body.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_le_bytes(*octets))
    };
    let base = || Some((field(0)?, field(2)?, field(4)?, field(6)?, field(14)?));
    let (tag, channels, rate_low, rate_high, bits) = base().ok_or(Error::BadFormat)?;
    let tag = if tag == EXTENSIBLE { field(24).ok_or(Error::BadFormat)? } else { tag };
    let rate = u32::from(rate_high) << 16 | u32::from(rate_low);
    if channels == 0 || rate == 0 {
        return Err(Error::BadFormat);
    }
    let format = match (tag, bits) {
        (1, 16) => Format::Pcm16,
        (6, 8) => Format::G711(Law::A),
        (7, 8) => Format::G711(Law::Mu),
        _ => return Err(Error::Unsupported { tag, bits }),
    };
    Ok((format, rate, channels))
}

fn first_channel(format: Format, channels: u16, data: &[u8]) -> Vec<i16> {
    let frames = data.chunks_exact(usize::from(channels) * usize::from(format.octets()));
    frames
        .map(|frame| match format {
            Format::Pcm16 => i16::from_le_bytes([frame[0], frame[1]]),
            Format::G711(law) => g711::decode_sample(law, frame[0]),
        })
        .collect()
}
