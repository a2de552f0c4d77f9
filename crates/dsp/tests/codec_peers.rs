//! G.722 and G.726 against ffmpeg and spandsp, each in a process of its own, where they are installed (Debian: `ffmpeg`;
//! `libspandsp2` and `python3`). A test whose peer is missing says that it compared nothing.

mod coding;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use coding::medley;
use tipring_dsp::{
    g722,
    g726::{self, Packing, Rate},
};

/// What a peer writes to standard output when it is given these octets; nothing where there is no such peer.
fn peer(program: &str, arguments: &[&str], input: &[u8], case: &str) -> Option<Vec<u8>> {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(case);
    fs::write(&source, input).expect("the folder for tests can be written to");
    let stdin = fs::File::open(&source).expect("it was just written");
    let output = Command::new(program).args(arguments).stdin(stdin).stderr(Stdio::piped()).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) if output.status.code() == Some(3) => {
            eprintln!("spandsp is not installed: {case} was not compared");
            None
        }
        Ok(output) => panic!("{case}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("{program} does not start ({error}): {case} was not compared");
            None
        }
    }
}

fn ffmpeg(from: &[&str], to: &[&str], input: &[u8], case: &str) -> Option<Vec<u8>> {
    let arguments = [&["-v", "error"], from, &["-i", "-"], to, &["-"]].concat();
    peer("ffmpeg", &arguments, input, case)
}

fn spandsp(codec: &str, ways: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/spandsp.py");
    let case = format!("{codec}-spandsp");
    peer("python3", &[&[script, codec], ways].concat(), input, &case)
}

fn octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[track_caller]
fn same(ours: &[u8], theirs: &[u8], name: &str) {
    let shorter = ours.len().min(theirs.len());
    assert!(shorter + 16 > ours.len(), "{name}: {} and {}", ours.len(), theirs.len());
    let differs = ours.iter().zip(theirs).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{name}: first difference");
}

const MODES: [(g722::Mode, &str, &str); 3] = [
    (g722::Mode::Kbit64, "8", "64000"),
    (g722::Mode::Kbit56, "7", "56000"),
    (g722::Mode::Kbit48, "6", "48000"),
];

fn g722_encoded(samples: &[i16]) -> Vec<u8> {
    let mut coded = vec![0; samples.len() / 2];
    g722::Encoder::new().encode(samples, &mut coded);
    coded
}

fn g722_decoded(mode: g722::Mode, coded: &[u8]) -> Vec<u8> {
    let mut samples = vec![0; 2 * coded.len()];
    g722::Decoder::new(mode).decode(coded, &mut samples);
    octets(&samples)
}

#[test]
fn g722_is_that_of_ffmpeg_both_ways() {
    // Not louder: ffmpeg does not limit the bands of what is out of range.
    let samples = medley(16_000, 722, 12_000.0);
    let coded = g722_encoded(&samples);
    let (from, to) = (["-f", "s16le", "-ar", "16000", "-ac", "1"], ["-c:a", "g722", "-f", "g722"]);
    let Some(theirs) = ffmpeg(&from, &to, &octets(&samples), "g722-ffmpeg") else { return };
    same(&coded, &theirs, "encoded");
    for (mode, bits, _) in MODES {
        let from = ["-f", "g722", "-c:a", "g722", "-bits_per_codeword", bits];
        let theirs = ffmpeg(&from, &["-f", "s16le"], &coded, &format!("g722-ffmpeg-{bits}"));
        let Some(theirs) = theirs else { return };
        same(&g722_decoded(mode, &coded), &theirs, bits);
    }
}

#[test]
fn g722_is_that_of_spandsp_both_ways() {
    let samples = medley(16_000, 722, 12_000.0);
    let rates = MODES.map(|(_, _, rate)| rate);
    let Some(theirs) = spandsp("g722", &rates, &octets(&samples)) else { return };
    let coded = g722_encoded(&samples);
    let mut ours = vec![];
    for (unused, (mode, ..)) in MODES.into_iter().enumerate() {
        // spandsp has the bits that are not audio at the upper end, and never sends them.
        ours.extend(coded.iter().map(|octet| octet >> unused));
        ours.extend(g722_decoded(mode, &coded));
    }
    same(&ours, &theirs, "all modes");
}

#[test]
fn g726_is_that_of_spandsp_both_ways_in_both_packings() {
    // Not louder: spandsp wraps what is out of range.
    let samples = medley(8000, 726, 8000.0);
    let ways =
        ["16000:1", "16000:2", "24000:1", "24000:2", "32000:1", "32000:2", "40000:1", "40000:2"];
    let Some(theirs) = spandsp("g726", &ways, &octets(&samples)) else { return };
    let mut rest = &theirs[..];
    for rate in Rate::ALL {
        for packing in [Packing::Aal2, Packing::Rfc3551] {
            let mut ours = vec![0; samples.len() * rate.bits() as usize / 8];
            g726::Encoder::new(rate, packing).encode(&samples, &mut ours);
            let mut decoded = vec![0; samples.len()];
            g726::Decoder::new(rate, packing).decode(&ours, &mut decoded);
            ours.extend(octets(&decoded));
            let (theirs, later) = rest.split_at(ours.len().min(rest.len()));
            same(&ours, theirs, &format!("{rate:?} {packing:?}"));
            rest = later;
        }
    }
}
