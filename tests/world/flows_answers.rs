//! Answers to our INVITE as the documents draw them: a proxy that forks, an exchange that makes us
//! refresh the session.

use tipring_sim::{Answering, EndedBy, Text, ToneName, World};

use crate::common::{dial, ended, ms, s, world};
use crate::flows_common::*;

const SDP: &str = "v=0\r\no=IPS 5927 0 IN IP4 10.0.3.1\r\ns=IPS\r\nc=IN IP4 10.0.3.1\r\nt=0 0\r\n\
    m=audio 10008 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";
const CONTACT: &str = "Contact: <sip:5551234@10.0.3.1:5060>\r\n";

/// The kitchen calls; the provider is a proxy whose answers the test gives, for Bob at 10.0.3.1.
fn invited(world: &mut World, answering: Answering) -> Text {
    world.add_agent("bob", "10.0.3.1:5060");
    world.agent("bob").set_rtp("10.0.3.1:10008");
    world.agent("provider").answering = answering;
    dial(world, "kitchen", "95551234#");
    world.wait("INVITE", s(6), |w| w.see("provider").last("INVITE").is_some());
    got(world, "provider", "INVITE")
}

/// Cisco, "Call Forking Flow": two telephones of Bob ring, each with a tag of its own; the second
/// answers, and the call is with it alone.
#[test]
fn cisco_two_telephones_of_bob_ring_and_the_second_answers() {
    let mut world = world(1701);
    let invite = invited(&mut world, Answering::Recited);
    world.agent("provider").recite(&invite.answer(100, "Trying", "", "", ""));
    world.agent("provider").recite(&invite.answer(180, "Ringing", "office", CONTACT, ""));
    world.wait("ringback", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    let elsewhere = "Contact: <sip:5551234@10.0.3.2:5060>\r\n";
    world.agent("provider").recite(&invite.answer(180, "Ringing", "notebook", elsewhere, ""));
    world.run_for(s(1));
    world.agent("provider").recite(&invite.answer(200, "OK", "notebook", CONTACT, SDP));
    world.agent("bob").join(&invite.body);
    world.run_for(ms(200));
    let ack = got(&world, "bob", "ACK");
    assert_eq!((ack.param("To", "tag"), ack.cseq()), (Some("notebook"), invite.cseq()));
    hear_each_other(&mut world, "bob");
    kitchen_hangs_up(&mut world);
    let bye = got(&world, "bob", "BYE");
    assert_eq!(
        (bye.param("To", "tag"), bye.request_uri()),
        (Some("notebook"), "sip:5551234@10.0.3.1:5060")
    );
    assert_eq!(world.see("provider").saw("CANCEL") + world.see("provider").saw("BYE"), 0);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

/// Two telephones behind a forking proxy answer at once (RFC 3261 §13.2.2.4): both get their ACK,
/// and the second a BYE.
#[test]
fn cisco_two_telephones_of_bob_answer_at_once_and_one_is_let_go() {
    let mut world = world(1702);
    let invite = invited(&mut world, Answering::Recited);
    world.add_agent("notebook", "10.0.3.2:5060");
    world.agent("provider").recite(&invite.answer(200, "OK", "office", CONTACT, SDP));
    let other = "Contact: <sip:5551234@10.0.3.2:5060>\r\n";
    let sdp = SDP.replace("10.0.3.1", "10.0.3.2");
    world.agent("provider").recite(&invite.answer(200, "OK", "notebook", other, &sdp));
    world.agent("bob").join(&invite.body);
    world.agent("notebook").join(&invite.body);
    world.wait("BYE", s(2), |w| w.see("notebook").saw("BYE") == 1);
    assert_eq!(world.see("notebook").log(), ["ACK", "BYE"]);
    assert_eq!(got(&world, "notebook", "BYE").param("To", "tag"), Some("notebook"));
    hear_each_other(&mut world, "bob");
    assert_eq!(world.see("bob").log(), ["ACK"]);
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// NEC §6.5: the exchange's 200 makes us, the caller, refresh the session (`refresher=uac`, `Require:
/// timer`); its half hour is cut to two minutes here.
#[test]
fn nec_an_exchange_that_answers_has_its_session_refreshed() {
    let mut world = world(1703);
    let invite = invited(&mut world, Answering::Silent);
    let allow = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK\r\n";
    let contact = "Contact: <sip:5551234@10.0.1.1:5060>\r\n";
    world.agent("provider").recite(&invite.answer(
        180,
        "Ringing",
        "3c83500690ed0-17",
        &format!("{contact}{allow}"),
        "",
    ));
    world.run_for(s(1));
    let timer = "Session-Expires: 120;refresher=uac\r\nSupported: timer\r\nRequire: timer\r\n";
    let extra = format!("{contact}{allow}{timer}");
    let sdp = SDP.replace("10.0.3.1", "10.0.1.1");
    world.agent("provider").set_rtp("10.0.1.1:10008");
    world.agent("provider").recite(&invite.answer(200, "OK", "3c83500690ed0-17", &extra, &sdp));
    world.agent("provider").join(&invite.body);
    let refreshed =
        |w: &World| w.see("provider").saw("UPDATE") + w.see("provider").saw("INVITE") > 1;
    let answered = world.now();
    world.wait("a refresh", s(62), refreshed);
    // RFC 4028 §10: half of the interval.
    assert!(world.now() - answered > s(55), "{:?}", world.now() - answered);
    let update = got(&world, "provider", "UPDATE");
    assert_eq!(update.header("Session-Expires"), Some("120;refresher=uac"));
    assert_eq!(
        (update.param("To", "tag"), update.cseq()),
        (Some("3c83500690ed0-17"), invite.cseq() + 1)
    );
    world.run_for(s(1));
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}
