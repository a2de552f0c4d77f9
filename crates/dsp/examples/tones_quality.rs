//! How well the detectors of tones do: tables of what they hear in noise, at low levels and off their values, and what
//! they take speech for.
//!
//! ```text
//! cargo run --release -p tipring-dsp --example tones_quality [SPEECH.wav ...]
//! ```
//!
//! Files are WAV of 8 kHz. `docs/dsp/tones.md` has the tables.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/exchange.rs"]
mod exchange;
#[path = "../tests/common/modem.rs"]
mod modem;

use common::Random;
use exchange::{EXCHANGE, Exchange, draw, events, names};
use modem::{ANS_REVERSED, ANSAM, ANSAM_REVERSED, CED, CNG, Call};
use tipring_dsp::{
    fax::{self, Signal},
    level, progress,
    tone::{Player, Program, Tone},
    tone_plan::{Name, TonePlan},
    wav,
};

fn main() {
    generation();
    fax_in_noise();
    fax_off_frequency();
    progress_in_noise();
    progress_off_values();
    talk_off(std::env::args().skip(1));
}

/// Signals that are looked for, with what they are told to be at last.
const SIGNALS: [(&str, Call, Signal); 5] = [
    ("CNG", CNG, Signal::Cng),
    ("CED", CED, Signal::Ans),
    ("CED with reversals", ANS_REVERSED, Signal::AnsReversed),
    ("ANSam", ANSAM, Signal::Ansam),
    ("ANSam with reversals", ANSAM_REVERSED, Signal::AnsamReversed),
];

const TRIALS: u64 = 200;

/// Percent of calls that are told to be this at last.
fn told(call: Call, wanted: Signal) -> f32 {
    let told = call.told(TRIALS);
    let right = told.iter().filter(|signals| signals.last() == Some(&wanted)).count();
    right as f32 * 100.0 / TRIALS as f32
}

fn generation() {
    println!("generation, worst of 40 frequencies and 4 levels, against a sine in f64");
    let mut worst = (f64::MAX, 0.0f64);
    for n in 0..40 {
        for dbm0 in [-24.0, -13.0, -6.0, 0.0] {
            let hz = 300.0 + 77.3 * n as f32;
            let mut player = Player::new();
            player.start(Program::continuous(Tone::single(hz, dbm0)));
            let mut samples = vec![0; 80_000];
            player.process(&mut samples);
            let hz = f64::from((hz * 10.0).round()) / 10.0;
            let peak = f64::from(level::dbm0_to_peak(dbm0));
            let (mut error, mut power) = (0.0, 0.0);
            for (n, x) in samples.iter().enumerate() {
                let sine = peak * (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin();
                error += (f64::from(*x) - sine).powi(2);
                power += f64::from(*x).powi(2);
            }
            // 16 bits round to 1/12 of a square: what is beyond that is the generator's.
            let snr = 10.0 * (power / error).log10();
            if dbm0 > -10.0 {
                worst.0 = worst.0.min(snr);
            }
            let off = 10.0 * (power / (80_000.0 * peak * peak / 2.0)).log10();
            worst.1 = worst.1.max(off.abs());
        }
    }
    println!(
        "  SNR of 10 s from -6 dBm0 on: {:.1} dB; level off by {:.3} dB at the most",
        worst.0, worst.1
    );
}

fn fax_in_noise() {
    println!(
        "\nfax and modem tones, % of {TRIALS} by SNR in dB (noise 0-4 kHz, -20 dBm0), then by level in dBm0"
    );
    let snrs = [20.0, 10.0, 8.0, 6.0, 4.0, 2.0];
    let levels = [0.0, -43.0, -46.0, -48.0, -49.0, -50.0];
    print!("{:24}", "");
    snrs.iter().chain(&levels).for_each(|x| print!("{x:6}"));
    println!();
    for (name, call, wanted) in SIGNALS {
        print!("  {name:22}");
        snrs.iter()
            .for_each(|snr_db| print!("{:6.1}", told(Call { snr_db: *snr_db, ..call }, wanted)));
        levels.iter().for_each(|dbm0| print!("{:6.1}", told(Call { dbm0: *dbm0, ..call }, wanted)));
        println!();
    }
    println!("time to tell at 8 dB SNR, ms: mean and most");
    for (name, call, wanted) in SIGNALS {
        let told = (0..TRIALS).filter_map(|seed| {
            let heard = Call { snr_db: 8.0, ..call }.heard(seed);
            heard.into_iter().find_map(|(at, event)| match event {
                fax::Event::Began { signal, .. } | fax::Event::Became { signal, .. } => {
                    (signal == wanted).then_some((at as f32 - modem::AT as f32 + 32.0) / 8.0)
                }
                fax::Event::Ended { .. } => None,
            })
        });
        let told: Vec<f32> = told.collect();
        let mean = told.iter().sum::<f32>() / told.len() as f32;
        println!("  {name:22} {mean:6.0} {:6.0}", told.iter().copied().fold(0.0, f32::max));
    }
}

fn fax_off_frequency() {
    println!("\n% told by deviation in Hz, worse side, at 8 dB SNR and at 30 dB");
    let off = [21.0, 30.0, 38.0, 45.0, 50.0, 54.0, 60.0, 70.0, 90.0];
    print!("{:24}", "");
    off.iter().for_each(|hz| print!("{hz:12}"));
    println!();
    for (name, call, wanted) in [SIGNALS[0], SIGNALS[1], SIGNALS[4]] {
        print!("  {name:22}");
        for hz in off {
            let at = |snr_db| {
                let at = |hz| told(Call { hz: call.hz + hz, snr_db, ..call }, wanted);
                let (below, above) = (at(-hz), at(hz));
                // Within the tolerance the worse side is the rarer, beyond it the more frequent.
                if hz < 52.0 { below.min(above) } else { below.max(above) }
            };
            print!("{:6.0}{:6.0}", at(8.0), at(30.0));
        }
        println!();
    }
}

const RHYTHMS: [Name; 3] = [Name::Busy, Name::Congestion, Name::Ringback];

/// Of so many draws: told right, not told, told wrong.
fn draws(
    plan: &TonePlan,
    name: Name,
    count: usize,
    mut exchange: impl FnMut(&mut Random) -> Exchange,
) -> [usize; 3] {
    let mut random = Random::new(count as u64 + plan.code.bytes().map(u64::from).sum::<u64>());
    let mut counts = [0; 3];
    let Some(program) = plan.tone(name) else { return counts };
    for _ in 0..count {
        let exchange = exchange(&mut random);
        let told = names(&events(plan, &exchange.signal(program, &mut random)));
        let outcome = match &told[..] {
            [] => 1,
            told if told.iter().all(|told| *told == name) => 0,
            _ => 2,
        };
        counts[outcome] += 1;
    }
    counts
}

fn progress_in_noise() {
    println!(
        "\nbusy, congestion and ringback entered anywhere, frequency ±1.5 %, cadence ±10 %, level ±8 dB:"
    );
    println!("told right / not / wrong of 167 draws each, by SNR in dB");
    for code in ["us", "uk", "de", "ch", "fr", "cn", "br", "za"] {
        let plan = TonePlan::find(code).expect("built in");
        for snr_db in [20.0, 10.0, 7.0] {
            let mut sums = [0; 3];
            for name in RHYTHMS {
                let counts = draws(plan, name, 167, |random| {
                    let enter_ms = (random.unit() * 6000.0) as usize;
                    Exchange { ms: 12_000, enter_ms, ..draw(random, snr_db) }
                });
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            print!("  {code} {snr_db:2} dB: {:3} / {} / {}", sums[0], sums[1], sums[2]);
        }
        println!();
    }
}

fn progress_off_values() {
    println!(
        "\nus busy: % told by deviation of frequency, %, then of cadence, %, at 10 dB SNR, worse side"
    );
    let plan = TonePlan::find("us").expect("built in");
    let told = |exchange: Exchange| draws(plan, Name::Busy, 60, |_| exchange)[0] as f32 / 0.6;
    let quiet = Exchange { snr_db: 10.0, ms: 5000, ..EXCHANGE };
    for off in [1.0, 1.5, 2.0, 2.5, 3.0, 3.5] {
        let at = |hz| told(Exchange { hz, ..quiet });
        print!("  {off}: {:.0}", at(1.0 - off / 100.0).min(at(1.0 + off / 100.0)));
    }
    println!();
    for off in [5.0, 10.0, 12.5, 15.0, 20.0, 25.0] {
        let at = |cadence| told(Exchange { cadence, ..quiet });
        print!("  {off}: {:.0}", at(1.0 - off / 100.0).min(at(1.0 + off / 100.0)));
    }
    println!();
}

fn talk_off(files: impl Iterator<Item = String>) {
    let plans =
        ["us", "uk", "de", "fr", "in", "nz"].map(|code| TonePlan::find(code).expect("built in"));
    let (mut seconds, mut fax_hits, mut hits) = (0, 0, [0; 6]);
    for path in files {
        let Some(file) = std::fs::read(&path).ok().and_then(|octets| wav::parse(&octets).ok())
        else {
            println!("{path}: not a WAV file that can be read");
            continue;
        };
        seconds += file.samples.len() / 8000;
        fax::Detector::new().process(&file.samples, |event| {
            if matches!(event, fax::Event::Began { .. }) {
                fax_hits += 1;
                println!("  {path}: {event:?}");
            }
        });
        for (plan, hits) in plans.iter().zip(&mut hits) {
            progress::Detector::new(plan).process(&file.samples, |event| {
                if let progress::Event::Began { name, start, .. } = event {
                    *hits += 1;
                    println!("  {path}: {} {name} at {} ms", plan.code, start / 8);
                }
            });
        }
    }
    if seconds > 0 {
        println!(
            "\ntalk-off in {:.2} h: fax and modem {fax_hits}, progress",
            seconds as f32 / 3600.0
        );
        plans.iter().zip(hits).for_each(|(plan, hits)| print!("  {} {hits}", plan.code));
        println!();
    }
}
