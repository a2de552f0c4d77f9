//! Subscriptions of peers, written by hand, to us (RFC 6665 §4.2).

use tipring_core::Duration;
use tipring_sip::agent::{Output, ReferPolicy, SubscriptionError, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{EventReason, HeaderName, Status, Substate};
use tipring_sip::subscription::{Content, Package, WatcherEnd, WatcherId, WatcherStatus};

use crate::peer::{CONTACT, Peer};
use crate::script::{PEER, Script, find, header, param, response};

pub fn config() -> UaConfig {
    let slow = Package { min_interval: Duration::from_secs(5), ..Package::new("message-summary") };
    UaConfig { packages: vec![Package::new("dialog"), slow], ..UaConfig::default() }
}

pub fn ask(change: impl FnOnce(String) -> String) -> String {
    change(format!(
        "SUBSCRIBE sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP {PEER};branch=z9hG4bKs1;rport
From: <sip:bob@example.net>;tag=b
To: <sip:101@192.0.2.1>
Call-ID: c
CSeq: 1 SUBSCRIBE
Max-Forwards: 70
Contact: <sip:bob@{PEER}>
Event: dialog;id=x7
Accept: application/dialog-info+xml
Expires: 300
Content-Length: 0

"
    ))
}

/// A further SUBSCRIBE in the dialog in which we have `tag`.
pub fn ask_again(tag: &str, cseq: u32, expires: u32) -> String {
    let text = ask(|text| text.replace("z9hG4bKs1", &format!("z9hG4bKs{cseq}")));
    text.replace("To: <sip:101@192.0.2.1>", &format!("To: <sip:101@192.0.2.1>;tag={tag}"))
        .replace("CSeq: 1", &format!("CSeq: {cseq}"))
        .replace("Expires: 300", &format!("Expires: {expires}"))
}

pub fn watcher(script: &Script) -> WatcherId {
    let mut asked = script.said.iter().filter_map(|output| match output {
        Output::Subscribe { watcher, .. } => Some(*watcher),
        _ => None,
    });
    asked.next_back().expect("somebody asked")
}

pub fn info(text: &str) -> Content {
    Content::new("application/dialog-info+xml", text)
}

/// Lets somebody subscribe; gives the watcher, our tag and our first NOTIFY.
fn up(script: &mut Script) -> (WatcherId, String, String) {
    script.receive(&ask(|text| text));
    let id = watcher(script);
    script
        .act(|ua, now| ua.accept_subscription(now, id, Substate::Active, info("<one/>")))
        .expect("asked");
    let tag = param(header(&script.expect("SIP/2.0 200 OK"), "To"), "tag").to_owned();
    let notify = script.expect("NOTIFY ");
    script.receive(&response(&notify, "200 OK", "", "", ""));
    (id, tag, notify)
}

fn ends(script: &Script) -> Vec<String> {
    let of = |output: &Output| match output {
        Output::Watcher { state: WatcherStatus::Ended(WatcherEnd::Lost(status)), .. } => {
            Some(format!("Lost {status}"))
        }
        Output::Watcher { state, .. } => Some(format!("{state:?}")),
        _ => None,
    };
    script.said.iter().filter_map(of).collect()
}

fn change(script: &mut Script, id: WatcherId, text: &str) -> Result<(), SubscriptionError> {
    script.act(|ua, now| ua.notify(now, id, Substate::Active, info(text)))
}

#[test]
fn a_watcher_is_answered_told_at_once_and_told_changes() {
    let mut script = Script::with(config());
    script.receive(&ask(|text| text));
    script.expect_nothing();
    let id = watcher(&script);
    let accept = |ua: &mut tipring_sip::agent::UserAgent, now| {
        ua.accept_subscription(now, id, Substate::Pending, Content::default())
    };
    script.act(accept).expect("asked");
    assert_eq!(script.act(accept), Err(SubscriptionError::WrongState));
    let ok = script.expect("SIP/2.0 200 OK");
    assert_eq!(header(&ok, "Expires"), "300");
    assert_eq!(header(&ok, "Contact"), "<sip:101@192.0.2.1:5060>");
    let first = script.expect("NOTIFY sip:bob@198.51.100.9:5060 SIP/2.0");
    assert_eq!(header(&first, "Subscription-State"), "pending;expires=300");
    assert_eq!(header(&first, "Event"), "dialog;id=x7");
    assert_eq!(header(&first, "From"), header(&ok, "To"));
    assert_eq!(find(&first, "Content-Type"), None);
    script.wait(100);
    script.receive(&response(&first, "200 OK", "", "", ""));
    script.wait(10_000);
    change(&mut script, id, "<two/>").expect("up");
    let second = script.expect("NOTIFY ");
    assert_eq!(header(&second, "Subscription-State"), "active;expires=289");
    assert!(second.ends_with("\r\n\r\n<two/>"), "{second}");
}

#[test]
fn what_changes_before_the_last_is_answered_is_told_together() {
    let mut script = Script::with(config());
    let (id, ..) = up(&mut script);
    change(&mut script, id, "<two/>").expect("up");
    let second = script.expect("NOTIFY ");
    for text in ["<three/>", "<four/>"] {
        change(&mut script, id, text).expect("up");
    }
    script.expect_nothing();
    script.receive(&response(&second, "200 OK", "", "", ""));
    assert!(script.expect("NOTIFY ").ends_with("<four/>"));
    script.expect_nothing();
}

#[test]
fn a_package_with_a_least_interval_is_not_told_more_often() {
    let mut script = Script::with(config());
    script.receive(&ask(|text| text.replace("dialog;id=x7", "message-summary")));
    let id = watcher(&script);
    script
        .act(|ua, now| ua.accept_subscription(now, id, Substate::Active, info("0")))
        .expect("asked");
    script.expect("SIP/2.0 200");
    let notify = script.expect("NOTIFY ");
    script.receive(&response(&notify, "200 OK", "", "", ""));
    for text in ["1", "2", "3"] {
        change(&mut script, id, text).expect("up");
        script.wait(1_000);
    }
    script.expect_nothing();
    script.wait(2_000);
    assert!(script.expect("NOTIFY ").ends_with("\r\n\r\n3"));
    script.expect_nothing();
}

#[test]
fn a_refresh_prolongs_and_is_told_the_last_state_again() {
    let mut script = Script::with(config());
    let (id, tag, _) = up(&mut script);
    script.wait(200_000);
    script.receive(&ask_again(&tag, 2, 200));
    assert_eq!(header(&script.expect("SIP/2.0 200"), "Expires"), "200");
    let notify = script.expect("NOTIFY ");
    assert_eq!(header(&notify, "Subscription-State"), "active;expires=200");
    assert!(notify.ends_with("<one/>"));
    script.receive(&response(&notify, "200 OK", "", "", ""));
    let state = WatcherStatus::Refreshed { expires: 200 };
    assert_eq!(script.said.last(), Some(&Output::Watcher { watcher: id, state }));
    script.wait(199_000);
    script.expect_nothing();
    script.wait(1_000);
    let last = script.expect("NOTIFY ");
    assert_eq!(header(&last, "Subscription-State"), "terminated;reason=timeout");
    script.receive(&response(&last, "200 OK", "", "", ""));
    assert_eq!(ends(&script)[1..], ["Ended(Expired)"]);
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_watcher_that_leaves_or_only_fetches_is_told_the_end() {
    let mut script = Script::with(config());
    let (id, tag, _) = up(&mut script);
    script.receive(&ask_again(&tag, 2, 0));
    assert_eq!(header(&script.expect("SIP/2.0 200"), "Expires"), "0");
    let last = script.expect("NOTIFY ");
    assert_eq!(header(&last, "Subscription-State"), "terminated;reason=timeout");
    assert_eq!(change(&mut script, id, "<late/>"), Err(SubscriptionError::WrongState));
    script.receive(&ask_again(&tag, 3, 300));
    script.expect("SIP/2.0 481");
    script.receive(&response(&last, "200 OK", "", "", ""));
    assert_eq!(change(&mut script, id, "<late/>"), Err(SubscriptionError::Unknown));
    script.receive(&ask(|text| {
        text.replace("Expires: 300", "Expires: 0").replace("ID: c", "ID: f").replace("Ks1", "Kf")
    }));
    let id = watcher(&script);
    script
        .act(|ua, now| ua.accept_subscription(now, id, Substate::Active, info("<now/>")))
        .expect("asked");
    script.expect("SIP/2.0 200");
    let only = script.expect("NOTIFY ");
    assert_eq!(header(&only, "Subscription-State"), "terminated;reason=timeout");
    assert!(only.ends_with("<now/>"));
    script.expect_nothing();
    assert_eq!(ends(&script), ["Ended(Left)", "Ended(Left)"]);
}

#[test]
fn we_end_a_subscription_with_a_reason() {
    let mut script = Script::with(config());
    let (id, ..) = up(&mut script);
    let end = |ua: &mut tipring_sip::agent::UserAgent, now| {
        ua.end_subscription(now, id, EventReason::Probation, Some(60), Some(info("<gone/>")))
    };
    script.act(end).expect("up");
    let last = script.expect("NOTIFY ");
    let state = header(&last, "Subscription-State");
    assert_eq!(state, "terminated;reason=probation;retry-after=60");
    assert!(last.ends_with("<gone/>"));
    assert_eq!(ends(&script), ["Ended(Local)"]);
}

#[test]
fn a_notification_that_is_refused_ends_the_subscription() {
    for (answer, more, end) in [
        ("481 Gone", "", Some("Lost 481")),
        ("403 No", "", Some("Lost 403")),
        ("481 Gone", "Retry-After: 5\n", Some("Lost 481")),
        ("503 Busy", "Retry-After: 5\n", None),
    ] {
        let mut script = Script::with(config());
        let (id, ..) = up(&mut script);
        change(&mut script, id, "<two/>").expect("up");
        let notify = script.expect("NOTIFY ");
        script.receive(&response(&notify, answer, "", more, ""));
        assert_eq!(ends(&script).first().map(String::as_str), end, "{answer}");
        script.wait(5_000);
        assert_eq!(script.sent.is_empty(), end.is_some(), "told again after a while");
    }
    let mut script = Script::with(config());
    let (id, ..) = up(&mut script);
    change(&mut script, id, "<two/>").expect("up");
    script.wait(32_000);
    assert_eq!(ends(&script), ["Lost 408"]);
}

#[test]
fn subscriptions_that_we_do_not_serve_are_refused_as_the_standard_says() {
    for (what, text, status, field) in [
        ("package", ask(|text| text.replace("dialog", "presence")), "489", "Allow-Events"),
        (
            "no package",
            ask(|text| text.replace("Event: dialog;id=x7\n", "")),
            "489",
            "Allow-Events",
        ),
        ("template", ask(|text| text.replace("dialog", "dialog.winfo")), "489", "Allow-Events"),
        ("event", ask(|text| text.replace("dialog;id=x7", "dialog;id=")), "400", "To"),
        ("brief", ask(|text| text.replace("300", "59")), "423", "Min-Expires"),
        ("no contact", ask(|text| text.replace("Contact", "X")), "400", "To"),
        ("unknown dialog", ask_again("none", 2, 300), "481", "To"),
    ] {
        let mut script = Script::with(config());
        script.receive(&text);
        let answer = script.next();
        assert!(answer.starts_with(&format!("SIP/2.0 {status}")), "{what}: {answer}");
        assert!(find(&answer, field).is_some(), "{what}: {answer}");
        assert_eq!(script.ua.counts().watchers, 0);
    }
}

#[test]
fn without_packages_nothing_can_be_subscribed_to_but_the_transfers_that_were_asked_for() {
    let mut script = Script::new();
    script.receive(&ask(|text| text));
    assert_eq!(header(&script.expect("SIP/2.0 489"), "Allow-Events"), "refer");
    // RFC 3515 §2.4.4.
    script.receive(&ask(|text| {
        text.replace("dialog;id=x7", "refer").replace("bKs1", "bKs2").replace("ID: c", "ID: d")
    }));
    script.expect("SIP/2.0 403");
    let mut script = Script::with(UaConfig { refer: ReferPolicy::Refuse, ..UaConfig::default() });
    script.receive(&ask(|text| text));
    assert!(!header(&script.expect("SIP/2.0 405"), "Allow").contains("SUBSCRIBE"));
}

#[test]
fn a_refused_watcher_hears_why_and_leaves_nothing() {
    let mut script = Script::with(config());
    script.receive(&ask(|text| text));
    let id = watcher(&script);
    let why = [(HeaderName::RetryAfter, "9".to_owned())];
    let refuse = |ua: &mut tipring_sip::agent::UserAgent, now| {
        ua.refuse_subscription(now, id, Status::FORBIDDEN, &why)
    };
    script.act(refuse).expect("asked");
    assert_eq!(header(&script.expect("SIP/2.0 403"), "Retry-After"), "9");
    assert_eq!(script.ua.counts().watchers, 0);
}

#[test]
fn a_watcher_that_nobody_answers_is_forgotten_with_its_transaction() {
    let mut script = Script::with(config());
    script.receive(&ask(|text| text));
    script.wait(40_000);
    assert_eq!(ends(&script), ["Ended(Local)"]);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn requests_in_the_dialog_that_do_not_fit_are_refused() {
    let mut script = Script::with(config());
    let (_, tag, _) = up(&mut script);
    for (text, status) in [
        (ask_again(&tag, 2, 300).replace("x7", "x8"), "403"),
        (ask_again(&tag, 3, 10), "423"),
        (ask_again(&tag, 1, 300).replace("z9hG4bKs1", "z9hG4bKo"), "500"),
        (ask_again(&tag, 4, 300).replace("Call-ID: c", "Call-ID: d"), "481"),
        (ask_again(&tag, 5, 300).replace("tag=b", "tag=eve"), "481"),
        (ask_again(&tag, 6, 300).replace("SUBSCRIBE", "NOTIFY"), "481"),
        (ask_again(&tag, 7, 300), "200"),
    ] {
        script.receive(&text);
        let answer = script.next();
        assert!(answer.starts_with(&format!("SIP/2.0 {status}")), "{text}\n{answer}");
    }
}

#[test]
fn a_subscribe_in_the_dialog_of_a_call_is_declined_and_the_call_goes_on() {
    let mut peer = Peer::up(config(), "");
    peer.ask("SUBSCRIBE", &format!("{CONTACT}Event: dialog\n"), "");
    peer.script.expect("SIP/2.0 403 ");
    assert_eq!(peer.script.ua.counts().watchers, 0);
    assert_eq!(peer.script.ended(), "not ended");
}

#[test]
fn notifications_follow_the_recorded_route() {
    let mut script = Script::with(config());
    script.receive(&ask(|text| {
        text.replace(
            "Contact:",
            "Record-Route: <sip:p1@198.51.100.9;lr>, <sip:p2.example.net;lr>\nContact:",
        )
        .replace(&format!("bob@{PEER}"), "bob@203.0.113.7")
    }));
    let id = watcher(&script);
    script
        .act(|ua, now| ua.accept_subscription(now, id, Substate::Active, info("")))
        .expect("asked");
    assert!(header(&script.expect("SIP/2.0 200"), "Record-Route").contains("p1@"));
    let notify = script.expect("NOTIFY sip:bob@203.0.113.7 ");
    assert!(header(&notify, "Route").contains("p1@198.51.100.9"));
}

#[test]
fn there_is_a_bound_to_watchers() {
    let mut script = Script::with(UaConfig { max_subscriptions: 1, ..config() });
    script.receive(&ask(|text| text));
    script.expect_nothing();
    script.receive(&ask(|text| text.replace("z9hG4bKs1", "z9hG4bKs2").replace("D: c", "D: d")));
    assert!(find(&script.expect("SIP/2.0 503"), "Retry-After").is_some());
}

/// A watcher whose first NOTIFY is challenged in `realm`, ours being `example.net`.
fn challenged(own: Option<&str>, realm: &str) -> (Script, String, WatcherId) {
    let mut script = Script::with(config());
    script.receive(&ask(|text| text));
    let id = watcher(&script);
    let account = Account {
        username: "101".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: own.map(str::to_owned).into_iter().collect(),
    };
    script.act(|ua, _| ua.sign_notifications(id, account)).expect("it waits");
    script
        .act(|ua, now| ua.accept_subscription(now, id, Substate::Active, info("<one/>")))
        .expect("asked");
    script.expect("SIP/2.0 200 OK");
    let first = script.expect("NOTIFY ");
    assert_eq!(find(&first, "Proxy-Authorization"), None);
    let ask = format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"\n");
    script.receive(&response(&first, "407 Who", "", &ask, ""));
    (script, first, id)
}

#[test]
fn a_notification_is_signed_in_the_realm_that_its_account_is_for() {
    let (mut script, first, id) = challenged(Some("example.net"), "example.net");
    let signed = script.expect("NOTIFY ");
    assert!(header(&signed, "Proxy-Authorization").contains("realm=\"example.net\""), "{signed}");
    assert!(signed.ends_with("\r\n\r\n<one/>"), "{signed}");
    let number = |text: &str| header(text, "CSeq").split(' ').next().and_then(|n| n.parse().ok());
    assert_eq!(number(&signed), number(&first).map(|number: u32| number + 1));
    script.receive(&response(&signed, "200 OK", "", "", ""));
    change(&mut script, id, "<two/>").expect("up");
    let next = script.expect("NOTIFY ");
    assert!(header(&next, "Proxy-Authorization").contains("nc=00000002"), "{next}");
}

/// One that knows the realm gets one: only who gives the account can tell whether that is a proxy's secret.
#[test]
fn a_notification_is_not_signed_in_another_realm_nor_by_an_account_without_one() {
    for (own, realm) in [(Some("example.net"), "elsewhere"), (None, "example.net")] {
        let (mut script, ..) = challenged(own, realm);
        script.expect_nothing();
        assert_eq!(ends(&script), ["Lost 407"]);
        script.wait(40_000);
        assert_eq!(script.ua.counts(), Default::default());
    }
}

#[test]
fn a_proof_that_is_not_believed_is_not_sent_again() {
    let (mut script, ..) = challenged(Some("example.net"), "example.net");
    let signed = script.expect("NOTIFY ");
    let ask = "Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"m\", qop=\"auth\"\n";
    script.receive(&response(&signed, "407 Who", "", ask, ""));
    script.expect_nothing();
    assert_eq!(ends(&script), ["Lost 407"]);
}
