//! Reliable provisional responses, both ways (RFC 3262), and early dialogs that change (RFC 3311, RFC 6337).

use tipring_sip::agent::{Output, Reliability, SessionError, UaConfig};
use tipring_sip::message::{HeaderName, Status};

use crate::peer::Peer;
use crate::script::{find, header};

const REL: &str = "Supported: 100rel\n";
const UPDATES: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\n";

fn with(reliability: Reliability) -> UaConfig {
    UaConfig { reliability, ..UaConfig::default() }
}

fn config() -> UaConfig {
    UaConfig::default()
}

fn rings(peer: &mut Peer, rseq: u32, status: &str, body: &str) {
    peer.answer(status, &format!("Require: 100rel\nRSeq: {rseq}\n{UPDATES}"), body);
}

#[test]
fn a_reliable_response_is_acknowledged_and_told_once() {
    let mut peer = Peer::called(config(), |_| {});
    assert!(header(&peer.invite, "Supported").contains("100rel"));
    rings(&mut peer, 7, "183 Session Progress", "v=0 answer");
    let prack = peer.script.expect("PRACK sip:bob@198.51.100.9 SIP/2.0");
    let number = header(&peer.invite, "CSeq").split(' ').next().expect("a number").to_owned();
    assert_eq!(header(&prack, "RAck"), format!("7 {number} INVITE"));
    rings(&mut peer, 7, "183 Session Progress", "v=0 answer");
    peer.script.expect_nothing();
    peer.reply(&prack, "200 OK", "", "");
    let told = peer.script.said.iter().filter(|output| matches!(output, Output::Progress { .. }));
    assert_eq!(told.count(), 1);
    // The answer was agreed; the 200 does not say it again, and would not count.
    peer.answer("200 OK", "", "v=0 other");
    peer.script.expect("ACK ");
    let answered =
        peer.script.said.iter().any(
            |output| matches!(output, Output::Answered { body, fork: 0, .. } if body.is_empty()),
        );
    assert!(answered, "{:?}", peer.script.said);
}

#[test]
fn responses_out_of_order_wait_for_their_turn() {
    let mut peer = Peer::called(config(), |_| {});
    rings(&mut peer, 1, "183 Session Progress", "v=0 answer");
    peer.script.expect("PRACK ");
    rings(&mut peer, 3, "180 Ringing", "");
    peer.script.expect_nothing();
    rings(&mut peer, 2, "182 Queued", "");
    assert!(header(&peer.script.expect("PRACK "), "RAck").starts_with("2 "));
    rings(&mut peer, 3, "180 Ringing", "");
    assert!(header(&peer.script.expect("PRACK "), "RAck").starts_with("3 "));
}

#[test]
fn each_fork_counts_for_itself() {
    let mut peer = Peer::called(config(), |_| {});
    for (tag, rseq) in [("desk", 10), ("mobile", 99), ("desk", 11)] {
        let more = format!("Require: 100rel\nRSeq: {rseq}\n");
        peer.answer_as(tag, "183 Session Progress", &more, "");
        let prack = peer.script.expect("PRACK ");
        assert!(header(&prack, "To").ends_with(&format!(";tag={tag}")));
    }
    peer.answer_as("mobile", "199 Early Dialog Terminated", "", "");
    assert_eq!(peer.script.ua.counts().dialogs, 1);
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_the_prack() {
    let mut peer = Peer::called(config(), |invite| invite.body.clear());
    rings(&mut peer, 1, "183 Session Progress", "v=0 their offer");
    peer.script.expect_nothing();
    let offered = peer.script.said.iter().any(
        |output| matches!(output, Output::Offer { fork: 0, body, .. } if body == b"v=0 their offer"),
    );
    assert!(offered, "{:?}", peer.script.said);
    let id = peer.id;
    peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 mine".to_vec())).expect("offered");
    let prack = peer.script.expect("PRACK ");
    assert!(prack.ends_with("v=0 mine"));
    peer.reply(&prack, "200 OK", "", "");
    peer.answer("200 OK", "", "");
    peer.script.expect("ACK ");
}

#[test]
fn an_offer_that_is_refused_or_forgotten_ends_the_call_after_its_prack() {
    for refused in [true, false] {
        let mut peer = Peer::called(config(), |invite| invite.body.clear());
        rings(&mut peer, 1, "183 Session Progress", "v=0 their offer");
        let id = peer.id;
        if refused {
            let status = Status::NOT_ACCEPTABLE_HERE;
            peer.script.act(|ua, now| ua.reject_offer(now, id, status, &[])).expect("offered");
        } else {
            peer.script.wait(33_000);
        }
        peer.script.expect("PRACK ");
        peer.script.expect("CANCEL ");
        peer.answer("487 Request Terminated", "", "");
        let end = if refused { "Local 487" } else { "Timeout 408" };
        assert_eq!(peer.script.ended(), end);
        peer.assert_quiet();
    }
}

#[test]
fn only_where_it_is_required_or_of_use_we_send_reliably() {
    let sent = |reliability, more: &str, body: &str| {
        let mut peer = Peer::calls(with(reliability), more, "v=0 offer");
        peer.progress(Status::SESSION_PROGRESS, body);
        let text = peer.script.expect("SIP/2.0 183");
        (find(&text, "RSeq").is_some(), text.ends_with("v=0 answer"))
    };
    let answer = "v=0 answer";
    assert_eq!(sent(Reliability::Supported, REL, answer), (true, true));
    assert_eq!(sent(Reliability::Supported, REL, ""), (false, false));
    assert_eq!(sent(Reliability::Supported, "Require: 100rel\n", ""), (true, false));
    assert_eq!(sent(Reliability::Supported, "", answer), (false, true), "a preview");
    assert_eq!(sent(Reliability::Off, REL, answer), (false, true));
    assert_eq!(sent(Reliability::Required, REL, ""), (true, false));
}

#[test]
fn what_is_off_is_refused_and_what_is_required_is_asked_for() {
    let mut peer = Peer::calls(with(Reliability::Off), "Require: 100rel\n", "v=0");
    let refusal = peer.script.expect("SIP/2.0 420 ");
    assert_eq!(header(&refusal, "Unsupported"), "100rel");
    assert!(!header(&refusal, "Server").is_empty());
    let mut peer = Peer::calls(with(Reliability::Required), "", "v=0");
    assert_eq!(header(&peer.script.expect("SIP/2.0 421 "), "Require"), "100rel");
    let peer = Peer::called(with(Reliability::Required), |_| {});
    assert_eq!(header(&peer.invite, "Require"), "100rel");
    let peer = Peer::called(with(Reliability::Off), |_| {});
    assert!(!header(&peer.invite, "Supported").contains("100rel"));
    assert!(!header(&peer.invite, "Allow").contains("PRACK"));
}

#[test]
fn our_reliable_response_comes_again_until_its_prack() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let first = peer.script.expect("SIP/2.0 183");
    assert_eq!(header(&first, "Require"), "100rel");
    peer.script.wait(500 + 1000 + 2000 + 10);
    assert_eq!(peer.script.sent.len(), 3, "after 0.5, 1.5 and 3.5 s");
    assert!(peer.script.sent.iter().all(|(_, text)| *text == first));
    peer.script.skip();
    peer.prack(&first, "");
    peer.script.expect("SIP/2.0 200 OK");
    peer.script.wait(20_000);
    peer.script.expect_nothing();
    // The same once more acknowledges nothing.
    peer.prack(&first, "");
    peer.script.expect("SIP/2.0 481 ");
}

#[test]
fn without_any_prack_the_invite_is_refused_after_64_t1() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    peer.script.wait(31_900);
    assert!(peer.script.sent.iter().all(|(_, text)| text.starts_with("SIP/2.0 183")));
    peer.script.skip();
    peer.script.wait(200);
    peer.script.expect("SIP/2.0 500 ");
    assert_eq!(peer.script.ended(), "Timeout 500");
    peer.assert_quiet();
}

#[test]
fn a_prack_of_another_response_gets_481_and_one_without_rack_400() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let ringing = peer.script.expect("SIP/2.0 183");
    peer.hear(&ringing);
    peer.ask("PRACK", "RAck: 1 1 INVITE\n", "");
    peer.script.expect("SIP/2.0 481 ");
    peer.ask("PRACK", "", "");
    peer.script.expect("SIP/2.0 400 ");
    peer.prack(&ringing, "");
    peer.script.expect("SIP/2.0 200 ");
}

#[test]
fn the_second_response_and_the_answer_wait_for_the_first_prack() {
    let mut peer = Peer::calls(config(), "Require: 100rel\n", "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let first = peer.script.expect("SIP/2.0 183");
    peer.progress(Status::RINGING, "");
    peer.script.expect_nothing();
    peer.prack(&first, "");
    peer.script.expect("SIP/2.0 200 ");
    let second = peer.script.expect("SIP/2.0 180");
    let number = |text: &str| header(text, "RSeq").parse::<u32>().expect("a number");
    assert_eq!(number(&second), number(&first) + 1);
    // An answer does not wait for a response without a description (RFC 3262 §3).
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    let ok = peer.script.expect("SIP/2.0 200 OK");
    assert!(find(&ok, "Content-Type").is_none(), "the answer was given: {ok}");
    peer.prack(&second, "");
    peer.script.expect("SIP/2.0 200 ");
    peer.ask_numbered("ACK", 1, "", "");
    assert!(peer.script.heard("Confirmed"));
}

#[test]
fn a_prack_that_comes_after_the_ack_is_answered_and_the_call_goes_on() {
    for (wait_ms, status) in [(1_000, "SIP/2.0 200 "), (33_000, "SIP/2.0 481 ")] {
        let mut peer = Peer::calls(config(), "Require: 100rel\n", "v=0 offer");
        peer.progress(Status::RINGING, "");
        let ringing = peer.script.expect("SIP/2.0 180");
        peer.hear(&ringing);
        let id = peer.id;
        peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
        peer.script.expect("SIP/2.0 200 OK");
        peer.ask_numbered("ACK", 1, "", "");
        peer.script.wait(wait_ms);
        // Its first copy was lost; RFC 3262 §3 wants it processed for as long as it may be on its way.
        peer.prack(&ringing, "");
        peer.script.expect(status);
        peer.prack(&ringing, "");
        peer.script.expect("SIP/2.0 481 ");
        assert_eq!(peer.script.ended(), "not ended");
    }
}

#[test]
fn an_offer_in_a_prack_after_the_ack_is_an_offer_like_any_other() {
    let mut peer = Peer::calls(config(), "Require: 100rel\n", "v=0 offer");
    peer.progress(Status::RINGING, "");
    let ringing = peer.script.expect("SIP/2.0 180");
    peer.hear(&ringing);
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect("SIP/2.0 200 OK");
    peer.ask_numbered("ACK", 1, "", "");
    peer.prack(&ringing, "v=0 second offer");
    peer.script.expect_nothing();
    peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 second".to_vec())).expect("offered");
    assert!(peer.script.expect("SIP/2.0 200 ").ends_with("v=0 second"));
}

/// The peer's PRACK with an offer that nobody has decided about, after our 200 that has no ACK.
fn answered_with_an_open_offer() -> Peer {
    let mut peer = Peer::calls(config(), "Require: 100rel\n", "v=0 offer");
    peer.progress(Status::RINGING, "");
    let ringing = peer.script.expect("SIP/2.0 180");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect("SIP/2.0 200 OK");
    peer.script.wait(10_000);
    peer.script.skip();
    peer.prack(&ringing, "v=0 second offer");
    peer.script.expect_nothing();
    assert!(peer.script.heard("Offer "));
    peer
}

/// The responses to a PRACK that were sent.
fn to_prack(peer: &Peer) -> Vec<String> {
    let sent = peer.script.sent.iter();
    let ours = sent.filter(|(_, text)| header(text, "CSeq").ends_with("PRACK"));
    ours.map(|(_, text)| text[8..11].to_owned()).collect()
}

#[test]
fn an_answer_that_nobody_acknowledges_leaves_no_prack_open() {
    let mut peer = answered_with_an_open_offer();
    peer.script.wait(22_100);
    assert_eq!(to_prack(&peer), ["487"], "{:?}", peer.script.sent);
    let (_, bye) = peer.script.sent.back().cloned().expect("a BYE");
    assert!(bye.starts_with("BYE "), "{bye}");
    peer.reply(&bye, "200 OK", "", "");
    peer.assert_quiet();
}

#[test]
fn a_hang_up_before_the_ack_leaves_no_prack_open() {
    let mut peer = answered_with_an_open_offer();
    let id = peer.id;
    peer.script.act(|ua, now| ua.hang_up(now, id, None)).expect("is answered");
    assert_eq!(to_prack(&peer), ["487"], "{:?}", peer.script.sent);
    // Nor one that comes now.
    peer.script.skip();
    peer.ask_numbered("ACK", 1, "", "");
    let bye = peer.script.expect("BYE ");
    peer.script.expect_nothing();
    peer.reply(&bye, "200 OK", "", "");
    peer.assert_quiet();
}

#[test]
fn an_answer_waits_for_the_prack_of_a_description() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let first = peer.script.expect("SIP/2.0 183");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect_nothing();
    let again = peer.script.act(|ua, now| ua.answer(now, id, Vec::new()));
    assert_eq!(again, Err(SessionError::WrongState));
    peer.prack(&first, "");
    assert!(header(&peer.script.expect("SIP/2.0 200 "), "CSeq").ends_with("PRACK"));
    assert!(header(&peer.script.expect("SIP/2.0 200 "), "CSeq").ends_with("INVITE"));
}

#[test]
fn our_offer_in_a_reliable_response_is_answered_by_the_prack() {
    let mut peer = Peer::calls(config(), REL, "");
    peer.progress(Status::SESSION_PROGRESS, "v=0 our offer");
    let ringing = peer.script.expect("SIP/2.0 183");
    assert!(ringing.ends_with("v=0 our offer"));
    peer.prack(&ringing, "v=0 their answer");
    peer.script.expect("SIP/2.0 200 ");
    let answered = peer.script.said.iter().any(
        |output| matches!(output, Output::OfferAnswered { body, .. } if body == b"v=0 their answer"),
    );
    assert!(answered, "{:?}", peer.script.said);
    // Without 100rel our offer would have to wait for the 200.
    let mut peer = Peer::calls(config(), "", "");
    peer.progress(Status::SESSION_PROGRESS, "v=0 our offer");
    assert!(peer.script.expect("SIP/2.0 183").ends_with("\r\n\r\n"));
}

#[test]
fn an_offer_in_the_prack_is_answered_in_its_200_and_holds_ours_back() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let ringing = peer.script.expect("SIP/2.0 183");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, Vec::new())).expect("rings");
    peer.prack(&ringing, "v=0 second offer");
    peer.script.expect_nothing();
    assert!(peer.script.heard("Offer "));
    peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 second".to_vec())).expect("offered");
    let ok = peer.script.expect("SIP/2.0 200 ");
    assert!(header(&ok, "CSeq").ends_with("PRACK") && ok.ends_with("v=0 second"), "{ok}");
    assert!(header(&peer.script.expect("SIP/2.0 200 "), "CSeq").ends_with("INVITE"));
}

#[test]
fn a_reliable_response_is_repeated_as_a_new_one_each_minute() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let first = peer.script.expect("SIP/2.0 183");
    peer.prack(&first, "");
    peer.script.expect("SIP/2.0 200 ");
    peer.script.wait(60_100);
    let next = peer.script.expect("SIP/2.0 183");
    assert_ne!(header(&next, "RSeq"), header(&first, "RSeq"));
    assert!(next.ends_with("\r\n\r\n"), "the answer is not repeated");
}

#[test]
fn an_early_dialog_is_changed_by_update_after_the_first_answer() {
    let mut peer = Peer::called(config(), |_| {});
    peer.answer("180 Ringing", UPDATES, "");
    let id = peer.id;
    let ask = |peer: &mut Peer, body: &str| {
        let body = body.as_bytes().to_vec();
        peer.script.act(|ua, now| ua.update(now, id, 0, &[], body))
    };
    ask(&mut peer, "v=0 hold").expect("the peer allows UPDATE");
    peer.script.expect_nothing();
    rings(&mut peer, 1, "183 Session Progress", "v=0 answer");
    peer.script.expect("PRACK ");
    let update = peer.script.expect("UPDATE ");
    assert!(update.ends_with("v=0 hold"));
    // The callee's own UPDATE meets ours.
    peer.ask("UPDATE", crate::peer::CONTACT, "v=0 theirs");
    peer.script.expect("SIP/2.0 491 ");
    peer.reply(&update, "200 OK", "", "v=0 held");
    let held = |o: &Output| matches!(o, Output::OfferAnswered { body, .. } if body == b"v=0 held");
    assert!(peer.script.said.iter().any(held));
    peer.ask("UPDATE", crate::peer::CONTACT, "v=0 theirs");
    peer.script.expect_nothing();
    peer.script.act(|ua, now| ua.accept_fork_offer(now, id, 0, b"v=0".to_vec())).expect("asked");
    peer.script.expect("SIP/2.0 200 ");
    peer.answer("200 OK", "", "");
    peer.script.expect("ACK ");
}

#[test]
fn where_update_is_not_allowed_an_early_offer_goes_with_the_prack() {
    let mut peer = Peer::called(config(), |_| {});
    peer.answer("180 Ringing", "Allow: INVITE, ACK, PRACK\n", "");
    let id = peer.id;
    peer.script
        .act(|ua, now| ua.update(now, id, 0, &[], b"v=0 change".to_vec()))
        .expect("may go by PRACK");
    let more = "Require: 100rel\nRSeq: 5\n";
    peer.answer("183 Session Progress", more, "v=0 answer");
    let prack = peer.script.expect("PRACK ");
    assert!(prack.ends_with("v=0 change"));
    peer.reply(&prack, "200 OK", "", "v=0 changed");
    assert!(peer.script.heard("OfferAnswered"));
}

#[test]
fn the_callee_updates_only_when_its_answer_is_acknowledged() {
    let mut peer = Peer::calls(config(), &format!("{REL}{UPDATES}"), "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let ringing = peer.script.expect("SIP/2.0 183");
    let id = peer.id;
    peer.script.act(|ua, now| ua.update(now, id, 0, &[], b"v=0 new".to_vec())).expect("allowed");
    peer.script.expect_nothing();
    peer.prack(&ringing, "");
    peer.script.expect("SIP/2.0 200 ");
    let update = peer.script.expect("UPDATE ");
    peer.reply(&update, "488 Not Acceptable Here", "Warning: 305 h \"no\"\n", "");
    let rejected = peer.script.said.iter().find_map(|output| match output {
        Output::OfferRejected { status, warnings, .. } => Some((*status, warnings.len())),
        _ => None,
    });
    assert_eq!(rejected, Some((Status::NOT_ACCEPTABLE_HERE, 1)));
}

#[test]
fn an_update_before_our_first_answer_gets_500_with_a_time() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::RINGING, "");
    let ringing = peer.script.expect("SIP/2.0 180");
    peer.hear(&ringing);
    peer.ask("UPDATE", crate::peer::CONTACT, "v=0 again");
    let busy = peer.script.expect("SIP/2.0 500 ");
    assert!(header(&busy, "Retry-After").parse::<u32>().is_ok_and(|seconds| seconds <= 10));
    peer.ask("UPDATE", "Contact: <sip:bob@198.51.100.9:7000>\n", "");
    peer.script.expect("SIP/2.0 200 ");
}

#[test]
fn a_cancelled_call_answers_what_is_undecided() {
    let mut peer = Peer::calls(config(), REL, "v=0 offer");
    peer.progress(Status::SESSION_PROGRESS, "v=0 answer");
    let ringing = peer.script.expect("SIP/2.0 183");
    peer.prack(&ringing, "v=0 second offer");
    let cancel = peer.invite.replace("INVITE", "CANCEL").replace("Contact", "X-Contact");
    peer.script.receive(&cancel);
    let codes: Vec<_> =
        peer.script.sent.iter().map(|(_, text)| header(text, "CSeq").to_owned()).collect();
    assert_eq!(codes, ["1 CANCEL", "2 PRACK", "1 INVITE"], "each has its final response");
    assert_eq!(peer.script.ended(), "Remote 487");
    peer.assert_quiet();
}

#[test]
fn an_update_that_nobody_decides_about_is_refused_while_somebody_waits_for_it() {
    let mut peer = Peer::up(config(), UPDATES);
    peer.ask("UPDATE", crate::peer::CONTACT, "v=0 theirs");
    peer.script.expect_nothing();
    // RFC 3311 §5.2; at 32 s its sender would have given up.
    peer.script.wait(31_000);
    peer.script.expect("SIP/2.0 504 ");
    let id = peer.id;
    let late = peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 mine".to_vec()));
    assert_eq!(late, Err(SessionError::WrongState));
    assert_eq!(peer.script.ended(), "not ended");
}

#[test]
fn a_change_that_fails_while_its_early_offer_is_undecided_has_failed() {
    for (failure, ended) in [("488 Not Acceptable Here", false), ("481 Gone", true), ("", true)] {
        let mut peer = Peer::up(config(), UPDATES);
        let id = peer.id;
        peer.script.act(|ua, now| ua.reinvite(now, id, Vec::new())).expect("is up");
        let reinvite = peer.script.expect("INVITE ");
        let reliable = format!("Require: 100rel\nRSeq: 1\n{UPDATES}");
        peer.reply(&reinvite, "183 Session Progress", &reliable, "v=0 their offer");
        peer.script.expect_nothing();
        assert!(peer.script.heard("Offer "));
        if failure.is_empty() {
            let path = tipring_sip::transaction::Path::new(
                tipring_sip::message::Transport::Udp,
                crate::script::at(crate::script::US),
                crate::script::at(crate::script::PEER),
            );
            peer.script.act(|ua, now| ua.handle_send_error(now, &path));
        } else {
            peer.reply(&reinvite, failure, "", "");
            peer.script.expect("ACK ");
            assert_eq!(peer.script.heard("OfferRejected"), !ended);
        }
        // The offer is void, but its response wants a PRACK.
        let prack = peer.script.expect("PRACK ");
        peer.reply(&prack, "200 OK", "", "");
        let late = peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 mine".to_vec()));
        assert_eq!(late, Err(SessionError::WrongState));
        if ended {
            peer.script.expect("BYE ");
        } else {
            peer.script.wait(200_000);
            peer.script.expect_nothing();
        }
    }
}

#[test]
fn a_change_that_waits_outlives_the_prack_of_an_early_offer_that_was_refused() {
    let mut peer = Peer::up(config(), "Allow: INVITE, ACK, BYE, PRACK\n");
    let id = peer.id;
    peer.script.act(|ua, now| ua.reinvite(now, id, Vec::new())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    let reliable = "Require: 100rel\nRSeq: 1\n";
    peer.reply(&reinvite, "183 Session Progress", reliable, "v=0 their offer");
    peer.script
        .act(|ua, now| ua.update(now, id, 0, &[], b"v=0 change".to_vec()))
        .expect("it waits");
    peer.reply(&reinvite, "488 Not Acceptable Here", "", "");
    peer.script.expect("ACK ");
    let prack = peer.script.expect("PRACK ");
    assert!(prack.ends_with("\r\n\r\n"), "the offer is void, ours is no answer to it: {prack}");
    peer.reply(&prack, "200 OK", "", "");
    let change = peer.script.expect("INVITE ");
    assert!(change.ends_with("v=0 change"), "{change}");
}

#[test]
fn a_change_without_offer_is_tried_again_without_offer() {
    let mut peer = Peer::up(config(), UPDATES);
    let id = peer.id;
    peer.script.act(|ua, now| ua.reinvite(now, id, Vec::new())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    let reliable = format!("Require: 100rel\nRSeq: 1\n{UPDATES}");
    peer.reply(&reinvite, "183 Session Progress", &reliable, "v=0 their offer");
    peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 mine".to_vec())).expect("offered");
    let prack = peer.script.expect("PRACK ");
    peer.reply(&prack, "200 OK", "", "");
    peer.reply(&reinvite, "491 Request Pending", "", "");
    peer.script.expect("ACK ");
    let again = peer.script.wait_for("INVITE ", 4_100);
    assert!(again.ends_with("\r\n\r\n"), "their own words are no offer of ours: {again}");
    peer.reply(&again, "200 OK", "", "v=0 their offer");
    peer.script.expect_nothing();
    peer.script.act(|ua, now| ua.accept_offer(now, id, b"v=0 mine".to_vec())).expect("offered");
    assert!(peer.script.expect("ACK ").ends_with("v=0 mine"));
}

#[test]
fn what_we_tell_of_ourselves_goes_by_update_or_by_a_reinvite_that_changes_nothing() {
    for (allow, method) in [(UPDATES, "UPDATE "), ("Allow: INVITE, ACK, BYE\n", "INVITE ")] {
        let mut peer = Peer::up(config(), allow);
        let id = peer.id;
        let who = [(HeaderName::PAssertedIdentity, "<sip:carol@example.net>".to_owned())];
        peer.script.act(|ua, now| ua.update(now, id, 0, &who, Vec::new())).expect("is up");
        let text = peer.script.expect(method);
        assert_eq!(header(&text, "P-Asserted-Identity"), who[0].1);
        assert_eq!(text.ends_with("v=0 offer"), method == "INVITE ", "{text}");
    }
}

#[test]
fn a_fork_that_offers_after_we_hung_up_is_not_asked_about() {
    let mut peer = Peer::called(config(), |_| {});
    rings(&mut peer, 1, "183 Session Progress", "v=0 answer");
    let id = peer.id;
    peer.script.act(|ua, now| ua.hang_up(now, id, None)).expect("calls");
    peer.script.skip();
    peer.ask("UPDATE", crate::peer::CONTACT, "v=0 theirs");
    peer.script.expect("SIP/2.0 487 ");
    assert!(!peer.script.heard("Offer "));
}
