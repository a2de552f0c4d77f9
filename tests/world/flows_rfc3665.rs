//! What RFC 3665 §3 draws beyond the flows of other files: a session that moves, and calls that
//! fail for the reasons that NEC §4.1 lists.

use tipring_sim::{Answering, EndedBy, ToneName};

use crate::common::{dial, ended, kitchen_calls_provider, s, world};
use crate::flows_common::*;

/// RFC 3665 §3.7: a re-INVITE from another address, with Contact and audio there.
#[test]
fn rfc3665_3_7_a_peer_moves_to_another_address_in_the_call() {
    let mut world = world(1501);
    kitchen_calls_provider(&mut world);
    world.agent("provider").set_rtp("10.0.1.77:12000");
    world.agent("provider").reinvite("sendrecv");
    world.wait("the change", s(2), |w| w.see("provider").saw("200 INVITE") == 1);
    hear_each_other(&mut world, "provider");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

/// RFC 3665 §3.11 (480) and NEC §4.1.13 to §4.1.22: every refusal ends the call once, is
/// acknowledged once, and is heard at the phone as what it means.
#[test]
fn nec_each_final_response_is_heard_as_what_it_means() {
    use ToneName::{Busy, Congestion, NumberUnobtainable};
    let responses = [
        (403, "Forbidden", 21, Congestion),
        (404, "Not Found", 1, NumberUnobtainable),
        (480, "Temporarily Unavailable", 18, Congestion),
        (481, "Call/Transaction Does Not Exist", 41, Congestion),
        (486, "Busy Here", 17, Busy),
        (488, "Not Acceptable Here", 65, Congestion),
        (500, "Server Internal Error", 41, Congestion),
        (503, "Service Unavailable", 41, Congestion),
        (600, "Busy Everywhere", 17, Busy),
        (603, "Decline", 21, Congestion),
    ];
    for ((status, reason, cause, tone), seed) in responses.into_iter().zip(1510..) {
        let mut world = world(seed);
        world.agent("provider").answering = Answering::Refuse(status, reason);
        dial(&mut world, "kitchen", "95551234#");
        world.wait(reason, s(6), |w| w.diary("kitchen").tone == Some(tone));
        kitchen_hangs_up(&mut world);
        assert_eq!(ended(world.cdr()), (cause, EndedBy::Callee, false), "{status}");
        let invite = got(&world, "provider", "INVITE");
        let ack = got(&world, "provider", "ACK");
        assert_eq!(ack.param("Via", "branch"), invite.param("Via", "branch"), "{status}");
        assert_eq!(world.see("provider").saw("ACK"), 1, "{status}");
    }
}
