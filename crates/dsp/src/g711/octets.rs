//! Tables of 128 octets for processors that look 64 octets up at once ([`super::simd`]).

use super::{Law, scalar, table::DECODE};

/// By the high octet of a biased magnitude: the part of the octet that it decides, how far to
/// shift the low octet for the rest, and which bits of that are valid.
#[repr(align(64))]
pub(super) struct Encoding {
    pub bias: i16,
    pub decided: [u8; 128],
    pub shifts: [u8; 128],
    pub masks: [u8; 128],
}

pub(super) static ENCODING: [Encoding; 2] = [encoding(Law::Mu), encoding(Law::A)];

const fn encoding(law: Law) -> Encoding {
    let (bias, lowest_shift) = match law {
        Law::Mu => (132, 3),
        Law::A => (0, 4),
    };
    let mut e = Encoding { bias, decided: [0; 128], shifts: [0; 128], masks: [0; 128] };
    let mut high = 0u16;
    while high < 128 {
        let segment = 16 - high.leading_zeros() as u8;
        let shift = if segment == 0 { lowest_shift } else { segment + 3 };
        // The low octet's part of the mantissa: 8 - shift bits, four at the most.
        let mask = match shift {
            3 | 4 => 0xF,
            5..8 => 0xFF >> shift,
            _ => 0,
        };
        // Whatever the reference gives a magnitude of this high octet, without the bits of the
        // low one.
        let magnitude = (high << 8) as i16 - bias;
        let octet = scalar::encode(law, if magnitude < 0 { 0 } else { magnitude });
        let inverted = if (law as u8) == (Law::Mu as u8) { !octet } else { octet ^ 0xD5 };
        let decided = inverted & !mask;
        let i = high as usize;
        e.decided[i] = if (law as u8) == (Law::Mu as u8) { !decided } else { decided ^ 0xD5 };
        e.shifts[i] = if shift < 8 { shift } else { 0 };
        e.masks[i] = mask;
        high += 1;
    }
    e
}

/// Low and high octets of the magnitudes of a law, by the octet without its sign.
#[repr(align(64))]
pub(super) struct Decoding {
    pub low: [u8; 128],
    pub high: [u8; 128],
}

pub(super) static DECODING: [Decoding; 2] = [decoding(Law::Mu), decoding(Law::A)];

const fn decoding(law: Law) -> Decoding {
    let mut d = Decoding { low: [0; 128], high: [0; 128] };
    let mut i = 0;
    while i < 128 {
        let [low, high] = DECODE[law as usize][i | 0x80].to_le_bytes();
        d.low[i] = low;
        d.high[i] = high;
        i += 1;
    }
    d
}
