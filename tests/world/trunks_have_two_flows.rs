//! A trunk with two proxies registers by way of both (RFC 5626): calls come in by either and go out over one that is
//! there, and one that is lost comes back by itself.

use std::time::Duration;

use tipring_call::Target;
use tipring_sim::{Account, Phase, Site, Transport, World};

use crate::common::{dial, ms, s};

const INSTANCE: &str = "urn:uuid:00000000-0000-1000-8000-aabbccddeeff";
const EDGES: [(&str, &str); 2] = [("first", "10.0.1.1:5060"), ("second", "10.0.1.2:5060")];

/// How long eight keys take, and no server's silence.
const DIALLING: Duration = Duration::from_millis(2500);

/// Two edges of a provider over `transport`; what their 200 to a REGISTER says besides.
fn world(seed: u64, transport: Transport, lines: &str) -> World {
    let mut site = Site::new("us", seed)
        .card(&[("kitchen", "101")])
        .trunk("provider", "sip:provider.example", Some(("gw", "secret")))
        .route("9X.", Target::Trunk("provider".to_owned()), 1);
    if transport == Transport::Tcp {
        site = site.listen(transport);
    }
    let trunk = &mut site.config.trunks[0];
    trunk.instance = Some(INSTANCE.to_owned());
    let proxy = |(_, address): &(&str, &str)| {
        let over = if transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("sip:{address}{over}").parse().expect("a URI")
    };
    trunk.proxies = EDGES.iter().map(proxy).collect();
    let mut world = World::new(site);
    for (name, address) in EDGES {
        world.add_agent(name, address);
        let mut edge = world.agent(name);
        edge.transport = transport;
        edge.provider.registrant =
            Some(Account { user: "gw".to_owned(), password: "secret".to_owned() });
        edge.provider.lines = lines.to_owned();
    }
    world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
    world.run_for(s(1));
    world
}

fn granted(world: &World) -> [u32; 2] {
    EDGES.map(|(name, _)| world.see(name).provider.granted())
}

/// The kitchen calls, which `edge` has once the number is dialled.
fn call(world: &mut World, edge: &str) {
    let seen = world.see(edge).saw("INVITE");
    dial(world, "kitchen", "95551234#");
    world.wait("INVITE", DIALLING, |w| w.see(edge).saw("INVITE") > seen);
    world.wait("answer", s(12), |w| w.phase(edge) == Phase::Talking);
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(3), |w| w.phase(edge) == Phase::Idle);
    world.run_for(s(1));
}

#[test]
fn it_registers_over_both_as_one_device() {
    let mut world = world(521, Transport::Tcp, "Require: outbound\r\n");
    assert_eq!(granted(&world), [1, 1]);
    assert_eq!(world.alive().connections, 2);
    for (name, reg_id) in [("first", 1), ("second", 2)] {
        let register = world.see(name).last("REGISTER").expect("it came").clone();
        let contact = register.header("Contact").unwrap_or_default().to_owned();
        assert!(contact.contains(&format!(";+sip.instance=\"<{INSTANCE}>\"")), "{contact}");
        assert!(contact.contains(&format!(";reg-id={reg_id}")), "{contact}");
        assert!(
            register.header("Route").is_some_and(|route| route.contains(";lr")),
            "{register:?}"
        );
    }
    // Nothing goes on for longer than an idle connection lives: pings keep both.
    world.run_for(s(1500));
    assert_eq!((granted(&world), world.alive().connections), ([1, 1], 2));
    for (edge, _) in EDGES {
        world.agent(edge).call("101");
        world.wait("ringing", s(2), |w| w.diary("kitchen").ringing);
        world.phone("kitchen").off_hook();
        world.run_for(s(1));
        world.phone("kitchen").on_hook();
        world.run_for(s(2));
    }
    assert!(world.cdrs().all(|cdr| cdr.from_leg == "provider"));
    world.rest();
}

#[test]
fn calls_go_on_over_the_other_while_one_is_lost_and_it_comes_back() {
    let mut world = world(522, Transport::Tcp, "Require: outbound\r\n");
    call(&mut world, "first");
    world.agent("first").switched_off = true;
    world.cut("first", false);
    world.run_for(ms(100));
    assert_eq!(world.alive().trunks_registered, 1);
    call(&mut world, "second");
    assert_eq!(world.see("second").saw("INVITE"), 1);
    world.agent("second").call("101");
    world.wait("ringing", s(2), |w| w.diary("kitchen").ringing);
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    // RFC 5626 §4.5: with another flow there, it is tried again after 90 to 180 s, and then after twice that.
    world.agent("first").switched_off = false;
    world.run_for(s(50));
    assert_eq!(granted(&world), [1, 1]);
    world.run_for(s(130));
    assert_eq!(granted(&world), [2, 1]);
    call(&mut world, "first");
    assert_eq!(world.alive().connections, 2);
    world.rest();
}

/// A datagram that is lost says nothing: the call finds out.
#[test]
fn a_call_over_a_flow_that_is_dead_goes_over_the_other_within_2_s() {
    let mut world = world(523, Transport::Udp, "Require: outbound\r\n");
    world.agent("first").switched_off = true;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("INVITE", s(10), |w| w.flying("INVITE"));
    let start = world.now();
    world.wait("the INVITE comes there", s(5), |w| w.see("second").saw("INVITE") == 1);
    let took = world.now() - start;
    assert!((ms(1700)..s(2)).contains(&took), "{took:?}");
    let invite = world.see("second").invite().expect("it came").clone();
    assert_eq!(invite.header("Route"), Some("<sip:10.0.1.2:5060;lr>"));
    world.wait("answer", s(12), |w| w.phase("second") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
    // The next one is not sent to who did not answer.
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(15), |w| w.phase("second") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().filter(|cdr| cdr.answer.is_some()).count(), 2);
}

#[test]
fn a_registrar_that_knows_of_no_flows_has_one() {
    let mut world = world(524, Transport::Udp, "");
    assert_eq!(granted(&world), [1, 0]);
    call(&mut world, "first");
    // The second is there for when the first is not.
    world.agent("first").switched_off = true;
    world.run_for(s(3600));
    assert_eq!((world.alive().trunks_registered, world.alive().sip.registrations), (1, 2));
    assert!(granted(&world)[1] >= 1);
    call(&mut world, "second");
    // And only then.
    world.agent("first").switched_off = false;
    world.run_for(s(300));
    assert_eq!((world.alive().trunks_registered, world.alive().sip.registrations), (1, 1));
    call(&mut world, "first");
    world.rest();
}
