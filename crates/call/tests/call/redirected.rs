//! Redirection.

use tipring_call::{Contact, Event, Plan, Redirect, Release, RouteRequest};
use tipring_core::{Cause, LegId};

use crate::bench::{Bench, contact};

fn redirect(contacts: &[&str]) -> Event {
    let contacts = contacts.iter().map(|contact| (*contact).to_owned()).collect();
    Event::Redirect(Redirect { contacts, cause: Cause::REDIRECTION, diverts: true })
}

fn by(leg: LegId, address: &str) -> Contact {
    Contact { address: address.to_owned(), by: Some(leg) }
}

fn to(address: &str) -> Plan {
    Plan { route: None, hunt: vec![vec![contact(address)]] }
}

#[test]
fn a_redirection_is_followed_and_the_record_tells_who_answered() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, redirect(&["sip:bob@x", "sip:bob@y"]));
    assert!(bench.heard(b).is_empty(), "it ended itself");
    assert_eq!(
        bench.requests[1],
        RouteRequest::Contacts(["sip:bob@x", "sip:bob@y"].map(|to| by(b, to)).to_vec())
    );
    bench.route(Ok(to("sip:bob@x")));
    let bob = bench.b(1);
    bench.says(bob, Event::Answer);
    bench.says(a, crate::bench::release(Cause::NORMAL_CLEARING));
    let cdr = bench.cdr();
    assert_eq!((cdr.to_leg.as_deref(), cdr.route.as_deref()), (Some("sip:bob@x"), Some("1")));
}

#[test]
fn a_sixth_redirection_is_not_followed() {
    let mut bench = Bench::routed(&[&["attic"]]);
    for hop in 0..6 {
        let leg = bench.b(hop);
        bench.says(leg, redirect(&["again"]));
        bench.route(Ok(to(&format!("sip:{hop}@x"))));
    }
    assert_eq!(bench.placed.len(), 6);
    assert_eq!(bench.cdr().cause(), Cause::EXCHANGE_ROUTING_ERROR);
}

#[test]
fn a_redirection_back_to_where_the_call_has_been_is_a_loop() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let b = bench.b(0);
    bench.says(b, redirect(&["sip:x@x"]));
    bench.route(Ok(to("sip:x@x")));
    let x = bench.b(1);
    bench.says(x, redirect(&["sip:x@x"]));
    bench.route(Ok(to("sip:x@x")));
    assert_eq!(bench.placed.len(), 2);
    assert_eq!(bench.cdr().cause(), Cause::EXCHANGE_ROUTING_ERROR);
    assert_eq!(bench.cdr().release.evidence, "routing loop");
}

#[test]
fn a_redirection_to_nowhere_falls_back_to_the_rest_of_the_hunt() {
    let mut bench = Bench::routed(&[&["first"], &["second"]]);
    let first = bench.b(0);
    bench.says(first, redirect(&["tel:unreachable"]));
    bench.route(Err(Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no such scheme")));
    assert_eq!(bench.names(), ["first", "second"]);
}

#[test]
fn a_redirection_without_contact_is_a_failure() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let b = bench.b(0);
    bench.says(b, redirect(&[]));
    assert_eq!(bench.cdr().cause(), Cause::REDIRECTION);
}

#[test]
fn a_redirection_waits_while_another_contact_rings() {
    let mut bench = Bench::routed(&[&["desk", "mobile"]]);
    let (desk, mobile) = (bench.b(0), bench.b(1));
    bench.says(desk, redirect(&["sip:x@x"]));
    assert_eq!(bench.requests.len(), 1);
    bench.says(mobile, crate::bench::release(Cause::USER_BUSY));
    assert_eq!(bench.requests.len(), 2);
}

#[test]
fn each_contact_is_told_of_the_telephone_that_gave_it() {
    let mut bench = Bench::routed(&[&["desk", "mobile"]]);
    let (desk, mobile) = (bench.b(0), bench.b(1));
    bench.says(desk, redirect(&["sip:x@x"]));
    bench.says(mobile, redirect(&["sip:y@y"]));
    let contacts = vec![by(desk, "sip:x@x"), by(mobile, "sip:y@y")];
    assert_eq!(bench.requests[1], RouteRequest::Contacts(contacts));
}

/// RFC 3261 §21.3.4: a proxy that is named is a way to the same party.
#[test]
fn a_call_is_sent_on_from_nobody_when_only_the_way_is_another() {
    for (diverts, from) in [(true, Some("101")), (false, None)] {
        let mut bench = Bench::routed(&[&["attic"]]);
        let b = bench.b(0);
        let contacts = vec!["sip:101@proxy".to_owned()];
        bench.says(b, Event::Redirect(Redirect { contacts, cause: Cause::REDIRECTION, diverts }));
        bench.route(Ok(to("sip:101@proxy")));
        let next = bench.b(1);
        bench.says(next, crate::bench::release(Cause::USER_BUSY));
        assert_eq!(bench.cdr().redirecting.as_deref(), from);
    }
}
