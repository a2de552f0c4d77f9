//! Messages that are wrong, and what is owed for each; beside those of RFC 4475.

use super::*;
use crate::message::wire::Unframed;
use crate::message::{HeaderName, MAX_HEADERS, MAX_LINE, MAX_MESSAGE};

/// A good OPTIONS with some lines in place of its own: `(start of the line, new line)`.
fn options_with(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut lines = vec![
        "OPTIONS sip:user@example.com SIP/2.0".to_owned(),
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw".to_owned(),
        "To: sip:j.user@example.com".to_owned(),
        "From: sip:caller@example.net;tag=93334".to_owned(),
        "Max-Forwards: 70".to_owned(),
        "Call-ID: torture.0ha0isndaksdj".to_owned(),
        "CSeq: 8 OPTIONS".to_owned(),
        "Content-Length: 0".to_owned(),
    ];
    for (start, new) in changes {
        match lines.iter_mut().find(|line| line.starts_with(start)) {
            Some(line) => *line = (*new).to_owned(),
            None => lines.push((*new).to_owned()),
        }
    }
    lines.retain(|line| !line.is_empty());
    wire(&(lines.join("\n") + "\n\n"))
}

#[test]
fn the_unchanged_message_is_taken() {
    accept(&options_with(&[]));
}

#[test]
fn content_length_of_2_to_the_32_is_not_taken_modulo() {
    let bytes = options_with(&[("Content-Length", "Content-Length: 4294967296")]);
    assert_eq!(answered(&bytes, 400), Fault::BodyTruncated);
    let bytes = options_with(&[("Content-Length", "Content-Length: 99999999999999999999999")]);
    assert_eq!(answered(&bytes, 400), Fault::ContentLength);
}

#[test]
fn white_space_in_the_request_line_is_400() {
    for line in [
        "OPTIONS sip:user@example.com; lr SIP/2.0",
        "OPTIONS  sip:user@example.com SIP/2.0",
        "OPTIONS sip:user@example.com  SIP/2.0",
        "OPTIONS sip:user@example.com SIP/2.0  ",
        "OPTIONS\tsip:user@example.com SIP/2.0\t ",
    ] {
        let bytes = options_with(&[("OPTIONS", line)]);
        assert_eq!(answered(&bytes, 400), Fault::RequestUri, "{line:?}");
    }
}

#[test]
fn a_cseq_of_another_method_is_400() {
    let bytes = options_with(&[("CSeq", "CSeq: 8 INVITE")]);
    assert_eq!(answered(&bytes, 400), Fault::CSeqMethod);
    let bytes = options_with(&[("OPTIONS", "NEWMETHOD sip:user@example.com SIP/2.0")]);
    assert_eq!(answered(&bytes, 501), Fault::UnknownMethod);
}

#[test]
fn each_missing_field_is_named() {
    for name in ["From", "To", "CSeq", "Call-ID"] {
        let fault = answered(&options_with(&[(name, "")]), 400);
        assert_eq!(fault.to_string(), format!("Missing {name}"));
    }
    // An answer goes the way that Via tells.
    let fault = dropped(&options_with(&[("Via", "")]));
    assert_eq!(fault.to_string(), "Missing Via");
}

#[test]
fn a_single_field_twice_is_400() {
    for (name, line) in [
        ("CSeq", "CSeq: 59 OPTIONS"),
        ("Call-ID", "i: multi01.98asdh@192.0.2.2"),
        ("From", "f: sip:caller2@example.net;tag=1"),
        ("To", "t: sip:second@example.com"),
        ("Max-Forwards", "max-forwards: 5"),
    ] {
        let bytes = options_with(&[("X-never", line)]);
        assert_eq!(answered(&bytes, 400), Fault::Duplicate(name));
    }
}

#[test]
fn two_different_content_lengths_are_400_and_two_equal_ones_are_forgiven() {
    let bytes = options_with(&[("X-never", "l: 4")]);
    assert_eq!(answered(&bytes, 400), Fault::ContentLength);
    accept(&options_with(&[("X-never", "l: 0")]));
}

#[test]
fn the_answer_to_a_bad_request_is_tagged_the_same_each_time() {
    let bytes = options_with(&[("OPTIONS", "OPTIONS sip:user@example.com SIP/7.0")]);
    let answer = || {
        let rejected = View::parse(&bytes).expect("framed").to_message().expect_err("not taken");
        rejected.response.expect("an answer is owed")
    };
    let tag = answer().headers.to().expect("To").tag().map(str::to_owned);
    assert!(tag.is_some_and(|tag| tag.len() == 16));
    assert_eq!(answer(), answer());
}

#[test]
fn a_fault_in_an_ack_is_never_answered() {
    let bytes =
        options_with(&[("OPTIONS", "ACK sip:user@example.com SIP/7.0"), ("CSeq", "CSeq: 8 ACK")]);
    assert_eq!(dropped(&bytes), Fault::Version);
}

#[test]
fn what_is_not_sip_is_dropped_without_an_answer() {
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".as_slice(),
        b"hello",
        b"\x00\x01\x00\x08\x21\x12\xa4\x42",
        b"\r\n",
        b"OPTIONS sip:a@b SIP/2.0",
        b"",
    ] {
        assert!(View::parse(bytes).is_err());
    }
    assert_eq!(View::parse(b"\r\n\r\n").expect_err("ping"), Unframed::KeepAlive);
}

#[test]
fn a_header_that_breaks_off_is_400() {
    let mut bytes = options_with(&[]);
    bytes.truncate(bytes.len() - 2);
    assert_eq!(answered(&bytes, 400), Fault::NoEmptyLine);
}

#[test]
fn a_request_line_without_a_version_is_400_when_its_method_is_known() {
    for line in [
        "OPTIONS sip:user@example.com",
        "OPTIONS sip:user@example.com HTTP/1.1",
        "OPTIONS sip:user@example.com SIP/2.0 again",
        "OPTIONS ",
    ] {
        let bytes = options_with(&[("OPTIONS", line)]);
        assert_eq!(answered(&bytes, 400), Fault::RequestLine, "{line}");
    }
    let bytes = options_with(&[("OPTIONS", "OPTIONS SIP/2.0")]);
    assert_eq!(answered(&bytes, 400), Fault::RequestLine, "no URI");
    for line in ["HELLO sip:user@example.com", "OPTIONS", "GET / HTTP/1.1"] {
        assert!(View::parse(&options_with(&[("OPTIONS", line)])).is_err(), "{line}");
    }
}

#[test]
fn lines_that_end_with_lf_alone_are_400_and_not_silence() {
    let mut bytes = options_with(&[]);
    bytes.retain(|octet| *octet != b'\r');
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter);
    // Only the first.
    let mut bytes = options_with(&[]);
    let at = bytes.iter().position(|octet| *octet == b'\r').expect("a line end");
    bytes.remove(at);
    assert_eq!(answered(&bytes, 400), Fault::ControlCharacter);
}

#[test]
fn a_malformed_via_is_repeated_as_it_came() {
    for via in
        ["SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/3.0/UDP h", "", ",", "SIP/2.0/UDP h:99999", "x"]
    {
        let bytes = options_with(&[("Via", &format!("Via: {via}"))]);
        let rejected = View::parse(&bytes).expect("framed").to_message().expect_err("not taken");
        let response = rejected.response.expect("an answer is owed");
        assert_eq!(response.headers.first(&HeaderName::Via), Some(via), "{}", rejected.fault);
        assert_eq!(response.status.code(), 400);
    }
    // A good one below or beside a bad one is still found.
    let vias = "Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b\nVia: SIP/2.0/UDP";
    let bytes = options_with(&[("Via", vias)]);
    let rejected = View::parse(&bytes).expect("framed").to_message().expect_err("not taken");
    let headers = rejected.response.expect("an answer is owed").headers;
    assert_eq!(headers.top_via().expect("Via").branch(), Some("z9hG4bK1"));
    assert_eq!(headers.all(&HeaderName::Via).count(), 3);
}

#[test]
fn a_malformed_cseq_is_400() {
    for cseq in [
        "",
        "OPTIONS",
        "8",
        "8OPTIONS",
        "-8 OPTIONS",
        "8 OPT IONS",
        "2147483648 OPTIONS",
        "0x8 OPTIONS",
    ] {
        let bytes = options_with(&[("CSeq", &format!("CSeq: {cseq}"))]);
        assert!(matches!(answered(&bytes, 400), Fault::Malformed("CSeq", _)), "{cseq}");
    }
}

#[test]
fn a_malformed_content_length_is_400() {
    for length in ["", "-1", "five", "0x5", "1 1", "1,1", "+1", "1.0"] {
        let bytes = options_with(&[("Content-Length", &format!("Content-Length: {length}"))]);
        assert_eq!(answered(&bytes, 400), Fault::ContentLength, "{length}");
    }
}

#[test]
fn a_message_is_as_large_as_the_limit_and_no_larger() {
    let fill = |len: usize| {
        let mut bytes = options_with(&[("Content-Length", "")]);
        bytes.resize(len, b'x');
        bytes
    };
    accept(&fill(MAX_MESSAGE));
    assert_eq!(answered(&fill(MAX_MESSAGE + 1), 513), Fault::TooLarge);
    assert_eq!(answered(&fill(10 * MAX_MESSAGE), 513), Fault::TooLarge);
}

#[test]
fn a_message_has_as_many_fields_as_the_limit_and_no_more() {
    let with = |count: usize| {
        let many: Vec<_> = (0..count - 7).map(|at| format!("X-{at}: y")).collect();
        options_with(&[("X-never", &many.join("\n"))])
    };
    assert_eq!(accept(&with(MAX_HEADERS)).headers().len(), MAX_HEADERS - 1, "without its length");
    assert_eq!(answered(&with(MAX_HEADERS + 1), 513), Fault::TooManyHeaders);
}

#[test]
fn the_values_of_an_address_list_count_as_fields() {
    let contacts = |count: usize| format!("Contact: {}", vec!["<sip:a@h>"; count].join(","));
    let message = accept(&options_with(&[("Contact", &contacts(MAX_HEADERS - 7))]));
    assert_eq!(accept(&message.to_bytes()), message);
    let bytes = options_with(&[("Contact", &contacts(MAX_HEADERS - 6))]);
    let rejected = View::parse(&bytes).expect("framed").to_message().expect_err("not taken");
    assert_eq!(rejected.fault, Fault::TooManyHeaders);
}

#[test]
fn a_line_is_as_long_as_the_limit_and_no_longer() {
    let subject = |len: usize| format!("Subject: {}", "x".repeat(len - 9));
    accept(&options_with(&[("Subject", &subject(MAX_LINE))]));
    let bytes = options_with(&[("Subject", &subject(MAX_LINE + 1))]);
    assert_eq!(answered(&bytes, 513), Fault::LineTooLong);
    let folded = format!("{}\n {}", subject(MAX_LINE / 2), "x".repeat(MAX_LINE / 2));
    assert_eq!(answered(&options_with(&[("Subject", &folded)]), 513), Fault::LineTooLong);
    let line = |len: usize| format!("OPTIONS sip:{}@h SIP/2.0", "u".repeat(len - 22));
    accept(&options_with(&[("OPTIONS", &line(MAX_LINE))]));
    let bytes = options_with(&[("OPTIONS", &line(MAX_LINE + 1))]);
    assert_eq!(answered(&bytes, 414), Fault::RequestUriTooLong);
}
