//! REGISTER as the documents print it and RFC 3665 §2 draws it: we are the registrar, or its client.

use tipring_sim::agent::digest::{self, field};
use tipring_sim::{Account, Phase, Site, Text, World};

use crate::common::{ms, s};
use crate::flows_common::*;

/// The response to the request with this number.
#[track_caller]
fn answer(world: &mut World, agent: &str, cseq: u32) -> Text {
    let is = |text: &&Text| text.status().is_some() && text.cseq() == cseq;
    let found = |w: &World| w.see(agent).received().iter().rev().find(is).cloned();
    world.wait("a response", s(2), |w| found(w).is_some());
    found(world).expect("it has come")
}

/// Bob registers with these header lines, and proves who he is when asked.
fn bob(world: &mut World, cseq: u32, lines: &str) -> Text {
    let request = |cseq: u32, lines: &str| {
        format!(
            "REGISTER sip:biloxi.example.com SIP/2.0
Via: SIP/2.0/UDP 10.0.3.1:5060;branch=z9hG4bKnashds{cseq}
Max-Forwards: 70
From: Bob <sip:bob@biloxi.example.com>;tag=a73kszlfl{cseq}
To: Bob <sip:bob@biloxi.example.com>
Call-ID: 1j9FpLxk3uxtm8tn@biloxi.example.com
CSeq: {cseq} REGISTER
{lines}Content-Length: 0

"
        )
    };
    world.agent("bob").recite(&request(cseq, lines));
    let asked = answer(world, "bob", cseq);
    let Some(challenge) = asked.header("WWW-Authenticate") else { return asked };
    assert_eq!(asked.status(), Some(401));
    let uri = "sip:biloxi.example.com";
    let proof = digest::answer(challenge, "bob", "mypasswd", "REGISTER", uri);
    let lines = format!("Authorization: {proof}\n{lines}");
    world.agent("bob").recite(&request(cseq + 1, &lines));
    answer(world, "bob", cseq + 1)
}

fn biloxi(seed: u64) -> World {
    let mut site = Site::new("us", seed).card(&[("kitchen", "101")]).user("bob", "mypasswd");
    "biloxi.example.com".clone_into(&mut site.config.sip.domain);
    let mut world = World::in_service(site);
    world.add_agent("bob", "10.0.3.1:5060");
    world
}

fn contacts(ok: &Text) -> Vec<String> {
    assert_eq!(ok.status(), Some(200), "{}", ok.first);
    let bare = |value: String| value.split(['<', '>']).nth(1).expect("a URI").to_owned();
    ok.list("Contact").into_iter().map(bare).collect()
}

/// NTTPC, REGISTER F1 to F4: another From tag the second time, as printed.
#[test]
fn nttpc_register_with_401() {
    let mut world = biloxi(1201);
    let ok = bob(&mut world, 1, "Contact: <sip:bob@10.0.3.1>\n");
    assert_eq!(contacts(&ok), ["sip:bob@10.0.3.1"]);
    assert_eq!(world.see("bob").log(), ["401 REGISTER", "200 REGISTER"]);
    let asked = response(&world, "bob", "401 REGISTER");
    let challenge = asked.header("WWW-Authenticate").expect("a challenge");
    assert_eq!(field(challenge, "realm"), Some("biloxi.example.com"));
    assert_eq!((field(challenge, "qop"), digest::is_md5(challenge)), (Some("auth"), true));
    assert!(asked.param("To", "tag").is_some());
    assert_eq!(ok.param("Contact", "expires"), Some("3600"));
    world.phone("kitchen").off_hook();
    world.rest();
}

/// RFC 3665 §2.2 and §2.3, and the lecture's 200 with two contacts: a second place is added, and the
/// list is asked for without changing it.
#[test]
fn rfc3665_2_2_the_contact_list_is_updated_and_2_3_asked_for() {
    let mut world = biloxi(1202);
    bob(&mut world, 1, "Contact: <sip:bob@10.0.3.1>\n");
    let ok = bob(&mut world, 3, "Contact: <mailto:bob@biloxi.example.com>\nExpires: 21600\n");
    let both = ["sip:bob@10.0.3.1", "mailto:bob@biloxi.example.com"];
    let mut listed = contacts(&ok);
    listed.sort_unstable_by_key(|contact| contact.starts_with("mailto"));
    assert_eq!(listed, both);
    let mut asked = contacts(&bob(&mut world, 5, ""));
    asked.sort_unstable_by_key(|contact| contact.starts_with("mailto"));
    assert_eq!(asked, both);
    // A letter box does not ring, and is no hindrance.
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").domain = Some("atlanta.example.com".to_owned());
    world.agent("alice").call("bob");
    world.wait("answer", s(4), |w| w.phase("alice") == Phase::Talking);
    world.agent("alice").hang_up();
    world.rest();
}

/// RFC 3665 §2.4: `Contact: *` with `Expires: 0` removes all; calls find nobody.
#[test]
fn rfc3665_2_4_a_registration_is_cancelled() {
    let mut world = biloxi(1203);
    let two = "Contact: <sip:bob@10.0.3.1>\nContact: <sip:bob@10.0.3.2>;expires=120\n";
    assert_eq!(contacts(&bob(&mut world, 1, two)).len(), 2);
    let ok = bob(&mut world, 3, "Expires: 0\nContact: *\n");
    assert_eq!(contacts(&ok), Vec::<String>::new());
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").domain = Some("atlanta.example.com".to_owned());
    world.agent("alice").call("bob");
    world.wait("the end", s(2), |w| w.see("alice").saw("480 INVITE") == 1);
    assert_eq!(world.see("bob").saw("INVITE"), 0);
    world.rest();
}

const NEC_REGISTER: &str = "REGISTER sip:172.16.1.20:5080 SIP/2.0
Max-Forwards: 70
Content-Length: 0
Via: SIP/2.0/UDP 172.16.1.30:5060;branch=z9hG4bKdf39f5ccd
Call-ID: d824c4d8b3fc59b@172.16.1.30
From: sip:necsipuser@172.16.1.20:5080;tag=d486690f7126f7c
To: sip:necsipuser@172.16.1.20:5080
CSeq: 156928335 REGISTER
Contact: sip:necsipuser@172.16.1.30:5060

";

/// NEC §5.4, all four messages: addresses without brackets, `Expires: 2147483647`, a field of its
/// own with a semicolon, a body in REGISTER, and credentials that begin with `response` and repeat
/// `stale`.
#[test]
fn nec_register_with_401_as_its_trace_has_it() {
    let mut site = Site::new("us", 1204).card(&[("kitchen", "101")]).user("necsipuser", "secret");
    "172.16.1.20".clone_into(&mut site.config.sip.domain);
    let mut world = World::in_service(site);
    world.add_agent("nec", "172.16.1.30:5060");
    world.agent("nec").recite(NEC_REGISTER);
    let asked = answer(&mut world, "nec", 156_928_335);
    assert_eq!(asked.status(), Some(401));
    assert_eq!(asked.header("Call-ID"), Some("d824c4d8b3fc59b@172.16.1.30"));
    assert_eq!(asked.param("From", "tag"), Some("d486690f7126f7c"));
    let challenge = asked.header("WWW-Authenticate").expect("a challenge");
    let uri = "sip:172.16.1.20:5080";
    let proof = digest::answer(challenge, "necsipuser", "secret", "REGISTER", uri);
    let get = |name: &str| field(&proof, name).unwrap_or_default();
    let credentials = format!(
        "Digest response=\"{}\",nc=00000001,username=\"necsipuser\",realm=\"{}\",nonce=\"{}\",\
         algorithm=MD5,stale=false,qop=auth,cnonce=\"{}\",uri=\"{uri}\"",
        get("response"),
        get("realm"),
        get("nonce"),
        get("cnonce"),
    );
    let again = NEC_REGISTER
        .replace("df39f5ccd", "543b966e0")
        .replace("156928335", "156928336")
        .replace(
            "Content-Length: 0",
            "Content-Length: 16\nContent-Type: application/X-NECSIPEXT2MLv1",
        )
        .replace(
            "172.16.1.30:5060\n\n",
            &format!(
                "172.16.1.30:5060\nExpires: 2147483647\nX-REGSVLISTNO: 0 ; 0060b90afdcb\n\
                 Authorization: {credentials}\n\nEvent-Register\n"
            ),
        );
    world.agent("nec").recite(&again);
    let ok = answer(&mut world, "nec", 156_928_336);
    assert_eq!(contacts(&ok), ["sip:necsipuser@172.16.1.30:5060"]);
    // 68 years are cut to the longest that we grant: a day.
    assert_eq!(ok.param("Contact", "expires"), Some("86400"));
    world.rest();
}

/// A trunk that registers at a server with this wording of its challenge; gives the credentials.
fn register_at(seed: u64, realm: &str, rest: &str) -> String {
    let site = Site::new("us", seed).card(&[("kitchen", "101")]).trunk(
        "provider",
        "sip:10.0.1.1:5060",
        Some(("necsipuser", "secret")),
    );
    let mut world = World::new(site);
    world.add_agent("provider", "10.0.1.1:5060");
    let known = Account { user: "necsipuser".to_owned(), password: "secret".to_owned() };
    world.agent("provider").provider.registrant = Some(known);
    world.agent("provider").provider.wording = Some((realm.to_owned(), rest.to_owned()));
    world.wait("registered", s(3), |w| w.alive().trunks_registered == 1);
    let requests = all(&world, "provider", "REGISTER");
    let [first, second] = &requests[..] else { panic!("{} REGISTERs", requests.len()) };
    assert_eq!(second.cseq(), first.cseq() + 1);
    for same in ["Call-ID", "From", "To", "Contact"] {
        assert_eq!(first.header(same), second.header(same), "{same}");
    }
    assert_ne!(first.param("Via", "branch"), second.param("Via", "branch"));
    world.run_for(ms(500));
    second.header("Authorization").expect("credentials").to_owned()
}

/// NEC §5.4.2: the challenge of its server, answered field by field.
#[test]
fn nec_a_server_asks_401_and_its_opaque_comes_back() {
    let opaque = "f56a5772ab4fc6e06f0c566358840ee3";
    let rest = format!("opaque=\"{opaque}\", stale=false, algorithm=MD5, qop=\"auth\"");
    let proof = register_at(1205, "CygnusIPS.nec.co.jp", &rest);
    let get = |name| field(&proof, name);
    assert_eq!((get("realm"), get("opaque")), (Some("CygnusIPS.nec.co.jp"), Some(opaque)));
    assert_eq!((get("algorithm"), get("qop")), (Some("MD5"), Some("auth")));
    assert_eq!((get("nc"), get("username")), (Some("00000001"), Some("necsipuser")));
    assert!(get("cnonce").is_some_and(|cnonce| !cnonce.is_empty()));
    // RFC 2617 §3.2.2: qop, nc and algorithm stand without quotes.
    assert!(proof.contains("qop=auth") && proof.contains("nc=00000001"), "{proof}");
}

/// NTTPC, the challenge of the Yamaha's server: no qop, an empty opaque, `stale=FALSE`, a domain
/// that is an address.
#[test]
fn nttpc_a_server_without_qop_gets_an_answer_without_it() {
    let rest = "domain=\"10.227.109.134\", opaque=\"\", stale=FALSE, algorithm=MD5";
    let proof = register_at(1206, "nttpc.com", rest);
    let get = |name| field(&proof, name);
    assert_eq!((get("realm"), get("opaque")), (Some("nttpc.com"), Some("")));
    assert_eq!((get("qop"), get("nc"), get("cnonce")), (None, None, None));
}
