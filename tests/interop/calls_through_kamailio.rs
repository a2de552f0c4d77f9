//! Calls by way of a Kamailio that stays in the path: every request in the dialog carries its Route.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;

use crate::control::PATIENCE;
use crate::kamailio::{self, Kamailio, Proxy};
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{Certificate, LONG, Plan, Site};

/// A trunk to the proxy at this address, with more keys.
fn trunk(address: &str, keys: &str) -> String {
    format!(
        "[[trunk]]\nname = \"proxy\"\nuri = \"sip:{address}\"\n{keys}\
         [[route]]\nname = \"out\"\nfrom = \"any\"\nmatch = \"9XXXXXXX\"\nto = \"proxy\"\nstrip = 1\n"
    )
}

#[test]
fn a_peer_behind_the_proxy_calls_the_phone_and_hangs_up() {
    let mut site = Site::start(1, "");
    let proxy = Kamailio::start(&site, &Proxy::free());
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
    let proxy = Kamailio::start(&site, &Proxy::free());
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
    let plan = Proxy::free();
    let mut site = Site::start(1, &trunk(&format!("127.0.0.1:{}", plan.port), ""));
    let _proxy = Kamailio::start(&site, &plan);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(plan.peer).argument("-d").argument(500).wait(&site);
    site.call(1, "95551234");
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
    let plan = Proxy::free();
    let mut site = Site::start(1, &trunk(&format!("127.0.0.1:{}", plan.port), ""));
    let _proxy = Kamailio::start(&site, &plan);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers_and_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.through_proxies().port(plan.peer).argument("-d").argument(800);
    let mut sipp = scenario.wait(&site);
    site.call(1, "95551234");
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
    let plan = Proxy { password: Some("wonderland"), ..Proxy::free() };
    let account = format!("username = \"alice\"\npassword = \"wonderland\"\n{}", realm());
    let mut site = Site::start(1, &trunk(&format!("127.0.0.1:{}", plan.port), &account));
    let _proxy = Kamailio::start(&site, &plan);
    let audio = Endpoint::open();
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(plan.peer).argument("-d").argument(500).wait(&site);
    site.call(1, "95551234");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    assert!(!sipp.messages().contains("wonderland"), "the password never travels");
    assert_eq!(site.leave(1)[0]["cause"], 16);
}

#[test]
fn a_wrong_password_is_refused_and_heard() {
    let plan = Proxy { password: Some("wonderland"), ..Proxy::free() };
    let account = format!("username = \"alice\"\npassword = \"looking-glass\"\n{}", realm());
    let mut site = Site::start(1, &trunk(&format!("127.0.0.1:{}", plan.port), &account));
    let _proxy = Kamailio::start(&site, &plan);
    site.call(1, "95551234");
    site.phones.hears(1, "congestion");
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 21, "{record}");
}

#[test]
fn the_phone_gives_up_and_its_cancel_reaches_the_peer_behind_the_proxy() {
    let plan = Proxy::free();
    let mut site = Site::start(1, &trunk(&format!("127.0.0.1:{}", plan.port), ""));
    let _proxy = Kamailio::start(&site, &plan);
    let scenario = Scenario::new("is_cancelled").through_proxies();
    let mut sipp = scenario.port(plan.peer).wait(&site);
    site.call(1, "95551234");
    site.phones.hears(1, "ringback");
    site.phones.on_hook(1);
    // Its 487, and our ACK to what the proxy makes of it.
    sipp.succeeds(LONG);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
    assert!(record["answer"].is_null(), "{record}");
}

/// The peer behind the proxy calls the phone, then the phone the peer; each hangs up its call. Gives what SIPp saw of
/// the second one.
fn calls_both_ways(mut site: Site, plan: &Proxy<'_>) -> String {
    let proxy = Kamailio::start(&site, plan);
    let audio = Endpoint::open_at(site.sip.ip());
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", audio.port);
    let scenario = scenario.through_proxies().argument("-d").argument(300);
    let mut sipp = scenario.call_by(proxy.sip, &site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp.succeeds(LONG);
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.hangs_up();

    let audio = Endpoint::open_at(site.sip.ip());
    let scenario = Scenario::new("answers").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(plan.peer).argument("-d").argument(300).wait(&site);
    site.call(1, "95551234");
    audio.peer();
    site.phones.on_hook(1);
    sipp.succeeds(LONG);
    let messages = sipp.messages();
    let records = site.leave(2);
    let ended: Vec<_> = records.iter().map(|r| (&r["cause"], &r["ended_by"])).collect();
    assert_eq!(ended, [(&json!(16), &json!("caller")), (&json!(16), &json!("caller"))]);
    assert!(records.iter().all(|record| record["answer"].is_string()), "{records:#?}");
    messages
}

#[test]
fn calls_pass_the_proxy_over_ipv6() {
    let plan = Proxy::free();
    let trunk = trunk(&format!("[::1]:{}", plan.port), "");
    let site = Site::planned(1, &Plan { ipv6: true, more: &trunk, ..Plan::default() });
    let messages = calls_both_ways(site, &plan);
    let stays = format!("Record-Route: <sip:[::1]:{};", plan.port);
    assert!(
        messages.contains(&stays) && messages.contains("Via: SIP/2.0/UDP [::1]:"),
        "{messages}"
    );
}

/// The proxy is in the path twice: once for the peer's side, once for ours.
fn stays_in_the_path_by_two_routes(messages: &str, transport: &str) {
    let via = format!("Via: SIP/2.0/{} ", transport.to_uppercase());
    let route = format!(";transport={transport};");
    let twice =
        messages.lines().any(|line| line.starts_with("Record-Route: ") && line.contains(&route));
    assert!(
        twice && messages.contains(&via) && messages.contains("Via: SIP/2.0/UDP "),
        "{messages}"
    );
}

#[test]
fn calls_pass_the_proxy_that_speaks_tcp_with_us_and_udp_with_the_peer() {
    let plan = Proxy { transport: "tcp", ..Proxy::free() };
    let trunk = trunk(&format!("127.0.0.1:{};transport=tcp", plan.port), "");
    let messages = calls_both_ways(Site::start(1, &trunk), &plan);
    stays_in_the_path_by_two_routes(&messages, "tcp");
}

#[test]
fn calls_pass_the_proxy_over_tls_and_both_believe_the_others_certificate() {
    let certificate = Certificate::make(Ipv4Addr::LOCALHOST.into());
    let plan = Proxy { transport: "tls", certificate: Some(&certificate), ..Proxy::free() };
    let trunk = trunk(&format!("127.0.0.1:{};transport=tls", plan.port), "");
    let believes = Some(&certificate);
    let site = Site::planned(1, &Plan { tls: true, believes, more: &trunk, ..Plan::default() });
    let messages = calls_both_ways(site, &plan);
    stays_in_the_path_by_two_routes(&messages, "tls");
}
