//! The plans of the countries, and the notation that they are written in.

use proptest::prelude::*;
use tipring_dsp::{
    tone::{FOREVER, Player, Program, Segment, Tone},
    tone_plan::{Fault, Name, ParseError, TonePlan},
};

fn fault(text: &str) -> Option<(usize, Fault)> {
    TonePlan::parse(text).err().map(|ParseError { line, fault }| (line, fault))
}

fn sounds(program: &Program) -> impl Iterator<Item = &Segment> {
    program.segments().iter().filter(|segment| !segment.tone.is_silence())
}

#[test]
fn more_than_46_countries_are_known_by_their_codes() {
    let codes: Vec<&str> = TonePlan::all().iter().map(|plan| plan.code.as_str()).collect();
    assert!(codes.len() >= 60, "{}", codes.len());
    assert!(codes.is_sorted_by(|a, b| a < b), "by code, each once");
    for code in [
        "ao", "ar", "at", "au", "be", "bg", "br", "ch", "cl", "cn", "cr", "cz", "de", "dk", "ee",
        "es", "fi", "fr", "gr", "hu", "id", "il", "in", "is", "it", "jp", "ke", "lt", "lv", "mo",
        "mx", "my", "nl", "no", "nz", "pa", "ph", "pl", "pt", "ru", "se", "sg", "si", "th", "tw",
        "tz", "ug", "uk", "us", "us-old", "ve", "za", "GB", "US",
    ] {
        assert!(TonePlan::find(code).is_some(), "{code}");
    }
    assert!(TonePlan::find("xx").is_none());
}

#[test]
fn every_plan_has_the_tones_that_a_caller_needs() {
    for plan in TonePlan::all() {
        for name in [Name::Dial, Name::Ringback, Name::Busy] {
            assert!(plan.tone(name).is_some(), "{} has no {name} tone", plan.code);
        }
    }
}

#[test]
fn every_tone_is_one_that_e_180_would_have() {
    for plan in TonePlan::all() {
        for (name, program) in plan.tones() {
            let what = format!("{} {name}: {program}", plan.code);
            assert!(sounds(program).count() > 0, "{what}");
            for segment in program.segments() {
                let ms = segment.samples / 8;
                assert!(segment.samples == FOREVER || (15..=15_000).contains(&ms), "{what}");
                let most = if name == Name::Howler { 3.2 } else { -3.0 };
                for (hz, dbm0) in segment.tone.components() {
                    assert!((300.0..=3200.0).contains(&hz), "{what}");
                    assert!((-30.0..=most).contains(&dbm0), "{what}");
                }
            }
            // The player has it sound, and never at the limit of 16 bits.
            let mut player = Player::new();
            player.start(*program);
            let mut samples = vec![0; 16_000];
            assert_eq!(player.process(&mut samples), 16_000, "{what}");
            let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
            assert!((500..32_767).contains(&peak), "{what}: {peak}");
        }
    }
}

#[test]
fn dial_tone_goes_on_and_the_others_pause() {
    for plan in TonePlan::all() {
        let is_continuous =
            |name| plan.tone(name).map(|tone| tone.segments()[0].samples == FOREVER);
        // Four networks have, or had, an interrupted dial tone.
        let interrupted = ["cz", "gr", "hr", "it", "si", "sk"].contains(&plan.code.as_str());
        assert_eq!(is_continuous(Name::Dial), Some(!interrupted), "{}", plan.code);
        for name in [Name::Ringback, Name::Busy, Name::Congestion, Name::CallWaiting] {
            assert_ne!(is_continuous(name), Some(true), "{} {name}", plan.code);
        }
    }
}

#[test]
fn ringing_is_slow_busy_is_even_and_congestion_not_slower() {
    let total = |program: &Program, silent: bool| -> u32 {
        let of_kind = program.segments().iter().filter(|s| s.tone.is_silence() == silent);
        of_kind.map(|s| s.samples / 8).sum()
    };
    for plan in TonePlan::all() {
        let ringback = plan.tone(Name::Ringback).expect("asserted above");
        let busy = plan.tone(Name::Busy).expect("asserted above");
        // E.180: 0.67 to 1.5 s on and 3 to 5 s off are recommended, more is accepted.
        assert!(
            (2000..=11_000).contains(&(total(ringback, true) + total(ringback, false))),
            "{}",
            plan.code
        );
        assert!(total(ringback, true) > total(ringback, false), "{}", plan.code);
        let period = total(busy, true) + total(busy, false);
        assert!((300..=2000).contains(&period), "{}", plan.code);
        if let Some(congestion) = plan.tone(Name::Congestion) {
            assert_ne!(congestion, busy, "{}: one tone under two names", plan.code);
        }
    }
}

#[test]
fn what_is_written_can_be_read() {
    let text: String = TonePlan::all().iter().map(|plan| format!("{plan}\n")).collect();
    assert_eq!(TonePlan::parse(&text).as_deref(), Ok(TonePlan::all()));
}

#[test]
fn the_notation_says_what_sounds() {
    let plans = TonePlan::parse(
        "[x] An exchange\ndial !350@-13+440@-16/100,!0/50,425*25%80\nbusy 400/300 , 0/200\n",
    )
    .expect("it is right");
    let dial = plans[0].tone(Name::Dial).expect("it is there");
    let expected = [
        Segment::tone_ms(Tone::new(&[(350.0, -13.0), (440.0, -16.0)]), 100),
        Segment::silence_ms(50),
        Segment { tone: Tone::single(425.0, -10.0).modulated(25.0, 80), samples: FOREVER },
    ];
    assert_eq!(*dial, Program::once(&expected));
    assert_eq!(
        plans[0].tone(Name::Busy),
        Some(&Program::on_off(Tone::single(400.0, -10.0), 300, 200))
    );
    assert_eq!((plans[0].code.as_str(), plans[0].country.as_str()), ("x", "An exchange"));
}

#[test]
fn each_fault_is_told_with_its_line() {
    assert_eq!(fault("\n# comment\ndial 425"), Some((3, Fault::NoCountry)));
    assert_eq!(fault("[us United States"), Some((1, Fault::Country)));
    assert_eq!(fault("[U S] x"), Some((1, Fault::Country)));
    for (line, expected) in [
        ("dail 425", Fault::Name),
        ("dial", Fault::Segments),
        ("dial 9", Fault::Frequency),
        ("dial NaN", Fault::Frequency),
        ("dial 4001", Fault::Frequency),
        ("dial 1+0", Fault::Frequency),
        ("dial 300+400+500+600+700", Fault::Frequency),
        ("dial 425@4", Fault::Level),
        ("dial 425*0", Fault::Modulation),
        ("dial 425*20%101", Fault::Modulation),
        ("busy 425/0,0/500", Fault::Length),
        ("busy 425/60001", Fault::Length),
        ("busy 425,0/500", Fault::Length),
        ("busy 425/500,!0/500", Fault::Segments),
        ("busy ", Fault::Segments),
    ] {
        assert_eq!(fault(&format!("[x]\n{line}")), Some((2, expected)), "{line}");
    }
    let many = vec!["425/9"; 17].join(",");
    assert_eq!(fault(&format!("[x]\nbusy {many}")), Some((2, Fault::Segments)));
    assert_eq!(fault("[x]\nbusy 425\nbusy 425"), Some((3, Fault::Twice)));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[[a-z]{0,3}\\]|dial|busy| |,|!|\\+|@|\\*|%|/|-|[0-9.]{1,5}|\n|\\PC){0,60}") {
        if let Ok(plans) = TonePlan::parse(&text) {
            for plan in plans {
                let again = TonePlan::parse(&plan.to_string());
                prop_assert_eq!(again.as_deref(), Ok(&[plan][..]));
            }
        }
    }
}
