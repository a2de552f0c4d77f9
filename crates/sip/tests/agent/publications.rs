//! Our publications at hand-written compositors (RFC 3903).

use tipring_sip::agent::Output;
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{Event, Transport};
use tipring_sip::publication::{PublicationId, PublicationStatus, Publish};
use tipring_sip::subscription::Content;
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, US, at, find, header, response, uri};

fn state(text: &str) -> Content {
    Content::new("application/pidf+xml", text)
}

pub fn start(script: &mut Script) -> (PublicationId, String) {
    start_with(script, Vec::new())
}

fn start_with(script: &mut Script, others: Vec<Path>) -> (PublicationId, String) {
    let publish = Publish {
        target: uri("sip:101@example.net"),
        path: Path::new(Transport::Udp, at(US), at(PEER)),
        others,
        from: "<sip:101@example.net>".parse().expect("an address"),
        to: "<sip:101@example.net>".parse().expect("an address"),
        route: Vec::new(),
        event: Event::new("presence").expect("a token"),
        expires: 600,
        headers: Vec::new(),
        content: state("<open/>"),
        credentials: Some(Account {
            username: "101".to_owned(),
            secret: Secret::Password("secret".to_owned()),
            realms: Vec::new(),
        }),
    };
    let id = script.act(|ua, now| ua.publish(now, publish)).expect("there is room");
    (id, script.expect("PUBLISH sip:101@example.net SIP/2.0"))
}

/// The compositor's 200.
pub fn taken(publish: &str, etag: &str, seconds: u32) -> String {
    let more = format!("SIP-ETag: {etag}\nExpires: {seconds}\n");
    response(publish, "200 OK", "e", &more, "")
}

pub fn told(script: &Script) -> Vec<String> {
    let of = |output: &Output| match output {
        Output::Publication { state: PublicationStatus::Failed { status, retry_in }, .. } => {
            Some(format!("failed {status}, again in {} s", retry_in.as_secs_f64().ceil()))
        }
        Output::Publication { state, .. } => Some(format!("{state:?}")),
        _ => None,
    };
    script.said.iter().filter_map(of).collect()
}

#[test]
fn a_state_is_published_refreshed_changed_and_removed() {
    let mut script = Script::new();
    let (id, first) = start(&mut script);
    insta::assert_snapshot!(first.replace("\r\n", "\n"));
    script.receive(&taken(&first, "dx200xyz", 100));
    script.wait(84_000);
    script.expect_nothing();
    let refresh = script.wait_for("PUBLISH ", 6_000);
    assert_eq!(header(&refresh, "SIP-If-Match"), "dx200xyz");
    assert_eq!(header(&refresh, "Expires"), "600");
    assert!(find(&refresh, "Content-Type").is_none() && refresh.ends_with("\r\n\r\n"));
    script.receive(&taken(&refresh, "kwj449x", 600));
    script.act(|ua, now| ua.republish(now, id, state("<closed/>")));
    let modify = script.expect("PUBLISH ");
    assert_eq!(header(&modify, "SIP-If-Match"), "kwj449x");
    assert!(modify.ends_with("<closed/>"));
    script.receive(&taken(&modify, "qwi982ks", 600));
    script.act(|ua, now| ua.unpublish(now, id));
    let remove = script.expect("PUBLISH ");
    assert_eq!((header(&remove, "SIP-If-Match"), header(&remove, "Expires")), ("qwi982ks", "0"));
    assert!(remove.ends_with("\r\n\r\n"));
    script.receive(&response(&remove, "200 OK", "e", "Expires: 0\n", ""));
    assert_eq!(
        told(&script),
        [
            "Published { expires: 100 }",
            "Published { expires: 600 }",
            "Published { expires: 600 }",
            "Removed"
        ]
    );
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_compositor_that_has_forgotten_us_gets_everything_anew() {
    let mut script = Script::new();
    let (_, first) = start(&mut script);
    script.receive(&taken(&first, "a", 600));
    let refresh = script.wait_for("PUBLISH ", 541_000);
    script.receive(&response(&refresh, "412 Conditional Request Failed", "e", "", ""));
    let anew = script.expect("PUBLISH ");
    assert!(find(&anew, "SIP-If-Match").is_none() && anew.ends_with("<open/>"));
    script.receive(&response(&anew, "412 Conditional Request Failed", "e", "", ""));
    script.expect_nothing();
    assert_eq!(told(&script)[1..], ["failed 412, again in 1 s"]);
}

#[test]
fn a_publication_is_signed_and_made_longer_as_asked() {
    let mut script = Script::new();
    let (_, first) = start(&mut script);
    let ask = "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\n";
    script.receive(&response(&first, "401 Who", "e", ask, ""));
    let signed = script.expect("PUBLISH ");
    assert!(header(&signed, "Authorization").contains("nc=00000001"));
    script.receive(&response(&signed, "423 Brief", "e", "Min-Expires: 1200\n", ""));
    let longer = script.expect("PUBLISH ");
    assert_eq!(header(&longer, "Expires"), "1200");
    assert!(longer.ends_with("<open/>"));
    script.receive(&response(&longer, "423 Brief", "e", "Min-Expires: 2400\n", ""));
    assert_eq!(told(&script), ["failed 423, again in 1 s"]);
}

#[test]
fn a_change_waits_for_the_answer_before_it() {
    let mut script = Script::new();
    let (id, first) = start(&mut script);
    for text in ["<one/>", "<two/>"] {
        script.act(|ua, now| ua.republish(now, id, state(text)));
    }
    script.expect_nothing();
    script.receive(&taken(&first, "a", 600));
    let modify = script.expect("PUBLISH ");
    assert!(modify.ends_with("<two/>"));
    assert_eq!(told(&script), [""; 0], "what the compositor has is out of date");
    script.act(|ua, now| ua.unpublish(now, id));
    script.expect_nothing();
    script.receive(&taken(&modify, "b", 600));
    assert_eq!(header(&script.expect("PUBLISH "), "SIP-If-Match"), "b");
}

#[test]
fn a_failure_is_tried_again_with_the_whole_state() {
    let mut script = Script::new();
    let (_, first) = start(&mut script);
    script.receive(&response(&first, "503 Busy", "e", "Retry-After: 30\n", ""));
    assert_eq!(told(&script), ["failed 503, again in 30 s"]);
    script.wait(30_000);
    let again = script.expect("PUBLISH ");
    assert!(again.ends_with("<open/>"));
    script.wait(40_000);
    assert_eq!(told(&script).get(1).map(String::as_str), Some("failed 408, again in 2 s"));
}

#[test]
fn a_refresh_that_fails_leaves_the_name_only_as_long_as_the_state_lives() {
    for (wait, kept) in [(10u32, true), (500, false)] {
        let mut script = Script::new();
        let (_, first) = start(&mut script);
        script.receive(&taken(&first, "a", 600));
        let refresh = script.wait_for("PUBLISH ", 541_000);
        let more = format!("Retry-After: {wait}\n");
        script.receive(&response(&refresh, "500 Later", "e", &more, ""));
        script.wait(u64::from(wait) * 1000);
        let again = script.expect("PUBLISH ");
        assert_eq!(find(&again, "SIP-If-Match").is_some(), kept);
        assert!(again.ends_with("<open/>"));
    }
}

#[test]
fn a_silent_compositor_gives_way_to_the_next_which_is_then_kept_to() {
    const SECOND: &str = "198.51.100.10:5060";
    let mut script = Script::new();
    start_with(&mut script, vec![Path::new(Transport::Udp, at(US), at(SECOND))]);
    script.wait(1_749);
    assert!(script.sent.iter().all(|(to, _)| *to == at(PEER)));
    script.skip();
    script.wait(1);
    let (to, second) = script.next_to();
    assert_eq!(to, at(SECOND));
    // It is believed when it asks who we are.
    let ask = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive_from(SECOND, &response(&second, "401 Who", "e", ask, ""));
    let (to, signed) = script.next_to();
    assert!(to == at(SECOND) && find(&signed, "Authorization").is_some(), "{to}\n{signed}");
    script.receive_from(SECOND, &taken(&signed, "tag", 100));
    script.wait(90_000);
    let (to, refresh) = script.next_to();
    assert_eq!((to, header(&refresh, "SIP-If-Match")), (at(SECOND), "tag"));
    // Now this one is silent, and the first one is the spare.
    script.skip();
    script.wait(1_750);
    let (to, again) = script.sent.pop_back().expect("it is sent");
    assert_eq!((to, header(&again, "SIP-If-Match")), (at(PEER), "tag"));
}
