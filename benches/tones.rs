//! What tones cost: to make, and to detect in silence, noise, something like speech, and the tones themselves.
//!
//! Calls are of 160 samples. Throughput is in samples ("elements") a second; `docs/dsp/tones.md` has a table. `memcpy` of
//! the samples stands beside the player, and the DTMF detector beside the other detectors.

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tipring_dsp::{
    dtmf, fax,
    listener::Listener,
    progress,
    tone::{Player, Program, Tone},
    tone_plan::{Name, TonePlan},
};

/// Samples of a call.
const FRAME: usize = 160;

/// Samples of a round: longer than any cadence here.
const SAMPLES: usize = 64_000;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = generation, detection
}
criterion_main!(benches);

/// Times `call` over all frames.
fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    samples: &[i16],
    mut call: impl FnMut(&[i16]),
) {
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| samples.chunks_exact(FRAME).for_each(|frame| call(black_box(frame))));
    });
}

fn played(program: Program) -> Vec<i16> {
    let mut player = Player::new();
    player.start(program);
    let mut samples = vec![0; SAMPLES];
    player.process(&mut samples);
    samples
}

fn generation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate");
    let silence = vec![0; SAMPLES];
    let mut out = [0; FRAME];
    for (name, program) in [
        ("one frequency", Program::continuous(Tone::single(425.0, -13.0))),
        ("dial tone", Program::continuous(Tone::dual(350.0, 440.0, -13.0))),
        ("modulated", Program::continuous(Tone::single(400.0, -13.0).modulated(25.0, 90))),
        (
            "four frequencies",
            Program::continuous(Tone::new(&[
                (1400.0, -9.0),
                (2060.0, -9.0),
                (2450.0, -9.0),
                (2600.0, -9.0),
            ])),
        ),
        ("busy", Program::on_off(Tone::dual(480.0, 620.0, -24.0), 500, 500)),
    ] {
        let mut player = Player::new();
        player.start(program);
        time(&mut group, name, &silence, |_| {
            player.process(&mut out);
            black_box(&mut out);
        });
    }
    time(&mut group, "memcpy", &silence, |frame| {
        out.copy_from_slice(frame);
        black_box(&mut out);
    });
}

/// White noise.
fn noise() -> Vec<i16> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed as i64 >> 50) as i16
    };
    std::iter::repeat_with(next).take(SAMPLES).collect()
}

/// Pitch pulses through formants that change every 120 ms: like speech as far as the detectors can tell.
fn babble() -> Vec<i16> {
    let noise = noise();
    let mut memory = [[0.0f32; 2]; 3];
    let mut samples = Vec::with_capacity(SAMPLES);
    for n in 0..SAMPLES {
        let chance = |k: usize| f32::from(noise[(n / 960 * 7 + k) % SAMPLES]) / 8192.0;
        let pitch = (62.0 + 30.0 * chance(0)) as usize;
        let pulse = if n % pitch == 0 { 8000.0 } else { 0.0 } + f32::from(noise[n]) * 0.02;
        let mut sum = 0.0;
        for (formant, memory) in memory.iter_mut().enumerate() {
            let hz = [500.0, 1400.0, 2500.0][formant] * (1.0 + 0.4 * chance(1 + formant));
            let turn = 2.0 * 0.97 * (std::f32::consts::TAU * hz / 8000.0).cos();
            let y = 0.1 * pulse + turn * memory[0] - 0.9409 * memory[1];
            *memory = [y, memory[0]];
            sum += y;
        }
        samples.push(sum.clamp(-32_768.0, 32_767.0) as i16);
    }
    samples
}

fn detection(criterion: &mut Criterion) {
    let us = TonePlan::find("us").expect("built in");
    let tone = |name| played(*us.tone(name).expect("the us has it"));
    for (sound, samples) in [
        ("silence", vec![0; SAMPLES]),
        ("noise", noise()),
        ("babble", babble()),
        ("dial", tone(Name::Dial)),
        ("busy", tone(Name::Busy)),
        ("2100 Hz", played(Program::continuous(Tone::single(2100.0, -13.0)))),
    ] {
        let mut group = criterion.benchmark_group(format!("detect-{sound}"));
        let mut detector = fax::Detector::new();
        time(&mut group, "fax", &samples, |frame| detector.process(frame, |_| {}));
        let mut detector = progress::Detector::new(us);
        time(&mut group, "progress", &samples, |frame| detector.process(frame, |_| {}));
        let mut listener = Listener::new(us);
        time(&mut group, "fax and progress", &samples, |frame| listener.process(frame, |_| {}));
        let mut detector = dtmf::Detector::new();
        time(&mut group, "dtmf", &samples, |frame| detector.process(frame, |_| {}));
    }
}
