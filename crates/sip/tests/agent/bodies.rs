//! Session descriptions among other parts of a body (RFC 5621), in every message that may carry one.

use tipring_sip::agent::{Output, UaConfig};

use crate::peer::Peer;
use crate::script::header;

const MIXED: &str = "Content-Type: multipart/mixed;boundary=b\n";

/// This description between what an exchange tells another and where the caller is.
fn among_others(description: &str) -> String {
    format!(
        "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\
         Content-Disposition: signal;handling=optional\r\n\r\n\x01\x00\x02\r\n\
         --b\r\nContent-Type: application/sdp\r\n\r\n{description}\r\n\
         --b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <here@example.net>\r\n\
         Content-Disposition: by-reference;handling=optional\r\n\r\n<presence/>\r\n--b--\r\n"
    )
}

/// The descriptions that the application was given, in order, with what it was told.
fn described(peer: &mut Peer) -> Vec<String> {
    let told = std::mem::take(&mut peer.script.said).into_iter();
    let described = told.filter_map(|output| {
        let (what, body) = match output {
            Output::Progress { body, .. } => ("Progress", body),
            Output::Answered { body, .. } => ("Answered", body),
            Output::Confirmed { body, .. } => ("Confirmed", body),
            Output::Offer { body, .. } => ("Offer", body),
            Output::OfferAnswered { body, .. } => ("OfferAnswered", body),
            _ => return None,
        };
        Some(format!("{what}: {}", String::from_utf8_lossy(&body)))
    });
    described.collect()
}

#[test]
fn an_offer_among_other_parts_is_answered() {
    let mut peer = Peer::calls(UaConfig::default(), MIXED, &among_others("v=0 offer"));
    let Some(Output::Incoming { request, .. }) = peer.script.said.first() else {
        panic!("{:?}", peer.script.said);
    };
    assert_eq!(request.session_description(), b"v=0 offer");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    let ok = peer.script.expect("SIP/2.0 200");
    assert!(ok.ends_with("v=0 answer"));
    // What we sent was the answer: an ACK with another is no offer to be answered.
    peer.hear(&ok);
    peer.ask("ACK", "", "");
    assert_eq!(described(&mut peer), ["Confirmed: "]);
}

#[test]
fn an_invite_with_other_parts_alone_asks_for_our_offer() {
    let location = "--b\r\nContent-Type: application/pidf+xml\r\n\
        Content-Disposition: by-reference;handling=optional\r\n\r\n<presence/>\r\n--b--\r\n";
    let mut peer = Peer::calls(UaConfig::default(), MIXED, location);
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 ours".to_vec())).expect("rings");
    let ok = peer.script.expect("SIP/2.0 200");
    peer.hear(&ok);
    peer.ask("ACK", MIXED, &among_others("v=0 theirs"));
    assert_eq!(described(&mut peer), ["Confirmed: v=0 theirs"]);
}

#[test]
fn a_part_that_must_be_understood_and_is_not_gets_415() {
    for disposition in ["", "Content-Disposition: signal;handling=required\r\n"] {
        let body = among_others("v=0 offer")
            .replace("Content-Disposition: signal;handling=optional\r\n", disposition);
        let mut peer = Peer::calls(UaConfig::default(), MIXED, &body);
        let refusal = peer.script.expect("SIP/2.0 415 Unsupported Media Type");
        let accept = "application/sdp, multipart/mixed, multipart/alternative, multipart/related";
        assert_eq!(header(&refusal, "Accept"), accept);
        assert!(!peer.script.heard("Incoming"));
    }
}

#[test]
fn parts_that_cannot_be_told_apart_get_400() {
    let mut peer = Peer::calls(UaConfig::default(), MIXED, "--b\r\n\r\nv=0 offer");
    peer.script.expect("SIP/2.0 400 last delimiter is missing");
    let mut peer = Peer::calls(UaConfig::default(), "Content-Type: multipart/mixed\n", "v=0");
    peer.script.expect("SIP/2.0 400 bad boundary");
}

#[test]
fn responses_describe_the_session_among_other_parts() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("183 Session Progress", MIXED, &among_others("v=0 early"));
    peer.answer("200 OK", MIXED, &among_others("v=0 answer"));
    peer.script.expect("ACK ");
    assert_eq!(described(&mut peer), ["Progress: v=0 early", "Answered: v=0 answer"]);
}

#[test]
fn a_response_with_other_parts_alone_describes_nothing() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("183 Session Progress", "Content-Type: application/isup\n", "\x01");
    peer.answer("200 OK", MIXED, &among_others("v=0 answer"));
    peer.script.expect("ACK ");
    assert_eq!(described(&mut peer), ["Progress: ", "Answered: v=0 answer"]);
}

#[test]
fn changes_of_a_call_are_offered_and_answered_among_other_parts() {
    let mut peer = Peer::up(UaConfig::default(), "Allow: UPDATE\n");
    let id = peer.id;
    for method in ["INVITE", "UPDATE"] {
        peer.ask(method, &format!("{}{MIXED}", crate::peer::CONTACT), &among_others("v=0 more"));
        assert_eq!(described(&mut peer), ["Offer: v=0 more"]);
        peer.script.skip();
        peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 fine".to_vec())).expect("open");
        assert!(peer.script.expect("SIP/2.0 200").ends_with("v=0 fine"));
        if method == "INVITE" {
            peer.ask("ACK", "", "");
        }
    }
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 mine".to_vec())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    peer.reply(&reinvite, "200 OK", MIXED, &among_others("v=0 yours"));
    assert_eq!(described(&mut peer), ["OfferAnswered: v=0 yours"]);
}

#[test]
fn a_prack_answers_among_other_parts() {
    let mut peer = Peer::calls(UaConfig::default(), "Require: 100rel\n", "");
    peer.progress(tipring_sip::message::Status::SESSION_PROGRESS, "v=0 ours");
    let progress = peer.script.expect("SIP/2.0 183");
    peer.hear(&progress);
    let number = header(&progress, "CSeq").split(' ').next().unwrap_or_default();
    let rack = format!("RAck: {} {number} INVITE\n", header(&progress, "RSeq"));
    peer.ask("PRACK", &format!("{rack}{MIXED}"), &among_others("v=0 theirs"));
    peer.script.expect("SIP/2.0 200");
    assert_eq!(described(&mut peer), ["OfferAnswered: v=0 theirs"]);
}
