//! Session timers, as caller and as callee, refreshing and being refreshed (RFC 4028).

use tipring_core::Duration;
use tipring_sip::agent::{Output, SessionTimers, UaConfig};
use tipring_sip::digest::{Account, Secret};

use crate::peer::{CONTACT, Peer};
use crate::script::{find, header};

const UPDATES: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n";

fn timers(expires_s: u32, min_se_s: u32, refresh: bool) -> UaConfig {
    let timers = SessionTimers { expires_s, min_se_s, refresh };
    UaConfig { session_timer: Some(timers), ..UaConfig::default() }
}

fn expires(text: &str) -> Option<&str> {
    find(text, "Session-Expires")
}

#[test]
fn the_caller_refreshes_at_half_the_interval_by_update() {
    let more = format!("{UPDATES}Require: timer\nSession-Expires: 600;refresher=uac\n");
    let mut peer = Peer::up(timers(600, 90, false), &more);
    assert_eq!(expires(&peer.invite), Some("600"));
    for _ in 0..3 {
        peer.script.wait(299_900);
        peer.script.expect_nothing();
        peer.script.wait(200);
        let update = peer.script.expect("UPDATE ");
        assert_eq!(expires(&update), Some("600;refresher=uac"));
        assert!(update.ends_with("\r\n\r\n"), "nothing is offered");
        peer.reply(&update, "200 OK", "Session-Expires: 600;refresher=uac\n", "");
        assert!(peer.script.heard("Refreshed"));
        assert!(!peer.script.heard("OfferAnswered"));
    }
    assert_eq!(peer.script.ended(), "not ended");
}

#[test]
fn without_update_the_refresh_is_a_reinvite_with_what_we_said_last() {
    let more = "Allow: INVITE, ACK, BYE\nSession-Expires: 600;refresher=uac\n";
    let mut peer = Peer::up(timers(600, 90, false), more);
    peer.script.wait(300_100);
    let reinvite = peer.script.expect("INVITE ");
    assert!(reinvite.ends_with("v=0 offer"), "{reinvite}");
    peer.invite = reinvite.clone();
    peer.reply(&reinvite, "200 OK", "Session-Expires: 600;refresher=uac\n", "v=0 answer");
    peer.script.expect("ACK ");
    let refreshed =
        |o: &Output| matches!(o, Output::Refreshed { body, .. } if body == b"v=0 answer");
    assert!(peer.script.said.iter().any(refreshed));
}

#[test]
fn a_peer_that_says_update_and_means_not_is_refreshed_by_reinvite() {
    let more = format!("{UPDATES}Session-Expires: 600;refresher=uac\n");
    let mut peer = Peer::up(timers(600, 90, false), &more);
    peer.script.wait(300_100);
    let update = peer.script.expect("UPDATE ");
    peer.reply(&update, "501 Not Implemented", "", "");
    peer.script.expect("INVITE ");
}

#[test]
fn a_callee_that_does_not_refresh_is_left_before_the_interval_is_over() {
    // min(32 s, a third) before: 568 s of 600, 60 s of 90.
    for (interval, bye_ms) in [(600, 568_000), (90, 60_000)] {
        let more = format!("Session-Expires: {interval};refresher=uas\n");
        let mut peer = Peer::up(timers(600, 90, false), &more);
        peer.script.wait(bye_ms - 100);
        peer.script.expect_nothing();
        peer.script.wait(200);
        let bye = peer.script.expect("BYE ");
        peer.reply(&bye, "200 OK", "", "");
        assert_eq!(peer.script.ended(), "Timeout");
        peer.assert_quiet();
    }
}

#[test]
fn each_refresh_of_the_peer_winds_the_clock_up_again() {
    let mut peer = Peer::up(timers(600, 90, false), "Session-Expires: 600;refresher=uas\n");
    for _ in 0..3 {
        peer.script.wait(500_000);
        let more = format!("{CONTACT}Supported: timer\nSession-Expires: 600;refresher=uac\n");
        peer.ask("UPDATE", &more, "");
        let ok = peer.script.expect("SIP/2.0 200 ");
        assert_eq!(expires(&ok), Some("600;refresher=uac"));
        assert_eq!(header(&ok, "Require"), "timer");
    }
    peer.script.wait(567_000);
    peer.script.expect_nothing();
    peer.script.wait(2000);
    peer.script.expect("BYE ");
}

#[test]
fn who_refreshes_is_decided_as_the_standards_table_says() {
    let granted = |more: &str, refresh| {
        let (_, ok) = Peer::taken(timers(600, 90, refresh), more);
        (expires(&ok).map(str::to_owned), find(&ok, "Require").is_some())
    };
    let se = |text: &str| Some(text.to_owned());
    let supported = "Supported: timer\n";
    // No support, but a proxy put an interval in: only the callee can.
    assert_eq!(granted("Session-Expires: 300\n", false), (se("300;refresher=uas"), false));
    // What is no interval is made one; such a caller cannot be told 422.
    for brief in [0, 1, 47, 89] {
        let brief = format!("Session-Expires: {brief}\n");
        assert_eq!(granted(&brief, false), (se("90;refresher=uas"), false));
    }
    assert_eq!(granted("", true), (None, false));
    assert_eq!(granted(supported, false), (se("600;refresher=uac"), true));
    assert_eq!(granted(supported, true), (se("600;refresher=uas"), false));
    let ask = |role: &str| format!("{supported}Session-Expires: 300;refresher={role}\n");
    assert_eq!(granted(&ask("uac"), true), (se("300;refresher=uac"), true));
    assert_eq!(granted(&ask("uas"), false), (se("300;refresher=uas"), false));
    // The callee shortens, but not below the caller's least.
    let long = format!("{supported}Session-Expires: 3600;refresher=uas\n");
    assert_eq!(granted(&long, false), (se("600;refresher=uas"), false));
    let least = format!("{long}Min-SE: 900\n");
    assert_eq!(granted(&least, false), (se("900;refresher=uas"), false));
}

#[test]
fn the_callee_refreshes_when_it_is_its_turn() {
    let more = format!("{UPDATES}Supported: timer\nSession-Expires: 300;refresher=uas\n");
    let (mut peer, _) = Peer::taken(timers(600, 90, false), &more);
    peer.script.wait(150_100);
    let update = peer.script.expect("UPDATE ");
    assert_eq!(
        expires(&update),
        Some("300;refresher=uac"),
        "we are the client of this one; the interval is the one that holds (§7.4)"
    );
    peer.reply(&update, "200 OK", "Session-Expires: 300;refresher=uac\n", "");
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_while_the_session_lasts() {
    for refusal in ["503 Service Unavailable", "500 Server Internal Error", "400 Bad Request"] {
        let more = format!("{UPDATES}Session-Expires: 300;refresher=uac\n");
        let mut peer = Peer::up(timers(600, 90, false), &more);
        peer.script.wait(150_100);
        // 118 s are left: a third of them passes, and a third of what is left then.
        for wait_ms in [0, 39_400, 26_300] {
            peer.script.wait(wait_ms);
            let update = peer.script.expect("UPDATE ");
            peer.reply(&update, refusal, "", "");
            peer.script.expect_nothing();
        }
        peer.script.wait(17_500);
        let update = peer.script.expect("UPDATE ");
        peer.reply(&update, "200 OK", "Session-Expires: 300;refresher=uac\n", "");
        peer.script.wait(149_000);
        peer.script.expect_nothing();
        assert_eq!(peer.script.ended(), "not ended", "{refusal}");
    }
}

#[test]
fn a_refresh_that_is_always_refused_is_given_up_and_the_session_lasts_as_agreed() {
    for (more, most) in [("", 5), ("Retry-After: 30\n", 4), ("Retry-After: 3600\n", 1)] {
        let head = format!("{UPDATES}Session-Expires: 300;refresher=uac\n");
        let mut peer = Peer::up(timers(600, 90, false), &head);
        let (mut updates, mut waited) = (0, 0);
        while peer.script.sent.is_empty() || peer.script.sent[0].1.starts_with("UPDATE ") {
            if !peer.script.sent.is_empty() {
                let update = peer.script.expect("UPDATE ");
                updates += 1;
                peer.reply(&update, "503 Service Unavailable", more, "");
            }
            peer.script.wait(100);
            waited += 100;
        }
        peer.script.expect("BYE ");
        assert_eq!(updates, most, "{more}");
        assert!((267_900..=268_100).contains(&waited), "{waited}: 32 s before the end");
    }
}

#[test]
fn an_interval_of_nothing_and_no_ack_end_in_a_bye() {
    let mut peer = Peer::calls(timers(600, 90, false), "Session-Expires: 0\n", "v=0 offer");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    peer.script.expect("SIP/2.0 200");
    peer.script.wait(31_900);
    assert_eq!(peer.script.ended(), "not ended");
    peer.script.skip();
    peer.script.wait(200);
    let bye = peer.script.expect("BYE ");
    peer.reply(&bye, "200 OK", "", "");
    assert_eq!(peer.script.ended(), "Timeout");
}

#[test]
fn an_interval_may_be_over_before_the_ack_is_given_up() {
    let mut config = timers(600, 90, true);
    // H is 128 s, the interval ends after 60.
    config.timers.t1 = Duration::from_secs(2);
    let supported = "Supported: timer\nSession-Expires: 90;refresher=uac\n";
    let mut peer = Peer::calls(config, supported, "v=0 offer");
    let id = peer.id;
    peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
    let ok = peer.script.expect("SIP/2.0 200");
    peer.hear(&ok);
    peer.script.wait(61_000);
    peer.script.skip();
    peer.ask("ACK", "", "");
    let bye = peer.script.expect("BYE ");
    peer.reply(&bye, "200 OK", "", "");
    assert_eq!(peer.script.ended(), "Timeout");
}

#[test]
fn an_interval_below_our_least_gets_422_at_the_start_and_later() {
    for knows in ["Supported: timer\n", "Require: timer\n"] {
        let none = format!("{knows}Session-Expires: 0\n");
        let mut peer = Peer::calls(timers(600, 90, false), &none, "v=0");
        assert_eq!(header(&peer.script.expect("SIP/2.0 422 "), "Min-SE"), "90");
    }
    let brief = "Supported: timer\nSession-Expires: 100\n";
    let mut peer = Peer::calls(timers(600, 120, false), brief, "v=0");
    assert_eq!(header(&peer.script.expect("SIP/2.0 422 "), "Min-SE"), "120");
    assert!(!peer.script.heard("Incoming"));
    let (mut peer, _) = Peer::taken(timers(600, 120, false), "");
    for body in ["", "v=0"] {
        peer.ask("UPDATE", &format!("{CONTACT}{brief}"), body);
        assert_eq!(header(&peer.script.expect("SIP/2.0 422 "), "Min-SE"), "120");
    }
    assert!(!peer.script.heard("Offer"));
}

#[test]
fn a_422_is_followed_by_what_the_peer_wants() {
    let mut peer = Peer::called(timers(300, 90, false), |_| {});
    peer.answer("422 Session Interval Too Small", "Min-SE: 900\n", "");
    peer.script.expect("ACK ");
    let again = peer.script.expect("INVITE ");
    assert_eq!((expires(&again), header(&again, "Min-SE")), (Some("900"), "900"));
    let number = |text: &str| header(text, "CSeq").split(' ').next().map(str::to_owned);
    assert_ne!(number(&again), number(&peer.invite));
    // One that asks for the same again makes no sense.
    peer.invite = again;
    peer.answer("422 Session Interval Too Small", "Min-SE: 900\n", "");
    peer.script.expect("ACK ");
    assert_eq!(peer.script.ended(), "Remote 422");
}

/// Answers each request of ours with 422 and a Min-SE one higher; gives how many there were.
fn refuse_for_ever(peer: &mut Peer, method: &str, mut request: String) -> u32 {
    let mut requests = 1;
    for least in 901..950 {
        let more = format!("Min-SE: {least}\n");
        peer.reply(&request, "422 Session Interval Too Small", &more, "");
        let next = peer.script.sent.iter().find(|(_, text)| text.starts_with(method));
        let Some((_, next)) = next.cloned() else {
            return requests;
        };
        assert_eq!(header(&next, "Min-SE"), least.to_string());
        request = next;
        requests += 1;
        peer.script.skip();
    }
    panic!("{requests} times {method}");
}

#[test]
fn a_callee_that_wants_ever_longer_intervals_is_given_up() {
    let mut peer = Peer::called(timers(600, 90, false), |_| {});
    let invite = peer.invite.clone();
    assert_eq!(refuse_for_ever(&mut peer, "INVITE ", invite), 3, "each request follows two");
    assert_eq!(peer.script.ended(), "Remote 422");
    peer.assert_quiet();
}

#[test]
fn a_peer_that_wants_ever_longer_intervals_of_a_change_has_rejected_it() {
    for (allow, method) in [(UPDATES, "UPDATE "), ("Allow: INVITE, ACK, BYE\n", "INVITE ")] {
        let mut peer = Peer::up(timers(600, 90, false), allow);
        let id = peer.id;
        let hold = b"v=0 hold".to_vec();
        peer.script.act(|ua, now| ua.update(now, id, 0, &[], hold)).expect("is up");
        let change = peer.script.expect(method);
        assert_eq!(refuse_for_ever(&mut peer, method, change), 3);
        let rejected =
            |o: &Output| matches!(o, Output::OfferRejected { status, .. } if status.code() == 422);
        assert!(peer.script.said.iter().any(rejected), "{:?}", peer.script.said);
    }
}

#[test]
fn an_interval_of_more_than_a_day_is_not_asked_for() {
    let mut peer = Peer::called(timers(600, 90, false), |_| {});
    peer.answer("422 Session Interval Too Small", "Min-SE: 86401\n", "");
    peer.script.expect("ACK ");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Remote 422");
}

#[test]
fn a_server_that_asks_for_credentials_and_intervals_by_turns_is_given_up() {
    let mut peer = Peer::called(timers(600, 90, false), |invite| {
        invite.credentials = Some(Account {
            username: "alice".to_owned(),
            secret: Secret::Password("secret".to_owned()),
            realms: vec!["example.net".to_owned()],
        });
    });
    let (mut invite, mut invites) = (peer.invite.clone(), 1);
    for round in 0..20 {
        let ask = format!(
            "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n{round}\", stale=true\n"
        );
        if round % 2 == 0 {
            peer.reply(&invite, "401 Unauthorized", &ask, "");
        } else {
            let longer = format!("Min-SE: {}\n", 900 + round);
            peer.reply(&invite, "422 Session Interval Too Small", &longer, "");
        }
        peer.script.expect("ACK ");
        if peer.script.sent.is_empty() {
            break;
        }
        invite = peer.script.expect("INVITE ");
        invites += 1;
    }
    assert_eq!(invites, 5, "two answers to challenges, two longer intervals");
    assert_eq!(peer.script.ended(), "Remote 401");
}

#[test]
fn a_rejected_change_that_took_the_place_of_a_refresh_is_followed_by_one() {
    let more = format!("{UPDATES}Session-Expires: 300;refresher=uac\n");
    // The application's change comes while a refused refresh waits to be tried again.
    let mut peer = Peer::up(timers(600, 90, false), &more);
    let id = peer.id;
    peer.script.wait(150_100);
    let update = peer.script.expect("UPDATE ");
    peer.reply(&update, "503 Service Unavailable", "", "");
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    refuse_and_expect_a_refresh(&mut peer);
    // The refresh falls due while a change of the application waits after a 491.
    let mut peer = Peer::up(timers(600, 90, false), &more);
    let id = peer.id;
    peer.script.wait(149_900);
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    peer.reply(&reinvite, "491 Request Pending", "", "");
    peer.script.expect("ACK ");
    refuse_and_expect_a_refresh(&mut peer);
    // The change is on its way when the refresh falls due.
    let mut peer = Peer::up(timers(600, 90, false), &more);
    let id = peer.id;
    peer.script.wait(149_900);
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    peer.script.wait(300);
    refuse_and_expect_a_refresh(&mut peer);
}

fn refuse_and_expect_a_refresh(peer: &mut Peer) {
    let reinvite = peer.script.wait_for("INVITE ", 4_100);
    peer.reply(&reinvite, "488 Not Acceptable Here", "", "");
    peer.script.expect("ACK ");
    assert!(peer.script.heard("OfferRejected"));
    // Less than half of the interval is left, and 32 s of that are for the BYE.
    let update = peer.script.wait_for("UPDATE ", 60_000);
    peer.reply(&update, "200 OK", "Session-Expires: 300;refresher=uac\n", "");
    peer.script.wait(149_000);
    assert_eq!(peer.script.ended(), "not ended");
    peer.script.expect_nothing();
}

#[test]
fn a_refresh_that_meets_the_peers_change_is_tried_again() {
    let more = format!("{UPDATES}Session-Expires: 600;refresher=uac\n");
    let mut peer = Peer::up(timers(600, 90, false), &more);
    peer.script.wait(300_100);
    let update = peer.script.expect("UPDATE ");
    peer.reply(&update, "491 Request Pending", "", "");
    peer.script.wait(2000);
    peer.script.expect_nothing();
    peer.script.wait(2100);
    peer.script.expect("UPDATE ");
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_session() {
    for status in ["481 Call/Transaction Does Not Exist", "408 Request Timeout", ""] {
        let more = format!("{UPDATES}Session-Expires: 600;refresher=uac\n");
        let mut peer = Peer::up(timers(600, 90, false), &more);
        peer.script.wait(300_100);
        let update = peer.script.expect("UPDATE ");
        if status.is_empty() {
            peer.script.wait(33_000);
        } else {
            peer.reply(&update, status, "", "");
        }
        assert!(peer.script.sent.iter().any(|(_, text)| text.starts_with("BYE")), "{status}");
        peer.assert_quiet();
    }
}

#[test]
fn without_session_timers_nothing_is_said_and_nothing_happens() {
    let off = || UaConfig { session_timer: None, ..UaConfig::default() };
    let mut peer = Peer::up(off(), "Session-Expires: 90;refresher=uac\n");
    assert_eq!(expires(&peer.invite), None);
    assert!(!header(&peer.invite, "Supported").contains("timer"));
    peer.script.wait(3_600_000);
    peer.script.expect_nothing();
    let mut peer = Peer::calls(off(), "Require: timer\nSession-Expires: 90\n", "v=0");
    assert_eq!(header(&peer.script.expect("SIP/2.0 420 "), "Unsupported"), "timer");
}

#[test]
fn a_2xx_without_an_interval_switches_the_timer_off() {
    let mut peer = Peer::up(timers(600, 90, false), "Session-Expires: 600;refresher=uas\n");
    let id = peer.id;
    peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
    let reinvite = peer.script.expect("INVITE ");
    assert_eq!(expires(&reinvite), Some("600;refresher=uas"));
    peer.reply(&reinvite, "200 OK", "", "v=0");
    peer.script.expect("ACK ");
    peer.script.wait(3_600_000);
    peer.script.expect_nothing();
}
