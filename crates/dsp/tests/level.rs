//! Meters, gain and mixing, sample by sample against what they are said to do.

mod noises;

use noises::{Place, background, level_dbm0};
use proptest::prelude::*;
use tipring_dsp::level::{FAST_MS, Follower, Gain, Meter, SLOW_MS, Sum, energy, mix, saturate};

/// Samples of all sizes, the largest often.
fn samples(most: usize) -> impl Strategy<Value = Vec<i16>> {
    let largest = |octets: Vec<i16>| octets.into_iter().map(|s| s.saturating_mul(2)).collect();
    prop::collection::vec(any::<i16>(), 0..most).prop_map(largest)
}

#[test]
fn a_gain_moves_a_level_by_its_decibels() {
    let noise = background(Place::Room, 1, 16_000, -30.0);
    for db in [-40.0, -20.0, -6.0, -0.1, 0.0, 3.0, 12.0, 18.0] {
        let mut amplified = noise.clone();
        Gain::from_db(db).apply(&mut amplified);
        let moved = level_dbm0(&amplified) - level_dbm0(&noise);
        assert!((moved - db).abs() < 0.1, "{db}: {moved}");
    }
    assert_eq!(Gain::from_db(60.0), Gain::from_db(18.1));
    assert_eq!([-3.0, 0.0, f32::NAN].map(Gain::from_ratio), [Gain::MUTE; 3]);
}

#[test]
fn needles_come_within_37_percent_in_their_time_and_settle_on_the_level() {
    let noise = background(Place::Line, 1, 64_000, -20.0);
    for time_ms in [FAST_MS, SLOW_MS] {
        let mut needle = Follower::new(time_ms);
        needle.process(&noise[..8 * time_ms as usize]);
        // 63 % of the power is 2 dB below.
        assert!((needle.level_dbm0() + 22.0).abs() < 0.5, "{}", needle.level_dbm0());
        needle.process(&noise);
        assert!((needle.level_dbm0() + 20.0).abs() < 0.7, "{}", needle.level_dbm0());
    }
}

#[test]
fn a_peak_is_the_level_of_a_sine_as_high() {
    let mut meter = Meter::new();
    meter.process(&[5, -20_000, 100]);
    assert_eq!((meter.peak(), meter.samples()), (20_000, 3));
    assert!((meter.peak_dbm0() + 1.12).abs() < 0.01, "{}", meter.peak_dbm0());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gain_is_that_of_each_sample(samples in samples(300), q12 in 0i16..=i16::MAX) {
        let mut amplified = samples.clone();
        let gain = Gain::from_ratio(f32::from(q12) / 4096.0);
        prop_assert_eq!(gain.q12(), q12);
        gain.apply(&mut amplified);
        for (amplified, sample) in amplified.iter().zip(&samples) {
            let exact = (f64::from(*sample) * f64::from(q12) / 4096.0 + 0.5).floor();
            prop_assert_eq!(f64::from(*amplified), exact.clamp(-32768.0, 32767.0));
        }
    }

    #[test]
    fn mixing_adds_as_far_as_both_go(samples in samples(200), other in samples(200)) {
        let mut mixed = samples.clone();
        mix(&mut mixed, &other);
        for (at, sample) in samples.iter().enumerate() {
            let other = other.get(at).copied().unwrap_or(0);
            prop_assert_eq!(mixed[at], saturate(i32::from(*sample) + i32::from(other)));
        }
    }

    #[test]
    fn everybody_in_a_conference_hears_the_sum_of_the_others(
        voices in prop::collection::vec(prop::array::uniform32(any::<i16>()), 0..12)
    ) {
        let mut sum = Sum::<32>::new();
        voices.iter().for_each(|voice| sum.add(voice));
        let total = |at: usize| voices.iter().map(|voice| i32::from(voice[at])).sum::<i32>();
        let mut heard = [0; 32];
        for own in &voices {
            sum.without(own, &mut heard);
            for at in 0..32 {
                prop_assert_eq!(heard[at], saturate(total(at) - i32::from(own[at])));
            }
        }
        sum.all(&mut heard);
        for (at, heard) in heard.into_iter().enumerate() {
            prop_assert_eq!(heard, saturate(total(at)));
        }
    }

    #[test]
    fn energy_is_the_sum_of_squares(samples in samples(400)) {
        let exact: u64 = samples.iter().map(|s| u64::from(s.unsigned_abs()).pow(2)).sum();
        prop_assert_eq!(energy(&samples), exact);
    }

    #[test]
    fn no_cut_changes_what_meters_show(samples in samples(400), cut in 0usize..400) {
        let (first, second) = samples.split_at(cut.min(samples.len()));
        let (mut whole, mut pieces) = (Follower::new(FAST_MS), Follower::new(FAST_MS));
        whole.process(&samples);
        pieces.process(first);
        pieces.process(second);
        prop_assert_eq!(whole.level_dbm0(), pieces.level_dbm0());
        let (mut whole, mut pieces) = (Meter::new(), Meter::new());
        whole.process(&samples);
        pieces.process(first);
        pieces.process(second);
        prop_assert_eq!(whole, pieces);
    }
}
