//! A SIP peer calls a phone: it rings in its cadence, is lifted, talks, and either side ends it.

use tipring_sim::{EndedBy, Phase, ToneName};

use crate::common::{ended, ms, provider_calls_kitchen, s, world};

#[test]
fn the_phone_rings_two_seconds_in_six_and_lifting_it_answers() {
    let mut world = world(11);
    world.agent("provider").call("101");
    world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
    assert_eq!(world.agent("provider").saw("180 INVITE"), 1);
    world.wait("three bursts", s(20), |w| w.diary("kitchen").rings().len() == 3);
    // Audio after a 180 would stop the caller's own ringback.
    assert_eq!(world.agent("provider").media.packets(), 0);
    let rings = world.diary("kitchen").rings();
    for pair in rings.windows(2) {
        let period = pair[1] - pair[0];
        assert!((ms(5980)..=ms(6020)).contains(&period), "{period:?}");
    }
    world.phone("kitchen").off_hook();
    world.wait("answer", ms(300), |w| w.phase("provider") == Phase::Talking);
    assert!(!world.diary("kitchen").ringing);
    world.run_for(s(2));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
    world.rest();
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Callee, true));
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("provider", Some("kitchen")));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn the_peer_hangs_up_and_the_phone_hears_congestion_until_it_is_put_down() {
    let mut world = world(12);
    provider_calls_kitchen(&mut world);
    world.agent("provider").hang_up();
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.agent("provider").saw("200 BYE"), 1);
}

#[test]
fn the_same_phone_can_be_called_again_and_again() {
    let mut world = world(13);
    for _ in 0..3 {
        provider_calls_kitchen(&mut world);
        world.phone("kitchen").on_hook();
        world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
        world.run_for(ms(500));
    }
    world.rest();
    let ends: Vec<_> = world.cdrs().map(ended).collect();
    assert_eq!(ends, [(16, EndedBy::Callee, true); 3]);
}
