//! Between two SIP peers: other laws, keys, hold, refusal, several telephones of one user, offers
//! that come late.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{Answering, EndedBy, Phase, Site, World};

use crate::common::{ended, ms, s};

fn world(seed: u64) -> World {
    let mut world = World::new(Site::new("us", seed).user("alice", "a").user("bob", "b"));
    for (name, address) in
        [("alice", "10.0.2.1:5060"), ("bob@desk", "10.0.2.2:5060"), ("bob@home", "10.0.2.3:5060")]
    {
        world.add_agent(name, address);
        world.agent(name).password = Some(name[..1].to_owned());
    }
    world.agent("alice").register(600);
    world.agent("bob@desk").register(600);
    world.run_for(ms(100));
    world
}

fn talk(world: &mut World) {
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    world.run_for(ms(300));
}

fn likeness(world: &mut World, from: &str, to: &str) -> f64 {
    world.agent(to).media.listen_anew();
    let said = sound::speech(5, 3.0);
    world.agent(from).media.say(&said);
    world.run_for(s(4));
    let at = world.agent(from).media.spoken_at().expect("it has spoken");
    let (heard_at, samples) = world.agent(to).media.heard();
    Sound { at, samples: said }.align(&Sound { at: heard_at, samples }).correlation
}

#[test]
fn one_speaks_a_law_the_other_mu_law() {
    let mut world = world(301);
    world.agent("alice").codecs = vec![8, 101];
    world.agent("bob@desk").codecs = vec![0, 101];
    talk(&mut world);
    assert!(likeness(&mut world, "alice", "bob@desk") > 0.995);
    assert!(likeness(&mut world, "bob@desk", "alice") > 0.995);
    world.agent("alice").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn keys_pass_once_each_as_events_or_become_sound() {
    let mut world = world(302);
    talk(&mut world);
    for key in "159#".chars() {
        world.agent("alice").media.press(key, 100);
        world.run_for(ms(300));
    }
    world.run_for(ms(500));
    let codes: Vec<u8> = world.agent("bob@desk").media.events().iter().map(|(c, _)| *c).collect();
    assert_eq!(codes, [1, 5, 9, 11]);
    world.agent("alice").hang_up();
    world.run_for(s(1));

    world.agent("bob@desk").codecs = vec![0];
    talk(&mut world);
    world.agent("bob@desk").media.listen_anew();
    world.agent("alice").media.press('5', 100);
    world.run_for(s(1));
    let (_, samples) = world.agent("bob@desk").media.heard();
    let loud = samples.chunks(80).filter(|c| c.iter().any(|s| s.unsigned_abs() > 500)).count();
    assert!((9..=13).contains(&loud), "the key sounds for {loud} × 10 ms");
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn hold_reaches_the_other_side_and_so_does_its_end() {
    let mut world = world(303);
    talk(&mut world);
    world.agent("alice").reinvite("sendonly");
    world.run_for(s(1));
    let offer = world.agent("bob@desk").last("INVITE").expect("it came").body.clone();
    assert!(offer.contains("a=sendonly") || offer.contains("a=inactive"), "{offer}");
    world.agent("alice").reinvite("sendrecv");
    world.run_for(s(1));
    let offer = world.agent("bob@desk").last("INVITE").expect("it came").body.clone();
    assert!(offer.contains("a=sendrecv"), "{offer}");
    assert!(likeness(&mut world, "bob@desk", "alice") > 0.99);
    assert!(likeness(&mut world, "alice", "bob@desk") > 0.99);
    world.agent("bob@desk").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn both_change_the_session_at_once_and_it_goes_on() {
    let mut world = world(304);
    talk(&mut world);
    world.agent("alice").reinvite("sendrecv");
    world.agent("bob@desk").reinvite("sendrecv");
    world.run_for(s(5));
    assert_eq!(world.phase("alice"), Phase::Talking);
    assert!(likeness(&mut world, "alice", "bob@desk") > 0.99);
    world.agent("alice").hang_up();
    world.agent("bob@desk").hang_up();
    world.rest();
    assert_eq!(world.cdr().cause().value(), 16);
}

#[test]
fn all_telephones_of_a_user_ring_and_the_first_that_answers_has_the_call() {
    let mut world = world(305);
    world.agent("bob@home").register(600);
    world.agent("bob@desk").answering = Answering::RingForever;
    world.agent("bob@home").answering = Answering::RingForever;
    world.run_for(ms(100));
    world.agent("alice").call("bob");
    world.wait("both ring", s(1), |w| {
        w.phase("bob@desk") == Phase::Ringing && w.phase("bob@home") == Phase::Ringing
    });
    world.run_for(s(1));
    world.agent("bob@home").pick_up();
    world.wait("the other stops", ms(100), |w| w.phase("bob@desk") == Phase::Idle);
    assert_eq!(world.agent("bob@desk").saw("CANCEL"), 1);
    world.run_for(ms(300));
    assert_eq!(world.phase("alice"), Phase::Talking);
    assert!(likeness(&mut world, "bob@home", "alice") > 0.99);
    world.agent("alice").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn two_that_answer_at_once_leave_one_call() {
    let mut world = world(306);
    world.agent("bob@home").register(600);
    world.run_for(ms(100));
    for name in ["bob@desk", "bob@home"] {
        world.agent(name).answering = Answering::After { ring: ms(20), answer: ms(800) };
    }
    world.agent("alice").call("bob");
    world.run_for(s(3));
    let talking: Vec<_> =
        ["bob@desk", "bob@home"].into_iter().filter(|n| world.phase(n) == Phase::Talking).collect();
    assert_eq!(talking.len(), 1, "{talking:?}");
    world.agent("alice").hang_up();
    world.rest();
    assert_eq!(world.cdr().cause().value(), 16);
}

#[test]
fn one_telephone_refuses_and_the_other_still_rings() {
    let mut world = world(307);
    world.agent("bob@home").register(600);
    world.run_for(ms(100));
    world.agent("bob@desk").answering = Answering::Refuse(486, "Busy Here");
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    world.agent("alice").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn an_invite_without_offer_gets_ours_and_audio_passes() {
    let mut world = world(308);
    world.agent("alice").late_offer = true;
    talk(&mut world);
    world.run_for(ms(500));
    assert!(likeness(&mut world, "alice", "bob@desk") > 0.99);
    assert!(likeness(&mut world, "bob@desk", "alice") > 0.99);
    world.agent("alice").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// RFC 3261 §16.7: a 6xx stays one, and a 503 would say that we serve nobody.
#[test]
fn the_status_of_who_is_called_is_told_unless_it_speaks_of_our_own_request() {
    let table = [
        (486, 486, 17),
        (603, 603, 21),
        (600, 600, 17),
        (606, 606, 65),
        (699, 699, 31),
        (404, 404, 1),
        (480, 480, 18),
        (408, 408, 102),
        (502, 502, 38),
        (500, 500, 41),
        (503, 500, 41),
        (400, 500, 41),
        (483, 500, 25),
        (487, 480, 16),
        (420, 500, 127),
    ];
    for (seed, (status, expected, cause)) in (330..).zip(table) {
        let mut world = world(seed);
        world.agent("bob@desk").answering = Answering::Refuse(status, "No");
        world.agent("alice").call("bob");
        world.wait("the end", s(2), |w| w.phase("alice") == Phase::Idle);
        world.rest();
        assert_eq!(ended(world.cdr()), (cause, EndedBy::Callee, false), "{status}");
        let seen = world.agent("alice").log().last().cloned().unwrap_or_default();
        assert_eq!(seen, format!("{expected} INVITE"), "for {status}");
    }
}

#[test]
fn both_hang_up_at_once() {
    let mut world = world(312);
    talk(&mut world);
    world.agent("alice").hang_up();
    world.agent("bob@desk").hang_up();
    world.rest();
    assert_eq!(world.cdr().cause().value(), 16);
}

#[test]
fn options_is_answered_with_what_the_gateway_can_do() {
    let mut world = world(313);
    world.agent("alice").ask("OPTIONS");
    world.run_for(ms(100));
    assert_eq!(world.agent("alice").saw("200 OPTIONS"), 1);
    world.agent("alice").ask("PUBLISH");
    world.run_for(ms(100));
    assert_eq!(world.agent("alice").saw("405 PUBLISH"), 1);
    world.rest();
}

#[test]
fn a_user_behind_a_router_can_be_called_and_either_side_hangs_up() {
    for (seed, who) in [(314, "alice"), (315, "bob@desk")] {
        let site = Site::new("us", seed).user("alice", "a").user("bob", "b");
        let mut world = World::new(site);
        for (name, address) in [("alice", "10.0.2.1:5060"), ("bob@desk", "203.0.113.7:33044")] {
            world.add_agent(name, address);
            world.agent(name).password = Some(name[..1].to_owned());
        }
        world.agent("bob@desk").private = Some([192, 168, 7, 7].into());
        world.agent("bob@desk").register(600);
        world.run_for(ms(100));
        talk(&mut world);
        world.run_for(s(1));
        assert!(likeness(&mut world, "alice", "bob@desk") > 0.99);
        world.agent(who).hang_up();
        world.run_for(s(1));
        assert_eq!(world.phase("alice"), Phase::Idle);
        assert_eq!(world.phase("bob@desk"), Phase::Idle);
        world.rest();
        assert_eq!(world.cdr().cause().value(), 16);
    }
}
