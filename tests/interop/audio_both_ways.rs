//! A minute of talk between a handset and a SIP peer, measured to the sample.
//!
//! Both ends speak in turns of a second, so that the echo of the two-wire line is in nobody's way. Every turn must be
//! found whole, and all at the same place: no sample lost, doubled or stretched.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tipring_dsp::wav::{self, Format};

use crate::audio::{self, Match, RATE};
use crate::process::until;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};

/// How long they talk.
const SECONDS: usize = 60;
/// The first sound is found within this.
const SEARCH: usize = RATE / 2;

#[test]
fn a_minute_of_speech_passes_whole_in_both_directions() {
    let mut site = Site::start(1, "");
    let peer = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", peer.port);
    let mut sipp = scenario.argument("-d").argument(SECONDS * 1000 + 4000).call(&site, "101");
    let spoken = audio::turns(audio::speech(SECONDS, 1), true);
    let answered = audio::turns(audio::speech(SECONDS, 2), false);
    let (mouth, ear) = (site.file("mouth.wav"), site.file("ear.wav"));
    fs::write(&mouth, wav::print(Format::Pcm16, RATE as u32, &spoken)).expect("a file");

    site.phones.rings(1);
    site.phones.off_hook(1);
    peer.peer();
    // The jitter buffer has found its depth when somebody speaks.
    thread::sleep(Duration::from_secs(1));
    let recording_from = Instant::now();
    site.phones.op(json!({"op": "record", "port": 1, "wav": ear}));
    let playing_from = Instant::now();
    site.phones.op(json!({"op": "play", "port": 1, "wav": mouth}));
    peer.speak(&answered);
    let talk = Duration::from_secs(SECONDS as u64);
    until("the end of the talk", talk + LONG, || {
        (playing_from.elapsed() > talk + Duration::from_millis(500)).then_some(())
    });
    site.phones.op(json!({"op": "stop", "port": 1}));
    sipp.succeeds(LONG);
    site.phones.on_hook(1);

    let heard = peer.heard();
    // The place of the first sample said, were there no delay.
    let arrived = heard.arrivals.iter().find(|(_, at)| *at >= playing_from).expect("audio");
    let up =
        compare("handset to peer", &spoken, true, &heard.samples, arrived.0.saturating_sub(400));
    let last = heard.arrivals.iter().rev().find(|(from, _)| *from <= up.at).expect("audio");
    let up_delay = (last.1 - playing_from).as_secs_f64() * 1000.0 - (up.at - last.0) as f64 / 8.0;
    let recorded = wav::parse(&fs::read(&ear).expect("a recording")).expect("a WAV file").samples;
    let down = compare("peer to handset", &answered, false, &recorded, 0);
    let spoke = (peer.spoke() - recording_from).as_secs_f64() * 1000.0;
    let down_delay = down.at as f64 / 8.0 - spoke;
    eprintln!("delay: handset to peer {up_delay:.1} ms, peer to handset {down_delay:.1} ms");
    // A packet's first sample waits for its last.
    assert!((15.0..=20.0 + 15.0).contains(&up_delay), "handset to peer: {up_delay} ms");
    assert!((0.0..=15.0 + 60.0).contains(&down_delay), "peer to handset: {down_delay} ms");
    let record = site.leave(1).remove(0);
    assert_eq!(record["rtp"]["lost"], 0, "{record}");
    assert_eq!(record["rtp"]["late"], 0, "{record}");
}

/// Finds every turn of `said` in `heard`; gives where the first sample is. The first turn is looked for from `from` on.
fn compare(name: &str, said: &[i16], first: bool, heard: &[i16], from: usize) -> Match {
    let begin = if first { 0 } else { RATE };
    let offset = from + begin;
    let found = audio::find(&said[begin..begin + RATE], heard, offset..offset + SEARCH);
    let start = found.at - begin;
    let mut worst = found.correlation;
    let mut slips = Vec::new();
    for turn in (begin..said.len()).step_by(2 * RATE) {
        let at = start + turn;
        let found = audio::find(&said[turn..turn + RATE], heard, at - 80..at + 80);
        worst = worst.min(found.correlation);
        if found.at != at {
            slips.push((turn / RATE, found.at as i64 - at as i64));
        }
    }
    eprintln!("{name}: worst correlation of a turn {worst:.5}, (second, slip): {slips:?}");
    assert!(slips.is_empty(), "{name}: samples slipped: {slips:?}");
    assert!(worst >= 0.99, "{name}: correlation {worst}");
    Match { at: start, correlation: worst }
}
