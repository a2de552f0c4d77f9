//! What changes a call, by way of a Kamailio that stays in the path: hold, transfer, PRACK.

use serde_json::{Value, json};

use crate::control::PATIENCE;
use crate::kamailio::{Kamailio, Proxy};
use crate::pjsua::{Pjsua, field};
use crate::rtp::Endpoint;
use crate::sipp::{Scenario, Sipp};
use crate::site::{LONG, Plan, Site};

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// The peer behind the proxy calls the phone, which answers.
fn called(site: &mut Site, proxy: &Kamailio, audio: &Endpoint, scenario: Scenario) -> Sipp {
    let scenario = scenario.with("AUDIO_PORT", audio.port).through_proxies();
    let sipp = scenario.call_by(proxy.sip, site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    sipp
}

#[test]
fn a_peer_behind_the_proxy_holds_the_call_and_takes_it_back() {
    let mut site = Site::start(1, "");
    let proxy = Kamailio::start(&site, &Proxy::free());
    let audio = Endpoint::open();
    let scenario = Scenario::new("hold_and_resume").argument("-d").argument(700);
    let mut sipp = called(&mut site, &proxy, &audio, scenario);
    sipp.succeeds(LONG);
    assert_eq!(sipp.received("SIP/2.0 200 OK"), 4, "{}", sipp.messages());
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    let record = site.leave(1).remove(0);
    assert_eq!((&record["cause"], &record["ended_by"]), (&json!(16), &json!("caller")));
}

#[test]
fn the_phone_holds_the_peer_behind_the_proxy_and_takes_it_back() {
    let plan = Proxy::free();
    let trunk = format!(
        "[[trunk]]\nname = \"proxy\"\nuri = \"sip:127.0.0.1:{}\"\n\
         [[route]]\nmatch = \"9XXXXXXX\"\nto = \"proxy\"\nstrip = 1\n",
        plan.port
    );
    let mut site = Site::start(1, &trunk);
    let _proxy = Kamailio::start(&site, &plan);
    let audio = Endpoint::open();
    let scenario = Scenario::new("is_held").with("AUDIO_PORT", audio.port).through_proxies();
    let mut sipp = scenario.port(plan.peer).wait(&site);
    let acknowledged = |sipp: &Sipp, times: usize| {
        crate::process::until("an ACK", PATIENCE, || {
            (sipp.received("ACK ") == times).then_some(())
        });
    };
    site.call(1, "95551234");
    acknowledged(&sipp, 1);
    for times in [2, 3] {
        site.phones.op(json!({"op": "flash", "port": 1}));
        acknowledged(&sipp, times);
    }
    site.hangs_up();
    sipp.succeeds(LONG);
    assert_eq!(sipp.received("INVITE "), 3, "{}", sipp.messages());
    site.leave(1);
}

#[test]
fn a_peer_behind_the_proxy_requires_100rel_and_acknowledges_180() {
    let mut site = Site::start(1, "");
    let proxy = Kamailio::start(&site, &Proxy::free());
    let audio = Endpoint::open();
    let scenario = Scenario::new("requires_100rel").argument("-d").argument(300);
    called(&mut site, &proxy, &audio, scenario).succeeds(LONG);
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.phones.on_hook(1);
    assert_eq!(site.leave(1)[0]["cause"], 16);
}

#[test]
fn a_peer_behind_the_proxy_sends_its_phone_to_another_one_and_is_told_how_that_goes() {
    let mut site = Site::start(2, "");
    let proxy = Kamailio::start(&site, &Proxy::free());
    let audio = Endpoint::open();
    let scenario = Scenario::new("transfers").with("TO", "102").argument("-d").argument(300);
    let mut sipp = called(&mut site, &proxy, &audio, scenario);
    site.phones.rings(2);
    site.phones.off_hook(2);
    sipp.succeeds(LONG);
    site.phones_talk();
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    // The number that it names is one at the proxy: a call goes there, and comes back to the other phone.
    let records = site.leave(3);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

/// pjsua2, which registers at the gateway by way of the proxy, and the proxy.
fn pjsua_behind_a_proxy(site: &Site, more: &Value) -> (Kamailio, Pjsua) {
    let proxy = Kamailio::start(site, &Proxy { transport: "tcp", ..Proxy::free() });
    let mut setup = json!({"server": proxy.sip});
    setup.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    let pjsua = Pjsua::start(site, setup);
    (proxy, pjsua)
}

#[test]
fn pjsua2_behind_the_proxy_consults_one_phone_and_joins_it_with_the_other() {
    let mut site = Site::start(2, USER);
    let (_proxy, mut pjsua) = pjsua_behind_a_proxy(&site, &json!({}));
    for (call, phone, number) in [(0, 1, "101"), (1, 2, "102")] {
        pjsua.tell(&json!({"do": "call", "to": number}));
        site.phones.rings(phone);
        site.phones.off_hook(phone);
        pjsua.call_is(call, "CONFIRMED");
        pjsua.media_is(call, "active");
        if call == 0 {
            pjsua.tell(&json!({"do": "hold", "call": 0}));
            pjsua.media_is(0, "held by us");
        }
    }
    pjsua.tell(&json!({"do": "join", "call": 0, "with": 1}));
    pjsua.expect(&json!({"event": "transfer", "call": 0, "status": 200, "final": true}));
    pjsua.call_is(0, "DISCONNECTED");
    pjsua.call_is(1, "DISCONNECTED");
    site.phones_talk();
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(3);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

#[test]
fn pjsua2_behind_the_proxy_is_called_held_and_agrees_to_a_session_timer() {
    let plan = Plan { sip: "session_expires_seconds = 120\n", more: USER, ..Plan::default() };
    let mut site = Site::planned(1, &plan);
    let (_proxy, mut pjsua) =
        pjsua_behind_a_proxy(&site, &json!({"answers": true, "timer": "supported"}));
    site.call(1, "2001");
    pjsua.media_is(0, "active");
    site.phones.op(json!({"op": "flash", "port": 1}));
    pjsua.media_is(0, "held by them");
    let invite = pjsua.last_received("INVITE ", "INVITE");
    assert!(invite.contains("a=sendonly"), "{invite}");
    assert!(field(&invite, "Session-Expires").is_some_and(|e| e.starts_with("120")), "{invite}");
    site.phones.op(json!({"op": "flash", "port": 1}));
    pjsua.media_is(0, "active");
    pjsua.hears(&mut site, "2");
    site.hangs_up();
    pjsua.call_is(0, "DISCONNECTED");
    site.leave(1);
}
