//! What a session description costs: reading and printing the body of a call in four codecs, and answering it.
//!
//! The body is what a telephone sends. "parse" frees what it has read, as a call does; "print" makes the body of a
//! message. Beside them stands the least that any reader does: finding the line ends.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tipring_sdp::{LocalMedia, OfferAnswer, Session};

const PHONE: &str = include_str!("messages/telephone.sdp");

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = bodies
}
criterion_main!(benches);

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sdp");
    group.throughput(Throughput::Bytes(PHONE.len() as u64));
    group.bench_function("lines", |bencher| {
        bencher.iter(|| black_box(PHONE).split('\n').map(str::len).fold(0, usize::max));
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Session::parse(black_box(PHONE.as_bytes())).expect("a description"));
    });
    let session = Session::parse(PHONE.as_bytes()).expect("a description");
    assert_eq!(session.to_string(), PHONE);
    group.bench_function("print", |bencher| bencher.iter(|| black_box(&session).to_body()));
    let local = LocalMedia::new([192, 0, 2, 1].into(), 30_000);
    group.bench_function("answer", |bencher| {
        bencher.iter(|| {
            let mut dialog = OfferAnswer::new(1);
            dialog.answer(&local, black_box(&session)).expect("common");
            dialog
        });
    });
}
