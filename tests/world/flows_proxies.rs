//! Calls by way of one and two proxies, as the tutorials of Cisco and NTTPC and RFC 3665 §3.2 draw
//! them: Record-Route loose and strict, 407, CANCEL.

use tipring_sim::{Account, Answering, EndedBy, Phase, Text, ToneName};

use crate::common::{dial, ended, ms, s};
use crate::flows_common::*;

const SS1: &str = "sip:10.0.1.1:5060;lr";
const SS2: &str = "sip:10.0.1.2:5060;lr";
/// The same proxies as routers of RFC 2543.
const STRICT_SS1: &str = "sip:ss1@10.0.1.1:5060";
const STRICT_SS2: &str = "sip:ss2@10.0.1.2:5060";
const BOB: &str = "sip:5551234@10.0.3.1:5060";

/// Request URI and Route values.
fn path(text: &Text) -> (String, Vec<String>) {
    (text.request_uri().to_owned(), text.list("Route"))
}

fn routes(uris: &[&str]) -> Vec<String> {
    uris.iter().map(|uri| format!("<{uri}>")).collect()
}

/// Bob's Contact, as his 200 had it.
fn bobs_contact(world: &tipring_sim::World) -> String {
    response(world, "ss1", "200 INVITE").uri("Contact").expect("a Contact").to_owned()
}

/// Cisco, "SIP Call Flow w/ 2 Proxies and Record Route".
#[test]
fn cisco_two_proxies_with_record_route() {
    let mut world = atlanta(1001, Some(SS1), Some(SS2));
    alice_calls_bob(&mut world);
    hear_each_other(&mut world, "bob");
    let invite = got(&world, "bob", "INVITE");
    assert_eq!(invite.list("Record-Route"), routes(&[SS2, SS1]));
    assert_eq!((invite.list("Via").len(), invite.header("Max-Forwards")), (3, Some("68")));
    let target = bobs_contact(&world);
    kitchen_hangs_up(&mut world);
    for method in ["ACK", "BYE"] {
        let sent = got(&world, "ss1", method);
        assert_eq!(path(&sent), (target.clone(), routes(&[SS1, SS2])), "{method}");
        assert_eq!(sent.list("Via").len(), 1);
        // Each proxy takes its own entry off; nothing is left for Bob.
        assert_eq!(path(&got(&world, "bob", method)), (target.clone(), vec![]), "{method}");
    }
    let (invite, ack, bye) =
        (got(&world, "ss1", "INVITE"), got(&world, "ss1", "ACK"), got(&world, "ss1", "BYE"));
    assert_eq!((ack.cseq(), bye.cseq()), (invite.cseq(), invite.cseq() + 1));
    assert_ne!(ack.param("Via", "branch"), invite.param("Via", "branch"));
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

/// NTTPC, the call from Alice to Bob that Bob ends: his BYE comes by both proxies.
#[test]
fn nttpc_bob_ends_a_call_by_way_of_both_proxies() {
    let mut world = atlanta(1002, Some(SS1), Some(SS2));
    alice_calls_bob(&mut world);
    world.agent("bob").hang_up();
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    assert_eq!(world.see("bob").saw("200 BYE"), 1);
    assert_eq!(path(&got(&world, "ss2", "BYE")).1, routes(&[SS2, SS1]));
    assert_eq!(path(&got(&world, "ss1", "BYE")).1, routes(&[SS1]));
    // RFC 3261 §17.2.1: only the INVITE's 200 carries Record-Route, the BYE's Vias both proxies.
    assert_eq!(response(&world, "ss1", "200 BYE").list("Via").len(), 3);
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

/// The same way round for a call that comes in: the callee's route set is the Record-Route as it
/// came (RFC 3261 §12.1.1).
#[test]
fn a_call_by_two_proxies_is_ended_by_the_phone_along_the_same_way() {
    let mut world = atlanta(1003, Some(SS1), Some(SS2));
    bob_calls_alice(&mut world);
    hear_each_other(&mut world, "bob");
    kitchen_hangs_up(&mut world);
    let (uri, via) = path(&got(&world, "ss1", "BYE"));
    assert_eq!(via, routes(&[SS1, SS2]));
    assert_eq!(uri, got(&world, "ss1", "INVITE").uri("Contact").expect("a Contact"));
    assert_eq!(world.see("bob").saw("BYE"), 1);
    let ringing = response(&world, "bob", "180 INVITE");
    assert_eq!(ringing.list("Record-Route"), routes(&[SS1, SS2]));
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

/// Two strict routers (RFC 2543), as NTTPC prints them: `Record-Route: <sip:ss2…>, <sip:ss1…>`
/// without `lr`.
#[test]
fn nttpc_two_strict_routers_are_addressed_one_after_the_other() {
    let mut world = atlanta(1004, Some(STRICT_SS1), Some(STRICT_SS2));
    alice_calls_bob(&mut world);
    hear_each_other(&mut world, "bob");
    let target = bobs_contact(&world);
    kitchen_hangs_up(&mut world);
    for method in ["ACK", "BYE"] {
        let sent = got(&world, "ss1", method);
        let rest = routes(&[STRICT_SS2, &target]);
        assert_eq!(path(&sent), (STRICT_SS1.to_owned(), rest), "{method}");
        assert_eq!(path(&got(&world, "bob", method)), (target.clone(), vec![]), "{method}");
    }
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_strict_router_before_a_loose_one_and_behind_it() {
    for (seed, ss1, ss2) in [(1005, STRICT_SS1, SS2), (1006, SS1, STRICT_SS2)] {
        let mut world = atlanta(seed, Some(ss1), Some(ss2));
        alice_calls_bob(&mut world);
        let target = bobs_contact(&world);
        kitchen_hangs_up(&mut world);
        for method in ["ACK", "BYE"] {
            let expected = match ss1 {
                STRICT_SS1 => (STRICT_SS1.to_owned(), routes(&[SS2, &target])),
                _ => (target.clone(), routes(&[SS1, STRICT_SS2])),
            };
            assert_eq!(path(&got(&world, "ss1", method)), expected, "{method}");
            assert_eq!(path(&got(&world, "bob", method)).0, target, "{method}");
        }
        assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    }
}

#[test]
fn a_call_by_a_strict_router_is_ended_by_the_phone_along_the_same_way() {
    let mut world = atlanta(1007, Some(STRICT_SS1), Some(STRICT_SS2));
    bob_calls_alice(&mut world);
    kitchen_hangs_up(&mut world);
    let contact = got(&world, "ss1", "INVITE").uri("Contact").expect("a Contact").to_owned();
    let expected = (STRICT_SS1.to_owned(), routes(&[STRICT_SS2, &contact]));
    assert_eq!(path(&got(&world, "ss1", "BYE")), expected);
    assert_eq!(path(&got(&world, "bob", "BYE")), (contact, vec![]));
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

/// Cisco, "SIP Call Flow with Proxy Server", and the lecture's: no Record-Route, so ACK and BYE go
/// straight to Bob's Contact.
#[test]
fn cisco_proxies_that_do_not_record_route_are_left_out_after_the_answer() {
    let mut world = atlanta(1008, None, None);
    alice_calls_bob(&mut world);
    hear_each_other(&mut world, "bob");
    let target = bobs_contact(&world);
    kitchen_hangs_up(&mut world);
    assert_eq!((world.see("ss1").saw("ACK"), world.see("ss1").saw("BYE")), (0, 0));
    for method in ["ACK", "BYE"] {
        let sent = got(&world, "bob", method);
        assert_eq!((path(&sent), sent.list("Via").len()), ((target.clone(), vec![]), 1));
    }
    insta::assert_snapshot!(world.ladder());
}

/// Cisco, "Dialog Stateful SIP Message Flow": one proxy stays on the path, the other does not.
#[test]
fn cisco_only_the_proxy_that_record_routes_stays_on_the_path() {
    let mut world = atlanta(1009, None, Some(SS2));
    alice_calls_bob(&mut world);
    let target = bobs_contact(&world);
    kitchen_hangs_up(&mut world);
    assert_eq!((world.see("ss1").saw("ACK"), world.see("ss1").saw("BYE")), (0, 0));
    for method in ["ACK", "BYE"] {
        assert_eq!(path(&got(&world, "ss2", method)), (target.clone(), routes(&[SS2])), "{method}");
    }
    assert_eq!(world.see("bob").saw("BYE"), 1);
}

/// Proxies that name themselves in Record-Route: the first hop stays where the answers come from.
#[test]
fn proxies_may_record_route_by_name() {
    let names = ["sip:ss1.atlanta.example.com;lr", "sip:ss2.biloxi.example.com;lr"];
    let mut world = atlanta(1010, Some(names[0]), Some(names[1]));
    alice_calls_bob(&mut world);
    kitchen_hangs_up(&mut world);
    assert_eq!(path(&got(&world, "ss1", "BYE")).1, routes(&names));
    assert_eq!(path(&got(&world, "ss2", "BYE")).1, routes(&names[1..]));
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// NTTPC, F1 to F9 and BYE: ss1 asks Alice who she is.
#[test]
fn nttpc_a_proxy_asks_407_and_the_call_goes_on_by_both_proxies() {
    let account = Some(("alice", "wonderland"));
    let mut site = site(1011);
    site.config.trunks.clear();
    site = site.trunk("ss1", "sip:10.0.1.1:5060", account);
    site.config.trunks[0].register = false;
    site.config.trunks[0].account.as_mut().expect("it has one").realms =
        vec!["provider".to_owned()];
    let mut world = atlanta_of(site, Some(SS1), Some(SS2));
    let known = Account { user: "alice".to_owned(), password: "wonderland".to_owned() };
    world.agent("ss1").provider.caller = Some((407, known));
    alice_calls_bob(&mut world);
    let invites = all(&world, "ss1", "INVITE");
    let [first, second] = &invites[..] else { panic!("{} INVITEs", invites.len()) };
    assert_eq!(second.cseq(), first.cseq() + 1);
    for same in ["Call-ID", "From", "To"] {
        assert_eq!(first.header(same), second.header(same), "{same}");
    }
    assert_ne!(first.param("Via", "branch"), second.param("Via", "branch"));
    let acks = all(&world, "ss1", "ACK");
    // RFC 3261 §17.1.1.3: the ACK to the 407 has the INVITE's branch, number and request URI.
    assert_eq!(acks[0].param("Via", "branch"), first.param("Via", "branch"));
    assert_eq!((acks[0].cseq(), acks[0].request_uri()), (first.cseq(), first.request_uri()));
    assert!(acks[0].param("To", "tag").is_some());
    assert!(second.header("Proxy-Authorization").is_some());
    // RFC 3261 §22.3: the ACK to the 200 has the credentials of the INVITE, or none.
    assert_eq!((acks[1].cseq(), path(&acks[1]).1), (second.cseq(), routes(&[SS1, SS2])));
    assert_eq!(got(&world, "bob", "INVITE").header("Proxy-Authorization"), None);
    world.agent("bob").hang_up();
    world.run_for(ms(300));
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

/// RFC 3665 §3.3: both proxies ask Alice who she is, each in a realm of its own.
#[test]
fn rfc3665_3_3_two_proxies_ask_407_one_after_the_other() {
    let mut site = site(1014);
    site.config.trunks.clear();
    site = site.trunk("ss1", "sip:10.0.1.1:5060", Some(("alice", "wonderland")));
    site.config.trunks[0].register = false;
    site.config.trunks[0].account.as_mut().expect("it has one").realms =
        vec!["atlanta.example.com".to_owned(), "biloxi.example.com".to_owned()];
    let mut world = atlanta_of(site, Some(SS1), Some(SS2));
    for (proxy, realm) in [("ss1", "atlanta.example.com"), ("ss2", "biloxi.example.com")] {
        let known = Account { user: "alice".to_owned(), password: "wonderland".to_owned() };
        let mut proxy = world.agent(proxy);
        proxy.provider.caller = Some((407, known));
        proxy.provider.wording = Some((realm.to_owned(), "qop=\"auth\"".to_owned()));
    }
    alice_calls_bob(&mut world);
    let realms = |text: &Text| -> Vec<String> {
        let fields = text.all("Proxy-Authorization");
        fields.map(|field| field.split('"').nth(3).unwrap_or_default().to_owned()).collect()
    };
    // F1, F4, F11: nothing, then what the first asked for, then what both did.
    let invites = all(&world, "ss1", "INVITE");
    let [first, second, third] = &invites[..] else { panic!("{} INVITEs", invites.len()) };
    assert!(realms(first).is_empty());
    assert_eq!(realms(second), ["atlanta.example.com"]);
    assert_eq!(realms(third), ["atlanta.example.com", "biloxi.example.com"]);
    assert_eq!((second.cseq(), third.cseq()), (first.cseq() + 1, first.cseq() + 2));
    assert_eq!(first.header("Call-ID"), third.header("Call-ID"));
    // Each proxy takes the answer to its own challenge off.
    assert_eq!(realms(&got(&world, "ss2", "INVITE")), ["biloxi.example.com"]);
    assert!(realms(&got(&world, "bob", "INVITE")).is_empty());
    // RFC 3261 §22.1: the ACK to the 200 has the credentials of the INVITE.
    assert_eq!(realms(&got(&world, "ss1", "ACK")), realms(third));
    world.agent("bob").hang_up();
    world.run_for(ms(300));
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

/// NTTPC, CANCEL F1 to F4: 200 to the CANCEL from hop to hop, 487 to the INVITE from Bob.
#[test]
fn nttpc_cancel_by_way_of_both_proxies_is_answered_487() {
    let mut world = atlanta(1012, Some(SS1), Some(SS2));
    world.agent("bob").answering = Answering::RingForever;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("ringback", s(8), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    world.phone("kitchen").on_hook();
    world.wait("CANCEL", s(2), |w| w.see("bob").saw("CANCEL") == 1);
    world.rest();
    let (invite, cancel, ack) =
        (got(&world, "ss1", "INVITE"), got(&world, "ss1", "CANCEL"), got(&world, "ss1", "ACK"));
    // RFC 3261 §9.1, §17.1.1.3.
    for same in [&cancel, &ack] {
        assert_eq!(same.param("Via", "branch"), invite.param("Via", "branch"));
        assert_eq!((same.cseq(), same.request_uri()), (invite.cseq(), invite.request_uri()));
        assert_eq!(same.list("Via").len(), 1);
    }
    assert_eq!(cancel.header("To"), invite.header("To"));
    assert_eq!(ack.header("To"), response(&world, "ss1", "487 INVITE").header("To"));
    assert_eq!(world.phase("bob"), Phase::Idle);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
    insta::assert_snapshot!(world.ladder());
}

/// The same flow with the phone at its end: the bell stops.
#[test]
fn a_call_that_is_cancelled_by_way_of_both_proxies_stops_the_bell() {
    let mut world = atlanta(1013, Some(SS1), Some(SS2));
    world.agent("bob").call_uri(ALICE);
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(300));
    world.agent("bob").cancel();
    world.wait("silence", s(1), |w| !w.diary("kitchen").ringing);
    world.rest();
    assert_eq!(world.see("bob").saw("487 INVITE"), 1);
    assert_eq!(response(&world, "ss1", "200 CANCEL").list("Via").len(), 1);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
    insta::assert_snapshot!(world.ladder());
}

/// Cisco, "SIP Redirecting at the User Agent Server": the proxies pass Bob's 302 on.
#[test]
fn cisco_bob_himself_redirects_by_way_of_both_proxies() {
    let mut world = atlanta(1014, Some(SS1), Some(SS2));
    world.add_agent("carol", "10.0.3.9:5060");
    world.agent("bob").answering = Answering::Redirect("sip:777@10.0.3.9:5060".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("carol") == Phase::Talking);
    hear_each_other(&mut world, "carol");
    let (first, second) = (got(&world, "ss1", "INVITE"), got(&world, "carol", "INVITE"));
    assert_eq!(second.request_uri(), "sip:777@10.0.3.9:5060");
    assert_eq!((second.list("Route").len(), second.list("Via").len()), (0, 1));
    assert_ne!(first.param("Via", "branch"), second.param("Via", "branch"));
    let ack = all(&world, "bob", "ACK");
    assert_eq!(ack.len(), 1, "one ACK to the 302");
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

/// Cisco, "SIP Redirect Server": 301, and the call goes straight to the new place.
#[test]
fn cisco_a_redirect_server_says_301() {
    let mut world = atlanta(1015, None, None);
    world.agent("ss1").proxy = None;
    world.agent("bob").outbound = None;
    world.agent("ss1").answering = Answering::Moved(BOB.to_owned());
    alice_calls_bob(&mut world);
    hear_each_other(&mut world, "bob");
    assert_eq!(got(&world, "bob", "INVITE").request_uri(), BOB);
    assert_eq!((world.see("ss1").saw("ACK"), world.see("ss1").saw("INVITE")), (1, 1));
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}
