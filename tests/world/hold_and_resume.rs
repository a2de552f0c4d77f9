//! Hold: by hook flash at the phone, by re-INVITE from SIP; and back.

use tipring_sim::{EndedBy, Phase, ToneName, sound};

use crate::common::{ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, world};

#[test]
fn a_flash_holds_and_another_resumes() {
    let mut world = world(121);
    kitchen_calls_provider(&mut world);
    world.phone("kitchen").flash(500);
    world.run_for(s(2));
    let offer = world.agent("provider").invite().expect("an INVITE came").body.clone();
    assert!(offer.contains("a=sendonly"), "{offer}");
    assert_eq!(world.agent("provider").saw("INVITE"), 2);
    world.phone("kitchen").flash(500);
    world.run_for(s(2));
    let offer = world.agent("provider").invite().expect("an INVITE came").body.clone();
    assert!(offer.contains("a=sendrecv"), "{offer}");
    let said = sound::speech(1, 3.0);
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&said);
    world.run_for(s(4));
    let (at, samples) = world.agent("provider").media.heard();
    let found = said.align(&sound::Sound { at, samples });
    assert!(found.correlation > 0.99, "{found:?}");
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn the_phone_that_holds_hears_dial_tone_or_nothing_but_not_the_peer() {
    let mut world = world(122);
    kitchen_calls_provider(&mut world);
    world.phone("kitchen").flash(500);
    world.run_for(s(2));
    world.agent("provider").media.say(&sound::speech(2, 3.0));
    world.phone("kitchen").listen();
    world.run_for(s(3));
    let heard = world.phone("kitchen").heard();
    let tone = world.diary("kitchen").tone;
    assert!(tone.is_some() || heard.rms() < 20.0, "{tone:?}, level {:.0}", heard.rms());
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn the_peer_holds_and_resumes_by_reinvite() {
    let mut world = world(123);
    provider_calls_kitchen(&mut world);
    world.agent("provider").reinvite("sendonly");
    world.run_for(s(1));
    assert_eq!(world.agent("provider").saw("200 INVITE"), 2);
    let before = world.agent("provider").media.packets();
    world.run_for(s(1));
    assert!(world.agent("provider").media.packets() <= before + 1, "nothing is sent to who holds");
    world.agent("provider").reinvite("sendrecv");
    world.run_for(s(1));
    let before = world.agent("provider").media.packets();
    world.run_for(s(1));
    assert!(world.agent("provider").media.packets() >= before + 45);
    assert_eq!(world.diary("kitchen").tone, None);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_held_call_that_the_peer_ends_is_over() {
    let mut world = world(124);
    kitchen_calls_provider(&mut world);
    world.phone("kitchen").flash(500);
    world.run_for(s(1));
    world.agent("provider").hang_up();
    world.wait("congestion", s(4), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.run_for(ms(100));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn putting_the_phone_down_on_hold_ends_the_call() {
    let mut world = world(125);
    kitchen_calls_provider(&mut world);
    world.phone("kitchen").flash(500);
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}
