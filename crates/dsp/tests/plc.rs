//! Concealment as a listener would judge it.

use proptest::prelude::*;
use tipring_dsp::{
    level::{Meter, energy},
    plc::Concealer,
};

/// A voiced sound: harmonics of a pitch that falls off by 6 dB an octave.
fn vowel(pitch_hz: f32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| {
            let t = n as f32 / 8000.0;
            (1..=12)
                .map(|h| {
                    let h = h as f32;
                    3000.0 / h * (std::f32::consts::TAU * (pitch_hz * h * t) + h * h).sin()
                })
                .sum::<f32>() as i16
        })
        .collect()
}

fn level(samples: &[i16]) -> f32 {
    let mut meter = Meter::new();
    meter.process(samples);
    meter.level_dbm0()
}

fn largest_step(samples: &[i16]) -> i32 {
    samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
}

#[test]
fn good_samples_pass_unchanged_and_undelayed() {
    let mut concealer = Concealer::new();
    for block in vowel(110.0, 4000).chunks_mut(40) {
        let before = block.to_vec();
        concealer.good(block);
        assert_eq!(block, before);
    }
}

#[test]
fn a_lost_packet_of_a_vowel_is_hardly_heard() {
    for pitch in [75.0, 110.0, 151.0, 190.0] {
        let original = vowel(pitch, 2400);
        let mut heard = original.clone();
        let mut concealer = Concealer::new();
        for (i, block) in heard.chunks_mut(40).enumerate() {
            // 20 ms are lost at 100 ms.
            if (20..24).contains(&i) { concealer.conceal(block) } else { concealer.good(block) }
        }
        let error: Vec<i16> =
            heard.iter().zip(&original).map(|(h, o)| h.saturating_sub(*o)).collect();
        let lost = 800..1060;
        let snr = level(&original[lost.clone()]) - level(&error[lost.clone()]);
        assert!(snr > 12.0, "{pitch} Hz: {snr} dB");
        assert!(largest_step(&heard) <= largest_step(&original) * 5 / 4, "{pitch} Hz clicks");
        assert!(level(&heard[lost.clone()]) < level(&original[lost]) + 1.0, "{pitch} Hz booms");
        assert_eq!(heard[1080..], original[1080..], "{pitch} Hz: the original must come back");
    }
}

#[test]
fn long_loss_fades_to_silence_by_60_ms() {
    let mut concealer = Concealer::new();
    concealer.good(&mut vowel(120.0, 800));
    let mut lost = [0; 800];
    for block in lost.chunks_mut(40) {
        concealer.conceal(block);
    }
    let per_10_ms: Vec<u64> = lost.chunks(80).map(energy).collect();
    assert!(per_10_ms[1..7].is_sorted_by(|a, b| a >= b), "{per_10_ms:?}");
    assert!(per_10_ms[0] > 0 && per_10_ms[6..].iter().all(|e| *e == 0), "{per_10_ms:?}");
    assert!(concealer.is_concealing());
}

/// White noise; `amplitude` is of a uniform distribution.
fn hiss(seed: u32, amplitude: i32, samples: usize) -> Vec<i16> {
    let mut state = seed;
    (0..samples)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as i32 % (2 * amplitude + 1) - amplitude) as i16
        })
        .collect()
}

#[test]
fn long_loss_ends_in_noise_as_loud_as_the_background() {
    for amplitude in [10, 40, 150] {
        let mut concealer = Concealer::new();
        let background = hiss(7, amplitude, 8000);
        concealer.good(&mut background.clone());
        // A word, of which the end is lost.
        concealer.good(&mut vowel(120.0, 800));
        let mut lost = [0; 1600];
        lost.chunks_mut(40).for_each(|block| concealer.conceal(block));
        let off = level(&lost[480..]) - level(&background);
        assert!(off.abs() < 2.0, "±{amplitude}: {off} dB");
    }
}

#[test]
fn a_loud_sound_is_no_background() {
    let mut concealer = Concealer::new();
    concealer.good(&mut hiss(3, 4000, 16_000));
    let mut lost = [0; 800];
    concealer.conceal(&mut lost);
    assert!(lost[..160].iter().any(|sample| *sample != 0));
    assert_eq!(lost[480..], [0; 320]);
}

#[test]
fn the_pitch_of_every_voice_is_found() {
    for pitch in (55..=390).step_by(5) {
        let original = vowel(pitch as f32, 1200);
        let mut heard = original.clone();
        let mut concealer = Concealer::new();
        concealer.good(&mut heard[..900]);
        concealer.conceal(&mut heard[900..980]);
        let error: Vec<i16> =
            heard.iter().zip(&original).map(|(h, o)| h.saturating_sub(*o)).collect();
        let snr = level(&original[900..980]) - level(&error[900..980]);
        assert!(snr > 6.0, "{pitch} Hz: {snr} dB");
    }
}

#[test]
fn a_voice_that_fades_goes_on_fading() {
    let mut sound = vowel(100.0, 960);
    // 1 dB less in each period.
    for (n, sample) in sound.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * 10f32.powf(-(n as f32) / 80.0 / 20.0)) as i16;
    }
    let mut concealer = Concealer::new();
    concealer.good(&mut sound[..800]);
    let mut lost = [0; 160];
    concealer.conceal(&mut lost);
    let off = level(&lost[80..]) - level(&sound[880..]);
    assert!((-2.0..0.5).contains(&off), "{off} dB");
}

#[test]
fn nothing_heard_is_concealed_by_silence() {
    let mut concealer = Concealer::new();
    let mut block = [77; 200];
    concealer.conceal(&mut block);
    assert_eq!(block, [0; 200]);
}

#[test]
fn how_the_stream_is_cut_makes_no_difference() {
    let original = vowel(98.0, 1600);
    // Lost: 400..520, 700..1300.
    let mut whole = original.clone();
    let mut concealer = Concealer::new();
    concealer.good(&mut whole[..400]);
    concealer.conceal(&mut whole[400..520]);
    concealer.good(&mut whole[520..700]);
    concealer.conceal(&mut whole[700..1300]);
    concealer.good(&mut whole[1300..]);
    let mut cut = original;
    let mut concealer = Concealer::new();
    for (i, block) in cut.chunks_mut(4).enumerate() {
        let at = i * 4;
        if (400..520).contains(&at) || (700..1300).contains(&at) {
            concealer.conceal(block);
        } else {
            concealer.good(block);
        }
    }
    assert_eq!(whole, cut);
}

#[test]
fn the_worst_samples_and_lengths_do_no_harm() {
    let mut concealer = Concealer::new();
    let mut seed = 1u32;
    for i in 0..3000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (seed >> 16) as usize % 700;
        let mut block: Vec<i16> =
            (0..length).map(|n| if (n * i) % 7 < 3 { i16::MIN } else { i16::MAX }).collect();
        if seed & 0x80 == 0 { concealer.good(&mut block) } else { concealer.conceal(&mut block) }
    }
    concealer.good(&mut []);
    concealer.conceal(&mut []);
}

/// Syllables, hisses and clicks at any level: what a substitute is made from.
fn scene(seed: u32) -> Vec<i16> {
    let mut sound = Vec::new();
    let mut state = seed;
    while sound.len() < 1600 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = 30 + (state >> 20) as usize % 400;
        let loudness = 1 + (state >> 8) as i32 % 4000;
        match state >> 30 {
            0 => sound.extend(hiss(state, loudness, length)),
            1 => sound.extend(vec![0; length]),
            _ => {
                let voice = vowel(60.0 + (state >> 4 & 255) as f32, length);
                sound.extend(voice.iter().map(|s| (i32::from(*s) * loudness / 4000) as i16));
            }
        }
    }
    sound
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_substitute_is_at_most_1_db_louder_than_what_it_is_made_from(seed in any::<u32>()) {
        let mut heard = scene(seed);
        let mut concealer = Concealer::new();
        concealer.good(&mut heard);
        let mut lost = [0; 160];
        concealer.conceal(&mut lost);
        let loudest = heard[heard.len() - 480..].windows(160).map(energy).max().unwrap_or(0);
        // And the rounding of 160 samples.
        prop_assert!(energy(&lost) as f64 <= 1.26 * loudest as f64 + 160.0);
    }

    #[test]
    fn how_any_stream_is_cut_makes_no_difference(
        seed in any::<u32>(),
        gaps in prop::collection::vec((1usize..300, 1usize..900), 1..8),
        cut in 1usize..50,
    ) {
        let sound = scene(seed);
        let (mut whole, mut cuts) = (Concealer::new(), Concealer::new());
        for (good, lost) in gaps {
            let mut a: Vec<i16> = sound.iter().cycle().take(good + lost).copied().collect();
            let mut b = a.clone();
            whole.good(&mut a[..good]);
            whole.conceal(&mut a[good..]);
            b[..good].chunks_mut(cut).for_each(|piece| cuts.good(piece));
            b[good..].chunks_mut(cut).for_each(|piece| cuts.conceal(piece));
            prop_assert_eq!(a, b);
        }
    }
}
