//! RFC 4475 §3.1.2, §3.3, §3.4 and RFC 5118: messages that are wrong, and what is owed for each.

use super::*;
use crate::message::wire::Unframed;
use crate::message::{HeaderName, Malformed};

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
fn extraneous_separators_are_400() {
    let via = "Via: SIP/2.0/UDP 192.0.2.15;;,;,,";
    assert_eq!(
        answered(&options_with(&[("Via", via)]), 400),
        Fault::Malformed("Via", Malformed::Parameter)
    );
    let contact = "Contact: \"Joe\" <sip:joe@example.org>;;;;";
    assert_eq!(
        answered(&options_with(&[("Contact", contact)]), 400),
        Fault::Malformed("Contact", Malformed::Parameter)
    );
}

#[test]
fn content_length_beyond_the_datagram_is_400() {
    let bytes = options_with(&[("Content-Length", "Content-Length: 9999")]);
    assert_eq!(answered(&bytes, 400), Fault::BodyTruncated);
}

#[test]
fn negative_content_length_is_400() {
    let bytes = options_with(&[("Content-Length", "Content-Length: -999")]);
    assert_eq!(answered(&bytes, 400), Fault::ContentLength);
}

#[test]
fn content_length_of_2_to_the_32_is_not_taken_modulo() {
    let bytes = options_with(&[("Content-Length", "Content-Length: 4294967296")]);
    assert_eq!(answered(&bytes, 400), Fault::BodyTruncated);
    let bytes = options_with(&[("Content-Length", "Content-Length: 99999999999999999999999")]);
    assert_eq!(answered(&bytes, 400), Fault::ContentLength);
}

#[test]
fn request_scalars_out_of_range_are_400_for_cseq_and_defaults_for_the_rest() {
    let bytes = options_with(&[("CSeq", "CSeq: 36893488147419103232 OPTIONS")]);
    assert_eq!(answered(&bytes, 400), Fault::Malformed("CSeq", Malformed::Number));
    let bytes = options_with(&[("CSeq", "CSeq: 2147483648 OPTIONS")]);
    assert_eq!(answered(&bytes, 400), Fault::Malformed("CSeq", Malformed::Number));
    let bytes = options_with(&[
        ("Max-Forwards", "Max-Forwards: 300"),
        ("Expires", "Expires: 1000000000000000000000000000000000"),
        ("Contact", "Contact: <sip:user@host129.example.com>;expires=280297596632815"),
    ]);
    let headers = accept(&bytes).headers().clone();
    assert_eq!(headers.max_forwards(), Some(255));
    assert_eq!(headers.expires(), Some(3600));
    assert_eq!(headers.contact().expect("Contact").expires(), Some(3600));
}

#[test]
fn response_scalars_out_of_range_are_dropped() {
    let bytes = wire(
        "SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@example.com>
From: <sip:other@example.net>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r
Retry-After: 949302838503028349304023988
Warning: 1812 overture \"In Progress\"
Content-Length: 0

",
    );
    assert_eq!(dropped(&bytes), Fault::Malformed("CSeq", Malformed::Number));
}

#[test]
fn an_unterminated_display_name_is_400() {
    let bytes = options_with(&[("To", "To: \"Mr. J. User <sip:j.user@example.com>")]);
    assert_eq!(answered(&bytes, 400), Fault::Malformed("To", Malformed::QuotedString));
}

#[test]
fn angle_brackets_around_the_request_uri_are_400() {
    let bytes = options_with(&[("OPTIONS", "OPTIONS <sip:user@example.com> SIP/2.0")]);
    assert_eq!(answered(&bytes, 400), Fault::RequestUri);
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
fn headers_in_the_request_uri_are_400() {
    let line = "OPTIONS sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0";
    assert_eq!(answered(&options_with(&[("OPTIONS", line)]), 400), Fault::RequestUri);
}

#[test]
fn a_date_of_another_time_zone_does_no_harm() {
    accept(&options_with(&[("Date", "Date: Fri, 01 Jan 2010 16:00:00 EST")]));
}

#[test]
fn a_question_mark_outside_angle_brackets_is_400() {
    let contact = "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E";
    let bytes = options_with(&[("Contact", contact)]);
    assert_eq!(answered(&bytes, 400), Fault::Malformed("Contact", Malformed::Uri));
}

#[test]
fn spaces_just_inside_angle_brackets_are_forgiven_but_not_inside_the_uri() {
    let good = "To: \"Watson, Thomas\" < sip:t.watson@example.org >";
    let message = accept(&options_with(&[("To", good)]));
    let to = message.headers().to().expect("To");
    assert_eq!(to.to_string(), "\"Watson, Thomas\" <sip:t.watson@example.org>");
    let bad = "To: \"Watson, Thomas\" <sip:t.watson @example.org>";
    assert_eq!(
        answered(&options_with(&[("To", bad)]), 400),
        Fault::Malformed("To", Malformed::Uri)
    );
}

#[test]
fn a_comma_in_an_unquoted_display_name_is_400() {
    let from = "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=433423";
    assert_eq!(
        answered(&options_with(&[("From", from)]), 400),
        Fault::Malformed("From", Malformed::DisplayName)
    );
}

#[test]
fn another_version_is_505() {
    let bytes = options_with(&[("OPTIONS", "OPTIONS sip:t.watson@example.org SIP/7.0")]);
    assert_eq!(answered(&bytes, 505), Fault::Version);
}

#[test]
fn a_cseq_of_another_method_is_400() {
    let bytes = options_with(&[("CSeq", "CSeq: 8 INVITE")]);
    assert_eq!(answered(&bytes, 400), Fault::CSeqMethod);
    let bytes = options_with(&[("OPTIONS", "NEWMETHOD sip:user@example.com SIP/2.0")]);
    assert_eq!(answered(&bytes, 400), Fault::CSeqMethod);
}

#[test]
fn a_status_of_ten_digits_is_dropped() {
    let bytes = wire(
        "SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

",
    );
    assert_eq!(dropped(&bytes), Fault::StatusCode);
}

#[test]
fn each_missing_field_is_named() {
    for name in ["From", "To", "CSeq"] {
        let fault = answered(&options_with(&[(name, "")]), 400);
        assert_eq!(fault.to_string(), format!("Missing {name}"));
    }
    // Without these two nobody could tell which request the answer is for.
    for name in ["Via", "Call-ID"] {
        let fault = dropped(&options_with(&[(name, "")]));
        assert_eq!(fault.to_string(), format!("Missing {name}"));
    }
}

#[test]
fn unknown_schemes_in_the_request_uri_are_416() {
    for uri in ["nobodyKnowsThisScheme:totallyopaquecontent", "soap.beep://192.0.2.103:3002"] {
        let line = format!("OPTIONS {uri} SIP/2.0");
        assert_eq!(answered(&options_with(&[("OPTIONS", &line)]), 416), Fault::Scheme);
    }
    accept(&options_with(&[("OPTIONS", "OPTIONS tel:+12015550123 SIP/2.0")]));
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
fn max_forwards_of_zero_is_a_matter_for_the_proxy() {
    let message = accept(&options_with(&[("Max-Forwards", "Max-Forwards: 0")]));
    assert_eq!(message.headers().max_forwards(), Some(0));
}

#[test]
fn limits_are_answered() {
    let many = (0..130).map(|at| format!("X-{at}: y\n")).collect::<String>();
    let bytes = wire(&format!("{}{many}\n", String::from_utf8_lossy(&options_head())));
    assert_eq!(answered(&bytes, 513), Fault::TooManyHeaders);
    let long = format!("Subject: {}", "x".repeat(8300));
    assert_eq!(answered(&options_with(&[("Subject", &long)]), 513), Fault::LineTooLong);
    assert_eq!(View::parse(&[b'x'; 65_536]).expect_err("too large"), Unframed::TooLarge);
}

fn options_head() -> Vec<u8> {
    let text = String::from_utf8(options_with(&[])).expect("text").replace("\r\n", "\n");
    text.trim_end_matches('\n').to_owned().into_bytes().into_iter().chain(*b"\n").collect()
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

// RFC 5118

#[test]
fn ipv6_addresses_are_taken_in_brackets_and_without_where_the_rfc_forgives() {
    let bytes = options_with(&[
        ("OPTIONS", "OPTIONS sip:[2001:db8::10] SIP/2.0"),
        (
            "Via",
            "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3",
        ),
        ("Contact", "Contact: \"Caller\" <sip:caller@[2001:db8::1]>"),
    ]);
    let message = accept(&bytes);
    let via = message.headers().top_via().expect("Via");
    assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
    assert_eq!(via.to_string().matches('[').count(), 2);
    let bytes = options_with(&[(
        "Via",
        "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3",
    )]);
    let via = accept(&bytes).headers().top_via().expect("Via");
    assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
}

#[test]
fn an_ipv6_request_uri_without_brackets_is_400() {
    let bytes = options_with(&[("OPTIONS", "OPTIONS sip:2001:db8::10 SIP/2.0")]);
    assert_eq!(answered(&bytes, 400), Fault::RequestUri);
}

#[test]
fn an_ambiguous_port_belongs_where_the_brackets_put_it() {
    let uri = |text: &str| text.parse::<crate::message::Uri>().expect(text);
    assert_eq!(uri("sip:[2001:db8::10:5070]").port(), None);
    assert_eq!(uri("sip:[2001:db8::10]:5070").port(), Some(5070));
    assert_eq!(uri("sip:user@[::ffff:192.0.2.2]").to_string(), "sip:user@[::ffff:192.0.2.2]");
    let via = "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK";
    assert_eq!(via.parse::<crate::message::Via>().expect("Via").port, Some(6050));
    assert!("SIP/2.0/UDP [::g];branch=z9hG4bK".parse::<crate::message::Via>().is_err());
    assert_eq!(HeaderName::parse("v"), Some(HeaderName::Via));
}
