//! STUN on the SIP socket: who asks is told, and a flow over UDP that is gone is found (RFC 5626 §4.4.2, §8).

use std::ops::RangeInclusive;

use tipring_core::Duration;
use tipring_sip::registration::Registration;
use tipring_sip::transport::{StunId, StunKind, StunMessage};

use crate::outbound::{ours, script, start};
use crate::script::{PEER, Script, US, at, response};

const OUTBOUND: &str = "Require: outbound\n";
const ID: StunId = StunId(*b"twelve bytes");

/// Registered for ten hours; what the 200 says besides.
fn registered(more: &str, change: impl FnOnce(&mut Registration)) -> Script {
    let mut script = script();
    let register = start(&mut script, change);
    accept(&mut script, &register, more);
    script
}

fn accept(script: &mut Script, register: &str, more: &str) {
    let granted = ours("").replace("=600", "=36000");
    script.receive(&response(register, "200 OK", "r", &format!("{more}{granted}"), ""));
}

/// The next Binding request, which must come within so many milliseconds from now.
fn asked(script: &mut Script, within: RangeInclusive<u64>) -> StunId {
    let began = script.now;
    while script.stun.is_empty() && (script.now - began).as_millis() <= (*within.end()).into() {
        script.wait(10);
    }
    let took = u64::try_from((script.now - began).as_millis()).expect("short");
    assert!(within.contains(&took), "after {took} ms");
    let (to, request) = script.stun.pop_front().expect("a request");
    assert_eq!(to, at(PEER));
    assert_eq!(request, StunMessage::request(request.id));
    request.id
}

fn answer_from(script: &mut Script, source: &str, id: StunId, mapped: &str) {
    let kind = StunKind::Success { mapped: at(mapped) };
    let bytes = StunMessage { id, kind, fingerprint: true }.to_bytes();
    script.receive_octets(source, &bytes);
}

fn answer(script: &mut Script, id: StunId, mapped: &str) {
    answer_from(script, PEER, id, mapped);
}

const NEAR_25_S: RangeInclusive<u64> = 23_990..=29_010;

#[test]
fn whoever_asks_is_told_where_it_asks_from() {
    for fingerprint in [false, true] {
        let mut script = Script::new();
        let request = StunMessage { fingerprint, ..StunMessage::request(ID) };
        script.receive_octets("198.51.100.7:40000", &request.to_bytes());
        let kind = StunKind::Success { mapped: at("198.51.100.7:40000") };
        let answer = StunMessage { id: ID, kind, fingerprint };
        assert_eq!(script.stun.pop_front(), Some((at("198.51.100.7:40000"), answer)));
        assert_eq!(script.ua.counters().stun_answered, 1);
    }
}

#[test]
fn a_flood_of_requests_is_answered_to_a_bound_and_others_do_not_suffer() {
    let mut script = Script::new();
    let request = StunMessage::request(ID).to_bytes();
    for port in 1..=1000 {
        script.receive_octets(&format!("198.51.100.7:{port}"), &request);
    }
    assert_eq!(script.stun.drain(..).count(), 50);
    assert_eq!(script.ua.counters().stun_dropped, 950);
    script.receive_octets("198.51.100.8:5060", &request);
    assert_eq!(script.stun.drain(..).count(), 1);
    script.wait(1000);
    script.receive_octets("198.51.100.7:5060", &request);
    assert_eq!(script.stun.len(), 1, "a new second");
}

#[test]
fn what_nobody_asked_for_and_what_is_malformed_is_counted_and_no_more() {
    let mut script = Script::new();
    answer(&mut script, ID, US);
    assert_eq!(script.ua.counters().strays, 1);
    for bytes in [&b"\0"[..], b"\x01\x01\0\0", &[0; 20], &[1; 1500]] {
        script.receive_octets(PEER, bytes);
    }
    assert_eq!(script.ua.counters().garbage, 4);
    assert!(script.stun.is_empty() && script.sent.is_empty());
}

#[test]
fn a_registrar_with_outbound_is_asked_every_24_to_29_s() {
    let mut script = registered(OUTBOUND, |_| {});
    let mut seen = Vec::new();
    for _ in 0..20 {
        let id = asked(&mut script, NEAR_25_S);
        assert!(!seen.contains(&id), "chance");
        seen.push(id);
        answer(&mut script, id, US);
    }
    script.expect_nothing();
}

#[test]
fn its_flow_timer_and_what_is_configured_say_how_often() {
    let every =
        |seconds| move |r: &mut Registration| r.keep_alive = Some(Duration::from_secs(seconds));
    let mut script = registered("Flow-Timer: 100\n", |_| {});
    asked(&mut script, 79_990..=100_010);
    let mut script = registered("Flow-Timer: 100\nRequire: outbound\n", every(20));
    asked(&mut script, 15_990..=20_010);
    let mut script = registered("Flow-Timer: 1\n", |_| {});
    asked(&mut script, 3_990..=5_010);
}

#[test]
fn who_does_not_say_that_it_understands_stun_gets_none() {
    for more in ["", "Supported: outbound\n"] {
        let mut script = registered(more, |_| {});
        script.wait(3_600_000);
        assert!(script.stun.is_empty() && script.sent.is_empty(), "{more}");
    }
}

#[test]
fn a_flow_that_is_dead_is_found_within_69_s_and_registered_again() {
    let mut script = registered(OUTBOUND, |_| {});
    let id = asked(&mut script, NEAR_25_S);
    answer(&mut script, id, US);
    // From now on nothing comes back.
    let id = asked(&mut script, NEAR_25_S);
    for wait in [500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        assert_eq!(asked(&mut script, wait - 10..=wait + 10), id, "the same again");
    }
    script.wait(7_950);
    script.expect_nothing();
    let register = script.wait_for("REGISTER ", 100);
    assert!(script.stun.is_empty());
    accept(&mut script, &register, OUTBOUND);
    // It is there again, and goes on being asked.
    let id = asked(&mut script, NEAR_25_S);
    answer(&mut script, id, US);
    script.wait(10_000);
    script.expect_nothing();
}

#[test]
fn an_answer_to_any_of_its_repetitions_is_enough() {
    let mut script = registered(OUTBOUND, |_| {});
    let id = asked(&mut script, NEAR_25_S);
    script.wait(30_000);
    script.stun.clear();
    answer(&mut script, id, US);
    script.wait(9_000);
    script.expect_nothing();
}

#[test]
fn a_nat_that_gives_another_address_is_a_new_flow() {
    let mut script = registered(OUTBOUND, |_| {});
    for mapped in [US, US, "203.0.113.1:1024"] {
        script.expect_nothing();
        let id = asked(&mut script, NEAR_25_S);
        answer(&mut script, id, mapped);
    }
    let register = script.expect("REGISTER ");
    accept(&mut script, &register, OUTBOUND);
    let id = asked(&mut script, NEAR_25_S);
    answer(&mut script, id, "203.0.113.1:1024");
    script.expect_nothing();
}

#[test]
fn answers_of_others_and_to_other_requests_do_not_count() {
    let mut script = registered(OUTBOUND, |_| {});
    let id = asked(&mut script, NEAR_25_S);
    answer(&mut script, ID, "203.0.113.1:1");
    answer_from(&mut script, "198.51.100.66:5060", id, "203.0.113.1:1");
    assert_eq!(script.ua.counters().strays, 2);
    script.wait(600);
    assert_eq!(script.stun.len(), 1, "it is still asked");
    answer(&mut script, id, US);
    // A second answer to the same is nobody's either.
    answer(&mut script, id, "203.0.113.1:1");
    assert_eq!(script.ua.counters().strays, 3);
    script.expect_nothing();
}

/// It says that it does, and hears nothing: registered again each minute it would be no better off.
#[test]
fn a_registrar_that_never_answers_is_not_asked_again() {
    let mut script = registered(OUTBOUND, |r| r.keep_alive = Some(Duration::from_secs(29)));
    asked(&mut script, 23_190..=29_010);
    let register = script.wait_for("REGISTER ", 39_600);
    script.stun.clear();
    accept(&mut script, &register, OUTBOUND);
    script.wait(600_000);
    assert!(script.stun.is_empty());
    let line_ends = script.sent.iter().filter(|(_, text)| text == "\r\n\r\n").count();
    assert!((20..=26).contains(&line_ends) && script.sent.len() == line_ends, "{line_ends}");
}

#[test]
fn who_is_not_registered_any_more_asks_nothing() {
    let mut script = script();
    let id = script.act(|ua, now| ua.register(now, crate::outbound::registration()));
    let register = script.expect("REGISTER ");
    accept(&mut script, &register, OUTBOUND);
    asked(&mut script, NEAR_25_S);
    script.act(|ua, now| ua.unregister(now, id));
    let register = script.expect("REGISTER ");
    script.receive(&response(&register, "200 OK", "r", "", ""));
    script.wait(300_000);
    assert!(script.stun.is_empty() && script.sent.is_empty());
    assert_eq!(script.ua.counts(), Default::default());
}
