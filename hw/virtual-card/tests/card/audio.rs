//! Speech and tones between highway and handset.

use tipring_bridge_proto::LineCommand;
use tipring_virtual_card::{Dialling, Law, PhoneEvent, ToneName};

use crate::host::Host;

fn sine(hertz: &[f32], peak: f32, ms: usize) -> Vec<i16> {
    (0..ms * 8)
        .map(|n| {
            let t = n as f32 / 8000.0;
            hertz.iter().map(|f| (t * f * std::f32::consts::TAU).sin() * peak).sum::<f32>() as i16
        })
        .collect()
}

fn octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| Law::Mu.encode(*sample)).collect()
}

fn lifted() -> Host {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(100);
    host.noticed();
    host
}

#[test]
fn what_is_said_arrives_bit_for_bit_within_a_block() {
    let mut host = lifted();
    let words: Vec<i16> = sine(&[440.0, 1230.0], 7000.0, 500);
    host.heard.clear();
    host.phone().play(words.clone(), false);
    host.run(600);
    let wanted = octets(&words);
    let at = host.heard.windows(200).position(|w| w == &wanted[8..208]).expect("the words") - 8;
    assert!(at <= 80, "{at} samples late");
    assert_eq!(host.heard[at..at + wanted.len()], wanted);
}

#[test]
fn what_is_sent_is_heard_bit_for_bit_within_three_blocks() {
    let mut host = lifted();
    let words: Vec<i16> = octets(&sine(&[600.0, 1700.0], 7000.0, 500))
        .into_iter()
        .map(|octet| Law::Mu.decode(octet))
        .collect();
    host.phone().record();
    host.say = octets(&words);
    host.run(600);
    let heard = host.phone().stop_recording().expect("a recording");
    let at = heard.windows(200).position(|w| w == &words[8..208]).expect("the words") - 8;
    assert!(at <= 120, "{at} samples late");
    assert_eq!(heard[at..at + words.len()], words);
    assert_eq!(host.underruns, 0);
}

#[test]
fn an_on_hook_phone_says_nothing() {
    let mut host = Host::new(1);
    host.heard.clear();
    host.phone().play(vec![9000; 80], true);
    host.run(200);
    assert!(host.heard.iter().all(|octet| *octet == 0xFF));
    assert!(host.phone().is_playing(), "it waits for the receiver to be lifted");
}

#[test]
fn keys_pressed_are_tones_on_the_highway() {
    let mut host = lifted();
    host.heard.clear();
    host.phone().dial("5", Dialling::DTMF).expect("off-hook");
    host.run(200);
    let samples: Vec<i16> = host.heard.iter().map(|octet| Law::Mu.decode(*octet)).collect();
    let level = |hertz: f32| {
        let window = &samples[160..640];
        let (mut re, mut im) = (0.0f32, 0.0f32);
        for (n, sample) in window.iter().enumerate() {
            let angle = n as f32 * hertz / 8000.0 * std::f32::consts::TAU;
            re += f32::from(*sample) * angle.cos();
            im += f32::from(*sample) * angle.sin();
        }
        let peak = (re * re + im * im).sqrt() * 2.0 / window.len() as f32;
        20.0 * (peak / 22_303.0).log10()
    };
    assert!((level(770.0) + 9.0).abs() < 0.5, "{}", level(770.0));
    assert!((level(1336.0) + 7.0).abs() < 0.5, "{}", level(1336.0));
    assert!(level(697.0) < -28.0 && level(1477.0) < -28.0);
}

#[test]
fn the_ear_names_tones_and_digits_that_the_host_sends() {
    let mut host = lifted();
    let mut say = sine(&[350.0, 440.0], 5000.0, 800);
    say.extend(vec![0; 4000]);
    say.extend(sine(&[697.0, 1477.0], 5000.0, 60));
    host.say = octets(&say);
    host.run(1700);
    let noticed: Vec<PhoneEvent> = host.noticed().into_iter().map(|(_, _, event)| event).collect();
    assert_eq!(
        noticed,
        [
            PhoneEvent::Tone { name: ToneName::Dial, on: true },
            PhoneEvent::Tone { name: ToneName::Dial, on: false },
            PhoneEvent::Digit('3'),
        ]
    );
}

#[test]
fn gain_is_set_to_the_nearest_the_chip_has() {
    let mut host = lifted();
    host.command(1, LineCommand::Gain { tx_db10: 30, rx_db10: -40 });
    host.phone().play(sine(&[1000.0], 4000.0, 1000), true);
    host.say = octets(&sine(&[1000.0], 4000.0, 1000));
    host.run(100);
    host.heard.clear();
    host.run(100);
    let peak = |samples: &mut dyn Iterator<Item = i16>| samples.map(i16::abs).max().unwrap_or(0);
    let up = peak(&mut host.heard.iter().map(|octet| Law::Mu.decode(*octet)));
    let down = peak(&mut host.phone().last_block().iter().copied());
    assert!((5600..6400).contains(&up), "+3.5 dB: {up}");
    assert!((2500..2850).contains(&down), "-3.5 dB: {down}");
}

#[test]
fn the_hybrid_returns_a_faint_echo() {
    let mut host = lifted();
    host.card.line(1).expect("port 1").wire.set_echo_return_loss_db(20.0);
    host.heard.clear();
    host.say = octets(&sine(&[1000.0], 10_000.0, 300));
    host.run(200);
    let peak = host.heard.iter().map(|octet| Law::Mu.decode(*octet).abs()).max().expect("audio");
    assert!((900..1100).contains(&peak), "{peak}");
}
