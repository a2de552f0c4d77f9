//! The reference: one sample at a time, in the steps of ITU-T G.191 `g711.c` (G.711 §3).

use super::Law;

/// Encodes one sample.
pub const fn encode(law: Law, sample: i16) -> u8 {
    match law {
        Law::Mu => encode_mu(sample),
        Law::A => encode_a(sample),
    }
}

/// Decodes one octet.
pub const fn decode(law: Law, octet: u8) -> i16 {
    match law {
        Law::Mu => decode_mu(octet),
        Law::A => decode_a(octet),
    }
}

const fn encode_mu(sample: i16) -> u8 {
    // 14-bit magnitude with the bias of 33, one's complement for negatives; the overload level is
    // 8159.
    let magnitude = if sample < 0 { !sample } else { sample };
    let mut biased = (magnitude >> 2) + 33;
    if biased > 0x1FFF {
        biased = 0x1FFF;
    }
    let segment = 10 - (biased as u16).leading_zeros() as i16;
    let code = (segment << 4) | ((biased >> (segment + 1)) & 0xF);
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(code as u8 | sign)
}

const fn decode_mu(octet: u8) -> i16 {
    let code = !octet;
    let exponent = (code >> 4) & 7;
    let mantissa = (code & 0xF) as i16;
    let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

const fn encode_a(sample: i16) -> u8 {
    // 12-bit magnitude, one's complement for negatives; the two lowest segments share one step.
    let magnitude = if sample < 0 { !sample } else { sample } >> 4;
    let code = if magnitude < 32 {
        magnitude
    } else {
        let exponent = 12 - (magnitude as u16).leading_zeros() as i16;
        (exponent << 4) + (magnitude >> (exponent - 1)) - 16
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

const fn decode_a(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let exponent = (code >> 4) & 7;
    let base = ((code & 0xF) as i16) << 4;
    let magnitude = if exponent == 0 { base + 8 } else { (base + 264) << (exponent - 1) };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}
