//! Thirty calls at once on one card, every voice where it belongs.

use tipring_call::Target;
use tipring_sim::sound::{self, Sound};
use tipring_sim::{Phase, Site, World};

use crate::common::{ms, s};

const CALLS: usize = 30;

#[test]
fn thirty_phones_of_one_card_talk_to_thirty_peers() {
    let names: Vec<_> = (0..CALLS).map(|n| (format!("line{n}"), format!("{}", 100 + n))).collect();
    let lines: Vec<_> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let peers: Vec<_> = (0..CALLS).map(|n| format!("peer{n}")).collect();
    let mut site = Site::new("us", 201).card(&lines);
    for (n, peer) in peers.iter().enumerate() {
        site = site.trunk(peer, &format!("sip:10.0.3.{}:5060", n + 1), None).route(
            &format!("9{}", 100 + n),
            Target::Trunk(peer.clone()),
            1,
        );
    }
    let mut world = World::in_service(site);
    for (n, peer) in peers.iter().enumerate() {
        world.add_agent(peer, &format!("10.0.3.{}:5060", n + 1));
    }
    for ((line, _), n) in names.iter().zip(0..) {
        world.phone(line).off_hook();
        world.run_for(ms(7 + n % 5));
    }
    world.run_for(s(1));
    for (n, (line, _)) in names.iter().enumerate() {
        world.phone(line).dial(&format!("9{}", 100 + n));
        world.run_for(ms(10));
    }
    let all = |w: &World| (0..CALLS).all(|n| w.phase(&format!("peer{n}")) == Phase::Talking);
    world.wait("all talk", s(10), all);
    world.run_for(s(1));
    let mut said = Vec::new();
    for (n, ((line, _), peer)) in names.iter().zip(&peers).enumerate() {
        world.agent(peer).media.listen_anew();
        let speech = sound::speech(500 + n as u64, 3.0);
        said.push(world.phone(line).say(&speech));
    }
    world.run_for(s(4));
    for (said, peer) in said.iter().zip(&peers) {
        let (at, samples) = world.agent(peer).media.heard();
        let found = said.align(&Sound { at, samples });
        assert!(found.correlation > 0.99, "{peer}: {found:?}");
    }
    let counters = world.media();
    assert_eq!((counters.card_late, counters.card_missing, counters.card_dropped), (0, 0, 0));
    for (n, ((line, _), peer)) in names.iter().zip(&peers).enumerate() {
        if n % 2 == 0 {
            world.phone(line).on_hook();
        } else {
            world.agent(peer).hang_up();
        }
    }
    world.run_for(s(2));
    for (line, _) in &names {
        world.phone(line).on_hook();
    }
    world.rest();
    assert_eq!(world.cdrs().len(), CALLS);
    assert!(world.cdrs().all(|cdr| cdr.cause().value() == 16 && cdr.answer.is_some()));
}
