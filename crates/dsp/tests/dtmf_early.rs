//! Muting: how soon a key is suspected, and how soon it no longer is.

mod common;

use common::{Random, Signal};
use tipring_dsp::dtmf::{Detector, Digit};

/// Samples of a block, as the media engine hands them over.
const BLOCK: usize = 40;

/// For each sample whether it is muted: whether the detector suspects a digit after its block.
fn muted(samples: &[i16]) -> Vec<bool> {
    let mut detector = Detector::new();
    let mut muted = vec![];
    for block in samples.chunks(BLOCK) {
        detector.process(block, |_| {});
        muted.extend(block.iter().map(|_| detector.suspects()));
    }
    muted
}

/// A key of this length in next to silence, and where it begins.
fn press(random: &mut Random, digit: Digit, samples: usize) -> (Vec<i16>, usize) {
    let at = 800 + (random.unit() * 160.0) as usize;
    let mut signal = Signal::silence(2400);
    let (low, high) = digit.frequencies();
    let level = -8.0 - 20.0 * random.unit();
    signal.tone(random, at, samples, low, level - 2.0);
    signal.tone(random, at, samples, high, level);
    signal.noise(random, level - 35.0);
    (signal.through_mu_law(), at)
}

#[test]
fn no_more_than_10_ms_of_a_key_out_of_quiet_go_by_unmuted() {
    let mut random = Random::new(0xEA1);
    for digit in Digit::all() {
        for _ in 0..20 {
            let (samples, at) = press(&mut random, digit, 400);
            let leaked = muted(&samples)[at..at + 400].iter().filter(|muted| !**muted).count();
            assert!(leaked <= 80, "{leaked} samples of {digit:?}");
        }
    }
}

#[test]
fn what_was_too_short_for_a_key_is_muted_no_longer_than_25_ms_after_it() {
    let mut random = Random::new(0xEA2);
    for digit in Digit::all() {
        for _ in 0..10 {
            let (samples, at) = press(&mut random, digit, 120);
            assert!(muted(&samples)[at + 120 + 200..].iter().all(|muted| !muted), "{digit:?}");
        }
    }
}

#[test]
fn damped_swings_and_pulses_are_not_muted() {
    let mut random = Random::new(0xEA3);
    let mut signal = Signal::silence(80_000);
    for n in 0..80 {
        let at = n * 1000 + (random.unit() * 100.0) as usize;
        for (low, high) in [(600.0, 1000.0), (1100.0, 1700.0)] {
            let hz = low + (high - low) * random.unit();
            let damping = std::f32::consts::PI * (60.0 + 60.0 * random.unit()) / 8000.0;
            for (pulse, strength) in [(0, 1.0), (72, 0.9), (144, 0.8), (216, 0.7)] {
                for n in 0..400 {
                    let turns = hz * n as f32 / 8000.0;
                    let swing = (-damping * n as f32).exp() * (std::f32::consts::TAU * turns).sin();
                    signal.0[at + pulse + n] += 4000.0 * strength * swing;
                }
            }
        }
    }
    assert_eq!(muted(&signal.through_mu_law()).iter().filter(|muted| **muted).count(), 0);
}
