//! The typed fields that every message needs, one by one.

use std::net::SocketAddr;

use crate::message::*;

fn uri(text: &str) -> Uri {
    text.parse().expect(text)
}

#[test]
fn via_notes_where_a_request_came_from() {
    let source: SocketAddr = "198.51.100.7:40000".parse().expect("address");
    let mut asked: Via = "SIP/2.0/UDP 192.168.1.2;rport;branch=z9hG4bK1".parse().expect("Via");
    asked.set_received_from(source);
    assert_eq!(
        asked.to_string(),
        "SIP/2.0/UDP 192.168.1.2;rport=40000;branch=z9hG4bK1;received=198.51.100.7"
    );
    assert_eq!(asked.response_address(), Some(source));
    let mut silent: Via = "SIP/2.0/UDP 192.168.1.2:5080;branch=z9hG4bK1".parse().expect("Via");
    silent.set_received_from(source);
    assert_eq!(silent.response_address(), "198.51.100.7:5080".parse().ok());
    let mut honest: Via = "SIP/2.0/UDP 198.51.100.7;received=1.2.3.4".parse().expect("Via");
    honest.set_received_from(source);
    assert_eq!(honest.received(), None, "a received that we did not write is not believed");
    let via = Via::new(Transport::Udp, source, "z9hG4bKx");
    assert_eq!(via.to_string(), "SIP/2.0/UDP 198.51.100.7:40000;rport;branch=z9hG4bKx");
    assert!(via.has_rfc3261_branch());
}

#[test]
fn the_source_is_noted_in_a_via_as_it_was_written() {
    let noted = |value: &str, source: &str| {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, value);
        headers.push(HeaderName::Via, "SIP/2.0/UDP below;rport");
        headers.note_received_from(source.parse().expect("address"));
        let vias: Vec<_> = headers.all(&HeaderName::Via).map(str::to_owned).collect();
        assert_eq!(vias.get(1).map(String::as_str), Some("SIP/2.0/UDP below;rport"));
        vias.into_iter().next().expect("there is one")
    };
    let source = "198.51.100.7:40000";
    for (written, expected) in [
        (
            "SIP / 2.0 / UDP 10.0.0.1 : 5062;Branch=z9hG4bK1 ; X=\"a;rport\"",
            "SIP / 2.0 / UDP 10.0.0.1 : 5062;Branch=z9hG4bK1 ; X=\"a;rport\";received=198.51.100.7",
        ),
        (
            "SIP/2.0/UDP host;RPORT;received=1.2.3.4;branch=z9hG4bK1",
            "SIP/2.0/UDP host;rport=40000;branch=z9hG4bK1;received=198.51.100.7",
        ),
        ("SIP/2.0/UDP h;rport=9", "SIP/2.0/UDP h;rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1"),
        ("SIP/2.0/UDP 198.51.100.7;received=1.2.3.4;a", "SIP/2.0/UDP 198.51.100.7;a"),
    ] {
        assert_eq!(noted(written, source), expected);
        let mut via: Via = written.parse().expect(written);
        via.set_received_from(source.parse().expect("address"));
        let again: Via = noted(written, source).parse().expect("a Via");
        assert_eq!((again.received(), again.rport()), (via.received(), via.rport()), "{written}");
    }
    let noted = noted("SIP/2.0/TCP [2001:db8::9]:5060;rport;branch=z9hG4bK1", "[2001:db8::1]:6000");
    assert!(noted.ends_with(";received=2001:db8::1"), "{noted}");
}

#[test]
fn addresses_print_as_the_standard_library_prints_them() {
    let mut octets = [0u8, 9, 10, 99];
    for octet in 0..=u8::MAX {
        octets.rotate_left(1);
        octets[3] = octet;
        let address = std::net::Ipv4Addr::from(octets);
        assert_eq!(Host::V4(address).to_string(), address.to_string());
    }
}

#[test]
fn a_tag_is_added_to_a_to_that_has_none() {
    let tagged = |value: &str, tag: &str| {
        let mut headers = Headers::new();
        headers.push(HeaderName::To, value);
        headers.tag_to(tag);
        headers.first(&HeaderName::To).expect("To").to_owned()
    };
    assert_eq!(tagged("\"B\" <sip:b@h;x>;y=1", "t"), "\"B\" <sip:b@h;x>;y=1;tag=t");
    assert_eq!(tagged("sip:b@h", "t"), "sip:b@h;tag=t");
    assert_eq!(tagged("<sip:b@h>;tag=old", "t"), "<sip:b@h>;tag=old");
    assert_eq!(tagged("<sip:b@h>", "t\r\nEvil: 1"), "<sip:b@h>", "no token");
}

#[test]
fn a_tag_without_a_value_is_given_one_and_not_a_second_tag() {
    for (value, tagged) in [
        ("\"B\" <sip:b@h>;tag", "\"B\" <sip:b@h>;tag=t"),
        ("<sip:b@h;tag>;x=1;TAG ;y", "<sip:b@h;tag>;x=1;TAG=t;y"),
        ("sip:b@h;tag", "<sip:b@h>;tag=t"),
    ] {
        let mut headers = Headers::new();
        headers.push(HeaderName::To, value);
        assert_eq!(headers.to_tag(), None);
        headers.tag_to("t");
        assert_eq!(headers.to_tag().as_deref(), Some("t"));
        assert_eq!(headers.first(&HeaderName::To), Some(tagged));
    }
}

#[test]
fn a_glance_tells_which_message_it_is() {
    use crate::message::wire::{Glance, Start, View};
    let text = b"\r\nSIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP h\r\nno field\r\ni: 1@h \r\nCSeq:  7\r\n INVITE\r\ni: 2\r\n";
    let glance = Glance::parse(text).expect("it is a message");
    assert_eq!((glance.call_id, glance.method), (&b"1@h"[..], &b"INVITE"[..]));
    assert!(matches!(glance.start, Start::Response { status: b"180", .. }));
    assert_eq!(View::parse(text).map(|view| view.start()), Ok(glance.start));
    for end in [0, 2, 30, 60] {
        assert_eq!(Glance::parse(text.get(..end).expect("shorter")), None, "{end}");
    }
    let after_the_header = b"BYE sip:a@h SIP/2.0\r\nCSeq: 1 BYE\r\n\r\nCall-ID: 1\r\n";
    assert_eq!(Glance::parse(after_the_header), None);
}

#[test]
fn small_fields_print_as_they_parse() {
    for text in ["Q.850;cause=16;text=\"Terminated\"", "SIP;cause=200", "preemption"] {
        assert_eq!(Reason::parse(text.as_bytes()).expect(text).to_string(), text);
    }
    assert_eq!(Reason::q850(27, "").to_string(), "Q.850;cause=27");
    let retry = RetryAfter::parse(b"120 (I'm in a meeting);duration=3600").expect("Retry-After");
    assert_eq!(
        retry,
        RetryAfter {
            seconds: 120,
            comment: Some("I'm in a meeting".to_owned()),
            duration_seconds: Some(3600)
        }
    );
    assert_eq!(retry.to_string(), "120 (I'm in a meeting);duration=3600");
    let privacy = Privacy::parse("id; Critical");
    assert!(privacy.hides_identity());
    assert_eq!(privacy.to_string(), "id;critical");
    assert!(!Privacy::parse("none").hides_identity());
    assert_eq!(Privacy::default().to_string(), "none");
    let cseq = CSeq::parse(b"0 BYE").expect("CSeq");
    assert_eq!(cseq.to_string(), "0 BYE");
    for text in ["", "1", "1BYE", "x BYE", "-1 BYE", "1 B YE"] {
        assert!(CSeq::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn q_values_count_in_thousandths() {
    let q =
        |text: &str| format!("<sip:a@h>;q={text}").parse::<NameAddr>().map(|c| c.q_thousandths());
    for (text, value) in
        [("1", 1000), ("0", 0), ("0.7", 700), (".5", 500), ("1.000", 1000), ("0.123", 123)]
    {
        assert_eq!(q(text), Ok(value), "{text}");
    }
    for text in ["2", "1.5", "0.1234", "x", "0.x", "-1"] {
        assert_eq!(q(text), Ok(1000), "{text} is malformed, so the default");
    }
}

#[test]
fn headers_keep_their_order_through_edits() {
    let mut headers = Headers::new();
    headers.push(HeaderName::Via, "b");
    headers.push(HeaderName::From, "f");
    headers.push(HeaderName::Via, "c");
    headers.push_front(HeaderName::Via, "a");
    headers.set(HeaderName::From, "g");
    headers.push_front(HeaderName::Route, "r");
    let lines: Vec<_> = headers.iter().map(|h| format!("{}={}", h.name(), h.value())).collect();
    assert_eq!(lines, ["Route=r", "Via=a", "Via=b", "From=g", "Via=c"]);
    assert_eq!(headers.take_first(&HeaderName::Via).as_deref(), Some("a"));
    assert_eq!(headers.remove(&HeaderName::Via), 2);
    assert_eq!(headers.to(), Err(HeaderError::Missing(HeaderName::To)));
    headers.push(HeaderName::From, "h");
    assert_eq!(headers.from(), Err(HeaderError::Duplicate(HeaderName::From)));
}

#[test]
fn a_response_repeats_what_it_must_and_tags_to_once() {
    let mut request = Request::new(Method::Invite, uri("sip:b@h"));
    for (name, value) in [
        (HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
        (HeaderName::Via, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2"),
        (HeaderName::From, "<sip:a@h>;tag=1"),
        (HeaderName::To, "<sip:b@h>"),
        (HeaderName::CallId, "x"),
        (HeaderName::CSeq, "1 INVITE"),
        (HeaderName::Timestamp, "54"),
    ] {
        request.headers.push(name, value);
    }
    let ringing = Response::new(&request, Status::RINGING, Some("t"));
    assert_eq!(ringing.headers.vias().expect("Vias").len(), 2);
    assert_eq!(ringing.headers.to().expect("To").tag(), Some("t"));
    assert!(!ringing.headers.contains(&HeaderName::Timestamp));
    let trying = Response::new(&request, Status::TRYING, None);
    assert_eq!(trying.headers.to().expect("To").tag(), None);
    assert!(trying.headers.contains(&HeaderName::Timestamp));
    request.headers.set(HeaderName::To, "<sip:b@h>;tag=old");
    let again = Response::new(&request, Status::OK, Some("t"));
    assert_eq!(again.headers.to().expect("To").tag(), Some("old"));
}
