//! Sound files in and out, at the telephone's rate.

use std::path::Path;

use tipring_dsp::resample::Converter;
use tipring_dsp::wav::{self, Format};

use super::{read, write};
use crate::command::Failure;

/// The telephone's rate.
const RATE_HZ: u32 = 8000;

/// The slowest rate at which anything is understood.
const SLOWEST_HZ: u32 = 1000;

/// The first channel of a WAV file at 8 kHz.
pub fn load(file: &Path) -> Result<Vec<i16>, Failure> {
    let wav = wav::parse(&read(file)?)
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    if wav.rate == RATE_HZ {
        return Ok(wav.samples);
    }
    resample(&wav.samples, wav.rate).ok_or_else(|| {
        let (file, rate) = (file.display(), wav.rate);
        Failure::Failed(format!("{file} cannot be resampled from {rate} Hz to {RATE_HZ} Hz"))
    })
}

/// Writes a mono WAV file at 8 kHz.
pub fn save(file: &Path, format: Format, samples: &[i16]) -> Result<(), Failure> {
    write(file, &wav::print(format, RATE_HZ, samples))
}

fn resample(samples: &[i16], rate: u32) -> Option<Vec<i16>> {
    (rate >= SLOWEST_HZ).then(|| Converter::convert(samples, rate, RATE_HZ).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, rate: u32, seconds: f32) -> Vec<i16> {
        let count = (seconds * rate as f32) as usize;
        let step = std::f32::consts::TAU * hz / rate as f32;
        (0..count).map(|n| ((n as f32 * step).sin() * 8000.0) as i16).collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_and_place_at_any_rate() {
        for rate in [11_025, 16_000, 44_100, 48_000] {
            let got = resample(&sine(697.0, rate, 0.5), rate).expect("an ordinary rate");
            assert!(got.len().abs_diff(4000) <= 1, "{rate}: {} samples", got.len());
            let step = std::f32::consts::TAU * 697.0 / RATE_HZ as f32;
            let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
            for (n, sample) in got.iter().enumerate().skip(1000).take(2000) {
                let (phase, sample) = (n as f32 * step, f32::from(*sample));
                sine += sample * phase.sin() / 1000.0;
                cosine += sample * phase.cos() / 1000.0;
                power += sample * sample / 1000.0;
            }
            let amplitude = sine.hypot(cosine);
            assert!((amplitude - 8000.0).abs() < 80.0, "{rate}: amplitude {amplitude}");
            let rest = (power - amplitude * amplitude).max(0.0).sqrt();
            assert!(rest < 250.0, "{rate}: {rest} is not the tone");
            let late = -cosine.atan2(sine) / step;
            assert!(late.abs() <= 0.75, "{rate}: late by {late} samples");
        }
    }

    #[test]
    fn the_whole_band_of_the_telephone_comes_through_at_any_rate() {
        for rate in [16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000] {
            for hz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
                let got = resample(&sine(hz, rate, 0.5), rate).expect("an ordinary rate");
                let power: f32 =
                    got[1000..3000].iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / 2000.0;
                let db = 10.0 * (power / (8000.0f32.powi(2) / 2.0)).log10();
                assert!(db.abs() < 0.5, "{hz} Hz at {rate} Hz: {db} dB");
            }
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_is_removed() {
        let got = resample(&sine(6000.0, 48_000, 0.5), 48_000).expect("an ordinary rate");
        assert!(got[1000..3000].iter().all(|sample| sample.abs() < 80));
    }
}
