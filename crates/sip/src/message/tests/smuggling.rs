//! Input made to mean one thing to us and another to a neighbour; and output that nobody can break
//! out of.

use super::*;
use crate::message::{HeaderName, Malformed, Method, Params, Status, Uri};

const GOOD: &str = "INVITE sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw
From: <sip:caller@example.net>;tag=93334
To: <sip:user@example.com>
Call-ID: 1@192.0.2.1
CSeq: 8 INVITE
Subject: hello
Content-Length: 0

";

fn with(from: &str, to: &[u8]) -> Vec<u8> {
    let bytes = wire(GOOD);
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).expect("there");
    [bytes.get(..at).expect("before"), to, bytes.get(at + from.len()..).expect("after")].concat()
}

#[test]
fn control_characters_are_not_white_space() {
    for octet in (0..0x20).chain([0x7F]).filter(|octet| *octet != b'\t') {
        let bytes = with("Subject: ", &[b"Subject: x", [octet].as_slice(), b"y"].concat());
        assert_eq!(answered(&bytes, 400), Fault::ControlCharacter, "{octet:#x}");
        let bytes = with("Subject:", &[b"Subject", [octet].as_slice(), b":"].concat());
        answered(&bytes, 400);
    }
}

#[test]
fn a_line_feed_alone_does_not_start_a_field() {
    let bytes = with("Subject: hello", b"Subject: hello\nContact: <sip:evil@example.org>");
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter);
    let bytes = with("Subject: hello", b"Subject: hello\rContact: <sip:evil@example.org>");
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter);
    let bytes = with("Subject: hello", b"Subject: \"\\\nContact: <sip:evil@example.org>");
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter, "not even when escaped");
}

#[test]
fn an_escaped_control_character_passes_within_quotes_only() {
    let bytes = with("Subject: hello", b"Subject: \\\x08");
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter);
    let bytes = with("Call-ID: 1", b"Call-ID: \"\\\x08\"");
    assert_eq!(answered(&bytes, 400), Fault::Malformed("Call-ID", Malformed::Token));
    accept(&with("Subject: hello", b"Subject: \"\\\x08\""));
}

#[test]
fn a_line_without_colon_or_with_a_bad_name_is_not_skipped() {
    for line in ["Subject hello", "Sub ject: hello", ": hello", "Sübject: hello", "(x): y"] {
        assert_eq!(answered(&with("Subject: hello", line.as_bytes()), 400), Fault::HeaderLine);
    }
}

#[test]
fn a_repeated_parameter_is_not_taken_by_chance() {
    let bytes = with(";tag=93334", b";tag=93334;TAG=other");
    answered(&bytes, 400);
    let bytes = with(";branch=z9hG4bKkdjuw", b";branch=z9hG4bKkdjuw;branch=z9hG4bKother");
    answered(&bytes, 400);
}

#[test]
fn a_fold_cannot_hide_the_end_of_the_header() {
    // CR LF CR LF SP: the header has ended; the space begins the body.
    let mut bytes = wire(GOOD.trim_end_matches("Content-Length: 0\n\n"));
    bytes.extend_from_slice(b"\r\n Contact: <sip:evil@example.org>\r\n\r\n");
    let message = accept(&bytes);
    assert!(!message.headers().contains(&HeaderName::Contact));
    assert!(message.body().starts_with(b" Contact"));
}

#[test]
fn a_value_of_foreign_white_space_does_not_vanish() {
    let bytes = with("Subject: hello", b"Record-Route: <sip:a>, \xA0, <sip:b>");
    let message = accept(&bytes);
    assert_eq!(message.headers().all(&HeaderName::RecordRoute).count(), 3);
    assert_eq!(accept(&message.to_bytes()), message);
}

#[test]
fn nothing_set_by_hand_prints_a_line_of_its_own() {
    let evil = "x\r\nContact: <sip:evil@example.org>\r\n\r\nv=0";
    let mut request = accept_request(GOOD);
    let mut from = request.headers.from().expect("From").with_display(evil);
    from.params.set("note", Some(evil));
    from.params.set(evil, None);
    request.headers.set(HeaderName::From, &from);
    request.headers.push(HeaderName::Subject, evil);
    request.uri = Uri::sip(evil, std::net::IpAddr::from([192, 0, 2, 9]), None);
    if let Some(uri) = request.uri.as_sip_mut() {
        uri.set_param(evil, Some(evil));
    }
    let mut response = Response::new(&request, Status::OK, Some(evil));
    response.reason = evil.to_owned();
    for bytes in [request.to_bytes(), response.to_bytes()] {
        let message = accept(&bytes);
        assert!(!message.headers().contains(&HeaderName::Contact));
        assert_eq!(message.body(), b"");
        assert!(message.headers().iter().all(|header| !header.value().contains(['\r', '\n'])));
    }
    assert!(Params::new().is_empty());
    assert_eq!(crate::message::Token::new(evil), None);
    assert_eq!(Method::parse(evil.as_bytes()), None);
}
