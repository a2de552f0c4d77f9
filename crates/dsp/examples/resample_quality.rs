//! Measures the resamplers: the tables of `docs/dsp/resampling.md`.

use std::f64::consts::TAU;

use tipring_dsp::resample::{Converter, Drift, Ratio, Resampler};

const PEAK: f64 = 30_000.0;

fn sine(hz: f64, rate: u32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| (PEAK * (TAU * hz * n as f64 / f64::from(rate)).sin()).round() as i16)
        .collect()
}

/// Amplitude of the sine at this frequency, and of all the rest together, in dB of [`PEAK`].
fn levels(samples: &[i16], hz: f64, rate: u32) -> (f64, f64) {
    let mut sums = [0.0f64; 6];
    for (n, sample) in samples.iter().enumerate() {
        let (sin, cos) = (TAU * hz * n as f64 / f64::from(rate)).sin_cos();
        let x = f64::from(*sample);
        for (sum, term) in
            sums.iter_mut().zip([cos * cos, cos * sin, sin * sin, x * cos, x * sin, x * x])
        {
            *sum += term;
        }
    }
    let [cc, cs, ss, xc, xs, xx] = sums;
    let det = cc * ss - cs * cs;
    let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
    let rest = (xx - a * xc - b * xs).max(0.0) / samples.len() as f64;
    (20.0 * (a.hypot(b) / PEAK).log10(), 10.0 * (2.0 * rest / PEAK.powi(2) + 1e-12).log10())
}

fn resampled(ratio: Ratio, input: &[i16]) -> Vec<i16> {
    let mut resampler = Resampler::new(ratio);
    let mut output = vec![0; resampler.output_len(input.len())];
    let _all = resampler.process(input, &mut output);
    output
}

fn main() {
    println!(
        "Resampler            pass 100-3400 Hz, dB   4000 Hz   images or aliases, dB   delay, ms"
    );
    for ratio in Ratio::ALL {
        let (from, to) = ratio.rates_hz();
        let level = |hz: f64| {
            let output = resampled(ratio, &sine(hz, from, from as usize / 2));
            levels(&output[to as usize / 10..], hz.min(f64::from(to) / 2.0 - 1.0), to)
        };
        let (mut low, mut high, mut worst) = (0.0f64, 0.0f64, -200.0f64);
        for hz in (100..=3400).step_by(50).map(f64::from) {
            let (pass, _) = level(hz);
            (low, high) = (low.min(pass), high.max(pass));
            let output = resampled(ratio, &sine(hz, from, from as usize / 2));
            let images = (1..=to / from).flat_map(|n| [-hz, hz].map(|hz| f64::from(n * from) + hz));
            for image in images.filter(|image| *image < f64::from(to) / 2.0) {
                worst = worst.max(levels(&output[to as usize / 10..], image, to).0);
            }
        }
        if to < from {
            for hz in (4600..from / 2).step_by(50).map(f64::from) {
                let output = resampled(ratio, &sine(hz, from, from as usize / 2));
                worst = worst.max(levels(&output[to as usize / 10..], 50.0, to).1);
            }
        }
        let half = level(3999.0).0;
        let delay = Resampler::new(ratio).delay() * 1000.0 / to as f32;
        println!(
            "{from:6} to {to:6} Hz        {low:+.3} to {high:+.3}    {half:7.1}         {worst:7.1}            {delay:.2}"
        );
    }
    println!(
        "\nDrift, dB of all but the sine   300 Hz   1004 Hz   2500 Hz   3000 Hz   3400 Hz   3600 Hz"
    );
    for ppm in [-500.0, -50.0, 1.0, 500.0] {
        print!("{ppm:+5} ppm                   ");
        for hz in [300.0, 1004.0, 2500.0, 3000.0, 3400.0, 3600.0] {
            let mut drift = Drift::new();
            drift.set_ppm(ppm);
            let mut output = [0; 80_000];
            let input = sine(hz, 8000, drift.input_len(output.len()));
            let _all = drift.process(&input, &mut output);
            print!("  {:8.1}", levels(&output[100..], hz * (1.0 + ppm * 1e-6), 8000).1);
        }
        println!();
    }
    println!(
        "\nConverter, dB of all but the sine   300 Hz   1004 Hz   2500 Hz   3400 Hz   9000 Hz (gone)"
    );
    for (from, to) in [(44_100, 8000), (22_050, 8000), (48_000, 8000), (8000, 44_100)] {
        print!("{from:6} to {to:6} Hz               ");
        for hz in [300.0, 1004.0, 2500.0, 3400.0, 9000.0] {
            if hz < f64::from(from) / 2.0 {
                let output = Converter::convert(&sine(hz, from, from as usize), from, to)
                    .expect("ordinary rates");
                let sound = if hz < 4000.0 { hz } else { 50.0 };
                let steady = &output[to as usize / 10..to as usize * 9 / 10];
                print!("  {:8.1}", levels(steady, sound, to).1);
            }
        }
        println!();
    }
}
