//! Calls that come to nothing: each is answered with the status and the cause that say why, and recorded once.

use serde_json::json;

use crate::sipp::Scenario;
use crate::site::{LONG, Plan, Site};

/// SIPp calls `number`, and must get `status` and `cause`.
fn refused(site: &Site, number: &str, status: u16, cause: u8) {
    let scenario = Scenario::new("refused").with("AUDIO_PORT", 9).with("STATUS", status);
    let scenario = scenario.with("FORMATS", "0 101").with("RTPMAP", "0 PCMU/8000");
    scenario.with("CAUSE", cause).call(site, number).succeeds(LONG);
}

#[test]
fn a_busy_phone_is_486() {
    let mut site = Site::start(1, "");
    site.phones.off_hook(1);
    site.phones.hears(1, "dial");
    refused(&site, "101", 486, 17);
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 17, "{record}");
}

#[test]
fn a_phone_in_a_call_is_486_and_the_call_goes_on() {
    let mut site = Site::start(2, "");
    site.call(1, "102");
    site.phones.rings(2);
    site.phones.off_hook(2);
    refused(&site, "101", 486, 17);
    refused(&site, "102", 486, 17);
    site.phones.on_hook(1);
    site.phones.on_hook(2);
    let records = site.leave(3);
    let answered = records.iter().filter(|record| record["answer"].is_string()).count();
    assert_eq!(answered, 1, "{records:?}");
}

#[test]
fn a_phone_that_nobody_answers_is_480() {
    let plan = Plan { gateway: "no_answer_seconds = 5\n", ..Plan::default() };
    let site = Site::planned(1, &plan);
    refused(&site, "101", 480, 19);
    let rings = site.phones.seen(&json!({"event": "ring", "port": 1, "on": true}));
    assert!(!rings.is_empty());
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(19), &json!("gateway")));
}

#[test]
fn a_number_that_nobody_has_is_404() {
    let site = Site::start(1, "");
    refused(&site, "199", 404, 1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["called"]), (&json!(1), &json!("199")));
}

#[test]
fn a_codec_that_we_lack_is_488() {
    let site = Site::start(1, "");
    let scenario = Scenario::new("refused").with("AUDIO_PORT", 9).with("STATUS", 488);
    let scenario = scenario.with("FORMATS", "18 101").with("RTPMAP", "18 G729/8000");
    scenario.with("CAUSE", 65).call(&site, "101").succeeds(LONG);
    let rings = site.phones.seen(&json!({"event": "ring", "port": 1}));
    assert!(rings.is_empty(), "{rings:?}");
    site.leave(1);
}

#[test]
fn strangers_do_not_call_out_at_our_cost() {
    let trunk = "[[trunk]]\nname = \"peer\"\nuri = \"sip:127.0.0.1:9\"\n\
                 [[route]]\nmatch = \"9X.\"\nto = \"peer\"\nstrip = 1\n";
    let site = Site::start(1, trunk);
    refused(&site, "95551234", 403, 21);
    site.leave(1);
}
