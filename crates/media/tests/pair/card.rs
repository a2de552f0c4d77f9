//! Cards that play tones and samples, vanish, and keep another time.

use tipring_core::{CardId, ContextId, Duration, Instant, TerminationId};
use tipring_dsp::g711::{self, Law};
use tipring_dsp::tone::{Program, Tone};
use tipring_media::control::{Command, Event};
use tipring_media::{BLOCK_SAMPLES, CardBlock, Engine, EngineConfig};

use crate::rig::{PHONE, Pair, block};

fn decoded(octets: &[u8]) -> Vec<i16> {
    let mut linear = vec![0; octets.len()];
    g711::decode(Law::Mu, octets, &mut linear);
    linear
}

#[test]
fn a_tone_sounds_until_stopped_on_top_of_the_call() {
    let mut pair = Pair::talking(1);
    let program = Program::continuous(Tone::dual(350.0, 440.0, -13.0));
    pair.a.send(Command::PlayTone { termination: PHONE, program });
    pair.run(1_000);
    let loud = decoded(&pair.a.hears[400..]);
    let mut meter = tipring_dsp::level::Meter::new();
    meter.process(&loud);
    assert!((meter.level_dbm0() + 10.0).abs() < 0.5, "{}", meter.level_dbm0());
    pair.a.send(Command::StopTone { termination: PHONE });
    pair.run(100);
    assert!(pair.a.hears[pair.a.hears.len() - 400..].iter().all(|o| *o == 0xFF));
    // Only the phone hears its tone.
    assert!(pair.b.hears.iter().all(|o| *o == 0xFF));
}

#[test]
fn samples_are_played_once_in_place_of_the_call_and_their_end_is_told() {
    let mut pair = Pair::talking(2);
    pair.b.speaks.extend((0..400).map(block));
    pair.run(500);
    let octets: Vec<u8> = (0..1_010u32).map(|n| 0x80 + (n % 50) as u8).collect();
    let samples = decoded(&octets).into_boxed_slice();
    let begun = pair.a.hears.len();
    pair.a.send(Command::PlaySamples { termination: PHONE, samples });
    pair.run(500);
    assert_eq!(pair.a.hears[begun..begun + 1_010], octets[..]);
    let done = |e: &Event| *e == Event::BurstDone { termination: PHONE };
    assert_eq!(pair.a.count(done), 1);
    // Stopped and replaced ones end too, each once.
    for _ in 0..2 {
        let samples = vec![1; 80_000].into_boxed_slice();
        pair.a.send(Command::PlaySamples { termination: PHONE, samples });
    }
    pair.run(50);
    pair.a.send(Command::StopSamples { termination: PHONE });
    pair.run(50);
    assert_eq!(pair.a.count(done), 3);
}

#[test]
fn an_unplugged_card_is_silence_to_the_peer_and_comes_back() {
    let mut pair = Pair::talking(3);
    pair.a.speaks.extend((0..200).map(block));
    pair.run(1_000);
    pair.a.plugged = false;
    let heard = pair.a.hears.len();
    pair.run(2_000);
    assert!(pair.a.hears.len() - heard <= 20 * BLOCK_SAMPLES, "nothing for a card that is gone");
    assert!(decoded(&pair.b.hears[pair.b.hears.len() - 800..]).iter().all(|s| s.abs() < 500));
    assert_eq!(pair.b.count(|e| matches!(e, Event::RtpSilent { .. })), 0, "packets go on");
    pair.a.plugged = true;
    pair.a.clock = 5;
    pair.a.speaks.extend((0..200).map(block));
    pair.run(1_000);
    let tail = &pair.b.hears[pair.b.hears.len() - 4_000..];
    let said: Vec<u8> = (0..200).flat_map(block).collect();
    assert!(said.windows(4_000).step_by(40).any(|w| w == tail));
}

#[test]
fn a_second_card_of_another_clock_is_joined_without_clicks() {
    let config = EngineConfig { cards: 2, terminations: 4, ..EngineConfig::default() };
    let (mut engine, mut handle) = Engine::new(config);
    for card in 0..2u8 {
        let termination = TerminationId(u32::from(card));
        let card = CardId(card);
        let add =
            Command::AddCardChannel { termination, card, channel: 0, law: Law::Mu, echo: None };
        handle.control.send(add).expect("room");
    }
    let (a, b) = (TerminationId(0), TerminationId(1));
    handle.control.send(Command::Join { context: ContextId(1), a, b }).expect("room");
    let sine = |n: u32| {
        let linear = std::array::from_fn::<i16, BLOCK_SAMPLES, _>(|i| {
            let t = f64::from(n * BLOCK_SAMPLES as u32 + i as u32) / 8000.0;
            ((t * 500.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16
        });
        let mut up = CardBlock { clock: n * 40, channels: 1, ..CardBlock::SILENCE };
        g711::encode(Law::Mu, &linear, up.channel_mut(0).expect("channel 0"));
        up
    };
    let mut heard = [vec![], vec![]];
    let mut seconds = 0u32;
    let mut now = Instant::ZERO;
    for tick in 0..6_000u32 {
        // The second card is 200 ppm fast.
        let mut ups = vec![(0, sine(tick))];
        while u64::from(seconds) * 1_000_000 <= u64::from(tick) * 1_000_200 {
            ups.push((1, sine(seconds)));
            seconds += 1;
        }
        for (card, up) in ups {
            assert!(handle.cards[card].up.push(up).is_ok());
        }
        engine.tick(now);
        for (end, heard) in handle.cards.iter_mut().zip(&mut heard) {
            while let Some(down) = end.down.pop() {
                heard.extend(decoded(down.channel(0).expect("channel 0")));
            }
        }
        now += Duration::from_millis(5);
    }
    for heard in heard {
        assert!(heard.len() >= 6_000 * 40 - 400);
        // A 500 Hz sine of this level moves 3,100 in a sample, its quantisation adds 300.
        let steps = heard[2_000..].windows(2).map(|w| (w[1] - w[0]).unsigned_abs());
        assert!(steps.max().is_some_and(|s| s < 3_500));
        let quiet = heard[2_000..].chunks(160).filter(|c| c.iter().all(|s| s.abs() < 4_000));
        assert_eq!(quiet.count(), 0);
    }
    assert_eq!(engine.counters().card_missing, 0);
}
