//! G.722 and G.726 against the ITU-T's own sequences, where they are at hand.
//!
//! The sequences come with the software tools of ITU-T G.191 (`src/g722/test_data`, `src/g726/test_data`) and may not be
//! kept here. Put both folders' files into one folder and name it in `ITU_VECTORS`; without it these tests say
//! that they compared nothing.

use std::{env, fs, path::PathBuf};

use tipring_dsp::{
    g711::{self, Law},
    g722,
    g726::{self, Packing, Rate},
};

/// The folder of the sequences, or nothing and a word about it.
fn folder() -> Option<PathBuf> {
    let folder = env::var_os("ITU_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("ITU_VECTORS is not set: not compared with the ITU-T's sequences");
    }
    folder
}

/// A sequence of 16-bit words.
fn words(folder: &std::path::Path, name: &str) -> Vec<i16> {
    let octets = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    octets.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

fn octets(folder: &std::path::Path, name: &str) -> Vec<u8> {
    words(folder, name).into_iter().map(|word| word as u8).collect()
}

const RATES: [(Rate, &str); 4] =
    [(Rate::Kbit16, "16"), (Rate::Kbit24, "24"), (Rate::Kbit32, "32"), (Rate::Kbit40, "40")];

const LAWS: [(Law, &str); 2] = [(Law::A, "a"), (Law::Mu, "m")];

#[test]
fn g726_encodes_the_sequences_from_reset() {
    let Some(folder) = folder() else { return };
    for (rate, bits) in RATES {
        for (law, letter) in LAWS {
            for (input, output) in [("nrm", "rn"), ("ovr", "rv")] {
                let input = octets(&folder, &format!("{input}.{letter}"));
                let expected = octets(&folder, &format!("{output}{bits}f{letter}.i"));
                let mut encoder = g726::Encoder::new(rate, Packing::Aal2);
                let codes: Vec<u8> =
                    input.iter().map(|o| encoder.code(g711::decode_sample(law, *o))).collect();
                assert_eq!(first_difference(&codes, &expected), None, "{rate:?} {law:?} {output}");
            }
        }
    }
}

#[test]
fn g726_decodes_the_sequences_from_reset_into_both_laws() {
    let Some(folder) = folder() else { return };
    for (rate, bits) in RATES {
        // From the codes of one law to the octets of the same and of the other.
        for (from, to, law) in
            [("a", "a", Law::A), ("m", "m", Law::Mu), ("a", "x", Law::Mu), ("m", "c", Law::A)]
        {
            for kind in ["rn", "rv"] {
                let codes = octets(&folder, &format!("{kind}{bits}f{from}.i"));
                let expected = octets(&folder, &format!("{kind}{bits}f{to}.o"));
                check_decoder(rate, law, &codes, &expected, kind);
            }
        }
        for (law, letter) in LAWS {
            let codes = octets(&folder, &format!("i{bits}"));
            let expected = octets(&folder, &format!("ri{bits}f{letter}.o"));
            check_decoder(rate, law, &codes, &expected, "i");
        }
    }
}

fn check_decoder(rate: Rate, law: Law, codes: &[u8], expected: &[u8], kind: &str) {
    let mut decoder = g726::Decoder::new(rate, Packing::Aal2);
    let decoded: Vec<u8> = codes.iter().map(|code| decoder.law_octet(*code, law)).collect();
    assert_eq!(first_difference(&decoded, expected), None, "{rate:?} {law:?} {kind}");
}

#[test]
fn g722_codes_the_sequences_of_the_software_tools() {
    let Some(folder) = folder() else { return };
    let samples = words(&folder, "inpsp.bin");
    let expected = octets(&folder, "codspw.cod");
    let mut coded = vec![0; samples.len() / 2];
    g722::Encoder::new().encode(&samples, &mut coded);
    assert_eq!(first_difference(&coded, &expected), None);
    for (mode, name) in [
        (g722::Mode::Kbit64, "outsp1.bin"),
        (g722::Mode::Kbit56, "outsp2.bin"),
        (g722::Mode::Kbit48, "outsp3.bin"),
    ] {
        let mut decoded = vec![0; 2 * expected.len()];
        g722::Decoder::new(mode).decode(&expected, &mut decoded);
        assert_eq!(first_difference(&decoded, &words(&folder, name)), None, "{mode:?}");
    }
}

/// Where two sequences differ first: place, both values.
fn first_difference<T: Copy + PartialEq>(ours: &[T], theirs: &[T]) -> Option<(usize, T, T)> {
    assert!(ours.len().abs_diff(theirs.len()) < 64, "{} and {}", ours.len(), theirs.len());
    let mut both = ours.iter().zip(theirs).enumerate();
    both.find(|(_, (a, b))| a != b).map(|(at, (a, b))| (at, *a, *b))
}
