//! Calls by way of a Kamailio that stays in the path: every request in the dialog carries its Route.

use std::time::Duration;

use serde_json::json;

use crate::control::PATIENCE;
use crate::kamailio::{self, Kamailio};
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site, free_port};

/// A trunk to the proxy.
fn trunk(proxy: u16, account: &str) -> String {
    format!(
        "[[trunk]]\nname = \"proxy\"\nuri = \"sip:127.0.0.1:{proxy}\"\n{account}\
         [[route]]\nname = \"out\"\nfrom = \"any\"\nmatch = \"9XXXXXXX\"\nto = \"proxy\"\nstrip = 1\n"
    )
}

#[test]
fn a_peer_behind_the_proxy_calls_the_phone_and_hangs_up() {
    let mut site = Site::start(1, "");
    let proxy = Kamailio::start(&site, kamailio::port(), free_port(), None);
    let audio = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.through_proxies().argument("-d").argument(500);
    let mut sipp = scenario.call_by(proxy.sip, &site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    let trace = sipp.messages();
    assert!(trace.contains("Record-Route: <sip:127.0.0.1"), "it stays in the path: {trace}");
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
}

#[test]
fn a_peer_behind_the_proxy_gives_up_and_the_ringing_stops() {
    let mut site = Site::start(1, "");
    let proxy = Kamailio::start(&site, kamailio::port(), free_port(), None);
    let scenario = Scenario::new("cancel").with("AUDIO_PORT", 9);
    let mut sipp = scenario.argument("-d").argument(500).call_by(proxy.sip, &site, "101");
    site.phones.rings(1);
    let silent = json!({"event": "ring", "port": 1, "on": false});
    site.phones.expect(Duration::from_millis(1500), &silent);
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["evidence"]), (&json!(16), &json!("CANCEL")));
    assert!(record["answer"].is_null(), "{record}");
}

#[test]
fn the_phone_calls_a_peer_behind_the_proxy_and_hangs_up() {
    let (port, peer) = (kamailio::port(), free_port());
    let mut site = Site::start(1, &trunk(port, ""));
    let _proxy = Kamailio::start(&site, port, peer, None);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(peer).argument("-d").argument(500).wait(&site);
    site.phones.call(1, "95551234");
    site.phones.hears(1, "ringback");
    audio.peer();
    site.phones.on_hook(1);
    // Its BYE comes only by way of the proxy.
    sipp.succeeds(LONG);
    let vias = sipp.messages().matches("Via: SIP/2.0/UDP").count();
    assert!(vias > 0 && sipp.received("BYE") == 1, "{}", sipp.messages());
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
}

#[test]
fn the_peer_behind_the_proxy_hangs_up() {
    let (port, peer) = (kamailio::port(), free_port());
    let mut site = Site::start(1, &trunk(port, ""));
    let _proxy = Kamailio::start(&site, port, peer, None);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers_and_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.through_proxies().port(peer).argument("-d").argument(800);
    let mut sipp = scenario.wait(&site);
    site.phones.call(1, "95551234");
    audio.peer();
    sipp.succeeds(LONG);
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("callee")));
}

/// The realm that the proxy asks in.
fn realm() -> String {
    format!("realm = [\"elsewhere\", {:?}]\n", kamailio::REALM)
}

#[test]
fn the_proxy_asks_for_credentials_and_gets_them() {
    let (port, peer) = (kamailio::port(), free_port());
    let account = format!("username = \"alice\"\npassword = \"wonderland\"\n{}", realm());
    let mut site = Site::start(1, &trunk(port, &account));
    let _proxy = Kamailio::start(&site, port, peer, Some("wonderland"));
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(peer).argument("-d").argument(500).wait(&site);
    site.phones.call(1, "95551234");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    assert!(!sipp.messages().contains("wonderland"), "the password never travels");
    assert_eq!(site.leave(1)[0]["cause"], 16);
}

#[test]
fn a_wrong_password_is_refused_and_heard() {
    let (port, peer) = (kamailio::port(), free_port());
    let account = format!("username = \"alice\"\npassword = \"looking-glass\"\n{}", realm());
    let mut site = Site::start(1, &trunk(port, &account));
    let _proxy = Kamailio::start(&site, port, peer, Some("wonderland"));
    site.phones.call(1, "95551234");
    site.phones.hears(1, "congestion");
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 21, "{record}");
}
