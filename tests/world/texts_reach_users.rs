//! MESSAGE through the gateway, and what it says to those who want to subscribe.

use tipring_sim::{Site, Weather, World};

use crate::common::{house, ms, s, world_of};

fn users(seed: u64) -> World {
    let site = Site::new("us", seed).user("alice", "wonder").user("bob", "builder");
    let mut world = World::new(site);
    for (name, address, password) in
        [("alice", "10.0.2.1:5060", "wonder"), ("bob", "10.0.2.2:5060", "builder")]
    {
        world.add_agent(name, address);
        world.agent(name).password = Some(password.to_owned());
        world.agent(name).register(600);
        world.run_for(ms(100));
    }
    world
}

const TEXT: &str = "Content-Type: text/plain;charset=UTF-8\r\nSubject: lunch\r\n";

#[test]
fn a_text_of_a_user_is_passed_on_to_another() {
    let mut world = users(401);
    world.agent("alice").write("bob", TEXT, "Watson, come here. ☎");
    world.wait("the answer", s(2), |w| w.see("alice").saw("200 MESSAGE") == 1);
    assert_eq!(world.agent("alice").saw("407 MESSAGE"), 1, "who writes proves who it is");
    let got = world.see("bob").last("MESSAGE").expect("bob got it").clone();
    assert_eq!(got.body, "Watson, come here. ☎");
    assert_eq!(got.header("Content-Type"), Some("text/plain;charset=UTF-8"));
    assert_eq!(got.header("Subject"), Some("lunch"));
    assert!(got.header("From").is_some_and(|from| from.contains("sip:alice@")));
    assert_eq!(got.header("Max-Forwards"), Some("69"));
    assert_eq!(got.header("Proxy-Authorization"), None, "a proof is for us alone");
    world.rest();
}

#[test]
fn a_text_that_a_contact_refuses_or_that_finds_none_is_refused() {
    let mut world = users(402);
    world.agent("bob").refuses_texts = Some(488);
    world.agent("alice").write("bob", TEXT, "Are you there?");
    world.wait("the refusal", s(2), |w| w.see("alice").saw("488 MESSAGE") == 1);
    world.agent("bob").register(0);
    world.run_for(ms(100));
    world.agent("alice").write("bob", TEXT, "And now?");
    world.wait("the refusal", s(2), |w| w.see("alice").saw("480 MESSAGE") == 1);
    world.agent("alice").write("nobody", TEXT, "Anyone?");
    world.wait("the refusal", s(2), |w| w.see("alice").saw("404 MESSAGE") == 1);
    world.rest();
}

#[test]
fn a_text_to_a_telephone_line_is_not_allowed() {
    let mut world = world_of(house(403));
    world.agent("provider").write("101", TEXT, "Hello telephone");
    world.wait("the refusal", s(2), |w| w.see("provider").saw("405 MESSAGE") == 1);
    world.rest();
}

#[test]
fn a_text_survives_a_network_that_loses_a_third() {
    let mut world = users(404);
    world.net.set_signalling(Weather { loss: 0.3, ..Weather::FINE });
    world.agent("alice").write("bob", TEXT, "once");
    world.wait("the answer", s(40), |w| w.see("alice").saw("200 MESSAGE") > 0);
    world.net.set_signalling(Weather::FINE);
    world.rest();
}

#[test]
fn who_subscribes_to_the_gateway_hears_that_it_serves_no_events() {
    let mut world = users(405);
    world.agent("alice").ask_with("SUBSCRIBE", "Event: presence\r\nExpires: 600\r\n");
    world.wait("the refusal", s(2), |w| w.see("alice").saw("489 SUBSCRIBE") == 1);
    world.agent("alice").ask_with("NOTIFY", "Event: presence\r\nSubscription-State: active\r\n");
    world.wait("the refusal", s(2), |w| w.see("alice").saw("481 NOTIFY") == 1);
    world.rest();
}
