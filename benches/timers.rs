//! What a deadline costs: cancelling one and setting another, with 100,000 set.
//!
//! "at_random" moves any of them anywhere in the next 32 s: the worst for the cache. "bag" is the same by [`Timers`],
//! which finds them by key, "sorted_map" by a `BTreeMap`, the plain way to do it. "write" is one write to one of 100,000
//! places at random: what any such table costs at least.
//! "transactions" counts whole transactions of 20,000 a second: timer E is set, cancelled when the answer comes, K is set,
//! and one K that was set 5 s ago expires.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tipring_core::{Alarm, Alarms, Duration, Instant, Rng, Timers};

const LIVE: usize = 100_000;
/// Moves in one measured pass.
const MOVES: usize = 10_000;

fn moves(seed: u64) -> Vec<(usize, Instant)> {
    let mut chance = Rng::new(seed);
    let mut below = |limit| usize::try_from(chance.below(limit)).expect("small");
    let mut one = || (below(LIVE as u64), Instant::from_micros(below(32_000_000) as u64));
    (0..LIVE * 4).map(|_| one()).collect()
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    group.throughput(Throughput::Elements(MOVES as u64));
    let moves = moves(1);
    let mut turn = moves.iter().cycle();

    let mut places = vec![Instant::ZERO; LIVE];
    group.bench_function("write", |bench| {
        bench.iter(|| {
            for (place, at) in turn.by_ref().take(MOVES) {
                places[*place] = black_box(*at);
            }
        });
    });

    let mut alarms = Alarms::new();
    let mut held: Vec<Alarm> =
        moves.iter().take(LIVE).enumerate().map(|(n, (_, at))| alarms.set(*at, n)).collect();
    group.bench_function("at_random", |bench| {
        bench.iter(|| {
            for (place, at) in turn.by_ref().take(MOVES) {
                alarms.cancel(held[*place]);
                held[*place] = alarms.set(*at, *place);
            }
        });
    });

    let mut alarms = Alarms::new();
    let mut now = Instant::ZERO;
    group.bench_function("transactions", |bench| {
        bench.iter(|| {
            for transaction in 0..MOVES {
                now += Duration::from_micros(50);
                let e = alarms.set(now + Duration::from_millis(500), transaction);
                alarms.cancel(e);
                alarms.set(now + Duration::from_secs(5), transaction);
                black_box(alarms.pop_expired(now));
            }
        });
    });

    let mut bag = Timers::new();
    for (n, (_, at)) in moves.iter().take(LIVE).enumerate() {
        bag.set(n, *at);
    }
    group.bench_function("bag", |bench| {
        bench.iter(|| {
            for (place, at) in turn.by_ref().take(MOVES) {
                bag.cancel(place);
                bag.set(*place, *at);
            }
        });
    });
    sorted_map(&mut group, &moves);
    group.finish();
}

fn sorted_map(group: &mut BenchmarkGroup<'_, WallTime>, moves: &[(usize, Instant)]) {
    let mut held: Vec<_> =
        moves.iter().take(LIVE).enumerate().map(|(n, (_, at))| (*at, n)).collect();
    let mut map: BTreeMap<_, _> = held.iter().map(|key| (*key, key.1)).collect();
    let (mut turn, mut numbers) = (moves.iter().cycle(), LIVE..);
    group.bench_function("sorted_map", |bench| {
        bench.iter(|| {
            for ((place, at), number) in turn.by_ref().zip(numbers.by_ref()).take(MOVES) {
                map.remove(&held[*place]);
                held[*place] = (*at, number);
                map.insert((*at, number), *place);
            }
        });
    });
}

criterion_group!(benches, timers);
criterion_main!(benches);
