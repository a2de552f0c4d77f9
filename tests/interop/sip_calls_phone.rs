//! SIPp calls a telephone.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::control::{PATIENCE, has};
use crate::process::until;
use crate::relay::Relay;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};
use crate::stalls::{self, Witnesses};

#[test]
fn the_phone_rings_is_answered_and_the_caller_hangs_up() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.argument("-d").argument(1500).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    // A disconnected telephone is told so, until it is put down.
    let open = json!({"event": "loop", "port": 1, "open": true});
    site.phones.expect(PATIENCE, &open);
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
    assert_eq!(record["ended_by"], "caller", "{record}");
    assert_eq!((&record["calling"], &record["called"]), (&json!("5551234"), &json!("101")));
    assert_eq!((&record["to_leg"], &record["codec"]), (&json!("line101"), &json!("PCMU")));
    assert!(record["answer"].is_string(), "{record}");
    let rtp = &record["rtp"];
    assert!(rtp["sent"].as_u64() > Some(60) && rtp["received"].as_u64() > Some(60), "{record}");
}

#[test]
fn the_phone_hangs_up_first_and_sipp_gets_the_bye() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("callee_hangs_up").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.with("CAUSE", 16).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("callee")));
}

#[test]
fn the_caller_is_shown_between_the_rings() {
    stalls::despite_stops("who calls is shown", || {
        let mut site = Site::start(1, "");
        let scenario = Scenario::new("cancel").with("AUDIO_PORT", 9);
        let mut sipp = scenario.argument("-d").argument(5000).call(&site, "101");
        let shown = site.phones.hear(PATIENCE, &json!({"event": "caller_id", "port": 1}));
        sipp.succeeds(LONG);
        site.leave(1);
        let shown = shown?.value;
        let who = json!({"number": "5551234", "name": "Sipp Caller"});
        has(&shown, &who).then_some(())
    });
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() {
    let mut site = Site::start(1, "");
    let scenario = Scenario::new("cancel").with("AUDIO_PORT", 9);
    let mut sipp = scenario.argument("-d").argument(500).call(&site, "101");
    site.phones.rings(1);
    let silent = json!({"event": "ring", "port": 1, "on": false});
    let stopped = site.phones.expect(Duration::from_millis(1500), &silent);
    sipp.succeeds(LONG);
    assert!(stopped.at.elapsed() < Duration::from_secs(2));
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["evidence"]), (&json!(16), &json!("CANCEL")));
    assert!(record["answer"].is_null(), "{record}");
}

#[test]
fn a_repeated_invite_rings_once_and_is_one_call() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    // Each INVITE arrives twice, and once more while the telephone rings.
    let relay = Relay::start(site.sip, |text| if text.starts_with("INVITE") { 2 } else { 1 });
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.argument("-d").argument(800);
    let mut sipp = scenario.call_by(relay.address, &site, "101");
    site.phones.rings(1);
    relay.repeat_first();
    until("180 again", PATIENCE, || (sipp.received("SIP/2.0 180") >= 2).then_some(()));
    site.phones.off_hook(1);
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let rings = site.phones.seen(&json!({"event": "ring", "port": 1, "on": true}));
    assert_eq!(rings.len(), 1, "{rings:?}");
    site.leave(1);
}

#[test]
fn an_ack_that_is_lost_is_asked_for_again() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let mut lost = false;
    let relay = Relay::start(site.sip, move |text| {
        let lose = text.starts_with("ACK") && !lost;
        lost |= lose;
        usize::from(!lose)
    });
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.argument("-d").argument(1500);
    let mut sipp = scenario.call_by(relay.address, &site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    sipp.succeeds(LONG);
    // Two for the INVITE, one for the BYE.
    assert_eq!(sipp.received("SIP/2.0 200 OK"), 3, "{}", sipp.messages());
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
}

#[test]
fn a_200_that_is_lost_is_sent_again() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let mut lost = false;
    let relay = Relay::start(site.sip, move |text| {
        let lose = text.starts_with("SIP/2.0 200") && !lost;
        lost |= lose;
        usize::from(!lose)
    });
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.argument("-d").argument(500);
    let mut sipp = scenario.call_by(relay.address, &site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
}

#[test]
fn a_caller_who_never_acknowledges_is_given_up_after_32_seconds() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("no_ack").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    let answered = Instant::now();
    sipp.succeeds(Duration::from_secs(40));
    // RFC 3261 §13.3.1.4: 64 times T1, and the 200 repeated at T1, 2 T1, … up to T2.
    let took = answered.elapsed();
    assert!((31..34).contains(&took.as_secs()), "{took:?}");
    assert!(sipp.received("SIP/2.0 200 OK") >= 8, "{}", sipp.messages());
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 102, "{record}");
}

#[test]
fn a_peer_holds_the_call_and_takes_it_back() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("hold_and_resume").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.argument("-d").argument(1500).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    // Talk, hold, talk, 1.5 s each: in the middle nothing is sent to the holder.
    let packets = audio.received();
    let pauses = packets.windows(2).map(|pair| pair[1].at - pair[0].at);
    let longest = pauses.max().unwrap_or_default();
    assert!((1200..1900).contains(&longest.as_millis()), "{longest:?}");
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
}

/// A stop of this machine within a digit opens a gap in its sound, and a gap of some 30 ms is the end of a digit for
/// whoever listens. So a digit may be torn in two where a stop was seen, and then they dial again.
#[test]
fn digits_as_events_are_heard_in_the_handset() {
    for _ in 0..3 {
        let (digits, stopped) = digits_heard();
        let mut whole = digits.clone();
        whole.dedup();
        assert_eq!(String::from_iter(whole), "159#", "heard {digits:?}");
        if digits.len() == 4 {
            return;
        }
        assert!(stopped, "a digit was torn though nothing stopped: {digits:?}");
    }
    panic!("three times this machine was too busy to sound four digits");
}

/// Sends 1, 5, 9 and # as events. Gives what the handset heard, and whether this machine stopped meanwhile.
fn digits_heard() -> (Vec<char>, bool) {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.argument("-d").argument(4000).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    // A moment of speech before, as a caller would.
    thread::sleep(Duration::from_millis(400));
    let witnesses = Witnesses::start();
    for code in [1, 5, 9, 11] {
        audio.digit(code, 120);
        thread::sleep(Duration::from_millis(300));
    }
    let stalls = witnesses.end();
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let digits = site.phones.seen(&json!({"event": "digit", "port": 1}));
    let digits = digits.iter().filter_map(|event| event.value["digit"].as_str());
    let digits = digits.flat_map(str::chars).collect();
    let ticks = site.leave_and_sum_up(1).1;
    (digits, !stalls.is_empty() || ticks.missed > 0 || ticks.late > 0)
}
