//! baresip holds and is held, transfers, and calls over IPv6.

use serde_json::json;

use crate::audio;
use crate::baresip::Baresip;
use crate::control::{KEY, PATIENCE};
use crate::process::{given, until};
use crate::site::{Plan, Site};
use crate::stalls;

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// It calls the phone, which answers.
fn in_a_call(phones: u8) -> (Site, Baresip) {
    let mut site = Site::start(phones, USER);
    let mut baresip = Baresip::start(&site, "2001", Some("secret"), &audio::speech(20, 17));
    calls(&mut site, &mut baresip);
    (site, baresip)
}

fn calls(site: &mut Site, baresip: &mut Baresip) {
    baresip.command("dial", &format!("sip:101@{}", site.sip));
    site.phones.rings(1);
    site.phones.off_hook(1);
    baresip.expect("CALL_ESTABLISHED");
}

/// A digit at the phone arrives at baresip.
fn hears(site: &mut Site, baresip: &mut Baresip, digit: &str) {
    stalls::despite_stops(&format!("baresip hears {digit}"), || {
        site.phones.presses(1, digit);
        // A key that was torn has begun twice.
        given(KEY, || baresip.take("CALL_DTMF_START").filter(|heard| heard["param"] == digit))
    });
}

/// Waits until descriptions with this line have gone or come so often.
fn describes(baresip: &Baresip, line: &str, times: usize) {
    until(&format!("{line} {times} times"), PATIENCE, || {
        (baresip.messages().matches(line).count() >= times).then_some(())
    });
}

#[test]
fn baresip_holds_the_call_and_takes_it_back() {
    let (mut site, mut baresip) = in_a_call(1);
    hears(&mut site, &mut baresip, "1");
    baresip.command("hold", "");
    describes(&baresip, "a=recvonly", 1);
    let talking = baresip.messages().matches("a=sendrecv").count();
    baresip.command("resume", "");
    // Its offer and our answer.
    describes(&baresip, "a=sendrecv", talking + 2);
    hears(&mut site, &mut baresip, "2");
    site.hangs_up();
    baresip.expect("CALL_CLOSED");
    site.leave(1);
}

#[test]
fn a_flash_at_the_phone_holds_baresip_and_another_takes_it_back() {
    let (mut site, mut baresip) = in_a_call(1);
    site.phones.op(json!({"op": "flash", "port": 1}));
    // Our offer and its answer.
    describes(&baresip, "a=sendonly", 1);
    describes(&baresip, "a=recvonly", 1);
    let talking = baresip.messages().matches("a=sendrecv").count();
    site.phones.op(json!({"op": "flash", "port": 1}));
    describes(&baresip, "a=sendrecv", talking + 2);
    hears(&mut site, &mut baresip, "3");
    site.hangs_up();
    baresip.expect("CALL_CLOSED");
    site.leave(1);
}

#[test]
fn baresip_sends_its_phone_to_another_phone() {
    let (mut site, mut baresip) = in_a_call(2);
    baresip.command("transfer", &format!("sip:102@{}", site.sip));
    site.phones.rings(2);
    site.phones.off_hook(2);
    baresip.expect("CALL_CLOSED");
    let messages = baresip.messages();
    for told in ["SIP/2.0 180 Ringing", "SIP/2.0 200 OK"] {
        let fragments = messages.split("message/sipfrag").skip(1);
        let found = fragments
            .filter(|rest| rest.split("NOTIFY").next().is_some_and(|body| body.contains(told)));
        assert!(found.count() > 0, "no NOTIFY with {told}: {messages}");
    }
    site.key_passes(1, 2, "7");
    site.phones.on_hook(2);
    site.phones.on_hook(1);
    let records = site.leave(2);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
}

#[test]
fn baresip_registers_calls_and_is_called_over_ipv6() {
    let mut site = Site::planned(1, &Plan { ipv6: true, more: USER, ..Plan::default() });
    let mut baresip = Baresip::start(&site, "2001", Some("secret"), &audio::speech(20, 18));
    calls(&mut site, &mut baresip);
    hears(&mut site, &mut baresip, "4");
    site.hangs_up();
    baresip.expect("CALL_CLOSED");
    site.call(1, "2001");
    baresip.expect("CALL_ESTABLISHED");
    hears(&mut site, &mut baresip, "5");
    site.hangs_up();
    baresip.expect("CALL_CLOSED");
    assert!(baresip.messages().contains("c=IN IP6 ::1"), "{}", baresip.messages());
    site.leave(2);
}
