//! Resampling by what a measuring set would read.

use std::f64::consts::TAU;

use proptest::prelude::*;
use tipring_dsp::resample::{Converter, Drift, Progress, Ratio, Resampler};

const PEAK: f64 = 30_000.0;

fn sine(hz: f64, rate: u32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| (PEAK * (TAU * hz * n as f64 / f64::from(rate)).sin()).round() as i16)
        .collect()
}

/// Amplitude at a frequency that has whole turns in `samples`, in dB of [`PEAK`].
fn level_at(samples: &[i16], hz: f64, rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = TAU * hz * n as f64 / f64::from(rate);
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    20.0 * (2.0 * re.hypot(im) / samples.len() as f64 / PEAK + 1e-9).log10()
}

/// Power of all there is, in dB of a sine of [`PEAK`].
fn power(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    10.0 * (2.0 * sum / samples.len() as f64 / PEAK.powi(2) + 1e-12).log10()
}

/// What is left beside the best sine of this frequency, in dB of the sine.
fn residue(samples: &[i16], radians: f64) -> f64 {
    let [mut cc, mut cs, mut ss, mut xc, mut xs, mut xx] = [0.0f64; 6];
    for (n, sample) in samples.iter().enumerate() {
        let (sin, cos) = (radians * n as f64).sin_cos();
        let x = f64::from(*sample);
        cc += cos * cos;
        cs += cos * sin;
        ss += sin * sin;
        xc += x * cos;
        xs += x * sin;
        xx += x * x;
    }
    let det = cc * ss - cs * cs;
    let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
    let explained = a * xc + b * xs;
    10.0 * ((xx - explained).max(1e-9) / explained).log10()
}

fn resampled(ratio: Ratio, input: &[i16]) -> Vec<i16> {
    let mut resampler = Resampler::new(ratio);
    let mut output = vec![0; resampler.output_len(input.len())];
    let progress = resampler.process(input, &mut output);
    assert_eq!(progress, Progress { read: input.len(), written: output.len() });
    output
}

#[test]
fn going_up_speech_is_flat_and_images_are_80_db_down() {
    for ratio in [Ratio::Up2, Ratio::Up6] {
        let (from, to) = ratio.rates_hz();
        for hz in (100..=3400).step_by(100).map(f64::from) {
            let input = sine(hz, from, 1000);
            let output = resampled(ratio, &input);
            let steady = &output[output.len() / 5..];
            let level = level_at(steady, hz, to);
            assert!(level.abs() <= 0.1, "{ratio:?} {hz} Hz: {level} dB");
            for harmonic in (1..=to / from).map(|n| f64::from(n * from)) {
                for image in [harmonic - hz, harmonic + hz] {
                    if image < f64::from(to) / 2.0 {
                        let level = level_at(steady, image, to);
                        assert!(level <= -80.0, "{ratio:?} {hz} at {image}: {level} dB");
                    }
                }
            }
        }
    }
}

#[test]
fn going_down_speech_is_flat_and_what_would_alias_is_80_db_down() {
    for ratio in [Ratio::Down2, Ratio::Down6] {
        let (from, to) = ratio.rates_hz();
        let factor = (from / to) as usize;
        for hz in (100..=3400).step_by(100).map(f64::from) {
            let output = resampled(ratio, &sine(hz, from, 1000 * factor));
            let level = level_at(&output[200..], hz, to);
            assert!(level.abs() <= 0.1, "{ratio:?} {hz} Hz: {level} dB");
        }
        for hz in (4600..from / 2).step_by(130).map(f64::from) {
            let output = resampled(ratio, &sine(hz, from, 1000 * factor));
            let level = power(&output[200..]);
            assert!(level <= -80.0, "{ratio:?} {hz} Hz: {level} dB");
        }
    }
}

#[test]
fn a_sound_comes_as_late_as_said_and_within_2_ms() {
    for ratio in Ratio::ALL {
        let (from, to) = ratio.rates_hz();
        let hz = 400.0;
        let output = resampled(ratio, &sine(hz, from, (from / 4) as usize));
        let resampler = Resampler::new(ratio);
        let delay = f64::from(resampler.delay());
        assert!(delay / f64::from(to) <= 2e-3, "{ratio:?}: {delay} samples");
        for (n, sample) in output.iter().enumerate().skip(400) {
            let exact = PEAK * (TAU * hz * (n as f64 - delay) / f64::from(to)).sin();
            assert!((f64::from(*sample) - exact).abs() < 200.0, "{ratio:?} {n}: {sample} {exact}");
        }
    }
}

#[test]
fn a_clock_within_500_ppm_adds_less_than_75_db_below() {
    for ppm in [-500.0, -100.0, -3.0, 0.0, 20.0, 500.0] {
        for hz in [300.0, 1004.0, 2500.0, 3400.0] {
            let mut drift = Drift::new();
            drift.set_ppm(ppm);
            let mut output = [0; 8000];
            let input = sine(hz, 8000, drift.input_len(output.len()));
            let progress = drift.process(&input, &mut output);
            assert_eq!(progress, Progress { read: input.len(), written: output.len() });
            let residue = residue(&output[100..], TAU * hz / 8000.0 * (1.0 + ppm * 1e-6));
            assert!(residue <= -75.0, "{ppm} ppm, {hz} Hz: {residue} dB");
        }
    }
}

#[test]
fn a_drift_that_changes_does_not_click() {
    let mut drift = Drift::new();
    let input = sine(1000.0, 8000, 81_000);
    let (mut output, mut at) = (Vec::new(), 0);
    for n in 0..1000 {
        // From one end to the other at once, and back.
        drift.set_ppm(if n % 7 < 3 { 500.0 } else { -500.0 });
        let mut block = [0; 80];
        let progress = drift.process(&input[at..], &mut block);
        assert_eq!(progress.written, block.len());
        at += progress.read;
        output.extend(block);
    }
    // x(n-1) + x(n+1) = 2 cos(ω) x(n) of a sine; a click of 1 % of the peak would break it.
    let twice_cosine = 2.0 * (TAU * 1000.0 / 8000.0).cos();
    for (n, x) in output.windows(3).enumerate().skip(100) {
        let [a, b, c] = [0, 1, 2].map(|i| f64::from(x[i]));
        assert!((a + c - twice_cosine * b).abs() < 0.01 * PEAK, "at {n}");
    }
}

#[test]
fn a_drift_takes_exactly_what_its_clock_says() {
    for ppm in [-10_000.0, -500.0, -1.0, 0.0, 7.0, 500.0, 10_000.0, f64::INFINITY] {
        let mut drift = Drift::new();
        drift.set_ppm(ppm);
        drift.set_ppm(f64::NAN);
        let input = vec![0; 1_100_000];
        let mut output = vec![0; 1_000_000];
        let progress = drift.process(&input, &mut output);
        assert_eq!(progress.written, output.len());
        let expected = 1e6 * (1.0 + ppm.clamp(-10_000.0, 10_000.0) * 1e-6);
        assert!((progress.read as f64 - expected).abs() <= 1.5, "{ppm}: {}", progress.read);
    }
}

#[test]
fn a_file_of_any_rate_keeps_its_sound_and_its_length() {
    for (from, to) in
        [(44_100, 8000), (8000, 44_100), (22_050, 8000), (11_025, 8000), (96_000, 8000)]
    {
        let hz = 1000.0;
        let output = Converter::convert(&sine(hz, from, from as usize / 2), from, to).unwrap();
        assert_eq!(output.len(), to as usize / 2, "{from} to {to}");
        let steady = &output[to as usize / 40..to as usize * 2 / 5];
        let residue = residue(steady, TAU * hz / f64::from(to));
        assert!(residue <= -75.0, "{from} to {to}: {residue} dB");
        for (n, sample) in output.iter().enumerate().skip(400).take(1000) {
            let exact = PEAK * (TAU * hz * n as f64 / f64::from(to)).sin();
            assert!(
                (f64::from(*sample) - exact).abs() < 30.0,
                "{from} to {to}, {n}: {sample} {exact}"
            );
        }
    }
}

#[test]
fn what_a_file_has_above_half_the_new_rate_is_gone() {
    for hz in [4700.0, 7000.0, 12_345.0, 19_000.0] {
        let output = Converter::convert(&sine(hz, 44_100, 44_100), 44_100, 8000).unwrap();
        let level = power(&output[400..7600]);
        assert!(level <= -74.0, "{hz} Hz: {level} dB");
    }
}

#[test]
fn rates_out_of_range_are_refused() {
    for (from, to) in [(0, 8000), (8000, 0), (768_001, 8000), (8000, u32::MAX), (768_000, 100)] {
        assert!(Converter::new(from, to).is_err(), "{from} to {to}");
    }
    assert!(Converter::convert(&[], 44_100, 8000).unwrap().is_empty());
    assert_eq!(Converter::convert(&[5], 8000, 8000).unwrap().len(), 1);
}

/// Runs `process` on slices as cut by `cuts`, input and output apart.
fn in_pieces(
    input: &[i16],
    total: usize,
    cuts: &[(usize, usize)],
    mut process: impl FnMut(&[i16], &mut [i16]) -> Progress,
) -> Vec<i16> {
    let mut output = vec![0; total];
    let (mut read, mut written) = (0, 0);
    for &(most_read, most_written) in cuts.iter().cycle().take(20_000) {
        let end_of_input = (read + most_read).min(input.len());
        let end_of_output = (written + most_written).min(total);
        let progress = process(&input[read..end_of_input], &mut output[written..end_of_output]);
        read += progress.read;
        written += progress.written;
    }
    assert_eq!(written, total);
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn how_a_stream_is_cut_changes_no_bit(
        seed in any::<u32>(),
        cuts in prop::collection::vec((0usize..700, 0usize..700), 1..6),
        ppm in -600f64..600.0,
    ) {
        let mut cuts = cuts;
        cuts.push((1, 6));
        let mut state = seed;
        let input: Vec<i16> = (0..2400)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 30 == 0 { i16::MIN } else { (state >> 16) as i16 }
            })
            .collect();
        for ratio in Ratio::ALL {
            let whole = resampled(ratio, &input);
            let mut resampler = Resampler::new(ratio);
            let pieces = in_pieces(&input, whole.len(), &cuts, |i, o| resampler.process(i, o));
            prop_assert_eq!(&whole, &pieces, "{:?}", ratio);
        }
        let mut whole = vec![0; 2300];
        let mut drift = Drift::new();
        drift.set_ppm(ppm);
        let mut other = drift.clone();
        prop_assert_eq!(drift.process(&input, &mut whole).written, 2300);
        let pieces = in_pieces(&input, 2300, &cuts, |i, o| other.process(i, o));
        prop_assert_eq!(&whole, &pieces);
        let mut converter = Converter::new(22_050, 8000).unwrap();
        let mut other = converter.clone();
        let mut whole = vec![0; 800];
        prop_assert_eq!(converter.process(&input, &mut whole).written, 800);
        let pieces = in_pieces(&input, 800, &cuts, |i, o| other.process(i, o));
        prop_assert_eq!(&whole, &pieces);
    }
}

#[test]
fn what_needs_no_more_input_is_made_without_any() {
    let mut drift = Drift::new();
    drift.set_ppm(-10_000.0);
    let mut out = [0; 1];
    for _ in 0..1_000 {
        let needed = drift.input_len(1);
        assert!(needed <= 1);
        let done = drift.process(&[1_000; 1][..needed], &mut out);
        assert_eq!((done.read, done.written), (needed, 1));
    }
    assert!((out[0] - 1_000).abs() <= 1);
}
