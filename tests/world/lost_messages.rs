//! The network loses, doubles and reorders: every call still ends once, on both sides, with one
//! record.

use tipring_sim::{EndedBy, Phase, ToneName, Weather, World};

use crate::common::{
    dial, ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, talk, world,
};

#[test]
fn an_invite_that_comes_twice_is_one_call() {
    let mut world = world(81);
    world.net.set_signalling(Weather { duplicate: 1.0, ..Weather::FINE });
    provider_calls_kitchen(&mut world);
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    assert_eq!(world.diary("kitchen").rings().len(), 1);
}

#[test]
fn an_invite_that_is_sent_again_because_nothing_came_back_is_one_call() {
    let mut world = world(82);
    world.net.lose(2, |parcel| parcel.first_line().starts_with("SIP/2.0 1"));
    provider_calls_kitchen(&mut world);
    assert_eq!(world.diary("kitchen").rings().len(), 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn our_invite_is_lost_and_sent_again() {
    let mut world = world(83);
    world.net.lose(3, |parcel| parcel.first_line().starts_with("INVITE"));
    dial(&mut world, "kitchen", "95551234#");
    talk(&mut world);
    assert_eq!(world.agent("provider").saw("INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn our_200_is_lost_and_sent_again_until_the_ack_comes() {
    let mut world = world(84);
    world.agent("provider").call("101");
    world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
    world.net.lose(3, |parcel| parcel.first_line() == "SIP/2.0 200 OK");
    world.phone("kitchen").off_hook();
    world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
    world.run_for(s(3));
    assert_eq!(world.agent("provider").saw("200 INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn an_ack_is_lost_and_the_200_is_sent_again() {
    let mut world = world(85);
    world.net.lose(2, |parcel| parcel.first_line().starts_with("ACK"));
    provider_calls_kitchen(&mut world);
    world.run_for(s(5));
    assert_eq!(world.agent("provider").saw("200 INVITE"), 3);
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_caller_who_never_acknowledges_gets_a_bye_after_32_seconds() {
    let mut world = world(86);
    world.agent("provider").forget_acks = 100;
    provider_calls_kitchen(&mut world);
    world.wait("BYE", s(40), |w| w.phase("provider") == Phase::Idle);
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    let cdr = world.cdr();
    assert_eq!((cdr.cause().value(), cdr.answer.is_some()), (102, true));
}

#[test]
fn a_peer_whose_200_is_lost_sends_it_again_and_gets_one_ack_for_each() {
    let mut world = world(87);
    world.net.lose(2, |parcel| {
        parcel.first_line() == "SIP/2.0 200 OK" && parcel.to == tipring_sim::GATEWAY
    });
    kitchen_calls_provider(&mut world);
    world.run_for(s(3));
    assert_eq!(world.agent("provider").saw("ACK"), 1);
    world.agent("provider").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

fn storm(world: &mut World) {
    world.net.set_signalling(Weather { delay: ms(20), jitter: ms(60), loss: 0.1, duplicate: 0.1 });
}

/// One call each way, ended by either side, in a network that loses, doubles and swaps a tenth of
/// all messages.
#[test]
fn in_a_storm_every_call_ends_once_on_both_sides() {
    for seed in 8800..8812 {
        let mut world = world(seed);
        storm(&mut world);
        if seed % 2 == 0 {
            dial(&mut world, "kitchen", "95551234#");
        } else {
            world.agent("provider").call("101");
            world.wait("ringing", s(33), |w| w.diary("kitchen").ringing);
            world.phone("kitchen").off_hook();
        }
        talk(&mut world);
        world.run_for(s(2));
        if seed % 4 < 2 {
            world.agent("provider").hang_up();
            world.wait("the end", s(40), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
            world.phone("kitchen").on_hook();
        } else {
            world.phone("kitchen").on_hook();
            world.wait("the end", s(40), |w| w.phase("provider") == Phase::Idle);
        }
        world.rest();
        let (cause, by, answered) = ended(world.cdr());
        let caller_ended = (seed % 4 < 2) == (seed % 2 == 1);
        let expected = if caller_ended { EndedBy::Caller } else { EndedBy::Callee };
        assert_eq!((cause, by, answered), (16, expected, true), "seed {seed}");
    }
}

/// Calls that are given up while they ring, in the same network.
#[test]
fn in_a_storm_every_cancelled_call_ends_once_on_both_sides() {
    for seed in 8900..8908 {
        let mut world = world(seed);
        storm(&mut world);
        if seed % 2 == 0 {
            dial(&mut world, "kitchen", "95551234#");
            world.wait("ringing", s(33), |w| w.phase("provider") != Phase::Idle);
            world.phone("kitchen").on_hook();
        } else {
            world.agent("provider").call("101");
            world.wait("ringing", s(33), |w| w.diary("kitchen").ringing);
            world.agent("provider").cancel();
            world.wait("bell off", s(33), |w| !w.diary("kitchen").ringing);
        }
        world.rest();
        assert_eq!(world.phase("provider"), Phase::Idle);
        let cdr = world.cdr();
        assert_eq!((cdr.cause().value(), cdr.ended_by), (16, EndedBy::Caller), "seed {seed}");
    }
}
