//! Gain control: speech comes to its level, slowly; idle lines are left alone.

mod noises;

use noises::{Place, background, level_dbm0};
use proptest::prelude::*;
use tipring_dsp::agc::{GainControl, Settings};

/// Syllables of a room's spectrum: four in a second, 12 dB deep, with a pause of a second after each two.
fn speech(samples: usize, dbm0: f32) -> Vec<i16> {
    let noise = background(Place::Room, 3, samples, dbm0);
    let each = noise.iter().enumerate().map(|(n, sample)| {
        let syllable = 0.62 - 0.38 * (std::f32::consts::TAU * n as f32 / 2000.0).cos();
        if n % 24_000 < 16_000 { (f32::from(*sample) * syllable * 1.47) as i16 } else { 0 }
    });
    each.collect()
}

fn controlled(samples: &[i16]) -> Vec<i16> {
    let mut out = samples.to_vec();
    out.chunks_mut(40).fold(GainControl::new(Settings::default()), |mut control, block| {
        control.process(block);
        control
    });
    out
}

/// Level while somebody speaks.
fn spoken_dbm0(samples: &[i16]) -> f32 {
    let spoken: Vec<i16> =
        samples.chunks(24_000).flat_map(|part| &part[..16_000.min(part.len())]).copied().collect();
    level_dbm0(&spoken)
}

#[test]
fn steady_signals_come_to_the_target_within_a_decibel() {
    for dbm0 in [-33.0, -26.0, -18.0, -10.0, -6.0] {
        for place in [Place::Line, Place::Room] {
            let out = controlled(&background(place, 1, 80_000, dbm0));
            let level = level_dbm0(&out[32_000..]);
            assert!((level + 18.0).abs() <= 1.0, "{place:?} {dbm0}: {level}");
        }
    }
}

#[test]
fn speech_with_pauses_comes_to_the_target_within_a_decibel_and_stays() {
    for dbm0 in [-33.0, -28.0, -18.0, -8.0] {
        let out = controlled(&speech(240_000, dbm0));
        for part in out[72_000..].chunks_exact(24_000) {
            let level = spoken_dbm0(part);
            assert!((level + 18.0).abs() <= 1.0, "{dbm0}: {level}");
        }
    }
}

#[test]
fn the_gain_never_moves_faster_than_10_db_in_a_second() {
    let mut samples = speech(48_000, -33.0);
    samples.extend(background(Place::Line, 1, 48_000, -3.0));
    samples.extend(background(Place::Line, 1, 48_000, -33.0));
    let mut control = GainControl::new(Settings::default());
    let mut gains = vec![];
    for block in samples.chunks_mut(40) {
        control.process(block);
        gains.push(20.0 * (f32::from(control.gain().q12()) / 4096.0).log10());
    }
    // Over a second and over 50 ms, with the step of Q12.
    for (steps, most) in [(200, 10.05), (10, 0.65)] {
        let fastest = gains.windows(steps + 1).map(|w| (w[steps] - w[0]).abs()).fold(0.0, f32::max);
        assert!(fastest <= most, "{fastest} dB in {steps} steps");
    }
}

#[test]
fn the_noise_of_an_idle_line_is_not_amplified() {
    for dbm0 in [-75.0, -60.0, -50.0, -44.0] {
        let noise = background(Place::Line, 1, 80_000, dbm0);
        assert_eq!(controlled(&noise), noise, "{dbm0}");
    }
    // And no more after somebody spoke quietly, but for the pauses of speech.
    let mut samples = speech(80_000, -33.0);
    samples.extend(background(Place::Line, 1, 80_000, -60.0));
    let out = controlled(&samples);
    let after = 80_000 + 5 * 8000;
    assert_eq!(out[after..], samples[after..]);
    let pause = 80_000..80_000 + 8000;
    assert!(level_dbm0(&out[pause]) > -60.0 + 10.0);
}

#[test]
fn amplification_and_attenuation_end_where_they_are_told_to() {
    let settings = Settings { most_db: 6.0, least_db: 3.0, ..Settings::default() };
    for (dbm0, db) in [(-35.0, 6.0), (-5.0, -3.0)] {
        let mut control = GainControl::new(settings);
        control.process(&mut background(Place::Line, 1, 40_000, dbm0));
        let gain = 20.0 * (f32::from(control.gain().q12()) / 4096.0).log10();
        assert!((gain - db).abs() < 0.02, "{dbm0}: {gain}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_cut_changes_what_comes_out(
        samples in prop::collection::vec(any::<i16>(), 0..3000), quiet in 0u32..15,
        cuts in prop::collection::vec(0usize..200, 0..20),
    ) {
        let mut whole: Vec<i16> = samples.iter().map(|sample| sample >> quiet).collect();
        let mut pieces = whole.clone();
        GainControl::new(Settings::default()).process(&mut whole);
        let mut control = GainControl::new(Settings::default());
        let mut rest = &mut pieces[..];
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at_mut(cut.min(rest.len()));
            control.process(now);
            rest = later;
        }
        prop_assert_eq!(whole, pieces);
    }
}
