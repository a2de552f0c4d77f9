//! A trunk that cannot serve (503): the call goes another way at once, and later ones do for as long as it asks to be left
//! alone, a minute at most. What a callee says is no matter of the trunk.

use tipring_call::Target;
use tipring_sim::{Answering, EndedBy, Phase, Text, ToneName, World};

use crate::common::{dial, ended, house, ms, s, world_of};

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

/// The kitchen calls, and has this INVITE at the provider, which says nothing yet.
fn asked(world: &mut World) -> Text {
    let before = world.see("provider").saw("INVITE");
    world.agent("provider").answering = Answering::Recited;
    dial(world, "kitchen", "95551234#");
    world.wait("the INVITE", s(9), |w| w.see("provider").saw("INVITE") > before);
    world.see("provider").last("INVITE").expect("it came").clone()
}

/// The kitchen calls, and the provider refuses.
fn refused(world: &mut World, status: u16, reason: &str, seconds: &str) {
    let invite = asked(world);
    refuses(world, &invite, status, reason, seconds);
    hang_up(world);
}

fn refuses(world: &mut World, invite: &Text, status: u16, reason: &str, seconds: &str) {
    let retry = format!("Retry-After: {seconds}\r\n");
    world.agent("provider").recite(&invite.answer(status, reason, "t", &retry, ""));
    world.run_for(s(1));
    world.agent("provider").answering = Answering::After { ring: ms(20), answer: ms(200) };
}

fn hang_up(world: &mut World) {
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
}

/// Who takes the next call of the kitchen.
fn taken_by(world: &mut World) -> &'static str {
    dial(world, "kitchen", "95551234#");
    let taken = taker(world);
    hang_up(world);
    taken
}

fn taker(world: &mut World) -> &'static str {
    let who = ["provider", "backup"];
    world.wait("answer", s(9), |w| who.iter().any(|name| w.phase(name) == Phase::Talking));
    who.into_iter().find(|name| world.phase(name) == Phase::Talking).expect("somebody talks")
}

#[test]
fn the_call_that_is_refused_goes_on_by_the_next_way() {
    for (seed, retry) in [(2301, "Retry-After: 60\r\n"), (2302, "")] {
        let mut world = with_backup(seed);
        let invite = asked(&mut world);
        let refusal = invite.answer(503, "Service Unavailable", "t", retry, "");
        world.agent("provider").recite(&refusal);
        assert_eq!(taker(&mut world), "backup");
        hang_up(&mut world);
        world.rest();
        assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
        let (to, route) = (world.cdr().to_leg.as_deref(), world.cdr().route.as_deref());
        assert_eq!((to, route), (Some("backup"), Some("2")));
    }
}

#[test]
fn a_call_goes_on_by_the_next_way_when_a_trunk_is_dead() {
    let mut world = with_backup(2303);
    world.agent("provider").switched_off = true;
    dial(&mut world, "kitchen", "95551234#");
    // It need not be silent for 32 s.
    world.wait("answer", s(8), |w| w.phase("backup") == Phase::Talking);
    hang_up(&mut world);
    world.agent("provider").switched_off = false;
    world.rest();
}

#[test]
fn who_is_busy_is_not_called_by_another_way() {
    for (seed, status, reason) in
        [(2304, 486, "Busy Here"), (2305, 500, "Server Internal Error"), (2306, 603, "Decline")]
    {
        let mut world = with_backup(seed);
        refused(&mut world, status, reason, "600");
        assert_eq!(world.see("backup").saw("INVITE"), 0, "{status}");
        assert_eq!(taken_by(&mut world), "provider", "{status}");
        world.rest();
    }
}

#[test]
fn calls_go_another_way_as_long_as_a_trunk_asks_for_rest() {
    let mut world = with_backup(2307);
    refused(&mut world, 503, "Service Unavailable", "40 (maintenance)");
    let invites = world.see("provider").saw("INVITE");
    for _ in 0..2 {
        assert_eq!(taken_by(&mut world), "backup");
        world.run_for(s(5));
    }
    assert_eq!(world.see("provider").saw("INVITE"), invites, "it is left alone");
    world.run_for(s(30));
    assert_eq!(taken_by(&mut world), "provider");
    world.rest();
}

#[test]
fn no_trunk_rests_for_longer_than_a_minute() {
    let mut world = with_backup(2308);
    refused(&mut world, 503, "Service Unavailable", "3600");
    world.run_for(s(30));
    assert_eq!(taken_by(&mut world), "backup");
    world.run_for(s(28));
    assert_eq!(taken_by(&mut world), "provider");
    world.rest();
}

/// Whoever is called could close the trunk for all else.
#[test]
fn a_503_of_a_callee_that_rings_is_no_matter_of_the_trunk() {
    let mut world = with_backup(2309);
    let invite = asked(&mut world);
    world.agent("provider").recite(&invite.answer(180, "Ringing", "t", "", ""));
    world.run_for(s(1));
    refuses(&mut world, &invite, 503, "Service Unavailable", "60");
    hang_up(&mut world);
    assert_eq!(world.see("backup").saw("INVITE"), 0);
    assert_eq!(taken_by(&mut world), "provider");
    world.rest();
}

/// An emergency call, perhaps.
#[test]
fn a_call_that_leads_nowhere_else_is_tried_all_the_same() {
    let mut world = world_of(house(2310));
    refused(&mut world, 503, "Service Unavailable", "60");
    let first = world.cdrs().last().expect("a record");
    assert_eq!(ended(first), (41, EndedBy::Callee, false));
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(9), |w| w.phase("provider") == Phase::Talking);
    hang_up(&mut world);
    world.rest();
}

#[test]
fn a_call_that_no_way_takes_is_told_why_the_first_did_not() {
    let mut world = with_backup(2311);
    world.agent("backup").answering = Answering::Refuse(503, "Service Unavailable");
    let invite = asked(&mut world);
    refuses(&mut world, &invite, 503, "Service Unavailable", "60");
    world.wait("congestion", s(5), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    hang_up(&mut world);
    world.rest();
    assert_eq!(world.see("backup").saw("INVITE"), 1);
    assert_eq!(world.see("provider").saw("INVITE"), 1);
    assert_eq!(ended(world.cdr()), (41, EndedBy::Callee, false));
}
