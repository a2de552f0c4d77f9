//! Phone to phone on one gateway, without SIP.

use tipring_sim::{EndedBy, ToneName, World};

use crate::common::{dial, ended, ms, s, world};

pub fn kitchen_calls_hall(world: &mut World) {
    dial(world, "kitchen", "102");
    world.wait("ringing", s(5), |w| w.diary("hall").ringing);
    world.wait("ringback", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    world.phone("hall").off_hook();
    world.wait("bell off", ms(300), |w| !w.diary("hall").ringing);
    world.run_for(ms(500));
}

#[test]
fn one_rings_is_lifted_and_the_caller_hangs_up() {
    let mut world = world(31);
    kitchen_calls_hall(&mut world);
    world.run_for(s(3));
    world.phone("kitchen").on_hook();
    world.wait("congestion", s(3), |w| w.diary("hall").tone == Some(ToneName::Congestion));
    world.phone("hall").on_hook();
    world.rest();
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Caller, true));
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("kitchen", Some("hall")));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn the_called_one_hangs_up() {
    let mut world = world(32);
    kitchen_calls_hall(&mut world);
    world.phone("hall").on_hook();
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn the_caller_gives_up_and_the_bell_stops() {
    let mut world = world(33);
    dial(&mut world, "kitchen", "102");
    world.wait("ringing", s(5), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.wait("bell off", ms(1500), |w| !w.diary("hall").ringing);
    world.run_for(s(7));
    assert_eq!(world.diary("hall").rings().len(), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
}

#[test]
fn a_phone_that_is_off_the_hook_is_busy() {
    let mut world = world(34);
    world.phone("hall").off_hook();
    world.run_for(s(1));
    dial(&mut world, "kitchen", "102");
    world.wait("busy tone", s(6), |w| w.diary("kitchen").tone == Some(ToneName::Busy));
    world.phone("kitchen").on_hook();
    world.phone("hall").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (17, EndedBy::Callee, false));
}

#[test]
fn a_phone_that_calls_itself_is_busy() {
    let mut world = world(35);
    dial(&mut world, "kitchen", "101");
    world.wait("busy tone", s(6), |w| w.diary("kitchen").tone == Some(ToneName::Busy));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()).0, 17);
}
