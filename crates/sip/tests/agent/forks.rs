//! Forks of our call that do what they should not, and redirections (RFC 3261 §8.1.3.4, §13.2.2.4, §15).

use tipring_sip::agent::{Output, SessionError, UaConfig};
use tipring_sip::message::{Header, HeaderName, NameAddr, Status};
use tipring_sip::session::{Invite, MAX_TRIED};

use crate::peer::{CONTACT, Peer};
use crate::script::{header, invite, uri};

fn contact(text: &str) -> NameAddr {
    text.parse().expect("an address")
}

fn next(from: &Invite, status: Status, to: &str) -> Option<Invite> {
    let mut tried = from.tried.clone();
    tried.push(from.target.clone());
    from.redirected(status, &contact(to), from.path.clone(), &tried)
}

#[test]
fn a_fork_that_said_bye_before_its_answer_does_not_come_back() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("180 Ringing", "", "");
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    assert_eq!(peer.script.ended(), "not ended", "the INVITE has no final response yet");
    assert_eq!(peer.script.ua.counts().dialogs, 0);
    peer.answer("180 Ringing", "", "");
    peer.answer("200 OK", "", "v=0 answer");
    peer.script.expect("ACK ");
    let bye = peer.script.expect("BYE ");
    assert!(!peer.script.heard("Answered"));
    peer.reply(&bye, "481 Call/Transaction Does Not Exist", "", "");
    assert_eq!(peer.script.ended(), "Remote");
    peer.assert_quiet();
}

#[test]
fn a_fork_that_said_bye_leaves_the_others_alone() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer_as("b", "180 Ringing", "", "");
    peer.answer_as("other", "180 Ringing", "", "");
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    peer.answer_as("other", "200 OK", "", "v=0 answer");
    peer.script.expect("ACK ");
    assert!(peer.script.heard("Answered"));
    peer.script.expect_nothing();
}

#[test]
fn the_second_fork_may_cancel_its_reinvite() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer_as("other", "180 Ringing", "", "");
    peer.answer("200 OK", "", "v=0 answer");
    peer.script.expect("ACK ");
    let reinvite = peer.ask("INVITE", CONTACT, "v=0 change");
    peer.script.expect("SIP/2.0 100 ");
    let cancel = reinvite.replace("INVITE", "CANCEL");
    peer.script.receive(&cancel);
    let mut answers = [peer.script.next(), peer.script.next()];
    answers.sort();
    assert!(answers[0].starts_with("SIP/2.0 200 "), "{answers:?}");
    assert!(answers[1].starts_with("SIP/2.0 487 "), "{answers:?}");
    let (id, now) = (peer.id, peer.script.now);
    let late = peer.script.ua.accept_offer(now, id, b"v=0".to_vec());
    assert_eq!(late, Err(SessionError::WrongState));
}

#[test]
fn a_fork_that_has_failed_early_is_forgotten() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    for tag in ["one", "two"] {
        peer.answer_as(tag, "180 Ringing", "", "");
    }
    peer.answer_as("one", "199 Early Dialog Terminated", "", "");
    let forks: Vec<_> = peer
        .script
        .said
        .iter()
        .filter_map(|output| match output {
            Output::Progress { fork, status, .. } => Some((*fork, status.code())),
            _ => None,
        })
        .collect();
    assert_eq!(forks, [(0, 180), (1, 180), (0, 199)]);
    assert_eq!(peer.script.ua.counts().dialogs, 1);
    peer.answer_as("two", "183 Session Progress", "", "v=0");
    let last = peer.script.said.last();
    assert!(matches!(last, Some(Output::Progress { fork: 1, .. })), "{last:?}");
}

#[test]
fn more_forks_than_can_be_told_apart_are_still_heard() {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    for n in 0..40 {
        peer.answer_as(&format!("fork{n}"), "180 Ringing", "", "");
    }
    assert_eq!(peer.script.ua.counts().dialogs, 16);
    let heard = peer.script.said.iter().filter(|o| matches!(o, Output::Progress { .. })).count();
    assert_eq!(heard, 40);
    peer.answer_as("fork39", "200 OK", "", "v=0 answer");
    peer.script.expect("ACK ");
    assert_eq!(peer.script.ua.counts().dialogs, 1);
}

#[test]
fn a_reinvite_without_an_end_is_given_up_with_the_call() {
    let mut peer = Peer::up(UaConfig { session_timer: None, ..UaConfig::default() }, "");
    let id = peer.id;
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    peer.reply(&reinvite, "100 Trying", "", "");
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    peer.assert_quiet();
}

#[test]
fn a_change_that_overlaps_is_made_when_the_peer_says() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let id = peer.id;
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    peer.reply(&reinvite, "500 Server Internal Error", "Retry-After: 4\n", "");
    peer.script.expect("ACK ");
    peer.script.wait(3_900);
    peer.script.expect_nothing();
    peer.script.wait(200);
    let again = peer.script.expect("INVITE ");
    assert!(again.ends_with("v=0 hold"));
    // A time that is out of question is told instead.
    peer.reply(&again, "500 Server Internal Error", "Retry-After: 3600\n", "");
    let after = peer.script.said.iter().find_map(|output| match output {
        Output::OfferRejected { retry_after, .. } => *retry_after,
        _ => None,
    });
    assert_eq!(after, Some(3600));
}

#[test]
fn a_refused_offer_carries_the_reason_given() {
    let mut peer = Peer::up(UaConfig::default(), "");
    peer.ask("INVITE", CONTACT, "v=0 video");
    peer.script.expect("SIP/2.0 100");
    let id = peer.id;
    let warning = "304 h \"no video\"".to_owned();
    let headers = [(HeaderName::Warning, warning.clone())];
    let status = Status::NOT_ACCEPTABLE_HERE;
    peer.script.act(|ua, now| ua.reject_offer(now, id, status, &headers)).expect("offered");
    assert_eq!(header(&peer.script.expect("SIP/2.0 488 "), "Warning"), warning);
    // And the other way, for a call that is refused.
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("606 Not Acceptable", "Warning: 304 h \"no video\"\n", "");
    let warned = peer.script.said.iter().any(
        |output| matches!(output, Output::Ended { warnings, .. } if warnings[0].code() == 304),
    );
    assert!(warned);
}

#[test]
fn a_redirection_leads_to_the_contact_with_what_is_harmless_in_it() {
    let first = invite();
    let to =
        "<sip:carol@198.51.100.7;method=INVITE?Subject=hi&Priority=urgent&From=%3Csip:x%40y%3E>";
    let second = next(&first, Status::MOVED_TEMPORARILY, to).expect("not tried");
    assert_eq!(second.target, uri("sip:carol@198.51.100.7"));
    let names: Vec<_> = second.headers.iter().map(|header| header.name().as_str()).collect();
    assert_eq!(names, ["Subject", "Priority"], "From is ours to say");
    assert_eq!((second.to.to_string(), second.body), (first.to.to_string(), first.body));
}

#[test]
fn a_contact_may_require_that_its_dialog_be_replaced_and_nothing_else() {
    let ask = |contact: &str| {
        let next = next(&invite(), Status::MOVED_TEMPORARILY, contact).expect("not tried");
        let field = |header: &Header| format!("{}: {}", header.name(), header.value());
        next.headers.iter().map(field).collect::<Vec<_>>()
    };
    let replaces = "?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2";
    assert_eq!(
        ask(&format!("<sip:carol@198.51.100.7{replaces}&Require=x%2C%20Replaces>")),
        ["Replaces: c;to-tag=1;from-tag=2", "Require: replaces"]
    );
    assert_eq!(ask(&format!("<sip:carol@198.51.100.7{replaces}&Require=x>")).len(), 1);
    assert_eq!(ask("<sip:carol@198.51.100.7?Require=replaces>").len(), 0);
}

#[test]
fn a_proxy_to_be_used_is_a_route_and_the_target_stays() {
    let first = invite();
    let second = next(&first, Status::USE_PROXY, "<sip:198.51.100.7>").expect("not tried");
    assert_eq!(second.target, first.target);
    assert_eq!(second.route[0].to_string(), "<sip:198.51.100.7;lr>");
    assert!(next(&second, Status::USE_PROXY, "<sip:198.51.100.7>").is_none(), "a loop");
}

#[test]
fn redirections_in_a_circle_or_without_an_end_stop() {
    let mut call = invite();
    let back = call.target.to_string();
    for n in 0..100 {
        assert!(next(&call, Status::MOVED_TEMPORARILY, &format!("<{back}>")).is_none());
        let mut tried = call.tried.clone();
        tried.push(call.target.clone());
        match next(&call, Status::MOVED_TEMPORARILY, &format!("<sip:n{n}@example.net>")) {
            Some(following) => call = following,
            None => {
                assert_eq!(n + 1, MAX_TRIED);
                return;
            }
        }
        assert_eq!(call.tried, tried);
    }
    panic!("it would go on for ever");
}

#[test]
fn an_alternative_service_is_not_called_by_itself() {
    assert!(next(&invite(), Status::ALTERNATIVE_SERVICE, "<sip:help@example.net>").is_none());
}

/// The peer has an offer open in the early dialog `b`.
fn with_an_open_offer() -> Peer {
    let mut peer = Peer::called(UaConfig::default(), |_| {});
    peer.answer("183 Session Progress", "Require: 100rel\nRSeq: 1\n", "v=0 answer");
    let prack = peer.script.expect("PRACK ");
    peer.reply(&prack, "200 OK", "", "");
    peer.ask("UPDATE", CONTACT, "v=0 change");
    assert!(peer.script.heard("Offer"));
    peer.script.expect_nothing();
    peer
}

#[test]
fn the_open_offer_of_a_fork_that_is_let_go_of_is_answered() {
    type LetGo = fn(&mut Peer);
    let lets_go: [(&str, LetGo); 4] = [
        ("another answers", |peer| peer.answer_as("other", "200 OK", "", "v=0 answer")),
        ("the call fails", |peer| peer.answer_as("other", "486 Busy Here", "", "")),
        ("it fails itself", |peer| peer.answer("199 Early Dialog Terminated", "", "")),
        ("the interval is too small", |peer| {
            peer.answer_as("p", "422 Session Interval Too Small", "Min-SE: 7200\n", "");
        }),
    ];
    for (what, let_go) in lets_go {
        let mut peer = with_an_open_offer();
        let_go(&mut peer);
        let answers = peer.script.sent.iter().filter(|(_, text)| {
            text.starts_with("SIP/2.0 487 ") && header(text, "CSeq").ends_with("UPDATE")
        });
        assert_eq!(answers.count(), 1, "{what}: {:?}", peer.script.sent);
    }
}
