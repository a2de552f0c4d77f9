//! Our subscriptions at notifiers that are written by hand (RFC 6665).

use tipring_core::Duration;
use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{Event, EventReason, Substate, Transport};
use tipring_sip::subscription::{
    Content, Forks, Subscribe, SubscriptionEnd, SubscriptionId, SubscriptionStatus,
};
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, US, at, find, header, param, response, uri};

pub fn subscribe() -> Subscribe {
    Subscribe {
        target: uri("sip:alice@example.net"),
        path: Path::new(Transport::Udp, at(US), at(PEER)),
        others: Vec::new(),
        from: "<sip:101@example.net>".parse().expect("an address"),
        to: "<sip:alice@example.net>".parse().expect("an address"),
        route: Vec::new(),
        contact_user: "101".to_owned(),
        event: Event::new("message-summary").expect("a token"),
        accept: vec!["application/simple-message-summary".to_owned()],
        expires: 600,
        forks: Forks::Accept,
        keep: true,
        headers: Vec::new(),
        content: Content::default(),
        credentials: None,
    }
}

/// A NOTIFY in the dialog that `subscribe` begins, from the notifier with `tag`.
pub fn notify(subscribe: &str, tag: &str, cseq: u32, state: &str) -> String {
    notify_with(subscribe, tag, cseq, state, header(subscribe, "Event"), "Messages-Waiting: yes")
}

pub fn notify_with(
    subscribe: &str,
    tag: &str,
    cseq: u32,
    state: &str,
    event: &str,
    body: &str,
) -> String {
    let (to, contact) = (header(subscribe, "To"), header(subscribe, "Contact"));
    let target = contact.trim_start_matches('<').trim_end_matches('>');
    let from = to.split(";tag=").next().unwrap_or(to);
    let kind = match body {
        "" => String::new(),
        _ => "Content-Type: application/simple-message-summary\n".to_owned(),
    };
    format!(
        "NOTIFY {target} SIP/2.0
Via: SIP/2.0/UDP {PEER};branch=z9hG4bKn{tag}{cseq}
From: {from};tag={tag}
To: {}
Call-ID: {}
CSeq: {cseq} NOTIFY
Max-Forwards: 70
Contact: <sip:vm@{PEER}>
Event: {event}
Subscription-State: {state}
{kind}Content-Length: {}

{body}",
        header(subscribe, "From"),
        header(subscribe, "Call-ID"),
        body.len(),
    )
}

pub fn start(script: &mut Script, change: impl FnOnce(&mut Subscribe)) -> (SubscriptionId, String) {
    let mut wanted = subscribe();
    change(&mut wanted);
    let id = script.act(|ua, now| ua.subscribe(now, wanted)).expect("there is room");
    (id, script.expect("SUBSCRIBE "))
}

/// What was told of subscriptions, in a few words each.
pub fn told(script: &Script) -> Vec<String> {
    script.said.iter().filter_map(in_words).collect()
}

pub fn in_words(output: &Output) -> Option<String> {
    match output {
        Output::Notified { fork, state, .. } => Some(format!("{fork}: {state}")),
        Output::Subscription { state: SubscriptionStatus::Ended(why), .. } => {
            Some(format!("ended, {why}"))
        }
        Output::Subscription { state: SubscriptionStatus::Retrying { why, retry_in }, .. } => {
            Some(format!("again in {} s, {why}", retry_in.as_secs_f64().ceil()))
        }
        _ => None,
    }
}

/// A subscription that is up: its id and the SUBSCRIBE.
fn up(script: &mut Script) -> (SubscriptionId, String) {
    let (id, subscribe) = start(script, |_| {});
    script.receive(&response(&subscribe, "200 OK", "n", "Expires: 600\n", ""));
    script.receive(&notify(&subscribe, "n", 7, "active;expires=600"));
    script.expect("SIP/2.0 200");
    (id, subscribe)
}

#[test]
fn a_subscription_is_told_refreshed_and_ended() {
    let mut script = Script::new();
    let (id, first) = start(&mut script, |_| {});
    insta::assert_snapshot!(first.replace("\r\n", "\n"));
    script.receive(&response(&first, "200 OK", "n", "Expires: 300\nContact: <sip:vm@h>\n", ""));
    script.receive(&notify(&first, "n", 7, "active;expires=300"));
    assert!(header(&script.next(), "To").contains(";tag="));
    let Some(Output::Notified { subscription, state, body, .. }) = script.said.last() else {
        panic!("{:?}", script.said);
    };
    assert_eq!((*subscription, &state.state), (id, &Substate::Active));
    assert_eq!(body, b"Messages-Waiting: yes");
    script.wait(254_000);
    script.expect_nothing();
    let refresh = script.wait_for("SUBSCRIBE sip:vm@198.51.100.9:5060 SIP/2.0", 16_000);
    assert_eq!(header(&refresh, "Expires"), "600");
    assert_eq!(header(&refresh, "Call-ID"), header(&first, "Call-ID"));
    assert_eq!(param(header(&refresh, "To"), "tag"), "n");
    assert_eq!(header(&refresh, "Event"), "message-summary");
    script.receive(&response(&refresh, "200 OK", "n", "Expires: 300\n", ""));
    script.receive(&notify(&first, "n", 8, "active;expires=300"));
    script.expect("SIP/2.0 200");
    script.act(|ua, now| ua.unsubscribe(now, id));
    let last = script.expect("SUBSCRIBE ");
    assert_eq!(header(&last, "Expires"), "0");
    script.receive(&response(&last, "200 OK", "n", "Expires: 0\n", ""));
    script.receive(&notify(&first, "n", 9, "terminated;reason=timeout"));
    script.expect("SIP/2.0 200");
    assert_eq!(told(&script).last().map(String::as_str), Some("ended, unsubscribed"));
    script.wait(40_000);
    script.expect_nothing();
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_notification_may_overtake_the_answer() {
    let mut script = Script::new();
    let (_, subscribe) = start(&mut script, |_| {});
    script.receive(&notify(&subscribe, "n", 7, "active"));
    script.expect("SIP/2.0 200");
    script.receive(&response(&subscribe, "202 Accepted", "n", "Expires: 100\n", ""));
    assert_eq!(told(&script), ["0: active"]);
    script.wait(84_000);
    script.expect_nothing();
    script.wait_for("SUBSCRIBE ", 7_000);
}

#[test]
fn an_answer_without_a_notification_is_no_subscription() {
    let mut script = Script::new();
    let (_, subscribe) = start(&mut script, |wanted| wanted.keep = false);
    script.receive(&response(&subscribe, "200 OK", "n", "Expires: 600\n", ""));
    script.wait(31_990);
    assert_eq!(told(&script), [""; 0]);
    script.wait(10);
    assert_eq!(told(&script), ["ended, no notification"]);
    script.receive(&notify(&subscribe, "n", 7, "active"));
    script.expect("SIP/2.0 481");
}

#[test]
fn a_refresh_without_a_notification_ends_the_subscription_and_another_is_made() {
    let mut script = Script::new();
    let (_, first) = up(&mut script);
    let refresh = script.wait_for("SUBSCRIBE sip:vm@", 541_000);
    script.receive(&response(&refresh, "200 OK", "n", "Expires: 600\n", ""));
    let next = script.wait_for("SUBSCRIBE sip:alice@example.net ", 32_010);
    assert_ne!(header(&next, "Call-ID"), header(&first, "Call-ID"));
    assert_eq!(find(&next, "To"), Some("<sip:alice@example.net>"));
    assert_eq!(told(&script)[1..], ["again in 0 s, expired"]);
}

#[test]
fn each_reason_of_the_end_has_its_consequence() {
    for (state, told_as) in [
        ("terminated;reason=deactivated", "again in 0 s, terminated: deactivated"),
        ("terminated;reason=timeout", "again in 0 s, terminated: timeout"),
        ("terminated;reason=probation;retry-after=90", "again in 90 s, terminated: probation"),
        ("terminated;reason=probation", "again in 1 s, terminated: probation"),
        ("terminated;reason=giveup;retry-after=30", "again in 30 s, terminated: giveup"),
        ("terminated;reason=new", "again in 1 s, terminated: new"),
        ("terminated", "again in 1 s, terminated"),
        ("terminated;reason=rejected", "ended, terminated: rejected"),
        ("terminated;reason=noresource", "ended, terminated: noresource"),
        ("terminated;reason=invariant", "ended, terminated: invariant"),
    ] {
        let mut script = Script::new();
        let (_, subscribe) = up(&mut script);
        script.receive(&notify(&subscribe, "n", 8, state));
        script.expect("SIP/2.0 200");
        assert_eq!(told(&script)[1..], [format!("0: {state}"), told_as.to_owned()], "{state}");
        script.wait(100_000);
        assert_eq!(script.sent.is_empty(), told_as.starts_with("ended"), "{state}");
    }
}

#[test]
fn a_notifier_that_ends_it_at_once_each_time_is_asked_less_and_less() {
    let mut script = Script::new();
    let (_, mut subscribe) = start(&mut script, |_| {});
    let mut waits = Vec::new();
    for cseq in 0..6 {
        script.receive(&response(&subscribe, "200 OK", "n", "Expires: 600\n", ""));
        script.receive(&notify(&subscribe, "n", cseq, "terminated;reason=deactivated"));
        let asked = script.now;
        script.skip();
        while script.sent.is_empty() {
            script.wait(10);
        }
        waits.push((script.now - asked).as_secs_f64().ceil());
        subscribe = script.expect("SUBSCRIBE ");
    }
    assert_eq!(waits[0], 1.0, "at once");
    assert!(waits.windows(2).skip(1).all(|pair| pair[0] < pair[1]), "{waits:?}");
}

#[test]
fn refusals_are_followed_as_they_ask() {
    for (answer, more, told_as) in [
        ("489 Bad Event", "Allow-Events: presence\n", "ended, refused: 489"),
        ("403 Forbidden", "", "ended, refused: 403"),
        ("403 Forbidden", "Retry-After: 20\n", "again in 20 s, refused: 403"),
        ("480 Gone", "", "again in 1 s, refused: 480"),
        ("503 Busy", "Retry-After: 70 (soon)\n", "again in 70 s, refused: 503"),
        ("501 What", "", "ended, refused: 501"),
    ] {
        let mut script = Script::new();
        let (_, subscribe) = start(&mut script, |_| {});
        script.receive(&response(&subscribe, answer, "n", more, ""));
        assert_eq!(told(&script), [told_as], "{answer}");
    }
}

#[test]
fn silence_is_met_with_another_try_or_the_end() {
    let mut script = Script::new();
    start(&mut script, |_| {});
    script.wait(32_000);
    assert_eq!(told(&script), ["again in 1 s, refused: 408"]);
    let mut script = Script::new();
    start(&mut script, |wanted| wanted.keep = false);
    script.wait(32_000);
    assert_eq!(told(&script), ["ended, refused: 408"]);
}

#[test]
fn an_interval_that_is_too_brief_is_made_longer_once() {
    let mut script = Script::new();
    let (_, first) = start(&mut script, |_| {});
    script.receive(&response(&first, "423 Brief", "n", "Min-Expires: 1800\n", ""));
    let second = script.expect("SUBSCRIBE ");
    assert_eq!(header(&second, "Expires"), "1800");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    script.receive(&response(&second, "423 Brief", "n", "Min-Expires: 3600\n", ""));
    script.expect_nothing();
    assert_eq!(told(&script), ["ended, refused: 423"]);
}

#[test]
fn a_challenge_of_the_peer_is_answered_and_one_behind_it_is_not() {
    let mut script = Script::new();
    let account = Account {
        username: "101".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["example.net".to_owned()],
    };
    let (_, first) = start(&mut script, |wanted| wanted.credentials = Some(account));
    let ask = "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\n";
    script.receive(&response(&first, "401 Who", "n", ask, ""));
    let signed = script.expect("SUBSCRIBE ");
    assert!(header(&signed, "Authorization").contains("username=\"101\""));
    script.receive(&response(&signed, "200 OK", "n", "Expires: 100\n", ""));
    let from_behind = notify(&signed, "n", 7, "active;expires=100")
        .replace(&format!("Contact: <sip:vm@{PEER}>"), "Contact: <sip:vm@203.0.113.9>");
    script.receive(&from_behind);
    script.expect("SIP/2.0 200");
    let refresh = script.wait_for("SUBSCRIBE sip:vm@203.0.113.9 ", 90_000);
    assert_eq!(find(&refresh, "Authorization"), None);
    script.receive(&response(&refresh, "401 Who", "n", ask, ""));
    script.expect_nothing();
}

#[test]
fn a_refresh_that_fails_leaves_the_subscription_until_it_expires_unless_it_is_gone() {
    for (answer, sooner) in [("500 Later", false), ("481 Gone", true), ("489 Bad Event", true)] {
        let mut script = Script::new();
        up(&mut script);
        let refresh = script.wait_for("SUBSCRIBE sip:vm@", 541_000);
        script.receive(&response(&refresh, answer, "n", "", ""));
        assert_eq!(told(&script).len() > 1, sooner, "{answer}: {:?}", told(&script));
    }
}

#[test]
fn a_forked_subscription_has_a_dialog_for_each_notifier() {
    let mut script = Script::new();
    let (id, subscribe) = start(&mut script, |_| {});
    script.receive(&response(&subscribe, "200 OK", "a", "Expires: 600\n", ""));
    for (cseq, tag) in [(3, "a"), (9, "b")] {
        script.receive(&notify(&subscribe, tag, cseq, "active;expires=600"));
        script.expect("SIP/2.0 200");
    }
    assert_eq!(told(&script), ["0: active;expires=600", "1: active;expires=600"]);
    assert_eq!(script.ua.counts().dialogs, 2);
    script.receive(&notify(&subscribe, "a", 4, "terminated;reason=rejected"));
    script.expect("SIP/2.0 200");
    assert_eq!(told(&script).len(), 3, "the other goes on");
    script.act(|ua, now| ua.unsubscribe(now, id));
    assert_eq!(param(header(&script.expect("SUBSCRIBE "), "To"), "tag"), "b");
    script.wait(33_000);
    assert_eq!(told(&script).last().map(String::as_str), Some("ended, unsubscribed"));
}

#[test]
fn forks_that_are_not_wanted_or_late_are_refused() {
    let mut script = Script::new();
    let (_, subscribe) = start(&mut script, |wanted| wanted.forks = Forks::Refuse);
    script.receive(&notify(&subscribe, "a", 1, "active;expires=600"));
    script.expect("SIP/2.0 200");
    script.receive(&notify(&subscribe, "b", 1, "active;expires=600"));
    script.expect("SIP/2.0 481");
    let mut script = Script::new();
    let (_, subscribe) = up(&mut script);
    script.wait(33_000);
    script.receive(&notify(&subscribe, "late", 1, "active;expires=600"));
    script.expect("SIP/2.0 481");
    assert_eq!(told(&script).len(), 1);
}

#[test]
fn a_fetch_is_told_once() {
    for state in ["terminated;reason=timeout", "active;expires=0"] {
        let mut script = Script::new();
        let (_, subscribe) = start(&mut script, |wanted| wanted.expires = 0);
        assert_eq!(header(&subscribe, "Expires"), "0");
        script.receive(&response(&subscribe, "200 OK", "n", "Expires: 0\n", ""));
        script.receive(&notify(&subscribe, "n", 1, state));
        script.expect("SIP/2.0 200");
        assert_eq!(told(&script), [&format!("0: {state}"), "ended, unsubscribed"]);
    }
}

#[test]
fn notifications_that_do_not_fit_are_refused_as_the_standard_says() {
    let mut script = Script::new();
    let (_, subscribe) = up(&mut script);
    let event = "message-summary";
    let state = "active;expires=600";
    for (text, status) in [
        (notify_with(&subscribe, "n", 8, state, "presence", ""), "489"),
        (notify_with(&subscribe, "n", 8, state, "message-summary;id=2", ""), "489"),
        (notify(&subscribe, "n", 8, state).replace("Event: message-summary\n", ""), "489"),
        (notify(&subscribe, "n", 8, "active;expires=soon"), "400"),
        (notify(&subscribe, "n", 8, state).replace("/simple-", "/x-"), "415"),
        (notify(&subscribe, "n", 6, state), "500"),
        (notify(&subscribe, "n", 8, state).replace("Call-ID: ", "Call-ID: x"), "481"),
        (notify(&subscribe, "n", 8, state).replace("NOTIFY", "BYE"), "481"),
        (notify_with(&subscribe, "n", 9, state, event, ""), "200"),
    ] {
        let branch = format!("z9hG4bK{}", script.now.as_millis());
        script.wait(1);
        script.receive(&text.replace("z9hG4bKn", &branch));
        let answer = script.next();
        assert!(answer.starts_with(&format!("SIP/2.0 {status}")), "{text}\n{answer}");
    }
    assert_eq!(told(&script).len(), 2);
}

#[test]
fn a_notification_that_nobody_asked_for_is_refused() {
    let mut script = Script::new();
    let subscribe = "\r\nTo: <sip:vm@h>\r\nContact: <sip:101@192.0.2.1>\r\nFrom: <sip:101@h>\r\n\
                     Call-ID: c\r\nEvent: message-summary\r\n\r\n";
    script.receive(&notify(subscribe, "n", 1, "active"));
    script.expect("SIP/2.0 481");
}

#[test]
fn requests_pass_the_proxies_that_recorded_themselves() {
    let mut script = Script::new();
    let (id, subscribe) = start(&mut script, |_| {});
    let text = notify(&subscribe, "n", 1, "active;expires=600");
    let recorded = format!(
        "Record-Route: <sip:p1@{PEER};lr>, <sip:p2.example.net;lr>\nContact: <sip:vm@203.0.113.7>"
    );
    script.receive(&text.replace(&format!("Contact: <sip:vm@{PEER}>"), &recorded));
    script.expect("SIP/2.0 200");
    script.act(|ua, now| ua.unsubscribe(now, id));
    let (to, last) = script.next_to();
    assert_eq!(to, at(PEER));
    assert!(last.starts_with("SUBSCRIBE sip:vm@203.0.113.7 "), "{last}");
    let routes: Vec<_> = last.lines().filter(|line| line.starts_with("Route: ")).collect();
    assert_eq!(routes, [&format!("Route: <sip:p1@{PEER};lr>"), "Route: <sip:p2.example.net;lr>"]);
}

#[test]
fn there_is_a_bound_to_subscriptions() {
    let mut script = Script::with(UaConfig { max_subscriptions: 2, ..UaConfig::default() });
    for _ in 0..2 {
        start(&mut script, |_| {});
    }
    let third = script.act(|ua, now| ua.subscribe(now, subscribe()));
    assert!(third.is_err());
    assert_eq!(script.ua.counters().overflows, 1);
}

#[test]
fn what_is_told_has_the_reason_and_the_wait() {
    let mut script = Script::new();
    let (id, subscribe) = up(&mut script);
    script.receive(&notify(&subscribe, "n", 8, "terminated;reason=probation;retry-after=5"));
    let why = SubscriptionEnd::Terminated(Some(EventReason::Probation));
    let retry_in = Duration::from_secs(5);
    let state = SubscriptionStatus::Retrying { why, retry_in };
    assert_eq!(script.said.last(), Some(&Output::Subscription { subscription: id, state }));
    script.act(|ua, now| ua.unsubscribe(now, id));
    let state = SubscriptionStatus::Ended(SubscriptionEnd::Left);
    assert_eq!(script.said.last(), Some(&Output::Subscription { subscription: id, state }));
}

#[test]
fn a_silent_notifier_gives_way_to_the_next_which_is_then_kept_to() {
    const SECOND: &str = "198.51.100.10:5060";
    let mut script = Script::new();
    let account = Account {
        username: "101".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["r".to_owned()],
    };
    let (id, _) = start(&mut script, |wanted| {
        wanted.others = vec![Path::new(Transport::Udp, at(US), at(SECOND))];
        wanted.credentials = Some(account);
    });
    script.wait(1_749);
    assert!(script.sent.iter().all(|(to, _)| *to == at(PEER)));
    script.skip();
    script.wait(1);
    let (to, second) = script.next_to();
    assert_eq!(to, at(SECOND));
    let ask = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive_from(SECOND, &response(&second, "401 Who", "n", ask, ""));
    let (to, signed) = script.next_to();
    assert!(to == at(SECOND) && find(&signed, "Authorization").is_some(), "{to}\n{signed}");
    script.receive_from(SECOND, &response(&signed, "200 OK", "n", "Expires: 600\n", ""));
    let ends = notify(&signed, "n", 1, "terminated;reason=deactivated");
    script.receive_from(SECOND, &ends);
    script.expect("SIP/2.0 200");
    // Subscribed anew, at the one that answers.
    script.wait(2_000);
    let (to, anew) = script.next_to();
    assert!(to == at(SECOND) && anew.starts_with("SUBSCRIBE "), "{to}\n{anew}");
    script.act(|ua, now| ua.unsubscribe(now, id));
}
