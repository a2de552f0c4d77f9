//! Damaged serial lines and garbage from everywhere: calls go on, nothing grows, nothing crashes.

use std::net::SocketAddr;

use tipring_sim::sound::{self, Sound};
use tipring_sim::{EndedBy, GATEWAY, Parcel, Phase, World};

use crate::common::{dial, ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, world};

fn heard_by_provider(world: &mut World) -> Sound {
    let (at, samples) = world.agent("provider").media.heard();
    Sound { at, samples }
}

/// One octet in ten thousand is flipped, lost or doubled.
#[test]
fn a_noisy_serial_line_loses_no_signalling_and_little_sound() {
    let mut world = world(191);
    world.corrupt(0, 1e-4);
    kitchen_calls_provider(&mut world);
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&sound::speech(8, 30.0));
    world.run_for(s(31));
    let heard = heard_by_provider(&mut world);
    let found = said.align(&heard);
    let delays = said.delays(&heard, found);
    println!("{found:?} {:?}", world.link(0));
    assert!(found.correlation > 0.95, "{found:?}");
    assert!(delays.iter().all(|delay| *delay == found.delay), "slipped: {delays:?}");
    let frames = world.link(0).frames;
    assert!(frames.crc_errors + frames.framing_errors > 20, "there was damage: {frames:?}");
    for _ in 0..5 {
        world.phone("kitchen").on_hook();
        world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
        world.run_for(s(1));
        provider_calls_kitchen(&mut world);
    }
    world.phone("kitchen").on_hook();
    world.rest();
    assert!(world.cdrs().all(|cdr| cdr.cause().value() == 16 && cdr.answer.is_some()));
    assert_eq!(world.cdrs().len(), 6);
    assert_eq!(world.link(0).downs, 0);
}

/// One bit in ten thousand: every sixth frame is hit.
#[test]
fn ten_times_that_damage_is_heard_but_calls_still_work() {
    let mut world = world(192);
    world.corrupt(0, 8e-4);
    for _ in 0..3 {
        dial(&mut world, "kitchen", "95551234#");
        world.wait("answer", s(8), |w| w.phase("provider") == Phase::Talking);
        world.run_for(s(3));
        world.phone("kitchen").on_hook();
        world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
        world.run_for(s(1));
    }
    world.rest();
    assert_eq!(world.cdrs().map(ended).collect::<Vec<_>>(), [(16, EndedBy::Caller, true); 3]);
}

#[test]
fn garbage_on_all_ports_disturbs_no_call() {
    let mut world = world(193);
    kitchen_calls_provider(&mut world);
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&sound::speech(8, 10.0));
    let evil: SocketAddr = "10.66.6.6:6666".parse().expect("an address");
    let peer = world.agent("provider").sip();
    let rtp = world.agent("provider").rtp();
    for round in 0..500usize {
        let len = 1 + round * 7 % 1300;
        let noise = world.noise(len);
        for from in [evil, peer] {
            world.throw(Parcel { from, to: GATEWAY, bytes: noise.clone() });
        }
        let mut sip = b"INVITE sip:101@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP ".to_vec();
        sip.extend(&noise);
        world.throw(Parcel { from: evil, to: GATEWAY, bytes: sip });
        for port in [20_000u16, 20_001, 20_002, 20_050] {
            let to = SocketAddr::new(GATEWAY.ip(), port);
            world.throw(Parcel { from: evil, to, bytes: noise.clone() });
            world.throw(Parcel { from: rtp, to, bytes: noise.clone() });
        }
        // A header that looks like RTP, from the peer's own address.
        let mut forged = noise.clone();
        if let Some(first) = forged.first_mut() {
            *first = 0x80;
        }
        world.agent("provider").raw_rtp(&forged);
        world.run_for(ms(20));
    }
    world.run_for(s(1));
    let heard = heard_by_provider(&mut world);
    let found = said.align(&heard);
    assert!(found.correlation > 0.99, "{found:?}");
    assert_eq!(world.phase("provider"), Phase::Talking);
    let (malformed, strangers) = world.rtp_dropped();
    assert!(malformed + strangers > 500, "{malformed} {strangers}");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn garbage_on_the_serial_line_disturbs_no_call() {
    let mut world = world(194);
    kitchen_calls_provider(&mut world);
    world.agent("provider").media.listen_anew();
    let said = world.phone("kitchen").say(&sound::speech(8, 5.0));
    for round in 0..200usize {
        let mut noise = world.noise(1 + round * 13 % 900);
        // It ends as a frame does, or the next frame would be lost with it.
        noise.push(0);
        world.serial_garbage(0, &noise);
        world.run_for(ms(25));
    }
    world.run_for(s(1));
    let heard = heard_by_provider(&mut world);
    let found = said.align(&heard);
    assert!(found.correlation > 0.99, "{found:?}");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.link(0).downs, 0);
}

#[test]
fn a_hundred_calls_leave_nothing_behind() {
    let mut world = world(195);
    for round in 0..100u32 {
        world.agent("provider").call("101");
        world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
        if round % 3 == 0 {
            world.agent("provider").cancel();
        } else {
            world.phone("kitchen").off_hook();
            world.wait("answer", s(1), |w| w.phase("provider") == Phase::Talking);
            world.run_for(ms(300));
            world.phone("kitchen").on_hook();
        }
        world.wait("the end", s(2), |w| w.phase("provider") == Phase::Idle);
        world.run_for(ms(300));
    }
    world.rest();
    assert_eq!(world.cdrs().len(), 100);
    assert!(world.cdrs().all(|cdr| cdr.cause().value() == 16));
}
