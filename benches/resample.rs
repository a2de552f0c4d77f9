//! What resampling costs: 20 ms and 5 ms at a time, over 2,000 channels of fresh data. Throughput is in samples of the 8 kHz
//! side; `docs/dsp/resampling.md` has a table.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_dsp::resample::{Drift, Ratio, Resampler};

const CHANNELS: usize = 2000;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = resamplers, drift
}
criterion_main!(benches);

fn noise(samples: usize) -> Vec<i16> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    (0..samples)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 50) as i16
        })
        .collect()
}

fn resamplers(criterion: &mut Criterion) {
    for ratio in Ratio::ALL {
        let (from, to) = ratio.rates_hz();
        let mut group = criterion.benchmark_group(format!("resample-{from}-{to}"));
        for ms in [20, 5] {
            let (input, output) = ((from * ms / 1000) as usize, (to * ms / 1000) as usize);
            let sound = noise(input * CHANNELS);
            let mut made = vec![0; output];
            let mut channels = vec![Resampler::new(ratio); CHANNELS];
            group.throughput(Throughput::Elements(u64::from(ms) * 8 * CHANNELS as u64));
            group.bench_function(format!("{ms}ms"), |bencher| {
                bencher.iter(|| {
                    for (channel, input) in channels.iter_mut().zip(sound.chunks_exact(input)) {
                        let _all = channel.process(black_box(input), black_box(&mut made));
                    }
                });
            });
        }
    }
}

fn drift(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("drift");
    for samples in [160, 40] {
        let sound = noise(samples * CHANNELS + 8);
        let mut made = vec![0; samples];
        let mut channels = vec![Drift::new(); CHANNELS];
        for (n, channel) in channels.iter_mut().enumerate() {
            channel.set_ppm((n % 1000) as f64 - 500.0);
        }
        group.throughput(Throughput::Elements((samples * CHANNELS) as u64));
        group.bench_function(format!("{}ms", samples / 8), |bencher| {
            bencher.iter(|| {
                for (n, channel) in channels.iter_mut().enumerate() {
                    let input = &sound[n * samples..][..channel.input_len(samples)];
                    let _all = channel.process(black_box(input), black_box(&mut made));
                }
            });
        });
    }
}
