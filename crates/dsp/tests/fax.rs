//! Signals of fax machines and modems, through µ-law, at random phase and alignment.

mod common;
#[path = "common/modem.rs"]
mod modem;

use common::{Random, Signal};
use modem::{ANS_REVERSED, ANSAM, ANSAM_REVERSED, AT, CED, CNG, Call, events};
use proptest::prelude::*;
use tipring_dsp::{
    fax::{self, CallFunction, Detector, Event},
    level,
};

/// Signals of each kind.
const TRIALS: u64 = 10;

impl Call {
    #[track_caller]
    fn is_always(self, signals: &[fax::Signal]) {
        for (trial, told) in self.told(TRIALS).iter().enumerate() {
            assert_eq!(told, signals, "trial {trial}");
        }
    }
}

/// What answer tones are told to be first and last.
#[track_caller]
fn ends_as(call: Call, last: fax::Signal) {
    for (trial, told) in call.told(TRIALS).iter().enumerate() {
        assert_eq!(told.first(), Some(&fax::Signal::Ans), "trial {trial}");
        assert_eq!(told.last(), Some(&last), "trial {trial}: {told:?}");
    }
}

#[test]
fn calling_and_answer_tones_are_heard_at_8_db_snr_and_at_minus_46_dbm0() {
    for (snr_db, dbm0) in [(8.0, -20.0), (8.0, -38.0), (30.0, -46.0), (30.0, 0.0)] {
        let at = |call: Call| Call { snr_db, dbm0, ..call };
        at(CNG).is_always(&[fax::Signal::Cng]);
        at(Call { hz: 1300.0, ..CNG }).is_always(&[fax::Signal::CallingTone]);
        at(Call { hz: 2225.0, ..CNG }).is_always(&[fax::Signal::BellAnswer]);
        at(CED).is_always(&[fax::Signal::Ans]);
        ends_as(at(ANS_REVERSED), fax::Signal::AnsReversed);
        ends_as(at(ANSAM), fax::Signal::Ansam);
        ends_as(at(ANSAM_REVERSED), fax::Signal::AnsamReversed);
    }
}

#[test]
fn nothing_below_minus_51_dbm0_is_heard() {
    for call in [CNG, CED, ANSAM_REVERSED] {
        Call { dbm0: -51.0, ..call }.is_always(&[]);
    }
}

#[test]
fn frequencies_within_the_tolerance_are_heard_and_those_beyond_not() {
    for off in [-38.0, -20.0, 20.0, 38.0] {
        Call { hz: 1100.0 + off, snr_db: 8.0, ..CNG }.is_always(&[fax::Signal::Cng]);
    }
    for off in [-120.0, -90.0, -70.0, 70.0, 90.0, 120.0] {
        Call { hz: 1100.0 + off, ..CNG }.is_always(&[]);
        Call { hz: 1100.0 + off, snr_db: 8.0, ..CNG }.is_always(&[]);
    }
    for off in [-21.0, -10.0, 10.0, 21.0] {
        Call { hz: 2100.0 + off, snr_db: 8.0, ..CED }.is_always(&[fax::Signal::Ans]);
        ends_as(Call { hz: 2100.0 + off, ..ANSAM_REVERSED }, fax::Signal::AnsamReversed);
    }
    for off in [-100.0, -80.0, -60.0, 60.0, 80.0] {
        Call { hz: 2100.0 + off, ..CED }.is_always(&[]);
        Call { hz: 2100.0 + off, snr_db: 8.0, ..ANSAM_REVERSED }.is_always(&[]);
    }
}

#[test]
fn cng_is_told_within_300_ms_ced_within_250_and_reversals_within_1000() {
    for snr_db in [8.0, 30.0] {
        for (call, wanted, ms) in [
            (CNG, fax::Signal::Cng, 300),
            (CED, fax::Signal::Ans, 250),
            (ANS_REVERSED, fax::Signal::AnsReversed, 1000),
            (ANSAM_REVERSED, fax::Signal::AnsamReversed, 1000),
            (ANSAM, fax::Signal::Ansam, 1000),
        ] {
            for seed in 0..TRIALS {
                let heard = Call { snr_db, ..call }.heard(seed);
                let told = heard.iter().find(|(_, event)| {
                    matches!(event, Event::Began { signal, .. } | Event::Became { signal, .. }
                        if *signal == wanted)
                });
                // The beginning is up to 64 samples before `AT`.
                let (told, _) = told.expect("it is heard");
                assert!(*told < (AT + ms * 8 - 64) as u64, "{wanted:?} at {snr_db} dB: {told}");
            }
        }
    }
}

#[test]
fn start_length_level_and_frequency_are_told() {
    for snr_db in [8.0, 30.0] {
        for (call, hz) in [(CNG, 1131.0), (CED, 2087.0), (ANS_REVERSED, 2100.0), (ANSAM, 2112.0)] {
            for seed in 0..TRIALS {
                let call = Call { hz, snr_db, ..call };
                let mut random = Random::new(seed * 31 + 5);
                let samples = call.signal(&mut random);
                let offset = AT + call.ms * 8 + 3000 - samples.len();
                let heard = events(&samples);
                let Some((_, Event::Ended { start, samples, level_dbm0, hz: told, .. })) =
                    heard.last()
                else {
                    panic!("it ends: {heard:?}");
                };
                let late = *start as i64 - (AT - offset) as i64;
                let longer = *samples as i64 - (call.ms * 8) as i64;
                let most = if snr_db < 20.0 { 40 } else { 16 };
                assert!(late.abs() <= most, "{hz} Hz: {late} samples late");
                assert!(longer.abs() <= 2 * most, "{hz} Hz: {longer} samples longer");
                assert!((level_dbm0 + 20.0).abs() < 0.7, "{hz} Hz: {level_dbm0} dBm0");
                assert!((told - hz).abs() < 2.5, "{hz} Hz: {told}");
            }
        }
    }
}

#[test]
fn only_a_reversal_of_the_phase_is_one() {
    // G.168 §7: 180° ± 25° must do; 110° must not.
    for degrees in [155.0, 205.0] {
        ends_as(Call { jump: degrees / 360.0, ..ANS_REVERSED }, fax::Signal::AnsReversed);
    }
    for degrees in [45.0, 90.0, 110.0, 250.0] {
        ends_as(Call { jump: degrees / 360.0, snr_db: 15.0, ..ANS_REVERSED }, fax::Signal::Ans);
    }
}

#[test]
fn a_reversal_is_told_where_it_was() {
    for seed in 0..TRIALS {
        let call = ANS_REVERSED;
        let mut random = Random::new(seed + 900);
        let samples = call.signal(&mut random);
        let offset = AT + call.ms * 8 + 3000 - samples.len();
        let at = events(&samples).iter().find_map(|(_, event)| match event {
            Event::Became { at, .. } => Some(*at),
            _ => None,
        });
        let late = at.expect("it is heard") as i64 - (AT + 450 * 8 - offset) as i64;
        assert!(late.abs() <= 8, "{late}");
    }
}

#[test]
fn short_bursts_are_nothing() {
    for ms in [50, 100, 150] {
        Call { ms, ..CNG }.is_always(&[]);
        Call { ms, ..CED }.is_always(&[]);
    }
}

/// Bits at 300 Bd in a channel of V.21, of continuous phase, from `at` on.
fn v21(signal: &mut Signal, at: usize, bits: &[bool], mark_hz: f64, dbm0: f32) {
    let peak = level::dbm0_to_peak(dbm0);
    let mut turns = 0.0;
    for n in 0..bits.len() * 80 / 3 {
        let hz = if bits[n * 3 / 80] { mark_hz } else { mark_hz + 200.0 };
        turns += hz / 8000.0;
        signal.0[at + n] += peak * (std::f64::consts::TAU * turns).sin() as f32;
    }
}

fn flags(count: usize) -> Vec<bool> {
    [false, true, true, true, true, true, true, false].repeat(count)
}

/// Start bit, octet, stop bit.
fn octet(value: u8) -> impl Iterator<Item = bool> {
    let bits = (0..8).map(move |n| value >> n & 1 == 1);
    [false].into_iter().chain(bits).chain([true])
}

/// A menu of V.8, as it is repeated.
fn menu(sync: u8, octets: &[u8], times: usize) -> Vec<bool> {
    let mut bits = vec![true; 10];
    bits.extend(octet(sync));
    octets.iter().for_each(|value| bits.extend(octet(*value)));
    bits.repeat(times)
}

fn told_of_bits(bits: &[bool], mark_hz: f64, dbm0: f32, snr_db: f32) -> Vec<(u64, Event)> {
    let mut random = Random::new(4711);
    let mut signal = Signal::silence(AT + bits.len() * 27 + 4000);
    v21(&mut signal, AT, bits, mark_hz, dbm0);
    signal.noise(&mut random, dbm0 - snr_db);
    events(&signal.through_mu_law())
}

fn began(heard: &[(u64, Event)]) -> Vec<fax::Signal> {
    let began = |(_, event): &(u64, Event)| match event {
        Event::Began { signal, .. } => Some(*signal),
        Event::Became { .. } | Event::Ended { .. } => None,
    };
    heard.iter().filter_map(began).collect()
}

#[test]
fn the_flags_of_t_30_are_a_preamble_in_the_answerers_channel() {
    for (dbm0, snr_db) in [(-13.0, 30.0), (-46.0, 30.0), (-20.0, 8.0), (-20.0, 3.0)] {
        for off in [-8.0, 0.0, 8.0] {
            let heard = told_of_bits(&flags(30), 1650.0 + off, dbm0, snr_db);
            assert_eq!(
                began(&heard),
                [fax::Signal::Preamble],
                "{dbm0} dBm0, {snr_db} dB, {off} Hz"
            );
            let (told, _) = heard[0];
            assert!(told < (AT + 180 * 8) as u64, "{} ms", (told - AT as u64) / 8);
            let Some((_, Event::Ended { start, samples, level_dbm0, .. })) = heard.last() else {
                panic!("it ends");
            };
            assert!(start.abs_diff(AT as u64) < 200 && samples.abs_diff(30 * 640 / 3) < 400);
            assert!((level_dbm0 - dbm0).abs() < 2.5, "{level_dbm0}");
        }
    }
    assert_eq!(began(&told_of_bits(&flags(30), 980.0, -13.0, 30.0)), []);
}

#[test]
fn menus_of_v_8_are_told_with_their_call_function() {
    let ci = menu(0x00, &[0xC1], 4);
    let cm = menu(0xE0, &[0x81, 0x85, 0x10], 4);
    for snr_db in [30.0, 8.0] {
        let heard = told_of_bits(&ci, 980.0, -20.0, snr_db);
        assert_eq!(began(&heard), [fax::Signal::CallIndicator(CallFunction::Data)]);
        let heard = told_of_bits(&cm, 980.0, -20.0, snr_db);
        assert_eq!(began(&heard), [fax::Signal::CallMenu(CallFunction::T30Transmit)]);
        let heard = told_of_bits(&cm, 1650.0, -20.0, snr_db);
        assert_eq!(began(&heard), [fax::Signal::JointMenu(CallFunction::T30Transmit)]);
    }
}

#[test]
fn an_answer_tone_of_half_an_hour_is_one_tone_of_one_level() {
    let mut random = Random::new(31);
    let mut second = Signal::silence(8000);
    second.tone(&mut random, 0, 8000, 2100.0, -20.0);
    let second = second.through_mu_law();
    let (mut detector, mut heard) = (Detector::new(), vec![]);
    for _ in 0..1800 {
        detector.process(&second, |event| heard.push(event));
    }
    detector.process(&[0; 4000], |event| heard.push(event));
    let [Event::Began { .. }, Event::Ended { samples, level_dbm0, .. }] = heard[..] else {
        panic!("{heard:?}");
    };
    assert!(samples.abs_diff(1800 * 8000) < 160, "{samples}");
    assert!((level_dbm0 + 20.0).abs() < 0.3, "{level_dbm0}");
}

#[test]
fn a_signal_of_v_21_ends_when_another_follows_on_its_carrier() {
    let ci = fax::Signal::CallIndicator(CallFunction::Data);
    let cm = fax::Signal::CallMenu(CallFunction::T30Transmit);
    let mut bits = menu(0x00, &[0xC1], 4);
    bits.extend(menu(0xE0, &[0x81, 0x85, 0x10], 4));
    let heard = told_of_bits(&bits, 980.0, -20.0, 30.0);
    let [
        (_, Event::Began { signal: first, start, .. }),
        (_, Event::Ended { signal: over, start: same, samples, .. }),
        (_, Event::Began { signal: second, start: next, .. }),
        (_, Event::Ended { signal: last, .. }),
    ] = heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!([first, over, second, last], [ci, ci, cm, cm]);
    assert_eq!((start, start + samples), (same, next));
}

#[test]
fn digits_noise_and_glides_are_nothing() {
    let mut random = Random::new(99);
    let mut signal = Signal::silence(80_000);
    for n in 0..40 {
        let (low, high) =
            [(697.0, 1209.0), (941.0, 1336.0), (770.0, 1477.0), (852.0, 1633.0)][n % 4];
        signal.tone(&mut random, n * 1200, 800, low, -10.0);
        signal.tone(&mut random, n * 1200, 800, high, -8.0);
    }
    signal.noise(&mut random, -50.0);
    assert_eq!(events(&signal.through_mu_law()), []);
    for dbm0 in [-40.0, -20.0, -5.0] {
        let mut signal = Signal::silence(160_000);
        signal.noise(&mut random, dbm0);
        assert_eq!(events(&signal.through_mu_law()), []);
    }
    // From 300 to 3400 Hz in 10 s and back in 3.
    let mut turns = 0.0;
    let glide: Vec<i16> = (0..104_000)
        .map(|n| {
            let hz = if n < 80_000 {
                300.0 + 3100.0 * f64::from(n) / 8e4
            } else {
                3400.0 - 3100.0 * f64::from(n - 80_000) / 2.4e4
            };
            turns += hz / 8000.0;
            (9000.0 * (std::f64::consts::TAU * turns).sin()) as i16
        })
        .collect();
    assert_eq!(began(&events(&glide)), []);
}

#[test]
fn extremes_are_endured() {
    let square: Vec<i16> =
        (0..80_000).map(|n| if n / 4 % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
    events(&square);
    events(&[i16::MIN; 20_000]);
    events(&[]);
    assert_eq!(events(&[0; 20_000]), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn how_the_stream_is_cut_makes_no_difference(cut in 1usize..700, seed in 0u64..1000) {
        let mut random = Random::new(seed);
        let mut samples = Call { ms: 1200, ..ANSAM_REVERSED }.signal(&mut random);
        samples.extend(CNG.signal(&mut random));
        let mut whole = vec![];
        Detector::new().process(&samples, |event| whole.push(event));
        let mut pieces = vec![];
        let mut detector = Detector::new();
        for piece in samples.chunks(cut) {
            detector.process(piece, |event| pieces.push(event));
        }
        prop_assert!(whole.len() >= 4);
        prop_assert_eq!(whole, pieces);
    }
}
