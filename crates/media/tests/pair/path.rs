//! What a loss-free path does to audio: nothing.

use tipring_core::{CardId, TerminationId};
use tipring_dsp::g711::{self, Law};
use tipring_dsp::level::{Gain, mix};
use tipring_media::BLOCK_SAMPLES;
use tipring_media::control::{Command, Direction, Event, RtpFormat};

use crate::rig::{CALL, PHONE, Pair, STREAM, block};

/// The jitter buffer's delay at the beginning of a stream.
const BUFFER_MS: usize = 40;

/// Lets both phones speak `seconds` of numbered blocks.
fn speak(pair: &mut Pair, seconds: u32) -> Vec<u8> {
    let blocks: Vec<_> = (0..seconds * 200).map(block).collect();
    pair.a.speaks.extend(&blocks);
    pair.b.speaks.extend(&blocks);
    blocks.into_iter().flatten().collect()
}

/// How many octets of silence come before `said` in `heard`, when all the rest is said octet for octet.
fn delay<T: PartialEq>(said: &[T], heard: &[T]) -> Option<usize> {
    (0..4_000).find(|delay| {
        let rest = heard.get(*delay..).unwrap_or_default();
        rest.len() > 1_000 && rest == &said[..rest.len()]
    })
}

#[test]
fn a_minute_of_speech_arrives_octet_for_octet_and_in_time() {
    for ptime_ms in [10, 20, 30, 60] {
        let mut pair = Pair::new(1);
        let format = RtpFormat { ptime_ms, ..RtpFormat::g711(Law::Mu, Some(101)) };
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        let said = speak(&mut pair, 60);
        pair.run(60_000);
        for heard in [&pair.a.hears, &pair.b.hears] {
            let delay_ms = delay(&said, heard).expect("bit-exact") / 8;
            let added = delay_ms - BUFFER_MS;
            assert!(added <= usize::from(ptime_ms) + 15, "{added} ms at ptime {ptime_ms}");
        }
        let packets = 60_000 / u64::from(ptime_ms);
        assert_eq!(pair.a.packets().count() as u64, packets);
        assert!(pair.a.packets().skip(1).all(|p| !p.header.marker));
    }
}

#[test]
fn another_law_on_the_way_is_translated_by_the_standards_tables() {
    let mut pair = Pair::new(2);
    pair.a.call(Law::Mu, RtpFormat::g711(Law::A, None), 0xA);
    pair.b.call(Law::A, RtpFormat::g711(Law::A, None), 0xB);
    let said = speak(&mut pair, 5);
    pair.run(5_000);
    let mut translated = vec![0; said.len()];
    g711::mu_to_a(&said, &mut translated);
    assert!(delay(&translated, &pair.b.hears).is_some());
    g711::a_to_mu(&said, &mut translated);
    assert!(delay(&translated, &pair.a.hears).is_some());
}

#[test]
fn a_peer_that_sends_the_other_law_than_agreed_is_understood() {
    let mut pair = Pair::new(3);
    pair.a.call(Law::Mu, RtpFormat::g711(Law::Mu, None), 0xA);
    pair.b.call(Law::Mu, RtpFormat::g711(Law::A, None), 0xB);
    let said = speak(&mut pair, 5);
    pair.run(5_000);
    assert!(delay(&said, &pair.b.hears).is_some());
}

#[test]
fn gain_changes_what_is_heard_and_unity_does_not() {
    let mut pair = Pair::talking(4);
    pair.a.send(Command::SetGain {
        termination: PHONE,
        receive: Gain::from_db(-6.02),
        send: Gain::UNITY,
    });
    let said = speak(&mut pair, 5);
    pair.run(5_000);
    let level = |octets: &[u8]| {
        let mut linear = vec![0; octets.len()];
        g711::decode(Law::Mu, octets, &mut linear);
        (tipring_dsp::level::energy(&linear) as f64 / octets.len() as f64).sqrt()
    };
    let ratio = level(&pair.b.hears[800..]) / level(&said);
    assert!((0.45..0.55).contains(&ratio), "{ratio}");
    assert!(delay(&said, &pair.a.hears).is_some());
}

#[test]
fn hold_stops_the_packets_and_the_clock_runs_on() {
    let mut pair = Pair::talking(5);
    speak(&mut pair, 10);
    pair.run(2_000);
    let sent = pair.a.packets().count();
    let direction = Direction::INACTIVE;
    pair.a.send(Command::SetDirection { termination: STREAM, direction });
    pair.run(3_000);
    assert_eq!(pair.a.packets().count(), sent);
    let heard = &pair.a.hears[pair.a.hears.len() - 16_000..];
    assert!(heard.iter().all(|o| *o == 0xFF), "held: silence");
    let direction = Direction::BOTH;
    pair.a.send(Command::SetDirection { termination: STREAM, direction });
    pair.run(1_000);
    let packets: Vec<_> = pair.a.packets().map(|p| p.header).collect();
    let (before, after) = (packets[sent - 1], packets[sent]);
    assert!(after.marker);
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 3_000 * 8 + 160);
    // What B hears after the pause is what A says then.
    let tail = &pair.b.hears[pair.b.hears.len() - 800..];
    let said: Vec<u8> = (0..1_200).flat_map(block).collect();
    assert!(said.windows(800).step_by(BLOCK_SAMPLES).any(|w| w == tail));
}

#[test]
fn three_in_a_context_hear_the_other_two() {
    let mut pair = Pair::talking(6);
    let third = TerminationId(3);
    pair.a.send(Command::AddCardChannel {
        termination: third,
        card: CardId(0),
        channel: 1,
        law: Law::Mu,
        echo: None,
    });
    pair.a.send(Command::Join { context: CALL, a: PHONE, b: third });
    let said = speak(&mut pair, 2);
    pair.run(2_000);
    // The third, who says nothing, hears both; the phone hears the peer alone, and the peer the phone.
    let linear = |octets: &[u8]| {
        let mut linear = vec![0; octets.len()];
        g711::decode(Law::Mu, octets, &mut linear);
        linear
    };
    let mut both = linear(&said);
    mix(&mut both, &linear(&pair.a.hears));
    let mut octets = vec![0; both.len()];
    g711::encode(Law::Mu, &both, &mut octets);
    // As samples: µ-law has two octets for zero, and a sum makes only the one.
    assert!(linear(&pair.a.hears_too) == linear(&octets));
    assert!(delay(&linear(&said), &linear(&pair.b.hears)).is_some());
    assert!(delay(&linear(&said), &linear(&pair.a.hears)).is_some());
    pair.a.send(Command::Leave { termination: PHONE });
    pair.run(100);
    let heard = &pair.a.hears[pair.a.hears.len() - 400..];
    assert!(heard.iter().all(|o| *o == 0xFF));
}

#[test]
fn changing_ptime_and_law_in_a_call_is_heard_at_the_next_packet() {
    let mut pair = Pair::talking(7);
    pair.run(1_000);
    let format = RtpFormat { ptime_ms: 30, ..RtpFormat::g711(Law::A, None) };
    pair.a.send(Command::UpdateRtp { termination: STREAM, format });
    pair.b.send(Command::UpdateRtp { termination: STREAM, format });
    pair.run(1_000);
    let last = pair.a.packets().last().expect("it sends");
    assert_eq!((last.header.payload_type, last.payload.len()), (8, 240));
    assert_eq!(pair.a.count(|e| matches!(e, Event::Refused { .. })), 0);
}
