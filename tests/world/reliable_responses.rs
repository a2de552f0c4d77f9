//! `[sip] reliable`: whether provisional responses are acknowledged, where we call and where we are called.

use tipring_gateway::config::Reliability;
use tipring_sim::{Answering, EndedBy, Text, World};

use crate::common::{dial, ended, house, ms, s, talk, world_of};
use crate::flows_common::*;

fn with(seed: u64, reliability: Reliability) -> World {
    let mut site = house(seed);
    site.config.sip.reliability = reliability;
    world_of(site)
}

/// The INVITE of the kitchen to the provider.
fn invite(world: &mut World) -> Text {
    dial(world, "kitchen", "95551234#");
    talk(world);
    let invite = got(world, "provider", "INVITE");
    kitchen_hangs_up(world);
    invite
}

fn lists(text: &Text, name: &str) -> bool {
    text.list(name).contains(&"100rel".to_owned())
}

#[test]
fn an_invite_says_what_is_configured() {
    for (seed, reliability, supported, required) in [
        (2201, Reliability::Off, false, false),
        (2202, Reliability::Supported, true, false),
        (2203, Reliability::Required, true, true),
    ] {
        let mut world = with(seed, reliability);
        world.agent("provider").answering = Answering::Reliable { status: 183, answer: s(1) };
        if reliability == Reliability::Off {
            world.agent("provider").answering = Answering::EarlyMedia { answer: s(1) };
        }
        let invite = invite(&mut world);
        let said = (lists(&invite, "Supported"), lists(&invite, "Require"));
        assert_eq!(said, (supported, required), "{reliability:?}");
        assert_eq!(invite.list("Allow").contains(&"PRACK".to_owned()), supported);
        assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    }
}

#[test]
fn a_caller_that_cannot_acknowledge_is_refused_where_that_is_required() {
    let mut world = with(2204, Reliability::Required);
    world.agent("provider").call("101");
    world.run_for(s(1));
    assert!(lists(&response(&world, "provider", "421 INVITE"), "Require"));
    assert!(!world.diary("kitchen").ringing);
    world.rest();
}

#[test]
fn a_caller_that_insists_is_refused_where_it_is_switched_off() {
    let mut world = with(2205, Reliability::Off);
    let now = world.now();
    world.agent("provider").call_with(now, "101", "Require: 100rel\r\n");
    world.run_for(s(1));
    assert!(lists(&response(&world, "provider", "420 INVITE"), "Unsupported"));
    assert!(!world.diary("kitchen").ringing);
    world.rest();
}

#[test]
fn a_caller_that_can_is_made_to_acknowledge_where_that_is_required() {
    let mut world = with(2206, Reliability::Required);
    let now = world.now();
    world.agent("provider").call_with(now, "101", "Supported: 100rel\r\n");
    let ringing = wait_for(&mut world, "provider", "180 INVITE");
    assert!(lists(&ringing, "Require"));
    prack(&mut world, &ringing);
    wait_for(&mut world, "provider", "200 PRACK");
    let heard = world.see("provider").saw("180 INVITE");
    world.run_for(s(3));
    assert_eq!(world.see("provider").saw("180 INVITE"), heard, "nothing is said again");
    world.phone("kitchen").off_hook();
    talk(&mut world);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn a_caller_that_never_acknowledges_is_given_up_after_32_seconds() {
    let mut world = with(2207, Reliability::Required);
    let now = world.now();
    world.agent("provider").call_with(now, "101", "Supported: 100rel\r\n");
    wait_for(&mut world, "provider", "180 INVITE");
    world.run_for(s(31));
    assert!(world.diary("kitchen").display.is_some());
    // RFC 3262 §3: 64 × T1.
    world.wait("the end", s(2), |w| w.see("provider").response("500 INVITE").is_some());
    world.run_for(ms(500));
    assert!(!world.diary("kitchen").ringing);
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

/// The provider acknowledges a reliable response.
fn prack(world: &mut World, ringing: &Text) {
    let line = |name: &str| ringing.header(name).expect("a header").to_owned();
    let cseq = ringing.cseq();
    world.agent("provider").recite(&format!(
        "PRACK {} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKprack\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} PRACK\r\n\
         RAck: {} {cseq} INVITE\r\nContent-Length: 0\r\n\r\n",
        ringing.uri("Contact").expect("Contact"),
        line("From"),
        line("To"),
        line("Call-ID"),
        cseq + 1,
        line("RSeq"),
    ));
}
