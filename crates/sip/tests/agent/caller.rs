//! Our calls to hand-written callees and proxies: forks, routes, challenges.

use tipring_sip::agent::{Outgoing, Output};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{HeaderName, Method, Request, Status, Transport};
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, at, find, header, param, response};

const CONTACT: &str = "m: <sip:bob@198.51.100.20:5080>\n";

fn account(realms: &[&str]) -> Option<Account> {
    Some(Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: realms.iter().map(ToString::to_string).collect(),
    })
}

fn challenge(name: &str, realm: &str, nonce: &str) -> String {
    format!("{name}: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"\n")
}

#[test]
fn our_invite_is_complete() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    let mut text = invite.replace('\r', "");
    for (field, name) in [("Via", "branch"), ("From", "tag")] {
        text = text.replace(param(header(&invite, field), name), name);
    }
    text = text.replace(header(&invite, "Call-ID"), "call-id");
    text = text.replace(header(&invite, "CSeq"), "N INVITE");
    insta::assert_snapshot!(text);
}

#[test]
fn two_phones_ring_and_the_first_to_answer_wins() {
    let mut script = Script::new();
    let (id, invite) = script.call(|_| {});
    script.receive(&response(&invite, "100 Trying", "", "", ""));
    script.receive(&response(&invite, "180 Ringing", "desk", CONTACT, ""));
    let mobile = "Contact: <sip:bob@198.51.100.30:5090>\n";
    script.receive(&response(&invite, "183 Session Progress", "mobile", mobile, "v=0 early"));
    script.receive(&response(&invite, "180 Ringing", "desk", CONTACT, ""));
    let forks = script.said.iter().filter_map(|output| match output {
        Output::Progress { fork, status, .. } => Some((*fork, status.code())),
        _ => None,
    });
    assert_eq!(forks.collect::<Vec<_>>(), [(0, 180), (1, 183), (0, 180)]);
    assert_eq!(script.ua.counts().dialogs, 2);
    script.receive(&response(&invite, "200 OK", "mobile", mobile, "v=0 answer"));
    let (to, ack) = script.next_to();
    assert!(ack.starts_with("ACK sip:bob@198.51.100.30:5090 SIP/2.0"), "{ack}");
    assert_eq!(to, at("198.51.100.30:5090"));
    assert_eq!(script.ua.counts().dialogs, 1);
    // The desk phone was answered at the same time.
    let late = response(&invite, "200 OK", "desk", CONTACT, "v=0 answer");
    script.receive(&late);
    let (to, ack) = script.next_to();
    assert!(ack.starts_with("ACK sip:bob@198.51.100.20:5080"), "{ack}");
    assert_eq!(to, at("198.51.100.20:5080"));
    let bye = script.expect("BYE sip:bob@198.51.100.20:5080");
    assert!(header(&bye, "To").ends_with(";tag=desk"));
    // It did not hear our ACK.
    script.receive(&late);
    assert_eq!(script.next(), ack);
    script.expect_nothing();
    script.receive(&response(&bye, "200 OK", "", "", ""));
    assert_eq!(script.ended(), "not ended");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = script.expect("BYE sip:bob@198.51.100.30:5090");
    script.receive(&response(&bye, "200 OK", "", "", ""));
    assert_eq!(script.ended(), "Local");
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_fork_that_answers_after_we_hung_up_is_ended_too() {
    let mut script = Script::new();
    let (id, invite) = script.call(|_| {});
    script.receive(&response(&invite, "200 OK", "one", CONTACT, "v=0 answer"));
    script.expect("ACK ");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = script.expect("BYE ");
    script.receive(&response(&bye, "200 OK", "", "", ""));
    assert_eq!(script.ended(), "Local");
    script.wait(10_000);
    script.receive(&response(&invite, "200 OK", "two", CONTACT, "v=0 answer"));
    script.expect("ACK ");
    assert!(header(&script.expect("BYE "), "To").ends_with(";tag=two"));
    script.wait(70_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn requests_in_the_call_follow_the_proxies_that_recorded_themselves() {
    let mut script = Script::new();
    let (id, invite) = script.call(|_| {});
    let routes = "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.40:5070;lr>\n";
    script.receive(&response(&invite, "200 OK", "b", &format!("{routes}{CONTACT}"), "v=0"));
    let (to, ack) = script.next_to();
    assert_eq!(to, at("192.0.2.40:5070"), "the proxy nearest to us is last in Record-Route");
    assert!(ack.starts_with("ACK sip:bob@198.51.100.20:5080 SIP/2.0"));
    let hops: Vec<_> = ack.lines().filter(|line| line.starts_with("Route")).collect();
    assert_eq!(hops, ["Route: <sip:192.0.2.40:5070;lr>", "Route: <sip:192.0.2.50;lr>"]);
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    assert_eq!(script.next_to().0, at("192.0.2.40:5070"));
}

#[test]
fn a_strict_router_gets_itself_as_request_uri() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    let routes = "Record-Route: <sip:192.0.2.40>\n";
    script.receive(&response(&invite, "200 OK", "b", &format!("{routes}{CONTACT}"), "v=0"));
    let (to, ack) = script.next_to();
    assert_eq!(to, at("192.0.2.40:5060"));
    assert!(ack.starts_with("ACK sip:192.0.2.40 SIP/2.0"), "{ack}");
    assert_eq!(header(&ack, "Route"), "<sip:bob@198.51.100.20:5080>");
}

#[test]
fn a_callee_behind_a_nat_is_reached_the_way_its_answer_came() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    let private = "Contact: <sip:bob@192.168.1.20:5080>\n";
    script.receive(&response(&invite, "200 OK", "b", private, "v=0"));
    let (to, ack) = script.next_to();
    assert_eq!(to, at(PEER));
    assert!(ack.starts_with("ACK sip:bob@192.168.1.20:5080 "), "{ack}");
}

#[test]
fn a_challenge_is_answered_with_the_next_cseq_and_a_new_branch() {
    let mut script = Script::new();
    let (_, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    assert!(find(&invite, "Proxy-Authorization").is_none());
    let ask = challenge("Proxy-Authenticate", "example.net", "abc");
    script.receive(&response(&invite, "407 Proxy Authentication Required", "p", &ask, ""));
    script.expect("ACK ");
    let again = script.expect("INVITE ");
    assert!(header(&again, "Proxy-Authorization").contains("nonce=\"abc\""));
    assert_eq!(header(&again, "Call-ID"), header(&invite, "Call-ID"));
    assert_eq!(header(&again, "From"), header(&invite, "From"));
    assert!(!header(&again, "To").contains("tag"));
    assert_ne!(header(&again, "Via"), header(&invite, "Via"));
    let number = |text: &str| -> u32 {
        header(text, "CSeq").split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    };
    assert_eq!(number(&again), number(&invite) + 1);
    // A late repetition of the challenge is not for this INVITE.
    script.receive(&response(&invite, "407 Proxy Authentication Required", "p", &ask, ""));
    script.expect("ACK ");
    let recorded = format!("Record-Route: <sip:198.51.100.9;lr>\n{CONTACT}");
    script.receive(&response(&again, "200 OK", "b", &recorded, "v=0"));
    let ack = script.expect("ACK ");
    assert!(find(&ack, "Proxy-Authorization").is_some(), "RFC 3261 §22.1");
    assert!(script.heard("Answered"));
}

#[test]
fn an_ack_that_does_not_go_by_the_server_that_asked_has_no_credentials() {
    let mut script = Script::new();
    let (_, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let ask = challenge("Proxy-Authenticate", "example.net", "abc");
    script.receive(&response(&invite, "407 Proxy Authentication Required", "p", &ask, ""));
    script.expect("ACK ");
    let signed = script.expect("INVITE ");
    assert!(find(&signed, "Proxy-Authorization").is_some());
    let ok = response(&signed, "200 OK", "b", CONTACT, "v=0");
    // Once for the answer, once for its repetition.
    for _ in 0..2 {
        script.receive(&ok);
        let (to, ack) = script.next_to();
        assert_eq!(to.to_string(), "198.51.100.20:5080");
        assert!(ack.starts_with("ACK ") && find(&ack, "Proxy-Authorization").is_none(), "{ack}");
    }
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut script = Script::new();
    let (_, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let ask = challenge("WWW-Authenticate", "example.net", "abc");
    script.receive(&response(&invite, "401 Unauthorized", "p", &ask, ""));
    script.expect("ACK ");
    let again = script.expect("INVITE ");
    script.receive(&response(&again, "401 Unauthorized", "p", &ask, ""));
    script.expect("ACK ");
    script.expect_nothing();
    assert_eq!(script.ended(), "Remote 401");
}

#[test]
fn a_server_that_asks_with_ever_new_nonces_is_given_up() {
    let mut script = Script::new();
    let (_, mut invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let mut tries = 1;
    for nonce in 0..20 {
        let ask = challenge("WWW-Authenticate", "example.net", &format!("n{nonce}"))
            .replace("qop", "stale=true, qop");
        script.receive(&response(&invite, "401 Unauthorized", "p", &ask, ""));
        script.expect("ACK ");
        if script.sent.is_empty() {
            break;
        }
        invite = script.expect("INVITE ");
        tries += 1;
    }
    assert_eq!(tries, 3, "two answers, no more");
    assert_eq!(script.ended(), "Remote 401");
}

#[test]
fn a_challenge_of_another_realm_is_not_answered() {
    let mut script = Script::new();
    let (_, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let ask = challenge("WWW-Authenticate", "evil.example", "abc");
    script.receive(&response(&invite, "401 Unauthorized", "p", &ask, ""));
    script.expect("ACK ");
    script.expect_nothing();
    assert_eq!(script.ended(), "Remote 401");
}

#[test]
fn the_called_party_cannot_collect_hashes_by_challenging_our_bye() {
    // It answers from an address of its own, and challenges there.
    let mut script = Script::new();
    let (id, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let ask = challenge("Proxy-Authenticate", "example.net", "abc");
    script.receive(&response(&invite, "407 Proxy Authentication Required", "p", &ask, ""));
    script.expect("ACK ");
    let again = script.expect("INVITE ");
    script.receive(&response(&again, "200 OK", "b", CONTACT, "v=0"));
    script.expect("ACK ");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = script.expect("BYE ");
    assert!(find(&bye, "Proxy-Authorization").is_none(), "it goes to the callee: {bye}");
    let ask = challenge("WWW-Authenticate", "example.net", "evil");
    script.receive(&response(&bye, "401 Unauthorized", "", &ask, ""));
    script.expect_nothing();
    assert_eq!(script.ended(), "Local");
}

#[test]
fn the_proxy_of_our_call_may_challenge_our_bye() {
    let mut script = Script::new();
    let (id, invite) = script.call(|invite| invite.credentials = account(&["example.net"]));
    let ask = challenge("Proxy-Authenticate", "example.net", "one");
    script.receive(&response(&invite, "407 Proxy Authentication Required", "p", &ask, ""));
    script.expect("ACK ");
    let invite = script.expect("INVITE ");
    let route = "Record-Route: <sip:198.51.100.9;lr>\n";
    script.receive(&response(&invite, "200 OK", "b", &format!("{route}{CONTACT}"), "v=0"));
    script.expect("ACK ");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = script.expect("BYE ");
    let ask = challenge("Proxy-Authenticate", "example.net", "abc");
    script.receive(&response(&bye, "407 Proxy Authentication Required", "", &ask, ""));
    let again = script.expect("BYE ");
    assert!(find(&again, "Proxy-Authorization").is_some());
    assert_eq!(script.ended(), "not ended");
    script.receive(&response(&again, "200 OK", "", "", ""));
    assert_eq!(script.ended(), "Local");
}

#[test]
fn a_call_that_came_in_answers_no_challenge_at_all() {
    let mut script = Script::new();
    let invite = "
INVITE sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKx
From: <sip:p@198.51.100.9>;tag=1
To: <sip:101@192.0.2.1>
Call-ID: c
CSeq: 1 INVITE
Contact: <sip:p@198.51.100.9>

";
    script.receive(invite);
    let id = script.incoming();
    script.skip();
    script.act(|ua, now| ua.answer(now, id, b"v=0".to_vec())).expect("rings");
    let tag = param(header(&script.next(), "To"), "tag").to_owned();
    let ack = invite.replace("INVITE", "ACK").replace("z9hG4bKx", "z9hG4bKy");
    script.receive(
        &ack.replace("To: <sip:101@192.0.2.1>", &format!("To: <sip:101@192.0.2.1>;tag={tag}")),
    );
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = script.expect("BYE ");
    let ask = challenge("WWW-Authenticate", "example.net", "evil");
    script.receive(&response(&bye, "401 Unauthorized", "", &ask, ""));
    script.expect_nothing();
    assert_eq!(script.ended(), "Local");
}

#[test]
fn early_media_of_a_callee_is_passed_on() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    script.receive(&response(&invite, "183 Session Progress", "b", CONTACT, "v=0 early"));
    let early = script
        .said
        .iter()
        .any(|output| matches!(output, Output::Progress { body, .. } if body == b"v=0 early"));
    assert!(early);
}

#[test]
fn a_request_in_an_early_dialog_of_ours_is_answered() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    script.receive(&response(&invite, "180 Ringing", "b", CONTACT, ""));
    let from = header(&invite, "From");
    let update = format!(
        "UPDATE sip:alice@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.20:5080;branch=z9hG4bKu
From: <sip:bob@example.net>;tag=b
To: {from}
Call-ID: {}
CSeq: 1 UPDATE
Contact: <sip:bob@198.51.100.20:5080>
Content-Length: 0

",
        header(&invite, "Call-ID")
    );
    script.receive(&update);
    script.expect("SIP/2.0 200 OK");
    let offer = update.replace("CSeq: 1", "CSeq: 2").replace("bKu", "bKv");
    let offer = offer.replace(
        "Content-Length: 0\n\n",
        "Content-Type: application/sdp\nContent-Length: 3\n\nv=0",
    );
    script.receive(&offer);
    script.expect("SIP/2.0 491 ");
}

#[test]
fn a_2xx_to_nothing_is_counted_and_ignored() {
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    let forged = response(&invite, "200 OK", "b", CONTACT, "v=0")
        .replace(param(header(&invite, "Via"), "branch"), "z9hG4bKforged");
    script.receive(&forged);
    script.expect_nothing();
    assert!(!script.heard("Answered"));
    assert_eq!(script.ua.counters().strays, 1);
}

#[test]
fn a_request_of_the_application_is_answered_or_times_out() {
    let mut script = Script::new();
    let outgoing = || {
        let mut request = Request::new(Method::Options, crate::script::uri("sip:example.net"));
        request.headers.push(HeaderName::From, "<sip:us@example.org>");
        request.headers.push(HeaderName::To, "<sip:example.net>");
        Outgoing {
            request,
            path: Path::new(Transport::Udp, at(crate::script::US), at(PEER)),
            others: Vec::new(),
            credentials: account(&["example.net"]),
        }
    };
    let id = script.act(|ua, now| ua.request(now, outgoing()));
    let options = script.expect("OPTIONS sip:example.net SIP/2.0");
    let ask = challenge("WWW-Authenticate", "example.net", "abc");
    script.receive(&response(&options, "401 Unauthorized", "p", &ask, ""));
    let again = script.expect("OPTIONS ");
    assert!(find(&again, "Authorization").is_some());
    script.receive(&response(&again, "200 OK", "p", "", ""));
    let answer = |script: &Script, wanted| {
        script.said.iter().find_map(|output| match output {
            Output::Response { id, response } if *id == wanted => Some(response.status),
            _ => None,
        })
    };
    assert_eq!(answer(&script, id), Some(Status::OK));
    let id = script.act(|ua, now| ua.request(now, outgoing()));
    script.wait(33_000);
    assert_eq!(answer(&script, id), Some(Status::REQUEST_TIMEOUT));
    script.wait(10_000);
    assert_eq!(script.ua.counts(), Default::default());
}
