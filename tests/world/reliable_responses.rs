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
    prack(&mut world, &ringing, "");
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

#[test]
fn a_caller_without_an_offer_gets_ours_in_the_first_reliable_response() {
    for (seed, reliability, extra) in [
        (2208, Reliability::Supported, "Require: 100rel\r\n"),
        (2209, Reliability::Required, "Supported: 100rel\r\n"),
    ] {
        let (mut world, ringing) = called_without_an_offer(seed, reliability, extra);
        // RFC 3261 §13.2.1, RFC 3262 §5.
        assert!(ringing.body.contains("m=audio "), "{}", ringing.print());
        prack(&mut world, &ringing, ANSWER);
        wait_for(&mut world, "provider", "200 PRACK");
        world.run_for(s(1));
        let early = world.see("provider").media.packets();
        assert_eq!(early, 0, "the caller's own ringback goes on");
        world.phone("kitchen").off_hook();
        talk(&mut world);
        assert_eq!(response(&world, "provider", "200 INVITE").body, "");
        hear_each_other(&mut world, "provider");
        kitchen_hangs_up(&mut world);
        assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    }
}

#[test]
fn an_answer_waits_for_who_was_made_our_offer_while_it_rang() {
    let (mut world, ringing) =
        called_without_an_offer(2210, Reliability::Supported, "Require: 100rel\r\n");
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    assert_eq!(world.see("provider").saw("200 INVITE"), 0);
    prack(&mut world, &ringing, ANSWER);
    talk(&mut world);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn a_caller_whose_answer_to_our_early_offer_cannot_be_used_is_refused() {
    let (mut world, ringing) =
        called_without_an_offer(2211, Reliability::Supported, "Require: 100rel\r\n");
    prack(&mut world, &ringing, &ANSWER.replace("RTP/AVP 0", "RTP/AVP 18"));
    wait_for(&mut world, "provider", "488 INVITE");
    world.run_for(ms(500));
    assert!(!world.diary("kitchen").ringing);
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

/// The provider's answer to our offer.
const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 10.0.1.1\r\nt=0 0\r\n\
                      m=audio RTP RTP/AVP 0\r\n";

/// The provider calls the kitchen without an offer, and is told that it rings.
fn called_without_an_offer(seed: u64, reliability: Reliability, extra: &str) -> (World, Text) {
    let mut world = with(seed, reliability);
    world.agent("provider").late_offer = true;
    let now = world.now();
    world.agent("provider").call_with(now, "101", extra);
    let ringing = wait_for(&mut world, "provider", "180 INVITE");
    assert!(lists(&ringing, "Require"));
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    (world, ringing)
}

/// The provider acknowledges a reliable response.
fn prack(world: &mut World, ringing: &Text, body: &str) {
    let line = |name: &str| ringing.header(name).expect("a header").to_owned();
    let cseq = ringing.cseq();
    let body = body.replace("audio RTP", &format!("audio {}", world.see("provider").rtp().port()));
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    world.agent("provider").recite(&format!(
        "PRACK {} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKprack\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} PRACK\r\n\
         RAck: {} {cseq} INVITE\r\n{content}Content-Length: {}\r\n\r\n{body}",
        ringing.uri("Contact").expect("Contact"),
        line("From"),
        line("To"),
        line("Call-ID"),
        cseq + 1,
        line("RSeq"),
        body.len(),
    ));
}
