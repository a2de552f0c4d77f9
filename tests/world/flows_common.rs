//! Sites and steps of the flows that tutorials and RFC 3665 draw; `docs/FLOWS.md` lists them.

use tipring_call::Target;
use tipring_sim::sound::{self, Sound};
use tipring_sim::{Phase, Proxy, Site, Text, World};

use crate::common::{dial, ms, s};

/// Our kitchen as Bob calls it: at his proxy.
pub const ALICE: &str = "sip:101@10.0.1.2:5060";

/// Alice is our kitchen (101): her gateway sends calls to the proxy `ss1`, which knows `ss2`, which
/// knows Bob (5551234). Each proxy record-routes the URI given here, or leaves the path.
pub fn atlanta(seed: u64, ss1: Option<&str>, ss2: Option<&str>) -> World {
    atlanta_of(site(seed), ss1, ss2)
}

/// The site of [`atlanta`].
pub fn site(seed: u64) -> Site {
    Site::new("us", seed).card(&[("kitchen", "101")]).trunk("ss1", "sip:10.0.1.1:5060", None).route(
        "9X.",
        Target::Trunk("ss1".to_owned()),
        1,
    )
}

/// [`atlanta`] with another site.
pub fn atlanta_of(site: Site, ss1: Option<&str>, ss2: Option<&str>) -> World {
    let mut world = World::in_service(site);
    world.add_agent("ss1", "10.0.1.1:5060");
    world.add_agent("ss2", "10.0.1.2:5060");
    world.add_agent("bob", "10.0.3.1:5060");
    let [first, second] = [world.see("ss1").sip(), world.see("ss2").sip()];
    let bob = world.see("bob").sip();
    let hosts = [
        ("ss1.atlanta.example.com".to_owned(), first),
        ("ss2.biloxi.example.com".to_owned(), second),
    ];
    let proxy = Proxy { hosts: hosts.into(), stateful: true, ..Proxy::default() };
    let next = [("5551234".to_owned(), second), ("101".to_owned(), tipring_sim::GATEWAY)];
    world.agent("ss1").proxy =
        Some(Proxy { users: next.into(), record_route: ss1.map(str::to_owned), ..proxy.clone() });
    let next = [("5551234".to_owned(), bob), ("101".to_owned(), first)];
    world.agent("ss2").proxy =
        Some(Proxy { users: next.into(), record_route: ss2.map(str::to_owned), ..proxy });
    world.agent("bob").outbound = Some(second);
    world
}

/// The kitchen calls Bob, who answers; both talk.
pub fn alice_calls_bob(world: &mut World) {
    dial(world, "kitchen", "95551234#");
    world.wait("answer", s(12), |w| w.phase("bob") == Phase::Talking);
    world.run_for(ms(500));
}

/// Bob calls the kitchen, who answers; both talk.
pub fn bob_calls_alice(world: &mut World) {
    world.agent("bob").call_uri(ALICE);
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    world.wait("answer", s(2), |w| w.phase("bob") == Phase::Talking);
    world.run_for(ms(500));
}

/// Puts the kitchen's receiver down and waits until nothing is left.
pub fn kitchen_hangs_up(world: &mut World) {
    world.phone("kitchen").on_hook();
    world.rest();
}

/// The kitchen and a SIP peer hear each other, word for word.
#[track_caller]
pub fn hear_each_other(world: &mut World, peer: &str) {
    let said = sound::speech(5, 3.0);
    world.agent(peer).media.listen_anew();
    world.phone("kitchen").listen();
    world.agent(peer).media.say(&said);
    let mine = world.phone("kitchen").say(&sound::speech(6, 3.0));
    world.run_for(s(4));
    let here = world.phone("kitchen").heard();
    let at = world.see(peer).media.spoken_at().expect("the peer has spoken");
    let theirs = Sound { at, samples: said };
    let (at, samples) = world.see(peer).media.heard();
    let there = Sound { at, samples };
    let [at_the_phone, at_the_peer] =
        [theirs.align(&here).correlation, mine.align(&there).correlation];
    assert!(at_the_phone > 0.99 && at_the_peer > 0.99, "{at_the_phone} {at_the_peer}");
}

/// The last request of this method that an agent got.
#[track_caller]
pub fn got(world: &World, agent: &str, method: &str) -> Text {
    world.see(agent).last(method).unwrap_or_else(|| panic!("{agent} got no {method}")).clone()
}

/// All requests of this method that an agent got, in order, repetitions too.
pub fn all(world: &World, agent: &str, method: &str) -> Vec<Text> {
    let received = world.see(agent).received().iter();
    received.filter(|text| text.status().is_none() && text.method() == method).cloned().collect()
}

/// The last response `200 INVITE` that an agent got.
#[track_caller]
pub fn response(world: &World, agent: &str, entry: &str) -> Text {
    let seen = world.see(agent);
    let response = seen.response(entry);
    response.unwrap_or_else(|| panic!("{agent} got no {entry}: {:?}", seen.log())).clone()
}

/// Waits for a response `200 INVITE`.
#[track_caller]
pub fn wait_for(world: &mut World, agent: &str, entry: &str) -> Text {
    world.wait(entry, s(5), |w| w.see(agent).response(entry).is_some());
    response(world, agent, entry)
}
