//! Dialling: rotary or keys, `#` ends it, and the timers of 16, 8 and 3 seconds.

use tipring_call::Target;
use tipring_core::Number;
use tipring_sim::{Dialling, EndedBy, Hotline, Phase, Site, ToneName, World};

use crate::common::{dial, ended, house, ms, s, world, world_of};

#[test]
fn a_rotary_dial_reaches_the_peer() {
    let mut world = world(151);
    world.phone("kitchen").off_hook();
    world.wait("dial tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
    world.phone("kitchen").dial_by("9510", Dialling::PULSE);
    world.wait("INVITE", s(12), |w| w.phase("provider") == Phase::Ringing);
    let called = world.agent("provider").invite().expect("it came").first.clone();
    assert!(called.contains("sip:510@"), "{called}");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().called.as_str(), "9510");
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn slow_and_fast_rotary_dials_are_read_alike() {
    for (pulses_per_second, make_percent, seed) in [(8.5, 33.0, 152), (12.0, 40.0, 153)] {
        let mut world = world(seed);
        world.phone("kitchen").off_hook();
        world.run_for(s(1));
        let how = Dialling::pulse(pulses_per_second, make_percent);
        world.phone("kitchen").dial_by("102", how);
        world.wait("the hall rings", s(8), |w| w.diary("hall").ringing);
        world.phone("kitchen").on_hook();
        world.rest();
    }
}

#[test]
fn a_number_that_cannot_be_longer_is_called_at_once() {
    let mut world = world(154);
    dial(&mut world, "kitchen", "102");
    // Three keys of 200 ms, no timer.
    world.wait("ringing", ms(900), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn the_hash_key_ends_dialling_and_is_not_part_of_the_number() {
    let mut world = world(155);
    dial(&mut world, "kitchen", "912#");
    world.wait("INVITE", ms(1200), |w| w.phase("provider") == Phase::Ringing);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().called.as_str(), "912");
}

#[test]
fn three_seconds_after_a_number_that_could_be_longer_it_is_called() {
    let mut world = world(156);
    dial(&mut world, "kitchen", "912");
    world.run_for(ms(600));
    let dialled = world.now();
    world.wait("INVITE", s(5), |w| w.phase("provider") == Phase::Ringing);
    let waited = world.now() - dialled;
    assert!((ms(2700)..=ms(3300)).contains(&waited), "{waited:?}");
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn eight_seconds_after_half_a_number_the_caller_is_told() {
    let mut world = world(157);
    dial(&mut world, "kitchen", "10");
    world.run_for(ms(400));
    let dialled = world.now();
    world.wait("a tone", s(12), |w| {
        w.diary("kitchen").tone.is_some_and(|tone| tone != ToneName::Dial)
    });
    let waited = world.now() - dialled;
    assert!((ms(7700)..=ms(9800)).contains(&waited), "{waited:?}");
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn sixteen_seconds_of_dial_tone_without_a_digit_are_enough() {
    let mut world = world(158);
    world.phone("kitchen").off_hook();
    world.wait("dial tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
    let began = world.now();
    world.wait("congestion", s(20), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    let waited = world.now() - began;
    assert!((ms(15_700)..=ms(17_500)).contains(&waited), "{waited:?}");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().len(), 0);
}

fn hotline(seed: u64, hotline: Hotline) -> World {
    let mut site: Site = house(seed);
    site.line("kitchen").fxs.hotline = hotline;
    world_of(site)
}

fn number(text: &str) -> Number {
    Number::new(text).expect("a number")
}

#[test]
fn a_hotline_calls_as_soon_as_the_phone_is_lifted() {
    let mut world = hotline(159, Hotline::Immediate(number("95551234")));
    world.phone("kitchen").off_hook();
    world.wait("INVITE", ms(200), |w| w.phase("provider") == Phase::Ringing);
    world.wait("answer", s(3), |w| w.phase("provider") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_warm_line_waits_for_digits_first() {
    let warm = || Hotline::Warm { number: number("95551234"), after: s(5) };
    let mut world = hotline(160, warm());
    world.phone("kitchen").off_hook();
    world.run_for(ms(4900));
    assert_eq!(world.phase("provider"), Phase::Idle);
    world.wait("INVITE", ms(500), |w| w.phase("provider") == Phase::Ringing);
    world.phone("kitchen").on_hook();
    world.rest();

    let mut world = hotline(161, warm());
    dial(&mut world, "kitchen", "102");
    world.wait("the hall rings", s(2), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
    assert!(world.agent("provider").log().is_empty());
}

#[test]
fn a_group_is_hunted_through() {
    let mut site = house(162).route("7", Target::Group("all".to_owned()), 0);
    let lines = ["kitchen", "hall"].map(str::to_owned).to_vec();
    site.config.groups.push(("all".to_owned(), lines));
    let mut world = world_of(site);
    world.agent("provider").call("7");
    world.wait("the kitchen rings", s(1), |w| w.diary("kitchen").ringing);
    world.wait("then the hall", s(25), |w| w.diary("hall").ringing);
    assert!(!world.diary("kitchen").ringing);
    world.phone("hall").off_hook();
    world.wait("answer", s(1), |w| w.phase("provider") == Phase::Talking);
    world.phone("hall").on_hook();
    world.rest();
    assert_eq!(world.cdr().to_leg.as_deref(), Some("hall"));
}
