//! A trunk that is registered over UDP and has gone without a word is found out by STUN, within the bounds of RFC 5626, and
//! registered with again.

use tipring_call::Target;
use tipring_sim::{Account, Phase, Site, World};

use crate::common::{dial, s};

/// Between Binding requests, and until one that is not answered is given up.
const EVERY_S: u64 = 29;
const GIVEN_UP_S: u64 = 40;

/// A provider that speaks RFC 5626, or says so, and grants an hour.
fn world(seed: u64, hears_stun: bool) -> World {
    let mut site = Site::new("us", seed)
        .card(&[("kitchen", "101")])
        .trunk("provider", "sip:10.0.1.1", Some(("gw", "secret")))
        .route("9X.", Target::Trunk("provider".to_owned()), 1);
    site.config.trunks[0].instance =
        Some("urn:uuid:00000000-0000-1000-8000-aabbccddeeff".to_owned());
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    let mut provider = world.agent("provider");
    let (user, password) = ("gw".to_owned(), "secret".to_owned());
    provider.provider.registrant = Some(Account { user, password });
    provider.provider.lines = "Require: outbound\r\n".to_owned();
    provider.provider.hears_stun = hears_stun;
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world.run_for(s(1));
    world
}

fn granted(world: &World) -> u32 {
    world.see("provider").provider.granted()
}

#[test]
fn a_provider_that_is_there_is_asked_and_nothing_else_happens() {
    let mut world = world(2701, true);
    world.run_for(s(1200));
    let asked = world.see("provider").saw("Binding");
    assert!((41..=50).contains(&asked), "{asked} in 20 minutes");
    assert_eq!(granted(&world), 1);
    assert_eq!(world.see("provider").saw("REGISTER"), 2, "with the challenge");
}

#[test]
fn a_provider_that_is_gone_without_a_word_is_registered_with_again() {
    let mut world = world(2702, true);
    world.run_for(s(100));
    world.agent("provider").switched_off = true;
    world.wait("a REGISTER", s(EVERY_S + GIVEN_UP_S), |w| w.flying("REGISTER"));
    world.run_for(s(5));
    world.agent("provider").switched_off = false;
    world.wait("the binding", s(30), |w| granted(w) == 2);
    let asked = world.see("provider").saw("Binding");
    world.run_for(s(60));
    assert!(world.see("provider").saw("Binding") >= asked + 2, "it goes on being asked");
    assert_eq!(granted(&world), 2);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(9), |w| w.phase("provider") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.run_for(s(3));
}

#[test]
fn a_provider_that_has_no_ears_for_stun_is_asked_once() {
    let mut world = world(2703, false);
    world.run_for(s(1800));
    assert_eq!(granted(&world), 2, "once more than it had to be");
    assert_eq!(world.alive().trunks_registered, 1);
}
