//! A call that takes the place of another (RFC 3891), and one that wants to join (RFC 3911).

use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::message::{Method, Status};
use tipring_sip::session::SessionId;

use crate::peer::Peer;
use crate::script::{Script, header, param};

/// A third party's INVITE with `more` lines.
fn invite(more: &str) -> String {
    format!(
        "INVITE sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKthird;rport
From: <sip:carol@example.net>;tag=c
To: <sip:101@192.0.2.1>
Call-ID: third
CSeq: 1 INVITE
Contact: <sip:carol@203.0.113.5>
{more}Content-Type: application/sdp
Content-Length: 9

v=0 offer"
    )
}

/// Names the call that we made to the peer.
fn replaces(peer: &Peer, more: &str) -> String {
    let tag = param(header(&peer.invite, "From"), "tag");
    let call_id = header(&peer.invite, "Call-ID");
    format!("Replaces: {call_id};to-tag={tag};from-tag=b{more}\n")
}

fn incoming(script: &Script) -> Option<(SessionId, Option<SessionId>)> {
    script.said.iter().rev().find_map(|output| match output {
        Output::Incoming { session, replaces, .. } => Some((*session, *replaces)),
        _ => None,
    })
}

fn code(script: &mut Script, text: &str) -> String {
    script.receive_from("203.0.113.5:5060", text);
    script.next().split(' ').nth(1).unwrap_or("").to_owned()
}

#[test]
fn a_call_that_is_up_ends_when_its_replacement_is_answered() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let text = invite(&replaces(&peer, ""));
    peer.script.receive_from("203.0.113.5:5060", &text);
    peer.script.expect("SIP/2.0 100");
    let (new, old) = incoming(&peer.script).expect("came in");
    assert_eq!(old, Some(peer.id));
    peer.script.act(|ua, now| ua.answer(now, new, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect("SIP/2.0 200 ");
    let bye = peer.script.expect("BYE sip:bob@198.51.100.9");
    peer.reply(&bye, "200 OK", "", "");
    assert_eq!(peer.script.ended(), "Local");
    assert_eq!(peer.script.ua.counts().dialogs, 1, "the new call is up");
}

#[test]
fn a_replacement_that_is_refused_leaves_the_call_as_it_was() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let text = invite(&replaces(&peer, ""));
    peer.script.receive_from("203.0.113.5:5060", &text);
    peer.script.skip();
    let (new, _) = incoming(&peer.script).expect("came in");
    peer.script.act(|ua, now| ua.reject(now, new, Status::DECLINE, &[])).expect("rings");
    peer.script.expect("SIP/2.0 603 ");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Local 603", "the new one alone");
}

#[test]
fn our_ringing_call_is_cancelled_for_its_replacement() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("180 Ringing", "", "");
    let text = invite(&replaces(&peer, ";early-only"));
    peer.script.receive_from("203.0.113.5:5060", &text);
    peer.script.expect("SIP/2.0 100");
    let (new, old) = incoming(&peer.script).expect("came in");
    assert_eq!(old, Some(peer.id));
    peer.script.act(|ua, now| ua.answer(now, new, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect("SIP/2.0 200 ");
    peer.script.expect("CANCEL ");
}

#[test]
fn what_may_not_be_replaced_is_refused_as_the_standard_says() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let early = invite(&replaces(&peer, ";early-only"));
    assert_eq!(code(&mut peer.script, &early), "486");
    let mut peer = Peer::up(UaConfig::default(), "");
    let other = invite(&replaces(&peer, "").replace("from-tag=b", "from-tag=x"));
    assert_eq!(code(&mut peer.script, &other), "481");
    let mut peer = Peer::up(UaConfig::default(), "");
    let twice = invite(&replaces(&peer, "").repeat(2));
    assert_eq!(code(&mut peer.script, &twice), "400");
    let mut peer = Peer::up(UaConfig::default(), "");
    let text = invite(&replaces(&peer, ""));
    let id = peer.id;
    peer.script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    peer.script.expect("BYE ");
    assert_eq!(code(&mut peer.script, &text), "603");
    assert_eq!(incoming(&peer.script), None);
}

#[test]
fn replaces_belongs_in_an_invite_alone() {
    let allow = vec![Method::Options, Method::Message, Method::Register];
    for method in &allow {
        let mut peer = Peer::up(UaConfig { allow: allow.clone(), ..UaConfig::default() }, "");
        let text = invite(&replaces(&peer, "")).replace("INVITE", method.as_str());
        assert_eq!(code(&mut peer.script, &text), "400", "{method:?}");
    }
    let mut peer = Peer::up(UaConfig::default(), "");
    let text = replaces(&peer, "");
    peer.ask("INFO", &text, "");
    peer.script.expect("SIP/2.0 400 ");
    let off = UaConfig { replaces: false, ..UaConfig::default() };
    let mut peer = Peer::up(off, "");
    let text = invite(&replaces(&peer, "")).replace("INVITE", "BYE");
    assert_eq!(code(&mut peer.script, &text), "481", "who knows no Replaces looks at none");
}

#[test]
fn a_call_that_rings_here_is_not_replaced_by_another_caller() {
    let mut peer = Peer::calls(UaConfig::default(), "", "v=0 offer");
    peer.progress(Status::RINGING, "");
    let ringing = peer.script.expect("SIP/2.0 180");
    let tag = param(header(&ringing, "To"), "tag");
    let text = invite(&format!("Replaces: c;to-tag={tag};from-tag=b\n"));
    assert_eq!(code(&mut peer.script, &text), "481");
}

#[test]
fn where_replacing_is_off_the_field_is_not_looked_at_unless_required() {
    let off = || UaConfig { replaces: false, ..UaConfig::default() };
    let mut peer = Peer::up(off(), "");
    let text = invite(&replaces(&peer, ""));
    assert_eq!(code(&mut peer.script, &text), "100");
    assert_eq!(incoming(&peer.script).map(|(_, old)| old), Some(None));
    let mut peer = Peer::up(off(), "");
    let text = invite(&format!("Require: replaces\n{}", replaces(&peer, "")));
    assert_eq!(code(&mut peer.script, &text), "420");
}

#[test]
fn nobody_joins_a_call() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let join = replaces(&peer, "").replace("Replaces", "Join");
    assert_eq!(code(&mut peer.script, &invite(&join)), "481");
    let required = invite(&format!("Require: join\n{join}")).replace("third", "fourth");
    assert_eq!(code(&mut peer.script, &required), "420");
    let both = invite(&format!("{join}{}", replaces(&peer, ""))).replace("third", "fifth");
    assert_eq!(code(&mut peer.script, &both), "400");
}
