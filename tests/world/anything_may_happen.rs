//! People, peers and mishaps by chance: whatever they do, in the end nothing is left and every
//! phone works.

use tipring_core::Rng;
use tipring_sim::{Answering, Phase, ToneName, Weather, World};

use crate::common::{house, ms, s, world_of};

const PHONES: [&str; 3] = ["kitchen", "hall", "office"];
const PEERS: [&str; 2] = ["provider", "alice"];

fn somebody(rng: &mut Rng) -> &'static str {
    PHONES[rng.below(3) as usize]
}

fn peer(rng: &mut Rng) -> &'static str {
    PEERS[rng.below(2) as usize]
}

fn answering(rng: &mut Rng) -> Answering {
    match rng.below(8) {
        0 => Answering::Refuse(486, "Busy Here"),
        1 => Answering::Redirect("sip:102@10.0.0.1".to_owned()),
        2 => Answering::EarlyMedia { answer: ms(rng.below(4000)) },
        3 => Answering::RingForever,
        4 => Answering::Silent,
        _ => Answering::After { ring: ms(rng.below(300)), answer: ms(rng.below(5000)) },
    }
}

fn phone_does(world: &mut World, rng: &mut Rng) {
    let line = somebody(rng);
    let off = world.phone(line).is_off_hook();
    let diary = world.diary(line);
    // Mostly, people do what is sensible.
    match (diary.ringing, diary.tone) {
        (true, _) if rng.chance(0.7) => return world.phone(line).off_hook(),
        (_, Some(ToneName::Busy | ToneName::Congestion)) if off && rng.chance(0.8) => {
            return world.phone(line).on_hook();
        }
        _ => {}
    }
    match rng.below(if off { 8 } else { 2 }) {
        0 if off => world.phone(line).on_hook(),
        1 | 2 if off => world.phone(line).flash(100 + rng.below(1200) as u32),
        _ if off => {
            let numbers = ["101", "102", "201", "95551234#", "9", "alice", "77", "#", "*5"];
            let number = numbers[rng.below(9) as usize].replace("alice", "8#");
            world.phone(line).dial(&number);
        }
        _ => world.phone(line).off_hook(),
    }
}

fn peer_does(world: &mut World, rng: &mut Rng) {
    let name = peer(rng);
    let answering = answering(rng);
    let mut agent = world.agent(name);
    match (agent.phase(), rng.below(6)) {
        (Phase::Idle, 0 | 1) => agent.register(60 + rng.below(600) as u32),
        (Phase::Idle, _) => {
            let numbers = ["101", "102", "201", "alice", "999", "provider"];
            agent.call(numbers[rng.below(6) as usize]);
        }
        (Phase::Calling, 0 | 1) => agent.cancel(),
        (Phase::Ringing, 0 | 1) => agent.pick_up(),
        (Phase::Talking, 0) => agent.reinvite("sendonly"),
        (Phase::Talking, 1) => agent.reinvite("sendrecv"),
        (Phase::Talking, 2) => agent.media.press('5', 120),
        (Phase::Ringing | Phase::Talking, 3) => agent.hang_up(),
        _ => agent.answering = answering,
    }
}

fn mishap(world: &mut World, rng: &mut Rng) {
    match rng.below(8) {
        0 => world.unplug(rng.below(2) as usize),
        1 | 2 => (0..2).for_each(|card| world.plug(card)),
        3 => world.hang(rng.below(2) as usize),
        4 => world.reset(rng.below(2) as usize),
        5 => world.corrupt(rng.below(2) as usize, 1e-3 * rng.unit()),
        6 => world.net.set_signalling(Weather {
            delay: ms(rng.below(50)),
            jitter: ms(rng.below(100)),
            loss: 0.2 * rng.unit(),
            duplicate: 0.2 * rng.unit(),
        }),
        _ => world.net.set_signalling(Weather::FINE),
    }
}

/// Lives through it all; gives the ladders of its calls.
fn live(seed: u64, with_mishaps: bool) -> String {
    let site = house(seed).card(&[("office", "201")]).user("alice", "wonder");
    let mut world = world_of(site);
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").password = Some("wonder".to_owned());
    let mut rng = Rng::new(seed);
    for _ in 0..150 {
        match rng.below(10) {
            0 if with_mishaps => mishap(&mut world, &mut rng),
            0..=5 => phone_does(&mut world, &mut rng),
            _ => peer_does(&mut world, &mut rng),
        }
        let pause = [5, 50, 300, 1500][rng.below(4) as usize];
        world.run_for(ms(1 + rng.below(pause)));
    }
    // All is repaired, everybody goes home.
    world.net.set_signalling(Weather::FINE);
    for card in 0..2 {
        world.corrupt(card, 0.0);
        world.unplug(card);
        world.plug(card);
    }
    for line in PHONES {
        world.phone(line).on_hook();
    }
    for name in PEERS {
        world.agent(name).answering = Answering::Refuse(480, "Gone Home");
        world.agent(name).hang_up();
    }
    world.run_for(s(40));
    for name in PEERS {
        world.agent(name).hang_up();
    }
    world.rest();
    assert_eq!(world.alive().lines_in_service, 3);
    for (line, number) in PHONES.iter().zip(["101", "102", "201"]) {
        world.agent("provider").call(number);
        world.wait("ringing", s(2), |w| w.diary(line).ringing);
        world.phone(line).off_hook();
        world.wait("answer", s(1), |w| w.phase("provider") == Phase::Talking);
        world.phone(line).on_hook();
        world.wait("the end", s(2), |w| w.phase("provider") == Phase::Idle);
    }
    world.rest();
    world.ladder()
}

#[test]
fn people_and_peers_do_what_they_like() {
    for n in 0..6 {
        live(21_000 + n, false);
    }
}

#[test]
fn and_cards_and_networks_fail_besides() {
    for n in 0..6 {
        live(22_000 + n, true);
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let lives = [(); 2].map(|()| live(22_500, true));
    assert_eq!(lives[0], lives[1]);
    assert_ne!(lives[0], live(22_501, true));
}

/// The auditor is no use if it sees nothing.
#[test]
#[should_panic(expected = "something is left")]
fn a_call_that_goes_on_is_noticed_by_the_auditor() {
    let mut world = world_of(house(23_000));
    crate::common::kitchen_calls_provider(&mut world);
    world.rest();
}
