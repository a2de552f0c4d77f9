//! linphone registers, calls, is called, holds and is held, and transfers.

use std::time::Duration;

use serde_json::json;

use crate::control::{KEY, PATIENCE};
use crate::linphone::Linphone;
use crate::site::{Plan, Site};
use crate::stalls;

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// A key that is pressed at linphone is heard at the phone.
fn key_reaches_the_phone(site: &mut Site, linphone: &mut Linphone, digit: &str) {
    let heard = json!({"event": "digit", "port": 1, "digit": digit});
    stalls::despite_stops(&format!("the phone hears {digit}"), || {
        linphone.tell(&format!("dtmf {digit}"));
        site.phones.hear(KEY, &heard)
    });
}

/// It calls the phone, which answers.
fn calls(site: &mut Site, linphone: &mut Linphone, phone: u8) {
    linphone.tell(&format!("call {}", linphone.address(100 + u16::from(phone))));
    linphone.call_is("OutgoingRinging");
    site.phones.rings(phone);
    site.phones.off_hook(phone);
    linphone.call_is("StreamsRunning");
}

/// The phone calls it, and it answers.
fn is_called(site: &mut Site, linphone: &mut Linphone) {
    site.call(1, "2001");
    linphone.call_is("IncomingReceived");
    site.phones.hears(1, "ringback");
    linphone.tell("answer");
    linphone.call_is("StreamsRunning");
}

/// A call in either direction, and a digit from linphone to the phone; either hangs up.
fn calls_and_is_called(mut site: Site, mut linphone: Linphone) {
    calls(&mut site, &mut linphone, 1);
    key_reaches_the_phone(&mut site, &mut linphone, "9");
    linphone.tell("terminate");
    linphone.call_is("Released");
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.hangs_up();
    is_called(&mut site, &mut linphone);
    site.hangs_up();
    linphone.call_is("Released");
    let records = site.leave(2);
    let ended: Vec<_> = records.iter().map(|r| (&r["cause"], &r["ended_by"])).collect();
    assert_eq!(ended, [(&json!(16), &json!("caller")), (&json!(16), &json!("caller"))]);
    assert!(records.iter().all(|record| record["answer"].is_string()), "{records:#?}");
    assert_eq!((&records[0]["from_leg"], &records[1]["to_leg"]), (&json!("2001"), &json!("2001")));
}

#[test]
fn linphone_registers_calls_and_is_called_over_udp() {
    let site = Site::start(1, USER);
    let linphone = Linphone::start(&site, "udp", "");
    calls_and_is_called(site, linphone);
}

#[test]
fn linphone_registers_calls_and_is_called_over_ipv6() {
    let site = Site::planned(1, &Plan { ipv6: true, more: USER, ..Plan::default() });
    let linphone = Linphone::start(&site, "udp", "");
    calls_and_is_called(site, linphone);
}

#[test]
fn linphone_registers_calls_and_is_called_over_tcp() {
    let site = Site::start(1, USER);
    let linphone = Linphone::start(&site, "tcp", "");
    calls_and_is_called(site, linphone);
}

#[test]
fn linphone_registers_calls_and_is_called_over_tls_and_believes_our_certificate() {
    let site = Site::planned(1, &Plan { tls: true, more: USER, ..Plan::default() });
    let tls = site.tls.as_ref().expect("it is planned");
    let verify =
        format!("root_ca={}\nverify_server_certs=1\nverify_server_cn=1\n", tls.ca.display());
    let linphone = Linphone::start(&site, "tls", &verify);
    calls_and_is_called(site, linphone);
}

#[test]
fn linphone_proves_itself_by_sha_256() {
    let plan = Plan { sip: "digest = [\"sha-256\"]\n", more: USER, ..Plan::default() };
    let mut site = Site::planned(1, &plan);
    let mut linphone = Linphone::start(&site, "tcp", "");
    calls(&mut site, &mut linphone, 1);
    site.hangs_up();
    linphone.call_is("Released");
    site.leave(1);
}

#[test]
fn linphone_holds_and_is_held() {
    let mut site = Site::start(1, USER);
    let mut linphone = Linphone::start(&site, "tcp", "");
    is_called(&mut site, &mut linphone);
    linphone.tell("call-pause 1");
    linphone.call_is("Paused");
    linphone.tell("call-resume 1");
    linphone.call_is("StreamsRunning");
    site.phones.op(json!({"op": "flash", "port": 1}));
    linphone.call_is("PausedByRemote");
    site.phones.op(json!({"op": "flash", "port": 1}));
    linphone.call_is("StreamsRunning");
    key_reaches_the_phone(&mut site, &mut linphone, "4");
    site.hangs_up();
    linphone.call_is("Released");
    site.leave(1);
}

#[test]
fn linphone_sends_its_phone_to_another_phone() {
    let mut site = Site::start(2, USER);
    let mut linphone = Linphone::start(&site, "tcp", "");
    calls(&mut site, &mut linphone, 1);
    linphone.tell(&format!("call-transfer 1 {}", linphone.address(102)));
    site.phones.rings(2);
    site.phones.off_hook(2);
    linphone.call_is("Released");
    site.phones_talk();
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(2);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

#[test]
fn linphone_consults_one_phone_and_joins_it_with_the_other() {
    let mut site = Site::start(2, USER);
    let mut linphone = Linphone::start(&site, "tcp", "");
    calls(&mut site, &mut linphone, 1);
    linphone.tell("call-pause 1");
    linphone.call_is("Paused");
    calls(&mut site, &mut linphone, 2);
    linphone.tell("call-transfer 1 2");
    linphone.call_is("Released");
    linphone.call_is("Released");
    site.phones_talk();
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(3);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

/// How many lines of its log, which has every message, begin so.
fn lines(linphone: &Linphone, start: &str) -> usize {
    linphone.log().lines().filter(|line| line.starts_with(start)).count()
}

#[test]
fn linphone_that_requires_100rel_is_called_and_gets_its_prack() {
    let mut site = Site::start(1, USER);
    let mut linphone = Linphone::start(&site, "tcp", "100rel_support_level=2\n");
    is_called(&mut site, &mut linphone);
    let found = ["RSeq: ", "Require: 100rel", "PRACK sip:2001@", "RAck: "];
    assert_eq!(found.map(|start| lines(&linphone, start)), [1; 4], "{found:?}");
    site.hangs_up();
    linphone.call_is("Released");
    site.leave(1);
}

#[test]
fn we_require_100rel_of_linphone_and_prack_goes_both_ways() {
    let plan = Plan { sip: "reliable = \"required\"\n", more: USER, ..Plan::default() };
    let mut site = Site::planned(1, &plan);
    let mut linphone = Linphone::start(&site, "udp", "100rel_support_level=1\n");
    calls(&mut site, &mut linphone, 1);
    site.hangs_up();
    linphone.call_is("Released");
    let found = ["RSeq: ", "PRACK sip:101@", "RAck: "];
    assert_eq!(found.map(|start| lines(&linphone, start)), [1; 3], "{found:?}");
    is_called(&mut site, &mut linphone);
    site.hangs_up();
    linphone.call_is("Released");
    let found = ["RSeq: ", "PRACK sip:2001@", "RAck: "];
    assert_eq!(found.map(|start| lines(&linphone, start)), [2, 1, 2], "{found:?}");
    site.leave(2);
}

/// Its keys for a session timer of so many seconds.
fn timer(seconds: u32) -> String {
    format!(
        "session_expires_enabled=1\nsession_expires_value={seconds}\nsession_expires_min_value=90\n"
    )
}

#[test]
fn linphone_agrees_on_a_session_timer_whoever_calls() {
    let mut site = Site::start(1, USER);
    let mut linphone = Linphone::start(&site, "tcp", &timer(200));
    calls(&mut site, &mut linphone, 1);
    site.hangs_up();
    linphone.call_is("Released");
    // Our answer to its INVITE, then its answer to ours.
    assert_eq!(lines(&linphone, "Session-Expires: 200;refresher=uac"), 1);
    is_called(&mut site, &mut linphone);
    site.hangs_up();
    linphone.call_is("Released");
    assert_eq!(lines(&linphone, "Session-Expires: 200;refresher=uas"), 1);
    assert_eq!(lines(&linphone, "Require: timer"), 2);
    site.leave(2);
}

#[test]
fn linphone_refreshes_its_call_by_update_when_half_of_the_time_is_over() {
    let mut site = Site::start(1, USER);
    let mut linphone = Linphone::start(&site, "tcp", &timer(90));
    calls(&mut site, &mut linphone, 1);
    linphone.expect_within(Duration::from_secs(60), "\nUPDATE sip:101@");
    linphone.expect("\nSIP/2.0 200 OK");
    linphone.expect("\nSession-Expires: 90;refresher=uac");
    key_reaches_the_phone(&mut site, &mut linphone, "4");
    site.hangs_up();
    linphone.call_is("Released");
    site.leave(1);
}

#[test]
fn an_interval_that_is_too_short_for_us_is_asked_for_again_by_linphone() {
    let plan = Plan { sip: "min_se_seconds = 200\n", more: USER, ..Plan::default() };
    let mut site = Site::planned(1, &plan);
    let mut linphone = Linphone::start(&site, "tcp", &timer(100));
    calls(&mut site, &mut linphone, 1);
    site.hangs_up();
    linphone.call_is("Released");
    let found = ["SIP/2.0 422 ", "Min-SE: 200", "Session-Expires: 200;refresher=uac"];
    assert_eq!(found.map(|start| lines(&linphone, start) > 0), [true; 3], "{found:?}");
    site.leave(1);
}
