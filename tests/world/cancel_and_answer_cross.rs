//! CANCEL, and a phone that is lifted at that very moment: whichever comes first at the gateway
//! counts.

use tipring_sim::{EndedBy, Phase, ToneName, World};

use crate::common::{ended, ms, s, world};

fn rings(seed: u64) -> World {
    let mut world = world(seed);
    world.agent("provider").call("101");
    world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
    world.run_for(ms(500));
    world
}

#[test]
fn cancel_before_the_answer_stops_the_bell() {
    let mut world = rings(71);
    world.agent("provider").cancel();
    world.wait("bell off", ms(200), |w| !w.diary("kitchen").ringing);
    world.wait("the end", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("200 CANCEL"), 1);
    assert_eq!(world.agent("provider").saw("487 INVITE"), 1);
    world.run_for(s(7));
    assert_eq!(world.diary("kitchen").rings().len(), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn cancel_that_comes_just_before_the_receiver_is_lifted_wins() {
    let mut world = rings(72);
    world.phone("kitchen").off_hook();
    // The card debounces the loop before it tells; the CANCEL is there earlier.
    world.agent("provider").cancel();
    world.wait("the end", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("487 INVITE"), 1);
    // Who lifts a phone that has just fallen silent hears dial tone.
    world.wait("dial tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
}

#[test]
fn cancel_that_comes_just_after_the_receiver_was_lifted_changes_nothing() {
    let mut world = rings(73);
    world.phone("kitchen").off_hook();
    // The 200 is on its way, the CANCEL meets it.
    world.wait("200 sent", s(1), |w| w.flying("SIP/2.0 200"));
    world.agent("provider").cancel();
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("200 INVITE"), 1);
    assert_eq!(world.agent("provider").saw("487 INVITE"), 0);
    // The peer wanted to cancel, so it ends the call that it got (RFC 3261 §9.1).
    assert_eq!(world.phase("provider"), Phase::Idle);
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}
