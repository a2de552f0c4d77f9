//! The same arithmetic in vectors, chosen at run time: AVX-512 VBMI (64 samples a step), AVX2 (32), on AArch64
//! NEON (16), else [`super::table`]. (Loops for the compiler to vectorise take three times as long as the
//! tables with SSE2.)
//!
//! All paths give every value the same octet; the tests hold them to that over all values, lengths
//! and alignments.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::{Law, table};

/// A way to code, from the plainest to the fastest; one that is not available does as
/// [`Path::Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Look-up tables.
    Table,
    /// 128-bit vectors of AArch64.
    Neon,
    /// 256-bit vectors.
    Avx2,
    /// 512-bit vectors with byte permutations.
    Avx512,
}

impl Path {
    /// All of them; see [`Path::is_available`].
    pub const ALL: [Path; 4] = [Path::Table, Path::Neon, Path::Avx2, Path::Avx512];

    /// Whether this processor can take it.
    pub fn is_available(self) -> bool {
        match self {
            Path::Table => true,
            Path::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Path::Avx2 | Path::Avx512 => false,
        }
    }

    /// The fastest that is available.
    #[inline]
    pub fn best() -> Path {
        if Path::Avx512.is_available() {
            Path::Avx512
        } else if Path::Avx2.is_available() {
            Path::Avx2
        } else if Path::Neon.is_available() {
            Path::Neon
        } else {
            Path::Table
        }
    }

    /// Encodes as many samples as both slices have.
    pub fn encode(self, law: Law, samples: &[i16], octets: &mut [u8]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 if self.is_available() => {
                // SAFETY: the features were detected in this very arm.
                unsafe { avx512::encode(law, samples, octets) }
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 if self.is_available() => {
                // SAFETY: the feature was detected in this very arm.
                unsafe { avx2::encode(law, samples, octets) }
            }
            #[cfg(target_arch = "aarch64")]
            Path::Neon => neon::encode(law, samples, octets),
            _ => table::encode(law, samples, octets),
        }
    }

    /// Decodes as many octets as both slices have.
    pub fn decode(self, law: Law, octets: &[u8], samples: &mut [i16]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 if self.is_available() => {
                // SAFETY: the features were detected in this very arm.
                unsafe { avx512::decode(law, octets, samples) }
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 if self.is_available() => {
                // SAFETY: the feature was detected in this very arm.
                unsafe { avx2::decode(law, octets, samples) }
            }
            #[cfg(target_arch = "aarch64")]
            Path::Neon => neon::decode(law, octets, samples),
            _ => table::decode(law, octets, samples),
        }
    }

    /// Transcodes from law `from` to the other, as many octets as both slices have.
    pub fn map(self, from: Law, octets: &[u8], out: &mut [u8]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 if self.is_available() => {
                // SAFETY: the features were detected in this very arm.
                unsafe { avx512::map(from, octets, out) }
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 if self.is_available() => {
                // SAFETY: the feature was detected in this very arm.
                unsafe { avx2::map(from, octets, out) }
            }
            #[cfg(target_arch = "aarch64")]
            Path::Neon => neon::map(from, octets, out),
            _ => table::map(from, octets, out),
        }
    }
}

/// 32 samples a step. Below 32 the tables serve; a rest is done by a last step that overlaps the
/// one before.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Law;
    use crate::g711::table;

    const STEP: usize = 32;

    /// What differs between the laws: bias, multiplier of segment 0, final inversion; for decoding
    /// the first value of a segment, the addend of segments above 0, the bias taken back.
    struct Constants {
        bias: i16,
        multipliers: [u8; 16],
        inversion: u8,
        /// (value of the mantissa) / `scale`.
        mantissas: [u8; 16],
        /// Added to it, by segment.
        addends: [u8; 16],
        /// `scale` × 2^(segment's shift), by segment.
        scales: [u8; 16],
    }

    static MU: Constants = Constants {
        bias: 132,
        multipliers: [128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        inversion: 0xFF,
        mantissas: [132, 140, 148, 156, 164, 172, 180, 188, 196, 204, 212, 220, 228, 236, 244, 252],
        addends: [0; 16],
        scales: [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128],
    };

    static A: Constants = Constants {
        bias: 0,
        multipliers: [64, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        inversion: 0xD5,
        mantissas: [4, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124],
        addends: [0, 128, 128, 128, 128, 128, 128, 128, 0, 128, 128, 128, 128, 128, 128, 128],
        scales: [2, 2, 4, 8, 16, 32, 64, 128, 2, 2, 4, 8, 16, 32, 64, 128],
    };

    fn constants(law: Law) -> &'static Constants {
        match law {
            Law::Mu => &MU,
            Law::A => &A,
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
        let n = samples.len().min(octets.len());
        let (samples, octets) = (&samples[..n], &mut octets[..n]);
        let (Some(last_in), Some(last_out)) =
            (samples.last_chunk::<STEP>(), octets.last_chunk_mut::<STEP>())
        else {
            return table::encode(law, samples, octets);
        };
        let constants = constants(law);
        encode_step(constants, last_in, last_out);
        for (input, output) in
            samples.as_chunks::<STEP>().0.iter().zip(octets.as_chunks_mut::<STEP>().0)
        {
            encode_step(constants, input, output);
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn encode_step(constants: &Constants, input: &[i16; STEP], output: &mut [u8; STEP]) {
        let halves: &[[i16; 16]; 2] = input.as_chunks().0.try_into().expect("32 is 2 × 16");
        let (a, b) = (load_words(&halves[0]), load_words(&halves[1]));
        let codes = _mm256_packus_epi16(compress(constants, a), compress(constants, b));
        // Saturation keeps the sign.
        let signs = _mm256_and_si256(_mm256_packs_epi16(a, b), _mm256_set1_epi8(-128));
        let inversion = _mm256_set1_epi8(constants.inversion as i8);
        let octets = _mm256_xor_si256(_mm256_xor_si256(codes, inversion), signs);
        store_octets(output, _mm256_permute4x64_epi64::<0b11_01_10_00>(octets));
    }

    /// Segment and mantissa of 16 samples, in words.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn compress(constants: &Constants, samples: __m256i) -> __m256i {
        // log2 of a nibble, of the high one plus 4: 0 says 0.
        let low = broadcast(&[0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]);
        let high = broadcast(&[0, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7]);
        let nibble = _mm256_set1_epi16(0xF);
        let magnitude = _mm256_xor_si256(samples, _mm256_srai_epi16::<15>(samples));
        let biased = _mm256_adds_epi16(magnitude, _mm256_set1_epi16(constants.bias));
        let segment = _mm256_max_epu8(
            _mm256_shuffle_epi8(low, _mm256_and_si256(_mm256_srli_epi16::<7>(biased), nibble)),
            _mm256_shuffle_epi8(high, _mm256_srli_epi16::<11>(biased)),
        );
        // Shift left by 7 - segment. The high octets of the multipliers only reach bits 14 and 15.
        let multiplier = _mm256_shuffle_epi8(broadcast(&constants.multipliers), segment);
        let normal = _mm256_mullo_epi16(biased, multiplier);
        let mantissa = _mm256_and_si256(_mm256_srli_epi16::<10>(normal), nibble);
        _mm256_or_si256(_mm256_slli_epi16::<4>(segment), mantissa)
    }

    #[target_feature(enable = "avx2")]
    pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
        let n = samples.len().min(octets.len());
        let (octets, samples) = (&octets[..n], &mut samples[..n]);
        let (Some(last_in), Some(last_out)) =
            (octets.last_chunk::<STEP>(), samples.last_chunk_mut::<STEP>())
        else {
            return table::decode(law, octets, samples);
        };
        let constants = constants(law);
        decode_step(constants, last_in, last_out);
        for (input, output) in
            octets.as_chunks::<STEP>().0.iter().zip(samples.as_chunks_mut::<STEP>().0)
        {
            decode_step(constants, input, output);
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn decode_step(constants: &Constants, input: &[u8; STEP], output: &mut [i16; STEP]) {
        let nibble = _mm256_set1_epi8(0xF);
        let inversion = _mm256_set1_epi8(constants.inversion as i8);
        let codes = _mm256_xor_si256(load_octets(input), inversion);
        // Quarters so that the in-lane unpacking below leaves samples in order.
        let codes = _mm256_permute4x64_epi64::<0b11_01_10_00>(codes);
        let segment = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), nibble);
        let mantissa = _mm256_and_si256(codes, nibble);
        let base = _mm256_or_si256(
            _mm256_shuffle_epi8(broadcast(&constants.mantissas), mantissa),
            _mm256_shuffle_epi8(broadcast(&constants.addends), segment),
        );
        let scale = _mm256_shuffle_epi8(broadcast(&constants.scales), segment);
        let bias = _mm256_set1_epi16(constants.bias);
        let zero = _mm256_setzero_si256();
        let low =
            _mm256_mullo_epi16(_mm256_unpacklo_epi8(base, zero), _mm256_unpacklo_epi8(scale, zero));
        let high =
            _mm256_mullo_epi16(_mm256_unpackhi_epi8(base, zero), _mm256_unpackhi_epi8(scale, zero));
        // The sign of a word is that of its code; `base` below it is never 0 where `sign` would
        // need it.
        let low = _mm256_sign_epi16(_mm256_sub_epi16(low, bias), _mm256_unpacklo_epi8(base, codes));
        let high =
            _mm256_sign_epi16(_mm256_sub_epi16(high, bias), _mm256_unpackhi_epi8(base, codes));
        let (first, second) = output.split_at_mut(STEP / 2);
        store_words(first.try_into().expect("half of 32 is 16"), low);
        store_words(second.try_into().expect("half of 32 is 16"), high);
    }

    #[target_feature(enable = "avx2")]
    pub fn map(from: Law, octets: &[u8], out: &mut [u8]) {
        let n = octets.len().min(out.len());
        let (octets, out) = (&octets[..n], &mut out[..n]);
        let (Some(last_in), Some(last_out)) =
            (octets.last_chunk::<STEP>(), out.last_chunk_mut::<STEP>())
        else {
            return table::map(from, octets, out);
        };
        // Eight tables of 16, each but the first combined with its predecessor: a look-up in all
        // tables up to that of the octet leaves that one's value, since an index below 0 gives 0.
        let map = &table::MAP[from as usize];
        let mut tables = [_mm256_setzero_si256(); 8];
        let mut before = [0; 16];
        for (vector, part) in tables.iter_mut().zip(map.as_chunks::<16>().0) {
            *vector = broadcast(&std::array::from_fn(|i| part[i] ^ before[i]));
            before = *part;
        }
        store_octets(last_out, map_step(&tables, load_octets(last_in)));
        for (input, output) in
            octets.as_chunks::<STEP>().0.iter().zip(out.as_chunks_mut::<STEP>().0)
        {
            store_octets(output, map_step(&tables, load_octets(input)));
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn map_step(tables: &[__m256i; 8], octets: __m256i) -> __m256i {
        let sign = _mm256_and_si256(octets, _mm256_set1_epi8(-128));
        let mut index = _mm256_xor_si256(octets, sign);
        let mut out = sign;
        for table in tables {
            out = _mm256_xor_si256(out, _mm256_shuffle_epi8(*table, index));
            index = _mm256_sub_epi8(index, _mm256_set1_epi8(16));
        }
        out
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn broadcast(octets: &[u8; 16]) -> __m256i {
        // SAFETY: the array has 16 octets; the load needs no alignment.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(octets.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_words(words: &[i16; 16]) -> __m256i {
        // SAFETY: the array has 32 octets; the load needs no alignment.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_octets(octets: &[u8; 32]) -> __m256i {
        // SAFETY: the array has 32 octets; the load needs no alignment.
        unsafe { _mm256_loadu_si256(octets.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn store_words(words: &mut [i16; 16], value: __m256i) {
        // SAFETY: the array has 32 octets and is ours to write; the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), value) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn store_octets(octets: &mut [u8; 32], value: __m256i) {
        // SAFETY: the array has 32 octets and is ours to write; the store needs no alignment.
        unsafe { _mm256_storeu_si256(octets.as_mut_ptr().cast(), value) }
    }
}

/// 64 samples a step, the rest by masked loads and stores.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::Law;
    use crate::g711::{
        octets::{DECODING, ENCODING},
        table::MAP,
    };

    const STEP: usize = 64;

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
        let n = samples.len().min(octets.len());
        let encoder = Encoder::new(law);
        let (full_in, rest_in) = samples[..n].as_chunks::<STEP>();
        let (full_out, rest_out) = octets[..n].as_chunks_mut::<STEP>();
        for (input, output) in full_in.iter().zip(full_out) {
            let (a, b) = input.split_at(STEP / 2);
            store_octets(output, encoder.step(load_words(a), load_words(b)));
        }
        if !rest_in.is_empty() {
            let (a, b) = rest_in.split_at(rest_in.len().min(STEP / 2));
            store_octets(rest_out, encoder.step(load_words(a), load_words(b)));
        }
    }

    struct Encoder {
        bias: __m512i,
        decided: [__m512i; 2],
        shifts: [__m512i; 2],
        masks: [__m512i; 2],
        low_octets: __m512i,
        high_octets: __m512i,
        places: __m512i,
    }

    impl Encoder {
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        #[inline]
        fn new(law: Law) -> Encoder {
            let e = &ENCODING[law as usize];
            Encoder {
                bias: _mm512_set1_epi16(e.bias),
                decided: table(&e.decided),
                shifts: table(&e.shifts),
                masks: table(&e.masks),
                low_octets: load_octets(&std::array::from_fn::<u8, 64, _>(|i| 2 * i as u8)),
                high_octets: load_octets(&std::array::from_fn::<u8, 64, _>(|i| 2 * i as u8 + 1)),
                places: load_octets(&std::array::from_fn::<u8, 64, _>(|i| 8 * (i as u8 % 8))),
            }
        }

        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        #[inline]
        fn step(&self, a: __m512i, b: __m512i) -> __m512i {
            let (a, b) = (self.biased(a), self.biased(b));
            let low = _mm512_permutex2var_epi8(a, self.low_octets, b);
            let high = _mm512_permutex2var_epi8(a, self.high_octets, b);
            // Look-ups ignore the sign, which is bit 7.
            let shifts = look_up(&self.shifts, high);
            let masks = look_up(&self.masks, high);
            let decided = look_up(&self.decided, high);
            let rest = _mm512_multishift_epi64_epi8(_mm512_or_si512(self.places, shifts), low);
            // decided ^ (rest & masks), then the sign onto bit 7: negative is 0 in both laws.
            let octets = _mm512_ternarylogic_epi32::<0x78>(decided, rest, masks);
            _mm512_ternarylogic_epi32::<0x78>(octets, high, _mm512_set1_epi8(-128))
        }

        /// Biased magnitude, the sign in bit 15.
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        #[inline]
        fn biased(&self, samples: __m512i) -> __m512i {
            let magnitude = _mm512_xor_si512(samples, _mm512_srai_epi16::<15>(samples));
            let biased = _mm512_adds_epi16(magnitude, self.bias);
            _mm512_ternarylogic_epi32::<0xF8>(biased, samples, _mm512_set1_epi16(i16::MIN))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
        let n = samples.len().min(octets.len());
        let d = &DECODING[law as usize];
        let tables = [table(&d.low), table(&d.high)];
        let (full_in, rest_in) = octets[..n].as_chunks::<STEP>();
        let (full_out, rest_out) = samples[..n].as_chunks_mut::<STEP>();
        for (input, output) in full_in.iter().zip(full_out) {
            let (a, b) = decode_step(&tables, load_octets(input));
            let (first, second) = output.split_at_mut(STEP / 2);
            store_words(first, a);
            store_words(second, b);
        }
        if !rest_in.is_empty() {
            let (a, b) = decode_step(&tables, load_octets(rest_in));
            let (first, second) = rest_out.split_at_mut(rest_out.len().min(STEP / 2));
            store_words(first, a);
            store_words(second, b);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn decode_step(tables: &[[__m512i; 2]; 2], octets: __m512i) -> (__m512i, __m512i) {
        let negative = !_mm512_movepi8_mask(octets);
        // Eighths so that the in-lane unpacking below leaves samples in order.
        let order = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
        let octets = _mm512_permutexvar_epi64(order, octets);
        let low = look_up(&tables[0], octets);
        let high = look_up(&tables[1], octets);
        let a = _mm512_unpacklo_epi8(low, high);
        let b = _mm512_unpackhi_epi8(low, high);
        let zero = _mm512_setzero_si512();
        (
            _mm512_mask_sub_epi16(a, negative as u32, zero, a),
            _mm512_mask_sub_epi16(b, (negative >> 32) as u32, zero, b),
        )
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn map(from: Law, octets: &[u8], out: &mut [u8]) {
        let n = octets.len().min(out.len());
        let half = MAP[from as usize].first_chunk::<128>().expect("128 of 256");
        let tables = table(half);
        let sign = _mm512_set1_epi8(-128);
        for (input, output) in octets[..n].chunks(STEP).zip(out[..n].chunks_mut(STEP)) {
            let octets = load_octets(input);
            // The tables are those of negative octets: the sign goes on top, alike in both laws.
            let mapped = look_up(&tables, octets);
            store_octets(output, _mm512_ternarylogic_epi32::<0x78>(mapped, octets, sign));
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn table(octets: &[u8; 128]) -> [__m512i; 2] {
        let (low, high) = octets.split_at(64);
        [load_octets(low), load_octets(high)]
    }

    /// Looks 64 values of 7 bits up in 128 octets.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn look_up(table: &[__m512i; 2], index: __m512i) -> __m512i {
        _mm512_permutex2var_epi8(table[0], index, table[1])
    }

    /// The first 64 octets, zeros where there are fewer.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn load_octets(octets: &[u8]) -> __m512i {
        match octets.first_chunk::<64>() {
            // SAFETY: the array has 64 octets; the load needs no alignment.
            Some(all) => unsafe { _mm512_loadu_si512(all.as_ptr().cast()) },
            // SAFETY: the mask admits exactly the octets of the slice, of which there are fewer
            // than 64.
            None => unsafe {
                _mm512_maskz_loadu_epi8((1 << octets.len()) - 1, octets.as_ptr().cast())
            },
        }
    }

    /// The first 32 words, zeros where there are fewer.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn load_words(words: &[i16]) -> __m512i {
        match words.first_chunk::<32>() {
            // SAFETY: the array has 64 octets; the load needs no alignment.
            Some(all) => unsafe { _mm512_loadu_si512(all.as_ptr().cast()) },
            // SAFETY: the mask admits exactly the words of the slice, of which there are fewer than
            // 32.
            None => unsafe { _mm512_maskz_loadu_epi16((1 << words.len()) - 1, words.as_ptr()) },
        }
    }

    /// Stores as many octets as fit the slice.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn store_octets(octets: &mut [u8], value: __m512i) {
        match octets.first_chunk_mut::<64>() {
            // SAFETY: the array has 64 octets and is ours to write; the store needs no alignment.
            Some(all) => unsafe { _mm512_storeu_si512(all.as_mut_ptr().cast(), value) },
            // SAFETY: the mask admits exactly the octets of the slice, of which there are fewer
            // than 64.
            None => unsafe {
                let mask = (1 << octets.len()) - 1;
                _mm512_mask_storeu_epi8(octets.as_mut_ptr().cast(), mask, value);
            },
        }
    }

    /// Stores as many words as fit the slice.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn store_words(words: &mut [i16], value: __m512i) {
        match words.first_chunk_mut::<32>() {
            // SAFETY: the array has 64 octets and is ours to write; the store needs no alignment.
            Some(all) => unsafe { _mm512_storeu_si512(all.as_mut_ptr().cast(), value) },
            // SAFETY: the mask admits exactly the words of the slice, of which there are fewer than
            // 32.
            None => unsafe {
                let mask = (1 << words.len()) - 1;
                _mm512_mask_storeu_epi16(words.as_mut_ptr(), mask, value);
            },
        }
    }
}
