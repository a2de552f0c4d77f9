//! SIPp as a user of the embedded registrar.

use serde_json::json;

use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site, free_port};

const ALICE: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

fn register(site: &Site, contact: u16, password: &str, status: u16) {
    let scenario = Scenario::new("register").with("CONTACT_PORT", contact).with("STATUS", status);
    let scenario = scenario.argument("-au").argument("2001").argument("-ap").argument(password);
    scenario.port(contact).call(site, "2001").succeeds(LONG);
}

#[test]
fn a_user_registers_and_is_called_by_a_phone() {
    let mut site = Site::start(1, ALICE);
    let port = free_port();
    register(&site, port, "secret", 200);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).port(port);
    let mut sipp = scenario.wait(&site);
    site.call(1, "2001");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
    assert!(record["answer"].is_string(), "{record}");
}

#[test]
fn a_wrong_password_does_not_register() {
    let mut site = Site::start(1, ALICE);
    register(&site, free_port(), "guess", 401);
    site.call(1, "2001");
    site.phones.hears(1, "congestion");
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 20, "{record}");
}

#[test]
fn a_user_proves_itself_and_calls_a_phone() {
    let mut site = Site::start(1, ALICE);
    let audio = Endpoint::open();
    let scenario = Scenario::new("user_calls").with("AUDIO_PORT", audio.port).with("USER", 2001);
    let scenario = scenario.argument("-au").argument("2001").argument("-ap").argument("secret");
    let mut sipp = scenario.argument("-d").argument(500).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["from_leg"]), (&json!(16), &json!("2001")));
}

#[test]
fn an_impostor_rings_nobody() {
    let site = Site::start(1, ALICE);
    let scenario = Scenario::new("impostor").with("AUDIO_PORT", 9).with("USER", 2001);
    let scenario = scenario.argument("-au").argument("2001").argument("-ap").argument("guess");
    scenario.call(&site, "101").succeeds(LONG);
    let rings = site.phones.seen(&json!({"event": "ring", "port": 1}));
    assert!(rings.is_empty(), "{rings:?}");
    site.leave(0);
}
