//! Early media with PRACK, as NEC §6.1 draws it: INVITE, 180 with session description, PRACK, RTP.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{Answering, EndedBy, Phase, World};

use crate::common::{dial, ended, ms, s, world};
use crate::flows_common::*;

/// The kitchen calls a provider that speaks before it answers, by this reliable response.
fn announced(seed: u64, status: u16) -> World {
    let mut world = world(seed);
    world.agent("provider").answering = Answering::Reliable { status, answer: s(4) };
    let said = sound::speech(9, 3.0);
    world.agent("provider").media.say(&said);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("PRACK", s(5), |w| w.see("provider").saw("PRACK") == 1);
    world.phone("kitchen").listen();
    world.run_for(ms(3700));
    assert_eq!(world.phase("provider"), Phase::Ringing);
    let heard = world.phone("kitchen").heard();
    let at = world.see("provider").media.spoken_at().expect("it has spoken");
    let found = Sound { at, samples: said }.align(&heard);
    assert!(found.correlation > 0.98, "{found:?}");
    world.wait("answer", s(3), |w| w.phase("provider") == Phase::Talking);
    world
}

#[test]
fn nec_early_media_in_a_180_is_acknowledged_and_heard() {
    let mut world = announced(1301, 180);
    let (invite, prack) = (got(&world, "provider", "INVITE"), got(&world, "provider", "PRACK"));
    let supported = invite.list("Supported").concat();
    assert!(supported.contains("100rel"), "{supported}");
    // RFC 3262 §7.2: what is acknowledged; §4: a request of the dialog like any other.
    assert_eq!(prack.header("RAck"), Some(format!("1 {} INVITE", invite.cseq()).as_str()));
    assert_eq!(
        (prack.cseq(), prack.request_uri()),
        (invite.cseq() + 1, "sip:provider@10.0.1.1:5060")
    );
    assert!(prack.param("To", "tag").is_some());
    hear_each_other(&mut world, "provider");
    assert_eq!(got(&world, "provider", "ACK").cseq(), invite.cseq());
    kitchen_hangs_up(&mut world);
    assert_eq!(got(&world, "provider", "BYE").cseq(), prack.cseq() + 1);
    assert_eq!(world.see("provider").saw("PRACK"), 1);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn cisco_early_media_in_a_183_is_acknowledged_and_heard() {
    let mut world = announced(1302, 183);
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// An exchange that requires 100rel calls the phone: the 180 is sent until its PRACK comes.
#[test]
fn nec_an_exchange_that_requires_100rel_acknowledges_the_ringing() {
    let mut world = world(1303);
    let now = world.now();
    world.agent("provider").call_with(now, "101", "Require: 100rel\r\nAllow: PRACK\r\n");
    let ringing = wait_for(&mut world, "provider", "180 INVITE");
    let first = ringing.header("RSeq").expect("RSeq").to_owned();
    assert!(ringing.list("Require").concat().contains("100rel"));
    world.run_for(ms(700));
    // RFC 3262 §3: again after T1, the same number.
    assert_eq!(world.see("provider").saw("180 INVITE"), 2);
    assert_eq!(response(&world, "provider", "180 INVITE").header("RSeq"), Some(first.as_str()));
    let line = |name: &str| format!("{name}: {}\r\n", ringing.header(name).expect(name));
    let invite = ringing.cseq();
    world.agent("provider").recite(&format!(
        "PRACK {} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKprack\r\n\
         Max-Forwards: 70\r\n{}{}{}CSeq: {} PRACK\r\nRAck: {first} {invite} INVITE\r\n\
         Content-Length: 0\r\n\r\n",
        ringing.uri("Contact").expect("Contact"),
        line("From"),
        line("To"),
        line("Call-ID"),
        invite + 1,
    ));
    wait_for(&mut world, "provider", "200 PRACK");
    world.run_for(s(3));
    assert_eq!(world.see("provider").saw("180 INVITE"), 2);
    world.phone("kitchen").off_hook();
    world.wait("answer", s(1), |w| w.phase("provider") == Phase::Talking);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}
