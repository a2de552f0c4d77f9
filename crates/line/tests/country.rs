//! The data of the countries, against ITU-T E.180 and against what a port and a tone generator can do.

use std::fmt::Write;

use tipring_line::country::{CallerIdTiming, Segment, ToneSpec};
use tipring_line::{Country, ToneName};

fn seconds(ms: u32) -> String {
    if ms == Segment::FOREVER { "on".into() } else { format!("{}", f64::from(ms) / 1000.0) }
}

/// `350+440 -13 dBm0 0.1, off 0.1, [350+440 -13 dBm0 on`: `[` marks where it goes on from.
fn print(spec: ToneSpec) -> String {
    let mut text = String::new();
    for (at, segment) in spec.segments.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let mark = if spec.repeat_from.map(usize::from) == Some(at) { "[" } else { "" };
        let what = segment.signal.map_or("off".into(), |signal| {
            let hz: Vec<_> = signal.components.iter().map(|c| c.hz.to_string()).collect();
            let level = signal.components.first().map_or(0.0, |c| c.level_dbm0);
            let am = signal.modulation.map_or(String::new(), |m| format!("*{}", m.hz));
            format!("{}{am} {level} dBm0", hz.join("+"))
        });
        write!(text, "{comma}{mark}{what} {}", seconds(segment.ms)).expect("a string takes it");
    }
    text
}

#[test]
fn the_tones_are_those_of_e_180() {
    let mut table = String::new();
    for country in Country::ALL {
        let ring: Vec<_> = country.ring.cadence.0.iter().map(|b| (b.on_ms, b.off_ms)).collect();
        writeln!(table, "{} ring {} Hz {ring:?}", country.code, country.ring.frequency_hz)
            .expect("a string takes it");
        for name in ToneName::ALL {
            writeln!(table, "  {:<20} {}", name.as_str(), print(country.tone(name)))
                .expect("a string takes it");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_tone_can_be_generated_without_clipping() {
    for country in Country::ALL {
        for name in ToneName::ALL {
            let spec = country.tone(name);
            let what = format!("{} {name}", country.code);
            assert!((1..=ToneSpec::MAX_SEGMENTS).contains(&spec.segments.len()), "{what}");
            assert!(spec.repeat_from.is_none_or(|at| usize::from(at) < spec.segments.len()));
            for signal in spec.segments.iter().filter_map(|segment| segment.signal) {
                assert!((1..=4).contains(&signal.components.len()), "{what}");
                assert!(signal.components.iter().all(|c| (300.0..=3400.0).contains(&c.hz)));
                // G.711 clips at +3.14 dBm0 (A-law) or +3.17 dBm0 (µ-law).
                let peak: f32 =
                    signal.components.iter().map(|c| 10f32.powf(c.level_dbm0 / 20.0)).sum();
                let depth = signal.modulation.map_or(0.0, |m| m.depth_percent / 100.0);
                assert!(20.0 * (peak * (1.0 + depth)).log10() < 3.1, "{what}");
            }
        }
    }
}

#[test]
fn nobody_can_take_one_tone_for_another() {
    for country in Country::ALL {
        let tones = ToneName::ALL.map(|name| (name, country.tone(name)));
        for (at, (name, spec)) in tones.iter().enumerate() {
            for (other, same) in tones.iter().skip(at + 1).filter(|(_, other)| other == spec) {
                // Japan has one tone for everything that fails.
                assert_eq!(country.code, "jp", "{name} = {other}: {same:?}");
            }
        }
    }
}

#[test]
fn caller_id_between_rings_has_a_silence_to_go_into() {
    for country in Country::ALL {
        match country.caller_id.timing {
            CallerIdTiming::AfterFirstRing { delay_ms } => {
                let first = country.ring.cadence.0.first().expect("a cadence has a burst");
                assert!((500..=1500).contains(&delay_ms), "{}: GR-30 §2.4", country.code);
                assert!(first.off_ms >= delay_ms + 2000, "{}", country.code);
            }
            CallerIdTiming::BeforeRing { alert_ms, .. } => {
                assert!(alert_ms == 0 || (88..=110).contains(&alert_ms), "{}", country.code);
            }
        }
    }
}

#[test]
fn a_flash_is_longer_than_the_pulses_of_a_rotary_dial() {
    for country in Country::ALL {
        assert!(country.flash.min_ms > 75, "{}: 67 % of a slow pulse", country.code);
        assert!(country.flash.min_ms < country.flash.max_ms, "{}", country.code);
    }
}

#[test]
fn an_unknown_country_is_told_which_are_known() {
    assert_eq!(Country::find("GB").map(|country| country.code), Ok("uk"));
    assert_eq!(Country::find("US").map(|country| country.code), Ok("us"));
    let error = Country::find("xx\n").expect_err("there is no such country");
    assert_eq!(error.to_string(), r"country `xx\n` is not known; known are de, fr, jp, uk, us");
}
