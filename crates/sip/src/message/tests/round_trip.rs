//! What is printed parses to the same; nothing that arrives makes the parser fall over.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::message::*;

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 ]{1,12}", "[ -~]{1,16}", any::<String>()]
}

fn sip_uri() -> impl Strategy<Value = Uri> {
    let host =
        prop_oneof!["[a-z0-9-]{1,8}\\.[a-z]{2,5}", "192\\.0\\.2\\.[1-9]", "\\[2001:db8::[1-9]\\]"];
    let params = vec(("[a-z]{1,6}", option::of(text())), 0..4);
    (any::<bool>(), text(), host, option::of(any::<u16>()), params).prop_map(
        |(secure, user, host, port, params)| {
            let mut uri = SipUri::new(&user, host.parse().expect("a host"), port);
            uri.secure = secure;
            for (name, value) in params {
                uri.set_param(&name, value.as_deref());
            }
            Uri::Sip(uri)
        },
    )
}

fn tel_uri() -> impl Strategy<Value = TelUri> {
    let number = prop_oneof!["\\+[0-9().-]{0,9}[0-9]", "[0-9A-Fa-f*#().-]{0,9}[0-9*#]"];
    let context = prop_oneof!["\\+[0-9]{1,5}", "[a-z0-9-]{1,8}\\.[a-z]{2,5}"];
    let params = vec(("[a-z-]{1,6}", option::of("[ -~]{1,9}")), 0..4);
    (number, option::of("[0-9-]{0,3}[0-9]"), option::of("[ -~]{1,9}"), option::of(context), params)
        .prop_map(|(number, ext, isub, context, params)| {
            let mut uri = TelUri::new(&number, None).expect("a number");
            let named = [("ext", ext), ("isub", isub), ("phone-context", context)];
            for (name, value) in named.into_iter().filter(|(_, value)| value.is_some()) {
                uri.set_param(name, value.as_deref()).expect(name);
            }
            for (name, value) in params {
                uri.set_param(&format!("x{name}"), value.as_deref()).expect("good");
            }
            uri
        })
}

pub(super) fn any_uri() -> impl Strategy<Value = Uri> {
    prop_oneof![
        4 => sip_uri(),
        1 => tel_uri().prop_map(Uri::Tel),
        1 => "[a-z][a-z0-9]{4,8}:[a-z0-9/?&=.-]{1,20}".prop_map(|t| t.parse().expect("other")),
    ]
}

pub(super) fn name_addr() -> impl Strategy<Value = NameAddr> {
    let params = vec(("[a-z.-]{1,6}", option::of(text())), 0..4);
    (option::of(text()), any_uri(), params).prop_map(|(display, uri, params)| {
        let mut address = NameAddr::new(uri);
        // The model's own normal form: no white space at the ends, no empty name.
        let display = display.map(|text| NameAddr::new(address.uri.clone()).with_display(&text));
        let display = display.and_then(|named| named.display);
        let display = display.map(|text| text.trim().to_owned());
        address.display = display.filter(|text| !text.is_empty());
        for (name, value) in params {
            address.params.set(&name, value.as_deref());
        }
        address
    })
}

fn request() -> impl Strategy<Value = Request> {
    let other = vec(("[A-Z][a-z-]{2,9}", text()), 0..4);
    (any_uri(), name_addr(), name_addr(), vec(name_addr(), 0..3), other, vec(any::<u8>(), 0..40))
        .prop_map(|(uri, from, to, contacts, other, body)| {
            let uri = match uri {
                Uri::Other(_) => "sip:a@example.com".parse().expect("sip"),
                known => known,
            };
            let mut request = Request::new(Method::Message, uri);
            request.headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
            request.headers.push(HeaderName::From, from);
            request.headers.push(HeaderName::To, to);
            request.headers.push(HeaderName::CallId, "1@h");
            request.headers.push(HeaderName::CSeq, "7 MESSAGE");
            for contact in contacts {
                request.headers.push(HeaderName::Contact, contact);
            }
            for (name, value) in other {
                let name = HeaderName::parse(&format!("X-{name}")).expect("a token");
                request.headers.push(name, value);
            }
            request.body = body;
            request
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_uri_prints_as_it_parses(uri in any_uri()) {
        prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
    }

    #[test]
    fn a_number_as_sip_user_is_the_same_number(number in tel_uri()) {
        let sip = Uri::Sip(number.to_sip("h".parse().expect("a host"), None));
        let again: Uri = sip.to_string().parse().expect("a URI");
        let read = again.telephone().expect("a number");
        prop_assert!(read.is_equivalent(&number), "{} {}", read, number);
        prop_assert_eq!(Uri::Sip(read.to_sip("h".parse().expect("a host"), None)), again);
    }

    #[test]
    fn an_address_prints_as_it_parses(address in name_addr()) {
        prop_assert_eq!(address.to_string().parse::<NameAddr>(), Ok(address));
    }

    #[test]
    fn a_request_prints_as_it_parses(request in request()) {
        prop_assert_eq!(accept(&request.to_bytes()), Message::Request(request));
    }

    #[test]
    fn what_is_taken_prints_to_something_that_is_taken_as_the_same(bytes in mutated()) {
        if let Ok(view) = View::parse(&bytes)
            && let Ok(message) = view.to_message()
        {
            prop_assert_eq!(accept(&message.to_bytes()), message);
        }
    }

    #[test]
    fn no_octets_make_the_parser_fall_over(bytes in vec(any::<u8>(), 0..300)) {
        touch(&bytes);
    }

    #[test]
    fn no_change_to_a_message_makes_the_parser_fall_over(bytes in mutated()) {
        touch(&bytes);
    }

    #[test]
    fn no_field_makes_its_parser_fall_over(bytes in vec(any::<u8>(), 0..60), text in "[ -~]{0,40}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            let _ = Uri::parse(bytes).map(|uri| (uri.to_string(), uri.user().map(String::from)));
            let _ = (NameAddr::parse(bytes), Via::parse(bytes), CSeq::parse(bytes));
            let _ = (Reason::parse(bytes), ContentType::parse(bytes), RetryAfter::parse(bytes));
        }
    }
}

/// A good message with a few octets changed, doubled or gone.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let good = wire(
        "INVITE sip:bob@example.com;x=1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport, SIP/2.0/TCP h;received=[::1]
From: \"A. \\\"B\\\"\" <sip:a%20b@h.example;lr>;tag=1
To: C <tel:+1-201;ext=5>;x=\"y z\"
m: <sip:a@192.0.2.1>;q=0.5;+sip.instance=\"<urn:x>\"
Call-ID: 1@h
CSeq: 7 INVITE
Subject: folded
 here
Content-Length: 4

v=0
",
    );
    let octet =
        prop_oneof![any::<u8>(), Just(b'"'), Just(b'<'), Just(b';'), Just(b','), Just(b'\r')];
    vec((0..good.len(), octet, 0..3u8), 1..5).prop_map(move |changes| {
        let mut bytes = good.clone();
        for (at, octet, kind) in changes {
            let at = at.min(bytes.len() - 1);
            match kind {
                0 => bytes[at] = octet,
                1 => bytes.insert(at, octet),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

/// Everything a receiver does.
fn touch(bytes: &[u8]) {
    let Ok(view) = View::parse(bytes) else {
        return;
    };
    let _ = (view.top_via(), view.from(), view.to(), view.cseq(), view.contact(), view.body());
    match view.to_message() {
        Ok(message) => drop(message.to_bytes()),
        Err(rejected) => drop(rejected.response.map(|response| response.to_bytes())),
    }
}
