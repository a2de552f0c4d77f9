//! Several early dialogs of one call, and what may happen in one before anybody answers.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{Answering, EndedBy, Text, World};

use crate::common::{dial, ended, ms, s, world};
use crate::flows_common::*;

const CALLEES: [(&str, &str); 2] = [("office", "10.0.3.1"), ("notebook", "10.0.3.2")];

/// The kitchen calls; the provider is a proxy whose responses the test gives, for two telephones behind it.
fn invited(seed: u64) -> (World, Text) {
    let mut world = world(seed);
    for (name, ip) in CALLEES {
        world.add_agent(name, &format!("{ip}:5060"));
        world.agent(name).set_rtp(&format!("{ip}:10008"));
    }
    world.agent("provider").answering = Answering::Recited;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("INVITE", s(6), |w| w.see("provider").last("INVITE").is_some());
    let invite = got(&world, "provider", "INVITE");
    (world, invite)
}

fn ip_of(callee: &str) -> &'static str {
    CALLEES.iter().find(|(name, _)| *name == callee).map(|(_, ip)| *ip).expect("a callee")
}

fn description(ip: &str, version: u32) -> String {
    format!(
        "v=0\r\no=- 7 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio 10008 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
    )
}

/// A response of a callee behind the proxy, with a description unless `status` rings.
fn respond(world: &mut World, invite: &Text, callee: &str, status: (u16, &str), more: &str) {
    let ip = ip_of(callee);
    let extra = format!("Contact: <sip:5551234@{ip}:5060>\r\n{more}");
    let body = if status.0 == 180 { String::new() } else { description(ip, 1) };
    let text = invite.answer(status.0, status.1, callee, &extra, &body);
    world.agent("provider").recite(&text);
    if !body.is_empty() {
        world.agent(callee).join(&invite.body);
    }
}

/// The phone hears what `callee` says.
#[track_caller]
fn is_heard(world: &mut World, callee: &str, seed: u64) {
    world.run_for(ms(300));
    world.phone("kitchen").listen();
    let samples = sound::speech(seed, 2.0);
    world.agent(callee).media.say(&samples);
    world.run_for(s(3));
    let at = world.see(callee).media.spoken_at().expect("it has spoken");
    let found = Sound { at, samples }.align(&world.phone("kitchen").heard());
    assert!(found.correlation > 0.97, "{callee}: {found:?}");
}

#[test]
fn the_early_media_of_each_fork_is_heard_and_the_one_that_answers_stays() {
    let (mut world, invite) = invited(2101);
    respond(&mut world, &invite, "office", (183, "Session Progress"), "");
    is_heard(&mut world, "office", 31);
    world.agent("office").leave();
    respond(&mut world, &invite, "notebook", (183, "Session Progress"), "");
    is_heard(&mut world, "notebook", 32);
    world.agent("notebook").leave();
    // The first one answers after all; the proxy tells the other to stop.
    respond(&mut world, &invite, "office", (200, "OK"), "");
    world.run_for(ms(200));
    hear_each_other(&mut world, "office");
    kitchen_hangs_up(&mut world);
    assert_eq!(got(&world, "office", "ACK").param("To", "tag"), Some("office"));
    assert_eq!(got(&world, "office", "BYE").param("To", "tag"), Some("office"));
    assert_eq!(world.see("notebook").log(), [""; 0]);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_fork_that_fails_leaves_the_others_ringing() {
    let (mut world, invite) = invited(2102);
    respond(&mut world, &invite, "office", (180, "Ringing"), "");
    respond(&mut world, &invite, "notebook", (180, "Ringing"), "");
    world.run_for(s(1));
    // RFC 6228: what a forking proxy may say of a branch that has failed.
    respond(&mut world, &invite, "office", (199, "Early Dialog Terminated"), "");
    world.run_for(s(1));
    assert_eq!(world.diary("kitchen").tone, Some(tipring_sim::ToneName::Ringback));
    respond(&mut world, &invite, "notebook", (200, "OK"), "");
    world.run_for(ms(200));
    hear_each_other(&mut world, "notebook");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn an_announcement_moves_to_another_server_by_update_before_the_answer() {
    let (mut world, invite) = invited(2103);
    let reliable =
        "Require: 100rel\r\nRSeq: 1\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK\r\n";
    respond(&mut world, &invite, "office", (183, "Session Progress"), reliable);
    world.wait("PRACK", s(1), |w| w.see("office").saw("PRACK") == 1);
    is_heard(&mut world, "office", 33);
    world.agent("office").leave();
    let prack = got(&world, "office", "PRACK");
    let line = |name: &str| prack.header(name).expect("a header").to_owned();
    let elsewhere = description(ip_of("notebook"), 2);
    world.agent("office").recite(&format!(
        "UPDATE {} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.3.1:5060;branch=z9hG4bKupdate\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 UPDATE\r\n\
         Contact: <sip:5551234@10.0.3.1:5060>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{elsewhere}",
        invite.uri("Contact").expect("Contact"),
        line("To"),
        line("From"),
        line("Call-ID"),
        elsewhere.len(),
    ));
    let ok = wait_for(&mut world, "office", "200 UPDATE");
    world.agent("notebook").join(&ok.body);
    is_heard(&mut world, "notebook", 34);
    // The exchange is over: the 200 need say nothing more.
    let contact = "Contact: <sip:5551234@10.0.3.1:5060>\r\n";
    world.agent("provider").recite(&invite.answer(200, "OK", "office", contact, ""));
    world.run_for(ms(200));
    hear_each_other(&mut world, "notebook");
    kitchen_hangs_up(&mut world);
    assert_eq!(world.see("office").saw("BYE"), 1);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_caller_that_says_bye_before_the_answer_stops_the_bell() {
    let mut world = world(2104);
    world.agent("provider").call("101");
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    let ringing = response(&world, "provider", "180 INVITE");
    let line = |name: &str| ringing.header(name).expect("a header").to_owned();
    world.agent("provider").recite(&format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKearlybye\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} BYE\r\n\
         Content-Length: 0\r\n\r\n",
        ringing.uri("Contact").expect("Contact"),
        line("From"),
        line("To"),
        line("Call-ID"),
        ringing.cseq() + 1,
    ));
    wait_for(&mut world, "provider", "200 BYE");
    wait_for(&mut world, "provider", "487 INVITE");
    world.wait("bell off", ms(300), |w| !w.diary("kitchen").ringing);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
}
