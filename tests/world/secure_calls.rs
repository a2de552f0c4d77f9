//! `sips:` calls (RFC 5630): over TLS to the telephone, or not at all.

use tipring_call::Target;
use tipring_sim::{Phase, Site, Transport, World};

use crate::common::s;

/// A caller over TLS, and the user 201 whose telephones have registered over `transports`.
fn world(seed: u64, transports: &[Transport]) -> World {
    let mut world = World::new(Site::new("us", seed).listen(Transport::Tls).user("201", "wonder"));
    world.add_agent("caller", "10.0.3.1:5061");
    world.agent("caller").transport = Transport::Tls;
    world.agent("caller").domain = Some("elsewhere.example".to_owned());
    for (transport, at) in transports.iter().zip(1..) {
        let name = format!("201@{at}");
        world.add_agent(&name, &format!("10.0.2.{at}:5060"));
        world.agent(&name).transport = *transport;
        world.agent(&name).password = Some("wonder".to_owned());
        world.agent(&name).register(600);
        world.wait("the registration", s(3), |w| w.see(&name).saw("200 REGISTER") > 0);
    }
    world
}

#[test]
fn a_sips_call_to_who_is_not_registered_over_tls_is_refused() {
    let mut world = world(2601, &[Transport::Udp]);
    world.agent("caller").call_uri("sips:201@10.0.0.1:5061");
    world.wait("the refusal", s(3), |w| w.phase("caller") == Phase::Idle);
    let refusal = world.see("caller").response("480 INVITE").expect("it is refused").clone();
    assert_eq!(refusal.header("Warning"), Some("380 10.0.0.1:5061 \"SIPS Not Allowed\""));
    assert_eq!(world.see("201@1").saw("INVITE"), 0);
    // As the warning says, it may try without.
    world.agent("caller").call_uri("sip:201@10.0.0.1:5061");
    world.wait("answer", s(3), |w| w.phase("201@1") == Phase::Talking);
    world.agent("caller").hang_up();
    world.run_for(s(2));
}

#[test]
fn a_sips_call_rings_the_telephones_that_are_registered_over_tls_alone() {
    let mut world = world(2602, &[Transport::Udp, Transport::Tls]);
    world.agent("caller").call_uri("sips:201@10.0.0.1:5061");
    world.wait("answer", s(3), |w| w.phase("201@2") == Phase::Talking);
    assert_eq!(world.see("201@1").saw("INVITE"), 0);
    world.agent("caller").hang_up();
    world.run_for(s(2));
}

/// A user over TLS, who calls out by these trunks, the first one first.
fn calling_out(seed: u64, trunks: &[(&str, &str)]) -> World {
    let mut site = Site::new("us", seed)
        .listen(Transport::Tls)
        .user("201", "wonder")
        .name("private.example", "10.0.1.2");
    for (name, uri) in trunks {
        site = site.trunk(name, uri, None).route("9X.", Target::Trunk((*name).to_owned()), 1);
    }
    let mut world = World::new(site);
    world.add_agent("201", "10.0.2.1:5061");
    world.agent("201").transport = Transport::Tls;
    world.agent("201").password = Some("wonder".to_owned());
    world.agent("201").register(600);
    world.wait("the registration", s(3), |w| w.see("201").saw("200 REGISTER") > 0);
    world.add_agent("open", "10.0.1.1:5060");
    world.add_agent("private", "10.0.1.2:5061");
    world.agent("private").transport = Transport::Tls;
    world.agent("private").proves = vec!["private.example".to_owned()];
    world
}

#[test]
fn a_sips_call_by_a_trunk_that_is_not_reached_over_tls_is_refused() {
    let mut world = calling_out(2603, &[("open", "sip:10.0.1.1")]);
    world.agent("201").call_uri("sips:95551234@10.0.0.1:5061");
    world.wait("the refusal", s(3), |w| w.phase("201") == Phase::Idle);
    let refusal = world.see("201").response("480 INVITE").expect("it is refused").clone();
    assert_eq!(refusal.header("Warning"), Some("380 10.0.0.1:5061 \"SIPS Not Allowed\""));
    assert_eq!(world.see("open").saw("INVITE"), 0);
    world.agent("201").call_uri("sip:95551234@10.0.0.1:5061");
    world.wait("answer", s(3), |w| w.phase("open") == Phase::Talking);
    world.agent("201").hang_up();
    world.run_for(s(2));
}

#[test]
fn a_sips_call_goes_by_the_first_trunk_that_is_reached_over_tls() {
    for (seed, uri) in [(2604, "sip:private.example;transport=tls"), (2605, "sips:private.example")]
    {
        let mut world = calling_out(seed, &[("open", "sip:10.0.1.1"), ("private", uri)]);
        world.agent("201").call_uri("sips:95551234@10.0.0.1:5061");
        world.wait("answer", s(3), |w| w.phase("private") == Phase::Talking);
        assert_eq!(world.see("open").saw("INVITE"), 0);
        world.agent("201").hang_up();
        world.run_for(s(2));
    }
}
