//! A card's cable is pulled in a call: the peer is told why at once, other cards go on, and
//! plugging it in heals it.

use tipring_call::Target;
use tipring_sim::sound::{self, Sound};
use tipring_sim::{EndedBy, Phase, Site, ToneName, World};

use crate::common::{dial, ended, ms, s};

/// Two cards, each with a phone; two providers.
fn two_cards(seed: u64) -> World {
    let site = Site::new("us", seed)
        .card(&[("kitchen", "101"), ("hall", "102")])
        .card(&[("office", "201")])
        .trunk("provider", "sip:10.0.1.1:5060", None)
        .trunk("carrier", "sip:10.0.1.2:5060", None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .route("8X.", Target::Trunk("carrier".to_owned()), 1);
    let mut world = World::in_service(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.add_agent("carrier", "10.0.1.2:5060");
    world
}

fn talk_on(world: &mut World, line: &str, digits: &str, peer: &str) {
    dial(world, line, digits);
    world.wait("answer", s(8), |w| w.phase(peer) == Phase::Talking);
    world.run_for(ms(500));
}

/// Pulls the cable of `card` while both phones talk; the other call must not notice.
fn unplug_in_a_call(card: usize, seed: u64) {
    let mut world = two_cards(seed);
    talk_on(&mut world, "kitchen", "95551234#", "provider");
    talk_on(&mut world, "office", "85551234#", "carrier");
    let (lost, stays, line, number) = match card {
        0 => ("provider", "carrier", "office", "101"),
        _ => ("carrier", "provider", "kitchen", "201"),
    };
    world.unplug(card);
    let pulled = world.now();
    world.wait("BYE", ms(300), |w| w.phase(lost) == Phase::Idle);
    println!("BYE after {:?}", world.now() - pulled);
    let bye = world.agent(lost).last("BYE").expect("it came").clone();
    let reason = bye.header("Reason").unwrap_or_default().to_owned();
    assert!(reason.starts_with("Q.850;cause=27"), "{reason:?}");

    world.agent(stays).media.listen_anew();
    let said = world.phone(line).say(&sound::speech(6, 8.0));
    world.run_for(s(9));
    assert_eq!(world.phase(stays), Phase::Talking);
    let (at, samples) = world.agent(stays).media.heard();
    let heard = Sound { at, samples };
    let found = said.align(&heard);
    let likeness = said.likeness(&heard, found);
    println!("the other call: {found:?} {likeness} {:?}", said.delays(&heard, found));
    assert!(likeness > 0.95, "the other call: {likeness} {found:?}");

    // While it is away its number cannot be reached.
    world.agent(lost).call(number);
    world.wait("the end", s(2), |w| w.phase(lost) == Phase::Idle);
    assert_eq!(world.agent(lost).saw("502 INVITE"), 1);

    world.phone(if card == 0 { "kitchen" } else { "office" }).on_hook();
    world.plug(card);
    world.wait("in service", s(2), |w| w.alive().lines_in_service == 3);
    world.agent(lost).call(number);
    let back = if card == 0 { "kitchen" } else { "office" };
    world.wait("it rings", s(2), |w| w.diary(back).ringing);
    world.phone(back).off_hook();
    world.wait("answer", s(1), |w| w.phase(lost) == Phase::Talking);
    world.agent(lost).hang_up();
    world.phone(line).on_hook();
    world.run_for(s(1));
    world.phone(back).on_hook();
    world.rest();
    let causes: Vec<_> = world.cdrs().map(|cdr| cdr.cause().value()).collect();
    assert_eq!(causes, [27, 27, 16, 16]);
}

#[test]
fn the_card_that_paces_the_engine() {
    unplug_in_a_call(0, 181);
}

#[test]
fn a_card_that_follows() {
    unplug_in_a_call(1, 182);
}

#[test]
fn a_phone_that_rings_when_its_card_goes_refuses_with_502() {
    let mut world = two_cards(183);
    world.agent("provider").call("101");
    world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
    world.unplug(0);
    world.wait("the end", ms(300), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("502 INVITE"), 1);
    world.plug(0);
    world.wait("in service", s(2), |w| w.alive().lines_in_service == 3);
    world.rest();
    assert_eq!(ended(world.cdr()), (27, EndedBy::Callee, false));
}

#[test]
fn phones_of_both_cards_in_one_call() {
    let mut world = two_cards(184);
    dial(&mut world, "kitchen", "201");
    world.wait("ringing", s(3), |w| w.diary("office").ringing);
    world.phone("office").off_hook();
    world.run_for(s(1));
    world.unplug(1);
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.phone("office").on_hook();
    world.plug(1);
    world.wait("in service", s(2), |w| w.alive().lines_in_service == 3);
    world.rest();
    assert_eq!(ended(world.cdr()), (27, EndedBy::Callee, true));
}

#[test]
fn a_phone_that_is_off_the_hook_when_its_card_comes_back_gets_dial_tone() {
    let mut world = two_cards(185);
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.unplug(0);
    world.run_for(s(1));
    world.plug(0);
    world.wait("dial tone", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Dial));
    world.phone("kitchen").on_hook();
    world.rest();
}
