//! SIPp with what not every peer can do: 100rel, UPDATE, session timers, transfers; and over IPv6.

use std::net::Ipv6Addr;

use serde_json::json;

use crate::control::PATIENCE;
use crate::rtp::Endpoint;
use crate::sipp::{Scenario, Sipp};
use crate::site::{LONG, Plan, Site, free_port};

fn over_ipv6(more: &str) -> Site {
    Site::planned(1, &Plan { ipv6: true, more, ..Plan::default() })
}

/// A trunk to a SIPp at `host`, reached by 9 and a number.
fn trunk(host: &str) -> String {
    format!(
        "[[trunk]]\nname = \"peer\"\nuri = \"sip:{host}\"\n\
         [[route]]\nname = \"out\"\nmatch = \"9XXXXXXX\"\nto = \"peer\"\nstrip = 1\n"
    )
}

/// SIPp calls the phone by a scenario, which hangs up.
fn calls(mut site: Site, audio: &Endpoint, scenario: &'static str, ms: u32) -> (Site, Sipp) {
    let scenario = Scenario::new(scenario).with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.argument("-d").argument(ms).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    (site, sipp)
}

/// The phone calls SIPp, which answers by a scenario, and hangs up.
fn is_called(mut site: Site, audio: &Endpoint, scenario: &'static str, port: u16) -> (Site, Sipp) {
    let scenario = Scenario::new(scenario).with("AUDIO_PORT", audio.port).port(port);
    let mut sipp = scenario.argument("-d").argument(500).wait(&site);
    site.call(1, "95551234");
    audio.peer();
    crate::process::until("the answer", PATIENCE, || {
        sipp.messages().contains("ACK ").then_some(())
    });
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    (site, sipp)
}

fn ends_well(site: Site, ended_by: &str) {
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!(ended_by)));
    assert!(record["answer"].is_string(), "{record}");
    let rtp = &record["rtp"];
    assert!(rtp["sent"].as_u64() > Some(5) && rtp["received"].as_u64() > Some(5), "{record}");
}

#[test]
fn sipp_calls_the_phone_over_ipv6() {
    let audio = Endpoint::open_at(Ipv6Addr::LOCALHOST.into());
    let (site, sipp) = calls(over_ipv6(""), &audio, "caller_hangs_up", 800);
    assert!(sipp.messages().contains("Via: SIP/2.0/UDP [::1]:"), "{}", sipp.messages());
    ends_well(site, "caller");
}

#[test]
fn the_phone_calls_sipp_over_ipv6() {
    let port = free_port();
    let audio = Endpoint::open_at(Ipv6Addr::LOCALHOST.into());
    let site = over_ipv6(&trunk(&format!("[::1]:{port}")));
    let (site, sipp) = is_called(site, &audio, "answers", port);
    assert!(sipp.messages().contains("c=IN IP6 ::1"), "{}", sipp.messages());
    ends_well(site, "caller");
}

#[test]
fn sipp_requires_100rel_and_acknowledges_180() {
    let audio = Endpoint::open();
    let (site, _) = calls(Site::start(1, ""), &audio, "requires_100rel", 500);
    ends_well(site, "caller");
}

#[test]
fn sipp_without_100rel_is_refused_where_we_require_it() {
    let plan = Plan { sip: "reliable = \"required\"\n", ..Plan::default() };
    let site = Site::planned(1, &plan);
    let mut sipp = Scenario::new("needs_an_extension").call(&site, "101");
    sipp.succeeds(LONG);
    let rings = site.phones.seen(&json!({"event": "ring", "port": 1}));
    assert!(rings.is_empty(), "{rings:?}");
    site.leave(0);
}

#[test]
fn sipp_answers_in_a_183_and_gets_its_prack() {
    let port = free_port();
    let audio = Endpoint::open();
    let site = Site::start(1, &trunk(&format!("127.0.0.1:{port}")));
    let (site, sipp) = is_called(site, &audio, "answers_reliably", port);
    assert_eq!(sipp.received("PRACK "), 1, "{}", sipp.messages());
    ends_well(site, "caller");
}

#[test]
fn sipp_asks_for_a_session_timer_and_refreshes_it() {
    let audio = Endpoint::open();
    let (site, _) = calls(Site::start(1, ""), &audio, "refreshes", 300);
    ends_well(site, "caller");
}

#[test]
fn sipp_holds_the_call_by_update_and_takes_it_back() {
    let audio = Endpoint::open();
    let (site, _) = calls(Site::start(1, ""), &audio, "holds_by_update", 1000);
    // Talk, hold, talk, 1 s each: in the middle nothing is sent to the holder.
    let packets = audio.received();
    let longest = packets.windows(2).map(|pair| pair[1].at - pair[0].at).max();
    assert!(longest.is_some_and(|pause| (800..1400).contains(&pause.as_millis())), "{longest:?}");
    ends_well(site, "caller");
}

#[test]
fn sipp_sends_its_phone_to_another_one_and_is_told_how_that_goes() {
    let mut site = Site::start(2, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("transfers").with("AUDIO_PORT", audio.port).with("TO", "102");
    let mut sipp = scenario.argument("-d").argument(300).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    site.phones.rings(2);
    site.phones.off_hook(2);
    sipp.succeeds(LONG);
    site.key_passes(1, 2, "7");
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(2);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}
