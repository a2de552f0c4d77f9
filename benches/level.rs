//! What level, gain, mixing, comfort noise, voice activity, gain control and filters cost, beside `memcpy`.
//!
//! In blocks of 40 and 160 samples over 2,000 channels of fresh data ("frames") and in one block of 4,096 ("long").
//! Throughput is in samples ("elements") a second.

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tipring_dsp::{
    agc::{GainControl, Settings},
    comfort_noise::{Analyser, Description, Generator},
    filter::Filter,
    level::{FAST_MS, Follower, Gain, Sum, energy, mix},
    voice_activity::Detector,
};

/// Names of the shapes, samples of a call, calls.
const SHAPES: [(&str, usize, usize); 3] =
    [("frames40", 40, 2000), ("frames160", 160, 2000), ("long4096", 4096, 1)];

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = plain, automatic
}
criterion_main!(benches);

/// Noise of about -20 dBm0.
fn noise(samples: usize) -> Vec<i16> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let each = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 52) as i16 - 2048
    });
    each.take(samples).collect()
}

/// Times `call` over all frames.
fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    frame: usize,
    (input, output): (&[i16], &mut [i16]),
    mut call: impl FnMut(&[i16], &mut [i16]),
) {
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for (i, o) in input.chunks_exact(frame).zip(output.chunks_exact_mut(frame)) {
                call(black_box(i), o);
            }
            black_box(&mut *output);
        });
    });
}

fn plain(criterion: &mut Criterion) {
    for (shape, frame, calls) in SHAPES {
        let input = noise(frame * calls);
        let mut output = noise(frame * calls);
        let mut group = criterion.benchmark_group(format!("level-{shape}"));
        group.throughput(Throughput::Elements(input.len() as u64));
        time(&mut group, "memcpy", frame, (&input, &mut output), |i, o| o.copy_from_slice(i));
        let gain = Gain::from_db(-0.5);
        time(&mut group, "gain", frame, (&input, &mut output), |_, o| gain.apply(o));
        time(&mut group, "mix", frame, (&input, &mut output), |i, o| mix(o, i));
        time(&mut group, "energy", frame, (&input, &mut output), |i, _| {
            black_box(energy(i));
        });
        let mut sum = Sum::<4096>::new();
        time(&mut group, "sum-add", frame, (&input, &mut output), |i, _| sum.add(i));
        time(&mut group, "sum-without", frame, (&input, &mut output), |i, o| sum.without(i, o));
    }
}

fn automatic(criterion: &mut Criterion) {
    for (shape, frame, calls) in SHAPES {
        let input = noise(frame * calls);
        let mut output = noise(frame * calls);
        let mut group = criterion.benchmark_group(format!("automatic-{shape}"));
        group.throughput(Throughput::Elements(input.len() as u64));
        time(&mut group, "memcpy", frame, (&input, &mut output), |i, o| o.copy_from_slice(i));
        let octets = [40, 20, 150, 130, 120, 127, 128, 126, 127, 127, 127];
        let description = Description::parse(&octets).expect("it is one");
        let mut generator = Generator::new(&description, 1);
        time(&mut group, "comfort-noise", frame, (&input, &mut output), |_, o| {
            generator.process(o);
        });
        let mut analyser = Analyser::new();
        time(&mut group, "noise-analyser", frame, (&input, &mut output), |i, _| {
            analyser.process(i);
        });
        let mut detector = Detector::default();
        time(&mut group, "voice-activity", frame, (&input, &mut output), |i, _| {
            detector.process(i, |event| {
                black_box(event);
            });
        });
        let mut control = GainControl::new(Settings::default());
        time(&mut group, "gain-control", frame, (&input, &mut output), |_, o| control.process(o));
        let mut follower = Follower::new(FAST_MS);
        time(&mut group, "needle", frame, (&input, &mut output), |i, _| follower.process(i));
        let mut filter = Filter::hum_removal();
        time(&mut group, "hum-removal", frame, (&input, &mut output), |_, o| filter.process(o));
    }
}
