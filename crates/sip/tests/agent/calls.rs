//! Calls between two user agents: each test is a behaviour that a person at either end would notice.

use tipring_sip::agent::{Output, SessionError, UaConfig};
use tipring_sip::message::{HeaderName, Reason, Status};
use tipring_sip::transaction::{Path, TimerValues};

use crate::pair::{A, ANSWER, B, OFFER, Pair};

#[test]
fn a_call_rings_is_answered_and_hung_up_by_the_caller() {
    let mut pair = Pair::new(1);
    let a = pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.progress(now, b, Status::RINGING, Vec::new())).expect("rings");
    pair.run(10);
    assert!(matches!(&pair.said[A][..], [Output::Progress { status: Status::RINGING, .. }]));
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("answers");
    pair.run(10);
    assert!(matches!(&pair.said[A][1], Output::Answered { body, .. } if body == ANSWER));
    assert!(matches!(&pair.said[B][1], Output::Confirmed { .. }));
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("is up");
    pair.run(10);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Local", "Remote"));
    let lines: Vec<_> =
        pair.ladder.iter().map(|(_, who, line, _)| format!("{who} {line}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    0 INVITE
    1 100 Trying (INVITE)
    1 180 Ringing (INVITE)
    1 200 OK (INVITE)
    0 ACK
    0 BYE
    1 200 OK (BYE)
    ");
    pair.assert_quiet();
}

#[test]
fn the_callee_hangs_up_with_a_reason_that_the_caller_is_told() {
    let mut pair = Pair::new(2);
    let (_, b) = pair.connect();
    let reason = Reason::q850(27, "destination out of order");
    pair.act(B, |ua, now| ua.hang_up(now, b, Some(reason.clone()))).expect("is up");
    pair.run(10);
    let told = pair.said[A].iter().any(
        |output| matches!(output, Output::Ended { reasons, status: None, .. } if reasons == std::slice::from_ref(&reason)),
    );
    assert!(told, "{:?}", pair.said[A]);
    pair.assert_quiet();
}

#[test]
fn trying_is_sent_at_once_when_the_callee_takes_its_time() {
    let mut pair = Pair::new(3);
    pair.call();
    pair.run(199);
    assert_eq!(pair.sent(B, "100 Trying"), 1);
    assert_eq!(pair.sent(A, "INVITE"), 1, "so the caller does not send again");
    assert!(!pair.heard(A, "Progress"), "100 is no progress");
}

#[test]
fn a_callee_that_refuses_at_once_sends_no_trying() {
    let mut pair = Pair::new(4);
    pair.call();
    pair.run_with(100, |pair, who, output| {
        if let (B, Output::Incoming { session, .. }) = (who, output) {
            let session = *session;
            pair.act(B, |ua, now| ua.reject(now, session, Status::BUSY_HERE, &[])).expect("rings");
        }
    });
    assert_eq!(pair.ended(A), "Remote 486");
    assert_eq!(pair.ended(B), "Local 486");
    assert_eq!(pair.sent(A, "ACK"), 1);
    pair.assert_quiet();
}

#[test]
fn a_refusal_tells_when_to_try_again() {
    let mut pair = Pair::new(5);
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    let headers = [(HeaderName::RetryAfter, "17".to_owned())];
    pair.act(B, |ua, now| ua.reject(now, b, Status::SERVICE_UNAVAILABLE, &headers)).expect("rings");
    pair.run(10);
    let after = pair.said[A].iter().find_map(|output| match output {
        Output::Ended { retry_after, .. } => *retry_after,
        _ => None,
    });
    assert_eq!(after, Some(17));
}

#[test]
fn a_lost_invite_is_sent_again_and_rings_once() {
    let mut pair = Pair::new(6);
    let mut first = true;
    pair.cut = Box::new(move |_, line| line == "INVITE" && std::mem::take(&mut first));
    pair.call();
    pair.run(700);
    assert_eq!(pair.sent(A, "INVITE"), 2);
    assert_eq!(pair.count(B, "Incoming"), 1);
}

#[test]
fn a_retransmitted_invite_does_not_ring_twice() {
    let mut pair = Pair::new(7);
    // Everything B says is lost for a while.
    pair.cut = Box::new(|who, _| who == B);
    pair.call();
    pair.run(10_000);
    assert!(pair.sent(A, "INVITE") >= 4);
    assert_eq!(pair.count(B, "Incoming"), 1);
}

#[test]
fn a_lost_200_comes_again_until_the_caller_hears_it() {
    let mut pair = Pair::new(8);
    let mut lost = 0;
    pair.cut = Box::new(move |_, line| {
        lost += usize::from(line == "200 OK (INVITE)");
        line == "200 OK (INVITE)" && lost <= 3
    });
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.run(4000);
    assert_eq!(pair.sent(B, "200 OK (INVITE)"), 4);
    assert_eq!((pair.count(A, "Answered"), pair.count(B, "Confirmed")), (1, 1));
}

#[test]
fn a_lost_ack_is_sent_again_for_each_200() {
    let mut pair = Pair::new(9);
    let mut lost = 0;
    pair.cut = Box::new(move |_, line| {
        lost += usize::from(line == "ACK");
        line == "ACK" && lost <= 2
    });
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.run(4000);
    assert_eq!((pair.sent(A, "ACK"), pair.sent(B, "200 OK (INVITE)")), (3, 3));
    assert_eq!((pair.count(A, "Answered"), pair.count(B, "Confirmed")), (1, 1));
}

#[test]
fn without_any_ack_the_callee_gives_up_with_bye_after_64_t1() {
    let mut pair = Pair::new(10);
    pair.cut = Box::new(|_, line| line == "ACK");
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.run(31_900);
    assert_eq!(pair.sent(B, "BYE"), 0);
    pair.run(200);
    assert_eq!(pair.sent(B, "BYE"), 1);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Remote", "Timeout"));
    // T1 doubling up to T2: at 0, 0.5, 1.5, 3.5, 7.5, 11.5 … 31.5 s.
    assert_eq!(pair.sent(B, "200 OK (INVITE)"), 11);
    pair.assert_quiet();
}

#[test]
fn a_caller_that_nobody_hears_times_out_with_408() {
    let mut pair = Pair::new(11);
    pair.loss = 1.0;
    pair.call();
    pair.run(33_000);
    assert_eq!(pair.ended(A), "Timeout 408");
    assert_eq!(pair.sent(A, "INVITE"), 7);
    pair.assert_quiet();
}

#[test]
fn a_call_that_rings_for_three_minutes_is_cancelled() {
    let mut pair = Pair::new(12);
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.progress(now, b, Status::RINGING, Vec::new())).expect("rings");
    // B reminds A each minute, which keeps timer C from firing, and gives up itself.
    pair.run(181_000);
    assert_eq!(pair.sent(B, "180 Ringing"), 3);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Remote 480", "Timeout 480"));
    pair.assert_quiet();
}

#[test]
fn a_callee_that_falls_silent_after_trying_is_cancelled_by_timer_c() {
    let timers = TimerValues { c: std::time::Duration::from_secs(60), ..TimerValues::default() };
    let mut pair = Pair::with(13, UaConfig { timers, ..UaConfig::default() });
    pair.call();
    pair.run(10);
    pair.cut = Box::new(|_, _| true);
    pair.run(60_100);
    assert!(pair.sent(A, "CANCEL") >= 1);
    pair.run(33_000);
    assert_eq!(pair.ended(A), "Timeout 408");
    pair.assert_quiet();
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut pair = Pair::new(14);
    // B is not heard for the first second.
    pair.cut = Box::new(|who, _| who == B);
    let a = pair.call();
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("calls");
    pair.run(1000);
    assert_eq!(pair.sent(A, "CANCEL"), 0, "nothing was heard yet");
    pair.cut = Box::new(|_, _| false);
    pair.run(3000);
    assert_eq!(pair.sent(A, "CANCEL"), 1);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Local 487", "Remote 487"));
    pair.assert_quiet();
}

#[test]
fn cancel_while_ringing_stops_the_ringing() {
    let mut pair = Pair::new(15);
    let a = pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.progress(now, b, Status::RINGING, Vec::new())).expect("rings");
    pair.run(1000);
    let reason = Reason::sip(Status::OK, "Call completed elsewhere");
    pair.act(A, |ua, now| ua.hang_up(now, a, Some(reason.clone()))).expect("calls");
    pair.run(50);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Local 487", "Remote 487"));
    let told = pair.said[B].iter().any(
        |output| matches!(output, Output::Ended { reasons, .. } if reasons == std::slice::from_ref(&reason)),
    );
    assert!(told, "B hears why");
    assert_eq!((pair.sent(B, "200 OK (CANCEL)"), pair.sent(A, "ACK")), (1, 1));
    pair.assert_quiet();
}

#[test]
fn cancel_that_crosses_the_answer_ends_in_ack_and_bye() {
    let mut pair = Pair::new(16);
    let a = pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("calls");
    pair.run(100);
    assert_eq!((pair.sent(A, "CANCEL"), pair.sent(A, "ACK"), pair.sent(A, "BYE")), (1, 1, 1));
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Local", "Remote"));
    assert!(!pair.heard(A, "Answered"), "the caller has hung up already");
    pair.assert_quiet();
}

#[test]
fn cancel_after_the_answer_changes_nothing_for_the_callee() {
    let mut pair = Pair::new(17);
    let a = pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("calls");
    // B answers before the CANCEL is there.
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.run(1);
    assert_eq!((pair.sent(B, "200 OK (CANCEL)"), pair.ended(B).as_str()), (1, "not ended"));
    pair.run(100);
    assert_eq!(pair.sent(B, "487"), 0);
    assert_eq!(pair.ended(B), "Remote", "by the BYE");
    pair.assert_quiet();
}

#[test]
fn the_callee_that_hangs_up_before_the_ack_sends_bye_after_it() {
    let mut pair = Pair::new(18);
    let mut first = true;
    pair.cut = Box::new(move |_, line| line == "ACK" && std::mem::take(&mut first));
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, ANSWER.to_vec())).expect("rings");
    pair.act(B, |ua, now| ua.hang_up(now, b, None)).expect("answered");
    pair.run(400);
    assert_eq!(pair.sent(B, "BYE"), 0, "RFC 3261 §15");
    pair.run(400);
    assert_eq!(pair.sent(B, "BYE"), 1);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Remote", "Local"));
    pair.assert_quiet();
}

#[test]
fn both_hang_up_at_once() {
    let mut pair = Pair::new(19);
    let (a, b) = pair.connect();
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("is up");
    pair.act(B, |ua, now| ua.hang_up(now, b, None)).expect("is up");
    pair.run(100);
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("Local", "Local"));
    pair.assert_quiet();
}

#[test]
fn a_bye_that_nobody_answers_ends_the_session_after_32_s() {
    let mut pair = Pair::new(20);
    let (a, _) = pair.connect();
    pair.cut = Box::new(|who, _| who == A);
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("is up");
    pair.run(31_000);
    assert_eq!(pair.ended(A), "not ended");
    pair.run(2_000);
    assert_eq!(pair.ended(A), "Local");
    assert_eq!(pair.ended(B), "not ended");
    let again = pair.act(A, |ua, now| ua.hang_up(now, a, None));
    assert_eq!(again, Err(SessionError::Unknown));
}

#[test]
fn hold_and_resume_by_either_side() {
    let mut pair = Pair::new(21);
    let (a, b) = pair.connect();
    pair.act(A, |ua, now| ua.reinvite(now, a, b"v=0 hold".to_vec())).expect("is up");
    pair.run(10);
    assert!(
        pair.said[B].iter().any(|o| matches!(o, Output::Offer { body, .. } if body == b"v=0 hold"))
    );
    pair.act(B, |ua, now| ua.accept_offer(now, b, b"v=0 held".to_vec())).expect("was offered");
    pair.run(10);
    let held = |o: &Output| matches!(o, Output::OfferAnswered { body, .. } if body == b"v=0 held");
    assert!(pair.said[A].iter().any(held));
    pair.act(B, |ua, now| ua.reinvite(now, b, b"v=0 resume".to_vec())).expect("is up");
    pair.run(10);
    pair.act(A, |ua, now| ua.accept_offer(now, a, ANSWER.to_vec())).expect("was offered");
    pair.run(10);
    assert!(pair.heard(B, "OfferAnswered"));
    assert_eq!(pair.sent(A, "ACK") + pair.sent(B, "ACK"), 3);
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("is up");
    pair.assert_quiet();
}

#[test]
fn a_rejected_change_keeps_the_call() {
    let mut pair = Pair::new(22);
    let (a, b) = pair.connect();
    pair.act(A, |ua, now| ua.reinvite(now, a, OFFER.to_vec())).expect("is up");
    pair.run(10);
    pair.act(B, |ua, now| ua.reject_offer(now, b, Status::NOT_ACCEPTABLE_HERE, &[]))
        .expect("was offered");
    pair.run(50);
    let rejected =
        |o: &Output| matches!(o, Output::OfferRejected { status: Status::NOT_ACCEPTABLE_HERE, .. });
    assert!(pair.said[A].iter().any(rejected));
    assert_eq!((pair.ended(A).as_str(), pair.ended(B).as_str()), ("not ended", "not ended"));
}

#[test]
fn two_changes_that_cross_are_both_made_in_the_end() {
    let mut pair = Pair::new(23);
    let (a, b) = pair.connect();
    pair.act(A, |ua, now| ua.reinvite(now, a, b"v=0 from a".to_vec())).expect("is up");
    pair.act(B, |ua, now| ua.reinvite(now, b, b"v=0 from b".to_vec())).expect("is up");
    pair.run_with(10_000, |pair, who, output| {
        if let Output::Offer { session, .. } = output {
            let session = *session;
            pair.act(who, |ua, now| ua.accept_offer(now, session, ANSWER.to_vec()))
                .expect("offered");
        }
    });
    assert!(pair.sent(A, "491") >= 1 && pair.sent(B, "491") >= 1, "they crossed");
    assert_eq!((pair.count(A, "OfferAnswered"), pair.count(B, "OfferAnswered")), (1, 1));
    assert!(!pair.heard(A, "OfferRejected") && !pair.heard(B, "OfferRejected"));
    // RFC 3261 §14.1: the callee waits 0 to 2 s, the caller 2.1 to 4 s.
    let times: Vec<_> = pair.ladder.iter().filter(|(_, _, line, _)| line == "INVITE").collect();
    let wait = |at: usize| (times[at].0 - times[1].0).as_millis();
    assert_eq!((times[3].1, times[4].1), (B, A));
    assert!(wait(3) <= 2010 && (2100..=4010).contains(&wait(4)), "{} {}", wait(3), wait(4));
}

#[test]
fn an_invite_without_offer_gets_it_in_the_200_and_answers_in_the_ack() {
    let mut pair = Pair::new(24);
    let a = pair.call_with(b"");
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, OFFER.to_vec())).expect("rings");
    pair.run(600);
    assert!(
        pair.said[A].iter().any(|o| matches!(o, Output::Answered { body, .. } if body == OFFER))
    );
    assert_eq!(pair.sent(A, "ACK"), 0, "the ACK waits for the answer");
    pair.act(A, |ua, now| ua.accept_offer(now, a, ANSWER.to_vec())).expect("was offered");
    pair.run(10);
    assert!(
        pair.said[B].iter().any(|o| matches!(o, Output::Confirmed { body, .. } if body == ANSWER))
    );
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("is up");
    pair.assert_quiet();
}

#[test]
fn a_change_without_offer_gets_it_in_the_200_and_answers_in_the_ack() {
    let mut pair = Pair::new(25);
    let (a, b) = pair.connect();
    pair.act(B, |ua, now| ua.reinvite(now, b, Vec::new())).expect("is up");
    pair.run(10);
    assert!(
        pair.said[A].iter().any(|o| matches!(o, Output::Offer { body, .. } if body.is_empty()))
    );
    pair.act(A, |ua, now| ua.accept_offer(now, a, OFFER.to_vec())).expect("was asked");
    pair.run(10);
    assert!(pair.said[B].iter().any(|o| matches!(o, Output::Offer { body, .. } if body == OFFER)));
    pair.act(B, |ua, now| ua.accept_offer(now, b, ANSWER.to_vec())).expect("was offered");
    pair.run(10);
    assert!(
        pair.said[A]
            .iter()
            .any(|o| matches!(o, Output::OfferAnswered { body, .. } if body == ANSWER))
    );
}

#[test]
fn an_offer_that_the_caller_never_answers_ends_the_call() {
    let mut pair = Pair::new(26);
    pair.call_with(b"");
    pair.run(10);
    let b = pair.incoming();
    pair.act(B, |ua, now| ua.answer(now, b, OFFER.to_vec())).expect("rings");
    // The callee gives up at the same time.
    pair.cut = Box::new(|who, line| who == B && line == "BYE");
    pair.run(33_000);
    assert_eq!((pair.sent(A, "ACK"), pair.sent(A, "BYE")), (1, 1));
    assert_eq!(pair.ended(A), "Timeout");
    pair.cut = Box::new(|_, _| false);
    pair.assert_quiet();
}

#[test]
fn a_redirected_call_tells_the_untried_contacts_best_first() {
    let mut pair = Pair::new(27);
    pair.call();
    pair.run(10);
    let b = pair.incoming();
    let contacts = "<sip:bob@192.0.2.2>, <sip:second@192.0.2.7>;q=0.5, <sip:first@192.0.2.8>;q=0.9";
    let headers = [(HeaderName::Contact, contacts.to_owned())];
    pair.act(B, |ua, now| ua.reject(now, b, Status::MOVED_TEMPORARILY, &headers)).expect("rings");
    pair.run(10);
    let found = pair.said[A].iter().find_map(|output| match output {
        Output::Redirected { contacts, tried, .. } => Some((contacts.clone(), tried.clone())),
        _ => None,
    });
    let (contacts, tried) = found.expect("redirected");
    let names: Vec<_> = contacts.iter().map(|contact| contact.uri.to_string()).collect();
    assert_eq!(names, ["sip:first@192.0.2.8", "sip:second@192.0.2.7"], "bob was tried already");
    assert_eq!(tried, [crate::pair::uri("sip:bob@192.0.2.2")]);
    assert_eq!(pair.ended(A), "Remote 302");
}

#[test]
fn info_is_heard_and_acknowledged() {
    let mut pair = Pair::new(28);
    let (a, _) = pair.connect();
    let body = b"Signal=5\r\nDuration=160\r\n".to_vec();
    pair.act(A, |ua, now| ua.info(now, a, "application/dtmf-relay", body)).expect("is up");
    pair.run(10);
    assert!(
        pair.said[B]
            .iter()
            .any(|o| matches!(o, Output::Info { body, .. } if body.starts_with(b"Signal=5")))
    );
    assert!(
        pair.said[A].iter().any(|o| matches!(o, Output::InfoAnswered { status: Status::OK, .. }))
    );
}

#[test]
fn a_call_to_a_dead_port_fails_when_the_network_says_so() {
    let mut pair = Pair::new(29);
    pair.cut = Box::new(|who, _| who == A);
    pair.call();
    pair.act(A, |ua, now| {
        let udp = tipring_sip::message::Transport::Udp;
        let path = Path::new(udp, crate::pair::address(A), crate::pair::address(B));
        ua.handle_send_error(now, &path);
    });
    assert_eq!(pair.ended(A), "Network 503");
    pair.assert_quiet();
}

#[test]
fn a_full_house_answers_503() {
    let mut pair = Pair::with(30, UaConfig { max_sessions: 1, ..UaConfig::default() });
    pair.call();
    pair.run(10);
    // A has its one session as well.
    let more = pair.act(A, |ua, now| ua.invite(now, crate::pair::invite(OFFER)));
    assert_eq!(more, Err(SessionError::Full));
    assert_eq!(pair.agents[A].counters().overflows, 1);
}

/// One call that is answered and ended at once.
fn short_call(pair: &mut Pair) {
    pair.said[B].clear();
    let (a, _) = pair.connect();
    pair.act(A, |ua, now| ua.hang_up(now, a, None)).expect("it is up");
    pair.run(10);
}

#[test]
fn calls_that_are_over_keep_nobody_from_calling() {
    let mut pair = Pair::with(31, UaConfig { max_sessions: 1, ..UaConfig::default() });
    (0..20).for_each(|_| short_call(&mut pair));
    assert_eq!(pair.agents[A].counters().overflows, 0);
    assert_eq!(pair.agents[B].counters().overflows, 0);
    pair.assert_quiet();
}

#[test]
fn calls_that_are_over_are_remembered_to_a_bound() {
    let mut pair = Pair::with(32, UaConfig { max_lingering: 3, ..UaConfig::default() });
    (0..10).for_each(|_| short_call(&mut pair));
    assert_eq!(pair.agents[A].counts().sessions, 3);
    pair.assert_quiet();
}
