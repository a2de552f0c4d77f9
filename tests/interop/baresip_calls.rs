//! Calls with baresip in both directions; either end hears the other.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tipring_dsp::wav::{self, Format};

use crate::audio::{self, RATE};
use crate::baresip::Baresip;
use crate::control::PATIENCE;
use crate::site::Site;

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// Plays and records at the handset for a while, and tells whether each end heard the other.
fn talk(site: &mut Site, baresip: &Baresip, theirs: &[i16]) {
    let ours = audio::turns(audio::speech(8, 11), true);
    let (mouth, ear) = (site.file("mouth.wav"), site.file("ear.wav"));
    fs::write(&mouth, wav::print(Format::Pcm16, RATE as u32, &ours)).expect("a file");
    site.phones.op(json!({"op": "record", "port": 1, "wav": ear}));
    site.phones.op(json!({"op": "play", "port": 1, "wav": mouth}));
    thread::sleep(Duration::from_secs(9));
    site.phones.op(json!({"op": "stop", "port": 1}));
    // baresip closes its recording with the call.
    site.phones.on_hook(1);
    let heard = crate::process::until("baresip's recording", PATIENCE, || {
        let heard = baresip.heard();
        (heard.len() > 8 * RATE).then_some(heard)
    });
    let turns = |said: &[i16], turns: [usize; 3], heard: &[i16]| {
        turns.map(|turn| {
            audio::find(&said[turn * RATE + RATE / 5..(turn + 1) * RATE], heard, 0..heard.len())
        })
    };
    let correlation = |found: &audio::Match| found.correlation;
    // Its own buffer settles when it pleases, and so its best turn counts; ours has no such excuse.
    let up = turns(&ours, [2, 4, 6], &heard).iter().map(correlation).fold(0.0, f64::max);
    let recorded = wav::parse(&fs::read(&ear).expect("a recording")).expect("a WAV file").samples;
    let down = turns(theirs, [1, 3, 5], &recorded).iter().map(correlation).fold(1.0, f64::min);
    eprintln!(
        "best turn of the handset at baresip: {up:.4}, worst of baresip at the handset: {down:.4}"
    );
    assert!(up >= 0.99 && down >= 0.99, "{up} {down}");
}

#[test]
fn baresip_calls_the_phone_and_both_hear_each_other() {
    let mut site = Site::start(1, "");
    let speech = audio::speech(20, 12);
    let mut baresip = Baresip::start(&site, "5559876", None, &speech);
    baresip.command("dial", &format!("sip:101@{}", site.sip));
    site.phones.rings(1);
    site.phones.off_hook(1);
    baresip.expect("CALL_ESTABLISHED");
    talk(&mut site, &baresip, &speech);
    baresip.expect("CALL_CLOSED");
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("callee")));
    assert_eq!(record["calling"], "5559876", "{record}");
}

#[test]
fn baresip_registers_is_called_by_the_phone_and_both_hear_each_other() {
    let mut site = Site::start(1, USER);
    let speech = audio::speech(20, 13);
    let mut baresip = Baresip::start(&site, "2001", Some("secret"), &speech);
    site.call(1, "2001");
    baresip.expect("CALL_ESTABLISHED");
    talk(&mut site, &baresip, &speech);
    baresip.expect("CALL_CLOSED");
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
    assert!(record["answer"].is_string(), "{record}");
}

#[test]
fn baresip_proves_who_it_is_and_hangs_up() {
    let mut site = Site::start(1, USER);
    let mut baresip = Baresip::start(&site, "2001", Some("secret"), &audio::speech(1, 14));
    baresip.command("dial", &format!("sip:101@{}", site.sip));
    site.phones.rings(1);
    site.phones.off_hook(1);
    baresip.expect("CALL_ESTABLISHED");
    baresip.command("hangup", "");
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["from_leg"], &record["ended_by"]), (&json!("2001"), &json!("caller")));
}
