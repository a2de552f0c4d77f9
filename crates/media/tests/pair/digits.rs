//! Digits, each once, as events and as sound.

use tipring_dsp::dtmf::{self, Detector, Digit, Generator};
use tipring_dsp::g711::{self, Law};
use tipring_media::BLOCK_SAMPLES;
use tipring_media::control::DigitSource::{InBand, Rfc4733};
use tipring_media::control::{Command, DigitSource, Event, RtpFormat};

use crate::rig::{Network, PHONE, Pair, STREAM, Side};

fn key(c: char) -> Digit {
    Digit::from_char(c).expect("a key")
}

/// Keys whose beginning was told, and the lengths told at their ends, in milliseconds.
fn told(side: &Side, wanted: DigitSource) -> (String, Vec<u32>) {
    let keys = side.events.iter().filter_map(|e| match e {
        Event::DigitBegan { digit, source, .. } if *source == wanted => Some(digit.as_char()),
        _ => None,
    });
    let lengths = side.events.iter().filter_map(|e| match e {
        Event::DigitEnded { ms, source, .. } if *source == wanted => Some(*ms),
        _ => None,
    });
    (keys.collect(), lengths.collect())
}

/// Keys that a phone would hear in µ-law octets, with their lengths in milliseconds.
fn heard(octets: &[u8]) -> Vec<(char, u32)> {
    let mut linear = vec![0; octets.len()];
    g711::decode(Law::Mu, octets, &mut linear);
    let mut heard = Vec::new();
    Detector::new().process(&linear, |event| {
        if let dtmf::Event::Ended { digit, samples, .. } = event {
            heard.push((digit.as_char(), samples / 8));
        }
    });
    heard
}

/// Keys as a phone sends them.
fn dialled(keys: &str) -> Vec<[u8; BLOCK_SAMPLES]> {
    let mut blocks = Vec::new();
    let mut generator = Generator::new();
    for c in keys.chars() {
        generator.start(key(c), 800, 800);
        while generator.is_sending() {
            let (mut linear, mut octets) = ([0; BLOCK_SAMPLES], [0; BLOCK_SAMPLES]);
            generator.process(&mut linear);
            g711::encode(Law::Mu, &linear, &mut octets);
            blocks.push(octets);
        }
    }
    blocks
}

const KEYS: &str = "1234567890*#ABCD";

#[test]
fn sent_digits_arrive_once_each_as_events_and_sound_at_the_phone() {
    let mut pair = Pair::talking(1);
    for c in KEYS.chars() {
        pair.a.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 90 });
        pair.b.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 90 });
    }
    pair.run(5_000);
    for side in [&pair.a, &pair.b] {
        assert_eq!(told(side, Rfc4733), (KEYS.into(), vec![90; 16]));
        let heard = heard(&side.hears);
        assert_eq!(heard.iter().map(|(c, _)| *c).collect::<String>(), KEYS);
        assert!(heard.iter().all(|(_, ms)| (84..=96).contains(ms)), "{heard:?}");
        assert_eq!(told(side, InBand).0, "");
    }
}

#[test]
fn no_digit_is_doubled_and_hardly_one_missed_on_a_bad_path() {
    for seed in 20..24 {
        let mut pair = Pair::talking(seed);
        pair.network = Network { loss: 0.1, twins: 0.1, delay_ms: 20, jitter_ms: 40 };
        for c in KEYS.chars().chain(KEYS.chars()) {
            pair.a.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 100 });
        }
        pair.run(10_000);
        let (keys, _) = told(&pair.b, Rfc4733);
        assert_eq!(keys, [KEYS, KEYS].concat(), "seed {seed}");
    }
}

#[test]
fn digits_go_as_sound_where_no_event_type_is_agreed() {
    let mut pair = Pair::new(2);
    let format = RtpFormat::g711(Law::Mu, None);
    pair.a.call(Law::Mu, format, 0xA);
    pair.b.call(Law::Mu, format, 0xB);
    pair.b.send(Command::DetectDigits { termination: STREAM, on: true, mute: false });
    for c in "159#".chars() {
        pair.a.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 80 });
    }
    pair.run(2_000);
    let (keys, lengths) = told(&pair.b, InBand);
    assert_eq!(keys, "159#");
    assert!(lengths.iter().all(|ms| (74..=86).contains(ms)), "{lengths:?}");
    assert_eq!(heard(&pair.b.hears).len(), 4);
}

#[test]
fn a_phones_keys_are_told_and_may_be_kept_from_the_peer() {
    for mute in [false, true] {
        let mut pair = Pair::talking(3);
        pair.a.send(Command::DetectDigits { termination: PHONE, on: true, mute });
        pair.a.speaks.extend(dialled("5551234"));
        pair.run(3_000);
        let (keys, lengths) = told(&pair.a, InBand);
        assert_eq!(keys, "5551234");
        assert!(lengths.iter().all(|ms| (94..=106).contains(ms)), "{lengths:?}");
        assert_eq!(heard(&pair.b.hears).len(), if mute { 0 } else { 7 });
    }
}

#[test]
fn a_peer_that_sends_a_digit_both_ways_is_heard_once() {
    let mut pair = Pair::talking(4);
    pair.b.send(Command::DetectDigits { termination: STREAM, on: true, mute: false });
    // The first event tells that this peer sends events.
    for (c, at) in [('1', 0), ('2', 500)] {
        pair.a.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 100 });
        let before = vec![[0xFF; BLOCK_SAMPLES]; at];
        pair.a.speaks.extend(before);
        pair.a.speaks.extend(dialled(&c.to_string()));
        pair.run(1_000);
    }
    assert_eq!(told(&pair.b, Rfc4733).0, "12");
    assert_eq!(told(&pair.b, InBand).0, "");
}

#[test]
fn a_digit_towards_a_phone_is_sound() {
    let mut pair = Pair::talking(5);
    pair.a.send(Command::SendDigit { termination: PHONE, digit: key('7'), ms: 70 });
    pair.run(500);
    let heard = heard(&pair.a.hears);
    assert!(matches!(heard[..], [('7', 64..=76)]), "{heard:?}");
    assert_eq!(told(&pair.b, Rfc4733).0, "");
}

#[test]
fn a_digit_from_the_peer_that_comes_back_from_the_hybrid_is_no_key_of_the_phone() {
    for events in [Some(101), None] {
        let mut pair = Pair::new(6);
        pair.b.echo_db = Some(18.0);
        let format = RtpFormat::g711(Law::Mu, events);
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        pair.b.send(Command::DetectDigits { termination: PHONE, on: true, mute: true });
        pair.b.send(Command::DetectDigits { termination: STREAM, on: true, mute: false });
        for c in "7742".chars() {
            pair.a.send(Command::SendDigit { termination: STREAM, digit: key(c), ms: 100 });
        }
        pair.run(2_000);
        let of_phone =
            |event: &Event| matches!(event, Event::DigitBegan { termination: PHONE, .. });
        assert_eq!(pair.b.count(of_phone), 0, "{:?}", pair.b.events);
        // Its own keys are heard as soon as the echo is over.
        pair.b.speaks.extend(dialled("5"));
        pair.run(500);
        assert_eq!(pair.b.count(of_phone), 1, "{:?}", pair.b.events);
    }
}

#[test]
fn a_key_of_the_phone_counts_also_while_a_digit_of_the_peer_comes_back_from_the_hybrid() {
    for events in [Some(101), None] {
        let mut pair = Pair::new(7);
        pair.b.echo_db = Some(18.0);
        let format = RtpFormat::g711(Law::Mu, events);
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        pair.b.send(Command::DetectDigits { termination: PHONE, on: true, mute: true });
        pair.b.send(Command::DetectDigits { termination: STREAM, on: true, mute: false });
        pair.run(200);
        pair.a.send(Command::SendDigit { termination: STREAM, digit: key('7'), ms: 600 });
        pair.run(300);
        pair.b.speaks.extend(dialled("5"));
        pair.run(1_000);
        let of_phone: Vec<_> = pair
            .b
            .events
            .iter()
            .filter_map(|event| match event {
                Event::DigitBegan { termination: PHONE, digit, .. } => Some(digit.as_char()),
                _ => None,
            })
            .collect();
        assert_eq!(of_phone, ['5'], "{events:?}: {:?}", pair.b.events);
    }
}
