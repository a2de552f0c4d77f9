//! What concealment costs: good and lost frames of 20 ms and 5 ms over 2,000 channels, beside a copy of the samples.
//! `docs/dsp/concealment.md` has a table.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tipring_dsp::{plc::Concealer, time_scale::lengthen};

const CHANNELS: usize = 2000;

/// 20 ms.
const FRAME: usize = 160;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = good, lost, time_scale
}
criterion_main!(benches);

/// A voice with breath: pulses through two resonances, and noise.
fn speech(seed: u32, samples: usize) -> Vec<i16> {
    let mut state = seed | 1;
    let pitch = 50 + (seed % 80) as usize;
    let mut formants = [[0.0f32; 2]; 2];
    (0..samples)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let breath = (state as i32 >> 24) as f32;
            let mut x = if n % pitch == 0 { 4000.0 } else { breath };
            for (formant, twice_cosine) in formants.iter_mut().zip([1.85, 0.9]) {
                let y = x + 0.95 * (twice_cosine * formant[0] - 0.95 * formant[1]);
                *formant = [y, formant[0]];
                x = y;
            }
            x as i16
        })
        .collect()
}

fn channels() -> Vec<(Concealer, Vec<i16>)> {
    (0..CHANNELS as u32)
        .map(|n| {
            let mut concealer = Concealer::new();
            concealer.good(&mut speech(n, 800 + 7 * n as usize % 640));
            (concealer, speech(n, FRAME))
        })
        .collect()
}

fn good(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plc-2000-frames");
    let mut channels = channels();
    let mut copy = [0; FRAME];
    group.bench_function("copy", |bencher| {
        bencher.iter(|| {
            for (_, frame) in &channels {
                black_box(&mut copy).copy_from_slice(black_box(frame));
            }
        });
    });
    for block in [FRAME, 40] {
        group.bench_function(format!("good-in-{block}"), |bencher| {
            bencher.iter(|| {
                for (concealer, frame) in &mut channels {
                    for block in frame.chunks_exact_mut(block) {
                        concealer.good(black_box(block));
                    }
                }
            });
        });
    }
}

fn lost(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plc-2000-frames");
    let channels = channels();
    for (name, frames) in [("lost", 1), ("lost-three-in-a-row", 3)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || channels.clone(),
                |channels| {
                    for (concealer, frame) in channels {
                        for _ in 0..frames {
                            concealer.conceal(black_box(frame));
                        }
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
}

fn time_scale(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("time-scale-2000");
    let sounds: Vec<Vec<i16>> = (0..CHANNELS as u32).map(|n| speech(n, 320)).collect();
    let mut output = [0; 480];
    group.bench_function("lengthen-40ms", |bencher| {
        bencher.iter(|| {
            for sound in &sounds {
                black_box(lengthen(black_box(sound), &mut output));
            }
        });
    });
}
