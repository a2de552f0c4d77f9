//! Digits over hum, dial tone, ringing and busy tone that sound on: at no level does such a tone hide one.

mod common;

use common::{Random, Signal};
use tipring_dsp::{
    dtmf::{Detector, Digit, Event},
    g711::{self, Law},
};

/// Level of each tone of a digit.
const DBM0: f32 = -23.0;

fn digits(samples: &[i16]) -> String {
    let mut heard = String::new();
    Detector::new().process(samples, |event| {
        if let Event::Began { digit, .. } = event {
            heard.push(digit.as_char());
        }
    });
    heard
}

fn through(signal: &Signal, law: Law) -> Vec<i16> {
    let through = |x: &f32| {
        let rounded = x.round().clamp(-32768.0, 32767.0) as i16;
        g711::decode_sample(law, g711::encode_sample(law, rounded))
    };
    signal.0.iter().map(through).collect()
}

/// Digits of 50 and 100 ms over `tones`, each of `levels` dB relative to each tone of the digits, are all heard.
#[track_caller]
fn hide_no_digit(tones: &[f32], levels: &[f32]) {
    let mut random = Random::new(0x0B51DE);
    let mut missed = vec![];
    for &level in levels {
        for law in [Law::Mu, Law::A] {
            for ms in [50, 100] {
                let mut signal = Signal::silence(8000);
                let mut at = 1600;
                for digit in "159D".chars() {
                    at += (random.unit() * 160.0) as usize;
                    let (low, high) = Digit::from_char(digit).expect("a key").frequencies();
                    signal.tone(&mut random, at, ms * 8, low, DBM0);
                    signal.tone(&mut random, at, ms * 8, high, DBM0);
                    at += 1400;
                }
                for hz in tones {
                    signal.tone(&mut random, 0, 8000, *hz, DBM0 + level);
                }
                let heard = digits(&through(&signal, law));
                if heard != "159D" {
                    missed.push(format!("{law:?} {level} dB {ms} ms: {heard:?}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{tones:?}: {} {missed:#?}", missed.len());
}

const LEVELS: [f32; 17] = [
    -40.0, -30.0, -24.0, -20.0, -18.0, -16.0, -15.0, -14.0, -12.0, -10.0, -8.0, -6.0, -3.0, 0.0,
    3.0, 6.0, 10.0,
];

#[test]
fn dial_tones_hide_no_digit() {
    for tones in [&[350.0, 440.0][..], &[425.0], &[400.0], &[330.0, 440.0], &[400.0, 450.0]] {
        hide_no_digit(tones, &LEVELS);
    }
}

#[test]
fn ringing_and_busy_tones_hide_no_digit() {
    for tones in [&[440.0, 480.0][..], &[480.0, 620.0], &[450.0], &[500.0]] {
        hide_no_digit(tones, &LEVELS);
    }
}

#[test]
fn hum_hides_no_digit() {
    for tones in
        [&[50.0][..], &[60.0], &[100.0], &[120.0], &[150.0], &[50.0, 150.0], &[60.0, 180.0]]
    {
        hide_no_digit(tones, &LEVELS);
    }
}

#[test]
fn no_other_tone_up_to_620_hz_hides_a_digit() {
    for hz in [40.0, 200.0, 250.0, 300.0, 550.0, 580.0, 600.0, 620.0] {
        hide_no_digit(&[hz], &LEVELS);
    }
}

#[test]
fn a_dial_tone_10_db_below_that_stops_at_the_first_digit_hides_none() {
    let mut random = Random::new(0xD1A1);
    for stops_after in [0, 40, 100, 200, 400] {
        let mut signal = Signal::silence(16_000);
        for (n, digit) in "5551234".chars().enumerate() {
            let (low, high) = Digit::from_char(digit).expect("a key").frequencies();
            for hz in [low, high] {
                signal.tone(&mut random, 2003 + 1600 * n, 800, hz, -3.0);
            }
        }
        for hz in [350.0, 440.0] {
            signal.tone(&mut random, 0, 2003 + 800 + stops_after, hz, -13.0);
        }
        assert_eq!(digits(&signal.through_mu_law()), "5551234", "{stops_after}");
    }
}
