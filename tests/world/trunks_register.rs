//! A trunk registers at its provider, proves who it is, stays registered for ever, and comes back
//! after an outage.

use tipring_call::Target;
use tipring_sim::{Account, EndedBy, Phase, Site, World};

use crate::common::{dial, ended, ms, s};

fn account() -> Account {
    Account { user: "gw".to_owned(), password: "secret".to_owned() }
}

fn world_with(seed: u64, uri: &str, expires: u32) -> World {
    world_of(site(seed, uri), expires)
}

fn site(seed: u64, uri: &str) -> Site {
    Site::new("us", seed)
        .card(&[("kitchen", "101")])
        .trunk("provider", uri, Some(("gw", "secret")))
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("provider.example", "10.0.1.1")
}

fn world_of(site: Site, expires: u32) -> World {
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.agent("provider").provider.registrant = Some(account());
    world.agent("provider").provider.expires = expires;
    world
}

fn granted(world: &World) -> u32 {
    world.see("provider").provider.granted()
}

#[test]
fn it_answers_the_challenge_and_refreshes_in_time_for_ever() {
    let mut world = world_with(101, "sip:provider.example", 300);
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    assert_eq!(granted(&world), 1);
    world.run_for(s(3600));
    // A refresh comes well before 300 s are over, and not ever more often.
    let granted = granted(&world);
    assert!((12..=26).contains(&granted), "{granted} registrations in an hour");
    assert_eq!(world.alive().trunks_registered, 1);
    world.rest();
}

#[test]
fn the_provider_is_away_for_ten_minutes_and_the_trunk_comes_back() {
    let mut world = world_with(102, "sip:10.0.1.1", 120);
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world.agent("provider").switched_off = true;
    world.wait("noticed", s(200), |w| w.alive().trunks_registered == 0);
    world.run_for(s(600));
    world.agent("provider").switched_off = false;
    let back = world.now();
    world.wait("registered again", s(310), |w| w.alive().trunks_registered == 1);
    println!("back after {:?}", world.now() - back);
    world.rest();
}

#[test]
fn a_wrong_password_is_not_tried_again_and_again() {
    let mut world = world_with(103, "sip:10.0.1.1", 120);
    world.agent("provider").provider.registrant =
        Some(Account { user: "gw".to_owned(), password: "changed".to_owned() });
    world.run_for(s(600));
    assert_eq!(world.alive().trunks_registered, 0);
    let tries = world.agent("provider").saw("REGISTER");
    assert!(tries < 60, "{tries} requests in ten minutes");
}

#[test]
fn an_outgoing_call_answers_407_and_401() {
    for (status, seed) in [(407, 104), (401, 105)] {
        let mut world = world_with(seed, "sip:10.0.1.1", 120);
        world.agent("provider").provider.caller = Some((status, account()));
        world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
        world.run_for(ms(500));
        dial(&mut world, "kitchen", "95551234#");
        world.wait("answer", s(8), |w| w.phase("provider") == Phase::Talking);
        assert_eq!(world.agent("provider").saw("INVITE"), 2);
        world.run_for(s(1));
        world.phone("kitchen").on_hook();
        world.rest();
        assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    }
}

/// Whoever is called may answer 401 as well, through the provider, to get at a hash of the password.
#[test]
fn a_challenge_in_another_realm_than_the_registrars_is_not_answered() {
    let mut world = world_with(119, "sip:10.0.1.1", 3600);
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
    world.agent("provider").provider.caller = Some((401, account()));
    let wording = ("elsewhere".to_owned(), "qop=\"auth\"".to_owned());
    world.agent("provider").provider.wording = Some(wording);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the end", s(10), |w| w.cdrs().len() == 1);
    assert_eq!(world.agent("provider").saw("INVITE"), 1);
    world.phone("kitchen").on_hook();
    // The next one asks as the registrar did.
    world.agent("provider").provider.wording = None;
    world.run_for(s(2));
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(8), |w| w.phase("provider") == Phase::Talking);
    assert_eq!(world.agent("provider").saw("INVITE"), 3);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_registrar_and_a_proxy_of_different_realms_are_both_answered_where_both_are_named() {
    let mut site = site(120, "sip:10.0.1.1");
    site.config.trunks[0].account.as_mut().expect("it has one").realms =
        vec!["provider".to_owned(), "elsewhere".to_owned()];
    let mut world = world_of(site, 3600);
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
    world.agent("provider").provider.caller = Some((407, account()));
    world.agent("provider").provider.wording =
        Some(("elsewhere".to_owned(), "qop=\"auth\"".to_owned()));
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(8), |w| w.phase("provider") == Phase::Talking);
    assert_eq!(world.agent("provider").saw("INVITE"), 2);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_call_that_the_provider_will_not_believe_is_rejected() {
    let mut world = world_with(106, "sip:10.0.1.1", 120);
    let other = Account { user: "gw".to_owned(), password: "other".to_owned() };
    world.agent("provider").provider.caller = Some((407, other));
    world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the end", s(10), |w| w.cdrs().len() == 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (21, EndedBy::Callee, false));
}

#[test]
fn a_call_from_the_provider_comes_in_by_the_trunk() {
    let mut world = world_with(107, "sip:provider.example", 120);
    world.wait("in service", s(3), |w| w.alive().lines_in_service == 1);
    world.run_for(ms(500));
    world.agent("provider").call("101");
    world.wait("ringing", s(2), |w| w.diary("kitchen").ringing);
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().from_leg, "provider");
}

#[test]
fn stopping_the_gateway_takes_the_registration_back() {
    let mut world = world_with(108, "sip:10.0.1.1", 120);
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world.shut_down();
    world.run_for(s(1));
    let last = world.agent("provider").last("REGISTER").expect("it came").clone();
    let contact = last.header("Contact").unwrap_or_default().to_owned();
    assert!(last.header("Expires") == Some("0") || contact.ends_with("expires=0"), "{last:?}");
    world.rest();
    assert_eq!(world.alive().sip.registrations, 0);
}

#[test]
fn a_dead_registrar_gives_way_to_the_next_within_2_s() {
    let mut site = Site::new("us", 151)
        .card(&[("kitchen", "101")])
        .trunk("provider", "sip:provider.example", Some(("gw", "secret")))
        .server("_sip._udp.provider.example", 1, 0, 5060, "a.provider.example")
        .server("_sip._udp.provider.example", 2, 0, 5060, "b.provider.example")
        .name("a.provider.example", "10.0.1.1")
        .name("b.provider.example", "10.0.1.2");
    site.dns.ttl = 300;
    let mut world = World::new(site);
    for (name, address) in [("provider", "10.0.1.1:5060"), ("spare", "10.0.1.2:5060")] {
        world.add_agent(name, address);
        world.agent(name).provider.registrant = Some(account());
        world.agent(name).provider.expires = 120;
    }
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    assert_eq!((granted(&world), world.see("spare").provider.granted()), (1, 0));
    world.agent("provider").switched_off = true;
    // The next refresh moves, and the trunk is never without a registration.
    let moved = world.run_until(s(120), |w| {
        assert_eq!(w.alive().trunks_registered, 1, "it stays registered");
        w.see("spare").provider.granted() == 1
    });
    assert!(moved, "the spare is asked");
    // From there a call comes in by the trunk.
    world.agent("spare").call("101");
    world.wait("ringing", s(2), |w| w.diary("kitchen").ringing);
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.wait("the end", s(3), |w| w.cdrs().len() == 1);
    assert_eq!(world.cdr().from_leg, "provider");
}

#[test]
fn calls_take_the_route_and_the_name_that_the_registrar_gave() {
    let mut site = Site::new("us", 152)
        .card(&[("kitchen", "101")])
        .trunk("provider", "sip:provider.example", Some(("gw", "secret")))
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("provider.example", "10.0.1.1")
        .name("edge.provider.example", "10.0.1.3");
    site.config.trunks[0].instance = Some("urn:uuid:1".to_owned());
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.add_agent("edge", "10.0.1.3:5060");
    let gruu = "sip:gw@provider.example;gr=urn:uuid:1";
    let mut registrar = world.agent("provider");
    registrar.provider.contact_params = format!(";pub-gruu=\"{gruu}\"");
    registrar.provider.lines = "Service-Route: <sip:edge.provider.example;lr>\r\n".to_owned();
    world.wait("in service", s(3), |w| {
        w.alive().lines_in_service == 1 && w.alive().trunks_registered == 1
    });
    world.run_for(ms(500));
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(8), |w| w.phase("edge") == Phase::Talking);
    let invite = world.see("edge").invite().expect("it came").clone();
    assert_eq!(invite.header("Route"), Some("<sip:edge.provider.example;lr>"));
    assert!(invite.header("Contact").is_some_and(|contact| contact.contains(gruu)), "{invite:?}");
    assert_eq!(world.see("provider").saw("INVITE"), 0);
    world.phone("kitchen").on_hook();
    world.rest();
}
