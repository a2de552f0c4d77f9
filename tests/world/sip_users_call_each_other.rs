//! SIP to SIP through the gateway: users register with a digest and call each other; the legs are
//! two.

use tipring_sim::sound::{self, Sound};
use tipring_sim::{EndedBy, Phase, Site, World};

use crate::common::{ended, ms, s};

fn users(seed: u64) -> World {
    users_of(Site::new("us", seed))
}

fn users_of(site: Site) -> World {
    let mut world = World::new(site.user("alice", "wonder").user("bob", "builder"));
    world.add_agent("alice", "10.0.2.1:5060");
    world.add_agent("bob", "10.0.2.2:5060");
    world.agent("alice").password = Some("wonder".to_owned());
    world.agent("bob").password = Some("builder".to_owned());
    world
}

fn register(world: &mut World, name: &str) {
    world.agent(name).register(600);
    world.run_for(ms(100));
    assert_eq!(world.agent(name).saw("200 REGISTER"), 1, "{:?}", world.agent(name).log());
}

#[test]
fn registered_users_call_each_other_and_talk() {
    let mut world = users(41);
    register(&mut world, "alice");
    register(&mut world, "bob");
    assert_eq!(world.agent("alice").saw("401 REGISTER"), 1);
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    assert_eq!(world.agent("alice").saw("407 INVITE"), 1);
    world.run_for(ms(300));
    let said = sound::speech(5, 5.0);
    world.agent("bob").media.listen_anew();
    world.agent("alice").media.say(&said);
    world.run_for(s(6));
    let at = world.agent("alice").media.spoken_at().expect("she has spoken");
    let said = Sound { at, samples: said };
    let (at, samples) = world.agent("bob").media.heard();
    let heard = Sound { at, samples };
    let found = said.align(&heard);
    assert!(found.correlation > 0.99, "{found:?}");
    assert!(said.delays(&heard, found).iter().all(|d| *d == found.delay));
    world.agent("bob").hang_up();
    world.wait("BYE", s(1), |w| w.phase("alice") == Phase::Idle);
    world.rest();
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Callee, true));
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("alice", Some("bob")));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_wrong_password_neither_registers_nor_calls() {
    let mut world = users(42);
    world.agent("alice").password = Some("blunder".to_owned());
    world.agent("alice").register(600);
    world.run_for(s(1));
    assert_eq!(world.agent("alice").saw("200 REGISTER"), 0);
    world.agent("alice").call("bob");
    world.run_for(s(1));
    assert_eq!(world.phase("alice"), Phase::Idle);
    assert_eq!(world.agent("bob").log().len(), 0);
    world.rest();
    assert_eq!(world.cdrs().len(), 0);
}

#[test]
fn a_user_who_is_not_registered_is_absent() {
    let mut world = users(43);
    register(&mut world, "alice");
    world.agent("alice").call("bob");
    world.wait("the end", s(1), |w| w.phase("alice") == Phase::Idle);
    assert_eq!(world.agent("alice").saw("480 INVITE"), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (20, EndedBy::Gateway, false));
}

#[test]
fn a_registration_runs_out() {
    let mut world = users(44);
    register(&mut world, "alice");
    world.agent("bob").register(120);
    world.run_for(s(119));
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    world.agent("alice").hang_up();
    world.run_for(s(5));
    world.agent("alice").call("bob");
    world.wait("the end", s(1), |w| w.phase("alice") == Phase::Idle);
    world.rest();
    let ends: Vec<_> = world.cdrs().map(ended).collect();
    assert_eq!(ends, [(16, EndedBy::Caller, true), (20, EndedBy::Gateway, false)]);
}

#[test]
fn a_user_is_called_where_its_contact_says() {
    let mut world = users(45);
    world.add_agent("desk", "10.0.2.9:5070");
    let desk = "10.0.2.9:5070".parse().expect("an address");
    world.agent("bob").registers = Some(desk);
    register(&mut world, "alice");
    register(&mut world, "bob");
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    assert_eq!((world.agent("desk").saw("INVITE"), world.agent("bob").saw("INVITE")), (1, 0));
    world.agent("alice").write("bob", "Content-Type: text/plain\r\n", "hello");
    world.run_for(s(1));
    assert_eq!((world.agent("desk").saw("MESSAGE"), world.agent("bob").saw("MESSAGE")), (1, 0));
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn a_contact_at_a_trunk_gains_nobody_a_way_there() {
    let mut world = users_of(Site::new("us", 46).trunk("provider", "sip:10.0.1.1:5060", None));
    world.add_agent("provider", "10.0.1.1:5060");
    let provider = "10.0.1.1:5060".parse().expect("an address");
    world.agent("bob").registers = Some(provider);
    register(&mut world, "alice");
    register(&mut world, "bob");
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    assert_eq!((world.agent("bob").saw("INVITE"), world.agent("provider").saw("INVITE")), (1, 0));
    world.agent("alice").hang_up();
    world.rest();
}
