//! G.711 against the rule of the ITU-T reference, exhaustively.

use proptest::prelude::*;
use tipring_dsp::{
    g711::{
        self, Law, Path, a_to_mu, decode, encode, mu_to_a, scalar,
        table::{self, A_TO_MU, MU_TO_A},
    },
    level::Meter,
};

const LAWS: [Law; 2] = [Law::Mu, Law::A];

fn all_samples() -> Vec<i16> {
    (i16::MIN..=i16::MAX).collect()
}

fn all_octets() -> Vec<u8> {
    (0..=255).collect()
}

/// The steps of ITU-T G.191 `g711.c` in other words than the crate's: by searching the decision
/// levels.
fn by_decision_levels(law: Law, sample: i16) -> u8 {
    let magnitude = i32::from(if sample < 0 { !sample } else { sample });
    let mut levels = vec![];
    match law {
        Law::Mu => {
            for segment in 0..8 {
                levels.extend((0..16).map(|i| ((32 + 2 * i) << segment) - 33));
            }
            // The decision levels 1, 3, 5 … of G.711 table 2a, each belonging to what is above.
            let code = levels.iter().rposition(|l| *l <= magnitude >> 2).unwrap_or(0) as u8;
            !(code | if sample < 0 { 0x80 } else { 0 })
        }
        Law::A => {
            levels.extend(0..16);
            for segment in 0..7 {
                levels.extend((16..32).map(|i| i << segment));
            }
            let code = levels.iter().rposition(|l| *l <= magnitude >> 4).unwrap_or(0) as u8;
            (code | if sample < 0 { 0 } else { 0x80 }) ^ 0x55
        }
    }
}

#[test]
fn every_sample_gets_the_octet_of_the_reference() {
    for law in LAWS {
        for sample in all_samples() {
            assert_eq!(
                scalar::encode(law, sample),
                by_decision_levels(law, sample),
                "{law:?} {sample}"
            );
        }
    }
}

#[test]
fn every_octet_decodes_to_a_value_that_encodes_to_it() {
    for law in LAWS {
        for octet in all_octets() {
            let sample = scalar::decode(law, octet);
            // µ-law has two zeros; the negative one decodes to 0 like the positive.
            if (law, octet) != (Law::Mu, 0x7F) {
                assert_eq!(scalar::encode(law, sample), octet, "{law:?} {octet:#04x}");
            }
        }
    }
}

#[test]
fn known_values_of_the_recommendation() {
    // G.711 tables 1a and 2a: the largest and smallest decoder outputs, in 16-bit left-justified
    // form.
    assert_eq!(scalar::decode(Law::Mu, 0x80), 4 * 8031);
    assert_eq!(scalar::decode(Law::Mu, 0x00), -4 * 8031);
    assert_eq!(scalar::decode(Law::Mu, 0xFF), 0);
    assert_eq!(scalar::decode(Law::Mu, 0xFE), 4 * 2);
    assert_eq!(scalar::decode(Law::A, 0xAA), 8 * 4032);
    assert_eq!(scalar::decode(Law::A, 0x2A), -8 * 4032);
    assert_eq!(scalar::decode(Law::A, 0xD5), 8);
    assert_eq!(scalar::decode(Law::A, 0x55), -8);
    for law in LAWS {
        assert_eq!(scalar::encode(law, 0), law.silence());
    }
}

#[test]
fn the_digital_milliwatt_measures_0_dbm0() {
    // G.711 tables 5 and 6.
    let a = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
    let mu = [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E];
    for (law, octets) in [(Law::A, a), (Law::Mu, mu)] {
        let mut samples = [0; 8];
        decode(law, &octets, &mut samples);
        let mut meter = Meter::new();
        meter.process(&samples);
        assert!(meter.level_dbm0().abs() < 0.05, "{law:?} {}", meter.level_dbm0());
    }
}

#[test]
fn every_path_gives_every_sample_and_octet_the_same() {
    let (samples, octets) = (all_samples(), all_octets());
    for law in LAWS {
        let encoded: Vec<u8> = samples.iter().map(|s| scalar::encode(law, *s)).collect();
        let decoded: Vec<i16> = octets.iter().map(|o| scalar::decode(law, *o)).collect();
        let mapped: Vec<u8> =
            octets.iter().map(|o| table::MAP[law as usize][usize::from(*o)]).collect();
        let mut bytes = vec![0; samples.len()];
        let mut words = vec![0; octets.len()];
        let mut maps = vec![0; octets.len()];
        for path in Path::ALL.into_iter().filter(|p| p.is_available()) {
            path.encode(law, &samples, &mut bytes);
            assert_eq!(bytes, encoded, "{path:?} {law:?}");
            path.decode(law, &octets, &mut words);
            assert_eq!(words, decoded, "{path:?} {law:?}");
            path.map(law, &octets, &mut maps);
            assert_eq!(maps, mapped, "{path:?} {law:?}");
        }
        table::encode(law, &samples, &mut bytes);
        assert_eq!(bytes, encoded);
        table::decode(law, &octets, &mut words);
        assert_eq!(words, decoded);
    }
}

#[test]
fn every_path_takes_every_length_and_alignment() {
    // Samples that visit all segments, and guard octets that must survive.
    let samples: Vec<i16> = (0..600i32).map(|i| (i * 40_503) as i16).collect();
    let octets: Vec<u8> = (0..600u32).map(|i| (i * 167 + 13) as u8).collect();
    for law in LAWS {
        for path in Path::ALL.into_iter().filter(|p| p.is_available()) {
            for length in 0..=512 {
                for offset in [0, 1, 3, 7, 31] {
                    let input = &samples[offset..offset + length];
                    let mut bytes = vec![0xA7; 600];
                    path.encode(law, input, &mut bytes[offset..offset + length]);
                    assert!(
                        bytes[offset..offset + length]
                            .iter()
                            .zip(input)
                            .all(|(o, s)| *o == scalar::encode(law, *s)),
                        "{path:?} {law:?} {length} at {offset}"
                    );
                    assert!(
                        bytes[..offset].iter().chain(&bytes[offset + length..]).all(|o| *o == 0xA7)
                    );

                    let input = &octets[offset..offset + length];
                    let mut words = vec![0x1234; 600];
                    path.decode(law, input, &mut words[offset..offset + length]);
                    assert!(
                        words[offset..offset + length]
                            .iter()
                            .zip(input)
                            .all(|(s, o)| *s == scalar::decode(law, *o)),
                        "{path:?} {law:?} {length} at {offset}"
                    );
                    assert!(
                        words[..offset]
                            .iter()
                            .chain(&words[offset + length..])
                            .all(|s| *s == 0x1234)
                    );

                    let mut maps = vec![0xA7; 600];
                    path.map(law, input, &mut maps[offset..offset + length]);
                    assert!(
                        maps[offset..offset + length]
                            .iter()
                            .zip(input)
                            .all(|(m, o)| *m == table::MAP[law as usize][usize::from(*o)])
                    );
                    assert!(
                        maps[..offset].iter().chain(&maps[offset + length..]).all(|o| *o == 0xA7)
                    );
                }
            }
        }
    }
}

#[test]
fn transcoding_follows_the_tables_and_not_the_nearest_value() {
    // The tables differ from decoding and encoding again in 44 and 32 octets, and are stable from
    // the second tandem.
    let octets = all_octets();
    let (mut a, mut mu, mut back) = (octets.clone(), octets.clone(), octets.clone());
    mu_to_a(&octets, &mut a);
    a_to_mu(&octets, &mut mu);
    let near = |from, to| octets.iter().map(move |o| scalar::encode(to, scalar::decode(from, *o)));
    assert_eq!(near(Law::Mu, Law::A).zip(&a).filter(|(x, y)| x != *y).count(), 44);
    assert_eq!(near(Law::A, Law::Mu).zip(&mu).filter(|(x, y)| x != *y).count(), 32);
    a_to_mu(&a, &mut back);
    assert_eq!(back.iter().zip(&octets).filter(|(x, y)| x == y).count(), 240);
    let mut a_again = octets.clone();
    mu_to_a(&back, &mut a_again);
    assert_eq!(a, a_again);
    // And they never change the sign, and never fall as magnitudes rise.
    assert!(
        a.iter().chain(&mu).zip(octets.iter().chain(&octets)).all(|(x, y)| (x ^ y) & 0x80 == 0)
    );
    assert!(MU_TO_A.is_sorted() && A_TO_MU.is_sorted());
}

#[test]
fn channels_of_both_laws_go_through_one_call() {
    let laws = [Law::Mu, Law::Mu, Law::A, Law::Mu, Law::A, Law::A];
    let samples: Vec<[i16; 40]> =
        (0..6).map(|c| std::array::from_fn(|i| (c * 40 + i as i16) * 113 - 9000)).collect();
    let mut octets = [[0; 40]; 6];
    g711::encode_channels(&laws, &samples, &mut octets);
    let mut back = [[0; 40]; 6];
    g711::decode_channels(&laws, &octets, &mut back);
    for c in 0..6 {
        for i in 0..40 {
            assert_eq!(octets[c][i], scalar::encode(laws[c], samples[c][i]));
            assert_eq!(back[c][i], scalar::decode(laws[c], octets[c][i]));
        }
    }
}

proptest! {
    #[test]
    fn slices_of_unequal_length_code_what_both_have(
        samples in prop::collection::vec(any::<i16>(), 0..300), room in 0usize..300
    ) {
        for law in LAWS {
            let mut octets = vec![0x11; room];
            encode(law, &samples, &mut octets);
            let n = room.min(samples.len());
            for i in 0..n {
                prop_assert_eq!(octets[i], scalar::encode(law, samples[i]));
            }
            prop_assert!(octets[n..].iter().all(|o| *o == 0x11));
        }
    }
}
