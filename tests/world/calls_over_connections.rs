//! Calls over TCP, TLS and WebSocket: like any other, also when connections break.

use tipring_call::Target;
use tipring_sim::{Account, EndedBy, Phase, Site, ToneName, Transport, World};

use crate::common::{dial, ended, kitchen_calls_provider, ms, provider_calls_kitchen, s, talk};

/// A phone, and a provider at `uri` behind prefix 9 that speaks over `transport`.
fn world(seed: u64, transport: Transport, uri: &str, address: &str) -> World {
    let site = Site::new("us", seed)
        .listen(transport)
        .card(&[("kitchen", "101")])
        .trunk("provider", uri, None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("provider.example", "10.0.1.1");
    let mut world = World::in_service(site);
    world.add_agent("provider", address);
    world.agent("provider").transport = transport;
    world
}

fn tcp(seed: u64) -> World {
    world(seed, Transport::Tcp, "sip:10.0.1.1:5060;transport=tcp", "10.0.1.1:5060")
}

fn tls(seed: u64, proves: &str) -> World {
    let uri = "sip:provider.example;transport=tls";
    let mut world = world(seed, Transport::Tls, uri, "10.0.1.1:5061");
    world.agent("provider").proves = vec![proves.to_owned()];
    world
}

fn hang_up(world: &mut World) {
    world.phone("kitchen").on_hook();
    world.wait("the end", s(3), |w| w.phase("provider") == Phase::Idle);
    world.rest();
}

#[test]
fn a_call_over_tcp_is_like_any_other() {
    let mut world = tcp(501);
    kitchen_calls_provider(&mut world);
    let via = world.see("provider").invite().and_then(|invite| invite.header("Via"));
    assert!(via.is_some_and(|via| via.starts_with("SIP/2.0/TCP 10.0.0.1:5060;")), "{via:?}");
    world.run_for(s(2));
    hang_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.alive().connections, 1);
    let seen = world.see("provider").log().to_vec();
    assert_eq!(seen, ["INVITE", "ACK", "BYE"], "nothing is sent twice");
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_peer_calls_over_tcp_and_hangs_up() {
    let mut world = tcp(502);
    provider_calls_kitchen(&mut world);
    world.agent("provider").hang_up();
    world.wait("open loop or tone", s(12), |w| w.diary("kitchen").tone.is_some());
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.see("provider").saw("200 INVITE"), 1);
}

#[test]
fn over_tls_the_provider_must_prove_the_name_of_the_trunk() {
    let mut world = tls(503, "provider.example");
    kitchen_calls_provider(&mut world);
    hang_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));

    let mut world = tls(504, "somebody.example");
    dial(&mut world, "kitchen", "95551234#");
    world.wait("a tone", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.see("provider").saw("INVITE"), 0, "nothing was said to it");
}

#[test]
fn a_connection_that_breaks_does_not_end_a_call() {
    for in_order in [true, false] {
        let mut world = tcp(505);
        kitchen_calls_provider(&mut world);
        world.cut("provider", in_order);
        world.run_for(s(5));
        assert_eq!(world.phase("provider"), Phase::Talking);
        assert_eq!(world.alive().connections, 0);
        hang_up(&mut world);
        assert_eq!(world.see("provider").saw("BYE"), 1, "over a connection of its own");
        assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    }
}

#[test]
fn a_call_that_rings_is_answered_over_another_connection() {
    let mut world = tcp(506);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("ringing", s(12), |w| w.phase("provider") == Phase::Ringing);
    world.run_for(ms(200));
    world.cut("provider", true);
    talk(&mut world);
    hang_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_call_that_rings_ends_when_its_connection_is_reset() {
    let mut world = tcp(507);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("ringing", s(12), |w| w.phase("provider") == Phase::Ringing);
    world.run_for(ms(200));
    world.agent("provider").switched_off = true;
    world.cut("provider", false);
    world.wait("a tone", s(1), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.agent("provider").switched_off = false;
    world.rest();
    assert!(!ended(world.cdr()).2);
}

#[test]
fn a_provider_that_refuses_connections_fails_the_call_at_once() {
    let mut world = tcp(508);
    world.agent("provider").switched_off = true;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("a tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_trunk_whose_connection_breaks_registers_again_at_once() {
    let site = Site::new("us", 509).listen(Transport::Tcp).card(&[("kitchen", "101")]).trunk(
        "provider",
        "sip:10.0.1.1:5060;transport=tcp",
        Some(("gw", "secret")),
    );
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.agent("provider").transport = Transport::Tcp;
    world.agent("provider").provider.registrant =
        Some(Account { user: "gw".to_owned(), password: "secret".to_owned() });
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    let before = world.see("provider").provider.granted();
    world.run_for(s(20));
    assert_eq!(world.see("provider").provider.granted(), before);
    world.cut("provider", false);
    world.run_for(s(2));
    assert_eq!(world.see("provider").provider.granted(), before + 1);
    assert_eq!(world.alive().trunks_registered, 1);
}

#[test]
fn a_browser_registers_and_is_called_over_its_web_socket() {
    for transport in [Transport::Ws, Transport::Wss] {
        let site = Site::new("us", 510)
            .listen(transport)
            .card(&[("kitchen", "101")])
            .user("201", "wonder");
        let mut world = World::in_service(site);
        world.add_agent("201", "10.0.2.1:5060");
        world.agent("201").transport = transport;
        world.agent("201").password = Some("wonder".to_owned());
        world.agent("201").register(600);
        world.run_for(ms(100));
        assert_eq!(world.see("201").saw("200 REGISTER"), 1, "{:?}", world.see("201").log());
        // Nothing is said for longer than an idle connection lives.
        world.run_for(s(590));
        world.agent("201").register(600);
        dial(&mut world, "kitchen", "201#");
        world.wait("answer", s(12), |w| w.phase("201") == Phase::Talking);
        world.run_for(s(1));
        world.agent("201").hang_up();
        world.wait("open loop or tone", s(12), |w| w.diary("kitchen").tone.is_some());
        world.phone("kitchen").on_hook();
        world.rest();
        assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    }
}
