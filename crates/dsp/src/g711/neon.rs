//! The same arithmetic for AArch64, all of whose processors have NEON: 16 samples a step.
//!
//! Below 16 the tables serve; a rest is done by a first step that overlaps those after it.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::{Law, table};

const STEP: usize = 16;

/// What differs between the laws.
struct Constants {
    bias: i16,
    /// How far a magnitude of the lowest segment is shifted.
    least_shift: i16,
    inversion: u8,
}

const fn constants(law: Law) -> Constants {
    match law {
        Law::Mu => Constants { bias: 132, least_shift: 3, inversion: 0xFF },
        Law::A => Constants { bias: 0, least_shift: 4, inversion: 0xD5 },
    }
}

pub(super) fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    let n = samples.len().min(octets.len());
    let (samples, octets) = (&samples[..n], &mut octets[..n]);
    let (Some(last_in), Some(last_out)) =
        (samples.last_chunk::<STEP>(), octets.last_chunk_mut::<STEP>())
    else {
        return table::encode(law, samples, octets);
    };
    let constants = constants(law);
    // SAFETY: NEON belongs to the target.
    unsafe { encode_step(&constants, last_in, last_out) };
    for (input, output) in samples.as_chunks().0.iter().zip(octets.as_chunks_mut().0) {
        // SAFETY: as above.
        unsafe { encode_step(&constants, input, output) };
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn encode_step(constants: &Constants, input: &[i16; STEP], output: &mut [u8; STEP]) {
    // SAFETY: the array has two vectors of eight; the load needs no alignment.
    let int16x8x2_t(a, b) = unsafe { vld1q_s16_x2(input.as_ptr()) };
    let codes = vcombine_u8(compress(constants, a), compress(constants, b));
    // The high octets have the signs.
    let high = vuzp2q_u8(vreinterpretq_u8_s16(a), vreinterpretq_u8_s16(b));
    let signs = vandq_u8(high, vdupq_n_u8(0x80));
    let octets = veorq_u8(veorq_u8(codes, vdupq_n_u8(constants.inversion)), signs);
    // SAFETY: the array has 16 octets and is ours to write; the store needs no alignment.
    unsafe { vst1q_u8(output.as_mut_ptr(), octets) };
}

/// Segment and mantissa of eight samples.
#[target_feature(enable = "neon")]
#[inline]
fn compress(constants: &Constants, samples: int16x8_t) -> uint8x8_t {
    let magnitude = veorq_s16(samples, vshrq_n_s16::<15>(samples));
    let biased = vqaddq_s16(magnitude, vdupq_n_s16(constants.bias));
    let segment = vqsubq_u16(vdupq_n_u16(8), vreinterpretq_u16_s16(vclzq_s16(biased)));
    let segment = vreinterpretq_s16_u16(segment);
    let shift = vaddq_s16(segment, vdupq_n_s16(3));
    let shift = vmaxq_s16(shift, vdupq_n_s16(constants.least_shift));
    let mantissa = vandq_s16(vshlq_s16(biased, vnegq_s16(shift)), vdupq_n_s16(0xF));
    vmovn_u16(vreinterpretq_u16_s16(vsliq_n_s16::<4>(mantissa, segment)))
}

pub(super) fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    let n = samples.len().min(octets.len());
    let (octets, samples) = (&octets[..n], &mut samples[..n]);
    let (Some(last_in), Some(last_out)) =
        (octets.last_chunk::<STEP>(), samples.last_chunk_mut::<STEP>())
    else {
        return table::decode(law, octets, samples);
    };
    let constants = constants(law);
    // SAFETY: NEON belongs to the target.
    unsafe { decode_step(&constants, last_in, last_out) };
    for (input, output) in octets.as_chunks().0.iter().zip(samples.as_chunks_mut().0) {
        // SAFETY: as above.
        unsafe { decode_step(&constants, input, output) };
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn decode_step(constants: &Constants, input: &[u8; STEP], output: &mut [i16; STEP]) {
    // SAFETY: the array has 16 octets; the load needs no alignment.
    let octets = unsafe { vld1q_u8(input.as_ptr()) };
    let codes = veorq_u8(octets, vdupq_n_u8(constants.inversion));
    let low = expand(constants, vget_low_u8(codes));
    let high = expand(constants, vget_high_u8(codes));
    // SAFETY: the array has two vectors of eight and is ours to write; the store needs no alignment.
    unsafe { vst1q_s16_x2(output.as_mut_ptr(), int16x8x2_t(low, high)) };
}

/// The samples of eight codes, whose highest bit is the sign.
#[target_feature(enable = "neon")]
#[inline]
fn expand(constants: &Constants, codes: uint8x8_t) -> int16x8_t {
    let codes = vreinterpretq_s16_u16(vmovl_u8(codes));
    let segment = vandq_s16(vshrq_n_s16::<4>(codes), vdupq_n_s16(7));
    let mantissa = vandq_s16(codes, vdupq_n_s16(0xF));
    // The middle of the mantissa's step, and the leading one that A-law's lowest segment has not.
    let least = constants.least_shift;
    let middle = vaddq_s16(vshlq_s16(mantissa, vdupq_n_s16(least)), vdupq_n_s16(1 << (least - 1)));
    let one = vdupq_n_s16(16 << least);
    let (one, shift) = if constants.bias == 0 {
        let above = vcgtq_s16(segment, vdupq_n_s16(0));
        let above = vreinterpretq_s16_u16(above);
        (vandq_s16(one, above), vaddq_s16(segment, above))
    } else {
        (one, segment)
    };
    let magnitude = vshlq_s16(vaddq_s16(middle, one), shift);
    let magnitude = vsubq_s16(magnitude, vdupq_n_s16(constants.bias));
    // All bits where the code is negative.
    let negative = vshrq_n_s16::<15>(vshlq_n_s16::<8>(codes));
    vsubq_s16(veorq_s16(magnitude, negative), negative)
}

pub(super) fn map(from: Law, octets: &[u8], out: &mut [u8]) {
    let n = octets.len().min(out.len());
    let (octets, out) = (&octets[..n], &mut out[..n]);
    let (Some(last_in), Some(last_out)) =
        (octets.last_chunk::<STEP>(), out.last_chunk_mut::<STEP>())
    else {
        return table::map(from, octets, out);
    };
    let table = table::MAP[from as usize].first_chunk::<128>().expect("128 of 256");
    // SAFETY: NEON belongs to the target.
    unsafe { map_step(table, last_in, last_out) };
    for (input, output) in octets.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        // SAFETY: as above.
        unsafe { map_step(table, input, output) };
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn map_step(table: &[u8; 128], input: &[u8; STEP], output: &mut [u8; STEP]) {
    // SAFETY: the table has two times four vectors of 16; the loads need no alignment.
    let (low, high) = unsafe { (vld1q_u8_x4(table.as_ptr()), vld1q_u8_x4(table.as_ptr().add(64))) };
    // SAFETY: the array has 16 octets; the load needs no alignment.
    let octets = unsafe { vld1q_u8(input.as_ptr()) };
    let signs = vandq_u8(octets, vdupq_n_u8(0x80));
    // The table is that of negative octets; an index beyond a half's end leaves what is there.
    let index = veorq_u8(octets, signs);
    let mapped = vqtbl4q_u8(low, index);
    let mapped = vqtbx4q_u8(mapped, high, vsubq_u8(index, vdupq_n_u8(64)));
    // SAFETY: the array has 16 octets and is ours to write; the store needs no alignment.
    unsafe { vst1q_u8(output.as_mut_ptr(), veorq_u8(mapped, signs)) };
}
