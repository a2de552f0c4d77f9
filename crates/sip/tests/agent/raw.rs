//! What hand-written peers get as an answer.

use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::message::{HeaderName, Method, Response, Status};

use crate::peer::Peer;
use crate::script::{PEER, Script, at, find, header, param};

/// An INVITE as a desk phone sends it: compact names, folding, odd case, options nobody asked for.
const INVITE: &str = "
INVITE sip:101@192.0.2.1 SIP/2.0
v: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK-d8754z-1;rport
Max-Forwards: 70
m: <sip:phone@198.51.100.9:5062;transport=udp>
t: <sip:101@192.0.2.1>
f: \"Desk \\\"1\\\" phone\"
 <sip:phone@198.51.100.9>;tag=7d34
i: 84b4c76e66710@198.51.100.9
cseq:  8   INVITE
Allow: INVITE,ACK,CANCEL,BYE,NOTIFY,REFER,MESSAGE,OPTIONS,INFO,SUBSCRIBE
c: application/sdp
k: replaces
User-Agent: Desk/1.0
l: 9

v=0 offer";

fn in_dialog(
    method: &str,
    cseq: u32,
    to_tag: &str,
    branch: &str,
    more: &str,
    body: &str,
) -> String {
    format!(
        "{method} sip:101@192.0.2.1:5060 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK{branch};rport
Max-Forwards: 70
From: <sip:phone@198.51.100.9>;tag=7d34
To: <sip:101@192.0.2.1>;tag={to_tag}
Call-ID: 84b4c76e66710@198.51.100.9
CSeq: {cseq} {method}
{more}Content-Length: {}

{body}",
        body.len()
    )
}

fn status_line(script: &mut Script, text: &str) -> String {
    script.receive(text);
    script.next().lines().next().unwrap_or("").to_owned()
}

/// A call from the desk phone that we answered; gives our tag.
fn answered(script: &mut Script) -> String {
    script.receive(INVITE);
    let id = script.incoming();
    script.skip();
    script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    let ok = script.expect("SIP/2.0 200 OK");
    let tag = param(header(&ok, "To"), "tag").to_owned();
    script.receive(&in_dialog("ACK", 8, &tag, "ack1", "", ""));
    assert!(script.heard("Confirmed"));
    tag
}

#[test]
fn a_desk_phone_is_answered_as_the_standard_says() {
    let mut script = Script::new();
    script.receive(INVITE);
    let id = script.incoming();
    script.expect("SIP/2.0 100 Trying");
    script.act(|ua, now| ua.progress(now, id, Status::RINGING, Vec::new())).expect("rings");
    let ringing = script.next();
    let tag = param(header(&ringing, "To"), "tag").to_owned();
    insta::assert_snapshot!(ringing.replace(&tag, "TAG").replace('\r', ""));
}

#[test]
fn responses_go_back_to_the_port_they_came_from() {
    let mut script = Script::new();
    script.receive_from("203.0.113.5:40001", INVITE);
    let (to, text) = script.next_to();
    assert_eq!(to, at("203.0.113.5:40001"));
    let via = header(&text, "Via");
    assert!(via.contains(";received=203.0.113.5") && via.contains(";rport=40001"), "{via}");
}

#[test]
fn without_rport_responses_go_to_the_port_in_via() {
    let mut script = Script::new();
    let text = INVITE.replace(";rport", "").replace("198.51.100.9:5060;b", "198.51.100.9:5099;b");
    script.receive_from("203.0.113.5:40001", &text);
    assert_eq!(script.next_to().0, at("203.0.113.5:5099"));
}

#[test]
fn an_unknown_method_gets_501_and_one_that_is_not_served_405_with_allow() {
    let mut script = Script::new();
    let text = INVITE.replace("INVITE", "JUGGLE").replace("d8754z-1", "a");
    assert_eq!(status_line(&mut script, &text), "SIP/2.0 501 Not Implemented");
    script.receive(&INVITE.replace("INVITE", "PUBLISH").replace("d8754z-1", "b"));
    let text = script.expect("SIP/2.0 405 Method Not Allowed");
    let allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, PRACK, REFER, SUBSCRIBE";
    assert_eq!(header(&text, "Allow"), allow);
    assert!(header(&text, "To").contains(";tag="));
}

#[test]
fn a_required_extension_gets_420_that_names_it() {
    let mut script = Script::new();
    script.receive(
        &INVITE.replace("Max-Forwards", "Require: 100rel, precondition, path\nMax-Forwards"),
    );
    let text = script.expect("SIP/2.0 420 Bad Extension");
    assert_eq!(header(&text, "Unsupported"), "precondition, path");
    assert!(!script.heard("Incoming"));
}

#[test]
fn a_body_that_is_no_session_description_gets_415_unless_optional() {
    let mut script = Script::new();
    let other = INVITE.replace("application/sdp", "application/xml");
    script.receive(&other);
    let text = script.expect("SIP/2.0 415 Unsupported Media Type");
    let accept = "application/sdp, multipart/mixed, multipart/alternative, multipart/related";
    assert_eq!(header(&text, "Accept"), accept);
    let optional = "c: application/xml\nContent-Disposition: session;handling=optional";
    let text = INVITE.replace("c: application/sdp", optional).replace("d8754z-1", "2");
    script.receive(&text.replace("84b4", "84b5"));
    assert!(script.heard("Incoming"));
}

#[test]
fn an_invite_without_contact_gets_400() {
    let mut script = Script::new();
    let text = INVITE.replace("m: <", "Subject: <");
    assert_eq!(status_line(&mut script, &text), "SIP/2.0 400 Contact is missing");
}

#[test]
fn a_request_that_came_along_two_ways_rings_once_and_gets_482() {
    let mut script = Script::new();
    script.receive(INVITE);
    script.skip();
    let text = INVITE.replace("d8754z-1", "other-way");
    assert_eq!(status_line(&mut script, &text), "SIP/2.0 482 Loop Detected");
}

#[test]
fn requests_for_dialogs_that_do_not_exist_get_481_and_acks_nothing() {
    let mut script = Script::new();
    for (n, method) in ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"].into_iter().enumerate() {
        let contact = "Contact: <sip:phone@198.51.100.9>\n";
        let text = in_dialog(method, 9, "nobody", &n.to_string(), contact, "");
        let line = status_line(&mut script, &text);
        assert_eq!(line, "SIP/2.0 481 Call/Transaction Does Not Exist", "{method}");
    }
    script.receive(&in_dialog("BYE", 9, "nobody", "x", "", "").replace(";tag=nobody", ""));
    script.expect("SIP/2.0 481 ");
    script.receive(&in_dialog("CANCEL", 9, "nobody", "y", "", "").replace(";tag=nobody", ""));
    script.expect("SIP/2.0 481 ");
    script.receive(&in_dialog("ACK", 9, "nobody", "z", "", ""));
    script.expect_nothing();
    assert_eq!(script.ua.counters().strays, 1);
}

#[test]
fn cancel_is_answered_with_the_tag_of_the_invite_and_ends_the_ringing() {
    let mut script = Script::new();
    script.receive(INVITE);
    script.skip();
    let cancel = "
CANCEL sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK-d8754z-1;rport
Max-Forwards: 70
To: <sip:101@192.0.2.1>
From: <sip:phone@198.51.100.9>;tag=7d34
Call-ID: 84b4c76e66710@198.51.100.9
CSeq: 8 CANCEL
Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26
Content-Length: 0

";
    script.receive(cancel);
    let ok = script.expect("SIP/2.0 200 OK");
    assert_eq!(header(&ok, "CSeq"), "8 CANCEL");
    let terminated = script.expect("SIP/2.0 487 Request Terminated");
    assert!(header(&terminated, "CSeq").ends_with(" INVITE"));
    assert_eq!(header(&ok, "To"), header(&terminated, "To"));
    assert_eq!(script.ended(), "Remote 487");
    let causes = script.said.iter().find_map(|output| match output {
        Output::Ended { reasons, .. } => Some(reasons.iter().map(|r| r.cause).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(causes, Some(vec![Some(200), Some(26)]));
    script.receive(&in_dialog("ACK", 8, "x", "-d8754z-1", "", ""));
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_peer_of_rfc_2543_without_tags_and_magic_cookie_is_served() {
    let old = |text: &str| {
        text.replace("z9hG4bK-d8754z-1", "1").replace(";tag=7d34", "").replace(";rport", "")
    };
    let mut script = Script::new();
    script.receive(&old(INVITE));
    script.skip();
    script.receive(&old(INVITE));
    script.expect("SIP/2.0 100 Trying");
    let id = script.incoming();
    script.act(|ua, now| ua.reject(now, id, Status::BUSY_HERE, &[])).expect("rings");
    let busy = script.expect("SIP/2.0 486 ");
    let tag = param(header(&busy, "To"), "tag").to_owned();
    let ack = "
ACK sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=1
To: <sip:101@192.0.2.1>;tag=TAG
From: \"Desk \\\"1\\\" phone\" <sip:phone@198.51.100.9>
Call-ID: 84b4c76e66710@198.51.100.9
CSeq: 8 ACK

";
    script.receive(&ack.replace("TAG", &tag));
    script.wait(4000);
    script.expect_nothing();
    script.wait(6000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn bye_before_the_answer_ends_the_call_with_487() {
    let mut script = Script::new();
    script.receive(INVITE);
    let id = script.incoming();
    script.act(|ua, now| ua.progress(now, id, Status::RINGING, Vec::new())).expect("rings");
    script.next();
    let tag = param(header(&script.next(), "To"), "tag").to_owned();
    script.receive(&in_dialog("BYE", 9, &tag, "bye", "", ""));
    script.expect("SIP/2.0 200 OK");
    script.expect("SIP/2.0 487 ");
    assert_eq!(script.ended(), "Remote 487");
}

#[test]
fn requests_in_the_call_are_answered_sensibly() {
    let allow = vec![Method::Options, Method::Message];
    let mut script = Script::with(UaConfig { allow, ..UaConfig::default() });
    let tag = answered(&mut script);
    script.receive(&in_dialog("OPTIONS", 9, &tag, "o", "", ""));
    assert!(header(&script.expect("SIP/2.0 200 OK"), "Allow").contains("UPDATE"));
    script.receive(&in_dialog("INFO", 10, &tag, "i", "Content-Type: application/dtmf\n", "5"));
    script.expect("SIP/2.0 200 OK");
    assert!(script.heard("Info"));
    script.receive(&in_dialog("UPDATE", 11, &tag, "u", "Contact: <sip:x@198.51.100.9:7000>\n", ""));
    assert!(find(&script.expect("SIP/2.0 200 OK"), "Contact").is_some());
    script.receive(&in_dialog("MESSAGE", 12, &tag, "r", "", ""));
    script.expect_nothing();
    let message = script.said.iter().find_map(|output| match output {
        Output::Request { id, session: Some(_), request, .. } => Some((*id, request.clone())),
        _ => None,
    });
    let (id, request) = message.expect("MESSAGE is the application's business");
    let answer = Response::new(&request, Status::ACCEPTED, None);
    assert!(script.act(|ua, now| ua.respond(now, id, answer)));
    script.expect("SIP/2.0 202 Accepted");
    script.receive(&in_dialog("BYE", 5, &tag, "old", "", ""));
    script.expect("SIP/2.0 500 ");
    // The UPDATE moved the peer: our BYE goes there.
    let id = script.incoming();
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let (to, bye) = script.next_to();
    assert!(bye.starts_with("BYE sip:x@198.51.100.9:7000 SIP/2.0"), "{bye}");
    assert_eq!(to, at("198.51.100.9:7000"));
}

#[test]
fn a_cancelled_change_gets_487_and_keeps_the_call() {
    let mut script = Script::new();
    let tag = answered(&mut script);
    let more = "Contact: <sip:phone@198.51.100.9>\nContent-Type: application/sdp\n";
    let reinvite = in_dialog("INVITE", 9, &tag, "re", more, "v=0 hold");
    script.receive(&reinvite);
    script.expect("SIP/2.0 100 Trying");
    // A second one while the first is undecided (RFC 3261 §14.2).
    script.receive(&in_dialog("INVITE", 10, &tag, "re2", more, "v=0 hold"));
    let busy = script.expect("SIP/2.0 500 ");
    assert!(header(&busy, "Retry-After").parse::<u32>().is_ok_and(|s| s <= 10));
    script.receive(&in_dialog("CANCEL", 9, &tag, "re", "", ""));
    script.expect("SIP/2.0 200 OK");
    script.expect("SIP/2.0 487 ");
    assert_eq!(script.ended(), "not ended");
    let id = script.incoming();
    let late = script.act(|ua, now| ua.accept_offer(now, id, b"v=0".to_vec()));
    assert!(late.is_err(), "too late");
}

#[test]
fn a_change_before_the_ack_waits() {
    let mut script = Script::new();
    script.receive(INVITE);
    let id = script.incoming();
    script.skip();
    script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    let tag = param(header(&script.next(), "To"), "tag").to_owned();
    let more = "Contact: <sip:phone@198.51.100.9>\n";
    script.receive(&in_dialog("INVITE", 9, &tag, "re", more, ""));
    script.expect("SIP/2.0 491 ");
}

#[test]
fn keep_alives_and_garbage_are_counted_and_not_answered() {
    let mut script = Script::new();
    script.receive_octets(PEER, b"\r\n\r\n");
    script.receive_octets(PEER, b"\0\0\0\0");
    script.receive_octets(PEER, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    script.receive_octets(PEER, &[0xFF; 1500]);
    script.receive_octets(PEER, b"");
    script.expect_nothing();
    let counters = script.ua.counters();
    assert_eq!(counters.datagrams, 5);
    assert!(counters.keep_alives >= 1);
    assert_eq!(counters.keep_alives + counters.garbage + counters.malformed, 5);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_malformed_request_is_refused_without_a_transaction() {
    let mut script = Script::new();
    let text = INVITE.replace("cseq:  8   INVITE", "CSeq: 99999999999 INVITE");
    script.receive(&text);
    let refusal = script.expect("SIP/2.0 400 ");
    assert!(header(&refusal, "Via").contains("rport=5060"));
    assert!(header(&refusal, "To").contains(";tag="));
    assert_eq!(script.ua.counts(), Default::default());
    assert_eq!(script.ua.counters().malformed, 1);
}

#[test]
fn a_request_of_the_application_is_answered_once_and_repeated_by_the_transaction() {
    let allow = vec![Method::Register];
    let mut script = Script::with(UaConfig { allow, ..UaConfig::default() });
    let register =
        INVITE.replace("INVITE", "REGISTER").replace("\nv=0 offer", "\n").replace("l: 9", "l: 0");
    script.receive(&register);
    script.expect_nothing();
    let Some(Output::Request { id, request, .. }) = script.said.pop() else {
        panic!("surfaced");
    };
    let ok = Response::new(&request, Status::OK, None);
    assert!(script.act(|ua, now| ua.respond(now, id, ok.clone())));
    let first = script.expect("SIP/2.0 200 OK");
    script.receive(&register);
    assert_eq!(script.next(), first);
    assert!(!script.act(|ua, now| ua.respond(now, id, ok)), "answered already");
    script.wait(33_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_request_that_the_application_forgets_is_forgotten_after_32_s() {
    let mut script = Script::new();
    script.receive(&INVITE.replace("INVITE", "OPTIONS"));
    assert_eq!(script.ua.counts().requests, 1);
    script.wait(33_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_flood_beyond_the_table_is_still_answered() {
    let config = UaConfig { max_transactions: 2, ..UaConfig::default() };
    let mut script = Script::with(config);
    for n in 0..5 {
        let text = INVITE.replace("INVITE", "OPTIONS").replace("d8754z-1", &n.to_string());
        script.receive(&text.replace("84b4", &n.to_string()));
    }
    let ids: Vec<_> = script.said.drain(..).collect();
    assert_eq!(ids.len(), 5);
    for output in ids {
        let Output::Request { id, request, .. } = output else { panic!("surfaced") };
        let ok = Response::new(&request, Status::OK, None);
        script.act(|ua, now| ua.respond(now, id, ok));
        let text = script.expect("SIP/2.0 200 OK");
        assert!(header(&text, "To").contains(";tag="));
    }
    assert_eq!(script.ua.counters().overflows, 3);
    assert_eq!(script.ua.counts().servers, 2);
    script.receive(&INVITE.replace("84b4", "x").replace("d8754z-1", "full"));
    let busy = script.expect("SIP/2.0 503 ");
    assert_eq!(header(&busy, "Retry-After"), "5");
}

#[test]
fn a_refusal_without_transaction_repeats_the_same_tag() {
    let allow = vec![Method::Register];
    let mut script = Script::with(UaConfig { allow, ..UaConfig::default() });
    let register = INVITE.replace("INVITE", "REGISTER");
    let mut tags = Vec::new();
    for _ in 0..2 {
        script.receive(&register);
        let Some(Output::Request { id, request, .. }) = script.said.pop() else {
            panic!("surfaced");
        };
        let refusal = Response::new(&request, Status::UNAUTHORIZED, None);
        script.act(|ua, now| ua.respond_statelessly(now, id, refusal));
        assert_eq!(script.ua.counts(), Default::default());
        tags.push(param(header(&script.next(), "To"), "tag").to_owned());
    }
    assert_eq!(tags[0], tags[1], "RFC 3261 §8.2.7");
}

#[test]
fn a_challenged_call_is_answered_once_and_forgotten() {
    let mut peer = Peer::calls(UaConfig::default(), "", "v=0 offer");
    let (id, invite) = (peer.id, peer.invite.clone());
    let challenge = [(HeaderName::ProxyAuthenticate, "Digest realm=\"r\", nonce=\"n\"".to_owned())];
    let status = Status::PROXY_AUTHENTICATION_REQUIRED;
    peer.script.act(|ua, now| ua.challenge(now, id, status, &challenge)).expect("rings");
    let refusal = peer.script.expect("SIP/2.0 407");
    assert_eq!(header(&refusal, "Proxy-Authenticate"), challenge[0].1);
    assert_eq!(peer.script.ua.counts(), Default::default(), "nothing is kept");
    peer.script.wait(32_000);
    peer.script.expect_nothing();
    let tag = |text: &str| param(header(text, "To"), "tag").to_owned();
    // The ACK means nobody, and a repetition is another call.
    peer.hear(&refusal);
    peer.ask("ACK", "", "");
    peer.script.expect_nothing();
    peer.script.receive(&invite);
    let again = peer.script.incoming();
    assert_ne!(again, id);
    peer.script.act(|ua, now| ua.challenge(now, again, status, &challenge)).expect("rings");
    peer.script.expect("SIP/2.0 100");
    assert_eq!(tag(&peer.script.expect("SIP/2.0 407")), tag(&refusal), "RFC 3261 §8.2.7");
}
