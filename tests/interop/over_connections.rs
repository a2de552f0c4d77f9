//! Calls over TCP and TLS, with SIPp and baresip.

use std::net::SocketAddr;

use serde_json::json;

use crate::audio;
use crate::baresip::Baresip;
use crate::control::PATIENCE;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Plan, Site, free_port};

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

#[test]
fn sipp_calls_the_phone_over_tcp() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port).over_tcp();
    let mut sipp = scenario.argument("-d").argument(800).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    assert!(sipp.messages().contains("Via: SIP/2.0/TCP "), "{}", sipp.messages());
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
}

#[test]
fn the_phone_calls_sipp_over_tcp() {
    let port = free_port();
    let trunk = format!(
        "[[trunk]]\nname = \"peer\"\nuri = \"sip:127.0.0.1:{port};transport=tcp\"\n\
         [[route]]\nname = \"out\"\nmatch = \"9XXXXXXX\"\nto = \"peer\"\nstrip = 1\n"
    );
    let mut site = Site::start(1, &trunk);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).over_tcp().port(port);
    let mut sipp = scenario.argument("-d").argument(800).wait(&site);
    site.call(1, "95551234");
    site.phones.hears(1, "ringback");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
    assert!(record["answer"].is_string(), "{record}");
}

#[test]
fn forty_calls_at_once_share_one_connection() {
    let site = Site::start(1, "");
    // Nobody has this number: 404 to each.
    let scenario = Scenario::new("refused").with("AUDIO_PORT", 9).with("STATUS", 404);
    let scenario = scenario.with("FORMATS", "0 101").with("RTPMAP", "0 PCMU/8000").with("CAUSE", 1);
    let scenario = scenario.over_tcp().argument("-r").argument(40).argument("-m").argument(40);
    let mut sipp = scenario.call(&site, "777");
    sipp.succeeds(LONG);
    assert_eq!(sipp.received("SIP/2.0 404"), 40);
    site.leave(40);
}

/// An account at `address` for which everything goes there over `transport`.
fn account(address: SocketAddr, transport: &str) -> String {
    format!("{address};transport={transport}>;outbound=\"sip:{address};transport={transport}\"")
}

/// The phone calls baresip, which has registered, and the other way round; either hangs up.
fn baresip_calls_and_is_called(mut site: Site, mut baresip: Baresip) {
    site.call(1, "2001");
    baresip.expect("CALL_ESTABLISHED");
    site.phones.on_hook(1);
    baresip.expect("CALL_CLOSED");
    baresip.command("dial", "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    baresip.expect("CALL_ESTABLISHED");
    baresip.command("hangup", "");
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let records = site.leave(2);
    let ended: Vec<_> = records.iter().map(|r| (&r["cause"], &r["ended_by"])).collect();
    assert_eq!(ended, [(&json!(16), &json!("caller")), (&json!(16), &json!("caller"))]);
    assert!(records.iter().all(|record| record["answer"].is_string()), "{records:?}");
}

#[test]
fn baresip_registers_calls_and_is_called_over_tcp() {
    let site = Site::start(1, USER);
    let account = account(site.sip, "tcp");
    let baresip =
        Baresip::start_at(&site, &account, "2001", Some("secret"), "", &audio::speech(20, 15));
    baresip_calls_and_is_called(site, baresip);
}

#[test]
fn baresip_registers_calls_and_is_called_over_tls_and_believes_our_certificate() {
    let site = Site::planned(1, &Plan { tls: true, more: USER, ..Plan::default() });
    let tls = site.tls.as_ref().expect("it is planned");
    let account = account(tls.address, "tls");
    let verify = format!("sip_cafile {}\nsip_verify_server yes\n", tls.ca.display());
    let baresip =
        Baresip::start_at(&site, &account, "2001", Some("secret"), &verify, &audio::speech(20, 16));
    baresip_calls_and_is_called(site, baresip);
}
