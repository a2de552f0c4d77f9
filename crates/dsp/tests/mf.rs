//! R1 signals through µ-law, at random phase and alignment.

mod common;

use common::{Random, Signal as Sound};
use proptest::prelude::*;
use tipring_dsp::mf::{Detector, Event, Generator, HZ, Signal};

fn events(samples: &[i16]) -> Vec<Event> {
    let mut events = vec![];
    Detector::new().process(samples, |event| events.push(event));
    events
}

fn signals(samples: &[i16]) -> String {
    events(samples).iter().map(|event| event.signal.as_char()).collect()
}

/// One signal with its levels and what its frequencies are off, in part of themselves.
fn sound(random: &mut Random, signal: Signal, ms: f32, dbm0: [f32; 2], off: f32) -> (Sound, usize) {
    let mut sound = Sound::silence(2400);
    let at = 800 + (random.unit() * 160.0) as usize;
    let (low, high) = signal.pair();
    let samples = (ms * 8.0) as usize;
    sound.tone(random, at, samples, HZ[low] * (1.0 + off), dbm0[0]);
    sound.tone(random, at, samples, HZ[high] * (1.0 + off), dbm0[1]);
    (sound, at)
}

#[test]
fn an_address_is_heard_as_it_is_sent() {
    let mut samples = vec![];
    let mut generator = Generator::new();
    let address = "K0123456789S";
    for c in address.chars() {
        generator.start(Signal::from_char(c).expect("a signal"));
        let mut block = [0; 40];
        while generator.is_sending() {
            let taken = generator.process(&mut block);
            samples.extend_from_slice(&block[..taken]);
        }
    }
    samples.extend([0; 400]);
    assert_eq!(signals(&samples), address);
}

#[test]
fn every_signal_is_heard_at_all_levels_twists_frequencies_and_in_noise() {
    let mut random = Random::new(0xF1);
    for signal in Signal::all() {
        for dbm0 in [[-7.0, -7.0], [0.0, 0.0], [-25.0, -25.0], [-7.0, -13.0], [-13.0, -7.0]] {
            for off in [-0.015, 0.0, 0.015] {
                let (mut sound, at) = sound(&mut random, signal, 68.0, dbm0, off);
                sound.noise(&mut random, dbm0[0].min(dbm0[1]) - 20.0);
                let heard = events(&sound.through_mu_law());
                assert_eq!(heard.len(), 1, "{signal:?} {dbm0:?} {off}");
                assert_eq!(heard[0].signal, signal);
                assert!(heard[0].start.abs_diff(at as u64) <= 20, "{} {at}", heard[0].start);
                assert!(heard[0].samples.abs_diff(544) <= 32, "{}", heard[0].samples);
            }
        }
    }
}

#[test]
fn short_signals_are_heard_from_32_ms_and_kp_from_56() {
    let mut random = Random::new(0xF2);
    for signal in Signal::all() {
        for (ms, expected) in [(20.0, 0), (24.0, 0), (32.0, 1), (40.0, 1), (56.0, 1)] {
            let expected = if signal == Signal::KP && ms < 55.0 { 0 } else { expected };
            let (sound, _) = sound(&mut random, signal, ms, [-7.0; 2], 0.0);
            assert_eq!(events(&sound.through_mu_law()).len(), expected, "{signal:?} {ms} ms");
        }
    }
}

#[test]
fn one_tone_three_tones_and_noise_are_no_signals() {
    let mut random = Random::new(0xF3);
    for tones in
        [&[700.0][..], &[1500.0], &[700.0, 900.0, 1100.0], &[350.0, 440.0], &[800.0, 1000.0]]
    {
        let mut sound = Sound::silence(8000);
        for hz in tones {
            sound.tone(&mut random, 400, 7000, *hz, -10.0);
        }
        assert_eq!(signals(&sound.through_mu_law()), "", "{tones:?}");
    }
    let mut sound = Sound::silence(80_000);
    sound.noise(&mut random, -15.0);
    assert_eq!(signals(&sound.through_mu_law()), "");
}

#[test]
fn names_and_pairs_agree() {
    for signal in Signal::all() {
        let (low, high) = signal.pair();
        assert_eq!(Signal::from_pair(low, high), Some(signal));
        assert_eq!(Signal::from_char(signal.as_char()), Some(signal));
    }
    let pair = |c| Signal::from_char(c).expect("a signal").pair();
    assert_eq!((pair('1'), pair('5'), pair('0')), ((0, 1), (1, 3), (3, 4)));
    assert_eq!((Signal::KP.pair(), Signal::ST.pair()), ((2, 5), (4, 5)));
    assert_eq!((Signal::from_char('X'), Signal::from_pair(2, 2)), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_samples_do_no_harm_and_blocks_make_no_difference(
        samples in prop::collection::vec(any::<i16>(), 0..2000), cut in 1usize..300
    ) {
        let mut pieces = vec![];
        let mut detector = Detector::new();
        for piece in samples.chunks(cut) {
            detector.process(piece, |event| pieces.push(event));
        }
        prop_assert_eq!(events(&samples), pieces);
    }
}
