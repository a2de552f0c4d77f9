//! Bodies of several parts, and pieces of messages.

use proptest::collection::vec;
use proptest::prelude::*;

use super::round_trip::{any_uri, name_addr, text};
use super::*;
use crate::message::multipart::*;
use crate::message::*;

fn media(text: &str) -> ContentType {
    ContentType::parse(text.as_bytes()).expect("a type")
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn bodies<'a>(multipart: &'a Multipart<'_>) -> Vec<&'a [u8]> {
    multipart.parts().iter().map(|part| part.body).collect()
}

/// What parses under the boundary `b`.
fn parse(text: &str) -> Result<Vec<Vec<u8>>, MultipartError> {
    let body = crlf(text);
    let multipart = Multipart::parse(&media("multipart/mixed;boundary=b"), &body)?;
    Ok(bodies(&multipart).into_iter().map(<[u8]>::to_vec).collect())
}

#[test]
fn the_example_of_rfc_2046_5_1_1_has_two_parts() {
    let body = crlf(
        "This is the preamble.  It is to be ignored, though it
is a handy place for composition agents to include an
explanatory note to non-MIME conformant readers.

--simple boundary

This is implicitly typed plain US-ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain US-ASCII text.
It DOES end with a linebreak.

--simple boundary--

This is the epilogue.  It is also to be ignored.
",
    );
    let media = media("multipart/mixed; boundary=\"simple boundary\"");
    let multipart = Multipart::parse(&media, &body).expect("good");
    let [first, second] = multipart.parts() else {
        panic!("two parts");
    };
    assert!(first.content_type().expect("good").is("text/plain"));
    assert!(first.body.ends_with(b"It does NOT end with a linebreak."));
    let charset = second.content_type().expect("good");
    assert_eq!(charset.params.value("charset"), Some("us-ascii"));
    assert!(second.body.ends_with(b"It DOES end with a linebreak.\r\n"));
}

#[test]
fn a_part_may_be_empty_or_have_fields_alone() {
    assert_eq!(parse("--b\n\n--b--"), Ok(vec![vec![]]));
    assert_eq!(parse("--b\n--b--"), Ok(vec![vec![]]));
    assert_eq!(parse("--b\nContent-Type: a/b\n--b--"), Ok(vec![vec![]]));
    assert_eq!(
        parse("--b\nContent-Type: a/b\n\n--b\n\n\n\n--b--"),
        Ok(vec![vec![], b"\r\n".into()])
    );
}

#[test]
fn only_a_whole_line_is_a_delimiter() {
    let one = |content: &str| Ok(vec![crlf(content)]);
    for content in ["--bb", "x--b", " --b", "--b-", "--b--x", "-- b", "--B", "-b", "\r--b\r"] {
        assert_eq!(parse(&format!("--b\n\n{content}\n--b--\n")), one(content), "{content:?}");
    }
    assert_eq!(parse("--b \t\n\nx\n--b-- \t\nepilogue --b\n"), one("x"), "padding is ignored");
    let mut body = crlf("--b\n\nx\n--b--");
    body.retain(|octet| *octet != b'\r');
    let lines = Multipart::parse(&media("multipart/mixed;boundary=b"), &body);
    assert_eq!(lines, Err(MultipartError::Empty), "a line feed alone ends no line");
}

#[test]
fn an_inner_boundary_may_begin_like_the_outer() {
    let body = crlf(
        "--b\nContent-Type: multipart/mixed;boundary=b--x\n\n--b--x\n\ninner\n--b--x--\n\n--b\n\nouter\n--b--",
    );
    let outer = Multipart::parse(&media("multipart/mixed;boundary=b"), &body).expect("good");
    let [first, second] = outer.parts() else {
        panic!("two parts");
    };
    assert_eq!(second.body, b"outer");
    let inner = Multipart::parse(&first.content_type().expect("good"), first.body).expect("good");
    assert_eq!(bodies(&inner), [b"inner"]);
}

#[test]
fn malformed_bodies_are_refused_by_name() {
    for (text, error) in [
        ("", MultipartError::Empty),
        ("--c\n\nx\n--c--", MultipartError::Empty),
        ("--b--", MultipartError::Empty),
        ("--b\n\nx", MultipartError::Unterminated),
        ("--b\n\nx\n--b", MultipartError::Unterminated),
        ("--b\nno field\n\nx\n--b--", MultipartError::Field),
        ("--b\n: x\n\nx\n--b--", MultipartError::Field),
        ("--b\nX: \u{0}\n\nx\n--b--", MultipartError::Field),
        ("--b\nX: \u{0}\n--b--", MultipartError::Field),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
    for boundary in ["", ";boundary=\"\"", ";boundary=\"a \"", ";boundary=\"a;b\"", ";boundary"] {
        let media = media(&format!("multipart/mixed{boundary}"));
        assert_eq!(Multipart::parse(&media, b""), Err(MultipartError::Boundary), "{boundary}");
    }
    let long = media(&format!("multipart/mixed;boundary={}", "b".repeat(71)));
    assert_eq!(Multipart::parse(&long, b""), Err(MultipartError::Boundary));
}

#[test]
fn parts_fields_and_depth_are_bounded() {
    let body = |count| format!("{}--b--", "--b\n\nx\n".repeat(count));
    assert_eq!(parse(&body(MAX_PARTS)).map(|parts| parts.len()), Ok(MAX_PARTS));
    assert_eq!(parse(&body(MAX_PARTS + 1)), Err(MultipartError::TooManyParts));
    let fields = |count| format!("--b\n{}\nx\n--b--", "X: y\n".repeat(count));
    assert_eq!(parse(&fields(32)).map(|parts| parts.len()), Ok(1));
    assert_eq!(parse(&fields(33)), Err(MultipartError::Field));
    let nested = |depth: usize| {
        (0..depth).fold(("application/sdp".to_owned(), "v=0".to_owned()), |(kind, inner), at| {
            let body = format!("--b{at}\nContent-Type: {kind}\n\n{inner}\n--b{at}--");
            (format!("multipart/mixed;boundary=b{at}"), body)
        })
    };
    let (kind, text) = nested(MAX_DEPTH);
    assert_eq!(find(&media(&kind), &crlf(&text), "application/sdp"), Ok(Some(&b"v=0"[..])));
    let (kind, text) = nested(MAX_DEPTH + 1);
    assert_eq!(find(&media(&kind), &crlf(&text), "application/sdp"), Err(MultipartError::TooDeep));
}

const TWO: &str = "--b\nContent-Type: application/sdp\nContent-Disposition: early-session\n\nearly
--b\nContent-Type: Application/SDP\nContent-ID: <1@h>\n\nfirst
--b\nContent-Type: application/sdp\nContent-Transfer-Encoding: base64\n\nYQ==
--b\nContent-Type: application/sdp\nContent-Transfer-Encoding: 8bit\n\nlast
--b\nContent-Type: image/png\n\n?\n--b--";

#[test]
fn of_mixed_parts_the_first_that_fits_is_meant_and_of_alternatives_the_last() {
    let body = crlf(TWO);
    let found = |kind: &str, wanted| {
        find(&media(&format!("multipart/{kind};boundary=b")), &body, wanted).expect("good")
    };
    assert_eq!(found("mixed", "application/sdp"), Some(&b"first"[..]));
    assert_eq!(found("related", "application/sdp"), Some(&b"first"[..]));
    assert_eq!(found("ALTERNATIVE", "application/sdp"), Some(&b"last"[..]));
    assert_eq!(found("mixed", "application/isup"), None);
    assert_eq!(find(&media("application/sdp"), b"x", "application/sdp"), Ok(Some(&b"x"[..])));
    assert_eq!(find(&media("text/plain"), b"x", "application/sdp"), Ok(None));
}

#[test]
fn a_message_gives_the_session_among_its_parts() {
    let mut request = Request::new(Method::Invite, "sip:a@h".parse().expect("a URI"));
    assert_eq!(request.part("application/sdp"), Ok(None));
    request.set_body("multipart/mixed;boundary=b", crlf(TWO));
    assert_eq!(request.part("application/sdp"), Ok(Some(&b"first"[..])));
    request.set_body("multipart/mixed", crlf(TWO));
    assert_eq!(request.part("application/sdp"), Err(MultipartError::Boundary));
    request.set_body("nonsense", crlf(TWO));
    assert_eq!(request.part("application/sdp"), Err(MultipartError::Malformed(Malformed::Token)));
}

#[test]
fn a_part_tells_its_fields_whatever_their_case_and_folds() {
    let body =
        crlf("--b\nCONTENT-TYPE: text/html;\n charset=x\ncontent-id: <a@h>\nX-Y : z \n\n--b--");
    let multipart = Multipart::parse(&media("multipart/mixed;boundary=b"), &body).expect("good");
    let [part] = multipart.parts() else {
        panic!("one part");
    };
    assert_eq!(part.content_type().expect("good").params.value("charset"), Some("x"));
    assert_eq!(part.content_id(), Some(&b"a@h"[..]));
    assert_eq!(part.disposition(), Ok(None));
    let names: Vec<_> = part.fields().map(|(name, _)| name).collect();
    assert_eq!(names, [&b"CONTENT-TYPE"[..], b"content-id", b"X-Y"]);
    assert_eq!(
        part.to_owned().headers.first(&HeaderName::parse("x-y").expect("a token")),
        Some("z")
    );
}

#[test]
fn a_part_s_field_with_commas_stays_one_field_and_its_length_is_dropped() {
    let body = format!("--b\nContact: {}\nl: 7\n\n--b--", "<sip:a@h>, ".repeat(40));
    let body = crlf(&body);
    let multipart = Multipart::parse(&media("multipart/mixed;boundary=b"), &body).expect("good");
    let parts: Vec<_> = multipart.parts().iter().map(Part::to_owned).collect();
    assert_eq!(parts[0].headers.len(), 1);
    let body = MultipartBody { subtype: Token::new("mixed").expect("a token"), parts };
    let (media, printed) = body.print();
    Multipart::parse(&media, &printed).expect("what we print is read");
}

#[test]
fn a_boundary_is_chosen_that_no_part_holds() {
    let part = |body: &str| BodyPart::new("text/plain", body.as_bytes().to_vec());
    let mixed = |parts: Vec<BodyPart>| {
        let body = MultipartBody { subtype: Token::new("mixed").expect("a token"), parts };
        body.print()
    };
    let (first, _) = mixed(vec![part("")]);
    let (again, _) = mixed(vec![part("")]);
    assert_eq!(first, again);
    // FNV-1a of no octets begins the search; a part with that text must move it on.
    let boundary = first.params.value("boundary").expect("there").to_owned();
    assert_eq!(boundary, "part-cbf29ce484222325");
    let (other, body) = mixed(vec![part(&boundary)]);
    assert_ne!(other.params.value("boundary"), Some(&*boundary));
    let multipart = Multipart::parse(&other, &body).expect("good");
    assert_eq!(bodies(&multipart), [boundary.as_bytes()]);
}

#[test]
fn the_status_line_of_a_notify_is_read_as_phones_send_it() {
    for text in
        ["SIP/2.0 200 OK\r\n", "SIP/2.0 200 OK", "SIP/2.0 200 OK\n", "sip/2.0 200 OK\r\n\r\n"]
    {
        let fragment = SipFragment::parse(text.as_bytes()).expect(text);
        assert_eq!(fragment, SipFragment::status_line(Status::OK, "OK"), "{text:?}");
        assert_eq!(fragment.to_bytes(), b"SIP/2.0 200 OK\r\n");
    }
    assert_eq!(SipFragment::parse(b"SIP/2.0 100").expect("good").status(), Some(Status::TRYING));
}

#[test]
fn the_fragments_of_rfc_3420_2_2_are_read() {
    let request = SipFragment::parse(&crlf(
        "INVITE sip:alice@atlanta.com SIP/2.0\nTo: sip:alice@atlanta.com\nContact: <sip:bob@h>, <sip:c@h>\n",
    ));
    let request = request.expect("good");
    assert!(matches!(request.start, Some(FragmentStart::Request { method: Method::Invite, .. })));
    assert_eq!((request.headers.len(), request.status()), (3, None));
    let fields =
        SipFragment::parse(&crlf("From: Alice <sip:alice@atlanta.com>\nDate: x\n")).expect("good");
    assert_eq!((fields.start.is_none(), fields.headers.len()), (true, 2));
    let body = SipFragment::parse(&crlf(
        "SIP/2.0 603 Declined\nContent-Type: text/plain\nContent-Length: 2\n\nabc",
    ));
    assert_eq!(body.expect("good").body, b"ab");
    assert_eq!(SipFragment::parse(b""), Ok(SipFragment::default()));
}

#[test]
fn a_first_field_that_looks_like_a_request_line_is_a_field() {
    for text in ["INVsip:alice@example.com SIP/1.0\n", "X : y SIP/2.0\n"] {
        let fragment = SipFragment::parse(&crlf(text)).expect("good");
        assert_eq!((&fragment.start, fragment.headers.len()), (&None, 1), "{text}");
        assert_eq!(SipFragment::parse(&fragment.to_bytes()), Ok(fragment));
    }
}

#[test]
fn malformed_fragments_are_refused_by_name() {
    for (text, fault) in [
        ("SIP/3.0 200 OK\n", Fault::Version),
        ("SIP/2.0 99 OK\n", Fault::StatusCode),
        ("SIP/2.0 2000 OK\n", Fault::StatusCode),
        ("INV{ITE sip:a@h SIP/2.0\n", Fault::Method),
        ("INVITE sip: SIP/2.0\n", Fault::RequestUri),
        ("hello\n", Fault::HeaderLine),
        ("To: a\u{0}b\n", Fault::ControlCharacter),
        ("Content-Length: x\n\n", Fault::ContentLength),
        ("Content-Length: 5\n\nabc", Fault::BodyTruncated),
    ] {
        assert_eq!(SipFragment::parse(&crlf(text)), Err(fault), "{text}");
    }
    for many in ["X: y\n".repeat(MAX_HEADERS), format!("Via: {}", "a,".repeat(MAX_HEADERS))] {
        assert_eq!(SipFragment::parse(&crlf(&many)), Err(Fault::TooManyHeaders));
    }
}

fn headers() -> impl Strategy<Value = Headers> {
    (vec(text(), 0..3), vec(name_addr(), 0..2)).prop_map(|(texts, contacts)| {
        let mut headers = Headers::new();
        texts.into_iter().for_each(|text| headers.push(HeaderName::Subject, text));
        contacts.into_iter().for_each(|contact| headers.push(HeaderName::Contact, contact));
        headers
    })
}

fn fragment() -> impl Strategy<Value = SipFragment> {
    let start = prop_oneof![
        Just(None),
        (any_uri()).prop_map(|uri| Some(FragmentStart::Request { method: Method::Refer, uri })),
        (100..700u16, text()).prop_map(|(code, reason)| {
            SipFragment::status_line(Status::new(code).expect("a status"), &reason).start
        }),
    ];
    (start, headers(), vec(any::<u8>(), 0..20)).prop_map(|(start, headers, body)| SipFragment {
        start,
        headers,
        body,
    })
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        "[\r\n -]{0,9}(--part-)?[0-9a-f\r\n-]{0,20}".prop_map(Into::into)
    ]
}

proptest! {
    #[test]
    fn parts_print_as_they_parse(parts in vec((headers(), octets()), 1..5)) {
        let parts = parts.into_iter().map(|(headers, body)| BodyPart { headers, body }).collect();
        let body = MultipartBody { subtype: Token::new("mixed").expect("a token"), parts };
        let (media, bytes) = body.print();
        let read = Multipart::parse(&media, &bytes).expect("good");
        let read: Vec<_> = read.parts().iter().map(Part::to_owned).collect();
        prop_assert_eq!(read, body.parts);
    }

    #[test]
    fn a_fragment_prints_as_it_parses(fragment in fragment()) {
        prop_assert_eq!(SipFragment::parse(&fragment.to_bytes()), Ok(fragment));
    }

    #[test]
    fn no_octets_make_parts_or_fragments_fall_over(
        bytes in vec(any::<u8>(), 0..80),
        likely in "(--b|--|\r\n|X: y|[ -~\r\n]){0,30}",
    ) {
        for bytes in [bytes.as_slice(), likely.as_bytes()] {
            let _ = SipFragment::parse(bytes);
            let Ok(multipart) = Multipart::parse(&media("multipart/mixed;boundary=b"), bytes) else {
                continue;
            };
            for part in multipart.parts() {
                let _ = (part.content_type(), part.disposition(), part.content_id(), part.to_owned());
            }
        }
    }
}
