//! A telephone calls SIPp by way of a trunk.

use serde_json::json;

use crate::control::{KEY, PATIENCE};
use crate::process::given;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site, free_port};
use crate::stalls;

/// A trunk to a SIPp at `port`, reached by 9 and a number.
fn trunk(port: u16) -> String {
    format!(
        "[[trunk]]\nname = \"peer\"\nuri = \"sip:127.0.0.1:{port}\"\n\
         [[route]]\nname = \"out\"\nmatch = \"9XXXXXXX\"\nto = \"peer\"\nstrip = 1\n"
    )
}

#[test]
fn the_peer_answers_and_the_phone_hangs_up() {
    let port = free_port();
    let mut site = Site::start(1, &trunk(port));
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).port(port);
    let mut sipp = scenario.argument("-d").argument(1000).wait(&site);
    site.call(1, "95551234");
    site.phones.hears(1, "ringback");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let invite = sipp.messages();
    assert!(invite.contains(&format!("INVITE sip:5551234@127.0.0.1:{port} SIP/2.0")), "{invite}");
    assert!(invite.contains("From: \"Phone 1\" <sip:101@"), "{invite}");
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
    assert_eq!((&record["route"], &record["to_leg"]), (&json!("out"), &json!("peer")));
    assert!(record["answer"].is_string(), "{record}");
}

#[test]
fn the_peer_answers_and_hangs_up() {
    let port = free_port();
    let mut site = Site::start(1, &trunk(port));
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers_and_hangs_up").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.port(port).argument("-d").argument(800).wait(&site);
    site.call(1, "95551234");
    audio.peer();
    sipp.succeeds(LONG);
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("callee")));
}

#[test]
fn digits_of_the_keypad_reach_the_peer_as_events() {
    let port = free_port();
    let mut site = Site::start(1, &trunk(port));
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).port(port);
    let mut sipp = scenario.wait(&site);
    site.call(1, "95551234");
    audio.peer();
    let digits = || -> Vec<u8> {
        let packets = audio.received();
        let events = packets.iter().filter(|packet| packet.header.payload_type == 101);
        let ends = events.filter(|packet| packet.payload[1] & 0x80 != 0);
        let mut ends: Vec<(u32, u8)> =
            ends.map(|packet| (packet.header.timestamp, packet.payload[0])).collect();
        ends.dedup();
        ends.into_iter().map(|(_, code)| code).collect()
    };
    stalls::despite_stops("4, 2 and # arrive", || {
        let before = digits().len();
        let keys = json!({"op": "dial", "port": 1, "digits": "42#", "on_ms": 100, "off_ms": 100});
        site.phones.op(keys);
        given(KEY, || (digits()[before..] == [4, 2, 11]).then_some(()))
    });
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    site.leave(1);
}

#[test]
fn a_busy_peer_is_heard_as_busy_tone() {
    declined("486 Busy Here", "busy", 17);
}

#[test]
fn an_overloaded_peer_is_heard_as_congestion() {
    declined("503 Service Unavailable", "congestion", 41);
}

fn declined(status: &str, tone: &str, cause: u8) {
    let port = free_port();
    let mut site = Site::start(1, &trunk(port));
    let mut sipp = Scenario::new("declines").with("STATUS", status).port(port).wait(&site);
    site.call(1, "95551234");
    site.phones.hears(1, tone);
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], cause, "{record}");
}

#[test]
fn a_phone_that_gives_up_cancels() {
    let port = free_port();
    let mut site = Site::start(1, &trunk(port));
    let mut sipp = Scenario::new("is_cancelled").port(port).wait(&site);
    site.call(1, "95551234");
    site.phones.hears(1, "ringback");
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
}

#[test]
fn a_redirection_is_followed() {
    let (port, moved) = (free_port(), free_port());
    let mut site = Site::start(1, &trunk(port));
    let audio = Endpoint::open();
    let scenario = Scenario::new("redirects").with("MOVED_PORT", moved).port(port);
    let mut first = scenario.wait(&site);
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).port(moved);
    let mut second = scenario.wait(&site);
    site.call(1, "95551234");
    first.succeeds(LONG);
    audio.peer();
    site.phones.on_hook(1);
    second.succeeds(LONG);
    assert!(second.messages().contains(&format!("INVITE sip:moved@127.0.0.1:{moved}")));
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
}
