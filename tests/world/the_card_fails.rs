//! A card whose firmware stops, or restarts by itself, and a gateway that is stopped in a call.

use tipring_sim::{EndedBy, Phase};

use crate::common::{dial, ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, world};

#[test]
fn a_card_that_hangs_is_noticed_in_a_second_and_taken_back_when_it_lives_again() {
    let mut world = world(321);
    kitchen_calls_provider(&mut world);
    world.hang(0);
    world.wait("BYE", ms(1100), |w| w.phase("provider") == Phase::Idle);
    world.phone("kitchen").on_hook();
    world.run_for(s(5));
    world.reset(0);
    world.wait("in service", s(6), |w| w.alive().lines_in_service == 2);
    provider_calls_kitchen(&mut world);
    world.phone("kitchen").on_hook();
    world.rest();
    let ends: Vec<_> = world.cdrs().map(ended).collect();
    assert_eq!(ends, [(27, EndedBy::Caller, true), (16, EndedBy::Callee, true)]);
}

#[test]
fn a_card_that_restarts_by_itself_ends_its_calls_and_is_back_at_once() {
    let mut world = world(322);
    kitchen_calls_provider(&mut world);
    world.reset(0);
    world.wait("BYE", ms(500), |w| w.phase("provider") == Phase::Idle);
    world.wait("in service", s(2), |w| w.alive().lines_in_service == 2);
    world.phone("kitchen").on_hook();
    world.run_for(s(1));
    dial(&mut world, "kitchen", "102");
    world.wait("ringing", s(2), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().map(ended).next(), Some((27, EndedBy::Caller, true)));
}

#[test]
fn stopping_the_gateway_ends_the_call_on_both_sides() {
    let mut world = world(323);
    kitchen_calls_provider(&mut world);
    world.shut_down();
    world.wait("BYE", ms(100), |w| w.phase("provider") == Phase::Idle);
    world.agent("provider").call("101");
    world.wait("refused", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("503 INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.rest();
    let mut calls: Vec<_> = world.cdrs().collect();
    calls.sort_by_key(|cdr| cdr.id);
    let ends: Vec<_> = calls.into_iter().map(ended).collect();
    assert_eq!(ends, [(31, EndedBy::Gateway, true), (42, EndedBy::Gateway, false)]);
}
