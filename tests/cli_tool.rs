//! `tipring tool`: what it makes, it understands.

#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/run.rs"]
mod run;

use std::fs;

use folder::Folder;
use run::tipring;
use serde_json::Value;
use tipring_dsp::wav::{self, Format};

fn digits(file: &str) -> Vec<Value> {
    let run = tipring(&["tool", "dtmf", file]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    run.out.lines().map(|line| serde_json::from_str(line).expect("JSON on each line")).collect()
}

#[test]
fn digits_that_were_made_are_found_with_their_times_and_levels() {
    let folder = Folder::new("dtmf");
    let file = folder.file("digits.wav");
    for format in ["pcm", "ulaw", "alaw"] {
        let make = [
            "tool", "synth", "dtmf", "159D*0#", "--on-ms", "60", "--off-ms", "40", "--format",
            format, "--out", &file,
        ];
        assert_eq!(tipring(&make).status, 0);
        let found = digits(&file);
        let text: String = found.iter().filter_map(|digit| digit["digit"].as_str()).collect();
        assert_eq!(text, "159D*0#", "{format}");
        for (at, digit) in found.iter().enumerate() {
            let field = |name: &str| digit[name].as_f64().expect("a number");
            assert!((field("start_ms") - 100.0 * at as f64).abs() < 10.0, "{digit}");
            assert!((field("duration_ms") - 60.0).abs() < 15.0, "{digit}");
            assert!((field("level_dbm0") - -8.0).abs() < 1.5, "{digit}");
            assert!((field("twist_db") - -2.0).abs() < 1.5, "{digit}");
        }
    }
}

#[test]
fn a_recording_at_another_rate_is_understood_too() {
    let folder = Folder::new("rate");
    let file = folder.file("digits.wav");
    let make = ["tool", "synth", "dtmf", "42", "--on-ms", "80", "--out", &file];
    assert_eq!(tipring(&make).status, 0);
    // Each sample twice, with 16000 in the header: the same sound at 16 kHz but for its images.
    let mut wav = fs::read(&file).expect("the file");
    let (head, samples) = wav.split_at_mut(44);
    head[24..28].copy_from_slice(&16_000u32.to_le_bytes());
    head[28..32].copy_from_slice(&32_000u32.to_le_bytes());
    let doubled: Vec<u8> = samples.chunks(2).flat_map(|s| [s, s].concat()).collect();
    head[40..44].copy_from_slice(&u32::try_from(doubled.len()).expect("small").to_le_bytes());
    let file = folder.write("doubled.wav", [head.to_vec(), doubled].concat());
    let text: String = digits(&file)
        .iter()
        .filter_map(|digit| digit["digit"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(text, "42");
}

#[test]
fn a_tone_holds_no_digits() {
    let folder = Folder::new("tone");
    let file = folder.file("dial.wav");
    assert_eq!(tipring(&["tool", "synth", "tone", "350+440", "--out", &file]).status, 0);
    assert!(digits(&file).is_empty());
    assert_eq!(fs::metadata(&file).expect("the file").len(), 44 + 2 * 8000);
}

#[test]
fn a_caller_id_burst_is_a_sound_of_the_length_that_its_message_needs() {
    let folder = Folder::new("callerid");
    let file = folder.file("id.wav");
    let run = tipring(&[
        "tool",
        "synth",
        "callerid",
        "--number",
        "5551234",
        "--name",
        "Ann",
        "--standard",
        "v23",
        "--out",
        &file,
    ]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    // 480 bits before the message, and 10 bits for each of at least 16 octets, at 1200 bit/s.
    let seconds = (fs::metadata(&file).expect("the file").len() - 44) as f64 / 16_000.0;
    assert!((0.5..1.0).contains(&seconds), "{seconds} s");
}

#[test]
fn g711_decodes_what_it_encodes_and_encodes_what_it_decodes() {
    let folder = Folder::new("g711");
    for law in ["ulaw", "alaw"] {
        let octets: Vec<u8> = (0..=255).collect();
        let coded = folder.write("coded", &octets);
        let (linear, again) = (folder.file("linear"), folder.file("again"));
        assert_eq!(tipring(&["tool", "g711", law, "decode", &coded, &linear]).status, 0);
        assert_eq!(fs::metadata(&linear).expect("the file").len(), 512);
        assert_eq!(tipring(&["tool", "g711", law, "encode", &linear, &again]).status, 0);
        let mut expected = octets;
        if law == "ulaw" {
            // Both codes of zero are zero; the positive one is sent.
            expected[0x7F] = 0xFF;
        }
        assert_eq!(fs::read(&again).expect("the file"), expected, "{law}");
    }
    let odd = folder.write("odd", [0; 3]);
    let run = tipring(&["tool", "g711", "ulaw", "encode", &odd, &folder.file("x")]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("whole 16-bit samples"), "{}", run.err);
}

#[test]
fn what_cannot_be_made_or_read_is_said() {
    let folder = Folder::new("wrong");
    let out = folder.file("x.wav");
    assert_eq!(tipring(&["tool", "synth", "dtmf", "12Q", "--out", &out]).status, 2);
    assert_eq!(tipring(&["tool", "synth", "dtmf", "", "--out", &out]).status, 2);
    assert_eq!(tipring(&["tool", "synth", "tone", "5000", "--out", &out]).status, 2);
    assert_eq!(tipring(&["tool", "synth", "tone", "1+2+3+4+5", "--out", &out]).status, 2);
    let text = folder.write("text.wav", "this is no sound");
    let run = tipring(&["tool", "dtmf", &text]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("not a RIFF/WAVE file"), "{}", run.err);
}

/// A trace of `packets` of 20 ms, each `way(n)` milliseconds on its way, or lost.
fn trace(packets: u32, way: impl Fn(u32) -> Option<f64>) -> String {
    let line = |n: u32| {
        let sent = f64::from(n) * 20.0;
        let arrived = way(n).map(|ms| (sent + ms).to_string()).unwrap_or_default();
        format!("{n},{sent},{arrived}\n")
    };
    "seq,send_ms,arrive_ms\n".to_owned() + &(0..packets).map(line).collect::<String>()
}

fn through_jitter(folder: &Folder, trace: &str) -> (Value, usize) {
    let (sound, heard) = (folder.file("said.wav"), folder.file("heard.wav"));
    let make = ["tool", "synth", "tone", "400", "--ms", "10000", "--out", &sound];
    assert_eq!(tipring(&make).status, 0);
    let trace = folder.write("trace.csv", trace);
    let run = tipring(&["tool", "jitter", "--trace", &trace, "--in", &sound, "--out", &heard]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let samples = (fs::metadata(&heard).expect("the file").len() as usize - 44) / 2;
    (serde_json::from_str(&run.out).expect("one line of JSON"), samples)
}

#[test]
fn a_trace_without_jitter_is_played_whole_after_a_short_delay() {
    let folder = Folder::new("jitter-clean");
    let (told, samples) = through_jitter(&folder, &trace(500, |_| Some(30.0)));
    let field = |name: &str| told[name].as_f64().expect("a number");
    assert_eq!((field("packets"), field("lost_packets"), field("late_packets")), (500.0, 0.0, 0.0));
    assert_eq!((field("concealed_ms"), field("slipped_ms")), (0.0, 0.0));
    assert!((60.0..=80.0).contains(&field("delay_ms")), "{told}");
    assert_eq!(field("delay_min_ms"), field("delay_max_ms"));
    assert!((80_000..=80_400).contains(&samples), "{samples}");
    assert!(field("mos") > 4.2, "{told}");
}

#[test]
fn losses_and_spikes_of_a_trace_are_told() {
    let folder = Folder::new("jitter-bad");
    let lossy = trace(500, |n| (n % 20 != 7).then_some(30.0));
    let (told, _) = through_jitter(&folder, &lossy);
    let field = |name: &str| told[name].as_f64().expect("a number");
    assert_eq!((field("lost_packets"), field("late_packets")), (25.0, 0.0));
    assert!((460.0..=520.0).contains(&field("concealed_ms")), "{told}");
    assert!(field("mos") < 4.1, "{told}");

    let spiky = trace(500, |n| Some(if n % 50 == 49 { 150.0 } else { 30.0 }));
    let (told, _) = through_jitter(&folder, &spiky);
    let delay = |name: &str| told[name].as_f64().expect("a number");
    assert!(delay("delay_max_ms") >= delay("delay_min_ms") + 20.0, "{told}");
}

#[test]
fn packets_that_are_never_heard_are_counted_whatever_became_of_them() {
    let folder = Folder::new("jitter-outage");
    // 100 packets are held back and arrive together, when only the last can still be played.
    let held = trace(500, |n| {
        Some(if (100..200).contains(&n) { f64::from(200 - n) * 20.0 } else { 30.0 })
    });
    let (told, _) = through_jitter(&folder, &held);
    let field = |name: &str| told[name].as_f64().expect("a number");
    assert!((80.0..=100.0).contains(&field("late_packets")), "{told}");
    assert!(field("missing_percent") >= 16.0 && field("mos") < 3.5, "{told}");
    // And so many are lost.
    let lost = trace(500, |n| (!(100..200).contains(&n)).then_some(30.0));
    let (told, _) = through_jitter(&folder, &lost);
    let field = |name: &str| told[name].as_f64().expect("a number");
    assert_eq!((field("lost_packets"), field("late_packets")), (100.0, 0.0));
    assert_eq!(field("missing_percent"), 20.0);
    assert!(field("mos") < 3.5, "{told}");
}

#[test]
fn what_is_no_trace_is_told_with_its_line() {
    let folder = Folder::new("jitter-wrong");
    let sound = folder.file("said.wav");
    assert_eq!(tipring(&["tool", "synth", "tone", "400", "--out", &sound]).status, 0);
    let trace = folder.write("trace.csv", "seq,send_ms,arrive_ms\n1,0,10\n2,20,soon\n");
    let heard = folder.file("heard.wav");
    let run = tipring(&["tool", "jitter", "--trace", &trace, "--in", &sound, "--out", &heard]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("trace.csv: line 3: arrive_ms is a time"), "{}", run.err);
}

#[test]
fn an_echo_is_cancelled_and_its_losses_are_told() {
    let folder = Folder::new("echo");
    let (far, near, out) =
        (folder.file("far.wav"), folder.file("near.wav"), folder.file("out.wav"));
    // Noise, and a quarter of it 5 ms later.
    let mut rng = tipring_core::Rng::new(4);
    let said: Vec<i16> = (0..32_000).map(|_| (rng.next_u32() >> 19) as i16 - 4096).collect();
    let echo: Vec<i16> =
        [0; 40].into_iter().chain(said.iter().map(|s| s / 4)).take(32_000).collect();
    for (file, samples) in [(&far, &said), (&near, &echo)] {
        fs::write(file, wav::print(Format::Pcm16, 8000, samples)).expect("a file");
    }
    let cancel = ["tool", "echo", "--far", &far, "--near", &near, "--out", &out];
    let run = tipring(&[&cancel[..], &["--linear", "--tail-ms", "16"]].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let seconds: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON on each line"))
        .collect();
    assert_eq!(seconds.len(), 4);
    let last = |name: &str| seconds[3][name].as_f64().expect("a number");
    assert!((last("erl_db") - 12.0).abs() < 1.0, "{}", run.out);
    assert!(last("erle_db") > 30.0 && last("filter_erle_db") > 30.0, "{}", run.out);
    let left = wav::parse(&fs::read(&out).expect("the file")).expect("a sound").samples;
    assert_eq!(left.len(), 32_000);
    assert!(left[24_000..].iter().all(|sample| sample.abs() < 60));
}
