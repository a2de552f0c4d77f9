//! What listening for caller ID costs: while a line is quiet, in noise, in a tone that could be a mark signal, and while bursts come
//! without end. A channel hears blocks of 40 samples, as from a card.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_dsp::caller_id::{AlertDetector, Date, Field, Message, Receiver, burst};
use tipring_dsp::fsk::Standard;
use tipring_dsp::level::dbm0_to_peak;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = listen
}
criterion_main!(benches);

/// Ten seconds.
const SAMPLES: usize = 80_000;

fn listen(criterion: &mut Criterion) {
    let tone = |n: usize| (std::f32::consts::TAU * 1210.0 * n as f32 / 8000.0).sin();
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 20) as i16 - 2048
    };
    let message = Message {
        date: Some(Date { month: 11, day: 28, hour: 10, minute: 0 }),
        number: Field::Given("2015550123".into()),
        name: Field::Given("JOHN DOE".into()),
    };
    let once = burst(&message, Standard::Bell202);
    let sounds: [(&str, Vec<i16>); 4] = [
        ("silence", vec![0; SAMPLES]),
        ("noise", (0..SAMPLES).map(|_| noise()).collect()),
        ("tone", (0..SAMPLES).map(|n| (dbm0_to_peak(-20.0) * tone(n)) as i16).collect()),
        ("bursts", once.iter().copied().cycle().take(SAMPLES).collect()),
    ];
    let mut group = criterion.benchmark_group("caller_id");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    for (name, samples) in &sounds {
        group.bench_function(format!("receiver/{name}"), |bencher| {
            let mut receiver = Receiver::auto();
            bencher.iter(|| {
                for block in samples.chunks(40) {
                    receiver.process(block, |result| {
                        black_box(result.is_ok());
                    });
                }
            });
        });
        group.bench_function(format!("alert/{name}"), |bencher| {
            let mut detector = AlertDetector::new();
            bencher.iter(|| {
                for block in samples.chunks(40) {
                    detector.process(block, |alerted| {
                        black_box(alerted);
                    });
                }
            });
        });
    }
    group.finish();
}
