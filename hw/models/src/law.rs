//! G.711 as the line chip's codec does it. Kept apart from the gateway's own codec on purpose: two independent readings
//! of the recommendation must agree on the wire.

/// The companding law of a PCM highway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Law {
    /// µ-law.
    #[default]
    Mu,
    /// A-law.
    A,
}

impl Law {
    /// The octet for linear zero.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xFF,
            Self::A => 0xD5,
        }
    }

    /// The octet for a 16-bit linear sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// The 16-bit linear sample of an octet.
    pub const fn decode(self, octet: u8) -> i16 {
        match self {
            Self::Mu => MU[octet as usize],
            Self::A => A[octet as usize],
        }
    }
}

/// Mean square of a sine at 0 dBm0 in 16-bit linear: µ-law's full-scale sine is 3.17 dBm0 (G.711).
pub const MEAN_SQUARE_0_DBM0: f32 = 2.487e8;

/// Peak of a sine at `level_dbm0`.
pub fn sine_peak(level_dbm0: f32) -> f32 {
    (2.0 * MEAN_SQUARE_0_DBM0).sqrt() * 10f32.powf(level_dbm0 / 20.0)
}

/// Mean square at `level_dbm0`.
pub fn mean_square(level_dbm0: f32) -> f32 {
    MEAN_SQUARE_0_DBM0 * 10f32.powf(level_dbm0 / 10.0)
}

const fn encode_mu(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs();
    let biased = if magnitude > 32635 { 32767 } else { magnitude + 132 };
    let exponent = 8 - biased.leading_zeros() as u16;
    let mantissa = (biased >> (exponent + 3)) & 0x0F;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | ((exponent << 4) | mantissa) as u8)
}

const fn decode_mu(octet: u8) -> i16 {
    let code = !octet;
    let magnitude = ((((code & 0x0F) as i16) << 3) + 132) << ((code >> 4) & 7);
    if code & 0x80 != 0 { 132 - magnitude } else { magnitude - 132 }
}

const fn encode_a(sample: i16) -> u8 {
    let (sign, mut code) = if sample >= 0 { (0x80, sample >> 4) } else { (0, !sample >> 4) };
    if code > 15 {
        let mut exponent = 1;
        while code > 31 {
            code >>= 1;
            exponent += 1;
        }
        code = (code - 16) | (exponent << 4);
    }
    (sign | code as u8) ^ 0x55
}

const fn decode_a(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let exponent = (code >> 4) & 7;
    let mantissa = ((code & 0x0F) as i16) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        e => (mantissa + 0x108) << (e - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

const MU: [i16; 256] = table(true);
const A: [i16; 256] = table(false);

const fn table(mu: bool) -> [i16; 256] {
    let mut out = [0; 256];
    let mut i = 0;
    while i < 256 {
        out[i] = if mu { decode_mu(i as u8) } else { decode_a(i as u8) };
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_of_g711() {
        assert_eq!(Law::Mu.decode(0x00), -32124);
        assert_eq!(Law::Mu.decode(0x80), 32124);
        assert_eq!(Law::Mu.decode(0xFF), 0);
        assert_eq!(Law::A.decode(0xD5), 8);
        assert_eq!(Law::A.decode(0xAA), 32256);
        assert_eq!(Law::A.decode(0x2A), -32256);
    }

    #[test]
    fn what_was_decoded_encodes_to_the_same_octet() {
        for octet in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(octet)), octet);
            let mu = Law::Mu.encode(Law::Mu.decode(octet));
            assert!(mu == octet || octet == 0x7F, "µ-law has two zeros, {octet:02X}");
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for sample in [i16::MIN, -32700, -1, 0, 1, 32700, i16::MAX] {
            for law in [Law::Mu, Law::A] {
                let error = i32::from(law.decode(law.encode(sample))) - i32::from(sample);
                assert!(error.abs() <= 1100, "{law:?} {sample} {error}");
            }
        }
    }
}
