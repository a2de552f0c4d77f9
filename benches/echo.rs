//! What the echo canceller costs: ns per sample and channel, in calls of 40 samples (5 ms) over many
//! channels, so that each call finds its canceller outside of the first cache, as a gateway's does.
//!
//! "converged" is after 4 s of a composite source, with only echo; "double talk" with the near end
//! speaking too, which keeps the canceller learning from every block; "silence" with nobody speaking.
//! Throughput is in samples ("elements") a second.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_dsp::echo::{EchoCanceller, Options, Tail};

const CHANNELS: usize = 64;
const CALL: usize = 40;

/// Samples between two channels' places in the call: an odd number of calls.
const APART: usize = 37 * CALL;

/// Taps of the echo.
const TAPS: usize = 48;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(20);
    targets = cancel
}
criterion_main!(benches);

fn cancel(criterion: &mut Criterion) {
    let far = source(1, 4 * 8000);
    let echo: Vec<i16> = echo_of(&far);
    let both: Vec<i16> =
        echo.iter().zip(source(2, far.len())).map(|(a, b)| a.saturating_add(b / 2)).collect();
    let silence = vec![0i16; far.len()];
    for tail in Tail::ALL {
        let mut group = criterion.benchmark_group(format!("{} taps", tail.taps()));
        group.throughput(Throughput::Elements((CHANNELS * CALL) as u64));
        let mut converged = EchoCanceller::new(tail, Options::default());
        converged.process(&far, &mut echo.clone());
        for (name, far, near) in [
            ("converged", &far, &echo),
            ("double talk", &far, &both),
            ("silence", &silence, &silence),
        ] {
            let mut channels = vec![converged.clone(); CHANNELS];
            let mut at = 0;
            let mut line = [0; CALL];
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    for (n, channel) in channels.iter_mut().enumerate() {
                        // Each channel is somewhere else in the call.
                        let at = (at + n * APART) % far.len();
                        line.copy_from_slice(&near[at..at + CALL]);
                        channel.process(&far[at..at + CALL], &mut line);
                        black_box(&line);
                    }
                    at = (at + CALL) % far.len();
                });
            });
        }
        group.finish();
    }
}

/// Noise of speech's slope, 250 ms on and 100 ms off, at about -13 dBm0.
fn source(mut seed: u64, samples: usize) -> Vec<i16> {
    let mut state = 0.0f32;
    let mut out = Vec::with_capacity(samples);
    for n in 0..samples {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let white = f32::from((seed >> 48) as u16 as i16) / 8.0;
        state = 0.6 * state + white;
        out.push(if n % 2800 < 2000 { state as i16 } else { 0 });
    }
    out
}

/// An echo 6 dB down, after 3 ms, that rings.
fn echo_of(far: &[i16]) -> Vec<i16> {
    let taps: [f32; TAPS] = std::array::from_fn(|n| {
        if n < 24 { 0.0 } else { 0.45 * (-0.2 * (n - 24) as f32).exp() * (1.3 * n as f32).cos() }
    });
    let sum =
        |n: usize| -> f32 { (0..TAPS.min(n + 1)).map(|k| taps[k] * f32::from(far[n - k])).sum() };
    (0..far.len()).map(|n| sum(n) as i16).collect()
}
