//! Coding by look-up: 64 KiB to encode a law, 512 octets to decode it, 256 octets from one to the
//! other.

use super::{Law, scalar};

/// Linear value of every octet, first by law (µ, A).
pub static DECODE: [[i16; 256]; 2] = [decode_table(Law::Mu), decode_table(Law::A)];

/// Octet of every linear value (index: the sample as `u16`), first by law (µ, A).
pub static ENCODE: [[u8; 65536]; 2] = [encode_table(Law::Mu), encode_table(Law::A)];

/// A-law octet of every µ-law octet, then µ-law octet of every A-law octet (G.711 tables 3 and 4).
pub static MAP: [[u8; 256]; 2] = [map_table(Law::Mu), map_table(Law::A)];

/// Encodes by look-up, as many as both slices have.
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    let table = &ENCODE[law as usize];
    for (octet, sample) in octets.iter_mut().zip(samples) {
        *octet = table[usize::from(*sample as u16)];
    }
}

/// Decodes by look-up, as many as both slices have.
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    let table = &DECODE[law as usize];
    for (sample, octet) in samples.iter_mut().zip(octets) {
        *sample = table[usize::from(*octet)];
    }
}

/// Transcodes by look-up from law `from` to the other, as many as both slices have.
pub fn map(from: Law, octets: &[u8], out: &mut [u8]) {
    let table = &MAP[from as usize];
    for (out, octet) in out.iter_mut().zip(octets) {
        *out = table[usize::from(*octet)];
    }
}

const fn decode_table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = scalar::decode(law, octet as u8);
        octet += 1;
    }
    table
}

const fn encode_table(law: Law) -> [u8; 65536] {
    let mut table = [0; 65536];
    let mut value = 0;
    while value < 65536 {
        table[value] = scalar::encode(law, value as u16 as i16);
        value += 1;
    }
    table
}

const fn map_table(from: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        // Character signal without sign and inversion: 0 is the smallest magnitude in both laws.
        table[octet] = match from {
            Law::Mu => {
                let code = !(octet as u8);
                MU_TO_A[(code & 0x7F) as usize] ^ (code & 0x80) ^ 0xD5
            }
            Law::A => {
                let code = octet as u8 ^ 0xD5;
                !(A_TO_MU[(code & 0x7F) as usize] | (code & 0x80))
            }
        };
        octet += 1;
    }
    table
}

/// G.711 table 3, counting decoder output values from 0: A-law value for each µ-law value.
#[rustfmt::skip]
pub const MU_TO_A: [u8; 128] = [
      0,   0,   1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,
      8,   9,  10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,
     24,  26,  28,  30,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43,
     45,  47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,
     63,  64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,
     79,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,
     96,  97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

/// G.711 table 4, counting decoder output values from 0: µ-law value for each A-law value.
#[rustfmt::skip]
pub const A_TO_MU: [u8; 128] = [
      1,   3,   5,   7,   9,  11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,
     24,  25,  26,  27,  28,  29,  30,  31,  32,  32,  33,  33,  34,  34,  35,  35,
     36,  37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  48,  49,  49,
     50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  64,
     65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,
     80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,
     96,  97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];
