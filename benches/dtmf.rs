//! What hearing digits costs: 64 channels in calls of 160 samples, each with sound of its own, so that no branch is learnt.
//!
//! "babble" is the worst of talk-off (two strong formants wandering in the bands of the keys), "silence" is exact, "noise" is white at
//! -20 dBm0, "digits" are 50 ms of a key and 50 ms of pause without end. Throughput is in samples ("elements") a second.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_dsp::{
    dtmf::{Detector, Digit, Generator},
    mf,
};

const CHANNELS: usize = 64;

/// Samples of each channel: 2 s.
const SAMPLES: usize = 16_000;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = receivers
}
criterion_main!(benches);

/// The samples of a channel, by its seed.
type Sound = fn(u64) -> Vec<i16>;

fn receivers(criterion: &mut Criterion) {
    let sounds: [(&str, Sound); 4] =
        [("babble", babble), ("silence", silence), ("noise", noise), ("digits", digits)];
    let mut group = criterion.benchmark_group("receiver");
    group.throughput(Throughput::Elements((CHANNELS * SAMPLES) as u64));
    for (name, make) in sounds {
        let channels: Vec<Vec<i16>> = (0..CHANNELS as u64).map(make).collect();
        group.bench_function(format!("dtmf/{name}"), |bencher| {
            let mut detectors = vec![Detector::new(); CHANNELS];
            bencher.iter(|| {
                let mut heard = 0;
                each_frame(&channels, |n, frame| detectors[n].process(frame, |_| heard += 1));
                black_box(heard)
            });
        });
        group.bench_function(format!("mf/{name}"), |bencher| {
            let mut detectors = vec![mf::Detector::new(); CHANNELS];
            bencher.iter(|| {
                let mut heard = 0;
                each_frame(&channels, |n, frame| detectors[n].process(frame, |_| heard += 1));
                black_box(heard)
            });
        });
    }
}

/// As a gateway does it: 20 ms of each channel, and then the next 20 ms of each.
fn each_frame(channels: &[Vec<i16>], mut process: impl FnMut(usize, &[i16])) {
    for at in (0..SAMPLES).step_by(160) {
        for (n, channel) in channels.iter().enumerate() {
            process(n, &channel[at..at + 160]);
        }
    }
}

fn silence(_seed: u64) -> Vec<i16> {
    vec![0; SAMPLES]
}

fn noise(seed: u64) -> Vec<i16> {
    let mut random = random(seed);
    (0..SAMPLES).map(|_| ((random() + random() + random() - 1.5) * 4000.0) as i16).collect()
}

fn digits(seed: u64) -> Vec<i16> {
    let mut generator = Generator::new();
    let mut samples = vec![0; SAMPLES + 800];
    for (n, part) in samples.chunks_mut(800).enumerate() {
        let digit = Digit::from_event(((n as u64 + seed) % 16) as u8);
        generator.start(digit.expect("below 16"), 400, 400);
        generator.process(part);
    }
    samples.split_off((seed * 37 % 800) as usize)[..SAMPLES].to_vec()
}

/// Pitch pulses through two resonances that wander.
fn babble(seed: u64) -> Vec<i16> {
    let mut random = random(seed);
    let (mut hz, mut wanted, mut left) = ([700.0f32, 1300.0], [700.0f32, 1300.0], 0);
    let (mut pitch, mut phase) = (120.0f32, 0.0f32);
    let mut memory = [[0.0f32; 2]; 2];
    let sample = |_| {
        if left == 0 {
            left = (400.0 + random() * 2400.0) as usize;
            wanted = [600.0 + random() * 400.0, 1100.0 + random() * 600.0];
            pitch = 80.0 + random() * 200.0;
        }
        left -= 1;
        phase += pitch / 8000.0;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase -= pulse;
        let mut sum = 0.0;
        for (n, memory) in memory.iter_mut().enumerate() {
            hz[n] += (wanted[n] - hz[n]) * 0.002;
            let radius = (-std::f32::consts::PI * 50.0 / 8000.0).exp();
            let turn = (std::f32::consts::TAU * hz[n] / 8000.0).cos();
            let y = pulse + 2.0 * radius * turn * memory[0] - radius * radius * memory[1];
            *memory = [y, memory[0]];
            sum += y;
        }
        (sum * 4000.0) as i16
    };
    (0..SAMPLES).map(sample).collect()
}

/// Numbers from 0 up to 1, the same in each run.
fn random(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    }
}
