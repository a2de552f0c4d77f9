//! Retry-After: a trunk that cannot serve says for how long, and gets no call until then.

use tipring_call::Target;
use tipring_sim::{Answering, EndedBy, Phase, Site, ToneName, World};

use crate::common::{dial, ended, house, ms, s, world_of};
use crate::flows_common::got;

/// The house has another way out beside the provider, when the provider takes no calls.
fn with_backup(seed: u64) -> World {
    let site = house(seed).trunk("backup", "sip:10.0.1.9:5060", None).route(
        "9X.",
        Target::Trunk("backup".to_owned()),
        1,
    );
    let mut world = world_of(site);
    world.add_agent("backup", "10.0.1.9:5060");
    world
}

/// The kitchen calls, and the provider refuses.
fn refused(world: &mut World, status: u16, reason: &str, seconds: &str) {
    let before = world.see("provider").saw("INVITE");
    world.agent("provider").answering = Answering::Recited;
    dial(world, "kitchen", "95551234#");
    world.wait("the INVITE", s(9), |w| w.see("provider").saw("INVITE") > before);
    let invite = world.see("provider").last("INVITE").expect("it came").clone();
    let retry = format!("Retry-After: {seconds}\r\n");
    world.agent("provider").recite(&invite.answer(status, reason, "t", &retry, ""));
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.run_for(s(1));
    world.agent("provider").answering = Answering::After { ring: ms(20), answer: ms(200) };
}

/// Who takes the next call of the kitchen.
fn taken_by(world: &mut World) -> &'static str {
    dial(world, "kitchen", "95551234#");
    let who = ["provider", "backup"];
    world.wait("answer", s(9), |w| who.iter().any(|name| w.phase(name) == Phase::Talking));
    let taken = who.into_iter().find(|name| world.phase(name) == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
    taken.expect("somebody talks")
}

#[test]
fn calls_go_another_way_as_long_as_a_trunk_asks_for_rest() {
    for (seed, status, reason) in
        [(2301, 503, "Service Unavailable"), (2302, 500, "Server Internal Error")]
    {
        let mut world = with_backup(seed);
        refused(&mut world, status, reason, "120 (maintenance)");
        let begun = world.now();
        let invites = world.see("provider").saw("INVITE");
        assert_eq!(taken_by(&mut world), "backup");
        world.run_for(s(90));
        assert_eq!(taken_by(&mut world), "backup");
        assert_eq!(world.see("provider").saw("INVITE"), invites, "it is left alone");
        assert!(world.now() - begun < s(118));
        world.run_for(s(25));
        assert_eq!(taken_by(&mut world), "provider");
        world.rest();
    }
}

#[test]
fn a_call_that_leads_nowhere_else_fails_at_once_meanwhile() {
    let mut world = world_of(house(2303));
    refused(&mut world, 503, "Service Unavailable", "60");
    let invites = world.see("provider").saw("INVITE");
    dial(&mut world, "kitchen", "95551234#");
    world.wait("congestion", s(5), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.see("provider").saw("INVITE"), invites);
    let last = world.cdrs().last().expect("a record");
    assert_eq!(ended(last), (42, EndedBy::Gateway, false));
}

#[test]
fn no_trunk_rests_for_longer_than_an_hour() {
    // Without a card, so that the hour passes quickly.
    let site = Site::new("us", 2304)
        .user("alice", "a")
        .trunk("provider", "sip:10.0.1.1:5060", None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1);
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").password = Some("a".to_owned());
    world.agent("provider").answering = Answering::Recited;
    world.agent("alice").call("95551234");
    world.wait("the INVITE", s(2), |w| w.see("provider").saw("INVITE") == 1);
    let invite = world.see("provider").last("INVITE").expect("it came").clone();
    let retry = "Retry-After: 999999\r\n";
    world.agent("provider").recite(&invite.answer(503, "Service Unavailable", "t", retry, ""));
    world.run_for(s(3590));
    world.agent("alice").call("95551234");
    world.run_for(s(5));
    assert_eq!(world.see("provider").saw("INVITE"), 1);
    world.run_for(s(10));
    world.agent("alice").call("95551234");
    world.wait("the INVITE", s(2), |w| w.see("provider").saw("INVITE") == 2);
    world.agent("alice").cancel();
    let invite = got(&world, "provider", "INVITE");
    world.agent("provider").recite(&invite.answer(487, "Request Terminated", "t", "", ""));
    world.rest();
}

#[test]
fn when_who_was_called_will_be_there_again_is_no_matter_of_the_trunk() {
    for (seed, status, reason) in
        [(2305, 486, "Busy Here"), (2306, 480, "Temporarily Unavailable"), (2307, 603, "Decline")]
    {
        let mut world = with_backup(seed);
        refused(&mut world, status, reason, "600");
        assert_eq!(taken_by(&mut world), "provider", "{status}");
        world.rest();
    }
}
