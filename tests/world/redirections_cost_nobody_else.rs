//! Who is called may send a call on where it might call itself, and no farther; a trunk may name another server of its own.

use tipring_call::{RuleFrom, Target};
use tipring_sim::{Account, Answering, Phase, Site, World};

use crate::common::{dial, house, s, world_of};

/// The house and the user 201, whose telephone redirects to `contact`; `rights` says who may call out by which trunk.
fn with_user(seed: u64, rights: &[(&str, &str)], contact: &str) -> World {
    let mut site = house(seed).user("201", "wonder").trunk("backup", "sip:10.0.1.9:5060", None);
    site.config.rules.clear();
    for (who, trunk) in rights {
        site = site.route("9X.", Target::Trunk((*trunk).to_owned()), 1);
        site.config.rules.last_mut().expect("the rule").from = RuleFrom::Named((*who).to_owned());
    }
    let mut world = world_of(site);
    world.add_agent("backup", "10.0.1.9:5060");
    world.add_agent("201", "10.0.2.1:5060");
    world.agent("201").password = Some("wonder".to_owned());
    world.agent("201").register(600);
    world.wait("the registration", s(3), |w| w.see("201").saw("200 REGISTER") > 0);
    world.agent("201").answering = Answering::Redirect(contact.to_owned());
    world
}

fn invites(world: &World, who: &str) -> usize {
    world.see(who).saw("INVITE")
}

/// The kitchen dials, and the call comes to nothing.
fn fails(world: &mut World, digits: &str) {
    dial(world, "kitchen", digits);
    world.wait("the end", s(10), |w| w.cdrs().len() == 1);
    world.phone("kitchen").on_hook();
    world.agent("201").register(0);
    world.rest();
}

#[test]
fn a_user_who_may_not_call_out_cannot_send_others_out() {
    for (seed, contact) in [
        (2501, "sip:95551234@10.0.0.1"),
        // Where the trunk is, without its name.
        (2502, "sip:5551234@10.0.1.1:5060"),
        (2503, "sip:5551234@10.0.1.1:5070"),
    ] {
        let mut world = with_user(seed, &[("kitchen", "provider")], contact);
        fails(&mut world, "201#");
        assert_eq!((invites(&world, "201"), invites(&world, "provider")), (1, 0), "{contact}");
    }
}

#[test]
fn a_user_sends_calls_out_where_it_may_call_out_itself() {
    // Also those of somebody who may not, as the public telephone network.
    let mut world = with_user(2504, &[("201", "backup")], "sip:95551234@10.0.0.1");
    world.agent("provider").call("201");
    world.wait("answer", s(5), |w| w.phase("backup") == Phase::Talking);
    let invite = world.see("backup").invite().expect("it came").clone();
    assert!(invite.first.contains("sip:5551234@"), "{}", invite.first);
    world.agent("provider").hang_up();
    world.agent("201").register(0);
    world.rest();
}

#[test]
fn who_is_called_by_a_trunk_reaches_what_strangers_reach() {
    for (seed, contact) in [
        (2505, "sip:90019001@10.0.0.1"),
        (2506, "sip:0019001@10.0.1.1:5060"),
        (2507, "tel:90019001"),
    ] {
        let mut world =
            with_user(seed, &[("kitchen", "provider"), ("provider", "backup")], "sip:1@x");
        world.agent("provider").answering = Answering::Redirect(contact.to_owned());
        fails(&mut world, "95551234#");
        assert_eq!(invites(&world, "provider"), 1, "{contact}");
        assert_eq!(invites(&world, "backup"), 0, "{contact}");
    }
}

fn account() -> Account {
    Account { user: "gw".to_owned(), password: "secret".to_owned() }
}

/// A provider with a second server, which asks who calls.
fn two_servers(seed: u64, status: u16, contact: &str) -> World {
    served_by_two(two_servers_site(seed), status, contact)
}

fn two_servers_site(seed: u64) -> Site {
    let mut site = Site::new("us", seed)
        .card(&[("kitchen", "101")])
        .trunk("provider", "sip:provider.example", Some(("gw", "secret")))
        .route("9X.", Target::Trunk("provider".to_owned()), 1)
        .name("provider.example", "10.0.1.1")
        .name("edge.provider.example", "10.0.1.7");
    site.config.trunks[0].trusted = true;
    site
}

fn served_by_two(site: Site, status: u16, contact: &str) -> World {
    let mut world = World::in_service(site);
    world.add_agent("provider", "10.0.1.1:5060");
    world.add_agent("edge", "10.0.1.7:5060");
    world.agent("provider").provider.registrant = Some(account());
    world.agent("edge").provider.caller = Some((407, account()));
    world.agent("provider").answering = Answering::Elsewhere(status, contact.to_owned());
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    world
}

#[test]
fn a_trunk_that_names_another_server_of_its_own_is_called_there_as_the_trunk() {
    for (seed, status, contact, route) in [
        (2511, 305, "sip:edge.provider.example", Some("<sip:edge.provider.example;lr>")),
        (2512, 302, "sip:5551234@edge.provider.example", None),
    ] {
        let mut world = two_servers(seed, status, contact);
        dial(&mut world, "kitchen", "95551234#");
        world.wait("answer", s(9), |w| w.phase("edge") == Phase::Talking);
        let invite = world.see("edge").invite().expect("it came").clone();
        assert_eq!(invite.header("Route"), route);
        assert_eq!(invite.header("P-Asserted-Identity"), Some("<sip:101@provider.example>"));
        assert_eq!(invite.uri("From"), Some("sip:101@provider.example"));
        // It is the same call to the same party.
        assert_eq!((invite.header("Diversion"), invite.header("History-Info")), (None, None));
        world.phone("kitchen").on_hook();
        world.rest();
        assert_eq!(
            (world.cdr().redirecting.as_deref(), world.cdr().to_leg.as_deref()),
            (None, Some("provider"))
        );
    }
}

#[test]
fn a_trunk_names_a_server_of_its_own_by_address_too() {
    let site = two_servers_site(2515).name("provider.example", "10.0.1.7");
    let mut world = served_by_two(site, 302, "sip:5551234@10.0.1.7");
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(9), |w| w.phase("edge") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().to_leg.as_deref(), Some("provider"));
}

#[test]
fn the_account_does_not_follow_a_contact_that_leads_away_under_the_name_of_the_trunk() {
    for (seed, status, contact) in [
        (2516, 302, "sip:5551234@provider.example;maddr=10.0.1.7"),
        (2517, 305, "sip:provider.example;maddr=10.0.1.7"),
        (2518, 302, "sip:5551234@10.0.1.7:5060"),
    ] {
        let mut world = two_servers(seed, status, contact);
        dial(&mut world, "kitchen", "95551234#");
        world.wait("the end", s(9), |w| w.cdrs().len() == 1 || w.see("edge").saw("INVITE") > 0);
        let signed = |w: &World| {
            w.see("edge").invite().map(|invite| {
                invite.header("Proxy-Authorization").is_some()
                    || invite.header("P-Asserted-Identity").is_some()
            })
        };
        assert_ne!(signed(&world), Some(true), "{contact}");
        world.phone("kitchen").on_hook();
        world.rest();
        assert_ne!(signed(&world), Some(true), "{contact}");
    }
}

#[test]
fn a_user_who_may_call_some_numbers_by_a_trunk_cannot_send_others_to_the_rest() {
    for (seed, contact) in
        [(2521, "sip:+19001@10.0.1.9:5060"), (2522, "sip:10.0.1.9:5060"), (2523, "sip:x@10.0.1.9")]
    {
        let mut world = with_user(seed, &[("201", "backup")], contact);
        fails(&mut world, "201#");
        assert_eq!(invites(&world, "backup"), 0, "{contact}");
    }
}

#[test]
fn a_call_that_no_server_of_a_trunk_takes_goes_on_by_the_next_rule() {
    for (seed, status, contact) in
        [(2524, 302, "sip:5551234@edge.provider.example"), (2525, 305, "sip:edge.provider.example")]
    {
        let site = two_servers_site(seed).trunk("backup", "sip:10.0.1.9:5060", None).route(
            "9X.",
            Target::Trunk("backup".to_owned()),
            1,
        );
        let mut world = served_by_two(site, status, contact);
        world.add_agent("backup", "10.0.1.9:5060");
        world.agent("edge").switched_off = true;
        dial(&mut world, "kitchen", "95551234#");
        world.wait("answer", s(9), |w| w.phase("backup") == Phase::Talking);
        assert_eq!((invites(&world, "provider"), invites(&world, "backup")), (1, 1), "{contact}");
        world.phone("kitchen").on_hook();
        world.agent("edge").switched_off = false;
        world.run_for(s(3));
        world.rest();
    }
}

#[test]
fn another_number_at_the_trunk_is_not_called_because_a_callee_says_so() {
    for (seed, contact) in
        [(2513, "sip:0019001@edge.provider.example"), (2514, "sip:0019001@provider.example")]
    {
        let mut world = two_servers(seed, 302, contact);
        dial(&mut world, "kitchen", "95551234#");
        world.wait("the end", s(9), |w| w.cdrs().len() == 1);
        assert_eq!(invites(&world, "provider"), 1, "{contact}");
        assert_eq!(invites(&world, "edge"), 0, "{contact}");
        world.phone("kitchen").on_hook();
        world.rest();
    }
}
