//! What lines ask for by name, in the media engine's words: tones and caller-ID bursts.

use tipring_call::WallClock;
use tipring_core::Instant;
use tipring_dsp::caller_id::{self, Date, Field, Message};
use tipring_dsp::fsk::Standard;
use tipring_dsp::tone::{self, Program, Tone};
use tipring_line::Caller;
use tipring_line::country::{CallerIdScheme, Segment, Signal, ToneSpec};

/// The program that sounds as `spec` says.
pub fn program(spec: ToneSpec) -> Program {
    let segments: Vec<tone::Segment> = spec.segments.iter().map(segment).collect();
    match spec.repeat_from {
        Some(first) => Program::repeating(&segments, usize::from(first)),
        None => Program::once(&segments),
    }
}

fn segment(segment: &Segment) -> tone::Segment {
    let tone = segment.signal.as_ref().map_or(Tone::SILENCE, signal);
    if segment.ms == Segment::FOREVER {
        return tone::Segment { tone, samples: tone::FOREVER };
    }
    tone::Segment::tone_ms(tone, segment.ms)
}

fn signal(signal: &Signal) -> Tone {
    let components: Vec<_> = signal.components.iter().map(|c| (c.hz, c.level_dbm0)).collect();
    let tone = Tone::new(&components);
    match signal.modulation {
        Some(modulation) => tone.modulated(modulation.hz, modulation.depth_percent as u8),
        None => tone,
    }
}

/// The samples of a caller-ID transmission (MDMF with date, number and name).
pub fn caller_id_burst(
    now: Instant,
    wall: WallClock,
    scheme: CallerIdScheme,
    caller: &Caller,
) -> Box<[i16]> {
    let field = |text: &Option<String>| match text {
        _ if caller.private => Field::Private,
        Some(text) => Field::Given(text.clone()),
        None => Field::Unavailable,
    };
    let message = Message {
        date: date(&wall.rfc3339(now)),
        number: field(&caller.number),
        name: field(&caller.name),
    };
    let standard = match scheme {
        CallerIdScheme::Bell202 => Standard::Bell202,
        CallerIdScheme::V23 => Standard::V23,
    };
    caller_id::burst(&message, standard).into_boxed_slice()
}

/// Month, day, hour and minute of `2026-11-20T16:45:20.123Z`.
fn date(rfc3339: &str) -> Option<Date> {
    let part = |range: std::ops::Range<usize>| rfc3339.get(range)?.parse().ok();
    Some(Date { month: part(5..7)?, day: part(8..10)?, hour: part(11..13)?, minute: part(14..16)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_dsp::caller_id::Receiver;
    use tipring_line::{Country, ToneName};

    #[test]
    fn every_tone_of_every_country_becomes_a_program_of_the_same_length() {
        for country in Country::ALL {
            for name in ToneName::ALL {
                let spec = country.tone(name);
                let program = program(spec);
                assert_eq!(
                    program.segments().len(),
                    spec.segments.len(),
                    "{} {name}",
                    country.code
                );
                assert!(program.segments().iter().any(|s| !s.tone.is_silence()));
                assert_eq!(program.repeat_from(), spec.repeat_from.map(usize::from));
            }
        }
    }

    #[test]
    fn a_display_reads_number_name_and_date() {
        let caller =
            Caller { number: Some("5551234".into()), name: Some("Alice".into()), private: false };
        // 2026-11-20T16:45:20Z.
        let wall = WallClock { unix_ms_at_origin: 1_795_193_120_000 };
        for (scheme, standard) in
            [(CallerIdScheme::Bell202, Standard::Bell202), (CallerIdScheme::V23, Standard::V23)]
        {
            let mut samples = caller_id_burst(Instant::ZERO, wall, scheme, &caller).into_vec();
            samples.resize(samples.len() + 400, 0);
            let mut seen = None;
            Receiver::new(standard).process(&samples, |message| seen = Some(message));
            let message = seen.expect("a message was sent").expect("it is intact");
            assert_eq!(message.number, Field::Given("5551234".into()));
            assert_eq!(message.name, Field::Given("Alice".into()));
            assert_eq!(message.date, Some(Date { month: 11, day: 20, hour: 16, minute: 45 }));
        }
    }
}
