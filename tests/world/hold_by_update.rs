//! Hold by UPDATE, and hold as it is written in other ways: 0.0.0.0, inactive; offers of ours that are asked for.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{EndedBy, Phase, World};

use crate::common::{ended, provider_calls_kitchen, s, world};

/// A description of the provider.
fn description(world: &World, version: u32, address: &str, direction: &str) -> String {
    let port = world.see("provider").rtp().port();
    format!(
        "v=0\r\no=provider 1 {version} IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n\
         a={direction}\r\n"
    )
}

fn change(world: &mut World, method: &str, version: u32, address: &str, direction: &str) {
    let body = description(world, version, address, direction);
    world.agent("provider").request(method, "", &body);
    world.run_for(s(1));
}

/// Packets that reach the provider in a second.
fn flow(world: &mut World) -> u64 {
    let before = world.agent("provider").media.packets();
    world.run_for(s(1));
    world.agent("provider").media.packets() - before
}

fn both_ways(world: &mut World) {
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&sound::speech(6, 2.0));
    world.run_for(s(3));
    let (at, samples) = world.agent("provider").media.heard();
    assert!(said.align(&Sound { at, samples }).correlation > 0.99);
    world.phone("kitchen").listen();
    let samples = sound::speech(7, 2.0);
    world.agent("provider").media.say(&samples);
    world.run_for(s(3));
    let at = world.agent("provider").media.spoken_at().expect("it has spoken");
    assert!(Sound { at, samples }.align(&world.phone("kitchen").heard()).correlation > 0.95);
}

#[test]
fn the_peer_holds_and_resumes_by_update() {
    let mut world = world(751);
    provider_calls_kitchen(&mut world);
    for (version, direction) in [(11, "sendonly"), (13, "inactive")] {
        change(&mut world, "UPDATE", version, "10.0.1.1", direction);
        assert!(flow(&mut world) <= 1, "{direction}: nothing is sent to who holds");
        change(&mut world, "UPDATE", version + 1, "10.0.1.1", "sendrecv");
        assert!(flow(&mut world) >= 45, "{direction}");
    }
    assert_eq!(world.agent("provider").saw("200 UPDATE"), 4);
    both_ways(&mut world);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn an_address_of_zeros_holds_too() {
    let mut world = world(752);
    provider_calls_kitchen(&mut world);
    for (method, version) in [("UPDATE", 11), ("INVITE", 13)] {
        change(&mut world, method, version, "0.0.0.0", "sendrecv");
        assert!(flow(&mut world) <= 1, "{method}");
        change(&mut world, method, version + 1, "10.0.1.1", "sendrecv");
        assert!(flow(&mut world) >= 45, "{method}");
    }
    both_ways(&mut world);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_call_and_a_change_without_offers_get_ours() {
    let mut world = world(753);
    world.agent("provider").late_offer = true;
    provider_calls_kitchen(&mut world);
    both_ways(&mut world);
    world.agent("provider").request("INVITE", "", "");
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("200 INVITE"), 2);
    both_ways(&mut world);
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn an_update_that_meets_our_hold_is_told_to_wait_and_the_call_goes_on() {
    let mut world = world(754);
    provider_calls_kitchen(&mut world);
    world.phone("kitchen").flash(500);
    world.wait("our offer", s(2), |w| w.flying("INVITE "));
    let body = description(&world, 11, "10.0.1.1", "sendrecv");
    world.agent("provider").request("UPDATE", "", &body);
    world.run_for(s(3));
    assert_eq!(world.agent("provider").saw("491 UPDATE"), 1);
    world.phone("kitchen").flash(500);
    world.run_for(s(3));
    both_ways(&mut world);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}
