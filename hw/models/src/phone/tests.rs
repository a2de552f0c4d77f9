//! What the ear, the display and the finger make of signals that these tests synthesise themselves.

use super::*;
use crate::law::sine_peak;

const TALKING: Socket = Socket { volts: 4.0, ringing_volts: 0.0 };
const IDLE: Socket = Socket { volts: 48.0, ringing_volts: 0.0 };

/// A sum of sines (Hz, dBm0) for `ms`.
fn tone(parts: &[(f32, f32)], ms: usize) -> Vec<i16> {
    (0..ms * 8)
        .map(|n| {
            let t = n as f32 / 8000.0;
            let sum: f32 = parts
                .iter()
                .map(|(f, db)| (t * f * std::f32::consts::TAU).sin() * sine_peak(*db))
                .sum();
            sum as i16
        })
        .collect()
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

/// Plays to the phone and collects what it noticed, with the time.
fn hear(phone: &mut PhoneSet, socket: Socket, samples: &[i16]) -> Vec<(u32, PhoneEvent)> {
    let mut events = Vec::new();
    for (n, step) in samples.chunks_exact(STEP_SAMPLES).enumerate() {
        phone.step();
        phone.hear(&socket, step.try_into().ok());
        while let Some(event) = phone.poll_event() {
            events.push((n as u32 * 5 / 4, event));
        }
    }
    events
}

fn lifted() -> PhoneSet {
    let mut phone = PhoneSet::new();
    phone.off_hook();
    phone
}

/// The names that come on, in order, while `cadence` plays `times` over.
fn names(cadence: &[(Parts, usize, usize)], times: usize) -> Vec<ToneName> {
    let mut once = Vec::new();
    for (parts, on, off) in cadence {
        once.extend(tone(parts, *on));
        once.extend(silence(*off));
    }
    let mut phone = lifted();
    hear(&mut phone, TALKING, &once.repeat(times))
        .into_iter()
        .filter_map(|(_, event)| match event {
            PhoneEvent::Tone { name, on: true } => Some(name),
            _ => None,
        })
        .collect()
}

type Parts = &'static [(f32, f32)];
const DIAL: Parts = &[(350.0, -13.0), (440.0, -13.0)];
const LOW: Parts = &[(480.0, -24.0), (620.0, -24.0)];
const RING: Parts = &[(440.0, -19.0), (480.0, -19.0)];

#[test]
fn north_american_tones_have_their_names() {
    assert_eq!(names(&[(DIAL, 2000, 0)], 1), [ToneName::Dial]);
    assert_eq!(names(&[(RING, 2000, 4000)], 2), [ToneName::Ringback]);
    assert_eq!(names(&[(LOW, 500, 500)], 5), [ToneName::Busy]);
    assert_eq!(names(&[(LOW, 250, 250)], 5), [ToneName::Congestion]);
    let stutter = [(DIAL, 100, 100), (DIAL, 100, 100), (DIAL, 100, 100), (DIAL, 2000, 0)];
    assert_eq!(names(&stutter, 1), [ToneName::StutterDial]);
    const HOWL: Parts = &[(1400.0, -9.0), (2060.0, -9.0), (2450.0, -9.0), (2600.0, -9.0)];
    assert_eq!(names(&[(HOWL, 100, 100)], 8), [ToneName::Howler]);
    let sit: [(Parts, usize, usize); 3] = [
        (&[(985.2, -24.0)], 380, 0),
        (&[(1370.6, -24.0)], 274, 0),
        (&[(1776.7, -24.0)], 380, 1000),
    ];
    assert_eq!(names(&sit, 2), [ToneName::NumberUnobtainable]);
}

#[test]
fn european_tones_have_their_names() {
    for hertz in [425.0, 440.0, 400.0] {
        let single: Parts = Box::leak(Box::new([(hertz, -13.0)]));
        assert_eq!(names(&[(single, 3000, 0)], 1), [ToneName::Dial], "{hertz}");
        assert_eq!(names(&[(single, 1000, 4000)], 2), [ToneName::Ringback], "{hertz}");
        assert_eq!(names(&[(single, 1500, 3500)], 2), [ToneName::Ringback], "{hertz}");
        assert_eq!(names(&[(single, 480, 480)], 5), [ToneName::Busy], "{hertz}");
        assert_eq!(names(&[(single, 375, 375)], 5), [ToneName::Busy], "{hertz}");
        assert_eq!(names(&[(single, 240, 240)], 6), [ToneName::Congestion], "{hertz}");
    }
    const BRITISH: Parts = &[(400.0, -18.0)];
    assert_eq!(names(&[(BRITISH, 400, 350), (BRITISH, 225, 525)], 3), [ToneName::Congestion]);
    const DOUBLE: Parts = &[(400.0, -19.0), (450.0, -19.0)];
    assert_eq!(names(&[(DOUBLE, 400, 200), (DOUBLE, 400, 2000)], 3), [ToneName::Ringback]);
    const PROCEED: Parts = &[(350.0, -16.0), (440.0, -19.0)];
    const ALONE: Parts = &[(440.0, -19.0)];
    let special = names(&[(PROCEED, 750, 0), (ALONE, 750, 0)], 3);
    assert_eq!(special, [ToneName::Dial, ToneName::StutterDial]);
    const GERMAN: Parts = &[(400.0, -16.0), (425.0, -16.0)];
    assert_eq!(names(&[(GERMAN, 2000, 0)], 1), [ToneName::StutterDial]);
    const FRENCH: Parts = &[(330.0, -16.0), (440.0, -16.0)];
    assert_eq!(names(&[(FRENCH, 2000, 0)], 1), [ToneName::StutterDial]);
}

#[test]
fn howlers_without_a_cadence_are_known_by_their_loudness() {
    const JAPANESE: Parts = &[(400.0, -3.0)];
    assert_eq!(names(&[(JAPANESE, 3000, 0)], 1), [ToneName::Howler]);
    let sweep = [800.0, 1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3200.0, 2500.0, 2000.0, 1600.0];
    let siren: Vec<i16> =
        sweep.iter().cycle().take(60).flat_map(|f| tone(&[(*f, -3.0)], 60)).collect();
    let mut phone = lifted();
    hear(&mut phone, TALKING, &siren);
    assert_eq!(phone.tone(), Some(ToneName::Howler));
}

#[test]
fn a_modulated_japanese_ringback_is_ringback() {
    let burst: Vec<i16> = tone(&[(400.0, -16.0)], 1000)
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let am = 1.0 + 0.85 * (n as f32 / 8000.0 * 16.0 * std::f32::consts::TAU).sin();
            (f32::from(*s) * am / 1.85) as i16
        })
        .collect();
    let mut phone = lifted();
    hear(&mut phone, TALKING, &[burst, silence(2000)].concat().repeat(2));
    assert_eq!(phone.tone(), Some(ToneName::Ringback));
}

#[test]
fn tones_end_when_they_stop_and_when_the_receiver_is_put_down() {
    let mut phone = lifted();
    let events = hear(&mut phone, TALKING, &[tone(DIAL, 1000), silence(500)].concat());
    let [(began, _), (ended, PhoneEvent::Tone { name: ToneName::Dial, on: false })] = events[..]
    else {
        panic!("{events:?}");
    };
    assert!(began < 320 && (1000..1120).contains(&ended), "{began} {ended}");
    hear(&mut phone, TALKING, &tone(DIAL, 500));
    phone.on_hook();
    let events = hear(&mut phone, IDLE, &silence(10));
    assert!(matches!(events[..], [(_, PhoneEvent::Tone { on: false, .. }), ..]), "{events:?}");
}

#[test]
fn ringback_ends_when_somebody_speaks() {
    let mut phone = lifted();
    hear(&mut phone, TALKING, &[tone(RING, 2000), silence(1000)].concat());
    assert_eq!(phone.tone(), Some(ToneName::Ringback));
    hear(&mut phone, TALKING, &noise(400));
    assert_eq!(phone.tone(), None);
}

/// Loud coloured noise: what no tone ear may name.
fn noise(ms: usize) -> Vec<i16> {
    let (mut state, mut low) = (1u32, 0.0f32);
    (0..ms * 8)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            low += ((state >> 16) as f32 - 32768.0 - low) * 0.3;
            let syllable = (n as f32 / 8000.0 * 4.0 * std::f32::consts::TAU).sin().abs();
            (low * 0.3 * syllable) as i16
        })
        .collect()
}

#[test]
fn nothing_is_named_in_noise() {
    let mut phone = lifted();
    let events = hear(&mut phone, TALKING, &noise(20_000));
    assert!(
        !events.iter().any(|(_, e)| matches!(e, PhoneEvent::Tone { .. } | PhoneEvent::Digit(_))),
        "{events:?}"
    );
}

#[test]
fn every_key_is_heard_once_by_another_phone() {
    let digits = "1234567890*#ABCD55";
    let mut caller = lifted();
    caller.dial(digits, Dialling::Dtmf { on_us: 50_000, off_us: 50_000 }).expect("a keypad");
    let mut spoken = Vec::new();
    while caller.is_dialling() {
        caller.step();
        let mut out = [0; STEP_SAMPLES];
        caller.speak(&mut out);
        spoken.extend(out);
    }
    let mut called = lifted();
    let heard: String = hear(&mut called, TALKING, &spoken)
        .into_iter()
        .filter_map(|(_, event)| match event {
            PhoneEvent::Digit(digit) => Some(digit),
            _ => None,
        })
        .collect();
    assert_eq!(heard, digits);
}

#[test]
fn a_rotary_dial_keeps_its_rate_and_ratio() {
    for (pps, make) in [(8.0, 33.0), (10.0, 40.0), (20.0, 67.0)] {
        let mut phone = lifted();
        phone.dial("5", Dialling::pulse(pps, make)).expect("a dial");
        let closed: Vec<bool> = (0..1600).map(|_| phone.step()).collect();
        let edges: Vec<usize> =
            (1..closed.len()).filter(|i| closed[*i] != closed[*i - 1]).collect();
        let first = closed.iter().position(|c| !c).expect("breaks");
        let last = edges[edges.len() - 1];
        let breaks = closed[first..].iter().filter(|c| !**c).count();
        let wanted = 5.0 * 800.0 / pps;
        assert_eq!(edges.len() + usize::from(first == 0), 10);
        let train = (last - first) as f32 + wanted / 5.0 * make / 100.0;
        assert!((train - wanted).abs() <= 1.5, "{pps} {make}: {train} {wanted}");
        assert!((breaks as f32 - wanted * (1.0 - make / 100.0)).abs() <= 2.5);
    }
}

#[test]
fn a_phone_refuses_what_it_cannot_do() {
    let mut phone = PhoneSet::new();
    assert_eq!(phone.dial("1", Dialling::DTMF), Err(PhoneError::OnHook));
    assert_eq!(phone.flash(300), Err(PhoneError::OnHook));
    phone.off_hook();
    assert_eq!(phone.dial("1x", Dialling::DTMF), Err(PhoneError::BadDigit('X')));
    assert_eq!(phone.dial("*", Dialling::PULSE), Err(PhoneError::BadDigit('*')));
    assert_eq!(phone.dial(&"9".repeat(2000), Dialling::DTMF), Err(PhoneError::TooManyDigits));
    let never = Dialling::Dtmf { on_us: 0, off_us: 1 };
    assert_eq!(phone.dial("1", never), Err(PhoneError::BadTiming));
    assert_eq!(phone.flash(0), Err(PhoneError::BadTiming));
    assert!(!phone.is_dialling());
}

#[test]
fn the_bell_and_the_wires_are_noticed() {
    let mut phone = PhoneSet::new();
    let ringing = Socket { volts: 48.0, ringing_volts: 45.0 };
    let mut events = hear(&mut phone, IDLE, &silence(100));
    events.extend(hear(&mut phone, ringing, &silence(100)));
    events.extend(hear(&mut phone, IDLE, &silence(100)));
    events.extend(hear(&mut phone, Socket { volts: -48.0, ..IDLE }, &silence(100)));
    events.extend(hear(&mut phone, Socket::default(), &silence(100)));
    events.extend(hear(&mut phone, IDLE, &silence(100)));
    let seen: Vec<PhoneEvent> = events.into_iter().map(|(_, event)| event).collect();
    assert_eq!(
        seen,
        [
            PhoneEvent::Ring { on: true },
            PhoneEvent::Ring { on: false },
            PhoneEvent::Polarity { reversed: true },
            PhoneEvent::Loop { open: true },
            PhoneEvent::Loop { open: false },
            PhoneEvent::Polarity { reversed: false },
        ]
    );
}

#[test]
fn a_recording_is_what_came_block_by_block() {
    let mut phone = lifted();
    phone.record();
    let samples = tone(&[(1000.0, -10.0)], 50);
    hear(&mut phone, TALKING, &samples);
    assert_eq!(&phone.last_block()[..], &samples[samples.len() - BLOCK_SAMPLES..]);
    assert_eq!(phone.stop_recording(), Some(samples));
    assert_eq!(phone.stop_recording(), None);
}

#[test]
fn the_mouth_speaks_once_or_for_ever() {
    let mut phone = lifted();
    let words: Vec<i16> = (1..=15).collect();
    phone.play(words.clone(), false);
    let mut out = [[0; STEP_SAMPLES]; 2];
    out.iter_mut().for_each(|step| phone.speak(step));
    assert_eq!(out.as_flattened()[..15], words);
    assert_eq!(out.as_flattened()[15..], [0; 5]);
    assert!(!phone.is_playing());
    phone.play(words, true);
    out.iter_mut().for_each(|step| phone.speak(step));
    assert_eq!(out.as_flattened()[15..], [1, 2, 3, 4, 5]);
}

mod caller_id;
