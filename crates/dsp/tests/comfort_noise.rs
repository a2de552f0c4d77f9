//! Comfort noise: the payload of RFC 3389, and whether the noise that is heard is the noise that was there.

mod noises;

use noises::{PLACES, Place, background, bands, level_dbm0};
use proptest::prelude::*;
use tipring_dsp::comfort_noise::{Analyser, Description, DescriptionError, Generator, MAX_ORDER};

/// What the other end hears instead of a background: described, sent, read and generated.
fn through_a_payload(heard: &[i16]) -> Vec<i16> {
    let mut analyser = Analyser::new();
    analyser.process(heard);
    let description = analyser.description().expect("enough was heard");
    let mut octets = [0; 1 + MAX_ORDER];
    let length = description.print(&mut octets);
    let read = Description::parse(&octets[..length]).expect("it was just printed");
    let mut noise = vec![0; 64_000];
    Generator::new(&read, 1).process(&mut noise);
    noise
}

#[test]
fn levels_of_all_backgrounds_come_back_within_a_decibel() {
    for place in PLACES {
        for dbm0 in [-70.0, -55.0, -40.0, -25.0] {
            let heard = background(place, 3, 32_000, dbm0);
            let noise = through_a_payload(&heard);
            let differs = level_dbm0(&noise) - level_dbm0(&heard[16_000..]);
            // At -70 dBm0 the samples themselves are coarse.
            let most = if dbm0 < -65.0 { 1.3 } else { 1.0 };
            assert!(differs.abs() <= most, "{place:?} at {dbm0}: {differs} dB");
        }
    }
}

#[test]
fn spectra_of_all_backgrounds_come_back_within_two_decibels() {
    for place in PLACES {
        let heard = background(place, 5, 64_000, -30.0);
        let noise = through_a_payload(&heard);
        // The payload's level is rounded to a decibel: that is another test.
        let level = level_dbm0(&noise) - level_dbm0(&heard);
        let wanted = bands(&heard);
        let most = wanted.iter().copied().fold(-100.0, f32::max);
        for (band, (a, b)) in bands(&noise).into_iter().zip(wanted).enumerate() {
            let (hz, differs) = (375 + 250 * band, a - b - level);
            // Ten poles make no holes: what is 25 dB below the strongest band may come louder.
            let within = differs.abs() <= 2.0 || b < most - 25.0;
            assert!(within, "{place:?} at {hz} Hz: {differs} dB at {b} dBm0");
        }
    }
}

#[test]
fn white_noise_is_white_and_at_its_level() {
    for dbm0 in [-60.0, -40.0, -20.0] {
        let mut noise = vec![0; 64_000];
        Generator::new(&Description::white(dbm0), 7).process(&mut noise);
        assert!((level_dbm0(&noise) - dbm0).abs() < 0.7, "{}", level_dbm0(&noise));
        let bands = bands(&noise);
        let mean = bands.iter().sum::<f32>() / bands.len() as f32;
        assert!(bands.iter().all(|band| (band - mean).abs() < 0.5), "{bands:?}");
    }
}

#[test]
fn another_level_takes_over_at_once_and_without_a_click() {
    let loud = Description::parse(&[36, 20, 150]).expect("constant");
    let quiet = Description::parse(&[56, 20, 150]).expect("constant");
    let mut generator = Generator::new(&loud, 1);
    let mut noise = vec![0; 8011];
    generator.process(&mut noise);
    generator.set(&quiet);
    let mut after = vec![0; 8011];
    generator.process(&mut after);
    assert!((level_dbm0(&noise) - level_dbm0(&after[80..]) - 20.0).abs() < 1.0);
    let most = noise.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
    assert!(Some(noise[8010].abs_diff(after[0])) <= most);
}

#[test]
fn other_seeds_make_other_noise_and_a_seed_the_same() {
    let description = Description::white(-30.0);
    let noise = |seed| {
        let mut samples = [0; 200];
        Generator::new(&description, seed).process(&mut samples);
        samples
    };
    assert_eq!(noise(1), noise(1));
    assert_ne!(noise(1), noise(2));
}

#[test]
fn a_background_is_followed_when_it_changes() {
    let mut analyser = Analyser::new();
    analyser.process(&background(Place::Room, 1, 16_000, -60.0));
    analyser.process(&background(Place::Car, 2, 16_000, -35.0));
    let level = analyser.description().expect("enough was heard").level_dbm0();
    assert!((level + 35.0).abs() < 1.5, "{level}");
}

#[test]
fn payloads_that_say_nothing_are_refused_with_a_reason() {
    assert_eq!(Description::parse(&[]), Err(DescriptionError::Empty));
    assert_eq!(Description::parse(&[128]), Err(DescriptionError::Level(128)));
    assert_eq!(Description::parse(&[40, 127, 255]), Err(DescriptionError::Coefficient));
    assert_eq!(Analyser::new().description(), None);
}

#[test]
fn a_level_alone_is_white_noise() {
    // RFC 3389 §3.1: 0 dBov is +6.18 dBm0.
    let description = Description::parse(&[46]).expect("a level");
    assert_eq!(description.order(), 0);
    assert!((description.level_dbm0() + 39.82).abs() < 1e-4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_octets_are_a_payload_or_an_error_and_print_again_as_far_as_they_are_used(
        octets in prop::collection::vec(any::<u8>(), 0..20)
    ) {
        if let Ok(description) = Description::parse(&octets) {
            let mut again = [0; 1 + MAX_ORDER];
            let length = description.print(&mut again);
            prop_assert_eq!(&again[..length], &octets[..octets.len().min(1 + MAX_ORDER)]);
        }
    }

    #[test]
    fn any_description_makes_noise_that_stays_near_its_level_or_below(
        level in 0u8..=127, coefficients in prop::collection::vec(0u8..=254, 0..=10)
    ) {
        let octets = [&[level], &coefficients[..]].concat();
        let description = Description::parse(&octets).expect("in range");
        let mut noise = vec![0; 16_000];
        Generator::new(&description, 3).process(&mut noise);
        // A band of a few Hz swells and fades for seconds.
        prop_assert!(level_dbm0(&noise) <= description.level_dbm0().max(-90.0) + 12.0, "{}", level_dbm0(&noise));
    }

    #[test]
    fn no_cut_changes_the_noise(
        cuts in prop::collection::vec(0usize..90, 0..20), coefficients in prop::collection::vec(60u8..190, 0..=10)
    ) {
        let description = Description::parse(&[&[30], &coefficients[..]].concat()).expect("in range");
        let (mut whole, mut pieces) = (vec![0; 1000], vec![0; 1000]);
        let mut first = Generator::new(&description, 5);
        first.process(&mut whole[..500]);
        first.set(&Description::white(-30.0));
        first.process(&mut whole[500..]);
        let mut second = Generator::new(&description, 5);
        for (half, change) in pieces.chunks_mut(500).zip([None, Some(Description::white(-30.0))]) {
            change.iter().for_each(|description| second.set(description));
            let mut rest = half;
            for cut in cuts.iter().copied().chain([usize::MAX]) {
                let (now, later) = rest.split_at_mut(cut.min(rest.len()));
                second.process(now);
                rest = later;
            }
        }
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn no_cut_changes_what_is_heard_of_a_background(
        samples in prop::collection::vec(any::<i16>(), 600..1500), cut in 0usize..600
    ) {
        let (mut whole, mut pieces) = (Analyser::new(), Analyser::new());
        whole.process(&samples);
        pieces.process(&samples[..cut]);
        pieces.process(&samples[cut..]);
        prop_assert_eq!(whole.description(), pieces.description());
    }
}
