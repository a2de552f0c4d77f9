//! Who calls in by a trunk: its address is enough where nobody can do better, over TLS it must be its name.

use tipring_call::Target;
use tipring_sim::{Phase, Site, Transport, World};

use crate::common::{kitchen_calls_provider, s};

const ASSERTED: &str = "P-Asserted-Identity: \"Ada\" <sip:5550100@10.0.1.1>\r\n";

/// A trusted trunk over `transport` beside a gateway that also takes datagrams.
fn site(seed: u64, uri: &str, transport: Transport) -> Site {
    let mut site = Site::new("us", seed)
        .listen(transport)
        .card(&[("kitchen", "101")])
        .trunk("provider", uri, None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("provider.example", "10.0.1.1");
    site.config.trunks[0].trusted = true;
    site
}

/// Whose call it is that `who` makes to the kitchen, and whom the record says it is from.
fn called_by(world: &mut World, who: &str) -> (String, Option<String>) {
    let now = world.now();
    world.agent(who).call_with(now, "101", ASSERTED);
    world.wait("the bell", s(3), |w| w.diary("kitchen").ringing);
    world.agent(who).hang_up();
    world.wait("the end", s(3), |w| w.phase(who) == Phase::Idle);
    world.rest();
    let cdr = world.cdrs().last().expect("a record");
    (cdr.from_leg.clone(), cdr.calling.as_deref().map(str::to_owned))
}

fn may_call_out(world: &mut World, who: &str) -> bool {
    let refused = world.see(who).saw("403 INVITE");
    world.agent(who).call("95551234");
    world.wait("the refusal", s(5), |w| w.phase(who) == Phase::Idle);
    world.see(who).saw("403 INVITE") == refused
}

#[test]
fn a_datagram_from_the_address_of_a_trunk_over_a_connection_is_a_strangers() {
    for (seed, uri, transport) in [
        (2401, "sips:provider.example", Transport::Tls),
        (2402, "sip:provider.example;transport=tcp", Transport::Tcp),
    ] {
        let mut world = World::in_service(site(seed, uri, transport));
        // Whoever can send with the provider's address.
        world.add_agent("mallory", "10.0.1.1:5060");
        let (from, calling) = called_by(&mut world, "mallory");
        assert_eq!((from.as_str(), calling.as_deref()), ("guest", Some("mallory")), "{uri}");
        assert!(!may_call_out(&mut world, "mallory"), "{uri}");
    }
}

#[test]
fn over_tls_a_trunk_is_who_proves_its_name() {
    for (seed, proves, from) in [
        (2403, vec!["provider.example"], "provider"),
        (2404, vec!["somebody.example"], "guest"),
        (2405, vec![], "guest"),
    ] {
        let mut world = World::in_service(site(seed, "sips:provider.example", Transport::Tls));
        world.add_agent("provider", "10.0.1.1:5061");
        world.agent("provider").transport = Transport::Tls;
        world.agent("provider").proves = proves.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(called_by(&mut world, "provider").0, from, "{proves:?}");
    }
}

#[test]
fn a_trunk_reached_by_datagrams_may_call_over_a_connection_from_its_address() {
    let mut world = World::in_service(site(2406, "sip:10.0.1.1:5060", Transport::Tcp));
    world.add_agent("provider", "10.0.1.1:5060");
    world.agent("provider").transport = Transport::Tcp;
    let (from, calling) = called_by(&mut world, "provider");
    assert_eq!((from.as_str(), calling.as_deref()), ("provider", Some("5550100")));
}

#[test]
fn a_trunk_may_call_over_the_connection_that_we_made_to_it() {
    let mut world = World::in_service(site(2407, "sips:provider.example", Transport::Tls));
    world.add_agent("provider", "10.0.1.1:5061");
    world.agent("provider").transport = Transport::Tls;
    world.agent("provider").proves = vec!["provider.example".to_owned()];
    kitchen_calls_provider(&mut world);
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
    let connections = world.alive().connections;
    assert_eq!(called_by(&mut world, "provider").0, "provider");
    assert_eq!(world.alive().connections, connections);
}
