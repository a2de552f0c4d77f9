//! What G.711 costs: the scalar reference, and each path (tables, vectors), beside `memcpy` of the
//! linear side.
//!
//! "frames" are calls of 40 or 160 samples over 2,000 channels of fresh data, as a gateway makes
//! them: repeated data would let the branch predictor learn the speech. "block" is one call for 128
//! channels of 40 samples, "long" one for 4,096 samples. Throughput is in samples ("elements") a
//! second; `docs/dsp/codecs.md` has a table. G.722 and
//! G.726 are timed in frames of 160 samples.

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tipring_dsp::{
    dtmf::Detector,
    fsk::{Demodulator, Standard},
    g711::{Law, Path, scalar},
    g722,
    g726::{self, Packing, Rate},
    plc::Concealer,
    tone::{Player, Program, Tone},
};

const CHANNELS: usize = 2000;

/// Names of the shapes, samples of a call, calls.
const SHAPES: [(&str, usize, usize); 4] = [
    ("frames40", 40, CHANNELS),
    ("frames160", 160, CHANNELS),
    ("block128x40", 5120, 40),
    ("long4096", 4096, 1),
];

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = encode, decode, transcode, adaptive, analysers
}
criterion_main!(benches);

/// Speech as far as a codec can tell: amplitudes spread over all segments, signs at random.
fn speech(samples: usize) -> Vec<i16> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    (0..samples)
        .map(|_| {
            let bits = next();
            let magnitude = (bits as u16 >> 1) >> (bits >> 16 & 0xF).min(11);
            if bits >> 32 & 1 == 0 { magnitude as i16 } else { !(magnitude as i16) }
        })
        .collect()
}

/// Times `call` over all frames of both sides.
fn time<I: Copy, O: Copy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    frame: usize,
    (input, output): (&[I], &mut [O]),
    call: impl Fn(&[I], &mut [O]),
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

fn paths() -> impl Iterator<Item = (String, Path)> {
    let available = Path::ALL.into_iter().filter(|p| p.is_available());
    available.map(|path| (format!("{path:?}").to_lowercase(), path))
}

fn encode(criterion: &mut Criterion) {
    for (shape, frame, calls) in SHAPES {
        let samples = speech(frame * calls);
        let mut octets = vec![0u8; samples.len()];
        let mut copy = vec![0i16; samples.len()];
        for law in [Law::Mu, Law::A] {
            let mut group = criterion.benchmark_group(format!("encode-{law:?}-{shape}"));
            group.throughput(Throughput::Elements(samples.len() as u64));
            time(&mut group, "scalar", frame, (&samples, &mut octets), |i, o| {
                for (o, i) in o.iter_mut().zip(i) {
                    *o = scalar::encode(law, *i);
                }
            });
            for (name, path) in paths() {
                time(&mut group, &name, frame, (&samples, &mut octets), |i, o| {
                    path.encode(law, i, o);
                });
            }
            time(&mut group, "memcpy", frame, (&samples, &mut copy), |i, o| {
                o.copy_from_slice(i);
            });
        }
    }
}

fn decode(criterion: &mut Criterion) {
    for (shape, frame, calls) in SHAPES {
        let linear = speech(frame * calls);
        let mut samples = linear.clone();
        for law in [Law::Mu, Law::A] {
            let mut octets = vec![0u8; linear.len()];
            Path::best().encode(law, &linear, &mut octets);
            let mut group = criterion.benchmark_group(format!("decode-{law:?}-{shape}"));
            group.throughput(Throughput::Elements(octets.len() as u64));
            time(&mut group, "scalar", frame, (&octets, &mut samples), |i, o| {
                for (o, i) in o.iter_mut().zip(i) {
                    *o = scalar::decode(law, *i);
                }
            });
            for (name, path) in paths() {
                time(&mut group, &name, frame, (&octets, &mut samples), |i, o| {
                    path.decode(law, i, o);
                });
            }
            time(&mut group, "memcpy", frame, (&linear, &mut samples), |i, o| {
                o.copy_from_slice(i);
            });
        }
    }
}

fn transcode(criterion: &mut Criterion) {
    for (shape, frame, calls) in SHAPES {
        let linear = speech(frame * calls);
        let mut mu = vec![0u8; linear.len()];
        Path::best().encode(Law::Mu, &linear, &mut mu);
        let mut a = mu.clone();
        let mut group = criterion.benchmark_group(format!("mu-to-A-{shape}"));
        group.throughput(Throughput::Elements(mu.len() as u64));
        for (name, path) in paths() {
            time(&mut group, &name, frame, (&mu, &mut a), |i, o| path.map(Law::Mu, i, o));
        }
        time(&mut group, "memcpy", frame, (&mu, &mut a), |i, o| o.copy_from_slice(i));
    }
}

/// The codecs that remember what was before.
fn adaptive(criterion: &mut Criterion) {
    let samples = speech(64_000);
    let mut back = samples.clone();
    let mut octets = vec![0; samples.len()];
    let mut group = criterion.benchmark_group("adaptive");
    group.throughput(Throughput::Elements(samples.len() as u64));
    for rate in Rate::ALL {
        let bytes = 160 * rate.bits() as usize / 8;
        let mut encoder = g726::Encoder::new(rate, Packing::Rfc3551);
        group.bench_function(format!("g726-encode-{rate:?}"), |bencher| {
            bencher.iter(|| {
                for (i, o) in samples.chunks_exact(160).zip(octets.chunks_exact_mut(bytes)) {
                    encoder.encode(black_box(i), o);
                }
            });
        });
        let mut decoder = g726::Decoder::new(rate, Packing::Rfc3551);
        group.bench_function(format!("g726-decode-{rate:?}"), |bencher| {
            bencher.iter(|| {
                for (i, o) in octets.chunks_exact(bytes).zip(back.chunks_exact_mut(160)) {
                    decoder.decode(black_box(i), o);
                }
            });
        });
    }
    let mut encoder = g722::Encoder::new();
    group.bench_function("g722-encode", |bencher| {
        bencher.iter(|| {
            for (i, o) in samples.chunks_exact(160).zip(octets.chunks_exact_mut(80)) {
                encoder.encode(black_box(i), o);
            }
        });
    });
    let mut decoder = g722::Decoder::new(g722::Mode::Kbit64);
    group.bench_function("g722-decode", |bencher| {
        bencher.iter(|| {
            for (i, o) in octets.chunks_exact(80).zip(back.chunks_exact_mut(160)) {
                decoder.decode(black_box(i), o);
            }
        });
    });
}

/// The other blocks of a channel, in blocks of 40 samples.
fn analysers(criterion: &mut Criterion) {
    let mut samples = speech(64_000);
    let mut group = criterion.benchmark_group("channel");
    group.throughput(Throughput::Elements(samples.len() as u64));
    let mut detector = Detector::new();
    group.bench_function("dtmf-detector", |bencher| {
        bencher.iter(|| {
            for block in samples.chunks_exact(40) {
                detector.process(black_box(block), |event| {
                    black_box(event);
                });
            }
        });
    });
    let mut demodulator = Demodulator::new(Standard::Bell202);
    group.bench_function("fsk-demodulator", |bencher| {
        bencher.iter(|| {
            for block in samples.chunks_exact(40) {
                demodulator.process(black_box(block), |event| {
                    black_box(event);
                });
            }
        });
    });
    let mut player = Player::new();
    player.start(Program::continuous(Tone::dual(350.0, 440.0, -13.0)));
    group.bench_function("dial-tone", |bencher| {
        bencher.iter(|| {
            for block in samples.chunks_exact_mut(40) {
                player.process(black_box(block));
            }
        });
    });
    let mut concealer = Concealer::new();
    group.bench_function("concealer-good", |bencher| {
        bencher.iter(|| {
            for block in samples.chunks_exact_mut(160) {
                concealer.good(black_box(block));
            }
        });
    });
    group.bench_function("concealer-every-second-lost", |bencher| {
        bencher.iter(|| {
            for pair in samples.chunks_exact_mut(320) {
                let (good, lost) = black_box(pair).split_at_mut(160);
                concealer.good(good);
                concealer.conceal(lost);
            }
        });
    });
}
