//! Branch-free loops in 16-bit lanes that any compiler vectorises: the fall-back where [`super::simd`] finds nothing.

use super::{Law, table};

/// Encodes, as many as both slices have.
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    match law {
        Law::Mu => {
            for (octet, sample) in octets.iter_mut().zip(samples) {
                *octet = encode_mu(*sample);
            }
        }
        Law::A => {
            for (octet, sample) in octets.iter_mut().zip(samples) {
                *octet = encode_a(*sample);
            }
        }
    }
}

/// Decodes, as many as both slices have.
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    match law {
        Law::Mu => {
            for (sample, octet) in samples.iter_mut().zip(octets) {
                *sample = decode_mu(*octet);
            }
        }
        Law::A => {
            for (sample, octet) in samples.iter_mut().zip(octets) {
                *sample = decode_a(*octet);
            }
        }
    }
}

/// Transcodes from law `from` to the other, as many as both slices have.
pub fn map(from: Law, octets: &[u8], out: &mut [u8]) {
    table::map(from, octets, out);
}

#[inline(always)]
fn encode_mu(sample: i16) -> u8 {
    let sign = sample >> 15;
    let biased = (sample ^ sign).saturating_add(132);
    !(compress(biased, 0) | (sign as u8 & 0x80))
}

#[inline(always)]
fn encode_a(sample: i16) -> u8 {
    let sign = sample >> 15;
    let magnitude = sample ^ sign;
    // Segment 0 has the step of segment 1: lift it there and take the segment back.
    let lowest = -i16::from(magnitude < 256);
    (compress(magnitude + (lowest & 256), lowest) | (sign as u8 & 0x80)) ^ 0xD5
}

/// Segment and mantissa of a magnitude from 128 up; `adjust` is added to the segment.
#[inline(always)]
fn compress(magnitude: i16, adjust: i16) -> u8 {
    // Normalise to bit 14 in three conditional steps; what was shifted is what the segment lacks.
    let step = -i16::from(magnitude < 0x0800);
    let y = (magnitude & !step) | ((magnitude << 4) & step);
    let segment = 7 + adjust + (step & -4);
    let step = -i16::from(y < 0x2000);
    let y = (y & !step) | ((y << 2) & step);
    let segment = segment + (step & -2);
    let step = -i16::from(y < 0x4000);
    let y = (y & !step) | ((y << 1) & step);
    let segment = segment + step;
    ((segment << 4) | ((y >> 10) & 0xF)) as u8
}

#[inline(always)]
fn decode_mu(octet: u8) -> i16 {
    let code = i16::from(!octet);
    let sign = -((code >> 7) & 1);
    let magnitude = shift_left(((code & 0xF) << 3) + 132, (code >> 4) & 7) - 132;
    (magnitude ^ sign) - sign
}

#[inline(always)]
fn decode_a(octet: u8) -> i16 {
    let code = i16::from(octet ^ 0xD5);
    let sign = -((code >> 7) & 1);
    let exponent = (code >> 4) & 7;
    let normal = -i16::from(exponent > 0);
    let base = ((code & 0xF) << 4) + 8 + (normal & 256);
    let magnitude = shift_left(base, exponent + normal);
    (magnitude ^ sign) - sign
}

/// `value << by` for `by` in 0..=7, in steps that exist in 16-bit lanes.
#[inline(always)]
fn shift_left(value: i16, by: i16) -> i16 {
    let step = -((by >> 2) & 1);
    let value = (value & !step) | ((value << 4) & step);
    let step = -((by >> 1) & 1);
    let value = (value & !step) | ((value << 2) & step);
    let step = -(by & 1);
    (value & !step) | ((value << 1) & step)
}
