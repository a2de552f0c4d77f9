//! The tests of ITU-T G.168 §6.4, on lines made here: hybrids of several shapes, µ-law both ways.
//! `cargo run --release -p tipring-dsp --example echo` prints the figures of many more.

#[path = "../common/mod.rs"]
mod common;
mod line;

use line::{
    Hybrid, Run, answer_tone, composite, erle_db, keys, level_to, mu, noise, sine, speech, v21,
};
use proptest::prelude::*;
use tipring_dsp::echo::{EchoCanceller, Options, Tail};

const S: usize = 8000;

/// A call without non-linear processor, as most tests want it.
fn linear(tail: Tail) -> Run {
    Run::new(EchoCanceller::new(tail, Options { suppressor: false, ..Options::default() }))
}

fn complete(tail: Tail) -> Run {
    Run::new(EchoCanceller::new(tail, Options::default()))
}

/// Far end of the standard level.
fn source(seed: u64, seconds: f32) -> Vec<f32> {
    composite(seed, (seconds * 8000.0) as usize, -10.0, true)
}

#[test]
fn test_2a_it_converges_on_every_hybrid_loss_and_level() {
    for (seed, erl_db) in [(1, 6.0), (2, 12.0), (3, 20.0), (4, 8.0)] {
        for dbm0 in [0.0, -10.0, -20.0, -30.0] {
            let hybrid = Hybrid::new(seed, 3.0, erl_db);
            let mut run = linear(Tail::Ms16);
            run.go(&hybrid, &composite(seed, 3 * S, dbm0, true), &[]);
            let (left, best) = (run.erle_db(2.0, 3.0), run.oracle_db(2.0, 3.0));
            assert!(left > best - 3.0, "hybrid {seed}, {dbm0} dBm0: {left} dB of {best}");
            let time = run.time_to_20_db();
            assert!(dbm0 < -10.0 || time <= 0.2, "hybrid {seed}, {dbm0} dBm0: {time} s");
        }
    }
}

#[test]
fn test_2a_a_long_tail_converges_in_half_a_second() {
    for (tail, delay_ms) in [(Tail::Ms32, 12.0), (Tail::Ms64, 37.0), (Tail::Ms128, 80.0)] {
        let mut run = linear(tail);
        run.go(&Hybrid::new(5, delay_ms, 8.0), &source(5, 3.0), &[]);
        let (time, left) = (run.time_to_20_db(), run.erle_db(2.0, 3.0));
        let most = if tail == Tail::Ms128 { 1.0 } else { 0.55 };
        assert!(time <= most && left > 32.0, "{tail:?}: 20 dB after {time} s, then {left} dB");
    }
}

#[test]
fn test_2a_speech_converges_to_within_8_db_of_the_oracle() {
    for seed in 1..4 {
        let mut run = linear(Tail::Ms16);
        run.go(&Hybrid::new(seed, 3.0, 10.0), &speech(seed, 5 * S, -12.0), &[]);
        let (left, best) = (run.erle_db(3.0, 5.0), run.oracle_db(3.0, 5.0));
        assert!(left > best - 8.0, "seed {seed}: {left} dB of {best}");
    }
}

#[test]
fn test_2a_the_suppressor_leaves_nothing_after_a_second() {
    for (seed, erl_db) in [(1, 6.0), (2, 12.0), (3, 20.0)] {
        let mut run = complete(Tail::Ms16);
        run.go(&Hybrid::new(seed, 3.0, erl_db), &source(seed, 4.0), &[]);
        let peak = run.peak_dbm0(1.0);
        assert!(peak <= -65.0, "hybrid {seed}: {peak} dBm0");
    }
}

#[test]
fn test_2b_a_new_path_is_learnt_in_a_third_of_a_second() {
    for seed in 1..4 {
        let mut run = linear(Tail::Ms16);
        run.go(&Hybrid::new(seed, 3.0, 6.0), &source(seed, 4.0), &[]);
        run.go(&Hybrid::new(seed + 50, 4.0, 8.0), &source(seed + 9, 2.0), &[]);
        let (time, left) = (run.time_to_20_db(), run.erle_db(1.0, 2.0));
        assert!(time <= 0.35 && left > 30.0, "seed {seed}: {time} s, then {left} dB");
    }
}

#[test]
fn tests_2c_and_9_noise_goes_on_behind_the_suppressor_at_its_level() {
    for dbm0 in [-40.0, -50.0] {
        let mut run = complete(Tail::Ms16);
        let hybrid = Hybrid::new(6, 3.0, 10.0);
        run.go(&hybrid, &[0.0; 2 * S], &noise(3, 2 * S, dbm0));
        run.go(&hybrid, &source(6, 5.0), &noise(4, 5 * S, dbm0));
        let level = run.level_dbm0(1.0, 5.0);
        assert!((level - dbm0).abs() < 2.0, "noise of {dbm0} dBm0 came out at {level}");
    }
}

#[test]
fn test_3a_a_weak_near_end_comes_through_the_suppressor() {
    let mut run = complete(Tail::Ms16);
    let hybrid = Hybrid::new(7, 3.0, 8.0);
    run.go(&hybrid, &source(7, 3.0), &[]);
    let near = speech(8, 3 * S, -28.0);
    run.go(&hybrid, &source(9, 3.0), &near);
    let kept = erle_db(&near, &run.rest);
    assert!(kept > 10.0, "the near end came out {kept} dB above what was done to it");
}

/// A near end 5 dB below the far end. `docs/dsp/echo.md` has the figures of one 5 dB above it.
#[test]
fn test_3b_a_near_end_5_db_below_the_far_end_does_no_harm() {
    for (seed, erl_db) in [(1, 6.0), (2, 12.0), (3, 20.0)] {
        for tail in [Tail::Ms16, Tail::Ms64] {
            let hybrid = Hybrid::new(seed, 3.0, erl_db);
            let mut run = linear(tail);
            run.go(&hybrid, &source(seed, 3.0), &[]);
            run.go(&hybrid, &source(seed + 1, 3.0), &speech(seed + 20, 3 * S, -15.0));
            run.go(&hybrid, &source(seed + 2, 0.5), &[]);
            let left = run.erle_db(0.0, 0.2);
            assert!(left > 28.0, "{tail:?}, hybrid {seed}: {left} dB after double talk");
        }
    }
}

#[test]
fn test_3c_a_conversation_stays_without_echo() {
    let hybrid = Hybrid::new(9, 3.0, 8.0);
    let mut run = complete(Tail::Ms16);
    run.go(&hybrid, &speech(1, 4 * S, -14.0), &[]);
    for turn in 0..3 {
        let near = speech(turn + 60, 2 * S, -16.0);
        run.go(&hybrid, &speech(turn + 30, 2 * S, -18.0), &near);
        assert!(erle_db(&near, &run.rest) > 15.0, "turn {turn}: the near end was hurt");
        run.go(&hybrid, &speech(turn + 40, 2 * S, -14.0), &[]);
        let level = run.level_dbm0(0.0, 2.0);
        assert!(level < -60.0, "turn {turn}: {level} dBm0 of echo");
    }
}

#[test]
fn test_4_two_minutes_of_silence_are_not_forgotten_over() {
    let hybrid = Hybrid::new(10, 3.0, 8.0);
    let mut run = linear(Tail::Ms16);
    run.go(&hybrid, &source(1, 2.0), &[]);
    let before = run.erle_db(1.0, 2.0);
    for _ in 0..12 {
        run.go(&hybrid, &vec![0.0; 10 * S], &[]);
    }
    run.go(&hybrid, &source(2, 0.3), &[]);
    let after = run.erle_db(0.0, 0.2);
    assert!(after > before - 10.0, "{before} dB before, {after} dB after");
}

#[test]
fn test_5_an_open_path_gets_no_echo_made() {
    let mut run = linear(Tail::Ms16);
    run.go(&Hybrid::new(11, 3.0, 8.0), &source(1, 3.0), &[]);
    run.go(&Hybrid::open(), &source(2, 2.0), &[]);
    let level = run.level_dbm0(1.0, 2.0);
    assert!(level < -60.0, "{level} dBm0 of echo made after a second");
}

#[test]
fn tests_6_and_8_tones_and_signalling_teach_nothing_wrong() {
    // Single tones, the line signals of No. 5, the continuity check of No. 7, keys, and V.21.
    let signals: [(&str, Vec<f32>); 7] = [
        ("1004 Hz", sine(1004.0, 3 * S, -10.0)),
        ("404 Hz", sine(404.0, 3 * S, -10.0)),
        ("2400 Hz", sine(2400.0, 3 * S, -9.0)),
        ("2600 Hz", sine(2600.0, 3 * S, -9.0)),
        ("2000 Hz", sine(2000.0, 3 * S, -12.0)),
        ("DTMF", keys(3 * S, -12.0)),
        ("V.21", v21(4, 3 * S, -12.0)),
    ];
    for (name, signal) in signals {
        for tail in [Tail::Ms16, Tail::Ms64] {
            let hybrid = Hybrid::new(12, 3.0, 8.0);
            let mut run = linear(tail);
            run.go(&hybrid, &source(1, 4.0), &[]);
            let before = run.erle_db(3.0, 4.0);
            run.go(&hybrid, &signal, &[]);
            run.go(&hybrid, &source(2, 0.4), &[]);
            let after = run.erle_db(0.0, 0.2);
            assert!(after > before - 3.0, "{tail:?}, {name}: from {before} to {after} dB");
        }
    }
}

#[test]
fn test_7_it_never_makes_an_echo_louder() {
    for seed in 1..4 {
        let hybrid = Hybrid::new(seed, 3.0, 6.0);
        let mut run = linear(Tail::Ms64);
        // From nothing on a tone, then speech with a near end from the start, then alone.
        run.go(&hybrid, &sine(600.0 + 433.0 * seed as f32, 2 * S, -5.0), &[]);
        let tone = run.erle_db(0.5, 2.0);
        run.go(&hybrid, &speech(seed, 3 * S, -10.0), &speech(seed + 5, 3 * S, -15.0));
        let both = run.erle_db(0.0, 3.0);
        run.go(&hybrid, &speech(seed + 9, 2 * S, -10.0), &[]);
        let alone = run.erle_db(0.0, 2.0);
        assert!(tone > 0.0 && both > 0.0 && alone > 3.0, "{seed}: {tone}, {both}, {alone} dB");
    }
}

#[test]
fn test_7_a_line_without_echo_lets_the_near_end_through_as_it_is() {
    let seconds = 8;
    for seed in 1..4 {
        let near = speech(seed + 70, seconds * S, -18.0);
        let best = erle_db(&near, &difference(&mu_of(&near), &near));
        for (name, far) in [
            ("noise, -20 dBm0", noise(seed, seconds * S, -20.0)),
            ("noise, -30 dBm0", noise(seed, seconds * S, -30.0)),
            ("speech, -20 dBm0", speech(seed, seconds * S, -20.0)),
        ] {
            for (tail, suppressor) in [(Tail::Ms16, false), (Tail::Ms64, false), (Tail::Ms16, true)]
            {
                let options = Options { suppressor, ..Options::default() };
                let mut run = Run::new(EchoCanceller::new(tail, options));
                run.go(&Hybrid::open(), &far, &near);
                let kept = erle_db(&near, &run.rest);
                // The suppressor holds back what of the near end is far below the far end.
                let least = if suppressor { 22.0 } else { best - 0.5 };
                assert!(
                    kept > least,
                    "{name}, seed {seed}, {tail:?}, suppressor {suppressor}: {kept} dB of {best}"
                );
            }
        }
    }
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[test]
fn tests_10_and_14_a_modem_takes_the_canceller_out_and_quiet_brings_it_back() {
    for (hz, dbm0) in [(2100.0, -12.0), (2085.0, -28.0), (2115.0, -20.0)] {
        for from_near in [false, true] {
            let mut run = complete(Tail::Ms16);
            let tone = answer_tone(hz, S + 400, dbm0, true);
            let (far, near) = if from_near { (vec![0.0; S + 400], tone) } else { (tone, vec![]) };
            run.go(&Hybrid::new(1, 3.0, 20.0), &far, &near);
            assert!(run.canceller.report().disabled, "{hz} Hz, {dbm0} dBm0 from near: {from_near}");
            run.go(&Hybrid::new(1, 3.0, 20.0), &source(3, 1.0), &[]);
            assert_eq!(run.out, mu_of(&run.echo), "what is disabled must not touch a sample");
            run.go(&Hybrid::open(), &[0.0; 4000], &[]);
            assert!(!run.canceller.report().disabled, "half a second of quiet");
        }
    }
}

/// A line with echo that an answer tone took the canceller out of.
fn disabled() -> Run {
    let mut run = complete(Tail::Ms16);
    run.go(&Hybrid::new(1, 3.0, 8.0), &source(3, 2.0), &[]);
    run.go(&Hybrid::new(1, 3.0, 8.0), &answer_tone(2100.0, S + 400, -12.0, true), &[]);
    assert!(run.canceller.report().disabled);
    run
}

#[test]
fn a_canceller_that_is_out_does_not_suppress() {
    assert!(!disabled().canceller.report().suppressing);
}

#[test]
fn without_the_tone_disabler_a_canceller_that_was_out_works_again() {
    let mut run = disabled();
    let options = run.canceller.options();
    run.canceller.set_options(Options { tone_disabler: false, ..options });
    assert!(!run.canceller.report().disabled);
    run.canceller.set_options(options);
    run.go(&Hybrid::new(1, 3.0, 8.0), &source(4, 1.0), &[]);
    let (left, out) = (run.erle_db(0.5, 1.0), run.canceller.report().disabled);
    assert!(!out && left > 30.0, "disabled: {out}, {left} dB");
}

#[test]
fn noise_is_unknown_before_the_first_block() {
    let mut canceller = EchoCanceller::new(Tail::Ms8, Options::default());
    assert_eq!(canceller.report().noise_dbm0, None);
    canceller.process(&[0; 64], &mut [0; 64]);
    assert!(canceller.report().noise_dbm0.is_some_and(|noise| noise < -60.0));
}

fn mu_of(signal: &[f32]) -> Vec<f32> {
    mu(signal).iter().map(|x| f32::from(*x)).collect()
}

#[test]
fn nothing_but_reversals_at_2100_hz_takes_the_canceller_out() {
    let signals = [
        answer_tone(2100.0, 4 * S, -12.0, false),
        answer_tone(2040.0, 4 * S, -12.0, true),
        answer_tone(2160.0, 4 * S, -12.0, true),
        answer_tone(2100.0, 4 * S, -36.0, true),
        speech(5, 10 * S, -10.0),
        noise(5, 10 * S, -10.0),
        keys(4 * S, -7.0),
    ];
    for (at, signal) in signals.iter().enumerate() {
        let mut run = complete(Tail::Ms8);
        run.go(&Hybrid::open(), signal, &[]);
        assert!(!run.canceller.report().disabled, "signal {at}");
    }
}

#[test]
fn test_15_an_offset_of_the_coder_changes_nothing() {
    let hybrid = Hybrid::new(13, 3.0, 8.0);
    let mut run = linear(Tail::Ms16);
    let offset = vec![60.0; 5 * S];
    run.go(&hybrid, &source(1, 5.0), &offset);
    let left: Vec<f32> = run.out[4 * S..].to_vec();
    let mean = left.iter().sum::<f32>() / S as f32;
    let left: Vec<f32> = left.iter().map(|x| x - mean).collect();
    let erle = erle_db(&run.echo[4 * S..], &left);
    assert!(erle > 30.0, "{erle} dB beside the offset");
}

#[test]
fn the_meters_tell_what_the_line_is_like() {
    for erl_db in [6.0, 12.0, 20.0] {
        let mut run = linear(Tail::Ms16);
        let mut far = noise(1, 4 * S, -10.0);
        level_to(&mut far, -10.0);
        run.go(&Hybrid::new(14, 3.0, erl_db), &far, &[]);
        let report = run.canceller.report();
        let (erl, erle) = (report.erl_db.expect("echo"), report.erle_db.expect("echo"));
        let truth = run.erle_db(2.0, 4.0);
        assert!((erl - erl_db).abs() < 1.5, "ERL of {erl_db} dB read as {erl}");
        assert!((erle - truth).abs() < 2.0, "ERLE of {truth} dB read as {erle}");
        assert!(!report.double_talk && !report.disabled);
    }
}

#[test]
fn test_9_comfort_noise_has_the_colour_of_the_background() {
    // Noise that falls 12 dB from 300 to 3,400 Hz, as Hoth's does.
    let colour = |seed, samples| {
        let mut state = 0.0;
        let mut out: Vec<f32> = noise(seed, samples, -40.0)
            .iter()
            .map(|x| {
                state = 0.6 * state + x;
                state
            })
            .collect();
        level_to(&mut out, -42.0);
        out
    };
    let mut run = complete(Tail::Ms16);
    let hybrid = Hybrid::new(6, 3.0, 10.0);
    run.go(&hybrid, &[0.0; 2 * S], &colour(3, 2 * S));
    run.go(&hybrid, &source(6, 5.0), &colour(4, 5 * S));
    assert!(run.canceller.report().noise_dbm0.is_some_and(|noise| noise < -38.0));
    for (low, high) in [(200.0, 900.0), (900.0, 1700.0), (1700.0, 2600.0), (2600.0, 3500.0)] {
        let [heard, meant] =
            [&run.out[S..5 * S], &colour(4, 5 * S)[S..]].map(|x| band_db(x, low, high));
        assert!((heard - meant).abs() < 3.0, "{low}-{high} Hz: {heard} dB for {meant}");
    }
}

/// Power between two frequencies, dB of whatever.
fn band_db(x: &[f32], low: f32, high: f32) -> f32 {
    let power: f32 = x
        .chunks_exact(160)
        .map(|frame| {
            let bins = (low / 50.0) as usize..(high / 50.0) as usize;
            let bin = |k: usize| {
                let (mut re, mut im) = (0.0, 0.0);
                for (n, x) in frame.iter().enumerate() {
                    let phase = std::f32::consts::TAU * ((k * n) % 160) as f32 / 160.0;
                    re += x * phase.cos();
                    im += x * phase.sin();
                }
                re * re + im * im
            };
            bins.map(bin).sum::<f32>()
        })
        .sum();
    10.0 * power.log10()
}

#[test]
fn test_13_a_coder_of_low_rate_in_the_path_does_no_harm() {
    // The echo comes back with noise 18 dB below it that follows its loudness, as an ADPCM coder's does.
    let hybrid = Hybrid::new(15, 3.0, 8.0);
    let mut run = linear(Tail::Ms32);
    let far = source(1, 5.0);
    let echo = hybrid.echo(&mu(&far));
    let hiss = noise(2, far.len(), 0.0);
    let unit = (hiss.iter().map(|x| x * x).sum::<f32>() / hiss.len() as f32).sqrt();
    let near: Vec<f32> = echo.iter().zip(&hiss).map(|(e, h)| 0.126 * e.abs() * h / unit).collect();
    run.go(&hybrid, &far, &near);
    let heard = erle_db(&run.echo[2 * S..], &run.out[2 * S..]);
    assert!(heard > 15.0, "{heard} dB where 18 are to be had");
}

#[test]
fn test_14_modems_talking_both_ways_do_not_spoil_the_filter() {
    let hybrid = Hybrid::new(16, 3.0, 10.0);
    let mut run = linear(Tail::Ms16);
    run.go(&hybrid, &source(1, 3.0), &[]);
    let near: Vec<f32> = sine(1080.0, 3 * S, -16.0);
    run.go(&hybrid, &v21(7, 3 * S, -14.0), &near);
    run.go(&hybrid, &source(2, 0.5), &[]);
    let left = run.erle_db(0.0, 0.3);
    assert!(left > 25.0, "{left} dB after the modems");
}

#[test]
fn a_reset_canceller_is_a_new_one() {
    let hybrid = Hybrid::new(17, 12.0, 8.0);
    let mut used = complete(Tail::Ms32);
    used.go(&hybrid, &source(1, 2.1), &noise(1, 2 * S, -45.0));
    let (mut old, mut new) = (used.canceller, EchoCanceller::new(Tail::Ms32, Options::default()));
    old.reset();
    let far = mu(&source(5, 2.0));
    let line = mu(&hybrid.echo(&far));
    let (mut a, mut b) = (line.clone(), line);
    old.process(&far, &mut a);
    new.process(&far, &mut b);
    assert!(a == b && old.report() == new.report());
}

#[test]
fn a_frozen_canceller_learns_nothing_and_forgets_nothing() {
    let hybrid = Hybrid::new(18, 3.0, 8.0);
    let mut run = linear(Tail::Ms16);
    run.canceller.freeze(true);
    run.go(&hybrid, &source(1, 1.0), &[]);
    assert!(run.erle_db(0.0, 1.0).abs() < 0.1, "it learnt");
    run.canceller.freeze(false);
    run.go(&hybrid, &source(2, 2.0), &[]);
    let known = run.erle_db(1.0, 2.0);
    run.canceller.freeze(true);
    run.go(&Hybrid::new(19, 3.0, 8.0), &source(3, 2.0), &[]);
    run.go(&hybrid, &source(4, 1.0), &[]);
    let kept = run.erle_db(0.0, 1.0);
    assert!(known > 30.0 && kept > known - 3.0, "{known} dB before, {kept} dB after");
}

#[test]
fn options_change_in_the_middle_of_a_call() {
    let hybrid = Hybrid::new(20, 3.0, 8.0);
    let mut run = linear(Tail::Ms16);
    run.go(&hybrid, &source(1, 2.0), &[]);
    let bare = run.level_dbm0(1.0, 2.0);
    run.canceller.set_options(Options { comfort_noise: false, ..Options::default() });
    assert!(run.canceller.options().suppressor);
    run.go(&hybrid, &source(2, 2.0), &[]);
    let covered = run.level_dbm0(1.0, 2.0);
    assert!(bare > -60.0 && covered < -80.0, "{bare} dBm0 without the suppressor, {covered} with");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_matters_not_how_the_stream_is_cut_nor_what_is_in_it(
        far in prop::collection::vec(any::<i16>(), 0..1500),
        near in prop::collection::vec(any::<i16>(), 0..1500),
        cut in 1usize..200,
        tail in 0usize..5,
    ) {
        let count = far.len().min(near.len());
        let mut whole = EchoCanceller::new(Tail::ALL[tail], Options::default());
        let mut parts = whole.clone();
        let (mut a, mut b) = (near[..count].to_vec(), near[..count].to_vec());
        whole.process(&far, &mut a);
        for (far, near) in far[..count].chunks(cut).zip(b.chunks_mut(cut)) {
            parts.process(far, near);
        }
        prop_assert_eq!(a, b);
        prop_assert_eq!(whole.report(), parts.report());
    }
}
