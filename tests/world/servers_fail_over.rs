//! A trunk's name leads to several servers: when one is dead or too busy the next is asked within two seconds, and what
//! was found out once is not forgotten because the name service is gone.

use tipring_call::Target;
use tipring_sim::{Answering, EndedBy, Mood, Phase, Site, Transport, World};

use crate::common::{dial, ended, ms, s};

const PHONE: &str = "kitchen";

fn site(seed: u64) -> Site {
    Site::new("us", seed)
        .card(&[(PHONE, "101")])
        .trunk("provider", "sip:provider.example", None)
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("a.provider.example", "10.0.1.1")
        .name("b.provider.example", "10.0.1.2")
}

/// Two servers, `first` before `second`, and a phone.
fn world(seed: u64) -> World {
    world_of(
        site(seed).server("_sip._udp.provider.example", 10, 0, 5060, "a.provider.example").server(
            "_sip._udp.provider.example",
            20,
            0,
            5070,
            "b.provider.example",
        ),
    )
}

fn world_of(site: Site) -> World {
    let mut world = World::in_service(site);
    world.add_agent("first", "10.0.1.1:5060");
    world.add_agent("second", "10.0.1.2:5070");
    world
}

/// The kitchen calls; how long after the first INVITE `server` talks, in seconds.
fn call(world: &mut World, server: &str) -> f64 {
    dial(world, PHONE, "95551234#");
    world.wait("INVITE", s(10), |w| w.flying("INVITE"));
    let start = world.now();
    let seen = world.see(server).saw("INVITE");
    world.wait("the INVITE comes there", s(40), |w| w.see(server).saw("INVITE") > seen);
    let took = world.now() - start;
    world.wait("answer", s(12), |w| w.phase(server) == Phase::Talking);
    took.as_secs_f64()
}

fn hang_up(world: &mut World, server: &str) {
    world.run_for(s(1));
    world.phone(PHONE).on_hook();
    world.wait("BYE", s(3), |w| w.phase(server) == Phase::Idle);
    world.run_for(s(1));
}

#[test]
fn a_dead_server_costs_less_than_2_s_once_and_is_passed_over_then() {
    let mut world = world(131);
    world.agent("first").switched_off = true;
    let took = call(&mut world, "second");
    assert!(took < 2.0, "{took} s");
    hang_up(&mut world, "second");
    // Parked: it is not even asked.
    let took = call(&mut world, "second");
    assert!(took < 0.1, "{took} s");
    hang_up(&mut world, "second");
    // It is back, and its 30 s are over.
    world.agent("first").switched_off = false;
    world.run_for(s(30));
    let took = call(&mut world, "first");
    assert!(took < 0.1, "{took} s");
    hang_up(&mut world, "first");
    world.rest();
    assert_eq!(world.cdrs().len(), 3);
    assert!(world.cdrs().all(|cdr| ended(cdr) == (16, EndedBy::Caller, true)));
}

#[test]
fn a_server_that_says_503_gives_way_at_once() {
    let mut world = world(132);
    world.agent("first").answering = Answering::Refuse(503, "Service Unavailable");
    let took = call(&mut world, "second");
    assert!(took < 0.1, "{took} s");
    assert_eq!(world.see("first").saw("ACK"), 1);
    hang_up(&mut world, "second");
    world.rest();
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_refusal_of_the_call_is_not_asked_for_twice() {
    let mut world = world(133);
    world.agent("first").answering = Answering::Refuse(486, "Busy Here");
    dial(&mut world, PHONE, "95551234#");
    world.wait("the end", s(10), |w| w.cdrs().len() == 1);
    world.phone(PHONE).on_hook();
    world.rest();
    assert_eq!(world.see("second").saw("INVITE"), 0);
    assert_eq!(ended(world.cdr()).0, 17);
}

#[test]
fn all_servers_dead_is_a_call_that_fails_in_bounded_time() {
    let mut world = world(134);
    world.agent("first").switched_off = true;
    world.agent("second").switched_off = true;
    dial(&mut world, PHONE, "95551234#");
    world.wait("the end", s(60), |w| w.cdrs().len() == 1);
    world.phone(PHONE).on_hook();
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

#[test]
fn a_call_given_up_while_the_server_is_silent_rings_nowhere() {
    let mut world = world(135);
    world.agent("first").switched_off = true;
    dial(&mut world, PHONE, "95551234#");
    world.wait("INVITE", s(10), |w| w.flying("INVITE"));
    // Less than the length of a hook flash before the next server's turn.
    world.run_for(ms(300));
    world.phone(PHONE).on_hook();
    world.rest();
    assert_eq!(world.see("second").saw("INVITE"), 0);
}

#[test]
fn the_name_service_may_be_gone_for_long() {
    for (mood, seed) in [(Mood::Silent, 136), (Mood::Failing, 137), (Mood::Lying, 138)] {
        let mut world = world(seed);
        call(&mut world, "first");
        hang_up(&mut world, "first");
        world.dns.mood = mood;
        world.run_for(s(700));
        let took = call(&mut world, "first");
        assert!(took < 0.1, "{took} s");
        hang_up(&mut world, "first");
        // And failover needs no name service either.
        world.agent("first").switched_off = true;
        let took = call(&mut world, "second");
        assert!(took < 2.0, "{mood:?}: {took} s");
        hang_up(&mut world, "second");
        world.rest();
    }
}

#[test]
fn a_name_that_was_never_found_fails_the_call_and_not_the_gateway() {
    let mut site = site(139);
    site.dns.mood = Mood::Silent;
    let mut world = world_of(site);
    dial(&mut world, PHONE, "95551234#");
    world.wait("the end", s(15), |w| w.cdrs().len() == 1);
    world.phone(PHONE).on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()).0, 3, "no route to destination");
    // The name service comes up: the next call finds its way.
    world.dns.mood = Mood::Well;
    world.dns.server("_sip._udp.provider.example", 10, 0, 5060, "a.provider.example");
    world.run_for(s(30));
    call(&mut world, "first");
    hang_up(&mut world, "first");
    world.rest();
}

#[test]
fn servers_of_one_priority_share_the_calls() {
    let mut world =
        world_of(
            site(140)
                .server("_sip._udp.provider.example", 10, 50, 5060, "a.provider.example")
                .server("_sip._udp.provider.example", 10, 50, 5070, "b.provider.example"),
        );
    for _ in 0..12 {
        dial(&mut world, PHONE, "95551234#");
        let talking =
            |w: &World| ["first", "second"].iter().any(|at| w.phase(at) == Phase::Talking);
        world.wait("answer", s(15), talking);
        world.phone(PHONE).on_hook();
        world.run_for(s(2));
    }
    world.rest();
    let [first, second] = ["first", "second"].map(|server| world.see(server).saw("INVITE"));
    assert_eq!(first + second, 12);
    assert!(first >= 2 && second >= 2, "{first} and {second}");
}

#[test]
fn a_redirection_to_a_name_is_located_too() {
    let mut world = world(141);
    world.add_agent("elsewhere", "10.0.1.7:5080");
    world.dns.server("_sip._udp.elsewhere.example", 1, 0, 5080, "host.elsewhere.example");
    world.dns.address("host.elsewhere.example", "10.0.1.7");
    world.agent("first").answering = Answering::Redirect("sip:777@elsewhere.example".to_owned());
    dial(&mut world, PHONE, "95551234#");
    world.wait("answer", s(12), |w| w.phase("elsewhere") == Phase::Talking);
    hang_up(&mut world, "elsewhere");
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// An offer names an address of one family, so that the other family gets an INVITE of its own.
#[test]
fn a_dead_address_of_the_other_family_costs_less_than_2_s_too() {
    let mut site = site(142);
    let v6 = "[fd00::1]:5060".parse().expect("an address");
    site.config.sip.listen.push((Transport::Udp, v6));
    let mut site = site
        .server("_sip._udp.provider.example", 1, 0, 5060, "both.provider.example")
        .name("both.provider.example", "fd00::99")
        .name("both.provider.example", "10.0.1.1");
    site.dns.ttl = 3600;
    let mut world = world_of(site);
    let took = call(&mut world, "first");
    assert!((1.7..2.0).contains(&took), "{took} s");
    let invite = world.see("first").invite().expect("it came").clone();
    assert!(format!("{invite:?}").contains("IN IP4 10.0.0.1"), "{invite:?}");
    assert!(invite.header("Contact").is_some_and(|contact| contact.contains("@10.0.0.1:5060")));
    hang_up(&mut world, "first");
    // Parked.
    let took = call(&mut world, "first");
    assert!(took < 0.1, "{took} s");
    hang_up(&mut world, "first");
    world.rest();
    assert!(world.cdrs().all(|cdr| ended(cdr) == (16, EndedBy::Caller, true)));
}

#[test]
fn a_server_that_is_back_is_found_without_a_call_that_waits_for_it() {
    let mut world = world(143);
    world.agent("first").switched_off = true;
    call(&mut world, "second");
    hang_up(&mut world, "second");
    // Away for much longer than it is parked, and no call has to wait for it again.
    for _ in 0..5 {
        world.run_for(s(100));
        let took = call(&mut world, "second");
        assert!(took < 0.1, "{took} s");
        hang_up(&mut world, "second");
    }
    assert_eq!(world.see("first").saw("INVITE"), 0);
    world.agent("first").switched_off = false;
    world.run_for(s(25));
    assert!(world.see("first").saw("OPTIONS") > 0);
    let took = call(&mut world, "first");
    assert!(took < 0.1, "{took} s");
    hang_up(&mut world, "first");
    let asked = world.see("first").saw("OPTIONS");
    world.run_for(s(600));
    assert_eq!(world.see("first").saw("OPTIONS"), asked, "it is not asked any longer");
    world.rest();
    assert!(world.cdrs().all(|cdr| ended(cdr) == (16, EndedBy::Caller, true)));
}
