//! pjsua2 holds and is held, and transfers its calls by REFER, blind and attended.

use serde_json::json;

use crate::pjsua::Pjsua;
use crate::site::Site;

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// It calls a phone, which answers.
fn calls(site: &mut Site, pjsua: &mut Pjsua, call: u8, phone: u8) {
    pjsua.tell(&json!({"do": "call", "to": format!("{}", 100 + u16::from(phone))}));
    site.phones.rings(phone);
    site.phones.off_hook(phone);
    pjsua.call_is(call, "CONFIRMED");
    pjsua.media_is(call, "active");
}

#[test]
fn pjsua2_holds_the_call_and_takes_it_back() {
    let mut site = Site::start(1, USER);
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua, 0, 1);
    pjsua.hears(&mut site, "1");
    pjsua.tell(&json!({"do": "hold", "call": 0}));
    pjsua.media_is(0, "held by us");
    let answer = pjsua.last_received("SIP/2.0 200", "INVITE");
    assert!(answer.contains("a=recvonly"), "{answer}");
    pjsua.tell(&json!({"do": "resume", "call": 0}));
    pjsua.media_is(0, "active");
    pjsua.hears(&mut site, "2");
    site.hangs_up();
    pjsua.call_is(0, "DISCONNECTED");
    site.leave(1);
}

#[test]
fn a_flash_at_the_phone_holds_pjsua2_and_another_takes_it_back() {
    let mut site = Site::start(1, USER);
    let mut pjsua = Pjsua::start(&site, json!({"answers": true}));
    site.call(1, "2001");
    pjsua.media_is(0, "active");
    pjsua.hears(&mut site, "1");
    site.phones.op(json!({"op": "flash", "port": 1}));
    pjsua.media_is(0, "held by them");
    assert!(pjsua.last_received("INVITE ", "INVITE").contains("a=sendonly"));
    site.phones.op(json!({"op": "flash", "port": 1}));
    pjsua.media_is(0, "active");
    pjsua.hears(&mut site, "2");
    site.hangs_up();
    pjsua.call_is(0, "DISCONNECTED");
    site.leave(1);
}

#[test]
fn pjsua2_sends_its_phone_to_another_phone() {
    let mut site = Site::start(2, USER);
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua, 0, 1);
    pjsua.tell(&json!({"do": "transfer", "call": 0, "to": "102"}));
    pjsua.expect(&json!({"event": "transfer", "call": 0, "status": 180, "final": false}));
    site.phones.rings(2);
    site.phones.off_hook(2);
    pjsua.expect(&json!({"event": "transfer", "call": 0, "status": 200, "final": true}));
    pjsua.call_is(0, "DISCONNECTED");
    site.phones_talk();
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(2);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

#[test]
fn a_transfer_to_nobody_fails_and_the_call_of_pjsua2_goes_on() {
    let mut site = Site::start(1, USER);
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua, 0, 1);
    pjsua.tell(&json!({"do": "transfer", "call": 0, "to": "777"}));
    pjsua.expect(&json!({"event": "transfer", "call": 0, "status": 404, "final": true}));
    pjsua.hears(&mut site, "6");
    pjsua.tell(&json!({"do": "hangup", "call": 0}));
    pjsua.call_is(0, "DISCONNECTED");
    site.hangs_up();
    site.leave(2);
}

#[test]
fn pjsua2_consults_one_phone_and_joins_it_with_the_other() {
    let mut site = Site::start(2, USER);
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua, 0, 1);
    pjsua.tell(&json!({"do": "hold", "call": 0}));
    pjsua.media_is(0, "held by us");
    calls(&mut site, &mut pjsua, 1, 2);
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
