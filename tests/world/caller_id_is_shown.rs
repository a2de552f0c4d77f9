//! The display of a phone shows who calls, by the rules of its country.

use tipring_call::Target;
use tipring_sim::{CallerIdStandard, Duration, Site, World};

use crate::common::{ms, s, world};

fn abroad(country: &str, seed: u64) -> World {
    let site = Site::new(country, seed)
        .card(&[("kitchen", "101"), ("hall", "102")])
        .trunk("provider", "sip:10.0.1.1:5060", None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1);
    let mut world = World::in_service(site);
    world.add_agent("5551234", "10.0.1.1:5060");
    world
}

/// When the display showed it, seen from the first burst of the bell: before or after.
fn call(world: &mut World) -> (bool, Duration) {
    world.agent("5551234").call("101");
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    let shown = world.now();
    world.wait("ringing", s(10), |w| w.diary("kitchen").ringing);
    let rang = world.diary("kitchen").rings()[0];
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    (shown < rang, if shown < rang { rang - shown } else { shown - rang })
}

#[test]
fn in_the_us_between_the_first_two_rings_by_bell_202() {
    let mut world = abroad("us", 141);
    let (before, time) = call(&mut world);
    assert!(!before && (s(2)..=s(6)).contains(&time), "{before} {time:?}");
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!(id.number.as_deref(), Some("5551234"));
    assert_eq!(id.standard, CallerIdStandard::Bell202);
    assert_eq!(id.date.as_deref(), Some("11201645"));
}

#[test]
fn in_the_uk_before_the_first_ring_by_v23() {
    let mut world = abroad("uk", 142);
    let (before, time) = call(&mut world);
    assert!(before && time < s(2), "{before} {time:?}");
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!(id.number.as_deref(), Some("5551234"));
    assert_eq!(id.standard, CallerIdStandard::V23);
}

#[test]
fn in_germany_france_and_japan_too() {
    for (country, seed) in [("de", 143), ("fr", 144), ("jp", 145)] {
        let mut world = abroad(country, seed);
        call(&mut world);
        let id = world.diary("kitchen").display.clone().expect("it is shown");
        assert_eq!(id.number.as_deref(), Some("5551234"), "{country}");
    }
}

#[test]
fn a_phone_shows_the_number_of_the_phone_that_calls() {
    let mut world = world(146);
    crate::common::dial(&mut world, "hall", "101");
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!(id.number.as_deref(), Some("102"));
    world.phone("hall").on_hook();
    world.rest();
}

#[test]
fn a_name_is_shown_where_one_is_given() {
    let mut site = crate::common::house(148);
    site.line("hall").caller_name = Some("Hall".to_owned());
    let mut world = crate::common::world_of(site);
    crate::common::dial(&mut world, "hall", "101");
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!((id.number.as_deref(), id.name.as_deref()), (Some("102"), Some("Hall")));
    world.phone("hall").on_hook();
    world.rest();
}

#[test]
fn who_withholds_the_number_is_private() {
    let mut world = abroad("us", 147);
    let now = world.now();
    world.agent("5551234").call_with(now, "101", "Privacy: id\r\n");
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert!(id.private && id.number.is_none(), "{id:?}");
    world.agent("5551234").cancel();
    world.run_for(ms(500));
    world.rest();
}
