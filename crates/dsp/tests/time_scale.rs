//! Shortening and lengthening as a listener would judge it.

use std::f32::consts::TAU;

use proptest::prelude::*;
use tipring_dsp::{
    level::Meter,
    time_scale::{LONGEST, SHORTEST, lengthen, shorten},
};

fn vowel(pitch_hz: f32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| {
            let turns = pitch_hz * n as f32 / 8000.0;
            (1..=10)
                .map(|h| 3000.0 / h as f32 * (TAU * turns * h as f32 + (h * h) as f32).sin())
                .sum::<f32>() as i16
        })
        .collect()
}

fn hiss(amplitude: i32, samples: usize) -> Vec<i16> {
    let mut state = 5u32;
    (0..samples)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as i32 % (2 * amplitude + 1) - amplitude) as i16
        })
        .collect()
}

fn level(samples: &[i16]) -> f32 {
    let mut meter = Meter::new();
    meter.process(samples);
    meter.level_dbm0()
}

/// How far `heard` is below the best of `original` at any delay, in dB of the original.
fn error_db(heard: &[i16], original: &[i16]) -> f32 {
    (0..original.len() - heard.len())
        .map(|delay| {
            let error: Vec<i16> =
                heard.iter().zip(&original[delay..]).map(|(h, o)| h.saturating_sub(*o)).collect();
            level(&error) - level(heard)
        })
        .fold(f32::MAX, f32::min)
}

#[test]
fn a_vowel_keeps_its_pitch_and_its_shape() {
    // A sustained vowel sounds the same a period later: what was made is found in the original.
    for pitch in [52.0, 80.0, 110.0, 173.0, 240.0, 333.0] {
        let sound = vowel(pitch, 2000);
        let mut shorter = sound[..400].to_vec();
        let length = shorten(&mut shorter).expect("periodic");
        let mut longer = [0; 600];
        let longer =
            lengthen(&sound[..400], &mut longer).map(|length| &longer[..length]).expect("periodic");
        for (heard, what) in [(&shorter[..length], "shorter"), (longer, "longer")] {
            let removed = heard.len().abs_diff(400) as f32 * pitch / 8000.0;
            assert!(
                (removed - removed.round()).abs() < 0.03,
                "{pitch} Hz {what}: {removed} periods"
            );
            let error = error_db(heard, &sound);
            assert!(error < -17.0, "{pitch} Hz {what}: {error} dB");
        }
    }
}

#[test]
fn the_first_and_the_last_samples_are_as_before() {
    let sound = vowel(100.0, 480);
    let mut shorter = sound.clone();
    let length = shorten(&mut shorter).expect("periodic");
    let mut longer = [0; 640];
    let more = lengthen(&sound, &mut longer).expect("periodic");
    assert_eq!(longer[..80], sound[..80]);
    assert_eq!(longer[more - 400..more], sound[80..]);
    assert_eq!(shorter[length - 320..length], sound[160..]);
    assert!((i32::from(shorter[0]) - i32::from(sound[0])).abs() < 200);
}

#[test]
fn silence_and_a_quiet_line_are_changed_anywhere() {
    for sound in [vec![0; 320], hiss(80, 320)] {
        let mut output = [0; 480];
        assert!(lengthen(&sound, &mut output).is_some());
        assert!(shorten(&mut sound.clone()).is_some());
    }
}

#[test]
fn what_would_be_heard_is_left_alone() {
    let mut sound = hiss(5000, 320);
    let before = sound.clone();
    assert_eq!(shorten(&mut sound), None);
    assert_eq!(sound, before);
    let mut output = [7; 480];
    assert_eq!(lengthen(&sound, &mut output), None);
    assert_eq!(output, [7; 480]);
    // Periodic, but without room for the result.
    assert_eq!(lengthen(&vowel(100.0, 320), &mut output[..350]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_sound_is_changed_within_its_limits(
        seed in any::<u32>(),
        length in 0usize..700,
        shift in 0u32..16,
        quiet in any::<bool>(),
    ) {
        let mut state = seed;
        let samples: Vec<i16> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // From noise to a train of extremes.
                let sample = ((state >> 16) as i16).saturating_mul(1 << shift.min(14));
                if quiet { sample / 1000 } else { sample }
            })
            .collect();
        let mut output = vec![0; samples.len() + LONGEST];
        let longer = lengthen(&samples, &mut output);
        let shorter = shorten(&mut samples.clone());
        let most = LONGEST.min(samples.len() / 2);
        if let (Some(longer), Some(shorter)) = (longer, shorter) {
            prop_assert_eq!(longer - samples.len(), samples.len() - shorter);
            prop_assert!((SHORTEST..=most).contains(&(longer - samples.len())));
        } else {
            prop_assert_eq!(longer, shorter);
            prop_assert!(!quiet || most < SHORTEST);
        }
    }
}
