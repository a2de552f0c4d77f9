//! Peers behind address translators, peers that vanish, strangers that talk into a call.

use std::net::SocketAddr;

use tipring_sim::sound::{self, Sound};
use tipring_sim::{EndedBy, GATEWAY, Parcel, Phase, ToneName, World};

use crate::common::{ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, world};

/// How well the kitchen hears the provider, and the provider the kitchen.
fn both_ways(world: &mut World) -> [f64; 2] {
    let said = sound::speech(5, 3.0);
    world.agent("provider").media.listen_anew();
    world.phone("kitchen").listen();
    world.agent("provider").media.say(&said);
    let mine = world.phone("kitchen").say(&sound::speech(6, 3.0));
    world.run_for(s(4));
    let here = world.phone("kitchen").heard();
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    let theirs = Sound { at, samples: said };
    let (at, samples) = world.agent("provider").media.heard();
    let there = Sound { at, samples };
    [theirs.align(&here).correlation, mine.align(&there).correlation]
}

#[test]
fn audio_finds_a_peer_whose_description_names_a_private_address() {
    let mut world = world(361);
    world.agent("provider").private = Some([192, 168, 1, 5].into());
    provider_calls_kitchen(&mut world);
    world.run_for(s(1));
    let [here, there] = both_ways(&mut world);
    assert!(here > 0.99 && there > 0.99, "{here} {there}");
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_stranger_cannot_talk_into_a_call() {
    let mut world = world(362);
    kitchen_calls_provider(&mut world);
    world.run_for(s(6));
    let port = world.see("provider").audio_peer().expect("it talks").port();
    let to = SocketAddr::new(GATEWAY.ip(), port);
    let from: SocketAddr = "10.66.6.6:4000".parse().expect("an address");
    world.phone("kitchen").listen();
    for n in 0..150u16 {
        let mut bytes = vec![0x80, 0];
        bytes.extend(n.to_be_bytes());
        bytes.extend((u32::from(n) * 160).to_be_bytes());
        bytes.extend([6, 6, 6, 6]);
        bytes.extend((0..160).map(|k| if k % 8 < 4 { 0x10 } else { 0x90 }));
        world.throw(Parcel { from, to, bytes });
        world.run_for(ms(20));
    }
    let heard = world.phone("kitchen").heard();
    assert!(heard.rms() < 20.0, "level {:.0}", heard.rms());
    assert!(world.rtp_dropped().1 >= 149);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_peer_that_vanishes_leaves_nothing_behind_once_the_phone_is_put_down() {
    let mut world = world(363);
    kitchen_calls_provider(&mut world);
    world.agent("provider").switched_off = true;
    world.run_for(s(10));
    assert_eq!(world.diary("kitchen").tone, None);
    world.phone("kitchen").on_hook();
    world.run_for(s(40));
    // Its side of the call is lost with it.
    world.agent("provider").switched_off = false;
    world.agent("provider").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_bye_that_nobody_answers_is_given_up_and_the_phone_works_on() {
    let mut world = world(364);
    kitchen_calls_provider(&mut world);
    world.agent("provider").switched_off = true;
    world.phone("kitchen").on_hook();
    world.run_for(s(3));
    world.phone("kitchen").off_hook();
    world.wait("dial tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
    world.phone("kitchen").on_hook();
    world.run_for(s(40));
    world.agent("provider").switched_off = false;
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.agent("provider").hang_up();
    world.rest();
    assert_eq!(world.agent("provider").saw("481 BYE"), 1);
    assert_eq!(world.cdrs().len(), 1);
}
