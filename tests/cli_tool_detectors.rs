//! `tipring tool tones` and `tool callerid`: what a recording holds.

#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/run.rs"]
mod run;

use std::fs;

use folder::Folder;
use run::tipring;
use serde_json::Value;
use tipring_dsp::tone::{Player, Program, Tone};
use tipring_dsp::tone_plan::{Name, TonePlan};
use tipring_dsp::wav::{self, Format};

/// A file of tones, one after the other, each for so many seconds, with two seconds of silence between.
fn recording(folder: &Folder, tones: &[(Program, usize)]) -> String {
    let mut samples = Vec::new();
    for (program, seconds) in tones {
        let at = samples.len();
        samples.resize(at + seconds * 8000, 0);
        let mut player = Player::new();
        player.start(*program);
        player.process(&mut samples[at..]);
        samples.resize(samples.len() + 16_000, 0);
    }
    folder.write("tones.wav", wav::print(Format::Pcm16, 8000, &samples))
}

fn lines(arguments: &[&str]) -> Vec<Value> {
    let run = tipring(arguments);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    run.out.lines().map(|line| serde_json::from_str(line).expect("JSON on each line")).collect()
}

fn of(country: &str, name: Name) -> Program {
    *TonePlan::find(country).and_then(|plan| plan.tone(name)).expect("a tone of the plan")
}

#[test]
fn call_progress_tones_and_fax_signals_are_named_with_their_times() {
    let folder = Folder::new("tones");
    for country in ["us", "de"] {
        let cng = Program::continuous(Tone::new(&[(1100.0, -13.0)]));
        let ced = Program::continuous(Tone::new(&[(2100.0, -13.0)]));
        let file = recording(
            &folder,
            &[(of(country, Name::Dial), 3), (of(country, Name::Busy), 5), (cng, 1), (ced, 3)],
        );
        let found = lines(&["tool", "tones", &file, "--country", country]);
        let names: Vec<_> = found.iter().filter_map(|tone| tone["tone"].as_str()).collect();
        assert_eq!(names, ["dial", "busy", "cng", "ced"], "{country}");
        for (tone, start_ms) in found.iter().zip([0.0, 5_000.0, 12_000.0, 15_000.0]) {
            let told = tone["start_ms"].as_f64().expect("a number");
            assert!((told - start_ms).abs() < 40.0, "{country}: {tone}");
        }
        let dial = &found[0];
        assert!((dial["duration_ms"].as_f64().expect("a number") - 3_000.0).abs() < 80.0, "{dial}");
    }
}

#[test]
fn the_tones_of_an_unknown_exchange_are_learnt() {
    let folder = Folder::new("learn");
    let file = recording(&folder, &[(of("uk", Name::Dial), 3), (of("uk", Name::Busy), 5)]);
    let learnt = lines(&["tool", "tones", &file, "--learn"]);
    let names: Vec<_> = learnt.iter().filter_map(|tone| tone["tone"].as_str()).collect();
    assert_eq!(names, ["dial", "busy"]);
    assert!(learnt[0]["program"].as_str().is_some_and(|p| p.starts_with("350@")), "{learnt:?}");
}

#[test]
fn a_country_without_a_plan_is_told_with_those_that_have_one() {
    let folder = Folder::new("nowhere");
    let file = recording(&folder, &[(of("us", Name::Dial), 1)]);
    let run = tipring(&["tool", "tones", &file, "--country", "atlantis"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("atlantis") && run.err.contains(" us "), "{}", run.err);
}

#[test]
fn a_caller_id_burst_is_read_again_in_either_standard() {
    let folder = Folder::new("callerid-read");
    let file = folder.file("burst.wav");
    for standard in ["bell202", "v23"] {
        let synth = ["tool", "synth", "callerid", "--number", "5551234", "--name", "Ann Lee"];
        let make = [&synth[..], &["--standard", standard, "--out", &file]].concat();
        assert_eq!(tipring(&make).status, 0);
        for asked in ["auto", standard] {
            let shown = lines(&["tool", "callerid", &file, "--standard", asked]);
            assert_eq!(shown.len(), 1);
            assert_eq!(shown[0]["number"], "5551234");
            assert_eq!(shown[0]["name"], "Ann Lee");
            assert_eq!(shown[0]["standard"], standard);
        }
    }
}

#[test]
fn what_is_withheld_is_told_and_so_is_why_there_is_nothing() {
    let folder = Folder::new("callerid-none");
    let file = folder.file("burst.wav");
    let make = ["tool", "synth", "callerid", "--out", &file];
    assert_eq!(tipring(&make).status, 0);
    let shown = lines(&["tool", "callerid", &file]);
    assert_eq!(shown[0]["number"], Value::Null);
    assert_eq!(shown[0]["number_absent"], "unavailable");

    // The second half of the message is lost.
    let whole = wav::parse(&fs::read(&file).expect("the file")).expect("a sound").samples;
    let part = &whole[..whole.len() - 500];
    let cut = folder.write("cut.wav", wav::print(Format::Pcm16, 8000, part));
    let silent = folder.write("silent.wav", wav::print(Format::Pcm16, 8000, &[0; 8000]));
    for (file, reason) in [(cut, "the signal ends after"), (silent, "no carrier")] {
        let run = tipring(&["tool", "callerid", &file]);
        assert_eq!((run.status, run.err.as_str()), (1, ""));
        assert!(run.out.contains(reason), "{}", run.out);
    }
}
