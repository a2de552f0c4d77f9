//! A SIP peer that vanishes: the session timer ends the call, and its record says so (RFC 4028).

use tipring_sim::{EndedBy, Phase, ToneName};

use crate::common::{ended, house, ms, s, world, world_of};

const TIMER: &str = "Supported: timer\r\nSession-Expires: 120\r\n";

fn provider_calls(world: &mut tipring_sim::World, extra: &str) {
    let now = world.now();
    world.agent("provider").call_with(now, "101", extra);
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    world.wait("answer", s(3), |w| w.phase("provider") == Phase::Talking);
}

#[test]
fn a_peer_that_vanishes_ends_the_call_when_the_timer_has_run_out() {
    let mut world = world(741);
    provider_calls(&mut world, TIMER);
    world.run_for(s(5));
    world.agent("provider").switched_off = true;
    let asked = world.now();
    world.wait("congestion", s(150), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    // 120 s less a third, RFC 4028 §10, and 32 s for the BYE.
    let waited = world.now() - asked;
    assert!((s(100)..=s(120)).contains(&waited), "{waited:?}");
    world.phone("kitchen").on_hook();
    world.agent("provider").switched_off = false;
    world.agent("provider").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (102, EndedBy::Caller, true));
    assert_eq!(world.cdr().release.evidence, "session timer");
}

#[test]
fn a_peer_that_refreshes_by_update_is_not_cut_off() {
    let mut world = world(742);
    provider_calls(&mut world, TIMER);
    for _ in 0..8 {
        world.run_for(s(55));
        world.agent("provider").request("UPDATE", TIMER, "");
    }
    world.run_for(s(5));
    assert_eq!(world.agent("provider").saw("200 UPDATE"), 8);
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn we_refresh_where_the_peer_wants_that_and_notice_that_it_has_gone() {
    let mut world = world(743);
    provider_calls(&mut world, "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n");
    world.run_for(s(59));
    world.agent("provider").switched_off = true;
    assert_eq!(world.agent("provider").saw("INVITE"), 0);
    world.wait("a refresh after half of the time", s(2), |w| w.flying("INVITE "));
    world.wait("congestion", s(130), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.agent("provider").switched_off = false;
    world.agent("provider").hang_up();
    world.rest();
    assert_eq!((world.cdr().cause().value(), world.cdr().ended_by), (102, EndedBy::Caller));
}

#[test]
fn an_interval_that_is_too_short_is_refused() {
    let mut site = house(744);
    let timer = site.config.sip.session_timer.as_mut().expect("there is one");
    timer.min_se_s = 300;
    let mut world = world_of(site);
    let now = world.now();
    world.agent("provider").call_with(now, "101", TIMER);
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("422 INVITE"), 1);
    world.rest();
    assert_eq!(world.cdrs().len(), 0);
}

#[test]
fn without_session_timers_none_is_agreed() {
    let mut site = house(745);
    site.config.sip.session_timer = None;
    let mut world = world_of(site);
    provider_calls(&mut world, TIMER);
    world.run_for(s(200));
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}
