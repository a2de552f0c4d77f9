//! G.722 held to what it was when it was compared bit for bit with the ITU-T's sequences (`itu_vectors.rs`) and with
//! ffmpeg (`codec_peers.rs`).

mod coding;

use coding::{digest, digest_samples, medley};
use proptest::prelude::*;
use tipring_dsp::g722::{Decoder, Encoder, Mode};

const MODES: [Mode; 3] = [Mode::Kbit64, Mode::Kbit56, Mode::Kbit48];

fn encoded(samples: &[i16]) -> Vec<u8> {
    let mut octets = vec![0; samples.len() / 2];
    assert_eq!(Encoder::new().encode(samples, &mut octets), octets.len());
    octets
}

fn decoded(mode: Mode, octets: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; 2 * octets.len()];
    assert_eq!(Decoder::new(mode).decode(octets, &mut samples), samples.len());
    samples
}

#[test]
fn octets_and_samples_are_those_that_were_compared() {
    let octets = encoded(&medley(16_000, 722, 12_000.0));
    let found = MODES.map(|mode| digest_samples(&decoded(mode, &octets)));
    assert_eq!(
        (digest(octets), found),
        (6393577251874728788, [14443683382778867697, 12807773341299719092, 13615876273866473837])
    );
}

#[test]
fn full_scale_noise_is_limited_as_the_reference_limits_it() {
    let octets = encoded(&medley(16_000, 723, 32_768.0));
    let found = MODES.map(|mode| digest_samples(&decoded(mode, &octets)));
    assert_eq!(
        (digest(octets), found),
        (15670615107205118956, [18042515650891868464, 5452012821728060838, 618117476453317994])
    );
}

#[test]
fn any_octets_decode_to_what_they_did() {
    let octets: Vec<u8> =
        (0..16_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let found = MODES.map(|mode| digest_samples(&decoded(mode, &octets)));
    assert_eq!(found, [430456744277508143, 1493469988972890532, 2172424211850180371]);
}

#[test]
fn silence_is_the_octets_that_a_reset_encoder_sends() {
    // Both bands take their smallest positive code at first.
    assert_eq!(encoded(&[0; 32])[0], 0xFA);
    assert!(decoded(Mode::Kbit64, &encoded(&[0; 1600])).iter().all(|sample| sample.abs() < 16));
}

#[test]
fn tones_of_the_whole_band_come_back_at_their_level() {
    for hz in [100.0, 1000.0, 3000.0, 3900.0, 4100.0, 5000.0, 6500.0] {
        let tone: Vec<i16> = (0..16_000)
            .map(|n| (8000.0 * (std::f64::consts::TAU * hz * f64::from(n) / 16_000.0).sin()) as i16)
            .collect();
        let back = decoded(Mode::Kbit64, &encoded(&tone));
        let power = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        let ratio_db = 10.0 * (power(&back[2000..]) / power(&tone[2000..])).log10();
        assert!(ratio_db.abs() < 0.6, "{hz} Hz: {ratio_db} dB");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_cut_changes_what_comes_out(
        samples in prop::collection::vec(any::<i16>(), 0..400),
        cuts in prop::collection::vec(0usize..60, 0..20),
    ) {
        let whole = encoded(&samples);
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new(Mode::Kbit56));
        let (mut octets, mut out) = (vec![], vec![]);
        let mut rest = &samples[..];
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            let mut room = [0; 300];
            let written = encoder.encode(now, &mut room);
            octets.extend_from_slice(&room[..written]);
            let mut samples = [0; 600];
            let decoded = decoder.decode(&room[..written], &mut samples);
            out.extend_from_slice(&samples[..decoded]);
        }
        prop_assert_eq!(&octets, &whole);
        prop_assert_eq!(out, decoded(Mode::Kbit56, &whole));
    }

    #[test]
    fn what_has_no_room_is_passed_over(samples in prop::collection::vec(any::<i16>(), 0..40), room in 0usize..20) {
        let mut octets = vec![0; room];
        let written = Encoder::new().encode(&samples, &mut octets);
        prop_assert_eq!(written, room.min(samples.len() / 2));
        prop_assert_eq!(&octets[..written], &encoded(&samples)[..written]);
    }
}
