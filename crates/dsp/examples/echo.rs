//! Prints how the echo canceller does over many lines: hybrids of two lengths, three losses and three
//! shapes each, four levels, three kinds of far end. Each cell of a table is the worst of its lines. The oracle is a filter
//! that knows the path: what it leaves is the quantisation by µ-law. Tones are 5 s each of 1,004 Hz, DTMF and V.21; in
//! double talk the near end speaks for 3 s at -5 dBm0; both columns show the first 0.4 s afterwards.
//! Takes about a minute.

#[path = "../tests/common/mod.rs"]
mod common;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/echo/line.rs"]
mod line;

use line::{Hybrid, Run, composite, keys, sine, speech, v21};
use tipring_dsp::echo::{EchoCanceller, Options, Tail};

const S: usize = 8000;
const SEEDS: std::ops::Range<u64> = 1..4;

fn main() {
    for (tail, delay_ms) in [(Tail::Ms16, 3.0), (Tail::Ms64, 37.0)] {
        println!("\n{} taps, {delay_ms} ms of delay; the worst of {} hybrids\n", tail.taps(), 3);
        println!(
            "| far end, dBm0, ERL | s to 20 dB | ERLE 1 s | 8-9 s | oracle | after tones | after double talk | s to 20 dB, new path | peak with NLP, dBm0 |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        for kind in ["white CSS", "sloped CSS", "speech"] {
            for (dbm0, erl_db) in
                [(-10.0, 6.0), (-10.0, 12.0), (-10.0, 20.0), (0.0, 6.0), (-20.0, 6.0), (-30.0, 6.0)]
            {
                let rows = SEEDS.map(|seed| measure(tail, delay_ms, kind, dbm0, erl_db, seed));
                let [t, e1, e9, oracle, tones, talk, new, peak] =
                    rows.reduce(worse).expect("seeds");
                println!(
                    "| {kind}, {dbm0}, {erl_db} | {t:.2} | {e1:.1} | {e9:.1} | {oracle:.1} | {tones:.1} | {talk:.1} | {new:.2} | {peak:.0} |"
                );
            }
        }
    }
}

fn worse(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
    let low = [false, true, true, true, true, true, false, false];
    std::array::from_fn(|i| if low[i] { a[i].min(b[i]) } else { a[i].max(b[i]) })
}

fn measure(tail: Tail, delay_ms: f32, kind: &str, dbm0: f32, erl_db: f32, seed: u64) -> [f32; 8] {
    let make = |seed: u64, samples: usize| match kind {
        "white CSS" => composite(seed, samples, dbm0, false),
        "sloped CSS" => composite(seed, samples, dbm0, true),
        _ => speech(seed, samples, dbm0),
    };
    let hybrid = Hybrid::new(seed, delay_ms, erl_db);
    let call = |suppressor| {
        Run::new(EchoCanceller::new(tail, Options { suppressor, ..Options::default() }))
    };
    let mut run = call(false);
    run.go(&hybrid, &make(seed, 9 * S), &[]);
    let (time, first, last) = (run.time_to_20_db(), run.erle_db(1.0, 1.4), run.erle_db(8.0, 9.0));
    let oracle = run.oracle_db(8.0, 9.0);
    let mut tones = f32::INFINITY;
    for signal in [sine(1004.0, 5 * S, dbm0), keys(5 * S, dbm0 - 3.0), v21(seed, 5 * S, dbm0)] {
        let mut run = run.clone();
        run.go(&hybrid, &signal, &[]);
        run.go(&hybrid, &make(seed + 10, S / 2), &[]);
        tones = tones.min(run.erle_db(0.0, 0.4));
    }
    run.go(&hybrid, &make(seed + 20, 3 * S), &speech(seed + 50, 3 * S, -5.0));
    run.go(&hybrid, &make(seed + 30, S), &[]);
    let talk = run.erle_db(0.0, 0.4);
    run.go(&Hybrid::new(seed + 100, delay_ms, erl_db), &make(seed + 40, 3 * S), &[]);
    let new = run.time_to_20_db();
    let mut covered = call(true);
    covered.go(&hybrid, &make(seed, 9 * S), &[]);
    [time, first, last, oracle, tones, talk, new, covered.peak_dbm0(1.0)]
}
