//! What the tests of the codecs share: a signal that meets everything, and digests that hold outputs to what they were.
#![allow(dead_code)]

/// A second of everything a coder meets, at `rate` samples a second and up to `peak`: silence, tones, the swells of
/// speech, noise, a square wave, near silence, full noise.
pub fn medley(rate: usize, seed: u64, peak: f32) -> Vec<i16> {
    let mut state = seed;
    let mut noise = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let turn =
        |hz: f64, n: usize| (std::f64::consts::TAU * hz * n as f64 / rate as f64).sin() as f32;
    (0..rate)
        .map(|n| {
            let x = match 10 * n / rate {
                0 => 0.0,
                1 => turn(1004.0, n),
                2 => 0.5 * turn(697.0, n) + 0.5 * turn(1477.0, n),
                3 | 4 => turn(110.0, n).powi(9) * turn(4.0, n) * (0.5 + 0.5 * turn(730.0, n)),
                5 | 6 => noise() * turn(2.5, n).abs() * 0.5,
                7 => {
                    if n / 40 % 2 == 0 {
                        1.0
                    } else {
                        -1.0
                    }
                }
                8 => 1e-3 * noise(),
                _ => noise(),
            };
            (x * peak).clamp(-32768.0, 32767.0) as i16
        })
        .collect()
}

/// A digest of octets (FNV-1a, 64 bits).
pub fn digest(octets: impl IntoIterator<Item = u8>) -> u64 {
    octets.into_iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// The same of samples, each low octet first.
pub fn digest_samples(samples: &[i16]) -> u64 {
    digest(samples.iter().flat_map(|sample| sample.to_le_bytes()))
}
