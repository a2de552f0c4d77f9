//! INFO: keys, hook flashes, packages (RFC 6086); and what OPTIONS tells (RFC 3261 §11).

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use tipring_core::Duration;
use tipring_sip::agent::{Output, SessionError, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{HeaderName, Headers, Method};
use tipring_sip::session::Signal;
use tipring_sip::subscription::Package;

use crate::peer::Peer;
use crate::script::{find, header};

fn signal(kind: &str, body: &str) -> Option<Signal> {
    let mut headers = Headers::new();
    headers.push(HeaderName::ContentType, kind);
    Signal::of_info(&headers, body.as_bytes())
}

fn key(digit: char, ms: u64) -> Option<Signal> {
    Some(Signal::Digit { digit, duration: Duration::from_millis(ms) })
}

#[test]
fn keys_and_flashes_are_read_as_gateways_write_them() {
    let relay = "application/dtmf-relay";
    assert_eq!(signal(relay, "Signal=5\r\nDuration=160\r\n"), key('5', 160));
    assert_eq!(signal(relay, "Signal= #\nDuration= 250"), key('#', 250));
    assert_eq!(signal(relay, "signal=d\nduration=99999"), key('D', 8191));
    assert_eq!(signal(relay, "Signal=10\nDuration=1"), key('*', 40));
    assert_eq!(signal(relay, "Signal=1"), key('1', 160));
    assert_eq!(signal(relay, "Signal=11"), key('#', 160));
    assert_eq!(signal("Application/DTMF", "7"), key('7', 160));
    assert_eq!(signal("application/hook-flash", ""), Some(Signal::Flash));
    assert_eq!(signal("application/broadsoft", "event flashhook\r\n"), Some(Signal::Flash));
    assert_eq!(signal("application/broadsoft", "event talk"), None);
    assert_eq!(signal(relay, "Signal=hf"), Some(Signal::Flash));
    assert_eq!(signal(relay, "Signal=16\r\nDuration=300"), Some(Signal::Flash));
    for nonsense in ["", "Signal=", "Signal=55", "Duration=160", "Signal=x", "\u{0}"] {
        assert_eq!(signal(relay, nonsense), None, "{nonsense:?}");
    }
    assert_eq!(signal("text/plain", "5"), None);
    assert_eq!(Signal::of_info(&Headers::new(), b"5"), None);
}

#[test]
fn what_we_write_we_read() {
    for ms in [40, 160, 8191] {
        for digit in "0123456789*#ABCD".chars() {
            let sent = Signal::Digit { digit, duration: Duration::from_millis(ms) };
            let (kind, body) = sent.to_info();
            assert_eq!(signal(kind, &String::from_utf8_lossy(&body)), Some(sent));
        }
    }
    let (kind, body) = Signal::Flash.to_info();
    assert_eq!(signal(kind, &String::from_utf8_lossy(&body)), Some(Signal::Flash));
}

proptest! {
    #[test]
    fn any_key_of_any_length_is_read_as_it_was_written(at in 0usize..16, ms in 40u64..=8191) {
        let digit = char::from(b"0123456789*#ABCD"[at]);
        let sent = Signal::Digit { digit, duration: Duration::from_millis(ms) };
        let (kind, body) = sent.to_info();
        prop_assert_eq!(signal(kind, &String::from_utf8_lossy(&body)), Some(sent));
    }

    #[test]
    fn any_octets_are_a_key_that_can_be_pressed_or_none(octets in vec(any::<u8>(), 0..80), at in 0usize..4) {
        let kinds = ["dtmf-relay", "dtmf", "hook-flash", "broadsoft"];
        let mut headers = Headers::new();
        headers.push(HeaderName::ContentType, format!("application/{}", kinds[at]));
        for body in [octets.clone(), [b"Signal=", octets.as_slice(), b"\nDuration=9999999999"].concat()] {
            if let Some(Signal::Digit { digit, duration }) = Signal::of_info(&headers, &body) {
                prop_assert!("0123456789*#ABCD".contains(digit));
                prop_assert!((40..=8191).contains(&duration.as_millis()));
            }
        }
    }
}

#[test]
fn an_info_that_nobody_understands_is_refused_with_what_is_understood() {
    let mut peer = Peer::up(UaConfig::default(), "");
    peer.ask("INFO", "Content-Type: application/xml\n", "<x/>");
    let refusal = peer.script.expect("SIP/2.0 415 ");
    let types =
        "application/dtmf-relay, application/dtmf, application/hook-flash, application/broadsoft";
    assert_eq!(header(&refusal, "Accept"), types);
    peer.ask("INFO", "Info-Package: foo\nContent-Type: application/foo\n", "x");
    assert_eq!(header(&peer.script.expect("SIP/2.0 469 "), "Recv-Info"), "");
    assert!(!peer.script.heard("Info "));
    // Without a body it only asks whether we are still there.
    peer.ask("INFO", "", "");
    peer.script.expect("SIP/2.0 200 ");
}

#[test]
fn packages_that_the_application_takes_are_named_and_surfaced() {
    let info_packages = vec!["foo".to_owned(), "bar".to_owned()];
    let mut peer = Peer::up(UaConfig { info_packages, ..UaConfig::default() }, "");
    assert_eq!(header(&peer.invite, "Recv-Info"), "foo, bar");
    peer.ask("INFO", "Info-Package: FOO;x=1\nContent-Type: application/foo\n", "x");
    peer.script.expect("SIP/2.0 200 ");
    let told = |o: &Output| matches!(o, Output::Info { signal: None, body, .. } if body == b"x");
    assert!(peer.script.said.iter().any(told));
    peer.ask("INFO", "Info-Package: baz\n", "");
    assert_eq!(header(&peer.script.expect("SIP/2.0 469 "), "Recv-Info"), "foo, bar");
    let id = peer.id;
    let body = b"y".to_vec();
    peer.script
        .act(|ua, now| ua.info_package(now, id, "bar", "application/bar", body))
        .expect("is up");
    let info = peer.script.expect("INFO ");
    assert_eq!(header(&info, "Info-Package"), "bar");
    assert_eq!(header(&info, "Content-Disposition"), "info-package");
}

#[test]
fn an_info_that_tells_of_no_dialog_ends_the_call_and_other_refusals_do_not() {
    for (answer, goes_on) in [
        ("415 Unsupported Media Type", true),
        ("500 Server Internal Error", true),
        ("481 Call/Transaction Does Not Exist", false),
        ("408 Request Timeout", false),
        ("", false),
    ] {
        let mut peer = Peer::up(UaConfig::default(), "");
        let id = peer.id;
        let (kind, body) = Signal::Flash.to_info();
        peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
        let info = peer.script.expect("INFO ");
        match answer {
            "" => peer.script.wait(33_000),
            answer => peer.reply(&info, answer, "", ""),
        }
        assert!(peer.script.heard("InfoAnswered"));
        let bye = peer.script.sent.iter().any(|(_, text)| text.starts_with("BYE"));
        assert_eq!(bye, !goes_on, "{answer}");
    }
}

/// One INFO in flight, a flash and a key that wait × what comes → what is sent next, and what is told.
#[test]
fn infos_go_one_after_the_other_as_a_table() {
    let mut table = String::new();
    for answer in [
        "100 Trying",
        "200 OK",
        "500 Server Internal Error",
        "405 Method Not Allowed",
        "415 Unsupported Media Type",
        "407 Proxy Authentication Required",
        "481 Call/Transaction Does Not Exist",
        "nothing",
    ] {
        let mut peer = Peer::up(UaConfig::default(), "");
        let key = |digit| Signal::Digit { digit, duration: Duration::from_millis(100) };
        for signal in [key('1'), Signal::Flash, key('2')] {
            inform(&mut peer, signal).expect("is up");
        }
        let info = peer.script.expect("INFO ");
        peer.script.expect_nothing();
        match answer {
            "nothing" => {
                peer.script.wait(31_900);
                peer.script.skip();
                peer.script.wait(100);
            }
            answer => peer.reply(&info, answer, "", ""),
        }
        let sent = peer.script.sent.iter().map(|(_, text)| {
            let what = text.split("\r\n\r\n").nth(1).unwrap_or_default().split("\r\n").next();
            format!("{} {}", text.split(' ').next().unwrap_or(""), what.unwrap_or(""))
        });
        let sent: Vec<_> = sent.collect();
        writeln!(table, "{answer} | {} | {}", sent.join(", "), told(&peer)).expect("a String");
    }
    insta::assert_snapshot!(table, @r"
    100 Trying |  | 
    200 OK | INFO signal=hf | 200 1
    500 Server Internal Error | INFO signal=hf | 500 1
    405 Method Not Allowed |  | 405 1, 405 flash, 405 2
    415 Unsupported Media Type | INFO signal=hf | 415 1, 415 2
    407 Proxy Authentication Required | INFO signal=hf | 407 1
    481 Call/Transaction Does Not Exist | BYE  | 481 1
    nothing | BYE  | 408 1
    ");
}

fn inform(peer: &mut Peer, signal: Signal) -> Result<(), SessionError> {
    let (id, (kind, body)) = (peer.id, signal.to_info());
    peer.script.act(|ua, now| ua.info(now, id, kind, body))
}

fn told(peer: &Peer) -> String {
    let told = peer.script.said.iter().filter_map(|output| match output {
        Output::InfoAnswered { status, signal, .. } => Some(match signal {
            Some(Signal::Digit { digit, .. }) => format!("{status} {digit}"),
            Some(Signal::Flash) => format!("{status} flash"),
            None => format!("{status}"),
        }),
        _ => None,
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn keys_arrive_in_their_order_though_the_first_is_lost_on_its_way() {
    let mut peer = Peer::up(UaConfig::default(), "");
    for digit in "123".chars() {
        let duration = Duration::from_millis(100);
        inform(&mut peer, Signal::Digit { digit, duration }).expect("is up");
    }
    peer.script.expect("INFO ");
    let mut heard = String::new();
    for _ in 0..3 {
        let info = peer.script.wait_for("INFO ", 600);
        heard.extend(info.split("Signal=").nth(1).and_then(|rest| rest.chars().next()));
        peer.reply(&info, "200 OK", "", "");
    }
    assert_eq!(heard, "123");
    assert_eq!(told(&peer), "200 1, 200 2, 200 3");
}

#[test]
fn there_is_a_bound_to_infos_that_wait() {
    let mut peer = Peer::up(UaConfig::default(), "");
    let taken = (0..100).take_while(|_| inform(&mut peer, Signal::Flash).is_ok()).count();
    assert_eq!(taken, 33);
    for _ in 0..taken {
        let info = peer.script.expect("INFO ");
        peer.reply(&info, "200 OK", "", "");
    }
    peer.script.expect_nothing();
    inform(&mut peer, Signal::Flash).expect("there is room again");
}

#[test]
fn a_proxy_may_challenge_our_info() {
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["example.net".to_owned()],
    };
    let mut peer = Peer::called(UaConfig::default(), |invite| invite.credentials = Some(account));
    let ask = "Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"a\", qop=\"auth\"\n";
    let first = peer.invite.clone();
    peer.reply(&first, "407 Proxy Authentication Required", ask, "");
    peer.script.expect("ACK ");
    peer.invite = peer.script.expect("INVITE ");
    peer.answer("200 OK", "Record-Route: <sip:198.51.100.9;lr>\n", "v=0 answer");
    peer.script.expect("ACK ");
    let id = peer.id;
    let (kind, body) = Signal::Flash.to_info();
    peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
    let info = peer.script.expect("INFO ");
    let ask = "Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"abc\", qop=\"auth\"\n";
    peer.reply(&info, "407 Proxy Authentication Required", ask, "");
    let again = peer.script.expect("INFO ");
    assert!(header(&again, "Proxy-Authorization").contains("nonce=\"abc\""));
    assert_ne!(header(&again, "CSeq"), header(&info, "CSeq"));
    assert!(!peer.script.heard("InfoAnswered"));
    peer.reply(&again, "200 OK", "", "");
    assert!(peer.script.heard("InfoAnswered"));
}

#[test]
fn options_in_a_call_tells_what_we_can() {
    let config = UaConfig {
        allow: vec![Method::Options, Method::Subscribe],
        packages: vec![Package::new("dialog")],
        supported: vec!["path".to_owned()],
        ..UaConfig::default()
    };
    let mut peer = Peer::up(config, "");
    peer.ask("OPTIONS", "", "");
    let ok = peer.script.expect("SIP/2.0 200 ");
    let allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, PRACK, REFER, SUBSCRIBE";
    assert_eq!(header(&ok, "Allow"), allow);
    let supported = "100rel, timer, replaces, norefersub, tdialog, 199, path";
    assert_eq!(header(&ok, "Supported"), supported);
    let accept = "application/sdp, multipart/mixed, multipart/alternative, multipart/related";
    assert_eq!(header(&ok, "Accept"), accept);
    assert_eq!(header(&ok, "Allow-Events"), "dialog, refer");
    assert_eq!(find(&ok, "Recv-Info"), None);
}
