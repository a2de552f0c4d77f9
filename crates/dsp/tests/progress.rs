//! Call-progress tones through µ-law: off in frequency, level and rhythm, in noise, entered anywhere.

mod common;
#[path = "common/exchange.rs"]
mod exchange;

use common::{Random, Signal};
use exchange::{EXCHANGE, Exchange, draw, events, names};
use proptest::prelude::*;
use tipring_dsp::{
    fax,
    listener::{Heard, Listener},
    progress::{Detector, Event, Learner},
    tone::{FOREVER, Program, Segment, Tone},
    tone_plan::{Name, TonePlan},
};

fn plan(code: &str) -> &'static TonePlan {
    TonePlan::find(code).expect("built in")
}

/// Whether a tone has pauses that are too short to be heard.
fn has_short_pauses(program: &Program) -> bool {
    program.segments().iter().any(|s| s.tone.is_silence() && s.samples < 64 * 8)
}

/// Two and a half periods, and long enough for a continuous tone.
fn long_enough(program: &Program) -> usize {
    let period: u32 = program.segments().iter().map(|s| s.samples.min(8000)).sum();
    let enough = (period as usize / 8 * 5 / 2).clamp(4000, 26_000);
    // One burst may be the end of another tone's: two must be heard.
    match program.segments() {
        [on, off] if off.samples > 8 * on.samples => {
            ((on.samples + off.samples) / 8) as usize + 1000
        }
        _ => enough,
    }
}

/// Tones that are not told from another one of their plan: by level, by which of two frequencies pauses, by a glide.
const UNTOLD: [(&str, Name); 4] = [
    ("au", Name::Congestion),
    ("jp", Name::Howler),
    ("uk", Name::StutterDial),
    ("uk", Name::Howler),
];

#[test]
fn each_tone_of_each_country_is_told_and_no_other() {
    for plan in TonePlan::all() {
        let mut random = Random::new(plan.code.bytes().map(u64::from).sum());
        for (name, program) in plan.tones() {
            if has_short_pauses(program) && name == Name::StutterDial
                || UNTOLD.contains(&(plan.code.as_str(), name))
            {
                continue;
            }
            let signal =
                Exchange { ms: long_enough(program), ..EXCHANGE }.signal(program, &mut random);
            let heard = events(plan, &signal);
            assert_eq!(names(&heard), [name], "{} {name}: {program}\n{heard:?}", plan.code);
        }
    }
}

#[test]
fn busy_congestion_and_ringback_are_never_confused_in_noise_and_off_their_values() {
    let mut random = Random::new(0xC0FFEE);
    for code in ["us", "uk", "de", "ch", "cn", "za"] {
        let plan = plan(code);
        for name in [Name::Busy, Name::Congestion, Name::Ringback] {
            let program = plan.tone(name).expect("these have them");
            for trial in 0..8 {
                let exchange = Exchange { ms: 6200, ..draw(&mut random, 10.0) };
                let exchange = Exchange { enter_ms: (random.unit() * 6000.0) as usize, ..exchange };
                let heard = events(plan, &exchange.signal(program, &mut random));
                assert!(
                    names(&heard).iter().all(|told| *told == name),
                    "{code} {name} {trial}: {heard:?}"
                );
                if name != Name::Ringback {
                    assert_eq!(names(&heard), [name], "{code} {name} {trial}: {heard:?}");
                }
            }
        }
    }
}

#[test]
fn dial_tone_and_a_whole_ringing_are_told_in_noise() {
    let mut random = Random::new(12);
    for code in ["us", "uk", "de", "au", "in", "jp"] {
        let plan = plan(code);
        for name in [Name::Dial, Name::Ringback] {
            let program = plan.tone(name).expect("these have them");
            for trial in 0..6 {
                let exchange = Exchange { ms: 12_000, ..draw(&mut random, 10.0) };
                let heard = events(plan, &exchange.signal(program, &mut random));
                assert_eq!(names(&heard), [name], "{code} {name} {trial}: {heard:?}");
            }
        }
    }
}

#[test]
fn frequencies_off_by_5_percent_are_another_tone() {
    let mut random = Random::new(13);
    for code in ["us", "de", "uk"] {
        let plan = plan(code);
        for name in [Name::Dial, Name::Busy] {
            for hz in [0.95, 1.05] {
                let program = plan.tone(name).expect("these have them");
                let heard = events(plan, &Exchange { hz, ..EXCHANGE }.signal(program, &mut random));
                assert_eq!(names(&heard), [], "{code} {name} {hz}");
            }
        }
    }
}

#[test]
fn how_long_it_takes_depends_on_the_cadence() {
    let mut random = Random::new(14);
    for (code, name, ms) in [
        ("us", Name::Dial, 500),
        ("us", Name::Busy, 1150),
        ("us", Name::Congestion, 650),
        ("us", Name::Ringback, 3700),
        ("de", Name::Dial, 1400),
        ("de", Name::Ringback, 2750),
        ("de", Name::Congestion, 1100),
    ] {
        let plan = plan(code);
        let signal = EXCHANGE.signal(plan.tone(name).expect("these have them"), &mut random);
        let heard = events(plan, &signal);
        let Some((told, Event::Began { start, .. })) = heard.first() else {
            panic!("{code} {name}")
        };
        assert!(told - start < ms * 8, "{code} {name}: {} ms", (told - start) / 8);
    }
}

#[test]
fn start_length_frequencies_and_levels_are_told() {
    let mut random = Random::new(15);
    let us = plan("us");
    for snr_db in [35.0, 10.0] {
        let busy = us.tone(Name::Busy).expect("the us has one");
        let mut signal = Exchange { snr_db, ms: 4500, ..EXCHANGE }.signal(busy, &mut random);
        let lead = (signal.len() - 800 - 4500 * 8) as u64;
        signal.extend([0; 8000]);
        let heard = events(us, &signal);
        let [(_, Event::Began { start, tone, .. }), (_, Event::Ended { samples, .. })] = heard[..]
        else {
            panic!("{heard:?}");
        };
        assert!(start.abs_diff(lead) < 100, "{start} {lead}");
        // Five bursts with four pauses between them.
        assert!(samples.abs_diff(4500 * 8) < 200, "{samples}");
        let components: Vec<(f32, f32)> = tone.components().collect();
        let [(low, low_dbm0), (high, high_dbm0)] = components[..] else { panic!("{tone:?}") };
        assert!((low - 480.0).abs() < 2.0 && (high - 620.0).abs() < 2.0, "{components:?}");
        assert!((low_dbm0 + 24.0).abs() < 1.5 && (high_dbm0 + 24.0).abs() < 1.5, "{components:?}");
    }
}

/// Three tones, each with its length in ms and a gap after it; silence before of a quarter of a second.
fn trio(random: &mut Random, tones: [(f32, usize); 3], gap_ms: usize, snr_db: f32) -> Vec<i16> {
    let mut signal = Signal::silence(2000 + 3 * 600 * 8 + 16_000);
    let mut at = 2000;
    for (hz, ms) in tones {
        signal.tone(random, at, ms * 8, hz, -18.0);
        at += (ms + gap_ms) * 8;
    }
    signal.noise(random, -18.0 - snr_db);
    signal.through_mu_law()
}

/// The information tone and nothing else is told, from its first tone on, with its frequencies.
fn is_information(plan: &TonePlan, tones: [(f32, usize); 3], heard: &[(u64, Event)]) {
    let context = format!("{} {tones:?}: {heard:?}", plan.code);
    let [(_, began), (_, ended)] = heard else { panic!("{context}") };
    let &Event::Began { name: Name::Information, start, tone } = began else { panic!("{context}") };
    assert!(start.abs_diff(2000) < 160, "{context}");
    assert_eq!(tone.components().count(), 3, "{context}");
    for ((hz, dbm0), (wanted, _)) in tone.components().zip(tones) {
        assert!((hz - wanted).abs() < 4.0 && (dbm0 + 18.0).abs() < 1.0, "{context}");
    }
    assert!(matches!(ended, Event::Ended { name: Name::Information, .. }), "{context}");
}

#[test]
fn the_special_information_tone_is_told_with_every_plan() {
    let mut random = Random::new(22);
    let tones = [(950.0, 330), (1400.0, 330), (1800.0, 330)];
    for plan in TonePlan::all().iter().chain([&TonePlan::new("none", "Nowhere")]) {
        let heard = events(plan, &trio(&mut random, tones, 0, 40.0));
        is_information(plan, tones, &heard);
    }
}

#[test]
fn every_variant_of_the_special_information_tone_is_told_in_noise() {
    let mut random = Random::new(23);
    for code in ["us", "de", "jp", "ve"] {
        for bits in 0..32 {
            let pick = |bit: u32, a: f32, b: f32| if bits >> bit & 1 == 0 { a } else { b };
            let ms = |bit: u32| pick(bit, 274.0, 380.0) as usize;
            let bellcore =
                [(pick(0, 913.8, 985.2), ms(2)), (pick(1, 1370.6, 1428.5), ms(3)), (1776.7, ms(4))];
            let heard = events(plan(code), &trio(&mut random, bellcore, 4, 20.0));
            is_information(plan(code), bellcore, &heard);
        }
        for (ms, gap_ms) in [(297, 0), (363, 50), (396, 30), (330, 15)] {
            for off in [0.985, 1.0, 1.015] {
                let itu = [950.0, 1400.0, 1800.0].map(|hz| (hz * off, ms));
                let heard = events(plan(code), &trio(&mut random, itu, gap_ms, 15.0));
                is_information(plan(code), itu, &heard);
            }
        }
    }
}

#[test]
fn three_tones_that_are_not_the_information_tone_are_not_told() {
    let mut random = Random::new(24);
    let none = TonePlan::new("none", "Nowhere");
    for (tones, gap_ms) in [
        ([(1800.0, 330), (1400.0, 330), (950.0, 330)], 0),
        ([(950.0, 330), (1800.0, 330), (1400.0, 330)], 0),
        ([(950.0, 330), (1400.0, 330), (1800.0, 330)], 90),
        ([(950.0, 200), (1400.0, 200), (1800.0, 200)], 0),
        ([(950.0, 330), (1400.0, 500), (1800.0, 330)], 0),
        ([(950.0, 330), (1400.0, 330), (1800.0, 500)], 0),
        ([(950.0, 330), (1500.0, 330), (1800.0, 330)], 0),
        ([(1050.0, 330), (1400.0, 330), (1800.0, 330)], 0),
        ([(950.0, 330), (1400.0, 330), (1900.0, 330)], 0),
    ] {
        let heard = events(&none, &trio(&mut random, tones, gap_ms, 30.0));
        assert_eq!(heard, [], "{tones:?} {gap_ms}");
    }
}

#[test]
fn voices_that_glide_through_the_frequencies_of_the_information_tone_are_not_taken_for_it() {
    let mut random = Random::new(25);
    let none = TonePlan::new("none", "Nowhere");
    for trial in 0..40 {
        let mut signal = Signal::silence(40_000);
        // Harmonics of a pitch that glides, loudest where a formant is that rises from 900 to 1850 Hz in a second.
        let (pitch, vibrato) = (90.0 + 200.0 * random.unit(), 0.1 * random.unit());
        let mut turns = 0.0;
        for (n, x) in signal.0.iter_mut().enumerate() {
            let seconds = n as f32 / 8000.0;
            turns += pitch * (1.0 + vibrato * (seconds * 20.0).sin()) / 8000.0;
            let formant = 900.0 + 475.0 * ((seconds % 1.0) * 3.0).floor();
            for harmonic in 1..12 {
                let off = (harmonic as f32 * pitch - formant) / 120.0;
                let part = (std::f32::consts::TAU * turns * harmonic as f32).sin();
                *x += 8000.0 / (1.0 + off * off) * part;
            }
        }
        assert_eq!(events(&none, &signal.through_mu_law()), [], "{trial}");
    }
}

#[test]
fn ringback_ends_when_the_special_information_tone_comes_in_its_pause() {
    let mut random = Random::new(26);
    let us = plan("us");
    let ringback = us.tone(Name::Ringback).expect("the us has one");
    let mut samples = Exchange { ms: 4000, ..EXCHANGE }.signal(ringback, &mut random);
    let tones = [(950.0, 330), (1400.0, 330), (1800.0, 330)];
    samples.extend(trio(&mut random, tones, 0, 30.0));
    let heard = events(us, &samples);
    assert_eq!(names(&heard), [Name::Ringback, Name::Information], "{heard:?}");
    assert!(matches!(heard[1].1, Event::Ended { name: Name::Ringback, .. }), "{heard:?}");
}

#[test]
fn the_level_of_a_tone_is_told_within_a_fifth_of_a_db_at_any_frequency() {
    let mut random = Random::new(28);
    for hz in (4000..=4600).step_by(4).map(|decihertz| decihertz as f32 / 10.0) {
        let dial = Program::continuous(Tone::single(hz, -13.0));
        let mut plan = TonePlan::new("x", "Level");
        plan.set(Name::Dial, dial);
        let heard = events(&plan, &Exchange { ms: 700, ..EXCHANGE }.signal(&dial, &mut random));
        let Some((_, Event::Began { tone, .. })) = heard.first() else { panic!("{hz}") };
        let (_, dbm0) = tone.components().next().expect("it sounds");
        assert!((dbm0 + 13.0).abs() < 0.2, "{hz} Hz: {dbm0}");
    }
}

#[test]
fn one_tone_after_the_other_is_told() {
    let mut random = Random::new(16);
    let uk = plan("uk");
    let mut samples = vec![];
    for (name, ms) in
        [(Name::Dial, 2000), (Name::Ringback, 7000), (Name::Busy, 4000), (Name::Congestion, 5000)]
    {
        let program = uk.tone(name).expect("the uk has it");
        samples.extend(Exchange { ms, ..EXCHANGE }.signal(program, &mut random));
    }
    samples.extend([0; 8000]);
    let heard = events(uk, &samples);
    assert_eq!(
        names(&heard),
        [Name::Dial, Name::Ringback, Name::Busy, Name::Congestion],
        "{heard:?}"
    );
    assert_eq!(heard.len(), 8, "each ends: {heard:?}");
}

#[test]
fn noise_silence_and_extremes_are_nothing() {
    let mut random = Random::new(17);
    for plan in ["us", "de", "uk", "in"].map(plan) {
        for dbm0 in [-60.0, -40.0, -20.0, -5.0] {
            let mut signal = Signal::silence(40_000);
            signal.noise(&mut random, dbm0);
            assert_eq!(events(plan, &signal.through_mu_law()), []);
        }
        assert_eq!(events(plan, &[0; 20_000]), []);
        assert_eq!(events(plan, &[i16::MIN; 20_000]), []);
        let square: Vec<i16> =
            (0..20_000).map(|n| if n / 4 % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
        assert_eq!(events(plan, &square), []);
    }
}

#[test]
fn segments_of_almost_any_length_do_no_harm() {
    let mut random = Random::new(27);
    let tone = Tone::single(440.0, -13.0);
    let longest = Segment { tone, samples: FOREVER - 1 };
    let mut plan = TonePlan::new("x", "Long");
    plan.set(Name::Busy, Program::repeating(&[longest, Segment::silence_ms(500)], 0));
    plan.set(Name::Dial, Program::continuous(tone));
    let signal = EXCHANGE.signal(&Program::continuous(tone), &mut random);
    assert_eq!(names(&events(&plan, &signal)), [], "dial tone is told after six days");
    assert_eq!(TonePlan::parse(&plan.to_string()).map_err(|error| error.line), Err(3));
}

/// What is learnt of the tones of a plan, heard one after the other.
fn learnt(plan: &TonePlan, wanted: &[Name], exchange: Exchange, random: &mut Random) -> TonePlan {
    let mut learner = Learner::new();
    for name in wanted {
        let program = plan.tone(*name).expect("it has them");
        let period: u32 = program.segments().iter().map(|s| s.samples.min(16_000 * 3)).sum();
        let exchange = Exchange { ms: period as usize / 8 * 11 / 5, ..exchange };
        learner.process(&exchange.signal(program, random));
    }
    learner.plan("x", "Learnt")
}

#[test]
fn an_unknown_exchange_is_learnt_and_then_told() {
    let mut random = Random::new(18);
    let all = [Name::Dial, Name::Ringback, Name::Busy, Name::Congestion];
    for code in ["us", "uk", "de", "fr", "ru", "ch", "sg", "au", "kr"] {
        let wanted = if code == "au" { &all[..3] } else { &all };
        for snr_db in [30.0, 15.0] {
            let plan = plan(code);
            let learnt = learnt(plan, wanted, Exchange { snr_db, ..EXCHANGE }, &mut random);
            let names: Vec<Name> = learnt.tones().map(|(name, _)| name).collect();
            assert_eq!(names, wanted, "{code}: {learnt}");
            for name in wanted {
                let program = plan.tone(*name).expect("it has them");
                let played = Exchange { ms: long_enough(program), ..draw(&mut random, 15.0) };
                let heard = events(&learnt, &played.signal(program, &mut random));
                assert_eq!(exchange::names(&heard), [*name], "{code} {name} {learnt} {heard:?}");
            }
        }
    }
}

#[test]
fn what_is_learnt_has_the_frequencies_levels_and_cadence_that_were_heard() {
    let mut random = Random::new(19);
    let us = plan("us");
    let learnt = learnt(us, &[Name::Ringback], Exchange { enter_ms: 700, ..EXCHANGE }, &mut random);
    let ringback = learnt.tone(Name::Ringback).expect("it was heard");
    let [on, off] = ringback.segments() else { panic!("{learnt}") };
    assert!(on.samples.abs_diff(16_000) < 160 && off.samples.abs_diff(32_000) < 160, "{learnt}");
    for ((hz, dbm0), expected) in on.tone.components().zip([440.0, 480.0]) {
        assert!((hz - expected).abs() < 1.0 && (dbm0 + 19.0).abs() < 1.0, "{learnt}");
    }
    // In the notation it is what any plan is.
    assert_eq!(TonePlan::parse(&learnt.to_string()).expect("it prints")[0].tones().count(), 1);
}

#[test]
fn nothing_is_learnt_of_noise_and_silence() {
    let mut random = Random::new(20);
    let mut signal = Signal::silence(80_000);
    signal.noise(&mut random, -20.0);
    let mut learner = Learner::new();
    learner.process(&signal.through_mu_law());
    learner.process(&[0; 8000]);
    assert_eq!(learner.plan("x", "").tones().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn how_the_stream_is_cut_makes_no_difference(cut in 1usize..700, seed in 0u64..1000) {
        let mut random = Random::new(seed);
        let us = plan("us");
        let mut samples = vec![];
        for name in [Name::Dial, Name::Information, Name::Congestion] {
            let program = us.tone(name).expect("the us has it");
            samples.extend(Exchange { ms: 2500, snr_db: 12.0, ..EXCHANGE }.signal(program, &mut random));
        }
        let mut whole = vec![];
        Detector::new(us).process(&samples, |event| whole.push(event));
        let mut pieces = vec![];
        let mut detector = Detector::new(us);
        for piece in samples.chunks(cut) {
            detector.process(piece, |event| pieces.push(event));
        }
        prop_assert!(whole.len() >= 4);
        prop_assert_eq!(whole, pieces);
    }
}

#[test]
fn a_listener_hears_what_both_detectors_hear() {
    let mut random = Random::new(21);
    let us = plan("us");
    let mut samples = vec![];
    for name in [Name::Dial, Name::Busy] {
        let program = us.tone(name).expect("the us has it");
        samples.extend(Exchange { ms: 3000, ..EXCHANGE }.signal(program, &mut random));
    }
    let mut signal = Signal::silence(16_000);
    signal.tone(&mut random, 3000, 4000, 1100.0, -20.0);
    samples.extend(signal.through_mu_law());
    let mut apart = vec![];
    fax::Detector::new().process(&samples, |event| apart.push(Heard::Fax(event)));
    Detector::new(us).process(&samples, |event| apart.push(Heard::Progress(event)));
    let mut together = vec![];
    Listener::new(us).process(&samples, |heard| together.push(heard));
    together.sort_by_key(|heard| matches!(heard, Heard::Progress(_)));
    assert_eq!(together.len(), 6, "CNG, dial tone and busy begin and end");
    assert_eq!(together, apart);
}
