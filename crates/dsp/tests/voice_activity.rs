//! Who decides between speech and comfort noise: no word may lose its beginning, no background may be sent as speech.

mod noises;

use noises::{PLACES, Place, Random, background};
use proptest::prelude::*;
use tipring_dsp::{
    level,
    voice_activity::{Detector, Event, HANGOVER_MS},
};

/// A word: a vowel of 120 Hz with two formants, or an s, that begins within `attack` samples.
fn word(vowel: bool, samples: usize, attack: usize, dbm0: f32) -> Vec<f32> {
    let mut random = Random(samples as u64);
    let mut last = 0.0;
    let each = (0..samples).map(|n| {
        let x = match vowel {
            true => (1..28)
                .map(|h| {
                    let hz = 120.0 * h as f32;
                    let near = |formant: f32, width: f32| (-((hz - formant) / width).powi(2)).exp();
                    let amplitude = near(600.0, 250.0) + 0.4 * near(1700.0, 400.0) + 0.02;
                    amplitude * (std::f32::consts::TAU * hz * n as f32 / 8000.0).sin()
                })
                .sum(),
            // Noise that rises towards 4 kHz.
            false => {
                let white = random.next();
                white - std::mem::replace(&mut last, white)
            }
        };
        let ramp = |place: usize| (place as f32 / attack as f32).min(1.0);
        x * ramp(n + 1) * ramp(samples - n)
    });
    let each: Vec<f32> = each.collect();
    let power = each.iter().map(|x| x * x).sum::<f32>() / samples as f32;
    let scale = level::dbm0_to_peak(dbm0) / (2.0 * power).sqrt();
    each.into_iter().map(|x| x * scale).collect()
}

fn events(samples: &[i16]) -> Vec<Event> {
    let mut events = vec![];
    Detector::default().process(samples, |event| events.push(event));
    events
}

/// Samples that are active from `from` on.
fn active(events: &[Event], from: u64, end: u64) -> u64 {
    let mut began = None;
    let mut sum = 0;
    for event in events.iter().copied().chain([Event::Ends(end)]) {
        match event {
            Event::Begins(at) => began = Some(at.max(from)),
            Event::Ends(at) => sum += began.take().map_or(0, |began| at.saturating_sub(began)),
        }
    }
    sum
}

#[test]
fn no_word_loses_more_than_10_ms_of_its_beginning() {
    for place in PLACES {
        for vowel in [true, false] {
            for (noise, speech) in [(-70.0, -45.0), (-50.0, -33.0), (-50.0, -20.0), (-35.0, -20.0)]
            {
                for trial in 0..10 {
                    let mut heard = background(place, 7 + trial, 40_000, noise);
                    // 3 s to learn the background; words at any place in a frame.
                    let starts = [24_000 + 13 * trial as usize, 32_000 + 7 * trial as usize];
                    for start in starts {
                        for (n, x) in word(vowel, 2400, 40, speech).into_iter().enumerate() {
                            heard[start + n] = heard[start + n].saturating_add(x as i16);
                        }
                    }
                    let events = events(&heard);
                    for start in starts {
                        let begins = events.iter().find_map(|event| match event {
                            Event::Begins(at) if *at + 800 > start as u64 => Some(*at),
                            Event::Begins(_) | Event::Ends(_) => None,
                        });
                        let clipped = begins.map(|at| at.saturating_sub(start as u64));
                        assert!(
                            clipped.is_some_and(|clipped| clipped <= 80),
                            "{place:?} {vowel} {noise} {speech} {trial}: {clipped:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn backgrounds_of_any_kind_and_level_are_no_speech() {
    for place in PLACES {
        for dbm0 in [-75.0, -60.0, -45.0, -30.0] {
            let heard = background(place, 11, 160_000, dbm0);
            let active = active(&events(&heard), 16_000, 160_000);
            assert!(active <= 144_000 / 50, "{place:?} at {dbm0} dBm0: {active} samples");
        }
    }
}

#[test]
fn a_background_that_grows_15_db_louder_is_learnt_in_two_seconds() {
    for place in PLACES {
        let mut heard = background(place, 1, 40_000, -55.0);
        heard.extend(background(place, 2, 160_000, -40.0));
        // Two seconds, and the hangover.
        let active = active(&events(&heard), 40_000 + 16_000 + 1600, 200_000);
        assert!(active <= 142_400 / 50, "{place:?}: {active} samples");
    }
}

#[test]
fn activity_goes_on_for_the_hangover_and_over_short_pauses() {
    let mut heard = background(Place::Line, 1, 48_000, -60.0);
    // Two words 100 ms apart.
    for start in [24_000, 24_000 + 2400 + 800] {
        for (n, x) in word(true, 2400, 40, -20.0).into_iter().enumerate() {
            heard[start + n] += x as i16;
        }
    }
    let events = events(&heard);
    let [Event::Begins(begins), Event::Ends(ends)] = events[..] else { panic!("{events:?}") };
    let end = 24_000 + 2 * 2400 + 800;
    assert!((24_000 - 40..24_080).contains(&begins), "{begins}");
    let hangover = ends - end;
    assert!(hangover.abs_diff(u64::from(8 * HANGOVER_MS)) <= 120, "{hangover}");
}

#[test]
fn tones_are_never_taken_for_background() {
    for tones in [vec![425.0], vec![350.0, 440.0], vec![1004.0], vec![2100.0], vec![941.0, 1336.0]]
    {
        let mut heard = background(Place::Line, 1, 120_000, -60.0);
        for (n, sample) in heard.iter_mut().enumerate().skip(24_000) {
            let turns = |hz: f64| (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin();
            *sample += tones.iter().map(|hz| (800.0 * turns(*hz)) as i16).sum::<i16>();
        }
        let events = events(&heard);
        assert!(matches!(events[..], [Event::Begins(24_000..=24_080)]), "{tones:?} {events:?}");
    }
}

#[test]
fn silence_and_the_lowest_bits_are_no_speech() {
    assert_eq!(events(&[0; 80_000]), []);
    let hiss: Vec<i16> = (0..80_000).map(|n: i64| (n * n / 7 % 3 - 1) as i16).collect();
    assert_eq!(events(&hiss), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_cut_changes_what_is_told(
        samples in prop::collection::vec(any::<i16>(), 0..1500), quiet in 0u32..15,
        cuts in prop::collection::vec(0usize..100, 0..20),
    ) {
        let samples: Vec<i16> = samples.iter().map(|sample| sample >> quiet).collect();
        let whole = events(&samples);
        let mut detector = Detector::default();
        let (mut pieces, mut rest) = (vec![], &samples[..]);
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            detector.process(now, |event| pieces.push(event));
            rest = later;
        }
        prop_assert_eq!(pieces, whole);
    }
}
